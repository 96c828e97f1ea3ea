"""Published weights: a safetensors file with keys `layer/variable`, checked by its SHA-256."""

import hashlib
from os import PathLike
from pathlib import Path

import keras
import numpy as np
from safetensors.numpy import load, save

from keras_musictag.errors import ChecksumError
from keras_musictag.files import write_bytes


def arrays_of(model: keras.Model) -> dict[str, np.ndarray]:
    """The weights of a model: `layer/variable` -> array."""
    return {variable.path: np.asarray(keras.ops.convert_to_numpy(variable.value)) for variable in model.weights}


def save_weights(model: keras.Model, path: str | PathLike, half: bool = False) -> None:
    """Writes a model's weights, sorted by key: the same weights always give the same bytes.

    Args:
        model: A built model in which no two layers share a name.
        path: The file to write, completely or not at all.
        half: Store matrices and kernels as float16 if their values are within its range. Vectors (biases,
            normalisation) stay float32: they take next to no space, and a moving variance may be large or tiny.
    """
    arrays = arrays_of(model)
    for key, array in arrays.items():
        fits = array.ndim > 1 and np.abs(array).max(initial=0) <= np.finfo(np.float16).max
        if half and fits:
            arrays[key] = array.astype(np.float16)
    write_bytes(Path(path), save({key: arrays[key] for key in sorted(arrays)}))


def read_weights(path: str | PathLike, sha256: str | None = None) -> dict[str, np.ndarray]:
    """Reads a safetensors file.

    Args:
        path: The file.
        sha256: The hash that it must have; None for a file without a card.

    Raises:
        FileNotFoundError: If the file does not exist.
        ChecksumError: If the hash differs.
        ValueError: If it is not a safetensors file.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There are no weights at {path}; expected a file. Check the spelling.")
    content = path.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if sha256 is not None and found != sha256:
        raise ChecksumError(
            f"{path} is damaged or was replaced: its SHA-256 is {found}, its card states {sha256}. "
            "Install the package again, or download the file again."
        )
    try:
        return load(content)
    except Exception as error:  # safetensors raises its own classes, which it does not export
        raise ValueError(f"{path} is not a safetensors file: {error}.") from None


def assign_weights(model: keras.Model, arrays: dict[str, np.ndarray], source: str) -> None:
    """Sets all weights of a model. Every key must be used, and every shape must match.

    Args:
        model: A built model.
        arrays: `layer/variable` -> array.
        source: Where the arrays come from, for the error message.

    Raises:
        ValueError: If keys or shapes differ; the message names the first of them. In that case no weight is set.
    """
    variables = {variable.path: variable for variable in model.weights}
    missing, unused = sorted(variables.keys() - arrays.keys()), sorted(arrays.keys() - variables.keys())
    if missing or unused:
        raise ValueError(f"{source} does not fit {model.name}. Missing: {_few(missing)}. Not used: {_few(unused)}.")
    for key, variable in variables.items():
        if tuple(variable.shape) != arrays[key].shape:
            raise ValueError(
                f"{source} does not fit {model.name}: {key} has shape {arrays[key].shape}, expected "
                f"{tuple(variable.shape)}."
            )
    for key, variable in variables.items():
        variable.assign(arrays[key].astype(variable.dtype))


def _few(keys):
    return "nothing" if not keys else ", ".join(keys[:3]) + (f" and {len(keys) - 3} more" if len(keys) > 3 else "")
