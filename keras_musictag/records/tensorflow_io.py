"""MP3 decoded in the graph by tensorflow-io, an optional extra that needs TensorFlow 2.16. See docs/tensorflow_io.md.

Differs from `audio.read`: MP3 only; nothing is resampled; damaged frames are left out without a note.
"""

import warnings

import tensorflow as tf

from keras_musictag.errors import MusicTagError

LARGEST_DIFFERENCE = 0.1  # of the length; the nearest sample rate of MP3 to 16 kHz, 12 kHz, would differ by 0.25
_HOW = "`scripts/check_tensorflow_io` makes an environment where it works; PyAV decodes in any."


def decode_mp3(contents: tf.Tensor, num_samples: tf.Tensor | int | None = None) -> tf.Tensor:
    """Decodes one MP3 file, inside or outside a graph.

    Args:
        contents: String scalar, the bytes of the file.
        num_samples: How many samples the file's record states. Up to a tenth that is missing or too much, as in a
            damaged file, is filled with silence or cut; None gives what was decoded.

    Returns:
        Float32 (samples,), the mean of the channels, at the file's own sample rate.

    Raises:
        MusicTagError: If tensorflow-io is not installed or does not load under this TensorFlow.
        tf.errors.InvalidArgumentError: If the bytes are no MP3 file, or decode to another number of samples than
            `num_samples` by more than a tenth: then the file has another sample rate than the record.
    """
    samples = tf.reduce_mean(_decode_channels(contents), axis=1)
    return samples if num_samples is None else _fit(samples, tf.cast(num_samples, tf.int32))


def _fit(samples: tf.Tensor, num_samples: tf.Tensor) -> tf.Tensor:
    """Float32 (num_samples,): cut, or silence after it."""
    decoded = tf.shape(samples)[0]
    largest = tf.cast(LARGEST_DIFFERENCE * tf.cast(num_samples, tf.float32), tf.int32)
    message = (
        "An MP3 file decodes to another number of samples than its record states: tensorflow-io resamples nothing, so "
        "the file must have the records' 16 kHz. Prepare with storage 'pcm', or decode with PyAV."
    )
    with tf.control_dependencies([tf.debugging.assert_less_equal(tf.abs(decoded - num_samples), largest, message)]):
        samples = samples[:num_samples]
    return tf.ensure_shape(tf.pad(samples, [[0, num_samples - tf.shape(samples)[0]]]), [None])


def _decode_channels(contents: tf.Tensor) -> tf.Tensor:
    """Float32 (samples, channels). The library of operators loads with the first call, not with the import."""
    try:
        with warnings.catch_warnings(action="ignore", category=UserWarning):  # an error below says it better
            import tensorflow_io

            return tensorflow_io.audio.decode_mp3(contents)
    except ImportError as error:
        raise MusicTagError(f"`decoder='tensorflow-io'` needs tensorflow-io, which is not installed. {_HOW}") from error
    except NotImplementedError as error:
        raise MusicTagError(
            f"tensorflow-io does not load under TensorFlow {tf.__version__}; expected TensorFlow 2.16. {_HOW}"
        ) from error
