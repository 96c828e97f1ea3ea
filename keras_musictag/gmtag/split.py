"""Which part a groove file belongs to. No file is in two parts, so a test clip's groove was never heard in training."""

from collections.abc import Sequence
from functools import cache

from keras_musictag.gmtag.genres import GENRES, genres_of, groove_files
from keras_musictag.gmtag.seeds import number
from keras_musictag.records.schema import PARTS

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
