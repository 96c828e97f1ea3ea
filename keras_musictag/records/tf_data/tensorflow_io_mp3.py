"""Decodes MP3 on TensorFlow's graph with tensorflow-io, an optional extra that needs TensorFlow 2.16.

Differs from `audio.read`: it decodes only MP3, does not resample, and leaves out damaged frames without a note. See
docs/tensorflow_io.md.
"""

import warnings

import tensorflow as tf

from keras_musictag.errors import MusicTagError

LARGEST_DIFFERENCE = 0.1  # of the length; a file at 12 kHz, the MP3 sample rate nearest to 16 kHz, would differ by 0.25
_REMEDY = "`scripts/check_tensorflow_io` creates an environment where it works; PyAV decodes everywhere."


def decode_mp3(contents: tf.Tensor, num_samples: tf.Tensor | int | None = None) -> tf.Tensor:
    """Decodes one MP3 file, inside or outside a graph.

    Args:
        contents: String scalar, the bytes of the file.
        num_samples: Number of samples that the file's record states. If up to a tenth is missing or surplus, as in a
            damaged file, it is padded with silence or cut. None keeps what was decoded.

    Returns:
        Float32 (samples,), the mean of the channels, at the file's own sample rate.

    Raises:
        MusicTagError: If tensorflow-io is not installed or does not load under this TensorFlow.
        tf.errors.InvalidArgumentError: If the bytes are not an MP3 file, or the number of decoded samples differs from
            `num_samples` by more than a tenth: then the file has another sample rate than the record.
    """
    samples = tf.reduce_mean(_decode_channels(contents), axis=1)
    return samples if num_samples is None else _fit(samples, tf.cast(num_samples, tf.int32))


def _fit(samples: tf.Tensor, num_samples: tf.Tensor) -> tf.Tensor:
    """Float32 (num_samples,): cut, or padded with silence."""
    decoded = tf.shape(samples)[0]
    largest = tf.cast(LARGEST_DIFFERENCE * tf.cast(num_samples, tf.float32), tf.int32)
    message = (
        "An MP3 file decodes to another number of samples than its record states: tensorflow-io does not resample, so "
        "the file must be at 16 kHz, like the records. Prepare with storage 'pcm', or decode with PyAV."
    )
    with tf.control_dependencies([tf.debugging.assert_less_equal(tf.abs(decoded - num_samples), largest, message)]):
        samples = samples[:num_samples]
    return tf.ensure_shape(tf.pad(samples, [[0, num_samples - tf.shape(samples)[0]]]), [None])


def _decode_channels(contents: tf.Tensor) -> tf.Tensor:
    """Float32 (samples, channels). The library of operators is loaded by the first call, not by the import."""
    try:
        with warnings.catch_warnings(action="ignore", category=UserWarning):  # the errors below say it better
            import tensorflow_io

            return tensorflow_io.audio.decode_mp3(contents)
    except ImportError as error:
        raise MusicTagError(
            f"`decoder='tensorflow-io'` needs tensorflow-io, which is not installed. {_REMEDY}"
        ) from error
    except NotImplementedError as error:
        raise MusicTagError(
            f"tensorflow-io does not load under TensorFlow {tf.__version__}; expected TensorFlow 2.16. {_REMEDY}"
        ) from error
