"""Predictions as files: an `.npz` that is read again, and a CSV of the same tracks for people and other programs."""

import csv
import io
import json
import zipfile
from dataclasses import asdict
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from keras_musictag.evaluation.predictions import Predictions, Source
from keras_musictag.files import whole_file
from keras_musictag.tags.vocabulary import Vocabulary

VERSION = 1
ABOUT = {"version", "model", "source", "tags", "track_ids", "subsets", "facts"}


def save_predictions(predictions: Predictions, path: str | PathLike) -> None:
    """Writes `path` (.npz) and a CSV beside it. The same predictions give the same bytes.

    The CSV has a row a track: its name, subset, a score a tag in as many digits as float32 has, a target a tag.

    Args:
        predictions: What to write.
        path: Ends in ".npz"; a folder that is not there is made.

    Raises:
        ValueError: If `path` ends otherwise.
        OSError: If a file cannot be written; then what was there before is kept.
    """
    path = Path(path)
    if path.suffix != ".npz":
        raise ValueError(f"`path` must end in .npz. Received: {str(path)!r}.")
    arrays = {"targets": predictions.targets, "scores": predictions.scores}
    if predictions.chunk_scores is not None:
        arrays |= {"chunk_scores": predictions.chunk_scores, "chunk_tracks": predictions.chunk_tracks}
    about = json.dumps(_about(predictions), ensure_ascii=False, allow_nan=False).encode("utf-8", "surrogatepass")
    content = io.BytesIO()  # whole first: on a full disk a half-written archive would complain twice
    np.savez_compressed(content, about=np.frombuffer(about, np.uint8), **arrays)
    with whole_file(path) as file:
        file.write_bytes(content.getbuffer())
    with whole_file(path.with_suffix(".csv")) as file:
        _write_csv(predictions, file)


def _about(predictions: Predictions) -> dict[str, Any]:
    return {
        "version": VERSION,
        "model": predictions.model,
        "source": asdict(predictions.source),
        "tags": predictions.vocabulary.to_list(),
        "track_ids": predictions.track_ids,
        "subsets": predictions.subsets,
        "facts": dict(predictions.facts),
    }


def _write_csv(predictions: Predictions, file: Path) -> None:
    tags = list(predictions.vocabulary)
    subsets = predictions.subsets or ("",) * len(predictions)
    scores, targets = predictions.scores.astype(str), predictions.targets.astype(np.uint8).astype(str)
    with open(file, "w", newline="", encoding="utf-8", errors="surrogateescape") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["track_id", "subset", *(f"score:{tag}" for tag in tags), *(f"target:{tag}" for tag in tags)])
        for row in zip(predictions.track_ids, subsets, scores, targets, strict=True):
            writer.writerow([*row[:2], *row[2], *row[3]])


def load_predictions(path: str | PathLike) -> Predictions:
    """Reads what `save_predictions` wrote.

    Args:
        path: An `.npz` file. No code in it is run: it holds numbers and JSON only.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is damaged, of another version, or holds something else.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"There are no predictions at {str(path)!r}: expected a file that `keras-musictag evaluate` wrote."
        )
    try:
        with np.load(path, allow_pickle=False) as arrays:
            content = {name: arrays[name] for name in arrays.files}
        about = json.loads(content.pop("about").tobytes().decode("utf-8", "surrogatepass"))
        return _predictions(about, content)
    # what zipfile, numpy and json raise for bytes that are not what they should be
    except (zipfile.BadZipFile, EOFError, KeyError, TypeError, AttributeError, ValueError, LookupError) as error:
        reason = " ".join(str(error).split())
        raise ValueError(f"{str(path)!r} is no file of predictions, or damaged: {reason} Evaluate again.") from error


def _predictions(about: dict[str, Any], arrays: dict[str, np.ndarray]) -> Predictions:
    if about.get("version") != VERSION:
        raise ValueError(f"it is of version {about.get('version')}; expected {VERSION}.")
    if about.keys() != ABOUT or not {"targets", "scores"} <= arrays.keys() <= {
        "targets",
        "scores",
        "chunk_scores",
        "chunk_tracks",
    }:
        raise ValueError(f"it holds {', '.join([*about, *arrays])}.")
    return Predictions(
        model=about["model"],
        source=Source(**about["source"]),
        vocabulary=Vocabulary.of(about["tags"]),
        track_ids=tuple(about["track_ids"]),
        subsets=tuple(about["subsets"]),
        facts=about["facts"],
        **arrays,
    )
