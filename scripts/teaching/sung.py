"""Synthetic singing: alone, as a choir, and over the accompaniment of every style of ensemble."""

from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import numpy as np

from keras_musictag.gmtag.harmony import Key, draw_progression
from keras_musictag.gmtag.sound import SOUNDFONTS
from scripts.teaching import phrases
from scripts.teaching.clips import at_level, make_clip, path_of, share_of
from scripts.teaching.ensembles import Score, compose, melody_over
from scripts.teaching.phrases import SCALES, Line
from scripts.teaching.playing import draw_sound, played
from scripts.teaching.recording import in_room, recorded, rms
from scripts.teaching.solos import facts as facts  # the same soundfonts and programs accompany
from scripts.teaching.store import SAMPLE_RATE_HZ
from scripts.teaching.styles import STYLES
from scripts.teaching.voice import RANGES, draw_singer, sung

PART = "sung"
SHORTEST_SECONDS, LONGEST_SECONDS = 11.0, 17.0
_ALONE, _CHOIR = tuple(RANGES), "choir"
_TAKES_ALONE, _TAKES_OF_CHOIR, _TAKES_OF_STYLE = 50, 60, 7
_VOICE_PROGRAM = 52  # `perform` asks for one; it is not played


@dataclass(frozen=True)
class Song:
    """A clip: `kind` is a voice, "choir", or a style that accompanies."""

    kind: str
    take: int

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return f"{'with_' if self.kind in STYLES and self.kind != _CHOIR else ''}{self.kind}_{self.take:02d}"


def items(scale: float, gmtag: Path | None = None) -> list[Song]:
    """The clips of this part, or a share of them."""
    takes = {**dict.fromkeys(STYLES, _TAKES_OF_STYLE), **dict.fromkeys(_ALONE, _TAKES_ALONE), _CHOIR: _TAKES_OF_CHOIR}
    return share_of(PART, [Song(kind, take) for kind, count in takes.items() for take in range(count)], scale)


def is_done(out: Path, song: Song) -> bool:
    """Whether the clip's file exists."""
    return path_of(out, PART, song.name).is_file()


def make(out: Path, song: Song) -> None:
    """Writes the clip."""
    make_clip(out, PART, song.name, lambda rng: _draw(rng, song))


def _draw(rng: Random, song: Song) -> np.ndarray:
    seconds = round(rng.uniform(SHORTEST_SECONDS, LONGEST_SECONDS), 1)
    if song.kind in _ALONE:
        samples = _voice(rng, song.kind, *_score(rng, seconds), seconds)
    elif song.kind == _CHOIR:
        samples = _choir(rng, seconds)
    else:
        samples = _accompanied(rng, song, seconds)
    return at_level(recorded(rng, samples), rng.uniform(-28, -14))


def _score(rng: Random, seconds: float) -> tuple[Score, float]:
    """Chords to sing over, and the length of a beat."""
    beat_seconds = 60 / rng.uniform(50, 130)
    key, beats_per_bar = Key(rng.randrange(12), rng.random() < 0.5), rng.choice((3, 4, 4))
    bars = int(seconds / beat_seconds / beats_per_bar) + 1
    return Score(key, draw_progression(rng, "folk", key), beats_per_bar, bars), beat_seconds


def _voice(rng: Random, voice: str, score: Score, beat_seconds: float, seconds: float) -> np.ndarray:
    low, high = RANGES[voice]
    wanted = {(score.key.pitch_class + step) % 12 for step in SCALES["minor" if score.key.minor else "major"]}
    line = Line(
        _VOICE_PROGRAM, tuple(pitch for pitch in range(low, high + 1) if pitch % 12 in wanted), score.key.pitch_class
    )
    notes = phrases.perform(rng, melody_over(rng, score, line), 0, _VOICE_PROGRAM, beat_seconds, 0.1)
    notes.sort(key=lambda note: note.start_seconds)
    return sung(rng, notes, draw_singer(rng, voice), seconds)


def _choir(rng: Random, seconds: float) -> np.ndarray:
    """Two to five singers, each with a melody over the same chords, or two with the same one; in a room."""
    score, beat_seconds = _score(rng, seconds)
    samples = np.zeros(int(seconds * SAMPLE_RATE_HZ))
    unison = rng.random() < 0.3  # all sing the same melody, each in their own way
    voice, melody = rng.choice(_ALONE), rng.getrandbits(64)
    for _ in range(rng.randint(2, 5)):
        singing = Random(melody) if unison else rng
        one = _voice(singing, voice if unison else rng.choice(_ALONE), score, beat_seconds, seconds)
        late = int(rng.uniform(0, 0.04) * SAMPLE_RATE_HZ)
        samples[late:] += one[: len(one) - late] / rms(one) * rng.uniform(0.5, 1)
    return in_room(rng, samples)


def _accompanied(rng: Random, song: Song, seconds: float) -> np.ndarray:
    """A voice in the place of the first melody of a style."""
    style = STYLES[song.kind]
    rest = tuple(part for part in style.voices[1:] if part[0] != "lead") or style.voices[1:]
    piece = compose(rng, replace(style, voices=rest), seconds)
    sound = draw_sound(rng, rng.choice(tuple(SOUNDFONTS)))
    band = played(piece.notes, piece.controls, sound, seconds)
    voice = _voice(rng, rng.choice(_ALONE), piece.score, piece.beat_seconds, seconds)
    if rng.random() < 0.2:
        voice = in_room(rng, voice)
    count = min(len(band), len(voice))
    louder = 10 ** (rng.uniform(-3, 9) / 20)
    return voice[:count] / rms(voice) * louder + band[:count] / max(rms(band), 1e-6)
