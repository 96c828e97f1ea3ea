"""Writes PyTorch checkpoints, sound and hostile, instruction by instruction and without PyTorch.

`torch.load(weights_only=True)` of PyTorch 2.13.0 reads what `legacy` and `zipped` write (checked by hand, once).
"""

import io
import struct
import zipfile
from dataclasses import dataclass

import numpy as np

MAGIC = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."
KINDS = {"<f4": "Float", "<f8": "Double", "<f2": "Half", "<i8": "Long", "<i4": "Int", "<i2": "Short"}
KINDS |= {"|i1": "Char", "|u1": "Byte", "|b1": "Bool"}


@dataclass
class Raw:
    """Instructions that leave one value on the stack."""

    code: bytes


def name(module: str, attribute: str) -> Raw:
    return Raw(f"c{module}\n{attribute}\n".encode())


def call(function: Raw, *arguments) -> Raw:
    return Raw(function.code + encode(arguments) + b"R")


def persistent(*identity) -> Raw:
    return Raw(encode(identity) + b"Q")


def encode(value) -> bytes:
    """A value as pickle instructions, without the frame around them."""
    match value:
        case Raw(code):
            return code
        case None | True | False:
            return {None: b"N", True: b"\x88", False: b"\x89"}[value]
        case int():
            digits = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
            return b"\x8a" + bytes([len(digits)]) + digits
        case float():
            return b"G" + struct.pack(">d", value)
        case str():
            return b"X" + struct.pack("<I", len(value.encode())) + value.encode()
        case tuple():
            return b"(" + b"".join(map(encode, value)) + b"t"
        case list():
            return b"](" + b"".join(map(encode, value)) + b"e"
        case dict():
            return b"}(" + b"".join(encode(part) for item in value.items() for part in item) + b"u"
    raise TypeError(f"no instructions for {value!r}")


def storage(kind: str, key: str, total: int, *view) -> Raw:
    return persistent("storage", name("torch", f"{kind}Storage"), key, "cpu", total, *view)


def tensor(of: Raw, offset: int, size: tuple, strides: tuple, *metadata) -> Raw:
    hooks = call(name("collections", "OrderedDict"))
    return call(name("torch._utils", "_rebuild_tensor_v2"), of, offset, size, strides, False, hooks, *metadata)


def legacy(tree, data: dict[str, tuple[int, bytes]], little=True, version=1001) -> bytes:
    """The format before PyTorch 1.6. `data`: key -> (number of elements, their bytes)."""
    system = {"protocol_version": 1001, "little_endian": little, "type_sizes": {"short": 2, "int": 4, "long": 4}}
    parts = [b"\x80\x02" + encode(value) + b"." for value in (version, system, tree, list(data))]
    return MAGIC + b"".join(parts) + b"".join(struct.pack("<q", total) + raw for total, raw in data.values())


def zipped(tree, data: dict[str, tuple[int, bytes]], byteorder="little", top="any name", **options) -> bytes:
    """PyTorch 1.6's format."""
    members = {"data.pkl": b"\x80\x02" + encode(tree) + b".", "byteorder": byteorder.encode(), "version": b"3\n"}
    members |= {f"data/{key}": raw for key, (_, raw) in data.items()}
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", **options) as archive:
        for member, raw in members.items():
            archive.writestr(f"{top}/{member}", raw)
    return stream.getvalue()


def parts(arrays: dict[str, np.ndarray], view: tuple = ()) -> tuple[dict, dict]:
    """Arrays as the two arguments of `legacy` (with the `view` `(None,)`) and `zipped`."""
    tree, data = {}, {}
    for key, array in arrays.items():
        strides = tuple(step // array.itemsize for step in array.strides)
        of = storage(KINDS[array.dtype.str], str(len(data)), array.size, *view)
        tree[key] = tensor(of, 0, array.shape, strides)
        data[str(len(data))] = (array.size, array.tobytes())
    return tree, data
