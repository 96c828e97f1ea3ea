"""A synthetic singer: harmonics of a gliding, trembling pitch, with the loudness of the formants of a vowel.

Nobody sings in the rest of the audio, and soundfonts have only "aah" and "ooh". This voice is synthetic, but it has the
features of a voice: formants that stay while the pitch moves, vibrato, glides between notes, breath, and consonants.
"""

from dataclasses import dataclass
from itertools import pairwise
from random import Random

import numpy as np
from scipy import signal

from keras_musictag.gmtag.midi import Note
from scripts.teaching.store import SAMPLE_RATE_HZ

_FRAME_SAMPLES = 80  # pitch and formants change every 5 ms

# voice -> vowel -> formants: Hz, dB, bandwidth in Hz; after the table of formant values in the Csound manual
_FORMANTS = {
    "soprano": {
        "a": ((800, 1150, 2900, 3900, 4950), (0, -6, -32, -20, -50), (80, 90, 120, 130, 140)),
        "e": ((350, 2000, 2800, 3600, 4950), (0, -20, -15, -40, -56), (60, 100, 120, 150, 200)),
        "i": ((270, 2140, 2950, 3900, 4950), (0, -12, -26, -26, -44), (60, 90, 100, 120, 120)),
        "o": ((450, 800, 2830, 3800, 4950), (0, -11, -22, -22, -50), (70, 80, 100, 130, 135)),
        "u": ((325, 700, 2700, 3800, 4950), (0, -16, -35, -40, -60), (50, 60, 170, 180, 200)),
    },
    "alto": {
        "a": ((800, 1150, 2800, 3500, 4950), (0, -4, -20, -36, -60), (80, 90, 120, 130, 140)),
        "e": ((400, 1600, 2700, 3300, 4950), (0, -24, -30, -35, -60), (60, 80, 120, 150, 200)),
        "i": ((350, 1700, 2700, 3700, 4950), (0, -20, -30, -36, -60), (50, 100, 120, 150, 200)),
        "o": ((450, 800, 2830, 3500, 4950), (0, -9, -16, -28, -55), (70, 80, 100, 130, 135)),
        "u": ((325, 700, 2530, 3500, 4950), (0, -12, -30, -40, -64), (50, 60, 170, 180, 200)),
    },
    "tenor": {
        "a": ((650, 1080, 2650, 2900, 3250), (0, -6, -7, -8, -22), (80, 90, 120, 130, 140)),
        "e": ((400, 1700, 2600, 3200, 3580), (0, -14, -12, -14, -20), (70, 80, 100, 120, 120)),
        "i": ((290, 1870, 2800, 3250, 3540), (0, -15, -18, -20, -30), (40, 90, 100, 120, 120)),
        "o": ((400, 800, 2600, 2800, 3000), (0, -10, -12, -12, -26), (70, 80, 100, 130, 135)),
        "u": ((350, 600, 2700, 2900, 3300), (0, -20, -17, -14, -26), (40, 60, 100, 120, 120)),
    },
    "bass": {
        "a": ((600, 1040, 2250, 2450, 2750), (0, -7, -9, -9, -20), (60, 70, 110, 120, 130)),
        "e": ((400, 1620, 2400, 2800, 3100), (0, -12, -9, -12, -18), (40, 80, 100, 120, 120)),
        "i": ((250, 1750, 2600, 3050, 3340), (0, -30, -16, -22, -28), (60, 90, 100, 120, 120)),
        "o": ((400, 750, 2400, 2600, 2900), (0, -11, -21, -20, -40), (40, 80, 100, 120, 120)),
        "u": ((350, 600, 2400, 2675, 2950), (0, -20, -32, -28, -36), (40, 80, 100, 120, 120)),
    },
}
RANGES = {"soprano": (60, 81), "alto": (53, 74), "tenor": (48, 69), "bass": (40, 62)}
_VOWELS = "aeiou"


@dataclass(frozen=True)
class Singer:
    """How someone sings: drawn once per voice and clip."""

    voice: str
    vibrato_hz: float
    vibrato_cents: float
    glide_seconds: float
    breath: float  # of the voice's loudness
    bright_db: float  # per octave, added to the table
    size: float  # of the vocal tract: formants are divided by it
    syllables: bool  # consonants, and a vowel per note


def draw_singer(rng: Random, voice: str) -> Singer:
    """Draws from an operatic voice to one without vibrato."""
    return Singer(
        voice=voice,
        vibrato_hz=rng.uniform(4.5, 6.8),
        vibrato_cents=rng.choice((0, 20, 40, 70, 110)) * rng.uniform(0.7, 1.2),
        glide_seconds=rng.uniform(0.03, 0.12),
        breath=10 ** rng.uniform(-2.5, -1.3),
        bright_db=rng.uniform(-2, 3),
        size=rng.uniform(0.93, 1.07),
        syllables=rng.random() < 0.7,
    )


def sung(rng: Random, notes: list[Note], singer: Singer, seconds: float) -> np.ndarray:
    """Sings one note after the other.

    Args:
        rng: Where to draw vowels, consonants and inexactness from.
        notes: Notes in the order of their beginnings; each ends where the next one begins.
        singer: Who sings.
        seconds: Length of the clip.

    Returns:
        Float64 (samples,), 16 kHz.
    """
    count = int(seconds * SAMPLE_RATE_HZ)
    generator = np.random.default_rng(rng.getrandbits(64))
    frames = np.arange(0, count + _FRAME_SAMPLES, _FRAME_SAMPLES) / SAMPLE_RATE_HZ
    pitch, level, vowels = _scored(rng, notes, singer, frames)
    hertz = 440 * 2 ** ((pitch - 69) / 12) * (1 + 0.004 * _slow_noise(generator, len(frames)))
    samples = np.arange(count) / SAMPLE_RATE_HZ
    phase = 2 * np.pi * np.cumsum(np.interp(samples, frames, hertz)) / SAMPLE_RATE_HZ
    voiced = np.zeros(count)
    for harmonic in range(1, int(7800 / hertz.min()) + 1):
        heights = _formants(harmonic * hertz, hertz, vowels, singer) * level
        voiced += np.interp(samples, frames, heights) * np.sin(harmonic * phase + harmonic**2)
    breath = signal.lfilter(*signal.butter(2, (600, 6000), "band", fs=SAMPLE_RATE_HZ), generator.standard_normal(count))
    breath *= np.interp(samples, frames, level) * (1 + 0.5 * np.sin(phase))
    loudness = np.sqrt(np.mean(voiced**2) / max(np.mean(breath**2), 1e-12))
    voiced += singer.breath * loudness * breath
    if singer.syllables:
        _add_consonants(rng, generator, voiced, notes, float(np.sqrt(np.mean(voiced**2))))
    return voiced


def _scored(
    rng: Random, notes: list[Note], singer: Singer, frames: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pitch (MIDI), loudness and vowels (frames, 5): shares of the five vowels, from frame to frame."""
    pitch, level = np.full(len(frames), float(notes[0].pitch)), np.zeros(len(frames))
    vowels = np.zeros((len(frames), len(_VOWELS)))
    vowel = rng.randrange(len(_VOWELS))
    ends = [min(note.end_seconds, after.start_seconds) for note, after in pairwise(notes)]
    for note, end in zip(notes, [*ends, notes[-1].end_seconds], strict=True):
        begin = np.searchsorted(frames, note.start_seconds)
        here = slice(begin, max(np.searchsorted(frames, end), begin + 1))
        if singer.syllables or rng.random() < 0.2:
            vowel = rng.randrange(len(_VOWELS))
        since = frames[here] - note.start_seconds
        depth = singer.vibrato_cents / 100 * np.clip((since - 0.15) / 0.4, 0, 1)
        pitch[begin:] = note.pitch
        pitch[here] += depth * np.sin(2 * np.pi * singer.vibrato_hz * since)
        level[here] = (note.velocity / 127) ** 1.5 * np.clip(since / 0.06, 0, 1)
        vowels[begin:] = np.eye(len(_VOWELS))[vowel]
    glide = max(1, round(singer.glide_seconds * SAMPLE_RATE_HZ / _FRAME_SAMPLES))
    return _smoothed(pitch, glide), _smoothed(level, 10), np.apply_along_axis(_smoothed, 0, vowels, 12)


def _smoothed(values: np.ndarray, frames: int) -> np.ndarray:
    padded = np.pad(values, (frames, frames), mode="edge")
    return np.convolve(padded, np.hanning(frames + 2)[1:-1] / np.hanning(frames + 2).sum(), "same")[frames:-frames]


def _formants(hertz: np.ndarray, fundamental: np.ndarray, vowels: np.ndarray, singer: Singer) -> np.ndarray:
    """How loud a harmonic is at each frame."""
    heights = np.zeros(len(hertz))
    for share, vowel in zip(vowels.T, _VOWELS, strict=True):
        if not share.any():
            continue
        for number, (centre, level_db, width) in enumerate(zip(*_FORMANTS[singer.voice][vowel], strict=True)):
            centre = centre / singer.size
            if number == 0:  # a singer opens the mouth for high notes: the first formant is not below the pitch
                centre = np.maximum(centre, fundamental)
            heights += share * 10 ** (level_db / 20) / np.sqrt(1 + ((hertz - centre) / (0.7 * width)) ** 2)
    return heights * 10 ** (singer.bright_db * np.log2(np.maximum(hertz, 100) / 500) / 20)


def _slow_noise(generator: np.random.Generator, count: int) -> np.ndarray:
    """Noise below 10 Hz or so, of deviation 1: no voice holds its pitch."""
    noise = _smoothed(generator.standard_normal(count), 20)
    return noise / noise.std()


def _add_consonants(
    rng: Random, generator: np.random.Generator, samples: np.ndarray, notes: list[Note], loudness: float
) -> None:
    """Bursts and hisses before some notes, such as of t, k, s and sh."""
    for note in notes:
        if rng.random() < 0.4:
            seconds, low, high = rng.choice(
                ((0.02, 1500, 5000), (0.03, 800, 2500), (0.1, 4000, 7500), (0.11, 2000, 5500))
            )
            length = int(seconds * SAMPLE_RATE_HZ)
            start = int(note.start_seconds * SAMPLE_RATE_HZ) - length
            if 0 <= start < len(samples) - length:
                hiss = signal.lfilter(
                    *signal.butter(2, (low, high), "band", fs=SAMPLE_RATE_HZ), generator.standard_normal(length)
                )
                samples[start : start + length] += hiss * np.hanning(length) * loudness * rng.uniform(0.3, 1.0)
