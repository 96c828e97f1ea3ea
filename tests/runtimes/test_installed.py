"""A runtime that is not installed is named; one that is broken says so itself."""

import sys

import pytest

from keras_musictag.errors import ExportError
from keras_musictag.runtimes import formats
from keras_musictag.runtimes.formats import check_installed

RUNTIMES = {"litert": "ai_edge_litert", "onnx": "onnxruntime", "openvino": "openvino"}
each_runtime = pytest.mark.parametrize("format, module", RUNTIMES.items())


def open_model(format, folder):
    return formats.get(format).open_model(folder, None)


@each_runtime
def test_a_missing_runtime_is_named(format, module, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)  # which Python treats as "not installed"
    package = module.replace("_", "-")
    with pytest.raises(
        ExportError,
        match=rf'needs the package {package}, .*pip install "keras-musictag\[export\]"',
    ):
        open_model(format, tmp_path)


@each_runtime
@pytest.mark.parametrize(
    "code, message", [("raise ImportError('libfirst.so.1 is missing')", "libfirst"), ("import needed_by_it", "needed")]
)
def test_a_broken_runtime_raises_its_own_error(format, module, code, message, tmp_path, monkeypatch):
    (tmp_path / f"{module}.py").write_text(code, encoding="utf-8")
    for name in [name for name in sys.modules if name.partition(".")[0] == module]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ImportError, match=message):
        open_model(format, tmp_path)


def test_of_several_modules_the_missing_one_is_named():
    check_installed("Numbers", "numpy", "math")
    with pytest.raises(ExportError, match="Numbers needs the package no-such-module, "):
        check_installed("Numbers", "numpy", "no_such_module")
