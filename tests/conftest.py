"""What all tests share: Ctrl-C in what they start, a tagger, and an export that is made once."""

import signal
from collections import Counter

import pytest

pytest_plugins = ["pytester", "tests.needs"]
collect_ignore = ["kept"]  # the programs in exported folders are no tests

# A shell without job control lets what it starts in the background ignore Ctrl-C, and so all that the tests start: the
# tests of Ctrl-C would wait for ever. A handler of this process is the default again in the processes that it starts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items):
    """Files with slow tests come first: at the end, one worker would be left alone with the longest."""
    slow = Counter(item.path for item in items if item.get_closest_marker("slow"))
    items.sort(key=lambda item: -slow[item.path])


@pytest.fixture(scope="session")
def vgg():
    """The tagger that `exported_vgg_onnx` was. Tests leave it as it is."""
    import keras_musictag as kmt
    from keras_musictag.bundled_files import bundled

    return kmt.load(bundled("zoo") / "vgg-mtat-v1")


@pytest.fixture(scope="session")
def exported_vgg_onnx(vgg, tmp_path_factory):
    """The path of an exported folder: the bundled vgg in ONNX, float32, from waveforms. Tests leave it as it is."""
    import keras_musictag as kmt

    folder = tmp_path_factory.mktemp("exported_vgg_onnx") / "vgg"
    licences = {"code": "ISC", "weights": "ISC", "training_data": "CC BY-NC-SA 3.0"}
    kmt.export(vgg, "onnx", folder, licences=licences)
    return folder
