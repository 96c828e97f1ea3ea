"""Rounds the weights of a `.tflite` model to float16 or int8, except those of the front end.

This is our own code because the converter has one precision per file: with its quantisation, the mel matrix moves a
score by up to 0.56, and in float16 the decibel floor becomes zero, which makes silence NaN. So everything before the
spectrogram's logarithm stays float32. After it:

- float16: weights are stored as float16 and widened when the file is loaded.
- int8: convolutions, nearly all of the work, get weights with one scale per filter, and the runtime quantises their
  inputs one chunk at a time. The converter calls this dynamic range.
- int8: dense layers get weights with one scale per input feature, which are widened when the file is loaded. With one
  scale per unit, as in the converter, `musicnn` is wrong by 0.26 at full scale: its weights for one feature are up to
  1e5 times as large as for another.

Biases, small weights, and the loops of recurrent layers stay float32.
"""

from typing import Any

import numpy as np

from keras_musictag.runtimes.formats._conversion import MIN_WEIGHT_SIZE

INT8_MAX = 127
CONV_VERSION = 5  # the first version of the operator with float32 maps and int8 weights with one scale per filter
DEQUANTIZE_VERSION = {"float16": 3, "int8": 5}  # the first version with float16, or with one scale per slice
INT8_RUNTIME = (2, 7, 0)  # the first runtime with these versions


def quantise(model: Any, precision: str) -> None:
    """Rounds the weights of convolutions and dense layers after the front end.

    Args:
        model: A float32 `ModelT` of TensorFlow Lite's schema; it is changed in place.
        precision: "float16" or "int8".
    """
    from tensorflow.lite.python.schema_py_generated import BuiltinOperator

    graph = model.subgraphs[0]
    widened = {}  # the number of a weight -> that of its float32 form
    for number, kind in _weights(model, graph).items():
        conv = kind == BuiltinOperator.CONV_2D
        _store(model, graph.tensors[number], precision, axis=0 if conv else 1)
        if precision == "int8" and conv:
            _code(model, kind, CONV_VERSION)
        else:
            widened[number] = len(graph.tensors)
            graph.tensors.append(_float32_form(graph.tensors[number]))
    for operator in graph.operators:
        operator.inputs = np.array([widened.get(number, number) for number in operator.inputs], np.int32)
    code = _code(model, BuiltinOperator.DEQUANTIZE, DEQUANTIZE_VERSION[precision]) if widened else None
    graph.operators = [_operator(code, *item) for item in widened.items()] + graph.operators
    if precision == "int8":
        _need_runtime(model, INT8_RUNTIME)


def _weights(model, graph) -> dict[int, int]:
    """The tensor numbers of the weights after the front end -> the type of the operator that uses them."""
    from tensorflow.lite.python.schema_py_generated import BuiltinOperator

    kinds = [_kind(model.operatorCodes[operator.opcodeIndex]) for operator in graph.operators]
    start = len(kinds) - kinds[::-1].index(BuiltinOperator.LOG) if BuiltinOperator.LOG in kinds else 0
    wanted = (BuiltinOperator.CONV_2D, BuiltinOperator.FULLY_CONNECTED)
    found = zip(kinds[start:], graph.operators[start:], strict=True)
    weights = {int(operator.inputs[1]): kind for kind, operator in found if kind in wanted}
    return {number: kind for number, kind in weights.items() if _is_large(model, graph.tensors[number])}


def _is_large(model, tensor) -> bool:
    """Whether a tensor is a float32 constant that is large enough to round."""
    from tensorflow.lite.python.schema_py_generated import TensorType

    data = model.buffers[tensor.buffer].data
    return tensor.type == TensorType.FLOAT32 and data is not None and len(data) >= 4 * MIN_WEIGHT_SIZE


def _store(model, tensor, precision, axis) -> None:
    """Rounds a weight, (filters, ...) or (units, features); for int8, with one scale per slice along `axis`."""
    from tensorflow.lite.python import schema_py_generated as schema

    weight = np.frombuffer(bytes(model.buffers[tensor.buffer].data), np.float32).reshape(tensor.shape)
    if precision == "float16":
        tensor.type, stored = schema.TensorType.FLOAT16, weight.astype(np.float16)
    else:
        others = tuple(other for other in range(weight.ndim) if other != axis)
        scale = np.abs(weight).max(axis=others, keepdims=True) / INT8_MAX
        scale[scale == 0] = 1  # a slice of zeros
        tensor.type, stored = schema.TensorType.INT8, np.round(weight / scale).astype(np.int8)
        tensor.quantization = schema.QuantizationParametersT()
        tensor.quantization.scale = scale.ravel().astype(np.float32)
        tensor.quantization.zeroPoint = np.zeros(scale.size, np.int64)
        tensor.quantization.quantizedDimension = axis
    held = schema.BufferT()  # a new buffer: another tensor may share the old one
    held.data = np.frombuffer(stored.tobytes(), np.uint8)
    before, tensor.buffer = tensor.buffer, len(model.buffers)
    model.buffers.append(held)
    if not any(other.buffer == before for graph in model.subgraphs for other in graph.tensors):
        model.buffers[before].data = None


def _float32_form(weight):
    from tensorflow.lite.python import schema_py_generated as schema

    tensor = schema.TensorT()
    tensor.name, tensor.shape, tensor.type = weight.name + b"/float32", weight.shape, schema.TensorType.FLOAT32
    return tensor


def _operator(code: int, number_in: int, number_out: int):
    from tensorflow.lite.python import schema_py_generated as schema

    operator = schema.OperatorT()
    operator.opcodeIndex = code
    operator.inputs, operator.outputs = np.array([number_in], np.int32), np.array([number_out], np.int32)
    return operator


def _kind(code) -> int:
    return max(code.builtinCode, code.deprecatedBuiltinCode)  # codes below 127 are also in the older field


def _code(model, kind: int, version: int) -> int:
    """The index of an operator in the model's list of operators, in this version or a later one."""
    from tensorflow.lite.python import schema_py_generated as schema

    for index, code in enumerate(model.operatorCodes):
        if _kind(code) == kind:
            code.version = max(code.version, version)
            return index
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = kind
    code.version = version
    model.operatorCodes.append(code)
    return len(model.operatorCodes) - 1


def _need_runtime(model, version: tuple[int, int, int]) -> None:
    """Increases the version of the oldest runtime that the file states."""
    for entry in model.metadata or []:
        if entry.name == b"min_runtime_version":
            held = model.buffers[entry.buffer]
            stated = bytes(held.data).rstrip(b"\0").decode()
            oldest = max(tuple(map(int, stated.split("."))), version)
            text = ".".join(map(str, oldest)).encode().ljust(len(held.data), b"\0")
            held.data = np.frombuffer(text, np.uint8)
