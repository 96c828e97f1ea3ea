"""MTG-Jamendo: the TSV files of the official repository, and the audio folders 00 to 99.

- Splits 0 to 4, each with the tag lists "top50", "genre", "instrument", "moodtheme" and "all".
- The lines end in CRLF. Tags are in the sixth column and all after it: lines have different numbers of columns.
- "top50" has the order of `tfrecords/mtg-jamendo/tags.txt`; the others are sorted by full name (`genre---rock`).
- The name of a tag is the part after `---`. If a list has one name in two categories, both keep the full name; the
  published tags have no such pair.
- No artist may be in two parts; this is checked.

Source: Bogdanov et al., ML4MD at ICML 2019; MTG/mtg-jamendo-dataset.
"""

from collections import Counter
from pathlib import Path
from typing import NamedTuple

from keras_musictag.choices import JAMENDO_SPLITS, JAMENDO_TAGS
from keras_musictag.datasets._official import audio_folder, check_choice, find_file, inner_path, read_lines, read_spec
from keras_musictag.errors import DatasetError
from keras_musictag.records.manifest import Manifest, Track
from keras_musictag.tags.vocabulary import Vocabulary

FILES = {"top50": "autotagging_top50tags", "all": "autotagging"}
FILES |= {name: f"autotagging_{name}" for name in ("genre", "instrument", "moodtheme")}
NUM_TAGS = dict(zip(JAMENDO_TAGS, (50, 87, 40, 56, 183), strict=True))  # the repository's README
PARTS = {"train": "train", "validation": "valid", "test": "test"}  # name in the files -> our name
GROUPS = {"genre": "genre", "instrument": "instrument", "mood/theme": "mood"}
HEADER = ["TRACK_ID", "ARTIST_ID", "ALBUM_ID", "PATH", "DURATION", "TAGS"]
FULL, LOW = "audio", "audio-low"  # the official downloads; files of the second end in ".low.mp3"


class _Row(NamedTuple):
    track_id: str
    artist_id: str
    path: str
    tags: tuple[str, ...]  # full names
    part: str


def manifest(raw: Path, split: int | str = 0, tags: str = "top50", audio: Path | None = None) -> Manifest:
    """Reads MTG-Jamendo.

    Args:
        raw: A checkout of the official repository (it holds `data/splits`).
        split: 0 to 4.
        tags: "top50", "genre", "instrument", "moodtheme" or "all".
        audio: The folder that holds the folders 00 to 99; None is `audio`, or else `audio-low`, in `raw`.

    Returns:
        A `Manifest`; its split has a name such as "top50/split-0". Published counts are known only for "top50".

    Raises:
        FileNotFoundError: If `raw` does not exist.
        UnknownNameError: If the split or the list of tags is unknown.
        DatasetError: If a file is missing or invalid, an artist is in two parts, or the number of tags is not the
            published one.
    """
    raw, spec = Path(raw), read_spec("mtg-jamendo")
    split = check_choice("split", split, JAMENDO_SPLITS)
    tags = check_choice("list of tags", tags, tuple(FILES))
    rows = _read_parts(raw, split, tags)
    _check_artists(rows, split)
    full_names = sorted({tag for row in rows for tag in row.tags})
    names = _names(full_names)
    if len(names) != NUM_TAGS[tags]:
        raise DatasetError(
            f"{FILES[tags]} of split-{split} must have the {NUM_TAGS[tags]} published tags. Received: {len(names)}. "
            "Is a file cut short, or is the checkout of another version?"
        )
    vocabulary = Vocabulary(tuple(names.values()), tuple(map(_group, full_names)))
    if tags == "top50" and vocabulary != spec.vocabulary:
        other = sorted(set(vocabulary) ^ set(spec.vocabulary))
        raise DatasetError(
            f"The tags of {FILES[tags]} must be those of tfrecords/mtg-jamendo/tags.txt. Differ: {other}."
        )
    folder = audio_folder(raw, audio, (FULL, LOW), FULL)
    low = _is_low(folder)
    name = f"{tags}/split-{split}"
    return Manifest(
        **{**spec.manifest_fields(), "dataset_version": f"{spec.dataset_version}, {LOW if low else FULL}"},
        split=name,
        vocabulary=vocabulary,
        audio_folder=folder,
        tracks=tuple(_track(row, names, low) for row in rows),
        published_counts=spec.splits.get(name, {}),
    )


def _read_parts(raw: Path, split: str, tags: str) -> list[_Row]:
    rows = []
    for name, part in PARTS.items():
        folders = (f"data/splits/split-{split}", f"splits/split-{split}")
        path = find_file(raw, f"{FILES[tags]}-{name}.tsv", folders)
        header, *lines = read_lines(path)
        if header.split("\t") != HEADER:
            raise DatasetError(
                f"The first line of {str(path)!r} must be {' '.join(HEADER)}, separated by TABs. "
                f"Received: {header!r:.80}. Is it the file of the official repository?"
            )
        rows += [_row(line, part, path, number) for number, line in enumerate(lines, start=2)]
    return rows


def _row(line: str, part: str, path: Path, number: int) -> _Row:
    values = line.split("\t")
    tags = values[5:]
    if not tags or not all(_group(tag) for tag in tags):
        raise DatasetError(
            f"{str(path)!r}, line {number}: expected five values, then tags such as genre---rock, separated by TABs. "
            f"Received: {line!r:.120}. Was the file cut short or edited? Check it out again."
        )
    return _Row(values[0], values[1], inner_path(values[3], path), tuple(tags), part)


def _group(full_name: str) -> str | None:
    category, dashes, name = full_name.partition("---")
    return GROUPS.get(category) if dashes and name else None


def _names(full_names: list[str]) -> dict[str, str]:
    """Full name -> name in the vocabulary, in the same order."""
    plain = {full: full.partition("---")[2] for full in full_names}
    times = Counter(plain.values())
    return {full: name if times[name] == 1 else full for full, name in plain.items()}


def _check_artists(rows: list[_Row], split: str) -> None:
    part_of = {}
    for row in rows:
        if part_of.setdefault(row.artist_id, row.part) != row.part:
            raise DatasetError(
                f"An artist of split-{split} must be in one part only. Received: {row.artist_id} in "
                f"{part_of[row.artist_id]} and {row.part}. Are the files of one split, as published?"
            )


def _track(row: _Row, names: dict[str, str], low: bool) -> Track:
    path = row.path.removesuffix(".mp3") + ".low.mp3" if low else row.path
    return Track(row.track_id, path, tuple(names[tag] for tag in row.tags), row.part)


def _is_low(folder: Path) -> bool:
    """Whether the audio is the low-quality download, by the file names in the first folder that has any."""
    for inner in sorted(folder.glob("[0-9][0-9]")):
        names = [path.name for path in inner.glob("*.mp3")]
        if names:
            return all(name.endswith(".low.mp3") for name in names)
    return folder.name == LOW
