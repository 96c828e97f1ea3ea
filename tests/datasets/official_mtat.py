"""MagnaTagATune's `annotations_final.csv`, invented where it is not known: all rows and columns of the real format.

The file itself is not available. What is known: its header, ids and paths; the 50 tags of valid and test; the 20 most
frequent tags of all clips; which train clips have one of the 50; and which tags are the 50 most frequent. What is
invented contradicts none of these.
"""

import csv
import gzip
import json
from pathlib import Path

import numpy as np

from tests.shared import FOLDER

DATA = FOLDER / "datasets" / "mtat"
CAMEL = {"noVocals": "no vocals", "maleVocal": "male vocal", "noVocal": "no vocal", "newAge": "new age"}
CAMEL |= {
    "maleVoice": "male voice",
    "femaleVocal": "female vocal",
    "noVoice": "no voice",
    "femaleVoice": "female voice",
}
LEAST_TOP, MOST_OTHER = 500, 450  # clips of an invented tag: of the 50, and of the others


def lines(*parts: str) -> list[str]:
    return gzip.open(DATA.joinpath(*parts), "rt", encoding="utf-8").read().splitlines()


def index() -> list[tuple[str, str]]:
    """Clip id and path of every row, in order."""
    return [tuple(line.split("\t")) for line in lines("index_mtat.tsv.gz")]


def header() -> list[str]:
    text = (DATA / "annotations_final_header.tsv").read_text(encoding="utf-8")
    return next(csv.reader([text.rstrip("\n")], delimiter="\t"))


def by_frequency() -> list[str]:
    return (DATA / "tags_188_by_frequency.txt").read_text(encoding="utf-8").splitlines()


def jordipons(name: str) -> tuple[list[str], np.ndarray, list[str]]:
    """Clip ids, labels and the order of the tags, of "val" or "test"."""
    ids, labels = zip(*(line.split("\t") for line in lines("jordipons", f"{name}_gt_mtt.tsv.gz")), strict=True)
    classes = json.loads((DATA / "jordipons" / "classes_MagnaTT.json").read_text())
    return list(ids), np.array([json.loads(row) for row in labels]), sorted(classes, key=classes.get)[1:]


def top20() -> tuple[list[str], np.ndarray, list[str]]:
    """Clip ids, labels and tags: all clips that have one of the 20."""
    first, *rows = lines("top20_labels.csv.gz")
    table = np.array([row.split(",") for row in rows], int)
    return [str(number) for number in table[:, 0]], table[:, 1:], first.split(",")[1:]


def jongpillee_list(part: str) -> list[str]:
    """Paths as in the index, of "train", "valid" or "test"; read without any unpickler."""
    text = gzip.open(DATA / "jongpillee" / f"{part}_list_pub.cP.gz", "rt").read()
    return [piece.replace(".npy", ".mp3") for piece in text.split('"' if '"' in text else "'") if ".npy" in piece]


def labels() -> np.ndarray:
    """Int (25863, 188): the known labels, and invented ones; columns in the order of the header."""
    random, columns = np.random.default_rng(0), {tag: i for i, tag in enumerate(header()[1:-1])}
    rows = {clip: i for i, (clip, _) in enumerate(index())}
    table = np.zeros((len(rows), len(columns)), np.int64)
    for ids, known, tags in (top20(), jordipons("val"), jordipons("test")):
        table[np.ix_([rows[clip] for clip in ids], [columns[tag] for tag in tags])] = known
    ranked, kept = by_frequency(), set(jongpillee_list("train"))
    train = np.array([row for row, (_, path) in enumerate(index()) if path in kept])
    top20_columns = [columns[tag] for tag in ranked[:20]]
    bare = train[table[np.ix_(train, top20_columns)].sum(axis=1) == 0]
    for number, row in enumerate(bare):  # each has one of the 50, and none of the 20
        table[row, columns[ranked[20 + number % 30]]] = 1
    for tag in ranked[20:50]:
        free = train[table[train, columns[tag]] == 0]
        missing = max(0, LEAST_TOP - table[:, columns[tag]].sum())
        table[random.choice(free, missing, replace=False), columns[tag]] = 1
    for rank, tag in enumerate(ranked[50:]):
        table[random.choice(len(table), MOST_OTHER - 3 * rank, replace=False), columns[tag]] = 1
    return table


def write(folder: Path) -> Path:
    """Writes `annotations_final.csv` into a folder."""
    quoted = {0: '"0"', 1: '"1"'}
    out = ["\t".join(f'"{name}"' for name in header())]
    for (clip, path), row in zip(index(), labels().tolist(), strict=True):
        out.append("\t".join([f'"{clip}"', *map(quoted.__getitem__, row), f'"{path}"']))
    target = folder / "annotations_final.csv"
    target.write_text("\n".join(out) + "\n", encoding="utf-8")
    return target
