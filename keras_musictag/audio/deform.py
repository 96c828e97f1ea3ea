"""Deformations of a waveform: seeded pure functions, for tests of robustness and for training.

- `time_stretch`: faster or slower at the same pitch.
- `pitch_shift`: higher or lower at the same length.
- `dynamic_range`: a smaller dynamic range, as with sox's `compand`.
- `white_noise`: noise, as a share of the peak.

Each takes mono float32 (samples,) and returns the same; none changes its input. A deformation is part of an evaluation
protocol, so each has a `..._VERSION`, which is raised whenever its output changes.

Source: Won et al., "Evaluation of CNN-based automatic music tagging models", SMC 2020; its deformations follow McFee et
al., "A software framework for musical data augmentation", ISMIR 2015. docs/deformations.md lists the amounts of the
2020 evaluation, and how close the results are to sox's.
"""

from dataclasses import dataclass
from numbers import Real

import av
import numpy as np

from keras_musictag.audio.resampling import check_rate_hz
from keras_musictag.errors import AudioError, UnknownNameError


def check_samples(samples: np.ndarray) -> np.ndarray:
    """Returns float (samples,) as float32, or raises an error that says what is wrong with it.

    Raises:
        TypeError: If it is not an array of floats.
        AudioError: If it is not mono, is empty, or holds NaN or infinite samples. (It is a ValueError too.)
    """
    samples = np.asarray(samples)
    if samples.dtype.kind != "f":
        raise TypeError(f"`samples` must be floats; `as_mono` scales integers. Received: dtype {samples.dtype}.")
    if samples.ndim != 1 or samples.size == 0:
        raise AudioError(
            f"`samples` must be mono, shape (samples,), with at least one sample. Received: shape {samples.shape}."
        )
    if not np.isfinite(samples).all():
        count = int(np.count_nonzero(~np.isfinite(samples)))
        raise AudioError(f"`samples` must be finite. Received: {count} of {samples.size} are NaN or infinite.")
    return samples.astype(np.float32, copy=False)


def check_amount(value: float, name: str, lowest: float, highest: float, hint: str) -> float:
    """Returns a number within limits, as a float.

    Raises:
        TypeError: If it is not a real number.
        ValueError: If it is outside the limits; the message ends with the hint.
    """
    if not isinstance(value, Real) or isinstance(value, bool):
        raise TypeError(f"`{name}` must be a number. Received: {value!r}.")
    if not lowest <= value <= highest:
        raise ValueError(f"`{name}` must be from {lowest:g} to {highest:g}. Received: {value}. {hint}")
    return float(value)


TIME_STRETCH_VERSION = 1
WINDOW_SAMPLES = 2048  # the default `n_fft` of librosa; shorter sounds are padded to it
MIN_RATE, MAX_RATE = 0.1, 10.0  # nothing is left of the music outside these limits


def time_stretch(samples: np.ndarray, rate: float) -> np.ndarray:
    """Changes the speed and keeps the pitch, with librosa's phase vocoder.

    Args:
        samples: Float32 (samples,), mono, any sample rate.
        rate: Speed factor from 0.1 to 10: above 1 is faster, and so shorter.

    Returns:
        Float32 (round(samples / rate),), at least one sample. Peaks may slightly exceed 1: nothing is clipped.

    Raises:
        TypeError: If the samples are not floats, or the rate is not a number.
        ValueError: If the rate is not between 0.1 and 10.
        AudioError: If the samples are not mono, empty, or not finite.

    Source:
        librosa (0.11) with its defaults: STFT of 2048 samples, Hann window, hop of 512, frames centred by padding with
        zeros. The librosa of the 2020 evaluation, whose rates are 2 ** -0.5 and 2 ** 0.5, padded by reflection. A sound
        shorter than one window is padded with zeros to one window.

    Example:
        >>> samples = np.sin(np.arange(16000) * 0.1, dtype=np.float32)
        >>> time_stretch(samples, rate=2.0).shape
        (8000,)
    """
    rate = check_amount(rate, "rate", MIN_RATE, MAX_RATE, "It is a factor: 1.1 for a tenth faster.")
    samples = check_samples(samples)
    import librosa  # takes a second

    padded = np.pad(samples, (0, max(0, WINDOW_SAMPLES - len(samples))))
    return librosa.effects.time_stretch(padded, rate=rate)[: stretched_length(len(samples), rate)]


def stretched_length(num_samples: int, rate: float) -> int:
    """Returns how many samples `time_stretch` returns.

    Example:
        >>> stretched_length(465984, 2**0.5)
        329500
    """
    return max(1, round(num_samples / rate))


PITCH_SHIFT_VERSION = 1
MAX_SEMITONES = 24.0


def pitch_shift(samples: np.ndarray, sample_rate_hz: float, semitones: float) -> np.ndarray:
    """Changes the pitch and keeps the speed, with librosa: a time stretch, then a change of the sample rate.

    Args:
        samples: Float32 (samples,), mono.
        sample_rate_hz: Their sample rate, Hz.
        semitones: How far up, from -24 to 24; negative is down. Fractions are allowed.

    Returns:
        Float32 (samples,), the same length. After a shift up, frequencies above half the sample rate are filtered out;
        after a shift down, the top of the spectrum is empty. Peaks may slightly exceed 1: nothing is clipped.

    Raises:
        TypeError: If the samples are not floats, or an argument is not a number.
        ValueError: If the semitones or the sample rate are outside their limits.
        AudioError: If the samples are not mono, empty, or not finite.

    Source:
        librosa (0.11) with its defaults: the STFT of `time_stretch`, twelve equal semitones per octave, resampling by
        "soxr_hq". The librosa of the 2020 evaluation, whose amounts are -1 and +1 semitone, resampled by resampy's
        "kaiser_best" and padded by reflection. A sound shorter than one window is padded with zeros to one window.

    Example:
        >>> samples = np.sin(np.arange(16000) * 0.1, dtype=np.float32)
        >>> pitch_shift(samples, 16000, semitones=-1).shape
        (16000,)
    """
    hint = "An octave has 12 semitones."
    semitones = check_amount(semitones, "semitones", -MAX_SEMITONES, MAX_SEMITONES, hint)
    check_rate_hz(sample_rate_hz, "`sample_rate_hz`")
    samples = check_samples(samples)
    import librosa  # takes a second

    padded = np.pad(samples, (0, max(0, WINDOW_SAMPLES - len(samples))))
    return librosa.effects.pitch_shift(padded, sr=sample_rate_hz, n_steps=semitones)[: len(samples)]


DYNAMIC_RANGE_VERSION = 1
STEP_16, STEP_32 = 2.0**-15, 2.0**-31  # of 16-bit samples, and of the 32-bit samples in which sox computes
BLOCK_SAMPLES = 2**16  # that FFmpeg gets at once: its frames must stay below 2 GiB


@dataclass(frozen=True)
class Compander:
    """Settings of a compander, which follows the level of a sound and applies the gain of a curve at that level.

    Attributes:
        attack_seconds, decay_seconds: How quickly the level follows a louder and a softer sound.
        points_db: Points of the curve, pairs (input level, output level) in dB, rising; the last input level is 0 dB.
        gain_db: Gain that is applied after the curve.
        delay_seconds: How far the gain is ahead of the sound. The output is not delayed.
    """

    attack_seconds: float
    decay_seconds: float
    points_db: tuple[tuple[float, float], ...]
    gain_db: float = 0.0
    delay_seconds: float = 0.0


def _by_curve(*points_db: tuple[float, float]) -> Compander:
    """Returns one of the five presets that differ only in their curve."""
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
    """Makes loud parts softer and soft parts louder, as `sox in.wav out.wav compand <preset>` does.

    Args:
        samples: Float32 (samples,), mono. Samples outside [-1, 1] are clipped.
        sample_rate_hz: Their sample rate, Hz.
        preset: A name of `PRESETS`: "music standard", "speech", "music light", "film standard", "film light" or
            "radio".

    Returns:
        Float32 (samples,), in steps of 16 bits, in [-1, 1). Lost volume is not made up for.

    Raises:
        TypeError: If the samples are not floats, or the sample rate is not a number.
        ValueError: If the sample rate is not between 1 kHz and 768 kHz.
        UnknownNameError: If there is no such preset.
        AudioError: If the samples are not mono, empty, or not finite.

    Source:
        The 2020 evaluation, whose presets are "music standard" and "speech". As there, samples are rounded to 16 bits
        before (down, as soundfile does) and after (to the nearest). Unlike sox, nothing adds random dither before the
        rounding: the output equals that of `sox -D` (no dither), and is within one 16-bit step of plain sox's. The
        compander is FFmpeg's, which is a port of sox's effect (docs/decisions/0011).

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
    samples = (
        np.rint(samples / STEP_32) * STEP_32
    )  # as soundfile converts to 16 bits: through 32 bits, whose lower half is dropped
    samples = (np.floor(samples / STEP_16) * STEP_16).clip(-1, 1 - STEP_16)
    samples = _compand(samples, sample_rate_hz, PRESETS[preset]).clip(-1, 1 - STEP_32)
    samples = np.trunc(samples / STEP_32) * STEP_32  # the effect of sox passes 32-bit integers to its writer
    samples = np.floor(samples / STEP_16 + 0.5) * STEP_16
    return samples.clip(-1, 1 - STEP_16).astype(np.float32)


def _compand(samples: np.ndarray, sample_rate_hz: float, settings: Compander) -> np.ndarray:
    """Applies a compander to float64 (samples,); returns the same length, within [-1, 1]."""
    rate = round(sample_rate_hz)  # FFmpeg takes only whole sample rates: the times are scaled to make up for it
    scale = sample_rate_hz / rate
    # The gain at the last sample also applies to all later ones. So a delay of one sample less than the sound's length
    # has the same effect as a longer delay, with which FFmpeg would stop too early. The half sample below prevents
    # rounding down.
    delay = min(int(settings.delay_seconds * sample_rate_hz), len(samples) - 1)
    before, last = np.array(settings.points_db[-2:])
    # Unlike sox, FFmpeg rounds the corner at the last point, 0 dB: the last line is extended beyond all levels.
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


WHITE_NOISE_VERSION = 1


def white_noise(samples: np.ndarray, rate: float, rng: np.random.Generator | int) -> np.ndarray:
    """Mixes the sound with white Gaussian noise: (1 - rate) * samples + rate * noise.

    The noise is scaled so that its largest magnitude equals the highest sample of the sound. Silence stays silence.

    Args:
        samples: Float32 (samples,), mono, any sample rate.
        rate: Share of noise in the mix, from 0 to 1.
        rng: A NumPy generator or a seed; the same seed gives the same noise.

    Returns:
        Float32 (samples,). Its magnitude never exceeds the largest magnitude of the sound.

    Raises:
        TypeError: If the samples are not floats, the rate is not a number, or there is no seed.
        ValueError: If the rate is not between 0 and 1.
        AudioError: If the samples are not mono, empty, or not finite.

    Source:
        The 2020 evaluation, whose rates are 0.1 and 0.4, but seeded. As there, the noise is scaled to the highest
        sample, not to the largest magnitude, so a sound without a positive sample gets noise with a smaller peak, or
        none.

    Example:
        >>> samples = np.sin(np.arange(16000) * 0.1, dtype=np.float32)
        >>> noisy = white_noise(samples, rate=0.4, rng=0)
        >>> noisy.shape, bool((noisy == white_noise(samples, rate=0.4, rng=0)).all())
        ((16000,), True)
    """
    rate = check_amount(rate, "rate", 0.0, 1.0, "It is a share: 0.4 for 40 %.")
    samples = check_samples(samples)
    if rng is None:
        raise TypeError(
            "`rng` must be a seed or a NumPy generator, so that the noise can be repeated. Received: None. Try rng=0."
        )
    noise = np.random.default_rng(rng).standard_normal(len(samples))
    noise *= samples.max() / np.abs(noise).max()
    return ((1 - rate) * samples + rate * noise).astype(np.float32)
