"""MTG-Jamendo's TSV files: the real "top50" ones of all five splits, and invented ones for the other lists of tags."""

import gzip
from pathlib import Path

import numpy as np

from tests.shared import FOLDER

DATA = FOLDER / "datasets" / "mtg-jamendo"
PARTS = ("train", "validation", "test")
CATEGORY = {"genre": "genre", "instrument": "instrument", "moodtheme": "mood/theme"}
NUM_TAGS = {"genre": 87, "instrument": 40, "moodtheme": 56}


def file_name(tags: str, part: str) -> str:
    return {"top50": "autotagging_top50tags", "all": "autotagging"}.get(tags, f"autotagging_{tags}") + f"-{part}.tsv"


def true_file(part: str) -> bytes:
    """A file of split-0, byte for byte."""
    return gzip.decompress((DATA / "splits" / "split-0" / f"{file_name('top50', part)}.gz").read_bytes())


def rows_by_id() -> tuple[str, dict[str, str]]:
    """The header, and track id -> line, of all tracks; without the line ends."""
    found = {}
    for part in PARTS:
        header, *lines = true_file(part).decode().split("\r\n")[:-1]
        found |= {line.split("\t")[0]: line for line in lines}
    return header, found


def ids(split: int, part: str) -> list[str]:
    """Track ids of a part, as published."""
    if split == 0:
        return [line.split("\t")[0] for line in true_file(part).decode().split("\r\n")[1:-1]]
    return (
        gzip.open(DATA / "splits" / f"split-{split}" / f"{file_name('top50', part)[:-4]}.ids.txt.gz", "rt")
        .read()
        .split()
    )


def write_top50(raw: Path) -> Path:
    """Writes the three files of each of the five splits, as in a checkout: the rows are the same in all of them."""
    header, rows = rows_by_id()
    for split in range(5):
        folder = raw / "data" / "splits" / f"split-{split}"
        folder.mkdir(parents=True)
        for part in PARTS:
            lines = [header, *(rows[track] for track in ids(split, part))]
            (folder / file_name("top50", part)).write_bytes("".join(f"{line}\r\n" for line in lines).encode())
    return raw


def write_lists(raw: Path) -> dict[str, dict[str, set[str]]]:
    """Writes split-0 of the other lists: the real tags of the top 50, and invented rarer ones up to the real number.

    Returns:
        List of tags -> track id -> full names of its tags.
    """
    header, rows = rows_by_id()
    tracks = list(rows)
    random, folder = np.random.default_rng(2), raw / "data" / "splits" / "split-0"
    tags_of = {track: line.split("\t")[5:] for track, line in rows.items()}
    for category, total in NUM_TAGS.items():
        known = {tag for tags in tags_of.values() for tag in tags if tag.startswith(CATEGORY[category] + "---")}
        for number in range(total - len(known)):
            for row in set(random.integers(0, len(rows), 60).tolist()):
                tags_of[tracks[row]].append(f"{CATEGORY[category]}---{category}{number:02d}")
    written = {}
    for name in (*CATEGORY, "all"):
        start = f"{CATEGORY[name]}---" if name in CATEGORY else ""
        kept = {track: [tag for tag in tags if tag.startswith(start)] for track, tags in tags_of.items()}
        written[name] = {track: set(tags) for track, tags in kept.items() if tags}
        for part in PARTS:
            lines = [header]
            lines += ["\t".join([*rows[t].split("\t")[:5], *kept[t]]) for t in ids(0, part) if kept[t]]
            (folder / file_name(name, part)).write_bytes("".join(f"{line}\r\n" for line in lines).encode())
    return written
