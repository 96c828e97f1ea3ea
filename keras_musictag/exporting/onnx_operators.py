"""What tf2onnx 1.17 cannot convert, by operators that ONNX has: each a function that replaces one node.

Without them the front end would need a form of its own for this format, such as a strided convolution with windowed
cosines: for a chunk of 29 s that is a fifth of all arithmetic of `fcn`, and no more exact.
"""

import numpy as np

FLOAT, DOUBLE = 1, 11  # of onnx.TensorProto


def replacements() -> dict:
    """The functions by the operator's name in TensorFlow, as `tf2onnx.convert` takes them."""
    functions = {"RFFT": rfft, "Real": part(0), "Imag": part(1), "Log1p": log1p, "Erfc": erfc}
    return {name: (function, []) for name, function in functions.items()}


def rfft(graph, node, name, _):
    """(batch, frames, samples) -> (batch, frames, bins, 2), the real and the imaginary part.

    It is computed in float64: in float32, ONNX Runtime's FFT is 3.4 times as far off as TensorFlow's, which shows in
    the decibels of bins that are nearly silent (on the demo clip, a score of released weights moved by 9.2e-5; so it
    moves by 3.0e-5).
    """
    signal, length = node.input
    samples = int(np.ravel(graph.get_node_by_output(length).get_tensor_value(as_list=False))[0])
    batch, frames, window = graph.get_shape(signal)
    if window != samples:  # it would have to be cut or filled up
        raise ValueError(f"RFFT of {samples} samples takes frames as long. Received: {window}.")
    column, spectrum = [batch, frames, samples, 1], [batch, frames, samples // 2 + 1, 2]
    x = _add(graph, "Cast", [signal], [batch, frames, samples], DOUBLE, {"to": DOUBLE})
    x = _add(graph, "Unsqueeze", [x, _constant(graph, [3], np.int64)], column, DOUBLE)
    x = _add(graph, "DFT", [x], spectrum, DOUBLE, {"axis": 2, "onesided": 1})
    _replace(graph, node, name, "Cast", [x], spectrum, {"to": FLOAT})


def part(index: int):
    """The real (0) or the imaginary (1) part of what `rfft` makes."""

    def convert(graph, node, name, _):
        (spectrum,) = node.input
        shape = graph.get_shape(spectrum)[:-1]
        _replace(graph, node, name, "Gather", [spectrum, _constant(graph, index, np.int64)], shape, {"axis": 3})

    return convert


def log1p(graph, node, name, _):
    """log(1 + x): for an x below 1e-7 the result is 0, which is as far off as float32 is at 1."""
    (x,) = node.input
    shape = graph.get_shape(x)
    _replace(graph, node, name, "Log", [_add(graph, "Add", [x, _constant(graph, 1, np.float32)], shape)], shape)


def erfc(graph, node, name, _):
    """1 - erf(x), as far off as float32 is at 1."""
    (x,) = node.input
    shape = graph.get_shape(x)
    _replace(graph, node, name, "Sub", [_constant(graph, 1, np.float32), _add(graph, "Erf", [x], shape)], shape)


def _constant(graph, value, dtype) -> str:
    from tf2onnx.utils import make_name

    return graph.make_const(make_name("constant"), np.array(value, dtype)).output[0]


def _add(graph, operator, inputs, shape, dtype=FLOAT, attributes=None) -> str:
    return graph.make_node(operator, inputs, attributes or {}, shapes=[shape], dtypes=[dtype]).output[0]


def _replace(graph, node, name, operator, inputs, shape, attributes=None) -> None:
    """Puts a node in place of another, under its name and with its output."""
    outputs = node.output
    graph.remove_node(node.name)
    graph.make_node(operator, inputs, attributes or {}, outputs=outputs, name=name, shapes=[shape], dtypes=[FLOAT])
