"""Which numbers the layers compute in that are made inside a `with`."""

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
