"""The clips of a corpus: how one is made, by worker processes, and the folder that says which are done.

`audio/<part>/<id>.mp3`; `metadata.jsonl`, a row a clip; `corpus.json`, written last. In `.work/` a small file a clip
says that the clip is done, and `packages.json` with which packages the corpus was begun. All files appear whole or not
at all.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import as_completed
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from keras_musictag.errors import DatasetError, MusicTagError
from keras_musictag.files import locked, remove_scratch, write_bytes, write_json
from keras_musictag.gmtag.packages import Installation, subset_of, told_versions
from keras_musictag.gmtag.plan import VERSION
from keras_musictag.gmtag.truth import tags_of
from keras_musictag.processes import worker_pool

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
    write_bytes(out / row["path"], mp3, out / WORK)
    _write_row(out, _sidecar(out, row["part"], row["index"]), row)


def read_row(out: Path, part: str, index: int) -> dict[str, Any]:
    """What is known about a clip that is done."""
    return json.loads(_sidecar(out, part, index).read_text(encoding="utf-8"))


def _write_row(out: Path, path: Path, row: Mapping[str, Any]) -> None:
    write_json(path, row, out / WORK, indent=None, ensure_ascii=False)


def _sidecar(out: Path, part: str, index: int) -> Path:
    return out / WORK / f"{clip_id(part, index)}.json"


def make_clip(part: str, index: int, installation: Installation) -> tuple[dict[str, Any], bytes]:
    """Makes a clip; the same whichever were made before.

    Args:
        part: "train", "valid" or "test".
        index: Of the clip in its part, from 0.
        installation: Where MMA and the soundfonts lie.

    Returns:
        Its row of `metadata.jsonl`, and the MP3 file.

    Raises:
        DatasetError: If MMA or FluidSynth fails, or nothing is heard. The message names the clip.
    """
    # mido, PyAV and FluidSynth: a parent of workers needs none of them
    from keras_musictag.gmtag.arrangement import compose
    from keras_musictag.gmtag.midi import to_bytes
    from keras_musictag.gmtag.rendering import render, to_mp3

    try:
        piece = compose(part, index, installation)
        plan, heard = piece.plan, piece.heard
        pcm = render(piece.music, plan.sound, installation)
    except DatasetError as error:
        raise DatasetError(f"Clip {clip_id(part, index)} cannot be made. {error}") from error
    mp3 = to_mp3(pcm)
    return {
        "id": clip_id(part, index),
        "part": part,
        "index": index,
        "path": clip_path(part, index),
        "tags": list(tags_of(heard, plan.genre_tags, plan.bpm, plan.key.minor)),
        "subset": subset_of(part, plan.sound.soundfont),
        "genre": plan.genre,
        "groove_file": plan.groove_file,
        "grooves": list(plan.grooves),
        "drum_groove": plan.drum_groove,
        "bpm": plan.bpm,
        "key": str(plan.key),
        "programs": list(heard.programs),
        "drum_hits": heard.drum_hits,
        "notes": heard.notes,
        "attempt": piece.attempt,
        **vars(plan.sound),
        "midi_sha256": hashlib.sha256(to_bytes(piece.music)).hexdigest(),
        "pcm_sha256": hashlib.sha256(pcm.astype("<i2").tobytes()).hexdigest(),
        "mp3_sha256": hashlib.sha256(mp3).hexdigest(),
    }, mp3


def make_all(out: Path, clips: Sequence[tuple[str, int]], jobs: int, installation: Installation) -> Iterator[str]:
    """Makes clips in several processes.

    Args:
        out: The corpus's folder.
        clips: Pairs of part and index.
        jobs: How many processes.
        installation: Where MMA and the soundfonts lie.

    Yields:
        The name of each clip when it is done.

    Raises:
        DatasetError: If a clip cannot be made.
        MusicTagError: If a process was killed, such as for want of memory.
    """
    if not clips:
        return
    killed = MusicTagError(
        "A process that made clips was killed, perhaps for want of memory: each needs about 0.5 GB. "
        "Run the same command again, with fewer jobs: it goes on where it stopped."
    )
    with worker_pool(min(jobs, len(clips)), killed) as submit:
        for future in as_completed([submit(_make, out, part, index, installation) for part, index in clips]):
            yield future.result()


def _make(out: Path, part: str, index: int, installation: Installation) -> str:
    row, mp3 = make_clip(part, index, installation)
    write_clip(out, row, mp3)
    return row["id"]
