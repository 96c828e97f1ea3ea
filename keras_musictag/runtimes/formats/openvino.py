"""OpenVINO: `model.xml` and `model.bin`, for any batch size, on the CPU.

OpenVINO reads a SavedModel of the exported network and supports all of its operators, the STFT as `RDFT`. It cannot
read the ONNX file: its reader accepts no `DFT` of float64, and gives the one-sided one of float32 another shape.
`openvino.convert_model` needs no SavedModel, but asks again whether it may report the conversion to Google Analytics,
and takes silence for consent.

If the processor supports bfloat16, OpenVINO uses it by default, even for the front end, which moves scores by up to
0.08. So the precision is always stated. A bfloat16 model has two files, and only the network after the front end
computes in bfloat16. OpenVINO's int8 needs NNCF and music for calibration, and is not supported.

Running a model needs `openvino`, and no TensorFlow.
"""

import os
import re
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

from keras_musictag.errors import ExportError
from keras_musictag.runtimes.artefact import INPUT_NAMES, Artefact
from keras_musictag.runtimes.example_program import fill_example
from keras_musictag.runtimes.formats import check_installed
from keras_musictag.runtimes.formats._conversion import (
    OUTPUTS,
    converter_error,
    is_rounded,
    missing_operators,
    upstream,
)

if TYPE_CHECKING:  # running an exported model must not import Keras
    import keras

    from keras_musictag.tagger import Tagger

TOOLS = ("tensorflow", "keras", "openvino")  # `artefact.json` states their versions
MODEL_FILE = "model.xml"
FRONT_END_FILE = "front_end.xml"  # next to a model in bfloat16: the part that stays in float32


def open_model(
    folder: Path, artefact: Artefact, threads: int | None = None
) -> Callable[[np.ndarray], dict[str, np.ndarray]]:
    """Opens the model of an exported folder.

    Args:
        folder: A folder with `model.xml` and `model.bin`.
        artefact: Its `Artefact`; "bfloat16" is computed in float32 on processors without it.
        threads: Number of threads; None for OpenVINO's default, one per core.

    Returns:
        A function from float32 (batch, ...), of any batch size, to `{"scores": (batch, tags), "embedding": (batch,
        features)}`, float32. Threads may share it: calls run one at a time.

    Raises:
        ExportError: If `openvino` is not installed.
    """
    openvino = load_openvino()
    core = openvino.Core()
    bfloat16 = artefact.precision == "bfloat16" and has_bfloat16(core)
    network = _compile(core, Path(folder) / MODEL_FILE, "bf16" if bfloat16 else "f32", threads)
    front_end = Path(folder) / FRONT_END_FILE
    features = _compile(core, front_end, "f32", threads) if front_end.is_file() else None
    lock = threading.Lock()  # a compiled model has one set of tensors for calls

    def run(batch: np.ndarray) -> dict[str, np.ndarray]:
        inputs = np.ascontiguousarray(batch, np.float32)
        with lock:
            outputs = network([inputs if features is None else features([inputs])[0]])
        return {name: outputs[name] for name in artefact.outputs}

    return run


def load_openvino() -> ModuleType:
    """Imports OpenVINO without the message that its import sends to Google Analytics.

    OpenVINO assumes consent unless the user has declined, but sends nothing if `CI` is set. It looks that up once, when
    it is first imported in a process.

    Raises:
        ExportError: If `openvino` is not installed.
    """
    check_installed("OpenVINO", "openvino")
    before = os.environ.get("CI")
    os.environ["CI"] = "true"
    try:
        import openvino
    finally:
        if before is None:
            del os.environ["CI"]
        else:
            os.environ["CI"] = before
    return openvino


def has_bfloat16(core) -> bool:
    """Whether OpenVINO computes in bfloat16 on this processor."""
    return "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def _compile(core, path: Path, precision: str, threads: int | None):
    settings = {"INFERENCE_PRECISION_HINT": precision}
    if threads is not None:
        settings["INFERENCE_NUM_THREADS"] = threads
    return core.compile_model(path, "CPU", settings)


def example(artefact: Artefact) -> str:
    """Returns the text of `example.py`: see `fill_example`."""
    # by itself OpenVINO would compute in bfloat16 on processors that have it, which moves the scores
    hint = "bf16" if artefact.precision == "bfloat16" else "f32"
    if FRONT_END_FILE in artefact.files:
        opening = f"""core = openvino.Core()
front_end = core.compile_model(folder / "front_end.xml", "CPU", {{"INFERENCE_PRECISION_HINT": "f32"}})
run = core.compile_model(folder / "model.xml", "CPU", {{"INFERENCE_PRECISION_HINT": "{hint}"}})"""
        run = 'run([front_end([chunk[None]])["features"]])["scores"]'
    else:
        settings = f'{{"INFERENCE_PRECISION_HINT": "{hint}"}}'
        opening = f'run = openvino.Core().compile_model(folder / "model.xml", "CPU", {settings})'
        run = f'run({{"{INPUT_NAMES[artefact.input]}": chunk[None]}})["scores"]'
    return fill_example(artefact, "openvino", "import openvino", opening, run)


PRECISIONS = {
    "float32": 5e-4,  # the STFT rounds silent bins differently: 1e-4 with trained weights, 8e-4 with random ones
    "float16": 5e-3,  # 11 bits for each weight after the front end; arithmetic in float32
    "bfloat16": 3e-2,  # 8 bits for every number after the first normalisation; for networks on waveforms, for all
}
INPUTS = ("waveform", "log-mel")
INPUT_NORM = "input_norm"  # the first layer after the features: in bfloat16, decibels would lose 0.25 dB


def write(tagger: "Tagger", folder: Path, precision: str, form: str) -> None:
    """Writes `model.xml` and `model.bin`, with the tags and settings in the model's runtime information.

    For bfloat16, the part that must stay in float32 is written separately, as `front_end.xml`: OpenVINO has no public
    way to run part of a model in another precision.

    Args:
        tagger: A tagger with its weights.
        folder: An existing folder.
        precision: One of `PRECISIONS`.
        form: One of `INPUTS`.

    Returns:
        None: the model takes batches of any size.

    Raises:
        ExportError: If the package is missing, an operator, which the message names, cannot be converted, the converter
            fails, or this processor does not support bfloat16.
    """
    openvino = load_openvino()
    if precision == "bfloat16" and not has_bfloat16(openvino.Core()):
        raise ExportError(
            "This processor does not support bfloat16, so a model in bfloat16 cannot be checked here. Use float32."
        )
    import keras

    from keras_musictag.runtimes.export_network import exported_network

    network = exported_network(tagger, form)
    features = _normalised_features(network) if precision == "bfloat16" else None
    if features is not None:
        front_end = keras.Model(network.inputs[0], {"features": features})
        _save(_converted(front_end, tagger.name), tagger, Path(folder) / FRONT_END_FILE)
        network = keras.Model(features, {name: network.output[name] for name in OUTPUTS})
    model = _converted(network, tagger.name)
    if precision == "float16":
        _halve_weights(model)
    _save(_ordered(model), tagger, Path(folder) / MODEL_FILE)


def _converted(network: "keras.Model", name: str):
    """Converts the network to an `openvino.Model`; `name` is the tagger's, for errors."""
    from keras_musictag.runtimes.export_network import save_graph

    try:
        with tempfile.TemporaryDirectory() as scratch:
            save_graph(network, scratch)
            return load_openvino().Core().read_model(scratch)
    except Exception as error:  # of many classes
        operators = re.findall(r"operations: (.+)", str(error))
        raise (
            missing_operators("OpenVINO", name, operators) if operators else converter_error("OpenVINO", name, error)
        ) from error


def _normalised_features(network: "keras.Model"):
    """The output of a network's first normalisation; None if it has none, as in networks on waveforms."""
    for (
        nodes
    ) in network._nodes_by_depth.values():  # the layer object itself also belongs to the network without folding
        for node in nodes:
            if node.operation.name == INPUT_NORM:
                return node.outputs[0]
    return None


def _ordered(model):
    """Puts scores first: callers that use output numbers expect that."""
    outputs = [model.output(name) for name in OUTPUTS]
    return load_openvino().Model(outputs, model.get_parameters(), "keras_musictag")


def _halve_weights(model) -> None:
    """Stores large arrays as float16 with a conversion to float32, which the runtime does once; not the front end's."""
    operators, held = load_openvino().opset13, _front_end(model)
    for node in model.get_ops():
        if node.get_type_name() == "Constant" and is_rounded(node.data) and node.get_name() not in held:
            half = operators.constant(node.data.astype(np.float16))
            node.output(0).replace(operators.convert(half, "f32").output(0))


def _front_end(model) -> set[str]:
    """The names of the nodes that compute the spectrogram's logarithm; empty if there is no logarithm."""
    inputs = {
        node.get_name(): [port.get_source_output().get_node().get_name() for port in node.inputs()]
        for node in model.get_ops()
    }
    logarithms = [node.get_name() for node in model.get_ops() if node.get_type_name() == "Log"]
    return upstream(logarithms, inputs.get)


def _save(model, tagger: "Tagger", path: Path) -> None:
    from keras_musictag.runtimes.export_network import settings_of

    for name, value in settings_of(tagger).items():
        model.set_rt_info(value, ["keras_musictag", name])
    load_openvino().save_model(model, path, compress_to_fp16=False)
