"""OpenVINO: `model.xml` and `model.bin`, for any batch size, on the CPU.

OpenVINO reads a SavedModel of the exported network and knows all of its operators, the STFT as `RDFT`. By way of the
ONNX file it fails: its reader accepts no `DFT` of float64, and takes the one-sided one of float32 for another shape.
`openvino.convert_model` needs no SavedModel, but asks again whether it may report the conversion to Google Analytics,
and takes silence for consent.

OpenVINO computes in bfloat16 by default where the processor can, front end included, which moves scores by up to 0.08.
So the precision is always stated. A bfloat16 model is in two files, and only the network after the front end runs so.
OpenVINO's int8 needs NNCF and music to calibrate with: it is left out.

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
from keras_musictag.runtimes.artefact import Artefact, check_installed
from keras_musictag.runtimes.formats._conversion import OUTPUTS, is_rounded, lacking, refusal, upstream

if TYPE_CHECKING:  # running an exported model loads no Keras
    import keras

    from keras_musictag.tagger import Tagger

TOOLS = ("tensorflow", "keras", "openvino")  # whose versions `artefact.json` states
MODEL_FILE = "model.xml"
FRONT_END_FILE = "front_end.xml"  # beside the model where that computes in bfloat16: what stays in float32


def open_model(
    folder: Path, artefact: Artefact, threads: int | None = None
) -> Callable[[np.ndarray], dict[str, np.ndarray]]:
    """Opens the model of an exported folder.

    Args:
        folder: With `model.xml` and `model.bin`.
        artefact: What it is; "bfloat16" on a processor that has none is computed in float32.
        threads: How many to use; None for what OpenVINO takes by itself: one a core.

    Returns:
        A function from float32 (batch, ...), of any batch size, to `{"scores": (batch, tags), "embedding": (batch,
        features)}`, float32. Threads may share it: one runs at a time.

    Raises:
        ExportError: If `openvino` is not installed.
    """
    openvino = load_openvino()
    core = openvino.Core()
    bfloat16 = artefact.precision == "bfloat16" and has_bfloat16(core)
    network = _compile(core, Path(folder) / MODEL_FILE, "bf16" if bfloat16 else "f32", threads)
    front_end = Path(folder) / FRONT_END_FILE
    features = _compile(core, front_end, "f32", threads) if front_end.is_file() else None
    lock = threading.Lock()  # a compiled model that is called keeps one set of tensors

    def run(batch: np.ndarray) -> dict[str, np.ndarray]:
        inputs = np.ascontiguousarray(batch, np.float32)
        with lock:
            outputs = network([inputs if features is None else features([inputs])[0]])
        return {name: outputs[name] for name in artefact.outputs}

    return run


def load_openvino() -> ModuleType:
    """Imports OpenVINO without the message to Google Analytics that its import sends.

    OpenVINO takes it for consent that nobody has declined, but sends nothing where `CI` is set, which it looks up once:
    when it is first imported in a process.

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


PRECISIONS = {
    "float32": 5e-4,  # the STFT rounds silent bins otherwise: 1e-4 with trained weights, 8e-4 with random ones
    "float16": 5e-3,  # 11 bits of each weight behind the front end; arithmetic in float32
    "bfloat16": 3e-2,  # 8 bits of every number behind the first normalisation; on waveforms there is none: of all
}
INPUTS = ("waveform", "log-mel")
INPUT_NORM = "input_norm"  # the layer that features go through first: in bfloat16, decibels would lose 0.25 dB


def write(tagger: "Tagger", folder: Path, precision: str, form: str) -> None:
    """Writes `model.xml` and `model.bin`, with the tags and settings in the model's runtime information.

    For bfloat16, what must stay in float32 is written apart, as `front_end.xml`: OpenVINO has no public way to run
    a part of a model in another precision.

    Args:
        tagger: With its weights.
        folder: Exists.
        precision: Of `PRECISIONS`.
        form: Of `INPUTS`.

    Returns:
        None: it takes any batch size.

    Raises:
        ExportError: If the package lacks, an operator does not convert, which the message names, the converter fails,
            or this processor has no bfloat16.
    """
    openvino = load_openvino()
    if precision == "bfloat16" and not has_bfloat16(openvino.Core()):
        raise ExportError("This processor has no bfloat16, so that such a model cannot be checked here: take float32.")
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
    """The network as an `openvino.Model`; `name` is the tagger's, to be told in errors."""
    from keras_musictag.runtimes.export_network import save_graph

    try:
        with tempfile.TemporaryDirectory() as scratch:
            save_graph(network, scratch)
            return load_openvino().Core().read_model(scratch)
    except Exception as error:  # of many kinds
        operators = re.findall(r"operations: (.+)", str(error))
        raise (lacking("OpenVINO", name, operators) if operators else refusal("OpenVINO", name, error)) from error


def _normalised_features(network: "keras.Model"):
    """What the first normalisation gives in a network; None where there is none, as behind waveforms."""
    for nodes in network._nodes_by_depth.values():  # the layer itself is in the network without folding, too
        for node in nodes:
            if node.operation.name == INPUT_NORM:
                return node.outputs[0]
    return None


def _ordered(model):
    """Scores first: who asks for outputs by number expects it."""
    outputs = [model.output(name) for name in OUTPUTS]
    return load_openvino().Model(outputs, model.get_parameters(), "keras_musictag")


def _halve_weights(model) -> None:
    """Stores large arrays as float16, and a conversion back that the runtime does once; not the front end's."""
    operators, held = load_openvino().opset13, _front_end(model)
    for node in model.get_ops():
        if node.get_type_name() == "Constant" and is_rounded(node.data) and node.get_name() not in held:
            half = operators.constant(node.data.astype(np.float16))
            node.output(0).replace(operators.convert(half, "f32").output(0))


def _front_end(model) -> set[str]:
    """Names of the nodes that the spectrogram's logarithm is computed by; none where there is no logarithm."""
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
