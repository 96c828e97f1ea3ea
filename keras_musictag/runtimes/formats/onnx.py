"""ONNX: `model.onnx`, with standard operators of opset 18, for any batch size, run by ONNX Runtime on the CPU.

tf2onnx converts the TensorFlow function of the exported network. Keras's own `model.export(format="onnx")` also calls
it but cannot add operators: the STFT, `log1p` and the exact GELU would stay TensorFlow's, and no runtime opens such a
file. `replacements` adds them, each as a function that replaces one node with operators that ONNX has. So the front end
uses ONNX's `DFT`, a true FFT. A strided convolution with windowed cosines would be a fifth of all arithmetic of `fcn`
for a chunk of 29 s, and no more exact.

There is no int8: ONNX Runtime's dynamic quantisation has one scale for all filters of a convolution, and one for all
chunks of a batch. Scores of `musicnn` with released weights moved by 5.5e-2 on music, and the scores of a chunk
depended on the others in its batch by 1.7e-2. "float16" stores the weights as float16, which halves the file; the
arithmetic is float32.

Running a model needs `onnxruntime`, and no TensorFlow.
"""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

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

TOOLS = ("tensorflow", "keras", "tf2onnx", "onnx", "onnxruntime")  # `artefact.json` states their versions
MODEL_FILE = "model.onnx"


def open_model(
    folder: Path, artefact: Artefact, threads: int | None = None
) -> Callable[[np.ndarray], dict[str, np.ndarray]]:
    """Opens the model of an exported folder.

    Args:
        folder: A folder with `model.onnx`.
        artefact: Its `Artefact`.
        threads: Number of threads; None for one per core.

    Returns:
        A function from float32 (batch, ...), of any batch size, to `{"scores": (batch, tags), "embedding": (batch,
        features)}`, float32. Threads may share it.

    Raises:
        ExportError: If `onnxruntime` is not installed.
    """
    check_installed("ONNX", "onnxruntime")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or 0  # 0: one per core
    path = str(Path(folder) / MODEL_FILE)
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    (source,) = session.get_inputs()
    names = list(artefact.outputs)

    def run(batch: np.ndarray) -> dict[str, np.ndarray]:
        return dict(zip(names, session.run(names, {source.name: np.asarray(batch, np.float32)}), strict=True))

    return run


def example(artefact: Artefact) -> str:
    """Returns the text of `example.py`: see `fill_example`."""
    return fill_example(
        artefact,
        package="onnxruntime",
        imports="import onnxruntime",
        opening=(
            'session = onnxruntime.InferenceSession(str(folder / "model.onnx"), providers=["CPUExecutionProvider"])'
        ),
        run=f'session.run(["scores"], {{"{INPUT_NAMES[artefact.input]}": chunk[None]}})[0]',
    )


FLOAT, DOUBLE = 1, 11  # of onnx.TensorProto


def replacements() -> dict:
    """The functions, by the operator's name in TensorFlow, in the form that `tf2onnx.convert` takes."""
    functions = {"RFFT": rfft, "Real": complex_part(0), "Imag": complex_part(1), "Log1p": log1p, "Erfc": erfc}
    return {name: (function, []) for name, function in functions.items()}


def rfft(graph, node, name, _):
    """(batch, frames, samples) -> (batch, frames, bins, 2), the real and the imaginary part.

    It is computed in float64: in float32, the error of ONNX Runtime's FFT is 3.4 times that of TensorFlow's, which
    shows in the decibels of nearly silent bins (on the demo clip, a score of released weights moved by 9.2e-5; in
    float64, by 3.0e-5).
    """
    signal, length = node.input
    samples = int(np.ravel(graph.get_node_by_output(length).get_tensor_value(as_list=False))[0])
    batch, frames, window = graph.get_shape(signal)
    if window != samples:  # frames would have to be cut or padded
        raise ValueError(f"An RFFT of {samples} samples needs frames of the same length. Received: {window}.")
    column, spectrum = [batch, frames, samples, 1], [batch, frames, samples // 2 + 1, 2]
    x = _add(graph, "Cast", [signal], [batch, frames, samples], DOUBLE, {"to": DOUBLE})
    x = _add(graph, "Unsqueeze", [x, _constant(graph, [3], np.int64)], column, DOUBLE)
    x = _add(graph, "DFT", [x], spectrum, DOUBLE, {"axis": 2, "onesided": 1})
    _replace(graph, node, name, "Cast", [x], spectrum, {"to": FLOAT})


def complex_part(index: int):
    """The real (0) or the imaginary (1) part of the output of `rfft`."""

    def convert(graph, node, name, _):
        (spectrum,) = node.input
        shape = graph.get_shape(spectrum)[:-1]
        _replace(graph, node, name, "Gather", [spectrum, _constant(graph, index, np.int64)], shape, {"axis": 3})

    return convert


def log1p(graph, node, name, _):
    """log(1 + x): 0 for x below 1e-7, an error no larger than that of float32 at 1."""
    (x,) = node.input
    shape = graph.get_shape(x)
    _replace(graph, node, name, "Log", [_add(graph, "Add", [x, _constant(graph, 1, np.float32)], shape)], shape)


def erfc(graph, node, name, _):
    """1 - erf(x), with the error of float32 at 1."""
    (x,) = node.input
    shape = graph.get_shape(x)
    _replace(graph, node, name, "Sub", [_constant(graph, 1, np.float32), _add(graph, "Erf", [x], shape)], shape)


def _constant(graph, value, dtype) -> str:
    from tf2onnx.utils import make_name

    return graph.make_const(make_name("constant"), np.array(value, dtype)).output[0]


def _add(graph, operator, inputs, shape, dtype=FLOAT, attributes=None) -> str:
    return graph.make_node(operator, inputs, attributes or {}, shapes=[shape], dtypes=[dtype]).output[0]


def _replace(graph, node, name, operator, inputs, shape, attributes=None) -> None:
    """Replaces a node with another of the same name and output."""
    outputs = node.output
    graph.remove_node(node.name)
    graph.make_node(operator, inputs, attributes or {}, outputs=outputs, name=name, shapes=[shape], dtypes=[FLOAT])


PRECISIONS = {
    "float32": 5e-4,  # the STFT rounds silent bins differently: 4e-5 with trained weights, 8e-4 with random ones
    "float16": 5e-3,  # 11 bits for each weight after the front end; arithmetic in float32
}
INPUTS = ("waveform", "log-mel")
OPSET = 18


def write(tagger: "Tagger", folder: Path, precision: str, form: str) -> None:
    """Writes `model.onnx`, with the tags and settings in its metadata.

    Args:
        tagger: A tagger with its weights.
        folder: An existing folder.
        precision: One of `PRECISIONS`.
        form: One of `INPUTS`.

    Returns:
        None: the model takes batches of any size.

    Raises:
        ExportError: If a package is missing, an operator, which the message names, has no counterpart in ONNX, or
            tf2onnx or ONNX's checker fails.
    """
    check_installed("ONNX", "onnx", "tf2onnx", "onnxruntime")  # the last one runs the file and is not imported here
    import onnx

    from keras_musictag.runtimes.export_network import exported_network, settings_of

    model = _converted(exported_network(tagger, form), tagger.name)
    foreign = sorted({node.op_type for node in _nodes(model.graph) if not onnx.defs.has(node.op_type, node.domain)})
    if foreign:
        raise missing_operators("ONNX", tagger.name, foreign)
    if precision == "float16":
        _halve_weights(model.graph, onnx)
    _order_outputs(model.graph)
    _name_the_batch(model.graph)
    model.producer_name = "keras_musictag"
    onnx.helper.set_model_props(model, settings_of(tagger))
    try:
        onnx.checker.check_model(model, full_check=True)
    except Exception as error:  # of several kinds, without a base of their own
        raise converter_error("ONNX's checker", tagger.name, error) from error
    onnx.save(model, Path(folder) / MODEL_FILE)


def _converted(network: "keras.Model", name: str):
    """The network as a `ModelProto`, which may hold operators that ONNX does not have; `name` is the tagger's."""
    from tf2onnx.convert import from_function

    from keras_musictag.runtimes.export_network import graph_of

    function = graph_of(network)
    logger = logging.getLogger("tf2onnx")  # it writes pages of what the caller says in one line
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    options = {"opset": OPSET, "custom_op_handlers": replacements()}
    try:
        return from_function(function, function.input_signature, **options)[0]
    except Exception as error:  # of any kind: it was written by many
        raise converter_error("tf2onnx", name, error) from error
    finally:
        logger.setLevel(level)


def _nodes(graph):
    """All nodes, those of loops too."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from _nodes(attribute.g)


def _halve_weights(graph, onnx) -> None:
    """Stores large arrays as float16 with a cast to float32, which the runtime does once; not the front end's."""
    held = _front_end(graph)
    casts = []
    for tensor in graph.initializer:
        values = onnx.numpy_helper.to_array(tensor)
        if not is_rounded(values) or tensor.name in held:
            continue
        name = tensor.name
        tensor.CopyFrom(onnx.numpy_helper.from_array(values.astype(np.float16), f"{name}_float16"))
        casts.append(onnx.helper.make_node("Cast", [tensor.name], [name], f"{name}_cast", to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


def _front_end(graph) -> set[str]:
    """The names of the arrays that the spectrogram's logarithm is computed from; empty if there is no logarithm."""
    inputs = {output: node.input for node in graph.node for output in node.output}
    logarithms = [output for node in graph.node if node.op_type == "Log" for output in node.output]
    return upstream(logarithms, lambda name: inputs.get(name, ()))


def _order_outputs(graph) -> None:
    """Puts scores first: callers that use output numbers expect that."""
    found = {output.name: output for output in graph.output}
    ordered = [found[name] for name in OUTPUTS]
    del graph.output[:]
    graph.output.extend(ordered)


def _name_the_batch(graph) -> None:
    for value in (*graph.input, *graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
