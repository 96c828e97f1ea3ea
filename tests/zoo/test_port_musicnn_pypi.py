"""The bundled weights are those that the script makes from the published wheel; nothing was changed by hand."""

import importlib.util
from pathlib import Path

import pytest

from keras_musictag.bundled_files import bundled

SCRIPT = Path(__file__).parents[2] / "scripts" / "port" / "musicnn_pypi.py"
ENTRIES = ["musicnn-msd-v1", "musicnn-mtat-v1", "vgg-msd-v1", "vgg-mtat-v1"]


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("port_musicnn_pypi", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def ported(script, tmp_path_factory):
    """The folder of the entries that the script makes from the wheel of the package index."""
    wheel = script.fetch_wheel(tmp_path_factory.mktemp("wheel"))
    out = tmp_path_factory.mktemp("zoo")
    script.port(wheel, out)
    return out


@pytest.mark.slow
@pytest.mark.needs("package_index")
@pytest.mark.parametrize("file", ["weights.safetensors", "card.json", "LICENSE"])
@pytest.mark.parametrize("entry", ENTRIES)
def test_the_port_of_the_wheel_equals_the_bundled_entry(ported, entry, file):
    assert (ported / entry / file).read_bytes() == (bundled("zoo") / entry / file).read_bytes()


@pytest.mark.slow
@pytest.mark.needs("package_index")
def test_the_port_makes_the_bundled_entries_and_no_others(ported):
    assert sorted(folder.name for folder in ported.iterdir()) == ENTRIES


def test_another_wheel_is_refused_before_anything_is_written(script, tmp_path):
    wheel = tmp_path / "musicnn-0.1.0-py3-none-any.whl"
    wheel.write_bytes(b"PK\x03\x04 not the published one")
    with pytest.raises(ValueError, match=rf"is not the published wheel: SHA-256 \w+, expected {script.WHEEL_SHA256}"):
        script.port(wheel, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_layers_of_the_original_are_numbered_in_order(script):
    assert script.numbered("conv2d", ["a", "b", "c"]) == {"conv2d": "a", "conv2d_1": "b", "conv2d_2": "c"}


def test_no_layer_of_the_port_is_filled_twice(script):
    for architecture, layers in script.LAYERS.items():
        assert len(set(layers.values())) == len(layers), architecture


def test_variables_of_the_optimiser_are_left_out(script):
    assert script.is_weight("batch_normalization_3/moving_variance")
    assert not any(map(script.is_weight, ["conv2d/kernel/Adam", "conv2d/kernel/Adam_1", "beta1_power", "global_step"]))
