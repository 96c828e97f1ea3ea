"""The folder of teaching audio: FLAC files, mono, 16 kHz, each written whole or not at all."""

import io
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import numpy as np

from keras_musictag.files import locked, write_bytes

SAMPLE_RATE_HZ = 16000
WORK = ".work"  # below OUT: locks, downloads, facts about finished packages


@contextmanager
def opened(out: Path, part: str) -> Iterator[None]:
    """Holds a part for one process at a time, and removes the half-written files of a killed process."""
    (out / part).mkdir(parents=True, exist_ok=True)
    with locked(out, f"{WORK}/{part}.lock"):
        shutil.rmtree(_scratch(out, part), ignore_errors=True)
        for scratch in list((out / part).rglob(".*.part*")):  # of `whole_file` and `whole_folder`
            shutil.rmtree(scratch) if scratch.is_dir() else scratch.unlink(missing_ok=True)
        yield


@contextmanager
def scratch_folder(out: Path, part: str) -> Iterator[Path]:
    """A folder on the same disk, which is removed after use; `opened` removes it if this process is killed."""
    _scratch(out, part).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=_scratch(out, part)) as folder:
        yield Path(folder)


def _scratch(out: Path, part: str) -> Path:
    return out / WORK / f"{part}.scratch"


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Yields a scratch folder, which becomes `folder` if nothing fails and is removed otherwise."""
    scratch = folder.with_name(f".{folder.name}.part")
    scratch.mkdir(parents=True)
    try:
        yield scratch
        scratch.replace(folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def write_flac(path: Path, samples: np.ndarray) -> None:
    """Writes samples as FLAC.

    Args:
        path: The file.
        samples: Int16 (samples,), or float (samples,) from -1 to 1; what is louder is clipped.
    """
    if samples.dtype != np.int16:
        samples = np.clip(np.rint(samples * 32768), -32768, 32767).astype(np.int16)  # as `audio.read` scales back
    write_bytes(path, _to_flac(samples))


def _to_flac(pcm: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="flac") as container:
        stream = container.add_stream("flac", rate=SAMPLE_RATE_HZ, layout="mono", format="s16")
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(pcm)[np.newaxis], format="s16", layout="mono")
        frame.sample_rate = SAMPLE_RATE_HZ
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return buffer.getvalue()


def seconds_of(path: Path) -> float:
    """The duration that a file's header states."""
    with av.open(str(path)) as container:
        return container.duration / av.time_base
