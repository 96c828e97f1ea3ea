"""What all tests share: Ctrl-C in the processes that they start, a tagger, and an export that is made once."""

import gc
import signal
from collections import Counter

import pytest

pytest_plugins = ["pytester", "tests.needs"]
collect_ignore = ["kept"]  # the programs in exported folders are not tests

# A shell without job control makes its background processes, and so the processes that the tests start, ignore Ctrl-C:
# the tests of Ctrl-C would wait forever. With a handler in this process, its child processes get the default again.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


gc.set_threshold(50_000, 10, 10)  # as in the command line


def pytest_collection_finish():
    gc.freeze()  # what was imported stays: the tests take a twentieth less time


def pytest_collection_modifyitems(items):
    """Puts files with slow tests first: otherwise one worker would be left alone with the longest one at the end."""
    slow = Counter(item.path for item in items if item.get_closest_marker("slow"))
    items.sort(key=lambda item: -slow[item.path])


@pytest.fixture(scope="session")
def vgg(vgg_tagger):
    """The tagger that `exported_vgg_onnx` was exported from. Tests do not change it."""
    return vgg_tagger


@pytest.fixture(scope="session")
def vgg_tagger():
    """The same, for `exported_vgg_onnx`: in some folders `vgg` is something else."""
    import keras_musictag as kmt
    from keras_musictag.bundled_files import bundled

    return kmt.load(bundled("zoo") / "vgg-mtat-v1")


@pytest.fixture(scope="session")
def exported_vgg_onnx(vgg_tagger, tmp_path_factory):
    """The path of an exported folder: the bundled vgg in ONNX, float32, from waveforms. Tests do not change it."""
    import keras_musictag as kmt

    folder = tmp_path_factory.mktemp("exported_vgg_onnx") / "vgg"
    licences = {"code": "ISC", "weights": "ISC", "training_data": "CC BY-NC-SA 3.0"}
    kmt.export(vgg_tagger, "onnx", folder, licences=licences)
    return folder
