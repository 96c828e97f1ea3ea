"""Reference implementations of the 2020 evaluation: weights filled by a rule, inputs and recorded outputs."""

import functools
import importlib.util
import json

import numpy as np

import keras_musictag as kmt
from keras_musictag.tagger import Tagger
from keras_musictag.zoo import assign_weights
from keras_musictag.zoo.importers.sota2020 import convert
from tests import shared

# architecture -> its name in the reference's files
NAMES = {
    "fcn": "fcn",
    "musicnn_2020": "musicnn",
    "crnn": "crnn",
    "sample_cnn": "sample",
    "sample_cnn_se": "se",
    "short_chunk_cnn": "short",
    "short_chunk_cnn_res": "short_res",
    "self_attention": "attention",
    "harmonic_cnn": "hcnn",
}
TAGS = [f"tag{i}" for i in range(50)]


@functools.cache
def description(name: str) -> dict:
    return json.loads((shared.FOLDER / "reference" / "arch" / f"{NAMES[name]}.json").read_text())


def filled_state(name: str) -> dict[str, np.ndarray]:
    """Returns the deterministic weights of the reference, under its keys."""
    spec = importlib.util.spec_from_file_location("fill_state", shared.FOLDER / "reference" / "fill_state.py")
    fill_state = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fill_state)
    return fill_state.fill_state((entry["key"], entry["shape"]) for entry in description(name)["state_dict"])


@functools.cache
def tagger_of(name: str) -> Tagger:
    tagger = kmt.build(name, TAGS)
    assign_weights(tagger, convert(filled_state(name)), "the reference's weights")
    return tagger


@functools.cache
def recorded(name: str) -> dict[str, np.ndarray]:
    return shared.load("io", f"{NAMES[name]}.npz")


@functools.cache
def inputs(name: str) -> np.ndarray:
    """Returns waveforms as long as the network takes, float32 (2, samples)."""
    length = description(name)["input_length"]
    return shared.load("io", "inputs.npz")["x_int16"][:, :length].astype(np.float32) / 32768


def torch_layout(array: np.ndarray) -> np.ndarray:
    """Transposes (batch, frames, mels, channels) to (batch, channels, mels, frames), or the same with fewer axes."""
    if array.ndim == 4:
        return array.transpose(0, 3, 2, 1)
    return array.transpose(0, 2, 1) if array.ndim == 3 else array
