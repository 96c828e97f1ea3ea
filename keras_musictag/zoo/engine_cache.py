"""A name, a folder or a file -> an `EngineTagger`: exported once, kept in the user's cache, opened from there."""

import hashlib
import json
import os
import re
import shutil
from numbers import Real
from os import PathLike
from pathlib import Path

from keras_musictag import architectures
from keras_musictag.errors import ChecksumError, ExportError
from keras_musictag.files import scratch_name
from keras_musictag.runtimes import artefact as artefacts
from keras_musictag.runtimes import formats
from keras_musictag.runtimes.engine_tagger import EngineTagger
from keras_musictag.runtimes.exporting import export
from keras_musictag.user_folders import cache_folder, cannot_be_kept
from keras_musictag.zoo.catalog import entries
from keras_musictag.zoo.resolving import DEFAULT, Source, resolve

# Raise it whenever what `export` writes changes: exports of an earlier one in users' caches are then not used again.
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
            f"An engine runs trained weights. Received: weights={weights!r} with engine={engine!r}. Export random "
            "ones by kmt.export(tagger, ...)."
        )
    precision = precision or "float32"
    cached = cache_folder("exports") / _name(source, engine, precision, chunk_seconds)
    try:
        return EngineTagger(cached)
    except FileNotFoundError:
        damaged = cached.is_dir() and not (cached / artefacts.FILE_NAME).is_file()  # else another process has just come
    except (ValueError, ChecksumError):
        damaged = True
    if damaged:
        _remove(cached)
    _fill(cached, source, engine, precision, chunk_seconds)
    return EngineTagger(cached)


def licences_of(source: Source) -> dict[str, str] | None:
    """Of an entry's own weights; None for others, which may come from anywhere."""
    return vars(source.card.licences) if source.weights is not None and source.weights.is_dir() else None


def exported_folder(model) -> Path | None:
    """The folder that a path means, if it was exported; names of models come first, as for `load`."""
    if not isinstance(model, (str, PathLike)) or not (Path(model) / artefacts.FILE_NAME).is_file():
        return None
    return None if model in architectures.names() or model in entries() else Path(model)


def _open_exported(folder, weights, engine, precision, chunk_seconds) -> EngineTagger:
    if weights != DEFAULT or chunk_seconds is not None:
        raise ValueError(
            f"An exported model is as it was exported. Received: {folder} with weights={weights!r}, "
            f"chunk_seconds={chunk_seconds!r}. Leave them out."
        )
    tagger = EngineTagger(folder)
    made = tagger.artefact
    if made.format != engine or precision not in (None, made.precision):
        raise ValueError(
            f"{folder} is an export to {made.format!r} in {made.precision}. Received: engine={engine!r}, "
            f"precision={precision!r}."
        )
    return tagger


def _name(source: Source, engine: str, precision: str, chunk_seconds: float | None) -> str:
    """Of the folder in the cache: another one wherever another model would be written."""
    entry = source.weights.is_dir()
    of_card = source.card.weights if entry else None
    identity = {
        "weights": (of_card.sha256 or of_card.git_blob_sha1) if entry else artefacts.sha256_of(source.weights),
        "model": source.card.model if source.card is not None else None,
        "licences": licences_of(source),
        "chunk_seconds": float(chunk_seconds) if isinstance(chunk_seconds, Real) else chunk_seconds,
        "versions": artefacts.versions(engine),
        "export_version": EXPORT_VERSION,
    }
    # `repr`: whether `chunk_seconds` is a number at all is told by who builds the model
    key = hashlib.sha256(json.dumps(identity, sort_keys=True, default=repr).encode()).hexdigest()[:12]
    stem = (source.card.name if entry else source.weights.stem)[:80]  # a disk takes names of up to 255 bytes
    return re.sub("[^A-Za-z0-9_-]", "_", f"{stem}-{engine}-{precision}-{key}")


def _fill(cached: Path, source: Source, engine: str, precision: str, chunk_seconds: float | None) -> None:
    """Exports into the cache."""
    from keras_musictag.zoo.keras_loading import load_tagger

    tagger = load_tagger(source, chunk_seconds=chunk_seconds, precision="float32")
    try:
        cached.parent.mkdir(parents=True, exist_ok=True)  # where `export` then has its scratch folder
    except OSError as error:
        raise cannot_be_kept("The exported model", cached.parent, error) from error
    try:
        export(tagger, engine, cached, precision, licences=licences_of(source))
    except (ExportError, OSError) as error:
        if (cached / artefacts.FILE_NAME).is_file():  # another process was quicker
            return
        cache = os.path.realpath(cached.parent)
        if isinstance(error, OSError) and Path(str(error.filename)).is_relative_to(cache):  # not what /tmp lacks
            raise cannot_be_kept("The exported model", cached.parent, error) from error
        raise


def _remove(folder: Path) -> None:
    """Removes a folder, under another name, so that nobody opens half of it."""
    aside = folder.with_name(scratch_name())  # which `export` removes one day, should this be killed
    try:
        folder.replace(aside)
    except FileNotFoundError:  # another process has removed it
        return
    except OSError as error:
        raise cannot_be_kept("The exported model", folder.parent, error) from error
    shutil.rmtree(aside, ignore_errors=True)
