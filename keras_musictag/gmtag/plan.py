"""What is drawn for a clip before a note is written: genre, groove, tempo, key, chords, sound."""

import math
from dataclasses import dataclass
from pathlib import Path
from random import Random

from keras_musictag.gmtag import split
from keras_musictag.gmtag.genres import GENRES, genres_of
from keras_musictag.gmtag.grooves import BEATS_PER_BAR, beats_per_bar, grooves_in
from keras_musictag.gmtag.harmony import Chord, Key, draw_progression
from keras_musictag.gmtag.seeds import number
from keras_musictag.gmtag.sound import CLIP_SECONDS, LONGEST_OFFSET_SECONDS, Sound, draw_sound

_BORROWING_SHARE = 0.7  # of clips of genres that have a lender
_SECOND_GROOVE_SHARE = 0.4
SECTION_BARS = 8  # the two grooves take turns
_GOLDEN_RATIO = (math.sqrt(5) - 1) / 2
_SPARE_SECONDS = 3.0  # music after the clip's end: a clip never ends with the music


@dataclass(frozen=True)
class Plan:
    """What a clip is to be.

    Attributes:
        genre: The genre that was drawn.
        groove_file: The file of MMA's library that plays the accompaniment.
        grooves: One or two grooves of it, which take turns every 8 bars.
        drum_groove: `file:groove` whose drums replace the accompaniment's, or "".
        bpm: Quarter notes a minute.
        beats_per_bar: Quarter notes.
        bars: How many are written: enough for the longest offset and the clip.
        key: The key.
        chords: One a bar; they repeat.
        mma_seed: Of MMA's own random choices.
        sound: How it is rendered.
    """

    genre: str
    groove_file: str
    grooves: tuple[str, ...]
    drum_groove: str
    bpm: int
    beats_per_bar: int
    bars: int
    key: Key
    chords: tuple[Chord, ...]
    mma_seed: int
    sound: Sound

    @property
    def genre_tags(self) -> tuple[str, ...]:
        """The genres that apply: all those of the groove file; with another file's drums the drawn one alone."""
        return (self.genre,) if self.drum_groove else genres_of(self.groove_file)

    def groove(self, bar: int) -> str:
        """The groove of a bar, counted from 0, as MMA finds it without its database."""
        return f"{self.groove_file}:{self.grooves[bar // SECTION_BARS % len(self.grooves)]}"

    def chord(self, bar: int) -> Chord:
        """The chord of a bar, counted from 0."""
        return self.chords[bar % len(self.chords)]


def draw_plan(rng: Random, part: str, index: int, library: Path) -> Plan:
    """Draws a clip.

    Args:
        rng: Where to draw from.
        part: "train", "valid" or "test": it says which groove files and soundfonts may be used.
        index: Of the clip in its part: it says the genre.
        library: MMA's folder of groove files.
    """
    name = genre_of_clip(part, index)
    genre = GENRES[name]
    borrows = bool(genre.lender) and rng.random() < _BORROWING_SHARE
    file = _draw_file(rng, genre.lender if borrows else name, part, library, only_four_beats=borrows)
    bpm = rng.randint(genre.slowest_bpm, genre.fastest_bpm)
    beats = beats_per_bar(library, file)
    key = Key(rng.randrange(12), rng.random() < genre.minor_share)
    return Plan(
        genre=name,
        groove_file=file,
        grooves=_draw_grooves(rng, grooves_in(library, file)),
        drum_groove=_draw_drums(rng, genre.drum_file, part, library) if borrows else "",
        bpm=bpm,
        beats_per_bar=beats,
        bars=_bars(bpm, beats),
        key=key,
        chords=draw_progression(rng, name, key),
        mma_seed=rng.randrange(1 << 30),
        sound=draw_sound(rng, part),
    )


def genre_of_clip(part: str, index: int) -> str:
    """The genre of a clip. Each comes as often as its weight says in any run of clips, so that few clips have all.

    The multiples of the golden ratio fall evenly between 0 and 1; each part begins elsewhere.
    """
    place = (number("genre", part) / 2**64 + index * _GOLDEN_RATIO) % 1
    place *= sum(genre.weight for genre in GENRES.values())
    for name, genre in GENRES.items():
        place -= genre.weight
        if place < 0:
            return name
    return name  # the last one, where rounding leaves a rest


def _draw_file(rng: Random, genre: str, part: str, library: Path, only_four_beats: bool) -> str:
    files = split.files_of(genre, part)
    if only_four_beats:  # as the drum patterns have
        files = tuple(file for file in files if beats_per_bar(library, file) == BEATS_PER_BAR)
    return rng.choice(files)


def _draw_grooves(rng: Random, names: tuple[str, ...]) -> tuple[str, ...]:
    first = rng.choice(names)
    second = rng.choice(names) if rng.random() < _SECOND_GROOVE_SHARE else first
    return (first,) if first == second else (first, second)


def _draw_drums(rng: Random, file: str, part: str, library: Path) -> str:
    return f"{file}:{rng.choice(split.drum_grooves_of(file, grooves_in(library, file), part))}"


def _bars(bpm: int, beats: int) -> int:
    """Bars that last through the longest offset, the clip and a little more."""
    seconds = LONGEST_OFFSET_SECONDS + CLIP_SECONDS + _SPARE_SECONDS
    return math.ceil(seconds * bpm / 60 / beats) + 2
