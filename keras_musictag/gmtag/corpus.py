"""Builds the corpus (clips in parallel, then their list, then the hashes) and compares it with the published hashes.

Each part of a smaller corpus is the beginning of that part in a larger one. The published hashes are in
`tfrecords/gmtag/spec.json`.
"""

import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from keras_musictag.bundled_files import bundled
from keras_musictag.choices import TIERS
from keras_musictag.errors import DatasetError, UnknownNameError
from keras_musictag.files import write_json, write_text
from keras_musictag.gmtag import corpus_folder
from keras_musictag.gmtag.clips import make_all
from keras_musictag.gmtag.packages import Installation, list_versions
from keras_musictag.gmtag.plan import VERSION
from keras_musictag.gmtag.truth import vocabulary
from keras_musictag.processes import usable_cores
from keras_musictag.records.schema import PARTS

FEWEST_CLIPS = 4  # with fewer, a part would be empty
# of every 15 clips: 12, 1 and 2 as in the full corpus, in an order in which each part only grows with the corpus
_ORDER = ("train", "train", "valid", "test", *("train",) * 6, "test", *("train",) * 4)


def tier_parts(tier: str) -> dict[str, int]:
    """Returns the number of clips per part of a tier.

    Raises:
        UnknownNameError: If there is no such tier.

    Example:
        >>> tier_parts("full")
        {'train': 2400, 'valid': 200, 'test': 400}
    """
    if tier not in TIERS:
        raise UnknownNameError.of("tier", tier, TIERS)
    return dict(TIERS[tier])


def parts_of(clips: int) -> dict[str, int]:
    """Returns the number of clips per part of a corpus of any size, in the proportions of the full one.

    Args:
        clips: Number of clips in all parts together, 4 or more. No part is empty.

    Raises:
        ValueError: If `clips` is less than 4.

    Example:
        >>> parts_of(3000) == TIERS["full"], parts_of(10)
        (True, {'train': 8, 'valid': 1, 'test': 1})
    """
    if isinstance(clips, bool) or not isinstance(clips, int) or clips < FEWEST_CLIPS:
        raise ValueError(f"`clips` must be a whole number of {FEWEST_CLIPS} or more. Received: {clips!r}.")
    rounds, rest = divmod(clips, len(_ORDER))
    return {part: rounds * _ORDER.count(part) + _ORDER[:rest].count(part) for part in ("train", "valid", "test")}


def tier_of(parts: Mapping[str, int]) -> str | None:
    """Returns the name of the tier with these parts, or None if there is none.

    Example:
        >>> tier_of({"train": 40, "valid": 8, "test": 12}), tier_of(parts_of(10))
        ('tiny', None)
    """
    return next((name for name, tier in TIERS.items() if tier == dict(parts)), None)


STAGES = ("midi", "pcm", "mp3")  # of making a clip; each has its own hash
Report = Callable[[int, int], None]


def build_corpus(
    out: str | os.PathLike,
    parts: Mapping[str, int],
    *,
    jobs: int | None = None,
    installation: Installation | None = None,
    report: Report | None = None,
) -> dict[str, Any]:
    """Builds the corpus in a folder, or resumes where an earlier call stopped.

    The bytes do not depend on the number of jobs. A script must call this below `if __name__ == "__main__":`, because
    it starts new Python processes.

    Args:
        out: Folder to write.
        parts: Number of clips per part, such as `tiers.tier_parts("tiny")`.
        jobs: Number of processes; None for one per usable core.
        installation: Where MMA and the soundfonts are.
        report: Called with the number of clips done and the total, at the start and after each clip.

    Returns:
        The content of `corpus.json`.

    Raises:
        ValueError: If `parts` or `jobs` is invalid.
        MusicTagError: If a package is missing; the message says how to install it, or if another build uses the folder.
        DatasetError: If the folder holds a larger or a different corpus, or a clip cannot be made.
    """
    out, installation = Path(out), installation or Installation()
    jobs = _checked(parts, usable_cores() if jobs is None else jobs)
    installation.require()
    packages = installation.versions()
    wanted = [(part, index) for part in PARTS for index in range(parts[part])]
    with corpus_folder.opened(out, packages):
        _stop_if_larger(out, parts)
        (out / corpus_folder.CORPUS_FILE).unlink(missing_ok=True)  # until the corpus is complete again
        waiting = [clip for clip in wanted if not corpus_folder.is_done(out, *clip)]
        report = report or (lambda done, total: None)
        report(len(wanted) - len(waiting), len(wanted))
        for count, _ in enumerate(make_all(out, waiting, jobs, installation), start=1):
            report(len(wanted) - len(waiting) + count, len(wanted))
        rows = [corpus_folder.read_row(out, *clip) for clip in wanted]
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
    path = out / corpus_folder.CORPUS_FILE
    if path.is_file():
        found = json.loads(path.read_text(encoding="utf-8"))["parts"]
        if any(found[part] > parts[part] for part in PARTS):
            raise DatasetError(
                f"{str(out)!r} holds a larger corpus ({_counts(found)}) than the requested {_counts(parts)}. "
                "Choose another folder."
            )


def _counts(parts: Mapping[str, int]) -> str:
    return " / ".join(str(parts[part]) for part in PARTS)


def _finish(
    out: Path, rows: list[dict[str, Any]], parts: Mapping[str, int], packages: dict[str, str]
) -> dict[str, Any]:
    """Writes the list of clips, then `corpus.json`, which describes the corpus."""
    tags = Counter(tag for row in rows for tag in row["tags"])
    corpus = {
        "version": VERSION,
        "tier": tier_of(parts),
        "clips": len(rows),
        "parts": {part: parts[part] for part in PARTS},
        "subsets": dict(sorted(Counter(row["subset"] for row in rows if row["subset"]).items())),
        "tags": [{**tag, "clips": tags[tag["name"]]} for tag in vocabulary().to_list()],
        "packages": packages,
        **{f"{stage}_sha256": _hash_of_all(rows, stage) for stage in STAGES},
    }
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    write_text(out / corpus_folder.METADATA_FILE, lines, out / corpus_folder.WORK)
    write_json(out / corpus_folder.CORPUS_FILE, corpus, out / corpus_folder.WORK, indent=2, ensure_ascii=False)
    return corpus


def _hash_of_all(rows: list[dict[str, Any]], stage: str) -> str:
    """SHA-256 of one line per clip with its name and its own hash: both the files and their names must be the same."""
    lines = "".join(f"{row['id']} {row[f'{stage}_sha256']}\n" for row in rows)
    return hashlib.sha256(lines.encode()).hexdigest()


_NAMES = {"midi": "MIDI", "pcm": "PCM", "mp3": "MP3"}


def load_spec() -> dict[str, Any]:
    """Reads `tfrecords/gmtag/spec.json`, which describes the corpus."""
    return json.loads((bundled("tfrecords") / "gmtag" / "spec.json").read_text(encoding="utf-8"))


def compare_corpus(corpus: Mapping[str, Any], spec: Mapping[str, Any]) -> str:
    """Says in one sentence whether a corpus has the published bytes.

    Args:
        corpus: The content of `corpus.json`.
        spec: The content of `spec.json`.
    """
    measured = spec["measured"].get(corpus["tier"])
    if measured is None:
        return "No hashes are published for a corpus of this size, so there is nothing to compare with."
    equal = [_NAMES[stage] for stage in STAGES if measured[f"{stage}_sha256"] == corpus[f"{stage}_sha256"]]
    differ = [_NAMES[stage] for stage in STAGES if _NAMES[stage] not in equal]
    if not differ:
        return f"The same {', '.join(equal)} as published for {list_versions(spec['packages'], spec['packages'])}."
    other = [name for name in spec["packages"] if spec["packages"][name] != corpus["packages"].get(name)]
    why = (
        f"this corpus was made with {list_versions(other, corpus['packages'])}, the published one with "
        f"{list_versions(other, spec['packages'])}"
        if other
        else "although the packages are the same"
    )
    same = f"The same {', '.join(equal)}" if equal else "Nothing is the same"
    return f"{same}; different {', '.join(differ)} from the published corpus: {why}."
