"""Compression of the dynamic range, as `sox in.wav out.wav compand <preset>` does it.

Source: Won et al., "Evaluation of CNN-based automatic music tagging models", SMC 2020, whose presets are "music
standard" and "speech"; after McFee et al., "A software framework for musical data augmentation", ISMIR 2015.
As there, samples are rounded to 16 bits before (downwards, as soundfile does it) and after (to the nearest).
Differs from its source: sox adds dither before it rounds, other dither each time; we do not. What comes out is what
`sox -D` (no dither) gives, and lies within one step of 16 bits of what plain sox gives.
The compander is FFmpeg's, which is sox's effect ported (docs/decisions/0011).
"""

from dataclasses import dataclass

import av
import numpy as np

from keras_musictag.audio.deform._check import check_samples
from keras_musictag.audio.resample import check_rate_hz
from keras_musictag.errors import UnknownNameError

VERSION = 1
STEP_16, STEP_32 = 2.0**-15, 2.0**-31  # of 16-bit samples, and of those that sox computes with
BLOCK_SAMPLES = 2**16  # handed to FFmpeg at once: its frames must stay below 2 GiB


@dataclass(frozen=True)
class Compander:
    """Settings of a compander, which follows the level of a sound and applies the gain that a curve gives for it.

    Attributes:
        attack_seconds, decay_seconds: How fast the level follows a louder and a softer sound.
        points_db: Pairs (level in, level out) in dB, rising; the last is at 0 dB in.
        gain_db: Applied after the curve.
        delay_seconds: How much earlier the gain is than the sound. The output is not delayed.
    """

    attack_seconds: float
    decay_seconds: float
    points_db: tuple[tuple[float, float], ...]
    gain_db: float = 0.0
    delay_seconds: float = 0.0


def _by_curve(*points_db: tuple[float, float]) -> Compander:
    """One of the five presets that differ in their curve only."""
    return Compander(attack_seconds=0.1, decay_seconds=0.3, points_db=points_db, delay_seconds=0.1)


PRESETS = {
    "radio": Compander(0.01, 1.0, ((-90, -90), (-70, -70), (-60, -20), (0, 0)), gain_db=-5),
    "film standard": _by_curve((-90, -90), (-70, -64), (-43, -37), (-31, -31), (-21, -21), (0, -20)),
    "film light": _by_curve((-90, -90), (-70, -64), (-53, -47), (-41, -41), (-21, -21), (0, -20)),
    "music standard": _by_curve((-90, -90), (-70, -58), (-55, -43), (-31, -31), (-21, -21), (0, -20)),
    "music light": _by_curve((-90, -90), (-70, -58), (-65, -53), (-41, -41), (-21, -21), (0, -11)),
    "speech": _by_curve((-90, -90), (-70, -55), (-50, -35), (-31, -31), (-21, -21), (0, -20)),
}


def dynamic_range(samples: np.ndarray, sample_rate_hz: float, preset: str) -> np.ndarray:
    """Makes the loud softer and the soft louder.

    Args:
        samples: Float32 (samples,), mono; what lies outside [-1, 1] is clipped.
        sample_rate_hz: Their sample rate, Hz.
        preset: A name of `PRESETS`: "music standard", "speech", "music light", "film standard", "film light" or
            "radio".

    Returns:
        Float32 (samples,), in steps of 16 bits, in [-1, 1). The volume is not made up for.

    Raises:
        TypeError: If the samples are not floats, or the sample rate is not a number.
        ValueError: If the sample rate lies outside 1 kHz to 768 kHz.
        UnknownNameError: If there is no such preset.
        AudioError: If the samples are not mono, none, or not finite.

    Example:
        >>> loud = np.sin(np.arange(32000) * 0.1, dtype=np.float32)
        >>> compressed = dynamic_range(loud, 16000, "music standard")
        >>> compressed.shape, round(float(compressed.max()), 3)
        ((32000,), 0.128)
    """
    if preset not in PRESETS:
        raise UnknownNameError.of("preset", preset, PRESETS)
    check_rate_hz(sample_rate_hz, "`sample_rate_hz`")
    samples = check_samples(samples).astype(np.float64)
    samples = np.rint(samples / STEP_32) * STEP_32  # soundfile's way to 16 bits: by 32, and the rest is cut off
    samples = (np.floor(samples / STEP_16) * STEP_16).clip(-1, 1 - STEP_16)
    samples = _compand(samples, sample_rate_hz, PRESETS[preset]).clip(-1, 1 - STEP_32)
    samples = np.trunc(samples / STEP_32) * STEP_32  # sox hands 32-bit integers from its effect to its writer
    samples = np.floor(samples / STEP_16 + 0.5) * STEP_16
    return samples.clip(-1, 1 - STEP_16).astype(np.float32)


def _compand(samples: np.ndarray, sample_rate_hz: float, settings: Compander) -> np.ndarray:
    """Applies a compander to float64 (samples,); gives as many, within [-1, 1]."""
    rate = round(sample_rate_hz)  # FFmpeg takes whole sample rates: the times make up for the rest
    scale = sample_rate_hz / rate
    # The gain of the last sample applies to all later ones. So a delay of one sample less than the sound has is as good
    # as a longer one, from which FFmpeg would return too early. Half a sample guards against rounding down.
    delay = min(int(settings.delay_seconds * sample_rate_hz), len(samples) - 1)
    before, last = np.array(settings.points_db[-2:])
    # Unlike sox, FFmpeg rounds the corner at the last point, 0 dB: the last line is drawn on to keep that out of reach.
    points = [*settings.points_db[:-1], tuple(2 * last - before)]
    graph = av.filter.Graph()
    source = graph.add_abuffer(sample_rate=rate, format="dblp", layout="mono")
    compander = graph.add(
        "compand",
        attacks=str(settings.attack_seconds * scale),
        decays=str(settings.decay_seconds * scale),
        points="|".join(f"{level}/{out}" for level, out in points),
        gain=str(settings.gain_db),
        delay=str((delay + 0.5) / rate),
    )
    graph.link_nodes(source, compander, graph.add("abuffersink")).configure()
    for start in range(0, len(samples), BLOCK_SAMPLES):
        frame = av.AudioFrame.from_ndarray(samples[None, start : start + BLOCK_SAMPLES], "dblp", "mono")
        frame.sample_rate, frame.pts = rate, start
        graph.push(frame)
    graph.push(None)
    blocks = []
    while True:
        try:
            blocks.append(graph.pull().to_ndarray()[0])
        except av.EOFError:
            return np.concatenate(blocks)
