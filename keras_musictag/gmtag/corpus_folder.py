"""The folder of a corpus: which clips are done, and which are left. Every file appears whole or not at all.

`audio/<part>/<id>.mp3`; `metadata.jsonl`, one row per clip; `corpus.json`, written last. In `.work/`, one small file
per clip says that the clip is done, and `packages.json` lists the packages with which the build was started.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from keras_musictag.errors import DatasetError
from keras_musictag.files import locked, remove_scratch, write_bytes, write_json
from keras_musictag.gmtag.packages import list_versions
from keras_musictag.gmtag.plan import VERSION

CORPUS_FILE, METADATA_FILE = "corpus.json", "metadata.jsonl"
WORK, _PACKAGES_FILE, _LOCK_FILE = ".work", "packages.json", "lock"


def clip_id(part: str, index: int) -> str:
    """A clip's name.

    Example:
        >>> clip_id("train", 7)
        'train_000007'
    """
    return f"{part}_{index:06d}"


def clip_path(part: str, index: int) -> str:
    """The path of a clip's file within the corpus."""
    return f"audio/{part}/{clip_id(part, index)}.mp3"


@contextmanager
def opened(out: Path, packages: Mapping[str, str]) -> Iterator[None]:
    """Creates the folder, or opens it again, for one build at a time.

    Args:
        out: The folder.
        packages: The installed versions: a whole corpus must be made with the same ones.

    Raises:
        MusicTagError: If another build uses the folder.
        DatasetError: If the build was started with other packages.
    """
    with locked(out, f"{WORK}/{_LOCK_FILE}"):
        remove_scratch(out / WORK, older_seconds=0)
        _check_packages(out, {"version": VERSION, **packages})
        yield


def _check_packages(out: Path, packages: dict[str, str]) -> None:
    path = out / WORK / _PACKAGES_FILE
    if not path.is_file():
        _write_row(out, path, packages)
        return
    before = json.loads(path.read_text(encoding="utf-8"))
    other = [name for name in packages if packages[name] != before.get(name)]
    if other:
        raise DatasetError(
            f"The corpus in {str(out)!r} was started with {list_versions(other, before)}; now "
            f"{list_versions(other, packages)} is installed. A corpus must be made with one set of versions: choose "
            "another folder, or delete this one."
        )


def is_done(out: Path, part: str, index: int) -> bool:
    """Whether a clip was made, and its file has not changed since."""
    path = out / clip_path(part, index)
    if not (_sidecar(out, part, index).is_file() and path.is_file()):
        return False
    return hashlib.sha256(path.read_bytes()).hexdigest() == read_row(out, part, index)["mp3_sha256"]


def write_clip(out: Path, row: Mapping[str, Any], mp3: bytes) -> None:
    """Writes a clip's audio, then the small file that says that the clip is done."""
    write_bytes(out / row["path"], mp3, out / WORK)
    _write_row(out, _sidecar(out, row["part"], row["index"]), row)


def read_row(out: Path, part: str, index: int) -> dict[str, Any]:
    """Reads the metadata of a clip that is done."""
    return json.loads(_sidecar(out, part, index).read_text(encoding="utf-8"))


def _write_row(out: Path, path: Path, row: Mapping[str, Any]) -> None:
    write_json(path, row, out / WORK, indent=None, ensure_ascii=False)


def _sidecar(out: Path, part: str, index: int) -> Path:
    return out / WORK / f"{clip_id(part, index)}.json"
