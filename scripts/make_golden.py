"""Writes the golden outputs of zoo entries to `golden.npz`, with which the tests compare later versions.

    python scripts/make_golden.py ENTRY...

A golden file is written once, when its entry is released. If you replace one, explain why in CHANGELOG.md.
"""

import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np

import keras_musictag as kmt
from tests.checks import signals


def golden(tagger: kmt.Tagger) -> dict[str, np.ndarray]:
    """The outputs that must not change: logits and embedding of two test signals, and scores of the demo clip."""
    batch = signals(tagger.spec.chunking.chunk_samples)
    return {
        "signal_logits": tagger.runner("logits")(batch),
        "signal_embedding": tagger.runner(tagger.embedding_layer)(batch),
        "demo_scores": tagger.taggram(kmt.demo_clip()).scores,
    }


def main() -> None:
    if not sys.argv[1:]:
        sys.exit(__doc__)
    for name in sys.argv[1:]:
        path = Path(__file__).parents[1] / "zoo" / name / "golden.npz"
        np.savez_compressed(path, **golden(kmt.load(name)))
        print(f"Wrote {path}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
