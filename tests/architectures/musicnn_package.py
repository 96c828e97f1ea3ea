"""Compares the networks of the PyPI package `musicnn` with recorded outputs, from the log-mel features on."""

import functools

import keras
import numpy as np

import keras_musictag as kmt
from tests import shared

ORIGINALS = {
    "musicnn-mtat-v1": "MTT_musicnn",
    "musicnn-msd-v1": "MSD_musicnn",
    "vgg-mtat-v1": "MTT_vgg",
    "vgg-msd-v1": "MSD_vgg",
}


@functools.cache
def tagger_of(entry: str) -> kmt.Tagger:
    return kmt.load(entry)


@functools.cache
def recorded(entry: str) -> dict[str, np.ndarray]:
    arrays = shared.load("musicnn_io", f"{ORIGINALS[entry]}.npz")
    return {key.removeprefix("joram/"): values for key, values in arrays.items()}


def check_stage(entry: str, layer: str, key: str) -> None:
    """Compares the output of a layer on the recorded batch. Some maps are recorded only in part or for one window."""
    tagger = tagger_of(entry)
    features = tagger.get_layer("log_mel_compression").output
    network = keras.Model(features, tagger.get_layer(layer).output)
    batch = shared.load("musicnn_io", "input_joram.npz")["batch"][..., None]
    found = np.asarray(network(batch))
    expected = recorded(entry)[key]
    if expected.ndim != found.ndim or expected.shape[0] != found.shape[0]:
        expected = expected.reshape(expected.shape[0], *found.shape[2:])[None]
        found = found[:1, : expected.shape[1]]
    # float32 differs from float64 of the original by 3.4e-5 on a logit, and by 1e-5 of the largest value on a map
    atol = 1e-4 if key in ("logits", "penultimate") else 1e-5 * np.abs(expected).max()
    np.testing.assert_allclose(found, expected, rtol=0, atol=atol)
