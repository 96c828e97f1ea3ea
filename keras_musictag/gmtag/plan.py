"""What is drawn for a clip before a note is written: genre, groove, tempo, key, chords and sound.

Everything follows from names, by `number`, so a clip is the same on every machine and in every order. MMA's library
states which grooves a file defines and how many beats its bars have. Each groove file belongs to one part, so no test
clip has a groove of the training part.
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
from keras_musictag.gmtag.sound import CLIP_SECONDS, LONGEST_OFFSET_SECONDS, Sound, draw_sound
from keras_musictag.records.schema import PARTS

VERSION = "gmtag-1"  # of the corpus: change it whenever the notes or tags of any clip change


def number(*names: str | int) -> int:
    """Returns a 64-bit number that depends on names only: the start of the SHA-256 of `version/name/name/...`.

    Example:
        >>> number("train", 7) == number("train", 7), number("train", 7) == number("train", 8)
        (True, False)
    """
    text = "/".join(map(str, (VERSION, *names)))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


BEATS_PER_BAR = 4  # MMA's own default, for files that do not state it
_NOT_A_BODY = re.compile("(?i)intro|end|fill")  # these last a bar or two, then stop or repeat a break


@cache
def _text(library: Path, file: str) -> str:
    return (library / f"{file}.mma").read_text(encoding="latin-1")


def grooves_in(library: Path, file: str) -> tuple[str, ...]:
    """Returns the grooves of a file that can play a whole clip: no introductions, endings or fills.

    Args:
        library: MMA's folder of groove files, such as /usr/share/mma/lib.
        file: Name of a file in it, without `.mma`, such as "stdlib/march".
    """
    names = re.findall(r"(?im)^\s*DefGroove\s+(\S+)", _text(library, file))
    return tuple(name for name in names if not _NOT_A_BODY.search(name) and not name.endswith("E"))


def beats_per_bar(library: Path, file: str) -> int:
    """Returns how many beats (quarter notes, as MMA counts) a bar of a groove file has."""
    found = re.search(r"(?im)^\s*Time\s+(\d+)", _text(library, file))
    return int(found.group(1)) if found else BEATS_PER_BAR


TEST_SHARE, VALID_SHARE = 0.15, 0.07  # of the files that no genre needs in order to have a file in every part
_DRUM_PARTS = ("train", "test", "valid", "train", "train")


@cache
def part_of_files() -> dict[str, str]:
    """Returns the part of each groove file.

    First, each genre gets a file in each part, starting with the genres that have the fewest files. The remaining files
    are distributed at random.

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
        parts.setdefault(file, _random_part(file))
    return parts


def _random_part(file: str) -> str:
    drawn = number("share", file) % 1000 / 1000
    return "test" if drawn < TEST_SHARE else "valid" if drawn < TEST_SHARE + VALID_SHARE else "train"


def files_of(genre: str, part: str) -> tuple[str, ...]:
    """Returns the groove files of a genre in a part."""
    return tuple(file for file in GENRES[genre].groove_files if part_of_files()[file] == part)


def drum_grooves_of(drum_file: str, grooves: Sequence[str], part: str) -> tuple[str, ...]:
    """Returns the drum patterns of a file that a part may use: three fifths for train, one fifth for each other part.

    Args:
        drum_file: A file of drum patterns, such as "zoom/mtl".
        grooves: All the patterns in it.
        part: "train", "valid" or "test".
    """
    order = sorted(grooves, key=lambda groove: number("drums", drum_file, groove))
    return tuple(groove for index, groove in enumerate(order) if _DRUM_PARTS[index % len(_DRUM_PARTS)] == part)


_BORROWING_SHARE = 0.7  # of clips of genres that have a lender
_SECOND_GROOVE_SHARE = 0.4
SECTION_BARS = 8  # two grooves alternate after this many bars
_GOLDEN_RATIO = (math.sqrt(5) - 1) / 2
_SPARE_SECONDS = 3.0  # music after the end of the clip, so that no clip contains the end of its music


@dataclass(frozen=True)
class Plan:
    """What was drawn for a clip.

    Attributes:
        genre: The genre that was drawn.
        groove_file: The file of MMA's library that plays the accompaniment.
        grooves: One or two of its grooves, which alternate every 8 bars.
        drum_groove: `file:groove` whose drums replace the accompaniment's, or "".
        bpm: Quarter notes per minute.
        beats_per_bar: Quarter notes per bar.
        bars: Number of bars written: enough for the longest offset and the clip.
        key: The key.
        chords: One per bar; they repeat.
        mma_seed: Seed of MMA's own random choices.
        sound: How the clip is rendered.
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
        """All genres of the groove file; if the drums come from another file, only the genre that was drawn."""
        return (self.genre,) if self.drum_groove else genres_of(self.groove_file)

    def groove(self, bar: int) -> str:
        """The groove of a bar, counted from 0, by the name under which MMA finds it without its database."""
        return f"{self.groove_file}:{self.grooves[bar // SECTION_BARS % len(self.grooves)]}"

    def chord(self, bar: int) -> Chord:
        """The chord of a bar, counted from 0."""
        return self.chords[bar % len(self.chords)]


def draw_plan(rng: Random, part: str, index: int, library: Path) -> Plan:
    """Draws the plan of a clip.

    Args:
        rng: Random generator.
        part: "train", "valid" or "test", which decides which groove files and soundfonts may be used.
        index: Index of the clip in its part, which decides the genre.
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
    """Returns the genre of a clip. In any series of clips, each genre occurs in proportion to its weight, so that a few
    dozen clips contain all of them.

    The fractional parts of multiples of the golden ratio spread evenly between 0 and 1; the parts start at different
    ones.
    """
    position = (number("genre", part) / 2**64 + index * _GOLDEN_RATIO) % 1
    position *= sum(genre.weight for genre in GENRES.values())
    for name, genre in GENRES.items():
        position -= genre.weight
        if position < 0:
            return name
    return name  # the last one, if rounding leaves a remainder


def _draw_file(rng: Random, genre: str, part: str, library: Path, only_four_beats: bool) -> str:
    files = files_of(genre, part)
    if only_four_beats:  # to fit the drum patterns
        files = tuple(file for file in files if beats_per_bar(library, file) == BEATS_PER_BAR)
    return rng.choice(files)


def _draw_grooves(rng: Random, names: tuple[str, ...]) -> tuple[str, ...]:
    first = rng.choice(names)
    second = rng.choice(names) if rng.random() < _SECOND_GROOVE_SHARE else first
    return (first,) if first == second else (first, second)


def _draw_drums(rng: Random, file: str, part: str, library: Path) -> str:
    return f"{file}:{rng.choice(drum_grooves_of(file, grooves_in(library, file), part))}"


def _bars(bpm: int, beats: int) -> int:
    """Returns how many bars cover the longest offset, the clip and a little more."""
    seconds = LONGEST_OFFSET_SECONDS + CLIP_SECONDS + _SPARE_SECONDS
    return math.ceil(seconds * bpm / 60 / beats) + 2
