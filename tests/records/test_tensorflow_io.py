"""The optional decoder: one sentence reports that it is missing, and nothing else in the package uses it.

scripts/check_tensorflow_io shows, in a separate environment, that it decodes like PyAV.
"""

import ast
import sys
from pathlib import Path

import pytest
import tensorflow as tf

import keras_musictag as kmt
from keras_musictag.errors import MusicTagError
from keras_musictag.records.tf_data.tensorflow_io_mp3 import _fit, decode_mp3

PACKAGE = Path(kmt.__file__).parent


def decode_in_a_graph():
    return tf.data.Dataset.from_tensors(kmt.demo_clip().read_bytes()).map(decode_mp3)


def test_without_tensorflow_io_the_error_says_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_io", None)  # as if it were not installed
    for decode in (lambda: decode_mp3(b""), decode_in_a_graph):
        with pytest.raises(MusicTagError, match="not installed.*scripts/check_tensorflow_io.*PyAV"):
            decode()


def test_a_load_error_names_the_versions(monkeypatch, tmp_path):
    package = (
        tmp_path / "tensorflow_io"
    )  # what 0.37.1 does under TensorFlow 2.20: it imports, and fails when it is used
    package.mkdir()
    (package / "__init__.py").write_text("from tensorflow_io import audio")
    (package / "audio.py").write_text("def decode_mp3(_):\n    raise NotImplementedError('undefined symbol')")
    monkeypatch.syspath_prepend(tmp_path)
    for name in [name for name in sys.modules if name.partition(".")[0] == "tensorflow_io"]:
        monkeypatch.delitem(sys.modules, name)
    for decode in (lambda: decode_mp3(b""), decode_in_a_graph):
        with pytest.raises(MusicTagError, match=f"under TensorFlow {tf.__version__}; expected TensorFlow 2.16"):
            decode()


@pytest.fixture(autouse=True)
def forget():
    """Removes the stand-in afterwards."""
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.partition(".")[0] == "tensorflow_io":
            del sys.modules[name]


def test_the_decoded_length_is_fitted_to_the_record():
    samples = tf.range(1, 101, dtype=tf.float32)
    assert _fit(samples, tf.constant(95)).numpy().tolist() == list(range(1, 96))
    assert _fit(samples, tf.constant(103)).numpy().tolist() == [*range(1, 101), 0, 0, 0]
    assert _fit(samples, tf.constant(100)).numpy().tolist() == list(range(1, 101))


@pytest.mark.parametrize("num_samples", [36, 73, 133])  # as for files of 44.1, 22.05 and 12 kHz
def test_a_file_of_another_sample_rate_is_an_error(num_samples):
    dataset = tf.data.Dataset.from_tensors(tf.zeros(100)).map(lambda samples: _fit(samples, tf.constant(num_samples)))
    with pytest.raises(tf.errors.InvalidArgumentError, match="another number of samples than its record states"):
        next(iter(dataset))


def test_only_one_file_of_the_package_imports_tensorflow_io():
    def imported(path):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from (alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield node.module.partition(".")[0]

    assert [path.name for path in PACKAGE.rglob("*.py") if "tensorflow_io" in imported(path)] == [
        "tensorflow_io_mp3.py"
    ]
