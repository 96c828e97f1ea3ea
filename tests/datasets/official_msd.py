"""The Million Song Dataset's split files: the real ones, and for missing ones invented ones in the same formats."""

import gzip
from pathlib import Path

import numpy as np

from tests.shared import FOLDER

DATA = FOLDER / "datasets" / "msd"
NUM_VALID = 11774  # of "filtered": which of the 12,634 they are is not known, so the first ones are used


def lines(name: str) -> list[str]:
    return gzip.open(DATA / "keunwoochoi" / f"{name}.txt.gz", "rt").read().split("\n")[:-1]


def true_labels(part: str) -> np.ndarray:
    """Bool (tracks, 50) as published, of "valid" or "test"."""
    with gzip.open(DATA / "keunwoochoi" / f"{part}_y.npy.gz") as file:
        return np.lib.format.read_array(file, allow_pickle=False)


def train_labels() -> np.ndarray:
    """Bool (201680, 50), invented; each track has one tag or more."""
    random = np.random.default_rng(1)
    labels = random.random((201680, 50)) < 0.03
    labels[np.arange(len(labels)), random.integers(0, 50, len(labels))] = True
    return labels


def write_full(folder: Path) -> Path:
    """Writes the files of keunwoochoi/MSD_split_for_tagging."""
    for part in ("train", "valid", "test"):
        for name in ("x_msd_id", "x_7d_id"):
            source = DATA / "keunwoochoi" / f"{part}_{name}.txt.gz"
            (folder / f"{part}_{name}.txt").write_bytes(gzip.decompress(source.read_bytes()))
        np.save(folder / f"{part}_y.npy", train_labels() if part == "train" else true_labels(part))
    return folder


def write_filtered(folder: Path, others: int = 1000) -> Path:
    """Writes the files of the folder `MSD_split` of jongpillee/music_dataset_split.

    Args:
        folder: Folder to write to.
        others: How many tracks without a part the three dicts contain as well.
    """
    ids = {part: lines(f"{part}_x_msd_id") for part in ("train", "valid", "test")}
    preview_of = {}
    for part in ids:
        preview_of |= dict(zip(ids[part], lines(f"{part}_x_7d_id"), strict=True))
    every_id = [*ids["train"], *ids["valid"], *ids["test"]]
    labels = dict(zip(every_id, map(tuple, np.concatenate(all_labels())), strict=True))
    preview_of |= {f"TRZZZZZ{number:011d}": str(99000000 + number) for number in range(others)}
    path_of = {preview: f"{preview[0]}/{preview[1]}/{preview}.clip.mp3" for preview in preview_of.values()}
    (folder / "filtered_list_train.cP").write_bytes(py2_list(ids["train"] + ids["valid"][:NUM_VALID]))
    source = DATA / "jongpillee" / "filtered_list_test.cP.gz"
    (folder / "filtered_list_test.cP").write_bytes(gzip.decompress(source.read_bytes()))
    (folder / "MSD_id_to_7D_id.pkl").write_bytes(py2_dict(preview_of))
    (folder / "7D_id_to_path.pkl").write_bytes(py2_dict(path_of))
    (folder / "msd_id_to_tag_vector.cP").write_bytes(py2_vectors(labels))
    (folder / "50tagList.txt").write_bytes((DATA / "50tagList.txt").read_bytes())
    return folder


def all_labels() -> tuple[np.ndarray, ...]:
    return train_labels(), true_labels("valid"), true_labels("test")


def py2_list(values: list[str]) -> bytes:
    """A list of str as Python 2's cPickle writes it at protocol 0: the first line of the real files is `(lp1`."""
    items = "".join(f"S'{value}'\np{number}\na" for number, value in enumerate(values, start=2))
    return f"(lp1\n{items}.".encode()


def py2_dict(entries: dict[str, str]) -> bytes:
    """A dict of str -> str, the same way."""
    items = (f"S'{key}'\np{2 * n}\nS'{value}'\np{2 * n + 1}\ns" for n, (key, value) in enumerate(entries.items(), 1))
    return ("(dp1\n" + "".join(items) + ".").encode()


def py2_vectors(entries: dict[str, tuple[bool, ...]]) -> bytes:
    """A dict of str -> bool array (50, 1), the same way: the first array spells the names, the others refer to it."""
    memo, out = 16, ["(dp1\n"]
    for number, (key, values) in enumerate(entries.items()):
        data = "".join("\\x01" if value else "\\x00" for value in values)
        shape = f"(I1\n(I{len(values)}\nI1\nt"
        if number == 0:
            out.append(
                f"S'{key}'\np2\ncnumpy.core.multiarray\n_reconstruct\np3\n(cnumpy\nndarray\np4\n(I0\ntp5\nS'b'\np6\n"
                f"tp7\nRp8\n{shape}p9\ncnumpy\ndtype\np10\n(S'b1'\np11\nI0\nI1\ntp12\nRp13\n(I3\nS'|'\np14\n"
                f"NNNI-1\nI-1\nI0\ntp15\nbI00\nS'{data}'\np16\ntbs"
            )
        else:
            out.append(f"S'{key}'\np{memo + 1}\ng3\n(g4\ng5\ng6\ntRp{memo + 2}\n{shape}g13\nI00\nS'{data}'\ntbs")
            memo += 2
    return ("".join(out) + ".").encode()
