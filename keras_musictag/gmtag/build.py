"""Builds the corpus: clips in parallel, then the list of them, then its hashes."""

import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from keras_musictag.errors import DatasetError
from keras_musictag.gmtag import store
from keras_musictag.gmtag.packages import Installation
from keras_musictag.gmtag.seeds import VERSION
from keras_musictag.gmtag.tags import vocabulary
from keras_musictag.gmtag.tiers import tier_of
from keras_musictag.gmtag.workers import make_all
from keras_musictag.records.schema import PARTS

LEVELS = ("midi", "pcm", "mp3")
Report = Callable[[int, int], None]


def build(
    out: str | os.PathLike,
    parts: Mapping[str, int],
    *,
    jobs: int | None = None,
    installation: Installation | None = None,
    report: Report | None = None,
) -> dict[str, Any]:
    """Builds the corpus in a folder; goes on where an earlier call was broken off.

    The same bytes with any number of jobs. A script that calls it needs `if __name__ == "__main__":`, as always with
    processes that Python starts afresh.

    Args:
        out: Folder to write.
        parts: Clips a part, such as `tiers.tier_parts("tiny")`.
        jobs: Processes; by default as many as there are cores for this process.
        installation: Where MMA and the soundfonts lie.
        report: Called with how many clips are done, and of how many, at the beginning and after each clip.

    Returns:
        The content of `corpus.json`.

    Raises:
        ValueError: If `parts` or `jobs` is not usable.
        MusicTagError: If a package is missing; the message says how to install it.
        DatasetError: If the folder holds a larger or another corpus, or a clip cannot be made.
    """
    out, installation = Path(out), installation or Installation()
    jobs = _checked(parts, len(os.sched_getaffinity(0)) if jobs is None else jobs)
    installation.require()
    packages = installation.versions()
    clips = [(part, index) for part in PARTS for index in range(parts[part])]
    with store.opened(out, packages):
        _stop_if_larger(out, parts)
        (out / store.CORPUS_FILE).unlink(missing_ok=True)  # until it is whole again
        waiting = [clip for clip in clips if not store.is_done(out, *clip)]
        report = report or (lambda done, total: None)
        report(len(clips) - len(waiting), len(clips))
        for count, _ in enumerate(make_all(out, waiting, jobs, installation), start=1):
            report(len(clips) - len(waiting) + count, len(clips))
        rows = [store.read_row(out, *clip) for clip in clips]
        return _finish(out, rows, parts, packages)


def _checked(parts: Mapping[str, int], jobs: int) -> int:
    if (
        set(parts) != set(PARTS)
        or any(not isinstance(n, int) or n < 0 for n in parts.values())
        or not any(parts.values())
    ):
        raise ValueError(
            f"`parts` must give a number of clips for each of {', '.join(PARTS)}. Received: {dict(parts)}."
        )
    if isinstance(jobs, bool) or not isinstance(jobs, int) or jobs < 1:
        raise ValueError(f"`jobs` must be a whole number of 1 or more. Received: {jobs!r}.")
    return jobs


def _stop_if_larger(out: Path, parts: Mapping[str, int]) -> None:
    path = out / store.CORPUS_FILE
    if path.is_file():
        there = json.loads(path.read_text(encoding="utf-8"))["parts"]
        if any(there[part] > parts[part] for part in PARTS):
            raise DatasetError(
                f"{str(out)!r} holds a larger corpus ({_counts(there)}); expected one that is to grow to "
                f"{_counts(parts)}. Choose another folder."
            )


def _counts(parts: Mapping[str, int]) -> str:
    return " / ".join(str(parts[part]) for part in PARTS)


def _finish(
    out: Path, rows: list[dict[str, Any]], parts: Mapping[str, int], packages: dict[str, str]
) -> dict[str, Any]:
    """Writes the list of clips and, last, what the corpus is."""
    tags = Counter(tag for row in rows for tag in row["tags"])
    corpus = {
        "version": VERSION,
        "tier": tier_of(parts),
        "clips": len(rows),
        "parts": {part: parts[part] for part in PARTS},
        "subsets": dict(sorted(Counter(row["subset"] for row in rows if row["subset"]).items())),
        "tags": [{**tag, "clips": tags[tag["name"]]} for tag in vocabulary().to_list()],
        "packages": packages,
        **{f"{level}_sha256": _hash_of_all(rows, level) for level in LEVELS},
    }
    store.write_whole(out, out / store.METADATA_FILE, b"".join(map(store.to_json, rows)))
    store.write_whole(out, out / store.CORPUS_FILE, store.to_json(corpus, indent=2))
    return corpus


def _hash_of_all(rows: list[dict[str, Any]], level: str) -> str:
    """SHA-256 of a line a clip, its name and its own hash: the files have to be alike and in their places."""
    lines = "".join(f"{row['id']} {row[f'{level}_sha256']}\n" for row in rows)
    return hashlib.sha256(lines.encode()).hexdigest()
