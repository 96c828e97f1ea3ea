"""Chord progressions: triads of one key, some of them extended, or a twelve-bar blues."""

from dataclasses import dataclass
from random import Random

from keras_musictag.gmtag.genres import GENRES

PITCH_NAMES = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
MAJOR_SCALE, MINOR_SCALE = (0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10)
# semitones above the key note, and the kind of the triad on it
_MAJOR_TRIADS = ((0, ""), (2, "m"), (4, "m"), (5, ""), (7, ""), (9, "m"))
_MINOR_TRIADS = ((0, "m"), (3, ""), (5, "m"), (7, "m"), (8, ""), (10, ""))
_DOMINANT = 7
_BLUES_DEGREES = (0, 0, 0, 0, 5, 5, 0, 0, 7, 5, 0, 7)
_BLUES_SHARE = 0.8  # of blues clips in major
_DOMINANT_ENDING_SHARE = 0.5
_LENGTHS = (4, 4, 8, 8, 6)  # number of chords, one per bar, until the progression repeats


@dataclass(frozen=True)
class Key:
    """A key: its note as semitones above C, and its mode.

    Example:
        >>> str(Key(9, minor=True)), Key(0, minor=False).scale
        ('Am', (0, 2, 4, 5, 7, 9, 11))
    """

    pitch_class: int
    minor: bool

    @property
    def scale(self) -> tuple[int, ...]:
        """Its seven notes, as semitones above C."""
        steps = MINOR_SCALE if self.minor else MAJOR_SCALE
        return tuple(sorted((self.pitch_class + step) % 12 for step in steps))

    def __str__(self) -> str:
        return PITCH_NAMES[self.pitch_class] + ("m" if self.minor else "")


@dataclass(frozen=True)
class Chord:
    """A chord: its root as semitones above C, and its kind as MMA writes it ("", "m", "7", "M7", ...)."""

    root: int
    kind: str

    @property
    def symbol(self) -> str:
        """The chord as MMA and musicians write it, such as "Dm7"."""
        return PITCH_NAMES[self.root] + self.kind

    @property
    def triad(self) -> tuple[int, int, int]:
        """Its first three notes, as semitones above C."""
        third = 3 if self.kind.startswith("m") else 4
        return self.root, (self.root + third) % 12, (self.root + 7) % 12


def draw_progression(rng: Random, genre: str, key: Key) -> tuple[Chord, ...]:
    """Draws the chords of a clip, one per bar; the clip repeats them.

    Args:
        rng: Random generator.
        genre: A name in `GENRES`, which states how often a chord is more than a triad.
        key: The key.

    Example:
        >>> draw_progression(Random(0), "rock", Key(0, minor=False))[0].symbol
        'C'
    """

    def chord(degree: int, kind: str) -> Chord:
        return Chord((key.pitch_class + degree) % 12, _extended(rng, genre, kind))

    if genre == "blues" and not key.minor and rng.random() < _BLUES_SHARE:
        return tuple(chord(degree, "") for degree in _BLUES_DEGREES)
    triads = _MINOR_TRIADS if key.minor else _MAJOR_TRIADS
    index, chords = 0, [chord(*triads[0])]
    for _ in range(rng.choice(_LENGTHS) - 1):
        index = rng.choice([other for other in range(len(triads)) if other != index])
        chords.append(chord(*triads[index]))
    if rng.random() < _DOMINANT_ENDING_SHARE:
        chords[-1] = chord(_DOMINANT, "7" if key.minor or rng.random() < 0.5 else "")
    return tuple(chords)


def _extended(rng: Random, genre: str, kind: str) -> str:
    """Returns the kind of a chord, perhaps extended by a sixth, seventh or ninth."""
    if rng.random() >= GENRES[genre].extended_share or kind not in ("", "m"):
        return kind
    if kind == "m":
        return rng.choice(("m7", "m9", "m7"))
    return rng.choice(("7", "9") if genre == "blues" else ("M7", "6", "7"))
