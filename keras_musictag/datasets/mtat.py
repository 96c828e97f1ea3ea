"""MagnaTagATune: `annotations_final.csv` and clips in the folders 0 to 9 and a to f.

- The tags are the 50 columns with the largest sums over all clips. Synonyms are not merged. Their order is that of
  `tfrecords/mtat/tags.txt`; that they are these fifty is checked.
- The part follows from the folder: 0 to b train, c valid, d to f test. Clips of one artist may be in several parts.
- Split "cleaned" leaves out the clips that have none of the 50 tags; "uncleaned" keeps them, with no tag.
- Three more train clips are missing in the published list of "cleaned", although they have such tags (`UNLISTED`).

Source: Law et al., ISMIR 2009; the splits are those of jongpillee/music_dataset_split and jordipons/musicnn-training.
"""

import csv
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from keras_musictag.datasets._official import audio_folder, check_choice, find_file, inner_path, read_lines, read_spec
from keras_musictag.errors import DatasetError
from keras_musictag.records.manifest import Manifest, Skipped, Track

ANNOTATIONS = "annotations_final.csv"
NUM_COLUMNS = 190  # clip_id, 188 tags, mp3_path
UNLISTED = ("29", "11268", "11269")  # clip ids; with them train would have 15,247 clips, not the published 15,244
PART_OF_FOLDER = {**dict.fromkeys("0123456789ab", "train"), "c": "valid", **dict.fromkeys("def", "test")}


class _Clip(NamedTuple):
    clip_id: str
    path: str
    tags: frozenset[str]  # of all 188


def manifest(raw: Path, split: str = "cleaned", audio: Path | None = None) -> Manifest:
    """Reads MagnaTagATune.

    Args:
        raw: The folder that holds `annotations_final.csv`, and the clips in `mp3/0` to `mp3/f` or in `0` to `f`.
        split: "cleaned" (15,244 / 1,529 / 4,332 clips) or "uncleaned" (18,706 / 1,825 / 5,329).
        audio: The folder that holds the folders 0 to f, if it is elsewhere.

    Returns:
        A `Manifest`: track ids are clip ids, tracks in the order of the annotations.

    Raises:
        FileNotFoundError: If `raw` does not exist.
        UnknownNameError: If the split is unknown.
        DatasetError: If the annotations are missing, are not that file, or have other most frequent tags.
    """
    raw, spec = Path(raw), read_spec("mtat")
    split = check_choice("split", split, tuple(spec.splits))
    path, vocabulary = find_file(raw, ANNOTATIONS), spec.vocabulary
    clips = _read_annotations(path)
    _check_top(clips, vocabulary, path)
    left_out = dict.fromkeys(spec.known_bad["ids"], spec.known_bad["reason"])
    if split == "cleaned":
        left_out |= dict.fromkeys(UNLISTED, "Not in the published list of the cleaned split.")
    tracks = []
    for clip in clips:
        tags = tuple(tag for tag in vocabulary if tag in clip.tags)
        if clip.clip_id not in left_out and (tags or split == "uncleaned"):
            tracks.append(Track(clip.clip_id, clip.path, tags, PART_OF_FOLDER[clip.path[0]]))
    return Manifest(
        **spec.manifest_fields(),
        split=split,
        vocabulary=vocabulary,
        audio_folder=audio_folder(raw, audio, ("mp3",), "."),
        tracks=tuple(tracks),
        skipped=tuple(
            Skipped(clip.clip_id, clip.path, left_out[clip.clip_id]) for clip in clips if clip.clip_id in left_out
        ),
        published_counts=spec.splits[split],
    )


def _read_annotations(path: Path) -> list[_Clip]:
    lines = read_lines(path)
    header = lines[0].replace('"', "").split("\t")
    if (header[0], header[-1]) != ("clip_id", "mp3_path") or len(header) != NUM_COLUMNS:
        raise DatasetError(
            f"The first line of {str(path)!r} must have {NUM_COLUMNS} columns separated by TABs, from clip_id to "
            f"mp3_path. Received: {len(header)}, from {header[0]!r:.80} to {header[-1]!r:.80}. "
            "Is it MagnaTagATune's annotation file as downloaded?"
        )
    rows = csv.reader(lines, delimiter="\t", strict=True)
    try:
        return [_clip(row, header, path, rows.line_num) for row in rows if rows.line_num > 1]
    except csv.Error as error:
        raise DatasetError(f"{str(path)!r}, line {rows.line_num}: {error}. Download the file again.") from error


def _clip(row: Sequence[str], header: Sequence[str], path: Path, line: int) -> _Clip:
    cells = row[1:-1]
    if len(row) != NUM_COLUMNS or cells.count("0") + cells.count("1") != len(cells):
        raise DatasetError(
            f"{str(path)!r}, line {line}: expected an id, {NUM_COLUMNS - 2} values of 0 or 1, and a path. Received: "
            f"{len(row)} values, {row!r:.80}. Was the file cut short or edited? Download it again."
        )
    audio = inner_path(row[-1], path)
    folder, _, name = audio.partition("/")
    if folder not in PART_OF_FOLDER or not name:
        raise DatasetError(
            f"{str(path)!r}, line {line}: the clip's path must begin with a folder from 0 to f. Received: {audio!r}."
        )
    return _Clip(row[0], audio, frozenset(tag for tag, cell in zip(header[1:-1], cells, strict=True) if cell == "1"))


def _check_top(clips: list[_Clip], vocabulary: Sequence[str], path: Path) -> None:
    """Rejects annotations in which another tag is more frequent than one of the vocabulary."""
    sums = Counter(tag for clip in clips for tag in clip.tags)
    rarest = min(vocabulary, key=sums.__getitem__)
    above = sorted(tag for tag in sums if tag not in vocabulary and sums[tag] > sums[rarest])
    if above or sums[rarest] == 0:
        others = f"{above[0]!r} has {sums[above[0]]}" if above else "no clip has it"
        raise DatasetError(
            f"The {len(vocabulary)} most frequent tags of {str(path)!r} must be those of tfrecords/mtat/tags.txt. "
            f"Received: {rarest!r} has {sums[rarest]} clips, but {others}. "
            "Were synonyms merged, or was the file cut short?"
        )
