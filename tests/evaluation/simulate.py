"""Simulated predictions of a model with a given quality: seeded, with chunks and subsets."""

import numpy as np

from keras_musictag.evaluation import Predictions, Source
from keras_musictag.tags import Vocabulary

TAGS = Vocabulary(
    ("guitar", "slow", "strings", "rock", "male vocal", "harp"),
    ("instrument", "mood", "instrument", "genre", "voice", "instrument"),
)
SHARES = np.array([0.4, 0.3, 0.25, 0.2, 0.15, 0.06])
CHUNKS = 4


def simulate(
    model: str = "short_chunk_cnn",
    quality: float = 1.5,
    part: str = "test",
    tracks: int = 150,
    noise: int = 1,
    subsets: bool = True,
    chunks: bool = True,
    **others,
) -> Predictions:
    """Normal noise plus `quality` where the tag applies, through a sigmoid; the truth depends on the part only."""
    truth = np.random.default_rng([0, len(part)])
    targets = truth.random((tracks, len(TAGS))) < SHARES
    generator = np.random.default_rng([noise, len(part)])
    of_track = targets * quality - 1.5 + generator.normal(0, 1, targets.shape)
    chunk_tracks = np.repeat(np.arange(tracks), CHUNKS)
    logits = of_track[chunk_tracks] + generator.normal(0, 0.7, (tracks * CHUNKS, len(TAGS)))
    chunk_scores = (1 / (1 + np.exp(-logits))).astype(np.float32)
    source = {"dataset": "gmtag", "dataset_version": "1", "split": "small", "split_sha256": "ab" * 32}
    source |= {name: others.pop(name) for name in [*source, "deformation"] if name in others}
    return Predictions(
        model=model,
        source=Source(**source, part=part),
        vocabulary=others.pop("vocabulary", TAGS),
        track_ids=tuple(f"{part}-{i:04d}" for i in range(tracks)),
        targets=targets,
        scores=chunk_scores.reshape(tracks, CHUNKS, -1).mean(axis=1),
        subsets=tuple(("seen", "unseen")[i % 2] for i in range(tracks)) if subsets else (),
        **({"chunk_scores": chunk_scores, "chunk_tracks": chunk_tracks} if chunks else {}),
        **others,
    )


def pair(**settings) -> tuple[Predictions, Predictions]:
    """Test and validation predictions of one model."""
    return simulate(part="test", **settings), simulate(part="valid", **settings)
