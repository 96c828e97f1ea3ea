"""Libraries with made-up tracks, for what does not depend on how tracks were scored."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from keras_musictag import Vocabulary
from keras_musictag.library import Database, Labels, StoredModel, VectorWriter


def add_scores(
    database: Database,
    paths: Sequence[str],
    scores: np.ndarray,
    tags: Vocabulary,
    model: str = "my-own-v1",
    vectors: np.ndarray | None = None,
    labels: Sequence[Labels] | None = None,
    seconds: Sequence[float] | None = None,
) -> StoredModel:
    """Stores files, one track each, with the scores (tracks, tags) and embeddings (tracks, features) of a model."""
    vectors = np.eye(len(paths), 8, dtype=np.float32) if vectors is None else vectors
    stored = database.add_model(model, "ab" * 32, tags, vectors.shape[1])
    with database.transaction(), VectorWriter(database, stored) as writer:
        for number, path in enumerate(paths):
            audio = os.fsencode(path).ljust(32)[:32] if len(paths) < 100 else number.to_bytes(32)
            track = database.add_track(audio, seconds[number] if seconds else 60.0 + number, ())
            row = writer.append(vectors[number])
            database.put_file(path, 1, 2, track, labels=labels[number] if labels else Labels())
            database.add_result(track, stored, scores[number], row, 3, "keras float32")
    return stored


def random_library(folder: Path, tracks: int, features: int = 200, seed: int = 0) -> Database:
    """A library of random scores and embeddings with the tags of MTAT; `with random_library(...) as database`."""
    from keras_musictag.bundled_files import bundled
    from keras_musictag.tags import read_tags

    rng = np.random.default_rng(seed)
    tags = read_tags(bundled("tfrecords") / "mtat" / "tags.txt")
    database = Database(folder / "library.db", create=True)
    paths = [f"/music/{number:06d}.mp3" for number in range(tracks)]
    labels = [Labels(f"Artist {n % 997}", f"Album {n % 99}", f"Title {n}", 1950 + n % 75) for n in range(tracks)]
    vectors = rng.random((tracks, features), np.float32)
    scores = rng.random((tracks, len(tags)), np.float32) ** 6
    add_scores(database, paths, scores, tags, "musicnn-mtat-v1", vectors, labels)
    return database
