"""Reads PyTorch checkpoints, `torch.save(model.state_dict())`, without PyTorch and without running their code.

A checkpoint is a pickle, and Python's unpickler calls whatever a pickle names. No unpickler runs here: `_run` steps
through the instructions itself and supports only those that tensors need. It never imports or calls a name.

Differs from `torch.load(weights_only=True)`: bfloat16 becomes float32; tensors that share a storage become separate
arrays. It refuses complex, quantised, sparse, float8 and wide unsigned tensors, compressed archives, trailing bytes.
Source: PyTorch 2.13.0, torch/serialization.py (`_save`, `_legacy_save`, `_legacy_load`) and torch/_utils.py.
"""

import io
import math
import pickletools
import struct
from collections import OrderedDict
from dataclasses import make_dataclass
from os import PathLike
from pathlib import Path
from zipfile import ZIP_STORED, BadZipFile, ZipFile

import numpy as np

LEGACY_MAGIC, LEGACY_VERSION = 0x1950A86A20F9469CFC6C, 1001
MAX_FILE_BYTES = 4 << 30
MAX_PICKLE_BYTES = 4 << 20  # only names and shapes: about 150 bytes per tensor
MAX_GROWTH = 16  # arrays may take this many times the bytes of the file: tied and expanded tensors

# Storage -> its elements in the file; `_array` converts those of bfloat16 (the upper halves of float32) and bool
ELEMENTS = {"Float": "<f4", "Double": "<f8", "Half": "<f2", "BFloat16": "<u2", "Bool": "u1"}
ELEMENTS |= {"Long": "<i8", "Int": "<i4", "Short": "<i2", "Char": "i1", "Byte": "u1"}
STORAGES = {f"torch.{name}Storage": np.dtype(code) for name, code in ELEMENTS.items()}
BUILDERS = {f"torch._utils._rebuild_{what}" for what in ("tensor", "tensor_v2", "parameter")}

# Pickle instructions, as `pickletools` names them. VALUES carry the value that they put on the stack
VALUES = {"LONG1", "LONG4", "BININT", "BININT1", "BININT2", "BINFLOAT", "BINBYTES", "SHORT_BINBYTES"}
VALUES |= {"BINUNICODE", "SHORT_BINUNICODE"}
CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
# How many values an instruction takes from the stack; None for all above the last mark
TAKES = {"TUPLE": None, "EMPTY_TUPLE": 0, "TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3, "APPEND": 1, "APPENDS": None}
TAKES |= {"SETITEM": 2, "SETITEMS": None, "STACK_GLOBAL": 2, "BINPERSID": 1, "REDUCE": 2, "BUILD": 1}

_Name = make_dataclass("name", ["name"], frozen=True)  # what a pickle mentions, never the thing itself
# `count` elements from `start` on, of the `total` that the file has under `key`; `kind` is a key of STORAGES
_Storage = make_dataclass("storage", ["key", "kind", "total", "start", "count"], frozen=True)
_Tensor = make_dataclass("tensor", ["storage", "offset", "size", "strides"], frozen=True)

# What Python, `zipfile` and `pickletools` raise on invalid bytes
DAMAGE = (EOFError, LookupError, OSError, OverflowError, RuntimeError, TypeError, ValueError, struct.error, BadZipFile)


class _Refused(Exception):  # noqa: N818 (never leaves this file)
    """Why a file is not loaded, worded as the predicate of a sentence: "contains os.system, ..."."""


def read_state_dict(path: str | PathLike) -> dict[str, np.ndarray]:
    """Reads a file that `torch.save(model.state_dict(), path)` wrote, in either of PyTorch's formats.

    Safe for files of any origin: it runs nothing in the file, and refuses a file that holds more than tensors.

    Args:
        path: The checkpoint: a zip archive (PyTorch 1.6 and later) or a series of pickles (before).

    Returns:
        Key -> array, in the file's order; each array is C-contiguous and writable, and shares no memory. Types are kept
        (float16, int64, ...), except that bfloat16 becomes float32, which holds every bfloat16 exactly.

    Raises:
        FileNotFoundError: If the file does not exist.
        ValueError: If it is not a checkpoint, is damaged, or holds anything but a dict of str -> tensor.

    For example, `read_state_dict("best_model.pth")["dense.bias"].shape` is `(50,)`.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no checkpoint at {path}; expected a file. Check the spelling.")
    if path.stat().st_size > MAX_FILE_BYTES:
        raise ValueError(f"{path} is larger than {MAX_FILE_BYTES} bytes; it was not loaded.")
    content = path.read_bytes()
    try:
        tree, data = (_read_zip if content.startswith(b"PK\x03\x04") else _read_legacy)(content)
        return _arrays(tree, data, min(MAX_GROWTH * len(content), MAX_FILE_BYTES))
    except _Refused as reason:
        raise ValueError(f"{path} {reason}; it was not loaded.") from None
    except DAMAGE as error:
        raise ValueError(f"{path} is damaged, truncated or not a PyTorch checkpoint; it was not loaded.") from error


def _read_zip(content):
    """The object, and key -> bytes of each storage, from PyTorch 1.6's format."""
    with ZipFile(io.BytesIO(content)) as archive:
        infos = archive.infolist()
        # PyTorch stores uncompressed; then only members that overlap can add up to more than the file
        stored = all(info.compress_type == ZIP_STORED and not info.flag_bits & 1 for info in infos)
        if not stored or sum(info.file_size for info in infos) > len(content):
            raise _Refused("has compressed, encrypted or overlapping members, which PyTorch does not write")
        members, storages = {info.filename: archive.read(info) for info in infos}, {}
    tops = [name.removesuffix("data.pkl") for name in members if name.count("/") == 1 and name.endswith("/data.pkl")]
    if len(tops) != 1 or len(members) != len(infos):
        raise _Refused("is a zip archive, but not a PyTorch checkpoint: it has no data.pkl, or a duplicate name")
    if members.get(f"{tops[0]}byteorder", b"little") != b"little":  # PyTorch before 2.1 did not state it
        raise _Refused("is not in little-endian byte order")
    tree, _ = _unpickle(members[f"{tops[0]}data.pkl"], 0, storages)
    return tree, {key: members.get(f"{tops[0]}data/{key}", b"") for key in storages}


def _read_legacy(content):
    """The object, and key -> bytes of each storage, from the format before PyTorch 1.6."""
    storages, data = {}, {}
    magic, end = _unpickle(content, 0, {})
    if magic != LEGACY_MAGIC:
        raise _Refused("is a pickle, but not a PyTorch checkpoint")
    version, end = _unpickle(content, end, {})
    system, end = _unpickle(content, end, {})
    if version != LEGACY_VERSION or system["little_endian"] is not True:
        raise _Refused(f"is not in version {LEGACY_VERSION} of PyTorch's format, or not in little-endian byte order")
    tree, end = _unpickle(content, end, storages)
    keys, end = _unpickle(content, end, {})
    if sorted(keys) != sorted(storages):
        raise _Refused("does not list the storages that its tensors name")
    for key in keys:
        total, start = storages[key].total, end + 8
        if content[end:start] != total.to_bytes(8, "little"):
            raise _Refused(f"states two lengths for the storage {key!r:.60}, or is truncated")
        end = start + total * STORAGES[storages[key].kind].itemsize
        data[key] = memoryview(content)[start:end]
    if end != len(content):
        raise _Refused(f"is truncated or has bytes after its end: {len(content)} bytes, expected {end}")
    return tree, data


def _unpickle(content, start, storages):
    """The object of the pickle at `start`, and where that pickle ends. Fills `storages`: key -> `_Storage`."""
    stream = io.BytesIO(content[start : start + MAX_PICKLE_BYTES])
    return _run(pickletools.genops(stream), storages), start + stream.tell()


def _run(instructions, storages):
    """Executes a pickle's instructions if they build nothing but tensors, containers and plain values."""
    stack, marks, memo = [], [], {}
    for code, argument in ((opcode.name, argument) for opcode, argument, _ in instructions):
        if code in TAKES:
            start = marks.pop() if TAKES[code] is None else len(stack) - TAKES[code]
            if not 0 <= start <= len(stack):
                raise IndexError("The pickle takes more from its stack than it put there.")
            taken, stack[start:] = stack[start:], []
        match code:
            case "STOP" if len(stack) == 1:
                return stack[0]
            case "MARK":
                marks.append(len(stack))
            case "BINPUT" | "LONG_BINPUT" | "MEMOIZE":
                memo[len(memo) if code == "MEMOIZE" else argument] = stack[-1]
            case "BINGET" | "LONG_BINGET":
                stack.append(memo[argument])
            case _ if code in VALUES or code in CONSTANTS:
                stack.append(CONSTANTS.get(code, argument))
            case "EMPTY_DICT" | "EMPTY_LIST":
                stack.append({} if code == "EMPTY_DICT" else [])
            case "EMPTY_TUPLE" | "TUPLE" | "TUPLE1" | "TUPLE2" | "TUPLE3":
                stack.append(tuple(taken))
            case "APPEND" | "APPENDS" if type(stack[-1]) is list:
                stack[-1].extend(taken)
            # No other keys: the hash of a deeply nested tuple would overflow the stack of the process
            case "SETITEM" | "SETITEMS" if isinstance(stack[-1], dict) and {type(k) for k in taken[::2]} <= {str, int}:
                stack[-1].update(zip(taken[::2], taken[1::2], strict=True))
            case "GLOBAL" | "STACK_GLOBAL":
                name = argument.replace(" ", ".") if code == "GLOBAL" else ".".join(taken)
                if name not in {"collections.OrderedDict", *BUILDERS, *STORAGES}:
                    raise _Refused(f"contains {ascii(name)[1:-1]:.100}, which is not a tensor, container or number")
                stack.append(_Name(name))
            case "BINPERSID":
                stack.append(_storage(taken[0], storages))
            case "REDUCE":
                stack.append(_build(*taken))
            case "PROTO" | "FRAME":
                pass
            case "BUILD" if type(taken[0]) is dict and type(stack[-1]) is OrderedDict:
                pass  # the attribute `_metadata` of a state dict: versions of layers, which are not needed here
            case _:
                detail = "" if argument is None else f" ({argument!r:.60})"
                raise _Refused(
                    f"uses the pickle instruction {code}{detail} in a way that a dict of tensors does not need"
                )


def _storage(persistent_id, storages):
    """The storage that a persistent id stands for. The legacy format adds a view of it, or None."""
    match persistent_id:
        case ("storage", _Name(kind), str(key), str(), total, *view) if kind in STORAGES and _are_counts(total):
            stored = _Storage(key, kind, total, 0, total)
            if storages.setdefault(key, stored) != stored:
                raise _Refused(f"describes the storage {key!r:.60} in two ways")
            match view:
                case [] | [None]:
                    return stored
                case [(str(), start, count)] if _are_counts(start, count) and start + count <= total:
                    return _Storage(key, kind, total, start, count)
    raise _Refused("refers to something that is not a storage")


def _build(function, arguments):
    """What PyTorch's functions would build from their arguments, without gradients and hooks."""
    match function, arguments:
        case _Name("collections.OrderedDict"), ():
            return OrderedDict()
        case _Name("torch._utils._rebuild_parameter"), (_Tensor() as tensor, _, _):
            return tensor
        case _Name(name), (_Storage() as storage, offset, tuple(size), tuple(strides), *rest) if "_tensor" in name:
            fits = len(size) == len(strides) <= 32 and _are_counts(offset, *size, *strides)  # NumPy 1's limit
            last = fits and offset + sum((length - 1) * step for length, step in zip(size, strides, strict=True))
            if not fits or (0 not in size and last >= storage.count):
                raise _Refused(f"holds a tensor that reaches beyond its storage {storage.key!r:.60}")
            if not any(rest[2:]):  # after gradient and hooks: flags to conjugate or negate, which no weight needs
                return _Tensor(storage, offset, size, strides)
    raise _Refused("calls something other than PyTorch's own functions, or these with other arguments")


def _are_counts(*numbers):
    return all(type(number) is int and 0 <= number <= 1 << 48 for number in numbers)  # byte offsets fit 64 bits


def _arrays(tree, data, max_bytes):
    """The object as a dict of arrays, if it is a dict of tensors."""
    if not isinstance(tree, dict):
        raise _Refused(f"holds one {type(tree).__name__}, not a dict of tensors")
    wanted = 0
    for key, value in tree.items():
        if type(key) is not str or type(value) is not _Tensor:
            inner = [k for k, v in tree.items() if isinstance(v, dict) and {*map(type, v.values())} == {_Tensor}]
            hint = f" (the tensors are under {inner[0]!r:.60}: save that dict alone)" if inner else ""
            raise _Refused(f"holds {key!r:.60} -> {type(value).__name__}, not only str -> tensor{hint}")
        wanted += math.prod(max(length, 1) for length in value.size) * STORAGES[value.storage.kind].itemsize
    if wanted > max_bytes:
        raise _Refused(f"holds tensors of more than {max_bytes} bytes, which its size does not explain")
    return {key: _array(tensor, tensor.storage, data[tensor.storage.key]) for key, tensor in tree.items()}


def _array(tensor, storage, data):
    """Copies a tensor's elements. NumPy checks again that all of them are within the storage's bytes."""
    dtype = STORAGES[storage.kind]
    if len(data) != storage.total * dtype.itemsize:
        raise _Refused(f"has {len(data)} bytes, not {storage.total} elements, for the storage {storage.key!r:.60}")
    start, *steps = (step * dtype.itemsize for step in (storage.start + tensor.offset, *tensor.strides))
    empty = 0 in tensor.size  # such a tensor may start anywhere
    view = np.empty(tensor.size, dtype) if empty else np.ndarray(tensor.size, dtype, data, start, steps)
    values = view.astype(dtype.newbyteorder("="), order="C")
    if storage.kind == "torch.BFloat16Storage":
        return np.asarray(np.left_shift(values, 16, dtype=np.uint32)).view(np.float32)
    return np.asarray(values != 0) if storage.kind == "torch.BoolStorage" else values
