"""Keras on JAX and PyTorch: with TensorFlow's weights, every network gives TensorFlow's logits."""

import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from keras_musictag import architectures, build
from keras_musictag.zoo import save_weights
from tests.checks import signals
from tests.needs import BACKENDS

ROOT = Path(__file__).parents[1]
PROGRAM = """
import sys
from pathlib import Path
import keras, numpy as np
import keras_musictag as kmt
from tests.checks import signals
folder = Path(sys.argv[1])
found = {}
for path in sorted(folder.glob("*.safetensors")):
    tagger = kmt.load(path.stem, weights=path, tags=["a", "b"])
    found[path.stem] = tagger.runner("logits")(signals(tagger.spec.chunking.chunk_samples)[:1])
saved = kmt.load(folder / "harmonic_cnn.keras")
found["saved"] = saved.runner("logits")(signals(saved.spec.chunking.chunk_samples)[:1])
assert keras.backend.backend() == sys.argv[2]
assert "kapre" not in sys.modules
np.savez(folder / f"{sys.argv[2]}.npz", **found)
"""


@pytest.fixture(scope="module")
def on_tensorflow(tmp_path_factory):
    """Random weights of every network, and their logits; one network also as a `.keras` file with Kapre layers."""
    folder, logits = tmp_path_factory.mktemp("backends"), {}
    for name in architectures.names():
        keras.utils.set_random_seed(0)
        tagger = build(name, ["a", "b"])
        if name == "harmonic_cnn":
            tagger.get_layer("harmonic_filterbank").q.assign([1.7])
            tagger.save(folder / "harmonic_cnn.keras")
        save_weights(tagger, folder / f"{name}.safetensors")
        logits[name] = tagger.runner("logits")(signals(tagger.spec.chunking.chunk_samples)[:1])
    return folder, {**logits, "saved": logits["harmonic_cnn"]}


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
def test_every_network_gives_tensorflows_logits(backend, on_tensorflow):
    folder, expected = on_tensorflow
    environment = {**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", PROGRAM, str(folder), backend]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    with np.load(folder / f"{backend}.npz") as found:
        assert sorted(found) == sorted(expected)
        for name, logits in found.items():
            # float32 on another library's kernels, through up to 20 layers
            np.testing.assert_allclose(logits, expected[name], rtol=1e-3, atol=1e-4, err_msg=name)


@pytest.mark.needs("jax")
def test_kapre_is_rejected_on_other_backends():
    program = "from keras_musictag.frontends import choose_implementation as c; print(c()); c('kapre')"
    environment = {**os.environ, "KERAS_BACKEND": "jax"}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
    assert done.stdout == "portable\n"
    assert "needs the TensorFlow backend. Received: backend 'jax'" in done.stderr
