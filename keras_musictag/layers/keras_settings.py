"""Which numbers the layers compute in that are made inside a `with`.

Keras's settings: what a network is built and trained under, whatever the user's `keras.json` or code says.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import keras


@contextmanager
def dtype_policy(name: str):
    """Keras's global dtype policy, for the layers that are made inside; the former one comes back in any case."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def float32_from(index: int, first: int):
    """Float32 for the layers from the `first` on, under every policy.

    The late layers of a network are small: computing them in float32 costs next to nothing, and rounding them to
    bfloat16 is what moves the scores most (docs/performance.md).
    """
    return dtype_policy("float32") if index >= first else nullcontext()


config = keras.config
# each: how it is read, how it is set, and what the networks are made for
SETTINGS = (
    (config.image_data_format, config.set_image_data_format, "channels_last"),
    (config.floatx, config.set_floatx, "float32"),
    (config.epsilon, config.set_epsilon, 1e-7),
    (config.max_epochs, config.set_max_epochs, None),
    (config.max_steps_per_epoch, config.set_max_steps_per_epoch, None),
)

_lock = threading.Lock()
_inside = 0  # threads share these settings: the first one in saves the user's, the last one out brings them back
_users = ()


@contextmanager
def own_settings() -> Iterator[None]:
    """Keras's defaults, for what is built or run inside; the user's settings come back in any case.

    The global dtype policy is "float32" inside. Keras keeps it by thread, the other settings by process.

    Example:
        >>> keras.config.set_image_data_format("channels_first")
        >>> with own_settings():
        ...     keras.layers.Conv2D(8, 3).data_format
        'channels_last'
        >>> keras.config.image_data_format()
        'channels_first'
        >>> keras.config.set_image_data_format("channels_last")
    """
    global _inside, _users
    with dtype_policy("float32"):  # first: Keras makes a thread's policy of `floatx`, which must be the user's then
        with _lock:
            if _inside == 0:
                _users = tuple(read() for read, _, _ in SETTINGS)
                for _, write, value in SETTINGS:
                    write(value)
            _inside += 1
        try:
            yield
        finally:
            with _lock:
                _inside -= 1
                if _inside == 0:
                    for (_, write, _), value in zip(SETTINGS, _users, strict=True):
                        write(value)
