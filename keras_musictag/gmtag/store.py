"""The folder of a corpus: what is done, what is left. All files appear whole or not at all.

`audio/<part>/<id>.mp3`; `metadata.jsonl`, a row a clip; `corpus.json`, written last. In `.work/` a small file a clip
says that the clip is done, and `packages.json` with which packages the corpus was begun.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from keras_musictag.errors import DatasetError
from keras_musictag.files import locked, remove_scratch, synced_file
from keras_musictag.gmtag.packages import told_versions
from keras_musictag.gmtag.seeds import VERSION

CORPUS_FILE, METADATA_FILE = "corpus.json", "metadata.jsonl"
_WORK, _PACKAGES_FILE, _LOCK_FILE = ".work", "packages.json", "lock"


def clip_id(part: str, index: int) -> str:
    """A clip's name.

    Example:
        >>> clip_id("train", 7)
        'train_000007'
    """
    return f"{part}_{index:06d}"


def clip_path(part: str, index: int) -> str:
    """Where a clip's file lies in the corpus."""
    return f"audio/{part}/{clip_id(part, index)}.mp3"


@contextmanager
def opened(out: Path, packages: Mapping[str, str]) -> Iterator[None]:
    """Makes or enters the folder, for one build at a time.

    Args:
        out: The folder.
        packages: The versions that are found now: a corpus is made with one set of them from beginning to end.

    Raises:
        MusicTagError: If another build is at work there.
        DatasetError: If it was begun with other packages.
    """
    with locked(out, f"{_WORK}/{_LOCK_FILE}"):
        remove_scratch(out / _WORK)
        _check_packages(out, {"version": VERSION, **packages})
        yield


def _check_packages(out: Path, packages: dict[str, str]) -> None:
    path = out / _WORK / _PACKAGES_FILE
    if not path.is_file():
        write_whole(out, path, to_json(packages))
        return
    before = json.loads(path.read_text(encoding="utf-8"))
    other = [name for name in packages if packages[name] != before.get(name)]
    if other:
        raise DatasetError(
            f"The corpus in {str(out)!r} was begun with {told_versions(other, before)}, and here is "
            f"{told_versions(other, packages)}. Half of each would be no corpus: choose another folder, or delete this "
            "one."
        )


def is_done(out: Path, part: str, index: int) -> bool:
    """Whether a clip is made, and still is what was made."""
    path = out / clip_path(part, index)
    if not (_sidecar(out, part, index).is_file() and path.is_file()):
        return False
    return hashlib.sha256(path.read_bytes()).hexdigest() == read_row(out, part, index)["mp3_sha256"]


def write_clip(out: Path, row: Mapping[str, Any], mp3: bytes) -> None:
    """Writes a clip's audio, then that it is done."""
    write_whole(out, out / row["path"], mp3)
    write_whole(out, _sidecar(out, row["part"], row["index"]), to_json(row))


def read_row(out: Path, part: str, index: int) -> dict[str, Any]:
    """What is known about a clip that is done."""
    return json.loads(_sidecar(out, part, index).read_text(encoding="utf-8"))


def write_whole(out: Path, path: Path, content: bytes) -> None:
    """Writes a file under a scratch name in `.work/`, then gives it its own."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with synced_file(path, out / _WORK) as file:
        file.write(content)


def to_json(content: Mapping[str, Any], indent: int | None = None) -> bytes:
    """A line, or lines, of JSON."""
    return (json.dumps(content, indent=indent, ensure_ascii=False) + "\n").encode()


def _sidecar(out: Path, part: str, index: int) -> Path:
    return out / _WORK / f"{clip_id(part, index)}.json"
