"""A `.tflite` file: reads and writes it as an object, lists its operators, and adds the tags to it.

The tags follow the metadata schema of TensorFlow Lite and have two parts: a buffer named `TFLITE_METADATA`, which
describes inputs and outputs and states that the file `tags.txt` labels the axis of the scores; and that file, in a zip
archive after the model's own bytes, which any reader of zip archives opens. Source: `metadata_schema.fbs` of
tensorflow/tflite-support. Its slots are numbered here: the package with its Python form has had no release since 2023.
"""

import io
import zipfile
from collections.abc import Sequence
from typing import Any

import flatbuffers

from keras_musictag.errors import ExportError

IDENTIFIER = b"TFL3"
ALIGNMENT = 16  # bytes: the schema's for buffers; the generated Python code aligns to one byte
CUSTOM = 32  # of enum BuiltinOperator: an operator that is not builtin and has its own name


def read_model(content: bytes) -> Any:
    """Parses the content of a file to a `ModelT` of TensorFlow Lite's schema."""
    from tensorflow.lite.python import schema_py_generated as schema

    return schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))


def write_model(model: Any) -> bytes:
    """Serialises a `ModelT` to the content of a file."""
    builder = _AlignedBuilder(1024)
    builder.Finish(model.Pack(builder), IDENTIFIER)
    return bytes(builder.Output())


class _AlignedBuilder(flatbuffers.Builder):
    """A builder that aligns arrays to multiples of `ALIGNMENT`."""

    def CreateNumpyVector(self, x):  # noqa: N802 - overrides
        data = x.tobytes()
        self.StartVector(x.itemsize, x.size, ALIGNMENT)
        self.head -= len(data)
        self.Bytes[self.head : self.head + len(data)] = data
        return self.EndVector()


def operators(model: Any) -> set[str]:
    """The names of all operators that a model uses: "CONV_2D" for a builtin one, "custom FlexErf" for others."""
    from tensorflow.lite.python.schema_py_generated import BuiltinOperator

    names = {number: name for name, number in vars(BuiltinOperator).items() if isinstance(number, int)}
    used = (model.operatorCodes[operator.opcodeIndex] for graph in model.subgraphs for operator in graph.operators)
    # codes below 127 are also in the older, smaller field
    codes = ((max(code.builtinCode, code.deprecatedBuiltinCode), code.customCode) for code in used)
    return {f"custom {custom.decode()}" if number == CUSTOM else names[number] for number, custom in codes}


BUFFER_NAME = "TFLITE_METADATA"
METADATA_IDENTIFIER = b"M001"
MIN_PARSER_VERSION = "1.3.0"  # the first that supports audio
TAGS_FILE = "tags.txt"
TENSOR_AXIS_LABELS = 2  # of enum AssociatedFileType
FEATURE_PROPERTIES, AUDIO_PROPERTIES = 1, 4  # of union ContentProperties


def metadata_buffer(
    name: str, description: str, inputs: dict[str, str], outputs: dict[str, str], sample_rate_hz: int | None = None
) -> bytes:
    """Makes the flatbuffer that describes a model.

    Args:
        name: Name of the model.
        description: Description of the model.
        inputs: Name and description of each input, in the model's order.
        outputs: Name and description of each output, in the model's order; the labels of "scores" are `tags.txt`.
        sample_rate_hz: Sample rate of the input if it is mono audio; None for other inputs.

    Example:
        >>> buffer = metadata_buffer("tiny", "", {"waveform": "Mono."}, {"scores": "One score per tag."}, 16000)
        >>> buffer[4:8]
        b'M001'
    """
    builder = flatbuffers.Builder(1024)
    audio = sample_rate_hz is not None
    ins = [
        _tensor(builder, *item, content=_audio(builder, sample_rate_hz) if audio else None) for item in inputs.items()
    ]
    outs = [
        _tensor(builder, *item, labels=_labels(builder) if item[0] == "scores" else None) for item in outputs.items()
    ]
    graph = _table(builder, 10, {2: _vector(builder, ins), 3: _vector(builder, outs)})
    texts = {0: builder.CreateString(name), 1: builder.CreateString(description)}
    version = builder.CreateString(MIN_PARSER_VERSION)
    builder.Finish(_table(builder, 8, {**texts, 3: _vector(builder, [graph]), 7: version}), METADATA_IDENTIFIER)
    return bytes(builder.Output())


def with_tags(model: bytes, tags: Sequence[str]) -> bytes:
    """Appends the zip archive with `tags.txt` to a model: UTF-8, one tag per line, in the order of the scores.

    Raises:
        ExportError: If a tag contains a line break.

    Example:
        >>> held = with_tags(b"the model", ["rock", "piano"])
        >>> zipfile.ZipFile(io.BytesIO(held)).read("tags.txt")
        b'rock\\npiano'
    """
    broken = [tag for tag in tags if "\n" in tag]
    if broken:
        raise ExportError(
            f"The tag {broken[0]!r} contains a line break, but a LiteRT file lists one tag per line: rename it."
        )
    held = io.BytesIO()
    held.write(model)
    with zipfile.ZipFile(held, "a") as archive:  # not compressed, for readers without zlib
        # with a fixed date, so that the same model always gives the same file
        archive.writestr(zipfile.ZipInfo(TAGS_FILE), "\n".join(tags).encode())
    return held.getvalue()


def _tensor(builder, name, description, content=None, labels=None) -> int:
    files = None if labels is None else _vector(builder, [labels])
    if content is None:
        content = _table(builder, 3, {1: _table(builder, 0, {})}, kind=FEATURE_PROPERTIES)
    texts = {0: builder.CreateString(name), 1: builder.CreateString(description)}
    return _table(builder, 7, {**texts, 3: content, 6: files})


def _audio(builder, sample_rate_hz: int) -> int:
    builder.StartObject(2)
    builder.PrependUint32Slot(0, sample_rate_hz, 0)
    builder.PrependUint32Slot(1, 1, 0)  # channels
    return _table(builder, 3, {1: builder.EndObject()}, kind=AUDIO_PROPERTIES)


def _labels(builder) -> int:
    name = builder.CreateString(TAGS_FILE)
    description = builder.CreateString("The tags, in the order of the scores.")
    return _table(builder, 5, {0: name, 1: description}, label_type=TENSOR_AXIS_LABELS)


def _table(builder, num_slots: int, offsets: dict[int, int | None], kind: int = 0, label_type: int = 0) -> int:
    """Writes a table of references to earlier objects; slot 0 holds the type of a content, slot 2 that of a file."""
    builder.StartObject(num_slots)
    for slot, offset in offsets.items():
        if offset is not None:
            builder.PrependUOffsetTRelativeSlot(slot, offset, 0)
    builder.PrependUint8Slot(0, kind, 0) if kind else None
    builder.PrependInt8Slot(2, label_type, 0) if label_type else None
    return builder.EndObject()


def _vector(builder, offsets: Sequence[int]) -> int:
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return builder.EndVector()
