"""A `.tflite` file as an object: reading it, writing it, listing its operators."""

from typing import Any

import flatbuffers

IDENTIFIER = b"TFL3"
ALIGNMENT = 16  # bytes: of a buffer, as the schema asks; the generated Python code aligns to one
CUSTOM = 32  # of enum BuiltinOperator: an operator that is not builtin and has a name of its own


def read_model(content: bytes) -> Any:
    """The file's content as a `ModelT` of TensorFlow Lite's schema."""
    from tensorflow.lite.python import schema_py_generated as schema

    return schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))


def write_model(model: Any) -> bytes:
    """The content of the file of a `ModelT`."""
    builder = _AlignedBuilder(1024)
    builder.Finish(model.Pack(builder), IDENTIFIER)
    return bytes(builder.Output())


class _AlignedBuilder(flatbuffers.Builder):
    """A builder whose arrays lie at multiples of `ALIGNMENT`."""

    def CreateNumpyVector(self, x):  # noqa: N802 - overrides
        data = x.tobytes()
        self.StartVector(x.itemsize, x.size, ALIGNMENT)
        self.head -= len(data)
        self.Bytes[self.head : self.head + len(data)] = data
        return self.EndVector()


def operators(model: Any) -> set[str]:
    """Names of all operators that a model uses: "CONV_2D" for a builtin one, "custom FlexErf" for any other."""
    from tensorflow.lite.python.schema_py_generated import BuiltinOperator

    names = {number: name for name, number in vars(BuiltinOperator).items() if isinstance(number, int)}
    used = (model.operatorCodes[operator.opcodeIndex] for graph in model.subgraphs for operator in graph.operators)
    # codes below 127 also stand in the older, smaller field
    codes = ((max(code.builtinCode, code.deprecatedBuiltinCode), code.customCode) for code in used)
    return {f"custom {custom.decode()}" if number == CUSTOM else names[number] for number, custom in codes}
