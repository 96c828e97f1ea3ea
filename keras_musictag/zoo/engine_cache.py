"""`load(..., engine=)`: a model is exported once, kept in the user's cache, and opened from there.

`python -m keras_musictag.zoo.engine_cache ARGUMENTS` exports a model into the cache in a process of its own: ARGUMENTS
are the first four of `load_engine`, as a JSON list.
"""

import hashlib
import json
import os
import re
import shutil
import sys
from numbers import Real
from os import PathLike
from pathlib import Path

from keras_musictag.errors import ChecksumError, ExportError
from keras_musictag.files import scratch_name
from keras_musictag.runtimes import formats
from keras_musictag.runtimes.artefact import ARTEFACT_FILE, read_artefact, sha256_of, versions
from keras_musictag.runtimes.engine_tagger import EngineTagger
from keras_musictag.runtimes.exporting import export
from keras_musictag.user_folders import cache_folder, cannot_be_kept
from keras_musictag.zoo.resolving import DEFAULT, Source, exported_folder, resolve

# Increase it whenever `export` writes something else: users' cached exports of earlier versions are then ignored.
EXPORT_VERSION = 1


def load_engine(
    model: str | PathLike,
    weights: str | PathLike | None,
    engine: str,
    precision: str | None = None,
    chunk_seconds: float | None = None,
) -> EngineTagger:
    """Opens a model in a runtime. Arguments and errors are those of `load`."""
    formats.get(engine, kind="engine")
    folder = exported_folder(model)
    if folder is not None:
        return _open_exported(folder, weights, engine, precision, chunk_seconds)
    source = resolve(model, weights)
    if source.weights is None:
        raise ValueError(
            f"An engine runs trained weights. Received: weights={weights!r} with engine={engine!r}. To export random "
            "weights, use kmt.export(tagger, ...)."
        )
    precision = precision or "float32"
    cached = cache_folder("exports") / cache_name(source, engine, precision, chunk_seconds)
    try:
        return EngineTagger(cached)
    except FileNotFoundError:
        damaged = cached.is_dir() and not (cached / ARTEFACT_FILE).is_file()  # else another process has just written it
    except (ValueError, ChecksumError):
        damaged = True
    if damaged:
        _remove_export(cached)
    _export_to_cache(cached, source, engine, precision, chunk_seconds)
    return EngineTagger(cached)


def is_cached(model: str | PathLike, weights: str | PathLike | None, engine: str, precision: str | None) -> bool:
    """Whether `load_engine` would open an export from the cache, so that it loads neither TensorFlow nor Keras."""
    formats.get(engine, kind="engine")
    source = resolve(model, weights)
    cached = cache_folder("exports") / cache_name(source, engine, precision or "float32", None)
    try:
        read_artefact(cached)
    except (FileNotFoundError, ValueError, ChecksumError):
        return False
    return True


def licences_of(source: Source) -> dict[str, str] | None:
    """The licences of an entry's weights; None for other weights, which may come from anywhere."""
    return vars(source.card.licences) if source.is_entry else None


def _open_exported(folder, weights, engine, precision, chunk_seconds) -> EngineTagger:
    if weights != DEFAULT or chunk_seconds is not None:
        raise ValueError(
            f"An exported model cannot be changed. Received: {folder} with weights={weights!r}, "
            f"chunk_seconds={chunk_seconds!r}. Omit them."
        )
    tagger = EngineTagger(folder)
    artefact = tagger.artefact
    if artefact.format != engine or precision not in (None, artefact.precision):
        raise ValueError(
            f"{folder} is an export to {artefact.format!r} in {artefact.precision}. Received: engine={engine!r}, "
            f"precision={precision!r}. Pass engine={artefact.format!r} and omit `precision`, or export the model again."
        )
    return tagger


def cache_name(source: Source, engine: str, precision: str, chunk_seconds: float | None) -> str:
    """Name of the folder in the cache: it differs whenever the exported model would."""
    stated = source.card.weights if source.is_entry else None
    identity = {
        "weights": (stated.sha256 or stated.git_blob_sha1) if source.is_entry else sha256_of(source.weights),
        "model": source.card.model if source.card is not None else None,
        "licences": licences_of(source),
        "chunk_seconds": float(chunk_seconds) if isinstance(chunk_seconds, Real) else chunk_seconds,
        "versions": versions(engine),
        "export_version": EXPORT_VERSION,
    }
    # `repr`: `chunk_seconds` may be anything; building the model reports what is not a number
    key = hashlib.sha256(json.dumps(identity, sort_keys=True, default=repr).encode()).hexdigest()[:12]
    stem = (source.card.name if source.is_entry else source.weights.stem)[
        :80
    ]  # file systems allow names of up to 255 bytes
    return re.sub("[^A-Za-z0-9_-]", "_", f"{stem}-{engine}-{precision}-{key}")


def _export_to_cache(cached: Path, source: Source, engine: str, precision: str, chunk_seconds: float | None) -> None:
    """Exports the model into the cache."""
    from keras_musictag.zoo.keras_loading import load_tagger

    tagger = load_tagger(source, chunk_seconds=chunk_seconds, precision="float32")
    try:
        cached.parent.mkdir(parents=True, exist_ok=True)  # `export` puts its scratch folder there
    except OSError as error:
        raise cannot_be_kept("The exported model", cached.parent, error) from error
    try:
        export(tagger, engine, cached, precision, licences=licences_of(source))
    except (ExportError, OSError) as error:
        if (cached / ARTEFACT_FILE).is_file():  # another process was faster
            return
        cache = os.path.realpath(cached.parent)
        if isinstance(error, OSError) and Path(str(error.filename)).is_relative_to(cache):  # not a full /tmp
            raise cannot_be_kept("The exported model", cached.parent, error) from error
        raise


def _remove_export(folder: Path) -> None:
    """Renames a folder, then removes it, so that no other process opens half of it."""
    aside = folder.with_name(scratch_name())  # a later `export` removes it if this process is killed
    try:
        folder.replace(aside)
    except FileNotFoundError:  # another process has removed it
        return
    except OSError as error:
        raise cannot_be_kept("The exported model", folder.parent, error) from error
    shutil.rmtree(aside, ignore_errors=True)


if __name__ == "__main__":
    load_engine(*json.loads(sys.argv[1]))
