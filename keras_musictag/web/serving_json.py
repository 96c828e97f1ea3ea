"""TensorFlow Serving's JSON: a request -> an array, and arrays -> an answer.

The rules are those of its source (json_tensor.cc): rows or columns, `{"b64": ...}` for bytes, and numbers that give the
same float when they are read back. All signatures of our models have exactly one input, which keeps this short.
"""

import base64
import binascii
import json
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from pydantic_core import from_json  # reads a second of audio in a third of the time that `json` takes

DEFAULT_SIGNATURE = "serving_default"
DIGITS = {np.dtype(np.float32): 9, np.dtype(np.float64): 17}  # enough to give the same number when they are read back


class RequestError(ValueError):
    """A request that is refused; the message is the answer's `error`."""


class PredictRequest(NamedTuple):
    """A request as it was sent.

    Attributes:
        signature: Its name.
        value: The value of "instances" or "inputs".
        by_row: Whether it was "instances".
    """

    signature: str
    value: Any
    by_row: bool


def read_request(body: bytes) -> PredictRequest:
    """Reads the body of a `:predict` request.

    Raises:
        RequestError: If it is not JSON, or not of one of the two forms.

    Example:
        >>> read_request(b'{"instances": [[0.5]]}')
        PredictRequest(signature='serving_default', value=[[0.5]], by_row=True)
    """
    try:
        asked = from_json(body)
    except ValueError as error:
        raise RequestError(f"JSON Parse error: {error}.") from None
    if not isinstance(asked, dict):
        raise RequestError("The body must be a JSON object with the key 'instances' or 'inputs'.")
    signature = asked.get("signature_name", DEFAULT_SIGNATURE)
    if not isinstance(signature, str):
        raise RequestError("'signature_name' must be a string. Omit it for 'serving_default'.")
    given = [key for key in ("instances", "inputs") if key in asked]
    if not given:
        raise RequestError("Missing 'inputs' or 'instances' key")
    if len(given) == 2:
        raise RequestError("Send only one of 'inputs' and 'instances'.")
    value, by_row = asked[given[0]], given == ["instances"]
    if by_row and not (isinstance(value, list) and value):
        raise RequestError("'instances' must be a list of at least one value.")
    return PredictRequest(signature or DEFAULT_SIGNATURE, value, by_row)


def value_of(request: PredictRequest, name: str) -> Any:
    """The value of the one input of a signature, without the object that may name it.

    Args:
        request: The request.
        name: Name of the input.

    Returns:
        What was sent for this input: for rows, the list of them.

    Raises:
        RequestError: If it names other inputs.

    Example:
        >>> value_of(read_request(b'{"instances": [{"waveform": [0.5]}, {"waveform": [1]}]}'), "waveform")
        [[0.5], [1]]
    """
    if not request.by_row:
        return _named(request.value, name)
    return [_named(row, name) for row in request.value]


def _named(value: Any, name: str) -> Any:
    if not isinstance(value, dict) or _is_base64(value):
        return value
    if value.keys() != {name}:
        raise RequestError(f"The input is named {name!r}. Received: {', '.join(map(repr, value)) or 'no name'}.")
    return value[name]


def _is_base64(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() == {"b64"}


def to_numbers(value: Any, name: str, expected: str, rank: int, columns: int | None = None) -> np.ndarray:
    """Turns nested lists into an array.

    Args:
        value: What was sent.
        name: Name of the input.
        expected: A sentence about its shape, for the error.
        rank: The number of axes.
        columns: The length of the last axis; None for any.

    Returns:
        Float32, of that rank.

    Raises:
        RequestError: If it has another shape, or holds something other than numbers.

    Example:
        >>> to_numbers([[0.5, 1]], "waveform", "`waveform` must have shape (batch, 2).", rank=2, columns=2).tolist()
        [[0.5, 1.0]]
    """
    try:
        array = np.array(value)
    except ValueError:
        raise RequestError(f"{expected} Received lists of different lengths.") from None
    if array.dtype.kind not in "fiu":
        raise RequestError(f"`{name}` takes numbers, not text, true, null or base64. {expected}")
    if array.ndim != rank or (columns is not None and array.shape[-1] != columns):
        raise RequestError(f"{expected} Received: {[*array.shape]}.")
    with np.errstate(over="ignore"):  # infinity, like a number that JSON states as such
        return array.astype(np.float32)


def to_bytes(value: Any, name: str) -> bytes:
    """Decodes `{"b64": "..."}`.

    Raises:
        RequestError: If it is something else, or not valid base64.

    Example:
        >>> to_bytes({"b64": "UklGRg=="}, "wav_bytes")
        b'RIFF'
    """
    if not _is_base64(value) or not isinstance(value["b64"], str):
        raise RequestError(f'`{name}` takes bytes as {{"b64": "..."}}, in base64.')
    try:
        return base64.b64decode(value["b64"], validate=True)
    except (binascii.Error, ValueError) as error:
        raise RequestError(f"`{name}` could not be decoded as base64: {error}.") from None


def write_answer(outputs: Mapping[str, Any], by_row: bool) -> str:
    """Writes the answer in the form of the request.

    Args:
        outputs: Arrays, or lists of strings or integers, by name; for rows, all of one length.
        by_row: Whether the request had rows.

    Returns:
        JSON, in which NaN and Infinity are written as such, as TensorFlow Serving does.

    Example:
        >>> write_answer({"scores": np.array([[0.1, 1]], np.float32)}, by_row=True)
        '{"predictions": [[0.1, 1.0]]}'
        >>> write_answer({"start_seconds": np.array([0.0]), "tags": ["rock"]}, by_row=False)
        '{"outputs": {"start_seconds": [0.0], "tags": ["rock"]}}'
    """
    columns = {name: _texts(value) for name, value in outputs.items()}
    if len(columns) == 1:
        (only,) = columns.values()
        content = f"[{', '.join(only)}]"
    elif by_row:
        rows = zip(*columns.values(), strict=True)
        content = f"[{', '.join(_object(dict(zip(columns, row, strict=True))) for row in rows)}]"
    else:
        content = _object({name: f"[{', '.join(values)}]" for name, values in columns.items()})
    return _object({"predictions" if by_row else "outputs": content})


def _object(members: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"{json.dumps(name)}: {text}" for name, text in members.items()) + "}"


def _texts(values: Any) -> list[str]:
    """The JSON of each item along the first axis."""
    if isinstance(values, np.ndarray) and values.dtype in DIGITS:
        if values.ndim > 1:
            return [f"[{', '.join(_texts(row))}]" for row in values]
        return [_decimal(value, DIGITS[values.dtype]) for value in values]
    return [json.dumps(value) for value in values]


def _decimal(value: np.floating, digits: int) -> str:
    """Six digits, or as many as are needed to read the same number back."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    text = f"{value:.6g}"
    if type(value)(text) != value:
        text = f"{value:.{digits}g}"
    return text if "." in text or "e" in text else f"{text}.0"
