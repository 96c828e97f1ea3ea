"""Ports the four models of the PyPI package `musicnn` 0.1.0 to zoo entries.

    python scripts/port/musicnn_pypi.py [--wheel FILE] [--out zoo]

Fetches the wheel from the package index, checks its SHA-256, reads its TensorFlow 1 checkpoints, and writes for each
model `weights.safetensors`, `card.json` and the licence notice. If it is run again, it writes the same bytes. The
model cards (README.md) are written by hand, and `golden.npz` by scripts/make_golden.py.
"""

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from keras_musictag import build
from keras_musictag.bundled_files import bundled
from keras_musictag.tagger import Tagger
from keras_musictag.tags import read_tags
from keras_musictag.zoo import Card, Licences, Reference, TrainedOn, assign_weights, write_entry

REQUIREMENT = "musicnn==0.1.0"
WHEEL_SHA256 = "f38a4890c648c1ddbb141c5d96d2b0a8cfcd36746002d896989f7b88beb65cfa"
LICENCE_FILE = "musicnn-0.1.0.dist-info/LICENSE.md"


def numbered(kind: str, layers: list[str]) -> dict[str, str]:
    """TensorFlow 1 named layers by kind, in the order they were made: `conv2d`, `conv2d_1`, ..."""
    return {kind if i == 0 else f"{kind}_{i}": layer for i, layer in enumerate(layers)}


# layer of the original -> layer of the port
FRONT = ["timbral38", "timbral67", "temporal128", "temporal64", "temporal32"]
MIDEND = ["midend1", "midend2", "midend3"]
BLOCKS = range(1, 6)
LAYERS = {
    "musicnn": {
        **numbered("conv2d", FRONT + MIDEND),
        **numbered(
            "batch_normalization",
            ["input_norm", *(f"{layer}_norm" for layer in FRONT + MIDEND), "pool_norm", "dense_norm"],
        ),
        **numbered("dense", ["dense", "logits"]),
    },
    "vgg": {
        **{f"{i}CNN": f"conv{i}" for i in BLOCKS},
        **numbered("batch_normalization", ["input_norm", *(f"conv{i}_norm" for i in BLOCKS)]),
        **numbered("dense", ["logits"]),
    },
}
# entry -> folder in the wheel, architecture, dataset, and the scores in the wheel's `experiment.result`
ENTRIES = {
    "musicnn-mtat-v1": ("MTT_musicnn", "musicnn", "mtat", {"roc_auc": 0.90668, "pr_auc": 0.38311}),
    "musicnn-msd-v1": ("MSD_musicnn", "musicnn", "msd", {"roc_auc": 0.88019, "pr_auc": 0.28906}),
    "vgg-mtat-v1": ("MTT_vgg", "vgg", "mtat", {"roc_auc": 0.90303, "pr_auc": 0.38227}),
    "vgg-msd-v1": ("MSD_vgg", "vgg", "msd", {"roc_auc": 0.87676, "pr_auc": 0.28192}),
}
DATASETS = {
    "mtat": ("MagnaTagATune", "audio CC BY-NC-SA 1.0 to 3.0 by track; annotations for research, no formal licence"),
    "msd": ("the Million Song Dataset", "7digital previews, not redistributable; last.fm tags, non-commercial"),
}
NETWORKS = {"musicnn": "MusiCNN (musically motivated filters)", "vgg": "VGG (3x3 filters)"}


def rename(architecture: str, variables: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The original's variables under the port's names, in the port's shapes."""
    renamed = {}
    for key, array in variables.items():
        original, _, leaf = key.rpartition("/")
        layer = LAYERS[architecture][original]
        if layer in MIDEND and leaf == "kernel":
            array = array[:, :, 0, :]  # (frames, channels, 1, filters): a 1-D convolution written as a 2-D one
        elif layer.startswith("temporal") and leaf == "kernel":
            array = array.transpose(1, 0, 2, 3)  # (frames, 1, 1, filters): the port convolves (mels, frames) maps
        renamed[f"{layer}/{leaf}"] = array
    return renamed


def read_checkpoint(folder: Path) -> dict[str, np.ndarray]:
    """The model's variables, without the optimiser's."""
    import tensorflow as tf

    for part in (".index", ".data-00000-of-00001"):  # whole names in the wheel; TensorFlow wants a stem before them
        (folder / part).rename(folder / f"model{part}")
    reader = tf.train.load_checkpoint(str(folder / "model"))
    names = [name for name in reader.get_variable_to_shape_map() if is_weight(name)]
    return {name: reader.get_tensor(name) for name in sorted(names)}


def is_weight(name: str) -> bool:
    leaf = name.rpartition("/")[2]
    return leaf in ("kernel", "bias", "gamma", "beta", "moving_mean", "moving_variance")


def fetch_wheel(folder: Path) -> Path:
    """Downloads the wheel with pip."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder), REQUIREMENT]
    subprocess.run(command, check=True)
    return next(folder.glob("musicnn-*.whl"))


def port(wheel: Path, out: Path) -> dict[str, Card]:
    """Writes the four entries below `out`, in float32.

    Float16 moves a chunk's score, on eleven clips, by up to 9.3e-4 (musicnn) and 2.4e-3 (vgg): docs/decisions/0004.

    Raises:
        ValueError: If the wheel is not the one that was published.
    """
    found = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if found != WHEEL_SHA256:
        raise ValueError(f"{wheel} is not the published wheel: SHA-256 {found}, expected {WHEEL_SHA256}.")
    cards = {}
    with tempfile.TemporaryDirectory() as scratch, zipfile.ZipFile(wheel) as archive:
        archive.extractall(scratch)
        for name, (source, architecture, dataset, reported) in ENTRIES.items():
            tagger = load_original(Path(scratch) / "musicnn" / source, architecture, dataset)
            cards[name] = write_entry(tagger, out / name, half=False, **facts(architecture, dataset, reported))
            (out / name / "LICENSE").write_bytes((Path(scratch) / LICENCE_FILE).read_bytes())
    return cards


def load_original(folder: Path, architecture: str, dataset: str) -> Tagger:
    """The tagger with the original's weights, in float32."""
    tagger = build(architecture, read_tags(bundled("tfrecords") / dataset / "tags.txt"))
    assign_weights(tagger, rename(architecture, read_checkpoint(folder)), str(folder))
    return tagger


def facts(architecture: str, dataset: str, reported: dict[str, float]) -> dict:
    """What the card states besides name, model and weights."""
    corpus, corpus_licence = DATASETS[dataset]
    return {
        "summary": f"{NETWORKS[architecture]}, trained by its authors on {corpus}, 50 tags",
        "trained_on": TrainedOn(dataset, "as used by its authors in 2019", "its authors' training list", None),
        "reference": Reference(
            paper="Pons and Serra, musicnn: pre-trained convolutional neural networks for music audio tagging, "
            "LBD-ISMIR 2019",
            url="https://arxiv.org/abs/1909.06654",
            reported=reported,
        ),
        "licences": Licences(code="ISC", weights="ISC", training_data=corpus_licence),
        "versions": {"musicnn": "0.1.0"},
        "recipe": None,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wheel", type=Path, help="the wheel, where it is here already")
    parser.add_argument("--out", type=Path, default=bundled("zoo"), help="where the entries go [%(default)s]")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        wheel = arguments.wheel or fetch_wheel(Path(scratch))
        for name, card in port(wheel, arguments.out).items():
            print(f"{name}: {card.weights.parameters:,} parameters, {card.weights.bytes:,} bytes")


if __name__ == "__main__":
    main()
