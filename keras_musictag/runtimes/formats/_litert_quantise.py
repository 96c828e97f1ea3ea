"""The weights of a `.tflite` model as float16 or int8, all but those of the front end.

Written by us, as the converter knows one precision a file: quantised by it, the mel matrix moves a score by up to 0.56,
and in float16 the decibel's floor becomes zero, which makes silence NaN. So what comes before the spectrogram's
logarithm stays float32. Behind it:

- float16: weights are stored as such, and widened when the file is loaded.
- int8: convolutions, nearly all of the work, get weights with one scale a filter, and the runtime quantises what they
  are multiplied by, a chunk at a time. It is what the converter calls dynamic range.
- int8: dense layers get weights with one scale an input feature, widened when the file is loaded. With one scale
  a unit, as the converter has it, `musicnn` is wrong by 0.26 on full scale: its weights for one feature are up to 1e5
  times as large as for another.

Biases, small weights, and the loops of recurrent layers stay float32.
"""

from typing import Any

import numpy as np

from keras_musictag.runtimes.formats._conversion import MIN_NUMBERS

INT8_MAX = 127
CONV_VERSION = 5  # of the operator, from which on it takes float32 maps with int8 weights of one scale a filter
DEQUANTIZE_VERSION = {"float16": 3, "int8": 5}  # from which on it takes float16, or one scale a slice
INT8_RUNTIME = (2, 7, 0)  # the first that has these versions


def quantise(model: Any, precision: str) -> None:
    """Changes the weights of convolutions and dense layers behind the front end.

    Args:
        model: A `ModelT` of TensorFlow Lite's schema, float32; it is changed.
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
    """The numbers of the weights behind the front end, and what kind of operator they belong to."""
    from tensorflow.lite.python.schema_py_generated import BuiltinOperator

    kinds = [_kind(model.operatorCodes[operator.opcodeIndex]) for operator in graph.operators]
    behind = len(kinds) - kinds[::-1].index(BuiltinOperator.LOG) if BuiltinOperator.LOG in kinds else 0
    wanted = (BuiltinOperator.CONV_2D, BuiltinOperator.FULLY_CONNECTED)
    found = zip(kinds[behind:], graph.operators[behind:], strict=True)
    weights = {int(operator.inputs[1]): kind for kind, operator in found if kind in wanted}
    return {number: kind for number, kind in weights.items() if _is_large(model, graph.tensors[number])}


def _is_large(model, tensor) -> bool:
    """Whether a tensor is a float32 constant that is worth it."""
    from tensorflow.lite.python.schema_py_generated import TensorType

    data = model.buffers[tensor.buffer].data
    return tensor.type == TensorType.FLOAT32 and data is not None and len(data) >= 4 * MIN_NUMBERS


def _store(model, tensor, precision, axis) -> None:
    """Rounds a weight, (filters, ...) or (units, features): in int8 with one scale a slice along `axis`."""
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
    held = schema.BufferT()  # of its own: another tensor may share the old one
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
    return max(code.builtinCode, code.deprecatedBuiltinCode)  # numbers below 127 also stand in the older field


def _code(model, kind: int, version: int) -> int:
    """The number of the operator of a kind in the model's list of operators, of a version or a later one."""
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
    """Raises what the file says of the oldest runtime that runs it."""
    for entry in model.metadata or []:
        if entry.name == b"min_runtime_version":
            held = model.buffers[entry.buffer]
            stated = bytes(held.data).rstrip(b"\0").decode()
            oldest = max(tuple(map(int, stated.split("."))), version)
            text = ".".join(map(str, oldest)).encode().ljust(len(held.data), b"\0")
            held.data = np.frombuffer(text, np.uint8)
