"""Reads pickles that Python 2 wrote without running them: lists, dicts, strings, numbers and NumPy arrays.

Python's unpickler calls whatever a pickle names. This one accepts only the four names that NumPy writes for an array or
a number, and calls none of them: it builds arrays itself, from checked bytes. It accepts only the instructions that
Python 2 writes (protocols 0 to 2). It extends Python's reader in Python, not the one in C: its memo is a dict, so that
a memo index of 2**31 does not allocate 16 GB, and a stated length never allocates more than the file holds.
"""

import io
import math
import pickle
import re
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from keras_musictag.errors import DatasetError

MAX_BYTES = 1 << 30  # the largest pickles of the Million Song Dataset have 10 to 100 MB
MAX_DIMENSIONS = 32  # NumPy's maximum in Python 2
_INSTRUCTIONS = """
    MARK STOP PROTO NONE NEWTRUE NEWFALSE INT BININT BININT1 BININT2 LONG LONG1 FLOAT BINFLOAT
    STRING BINSTRING SHORT_BINSTRING UNICODE BINUNICODE TUPLE EMPTY_TUPLE TUPLE1 TUPLE2 TUPLE3
    LIST EMPTY_LIST APPEND APPENDS DICT EMPTY_DICT SETITEM SETITEMS
    PUT BINPUT LONG_BINPUT GET BINGET LONG_BINGET GLOBAL REDUCE BUILD
""".split()
_CODES = [getattr(pickle, name)[0] for name in _INSTRUCTIONS]
_DTYPE, _NDARRAY = "numpy.dtype", "numpy.ndarray"
_RECONSTRUCT, _SCALAR = "numpy.core.multiarray._reconstruct", "numpy.core.multiarray.scalar"
_DAMAGE = (EOFError, LookupError, TypeError, ValueError, AttributeError, OverflowError)
_DAMAGE += (struct.error, pickle.UnpicklingError)


class _Refused(Exception):  # noqa: N818 (never leaves this file)
    """Names the content of a pickle that is not loaded."""


@dataclass(frozen=True)
class _Name:
    """A name in a pickle, never the object itself."""

    name: str


@dataclass
class _Dtype:
    """The type of a number: its code, such as "f4", and its byte order, which follows in the pickle."""

    code: str
    order: str = "|"

    def numpy(self) -> np.dtype:
        return np.dtype(self.order + self.code)


def read_pickle(path: Path) -> object:
    """Reads a pickle file that Python 2 wrote. Nothing in the file is run.

    Args:
        path: The file.

    Returns:
        The lists, dicts and tuples that it holds, of str, numbers, bool, None and numpy arrays of numbers. A byte
        string becomes a str of the same length (Latin-1).

    Raises:
        DatasetError: If it is damaged, larger than 1 GiB, or holds anything else.
    """
    if path.stat().st_size > MAX_BYTES:
        raise DatasetError(f"{str(path)!r} is larger than {MAX_BYTES} bytes and was not loaded. Is it the right file?")
    try:
        return _PlainUnpickler(io.BytesIO(path.read_bytes()), encoding="latin1").load()
    except _Refused as error:
        raise DatasetError(
            f"{str(path)!r} holds {error}; expected a Python 2 pickle of lists, dicts, strings, numbers and arrays. "
            "It was not loaded. Download it again from its authors."
        ) from None
    except _DAMAGE as error:
        raise DatasetError(
            f"{str(path)!r} is damaged, cut short or not a Python 2 pickle. Download it again."
        ) from error


class _PlainUnpickler(pickle._Unpickler):
    """Python's reader, without anything that could run code, or allocate or recurse more than the data need."""

    dispatch: ClassVar = {code: pickle._Unpickler.dispatch[code] for code in _CODES}

    built_bytes = 0  # total of all arrays: many may be built from one string

    def find_class(self, module: str, name: str) -> _Name:
        full = f"{module}.{name}"
        if full not in (_DTYPE, _NDARRAY, _RECONSTRUCT, _SCALAR):
            raise _Refused(f"{full!r:.80}")
        return _Name(full)

    def _reduce(self) -> None:
        arguments = self.stack.pop()
        self.stack.append(_make(self.stack.pop(), arguments))

    def _build(self) -> None:
        state, made = self.stack.pop(), self.stack[-1]
        if isinstance(made, _Dtype):
            made.order = state[1] if state[1] in ("<", ">", "|") else _refuse("a number with an invalid byte order")
        elif isinstance(made, np.ndarray):
            _fill(made, state)
            self.built_bytes += made.nbytes
            if self.built_bytes > MAX_BYTES:
                _refuse(f"arrays of more than {MAX_BYTES} bytes")
        else:
            _refuse("an object with a state")

    def _set_item(self) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self.stack[-1].update(_checked_dict([key, value]))

    def _set_items(self) -> None:
        items = self.pop_mark()
        self.stack[-1].update(_checked_dict(items))

    def _make_dict(self) -> None:
        items = self.pop_mark()
        self.append(_checked_dict(items))

    dispatch |= {pickle.REDUCE[0]: _reduce, pickle.BUILD[0]: _build}
    dispatch |= {pickle.SETITEM[0]: _set_item, pickle.SETITEMS[0]: _set_items, pickle.DICT[0]: _make_dict}


def _refuse(what: str):
    raise _Refused(what)


def _checked_dict(items: list) -> dict:
    """A dict from alternating keys and values. Hashing a tuple nested a million deep would end the process."""
    keys = items[::2]
    if not all(type(key) in (str, int) for key in keys):
        _refuse("a dict whose keys are not strings or whole numbers")
    return dict(zip(keys, items[1::2], strict=True))


def _make(name: object, arguments: tuple) -> object:
    """What NumPy's function of that name would return."""
    match name, arguments:
        case _Name(name=str(full)), (str(code), *_) if full == _DTYPE and re.fullmatch("b1|[iu][1248]|f[248]", code):
            return _Dtype(code)
        case _Name(name=str(full)), (_Name(name=str(kind)), *_) if full == _RECONSTRUCT and kind == _NDARRAY:
            return np.empty(0, bool)  # its state follows
        case _Name(name=str(full)), (_Dtype() as dtype, str(data)) if full == _SCALAR:
            scalar = np.empty(0, bool)
            _fill(scalar, (1, (), dtype, False, data))
            return scalar.item()
    return _refuse("a call that is not needed for an array of numbers")


def _fill(array: np.ndarray, state: tuple) -> None:
    """Gives an empty array its shape, type and values, if they belong together."""
    _, shape, dtype, is_fortran, data = state
    if not isinstance(dtype, _Dtype) or not isinstance(data, str):
        _refuse("an array of something other than numbers")
    if len(shape) > MAX_DIMENSIONS:
        _refuse(f"an array of more than {MAX_DIMENSIONS} dimensions")
    if not all(type(n) is int and n >= 0 for n in shape) or math.prod(shape) * dtype.numpy().itemsize != len(data):
        _refuse("an array whose size is not the one it states")
    if dtype.code == "b1" and set(data) - {"\0", "\1"}:
        _refuse("truth values other than 0 and 1")
    array.__setstate__((1, tuple(shape), dtype.numpy(), bool(is_fortran), data.encode("latin1")))
