"""Writes tests/kept: one small file of each kind that users keep, which every later version must read.

    python scripts/make_kept_files.py

Run it only after an intended change of a file format, and explain the change in CHANGELOG.md. The SavedModel is stored
as an archive, because its graph is large and compresses well.
"""

import json
import os
import shutil
import sys
import tarfile
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np

import keras_musictag as kmt
from keras_musictag.evaluation import evaluate
from keras_musictag.records import prepare
from keras_musictag.training import Recipe, train
from tests.records.make import make_manifest

KEPT = Path(__file__).parents[1] / "tests" / "kept"
FORMATS = ("keras", "litert", "onnx", "openvino", "savedmodel")
CONFIG = {"filters": [2] * 7, "units": 4}
RECIPE = {
    "summary": "kept for tests",
    "phases": [{"optimizer": "adam", "learning_rate": 1e-3, "epochs": 2}],
    "batch_size": 2,
    "validation_chunks": 1,
}
STOP_AFTER_STEPS = 4  # an epoch has three


def make_kept_files(folder: Path) -> None:
    """Writes all files to a new folder."""
    folder.mkdir()
    with tempfile.TemporaryDirectory() as audio:
        manifest = make_manifest(Path(audio), num_tracks=10, seconds=1.0)
        prepare(manifest, folder / "records", jobs=1)
    (folder / "recipe.json").write_text(json.dumps(RECIPE, indent=1) + "\n", encoding="utf-8")
    run_training(folder, folder / "stopped_run", stop_after=STOP_AFTER_STEPS)
    finished = run_training(folder, folder / "finished_run")
    shutil.copy(finished, folder / "tagger.keras")
    tagger = kmt.load(folder / "tagger.keras")
    np.save(folder / "demo_scores.npy", tagger.taggram(kmt.demo_clip()).scores)
    evaluate(tagger, folder / "records", folder / "evaluation")
    for format in FORMATS:
        kmt.export(tagger, format, folder / format)
    with tarfile.open(folder / "savedmodel.tar.xz", "w:xz") as archive:
        archive.add(folder / "savedmodel", "savedmodel")
    shutil.rmtree(folder / "savedmodel")
    shutil.copy(folder / "finished_run" / "best.safetensors", folder / "finished.safetensors")
    shutil.rmtree(folder / "finished_run")
    shutil.rmtree(folder / "stopped_run" / "tensorboard")
    for path in [folder / "stopped_run" / ".lock", *folder.rglob("*.png")]:  # nothing reads them
        path.unlink()


def run_training(folder: Path, out: Path, stop_after: int | None = None) -> Path:
    """Trains the tiny network; with `stop_after`, stops at that step as Ctrl-C would."""
    steps = 0

    def on_step(position, steps_of_epoch):
        nonlocal steps
        steps += 1
        if steps == stop_after:
            raise KeyboardInterrupt

    recipe = Recipe.from_dict(json.loads((folder / "recipe.json").read_text(encoding="utf-8")))
    try:
        return train(
            folder / "records",
            out,
            "short_chunk_cnn",
            recipe,
            config=CONFIG,
            deterministic=True,
            checkpoint_seconds=0.0,
            on_step=on_step,
        )
    except KeyboardInterrupt:
        return out


if __name__ == "__main__":
    if KEPT.exists():
        sys.exit(f"{KEPT} already exists. Remove it first if you want to change its formats.")
    make_kept_files(KEPT)
