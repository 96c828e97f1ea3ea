"""PyTorch checkpoints, `torch.save(model.state_dict())`, read without PyTorch and without running any of them.

A checkpoint is a pickle, and Python's unpickler calls whatever a pickle names. Here no unpickler runs: `_run` steps
through the instructions itself and knows only those that tensors need. No name is ever imported or called.

Differs from `torch.load(weights_only=True)`: bfloat16 becomes float32; tensors that share a storage become separate
arrays; refused are complex, quantised, sparse, float8 and wide unsigned tensors, compressed archives, trailing bytes.
Source: PyTorch 2.13.0, torch/serialization.py (`_save`, `_legacy_save`, `_legacy_load`) and torch/_utils.py.
"""

import io
import math
import pickletools
import struct
import zipfile
from collections import OrderedDict
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np

LEGACY_MAGIC, LEGACY_VERSION = 0x1950A86A20F9469CFC6C, 1001
MAX_FILE_BYTES = 4 << 30
MAX_PICKLE_BYTES = 4 << 20  # names and shapes only: about 150 bytes a tensor
MAX_GROWTH = 16  # arrays may take this many times the file's bytes: tied and expanded tensors
MAX_COUNT = 1 << 48  # of elements, so that byte offsets stay below 64 bits
MAX_AXES = 32  # NumPy 1's limit

# A storage -> its elements in the file; `_array` makes bfloat16 (the upper halves of float32) and bool of theirs
ELEMENTS = {"Float": "<f4", "Double": "<f8", "Half": "<f2", "BFloat16": "<u2", "Bool": "u1"}
ELEMENTS |= {"Long": "<i8", "Int": "<i4", "Short": "<i2", "Char": "i1", "Byte": "u1"}
STORAGES = {f"torch.{name}Storage": np.dtype(code) for name, code in ELEMENTS.items()}
BUILDERS = {"collections.OrderedDict"}
BUILDERS |= {f"torch._utils._rebuild_{what}" for what in ("tensor", "tensor_v2", "parameter")}

# Pickle instructions, as `pickletools` names them. VALUES carry the value that they put on the stack
VALUES = set("INT LONG LONG1 LONG4 BININT BININT1 BININT2 FLOAT BINFLOAT BINBYTES SHORT_BINBYTES BINBYTES8".split())
VALUES |= set("UNICODE BINUNICODE SHORT_BINUNICODE BINUNICODE8".split())
CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
# How many values an instruction takes from the stack; None: all above the last mark
TAKES = {"TUPLE": None, "EMPTY_TUPLE": 0, "TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3, "APPEND": 1, "APPENDS": None}
TAKES |= {"SETITEM": 2, "SETITEMS": None, "STACK_GLOBAL": 2, "BINPERSID": 1, "REDUCE": 2, "BUILD": 1}


@dataclass(frozen=True)
class _Name:
    name: str  # a key of STORAGES or BUILDERS: what a pickle mentions, never the thing itself


@dataclass(frozen=True)
class _Storage:
    key: str
    kind: str  # a key of STORAGES
    total: int  # elements stored under the key, of which this is
    start: int
    count: int


@dataclass(frozen=True)
class _Tensor:
    storage: _Storage
    offset: int  # in elements, as are the strides
    size: tuple[int, ...]
    strides: tuple[int, ...]


def read_state_dict(path: str | PathLike) -> dict[str, np.ndarray]:
    """Reads a file that `torch.save(model.state_dict(), path)` wrote, in either of PyTorch's formats.

    Safe on files of any origin: nothing in the file is run, and a file that holds more than tensors is refused.

    Args:
        path: The checkpoint: a zip archive (PyTorch 1.6 and later) or a row of pickles (before).

    Returns:
        Key -> array, in the file's order; each array is C-contiguous, writable and owns its memory. Types stay
        (float16, int64, ...), except that bfloat16 becomes float32, which holds every bfloat16 exactly.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no checkpoint, is damaged, or holds anything but a dict of str -> tensor.

    Example:
        >>> read_state_dict("best_model.pth")["dense.bias"].shape  # doctest: +SKIP
        (50,)
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"The checkpoint {path} does not exist.")
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ValueError(f"is larger than {MAX_FILE_BYTES} bytes")
        content = path.read_bytes()
        tree, data = (_read_zip if content.startswith(b"PK\x03\x04") else _read_legacy)(content)
        return _arrays(tree, data, min(MAX_GROWTH * len(content), MAX_FILE_BYTES))
    except ValueError as error:  # inside, messages are predicates: "contains os.system, ..."
        raise ValueError(f"{path} {error}; it was not loaded.") from None


def _read_zip(content):
    """The object, and key -> bytes of each storage, from PyTorch 1.6's format."""
    members, storages = _members(content), {}
    tops = [name.removesuffix("data.pkl") for name in members if name.count("/") == 1 and name.endswith("/data.pkl")]
    if len(tops) != 1:
        raise ValueError("is a zip archive, but no PyTorch checkpoint: it has no data.pkl, or several")
    if members.get(f"{tops[0]}byteorder", b"little") != b"little":  # PyTorch before 2.1 did not state it
        raise ValueError("is not in little-endian byte order")
    tree, _ = _unpickle(members[f"{tops[0]}data.pkl"], 0, storages)
    return tree, {key: members.get(f"{tops[0]}data/{key}", b"") for key in storages}


def _members(content):
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            infos = archive.infolist()
            # PyTorch stores uncompressed; then only members that overlap can add up to more than the file
            stored = all(info.compress_type == zipfile.ZIP_STORED and not info.flag_bits & 1 for info in infos)
            distinct = len({info.filename for info in infos}) == len(infos)
            if stored and distinct and sum(info.file_size for info in infos) <= len(content):
                return {info.filename: archive.read(info) for info in infos}
    # Not only BadZipFile: damaged headers also end in these
    except (zipfile.BadZipFile, ValueError, RuntimeError, OSError, EOFError, OverflowError, struct.error):
        raise ValueError("is a damaged zip archive") from None
    raise ValueError("has compressed, encrypted, overlapping or twofold members, which PyTorch does not write")


def _read_legacy(content):
    """The object, and key -> bytes of each storage, from the format before PyTorch 1.6."""
    if not content.startswith(b"\x80"):  # the instruction PROTO: every binary pickle begins with it
        raise ValueError("is no PyTorch checkpoint")
    storages, data = {}, {}
    magic, end = _unpickle(content, 0, {})
    if magic != LEGACY_MAGIC:
        raise ValueError("is a pickle, but no PyTorch checkpoint")
    version, end = _unpickle(content, end, {})
    system, end = _unpickle(content, end, {})
    if version != LEGACY_VERSION or not isinstance(system, dict) or system.get("little_endian") is not True:
        raise ValueError(f"is not in version {LEGACY_VERSION} of PyTorch's format, or not in little-endian byte order")
    tree, end = _unpickle(content, end, storages)
    keys, end = _unpickle(content, end, {})
    if type(keys) is not list or not _are(str, keys) or sorted(keys) != sorted(storages):
        raise ValueError("does not list the storages that its tensors name")
    for key in keys:
        total, start = storages[key].total, end + 8
        if content[end:start] != total.to_bytes(8, "little"):
            raise ValueError(f"states two lengths for the storage {key!r:.60}, or is cut short")
        end = start + total * STORAGES[storages[key].kind].itemsize
        data[key] = memoryview(content)[start:end]
    if end != len(content):
        raise ValueError(f"is cut short or has bytes after its end: {len(content)} bytes, expected {end}")
    return tree, data


def _unpickle(content, start, storages):
    """The object of the pickle at `start`, and where that pickle ends. Fills `storages`: key -> `_Storage`."""
    stream = io.BytesIO(content[start : start + MAX_PICKLE_BYTES])
    try:
        return _run(_instructions(stream), storages), start + stream.tell()
    except (IndexError, KeyError):  # an instruction found nothing on the stack or in the memo
        raise ValueError("has a damaged pickle") from None


def _instructions(stream):
    try:
        for code, argument, _ in pickletools.genops(stream):
            yield code.name, argument
    except ValueError:
        raise ValueError(f"has a pickle that is damaged, cut short or over {MAX_PICKLE_BYTES} bytes") from None


def _run(instructions, storages):
    """Carries out a pickle's instructions, if they build nothing but tensors, containers and plain values."""
    stack, marks, memo = [], [], {}
    for code, argument in instructions:
        if code in TAKES:
            start = marks.pop() if TAKES[code] is None else len(stack) - TAKES[code]
            if not 0 <= start <= len(stack):
                raise IndexError
            taken, stack[start:] = stack[start:], []
        match code:
            case "PROTO" | "FRAME":
                pass
            case "STOP" if len(stack) == 1:
                return stack[0]
            case "MARK":
                marks.append(len(stack))
            case "PUT" | "BINPUT" | "LONG_BINPUT" | "MEMOIZE":
                memo[len(memo) if code == "MEMOIZE" else argument] = stack[-1]
            case "GET" | "BINGET" | "LONG_BINGET":
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
            case "SETITEM" | "SETITEMS" if isinstance(stack[-1], dict) and _are((str, int), taken[::2]):
                stack[-1].update(zip(taken[::2], taken[1::2], strict=False))
            case "GLOBAL":
                stack.append(_known(argument.replace(" ", ".")))
            case "STACK_GLOBAL" if _are(str, taken):
                stack.append(_known(".".join(taken)))
            case "BINPERSID":
                stack.append(_storage(taken[0], storages))
            case "REDUCE":
                stack.append(_build(*taken))
            case "BUILD" if type(taken[0]) is dict and type(stack[-1]) is OrderedDict:
                pass  # the attribute `_metadata` of a state dict: versions of layers, of no use here
            case _:
                detail = "" if argument is None else f" ({argument!r:.60})"
                raise ValueError(f"uses the pickle instruction {code}{detail} in a way that no dict of tensors needs")
    raise IndexError


def _known(name):
    if name not in STORAGES and name not in BUILDERS:
        shown = name if name.isprintable() else ascii(name)
        raise ValueError(f"contains {shown:.100}, which is no tensor, container or number")
    return _Name(name)


def _are(kind, values):
    return all(isinstance(value, kind) for value in values)


def _are_counts(*numbers):
    return all(type(number) is int and 0 <= number <= MAX_COUNT for number in numbers)


def _storage(persistent_id, storages):
    """The storage that a persistent id stands for. The legacy format adds a view of it, or None."""
    match persistent_id:
        case ("storage", _Name(kind), str(key), str(), total, *view) if kind in STORAGES and _are_counts(total):
            stored = _Storage(key, kind, total, 0, total)
            if storages.setdefault(key, stored) != stored:
                raise ValueError(f"describes the storage {key!r:.60} in two ways")
            match view:
                case [] | [None]:
                    return stored
                case [(str(), start, count)] if _are_counts(start, count) and start + count <= total:
                    return _Storage(key, kind, total, start, count)
    raise ValueError("refers to something that is no storage")


def _build(function, arguments):
    """What PyTorch's functions would make of their arguments. Gradients and hooks are dropped."""
    match getattr(function, "name", None), arguments:
        case "collections.OrderedDict", ():
            return OrderedDict()
        case "torch._utils._rebuild_parameter", (_Tensor() as tensor, _, _):
            return tensor
        # After gradient and hooks: whether to conjugate or negate on reading, which no weight asks for
        case (
            "torch._utils._rebuild_tensor" | "torch._utils._rebuild_tensor_v2",
            (_Storage() as storage, offset, tuple(size), tuple(strides), *rest),
        ) if not any(rest[2:]):
            fits = len(size) == len(strides) <= MAX_AXES and _are_counts(offset, *size, *strides)
            last = fits and offset + sum((length - 1) * step for length, step in zip(size, strides, strict=True))
            if not fits or (0 not in size and last >= storage.count):
                raise ValueError(f"holds a tensor that reaches beyond its storage {storage.key!r:.60}")
            return _Tensor(storage, offset, size, strides)
    raise ValueError("calls something other than PyTorch's own functions, or these with other arguments")


def _arrays(tree, data, max_bytes):
    """The object as a dict of arrays, if it is a dict of tensors."""
    if not isinstance(tree, dict):
        raise ValueError(f"holds one {type(tree).__name__.strip('_').lower()}, not a dict of tensors")
    wanted = 0
    for key, value in tree.items():
        if type(key) is not str or type(value) is not _Tensor:
            inner = [k for k, v in tree.items() if isinstance(v, dict) and v and _are(_Tensor, v.values())]
            hint = f" (the tensors lie under {inner[0]!r:.60}: save that dict alone)" if inner else ""
            kind = type(value).__name__.strip("_").lower()
            raise ValueError(f"has a value of type {kind} under {key!r:.60}, not only tensors under strings{hint}")
        wanted += math.prod(max(length, 1) for length in value.size) * STORAGES[value.storage.kind].itemsize
    if wanted > max_bytes:
        raise ValueError(f"holds tensors of more than {max_bytes} bytes, which its size does not explain")
    return {key: _array(tensor, tensor.storage, data[tensor.storage.key]) for key, tensor in tree.items()}


def _array(tensor, storage, data):
    """Copies a tensor's elements. NumPy checks once more that all of them lie within the storage's bytes."""
    dtype = STORAGES[storage.kind]
    if len(data) != storage.total * dtype.itemsize:
        raise ValueError(f"has {len(data)} bytes, not {storage.total} elements, for the storage {storage.key!r:.60}")
    view = np.empty(tensor.size, dtype)
    if view.size:
        start = (storage.start + tensor.offset) * dtype.itemsize
        view = np.ndarray(tensor.size, dtype, data, start, [step * dtype.itemsize for step in tensor.strides])
    values = view.astype(dtype.newbyteorder("="), order="C")
    if storage.kind == "torch.BFloat16Storage":
        return np.asarray(np.left_shift(values, 16, dtype=np.uint32)).view(np.float32)
    return np.asarray(values != 0) if storage.kind == "torch.BoolStorage" else values
