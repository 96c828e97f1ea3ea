"""Numbers that are drawn from names: the same on every machine, in every order, at any time.

MMA's groove library: which grooves a file defines, and how many beats its bars have.

Which part a groove file belongs to. No file is in two parts, so a test clip's groove was never heard in training.

What is drawn for a clip before a note is written: genre, groove, tempo, key, chords, sound.
"""

import hashlib
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random

from keras_musictag.gmtag.genres import GENRES, genres_of, groove_files
from keras_musictag.gmtag.harmony import Chord, Key, draw_progression
from keras_musictag.gmtag.packages import CLIP_SECONDS, LONGEST_OFFSET_SECONDS, Sound, draw_sound
from keras_musictag.records.schema import PARTS

VERSION = "gmtag-1"  # of the corpus: a change of any clip's notes or tags needs another one


def number(*names: str | int) -> int:
    """A number of 64 bits that depends on some names only: the start of SHA-256 of `version/name/name/...`.

    Example:
        >>> number("train", 7) == number("train", 7), number("train", 7) == number("train", 8)
        (True, False)
    """
    text = "/".join(map(str, (VERSION, *names)))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


BEATS_PER_BAR = 4  # MMA's own default, for files that do not say
_NOT_A_BODY = re.compile("(?i)intro|end|fill")  # these last a bar or two and then stop or repeat a break


@cache
def _text(library: Path, file: str) -> str:
    return (library / f"{file}.mma").read_text(encoding="latin-1")


def grooves_in(library: Path, file: str) -> tuple[str, ...]:
    """The grooves of a file that a whole clip can be played with: no introductions, endings or fills.

    Args:
        library: MMA's folder of libraries, such as /usr/share/mma/lib.
        file: A file in it without `.mma`, such as "stdlib/march".
    """
    names = re.findall(r"(?im)^\s*DefGroove\s+(\S+)", _text(library, file))
    return tuple(name for name in names if not _NOT_A_BODY.search(name) and not name.endswith("E"))


def beats_per_bar(library: Path, file: str) -> int:
    """How many beats (quarter notes, as MMA counts) a bar of a groove file has."""
    found = re.search(r"(?im)^\s*Time\s+(\d+)", _text(library, file))
    return int(found.group(1)) if found else BEATS_PER_BAR


TEST_SHARE, VALID_SHARE = 0.15, 0.07  # of the files that no genre needs for being in every part
_DRUM_PARTS = ("train", "test", "valid", "train", "train")


@cache
def part_of_files() -> dict[str, str]:
    """The part of each groove file.

    First each genre gets a file in each part, those with the fewest files first; the rest goes by lot.

    Example:
        >>> part_of_files()["stdlib/jazzwaltz"] in ("train", "valid", "test")
        True
    """
    order = sorted(groove_files(), key=lambda file: number("split", file))
    parts: dict[str, str] = {}
    for part in reversed(PARTS):
        for name in sorted(GENRES, key=lambda name: (len(GENRES[name].groove_files), name)):
            if not any(parts.get(file) == part for file in GENRES[name].groove_files):
                parts[next(file for file in order if file not in parts and name in genres_of(file))] = part
    for file in order:
        parts.setdefault(file, _by_lot(file))
    return parts


def _by_lot(file: str) -> str:
    lot = number("share", file) % 1000 / 1000
    return "test" if lot < TEST_SHARE else "valid" if lot < TEST_SHARE + VALID_SHARE else "train"


def files_of(genre: str, part: str) -> tuple[str, ...]:
    """The groove files of a genre in a part."""
    return tuple(file for file in GENRES[genre].groove_files if part_of_files()[file] == part)


def drum_grooves_of(drum_file: str, grooves: Sequence[str], part: str) -> tuple[str, ...]:
    """The drum patterns of a file that a part may use: three fifths for train, a fifth for each other part.

    Args:
        drum_file: A file of drum patterns, such as "zoom/mtl".
        grooves: All the patterns in it.
        part: "train", "valid" or "test".
    """
    order = sorted(grooves, key=lambda groove: number("drums", drum_file, groove))
    return tuple(groove for place, groove in enumerate(order) if _DRUM_PARTS[place % len(_DRUM_PARTS)] == part)


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
    files = files_of(genre, part)
    if only_four_beats:  # as the drum patterns have
        files = tuple(file for file in files if beats_per_bar(library, file) == BEATS_PER_BAR)
    return rng.choice(files)


def _draw_grooves(rng: Random, names: tuple[str, ...]) -> tuple[str, ...]:
    first = rng.choice(names)
    second = rng.choice(names) if rng.random() < _SECOND_GROOVE_SHARE else first
    return (first,) if first == second else (first, second)


def _draw_drums(rng: Random, file: str, part: str, library: Path) -> str:
    return f"{file}:{rng.choice(drum_grooves_of(file, grooves_in(library, file), part))}"


def _bars(bpm: int, beats: int) -> int:
    """Bars that last through the longest offset, the clip and a little more."""
    seconds = LONGEST_OFFSET_SECONDS + CLIP_SECONDS + _SPARE_SECONDS
    return math.ceil(seconds * bpm / 60 / beats) + 2
