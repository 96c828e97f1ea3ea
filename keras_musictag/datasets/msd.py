"""Million Song Dataset with last.fm tags: lists of ids, labels, and the 7digital previews.

- Split "filtered": the files of jongpillee/music_dataset_split, folder `MSD_split`. Python 2 pickles; the train list
  holds train, then valid. Previews shorter than 29.1 s are left out of valid and test. The split usually quoted.
- Split "full": the text lists and `*_y.npy` of keunwoochoi/MSD_split_for_tagging.
- The order of the 50 tags is the same in both, and in `tfrecords/msd/tags.txt`.

Track ids are MSD ids. Two pairs of them (in train) share a 7digital id, and so a file. The previews that could not be
decoded (`known_bad` of the spec, all in train) are left out.

Source: Bertin-Mahieux et al., ISMIR 2011; Choi et al., ISMIR 2016; Lee et al., SMC 2017.
"""

import tokenize
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from keras_musictag.datasets._official import audio_folder, check_choice, find_file, inner_path, read_lines, read_spec
from keras_musictag.datasets._pickle import read_pickle
from keras_musictag.errors import DatasetError
from keras_musictag.records.manifest import Manifest, Skipped, Track
from keras_musictag.records.schema import PARTS

FOLDERS = {
    "filtered": (".", "MSD_split"),
    "full": (".", "MSD_split_for_tagging"),
}  # folders in `raw` that may hold the files
NUM_TRAIN = 201680  # of "filtered", whose train list continues with the valid tracks


class _Row(NamedTuple):
    part: str
    msd_id: str
    preview_id: str  # 7digital's
    path: str
    label: np.ndarray  # (tags,), 0 or 1


def manifest(raw: Path, split: str = "filtered", audio: Path | None = None) -> Manifest:
    """Reads a tagging split of the Million Song Dataset.

    Args:
        raw: The folder that holds the split's files, or the checkout that contains it. "filtered":
            `filtered_list_train.cP`, `filtered_list_test.cP`, `msd_id_to_tag_vector.cP`, `MSD_id_to_7D_id.pkl`,
            `7D_id_to_path.pkl`, `50tagList.txt`. "full": `*_x_msd_id.txt`, `*_x_7d_id.txt` and `*_y.npy` for train,
            valid and test.
        split: "filtered" (201,680 / 11,774 / 28,435 tracks) or "full" (201,680 / 12,634 / 28,540).
        audio: The folder of the previews (`8/9/8947470.clip.mp3`); None: `mp3` in `raw` if there is one, else `raw`.

    Returns:
        A `Manifest` in the order of the lists. The known bad previews are subtracted from its published counts.

    Raises:
        FileNotFoundError: If `raw` does not exist.
        UnknownNameError: If the split is unknown.
        DatasetError: If a file is missing, damaged, or does not fit the others.
    """
    raw, spec = Path(raw), read_spec("msd")
    split = check_choice("split", split, tuple(spec.splits))
    vocabulary = spec.vocabulary
    names, bad, reason = tuple(vocabulary), set(spec.known_bad["ids"]), spec.known_bad["reason"]
    read = _read_filtered if split == "filtered" else _read_full
    tracks, skipped, left_out = [], [], Counter()
    for row in read(raw, vocabulary):
        if row.preview_id in bad:
            skipped.append(Skipped(row.msd_id, row.path, reason))
            left_out[row.part] += 1
        else:
            tags = tuple(names[position] for position in row.label.nonzero()[0])
            tracks.append(Track(row.msd_id, row.path, tags, row.part))
    return Manifest(
        **spec.manifest_fields(),
        split=split,
        vocabulary=vocabulary,
        audio_folder=audio_folder(raw, audio, ("mp3",), "."),
        tracks=tuple(tracks),
        skipped=tuple(skipped),
        published_counts={part: count - left_out[part] for part, count in spec.splits[split].items()},
    )


def _read_full(raw: Path, vocabulary: Sequence[str]) -> Iterator[_Row]:
    for part in PARTS:
        msd_ids, preview_ids, labels = (
            find_file(raw, f"{part}_{name}", FOLDERS["full"]) for name in ("x_msd_id.txt", "x_7d_id.txt", "y.npy")
        )
        previews, rows = read_lines(preview_ids), _read_labels(labels, len(vocabulary))
        ids = read_lines(msd_ids)
        if not len(ids) == len(previews) == len(rows):
            raise DatasetError(
                f"{msd_ids.name}, {preview_ids.name} and {labels.name} must have one row per track. Received: "
                f"{len(ids)}, {len(previews)} and {len(rows)} rows. Download them again, all of one version."
            )
        for msd_id, preview_id, row in zip(ids, previews, rows, strict=True):
            yield _Row(part, msd_id, preview_id, _preview_path(preview_id, preview_ids), row)


def _read_labels(path: Path, num_tags: int) -> np.ndarray:
    """Bool (tracks, tags)."""
    try:  # mapped, not read: a header may state any size, but the file must be that long
        labels = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError, SyntaxError, tokenize.TokenError) as error:
        raise DatasetError(
            f"{str(path)!r} is damaged, cut short or not an array of numbers. Download it again."
        ) from error
    if getattr(labels, "ndim", 0) != 2 or labels.shape[1] != num_tags or labels.dtype.kind not in "biuf":
        shape, kind = getattr(labels, "shape", None), getattr(labels, "dtype", "several arrays")
        raise DatasetError(
            f"{str(path)!r} must hold numbers of the shape (tracks, {num_tags}). Received: {kind} of {shape}. "
            "Download it again."
        )
    if not np.isin(labels, (0, 1)).all():
        other = labels[~np.isin(labels, (0, 1))][0]
        raise DatasetError(f"{str(path)!r} must hold zeros and ones only. Received: {other}. Download it again.")
    return np.array(labels, bool)


def _preview_path(preview_id: str, source: Path) -> str:
    if not (preview_id.isascii() and preview_id.isdigit() and len(preview_id) > 1):
        raise DatasetError(
            f"{str(source)!r} must hold one 7digital id per line, such as 8947470. Received: {preview_id!r:.80}."
        )
    return f"{preview_id[0]}/{preview_id[1]}/{preview_id}.clip.mp3"


def _read_filtered(raw: Path, vocabulary: Sequence[str]) -> Iterator[_Row]:
    """Yields the rows of the pickles. Every file is opened before the first row."""
    names = ("filtered_list_train.cP", "filtered_list_test.cP", "msd_id_to_tag_vector.cP")
    names += ("MSD_id_to_7D_id.pkl", "7D_id_to_path.pkl", "50tagList.txt")
    files = {name: find_file(raw, name, FOLDERS["filtered"]) for name in names}
    _check_tag_list(files["50tagList.txt"], vocabulary)
    train_and_valid, test = (_read_id_list(files[name]) for name in names[:2])
    if len(train_and_valid) <= NUM_TRAIN:
        raise DatasetError(
            f"{str(files[names[0]])!r} must hold {NUM_TRAIN} train tracks, then the valid ones. "
            f"Received: {len(train_and_valid)} in total. Download it again."
        )
    vectors = _read_dict(files[names[2]], (np.ndarray,), "arrays")
    previews, paths = (_read_dict(files[name], (str, int), "strings or numbers") for name in names[3:5])
    parts = {"train": train_and_valid[:NUM_TRAIN], "valid": train_and_valid[NUM_TRAIN:], "test": test}
    for part, ids in parts.items():
        for msd_id in ids:
            preview_id = _entry(previews, msd_id, files[names[3]])
            path = _entry(paths, preview_id, files[names[4]])
            label = _vector(_entry(vectors, msd_id, files[names[2]]), msd_id, len(vocabulary), files[names[2]])
            yield _Row(part, msd_id, str(preview_id), inner_path(str(path), files[names[4]]), label)


def _check_tag_list(path: Path, vocabulary: Sequence[str]) -> None:
    names = [line.strip() for line in read_lines(path)]
    if names != list(vocabulary):
        differs = next((pair for pair in zip(names, vocabulary, strict=False) if pair[0] != pair[1]), "their number")
        raise DatasetError(
            f"{str(path)!r} must list the {len(vocabulary)} tags of tfrecords/msd/tags.txt in that order. "
            f"Received {len(names)}; the first difference is {differs!r:.120}."
        )


def _read_id_list(path: Path) -> list[str]:
    ids = read_pickle(path)
    if not isinstance(ids, list) or not all(isinstance(msd_id, str) for msd_id in ids):
        raise DatasetError(f"{str(path)!r} must hold a list of MSD ids. Received: a {type(ids).__name__}.")
    return ids


def _read_dict(path: Path, kinds: tuple[type, ...], what: str) -> dict:
    """A dict of values that are safe to hash and to print: a deeply nested tuple would end the process."""
    entries = read_pickle(path)
    if not isinstance(entries, dict):
        raise DatasetError(f"{str(path)!r} must hold a dict. Received: a {type(entries).__name__}.")
    other = next((type(value).__name__ for value in entries.values() if not isinstance(value, kinds)), None)
    if other is not None:
        raise DatasetError(f"{str(path)!r} must hold a dict of {what}. Received: a {other}. Download it again.")
    return entries


def _entry(entries: dict, key: str | int, path: Path) -> object:
    value = entries.get(key)
    if value is None:
        raise DatasetError(f"{str(path)!r} has no entry for {key!r:.80}. Download all files again, of one version.")
    return value


def _vector(value: np.ndarray, msd_id: str, num_tags: int, path: Path) -> np.ndarray:
    """The label, which the file holds as (tags, 1)."""
    if value.size != num_tags or (value != value.astype(bool)).any():
        raise DatasetError(f"{str(path)!r} must hold {num_tags} zeros and ones for {msd_id!r:.80}. Download it again.")
    return value.reshape(num_tags)
