"""Keras's global settings while a network is built or run: dtype policies, and defaults instead of the user's.

The networks are the same whatever the `keras.json` or the code of the user sets.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import keras


@contextmanager
def dtype_policy(name: str):
    """Sets Keras's global dtype policy for the layers that are made inside `with`, and restores it in any case.

    Example:
        >>> with dtype_policy("mixed_bfloat16"):
        ...     keras.layers.Dense(2).compute_dtype
        'bfloat16'
    """
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def float32_from(index: int, first: int):
    """Returns a context that makes layer `index` float32 under every policy if it is the `first` or a later one.

    The last layers of a network are small. Computing them in float32 costs almost nothing, and rounding them to
    bfloat16 would change the scores most (docs/performance.md).

    Example:
        >>> with dtype_policy("mixed_bfloat16"), float32_from(3, first=3):
        ...     keras.layers.Dense(2).compute_dtype
        'float32'
    """
    return dtype_policy("float32") if index >= first else nullcontext()


config = keras.config
# of each setting: the function that reads it, the one that writes it, and the value that the networks need
SETTINGS = (
    (config.image_data_format, config.set_image_data_format, "channels_last"),
    (config.floatx, config.set_floatx, "float32"),
    (config.epsilon, config.set_epsilon, 1e-7),
    (config.max_epochs, config.set_max_epochs, None),
    (config.max_steps_per_epoch, config.set_max_steps_per_epoch, None),
)

_lock = threading.Lock()
_num_inside = 0  # threads share these settings: the first to enter saves the user's, the last to leave restores them
_users_settings = ()


@contextmanager
def own_settings() -> Iterator[None]:
    """Sets Keras's defaults for what is built or run inside `with`, and restores the user's settings in any case.

    The global dtype policy is "float32" inside. Keras keeps it per thread, and the other settings per process.

    Example:
        >>> keras.config.set_image_data_format("channels_first")
        >>> with own_settings():
        ...     keras.layers.Conv2D(8, 3).data_format
        'channels_last'
        >>> keras.config.image_data_format()
        'channels_first'
        >>> keras.config.set_image_data_format("channels_last")
    """
    global _num_inside, _users_settings
    with dtype_policy(
        "float32"
    ):  # first: Keras derives the policy of a new thread from `floatx`, which must still be the user's
        with _lock:
            if _num_inside == 0:
                _users_settings = tuple(read() for read, _, _ in SETTINGS)
                for _, write, value in SETTINGS:
                    write(value)
            _num_inside += 1
        try:
            yield
        finally:
            with _lock:
                _num_inside -= 1
                if _num_inside == 0:
                    for (_, write, _), value in zip(SETTINGS, _users_settings, strict=True):
                        write(value)
