"""One folder per tag: `RAW/<tag>/...`, or with stated parts `RAW/train/<tag>/...`, `RAW/valid/...`, `RAW/test/...`.

Audio files are found at any depth. The first folder below a tag names the artist, whose tracks stay in one part. Files
of equal bytes in two tag folders are one track with both tags, so that no copy leaks from one part into another.

Links to files and folders are followed, also out of RAW; a folder that contains itself through a link is skipped.
Names that begin with a dot are ignored.
"""

import hashlib
import os
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from keras_musictag.choices import FRACTIONS
from keras_musictag.datasets._split import PART_OF_NAME, divide, unclear_part
from keras_musictag.errors import DatasetError, printable
from keras_musictag.records.manifest import Manifest, Skipped, Track
from keras_musictag.tags.vocabulary import Vocabulary

SUFFIXES = frozenset(
    ".wav .wave .w64 .aif .aiff .aifc .au .caf .flac .ogg .oga .opus .mp3 .mp2 .m4a .m4b .mp4 .aac .ac3 .eac3 .amr "
    ".wma .ape .tta .wv .mpc .dsf .mka .webm".split()
)


@dataclass(frozen=True)
class _File:
    """An audio file, and what its path states: part ("" if the folders state none), tag, and artist or ""."""

    path: str
    size: int
    part: str = ""
    tag: str = ""
    artist: str = ""


def manifest(raw: Path, seed: int = 0, fractions: Sequence[float] = FRACTIONS) -> Manifest:
    """Lists a folder of tag folders. Opens only files of equal size, to compare their bytes.

    Args:
        raw: The folder.
        seed: Random seed for the split, unless RAW has folders train, valid (or validation, val, dev) and test.
        fractions: Shares of train, valid and test.

    Returns:
        A `Manifest`; `skipped` lists copies, and files whose suffix is not one of audio.

    Raises:
        FileNotFoundError: If the folder does not exist.
        DatasetError: If it has no audio in tag folders, only one tag, fewer artists than parts, or equal files in two
            parts.
        ValueError: If the fractions do not add up to 1.
    """
    raw = Path(raw)
    if not raw.is_dir():
        raise FileNotFoundError(f"There is no folder {str(raw)!r}; expected one with one folder per tag.")
    skipped: list[Skipped] = []
    has_parts = _has_part_folders(raw)
    files = sorted(_tagged_files(raw, has_parts, skipped), key=lambda file: file.path)
    vocabulary = _vocabulary(files, raw)
    copies = copies_of(raw, files, skipped, "A copy of this track, which has the tags of both.")
    if has_parts:
        parts = [_only_part(same) for same in copies]
    else:
        parts = divide([_group(same) for same in copies], seed, fractions)
    return Manifest(
        dataset="folder",
        dataset_version="local",
        split="part folders" if has_parts else f"seed {seed}, fractions {' '.join(f'{f:g}' for f in fractions)}",
        vocabulary=vocabulary,
        audio_folder=raw,
        tracks=tuple(_track(same, part) for same, part in zip(copies, parts, strict=True)),
        licence="Not stated: that of the files.",
        citation="None.",
        skipped=tuple(sorted(skipped, key=lambda entry: entry.path)),
    )


def _track(same: list[_File], part: str) -> Track:
    return Track(same[0].path, same[0].path, tuple(sorted({file.tag for file in same})), part)


def _group(same: list[_File]) -> str:
    """The artist, from whichever copy has one, else a group for the track alone."""
    artist = next((file.artist for file in same if file.artist), None)
    return f"artist {artist}" if artist else f"track {same[0].path}"


def _has_part_folders(raw: Path) -> bool:
    """Whether the top folders are parts, in any letter case. A single folder "test" among others is a tag."""
    names = sorted(entry.name for entry in os.scandir(raw) if _is_folder(entry) and not entry.name.startswith("."))
    parts = [name for name in names if name.lower() in PART_OF_NAME]
    others = [name for name in names if name.lower() not in PART_OF_NAME]
    if len(parts) > 1 and others:
        raise DatasetError(
            f"{str(raw)!r} must hold folders of parts or folders of tags. Received both: {', '.join(parts)} are parts, "
            f"{printable(others[0])!r} is not. Move it into one of the parts, or rename the part folders."
        )
    has_parts = not others and (len(parts) > 1 or "train" in (PART_OF_NAME[name.lower()] for name in parts))
    if has_parts and (unclear := unclear_part([name.lower() for name in parts])):
        raise DatasetError(
            f"{str(raw)!r}: it is not clear which part the folder {unclear[0]!r} means in a dataset {unclear[1]}. Name "
            "the part folders train, valid and test."
        )
    return has_parts


def audio_files(raw: Path, skipped: list[Skipped]) -> Iterator[_File]:
    """Yields every audio file below a folder, by its suffix; adds the others to `skipped`."""
    for path, reason in _walk(raw, "", ()):
        size, reason = (0, reason) if reason else _size(raw / path)
        if reason:
            skipped.append(Skipped(path, path, reason))
        else:
            yield _File(path, size)


def _tagged_files(raw: Path, has_parts: bool, skipped: list[Skipped]) -> Iterator[_File]:
    """Yields every audio file in a tag folder; adds the others to `skipped`."""
    above_tag = 1 if has_parts else 0
    for file in audio_files(raw, skipped):
        names, reason = file.path.split("/"), ""
        if len(names) < above_tag + 2:
            reason = "Not in a tag folder."
        elif printable(names[above_tag]) != names[above_tag]:
            reason = "The name of its tag folder cannot be displayed: rename it."  # not UTF-8, or with a line break
        if reason:
            skipped.append(Skipped(file.path, file.path, reason))
            continue
        tag = unicodedata.normalize("NFC", names[above_tag])  # macOS stores decomposed accents
        artist = unicodedata.normalize("NFC", names[above_tag + 1]) if len(names) > above_tag + 2 else ""
        yield _File(file.path, file.size, PART_OF_NAME[names[0].lower()] if has_parts else "", tag, artist)


def _is_folder(entry: os.DirEntry) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False  # for example, a link to itself: `_size` says what is wrong


def _size(path: Path) -> tuple[int, str]:
    """A file's size, and why it is not a track, or ""."""
    try:
        size = path.stat().st_size
    except OSError as error:
        return 0, f"Cannot be read ({error.strerror})."
    if not path.is_file():
        return 0, "A pipe, socket or device."
    if path.suffix.lower() not in SUFFIXES:
        return 0, "Not audio by its suffix."
    return size, "" if size else "The file is empty."


def _walk(raw: Path, below: str, above: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Yields the path of every file, and why it is skipped or ""; `above` holds the real paths of its folders."""
    folder = raw / below
    above = (*above, os.path.realpath(folder))
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        yield below, f"Cannot be read ({error.strerror})."
        return
    for entry in entries:
        path = f"{below}/{entry.name}" if below else entry.name
        if entry.name.startswith("."):
            continue
        if not _is_folder(entry):
            yield path, ""
        elif os.path.realpath(entry.path) in above:
            yield path, "A link to a folder that contains it."
        else:
            yield from _walk(raw, path, above)


def _vocabulary(files: list[_File], raw: Path) -> Vocabulary:
    """The names of the tag folders, sorted."""
    tags = sorted({file.tag for file in files})
    if not tags:
        raise DatasetError(
            f"There is no audio in {str(raw)!r}; expected one folder per tag with audio files in it, such as "
            f"{str(raw / 'jazz' / 'song.mp3')!r}."
        )
    if len(tags) == 1:
        raise DatasetError(
            f"There is only one tag folder with audio in {str(raw)!r}, {tags[0]!r}; expected two or more: if every "
            "track has the tag, there is nothing to learn. Add a folder of tracks without it, such as 'other'."
        )
    return Vocabulary(tuple(tags))


def copies_of(raw: Path, files: list[_File], skipped: list[Skipped], reason: str) -> list[list[_File]]:
    """Groups files of equal bytes, in the order of their first paths. Adds all but the first of each to `skipped`."""
    with_size = Counter(file.size for file in files)
    same: dict[str, list[_File]] = {}
    for file in files:
        key = _sha256(raw / file.path) if with_size[file.size] > 1 else file.path
        same.setdefault(key, []).append(file)
    for first, *others in same.values():
        skipped.extend(Skipped(first.path, file.path, reason) for file in others)
    return list(same.values())


def _sha256(path: Path) -> str:
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return str(path)  # unlike any other; preparing reports why it cannot be read


def _only_part(same: list[_File]) -> str:
    """The part of a track's copies."""
    for file in same:
        if file.part != same[0].part:
            raise DatasetError(
                f"{printable(same[0].path)!r} and {printable(file.path)!r} have the same bytes, but are in "
                "different parts: results would be too good. Delete one of them."
            )
    return same[0].part
