"""Alters a batch of crops on TensorFlow's graph: the same numbers for the same (seed, epoch, step).

All filters are one multiplication of the batch's spectra. Cubic interpolation then changes the speed, after any treble
that would fold has been removed. Filters have no delay and wrap around at the ends of a crop, which does not matter for
the few milliseconds that a filter rings.
"""

import math

import tensorflow as tf

from keras_musictag.records.crops import ALTER
from keras_musictag.records.deformation import Alteration
from keras_musictag.records.tf_data import graph_crops

QUIET = 1e-3  # -60 dB of full scale: the level that silence counts as when levels are compared
RAMP_HZ = 200.0  # width of the filter that keeps a higher speed from folding treble


def alter(
    crops: tf.Tensor, settings: Alteration, chunk_samples: int, sample_rate_hz: int, *, seed: int, epoch, step
) -> tf.Tensor:
    """Alters a batch.

    Args:
        crops: Float32 (batch, `settings.crop_samples(chunk_samples)`).
        settings: How crops are altered.
        chunk_samples: Length of the result.
        sample_rate_hz: Sample rate, Hz.
        seed: Seed of the training run.
        epoch: From 0.
        step: Position of the batch in the epoch.

    Returns:
        Float32 (batch, chunk_samples), within full scale for every crop that was changed.
    """
    draw = _Draws(seed, epoch, step, tf.shape(crops)[0])
    semitones = draw.range(-settings.speed_semitones, settings.speed_semitones)
    speed = draw.where(settings.speed_probability, 2.0 ** (semitones / 12.0), 1.0)
    crops = _filter_and_add_noise(crops, settings, sample_rate_hz, speed, draw)
    chunks = _at_speed(crops, speed, chunk_samples)
    chunks *= _gain(draw.range(*settings.gain_db))
    chunks = _mix(chunks, settings, draw)
    peak = tf.reduce_max(tf.abs(chunks), axis=1, keepdims=True)
    return chunks / tf.maximum(peak, 1.0)


class _Draws:
    """Random numbers for one batch, (batch, 1) each; each call gives new ones."""

    def __init__(self, seed: int, epoch, step, size: tf.Tensor):
        words = (tf.convert_to_tensor(word, tf.int64) for word in (seed, epoch, step))
        self._key = tf.bitcast(graph_crops.stateless_hash(ALTER, *words), tf.int32)
        self._size, self._calls = size, 0

    def range(self, low: float, high: float) -> tf.Tensor:
        return self.numbers(tf.stack([self._size, 1]), low, high)

    def numbers(self, shape: tf.Tensor, low: float, high: float) -> tf.Tensor:
        self._calls += 1
        return tf.random.stateless_uniform(shape, tf.add(self._key, [0, self._calls]), low, high)

    def log_range(self, low: float, high: float) -> tf.Tensor:
        return tf.exp(self.range(math.log(low), math.log(high)))

    def where(self, probability: float, value, otherwise) -> tf.Tensor:
        return tf.where(self.range(0.0, 1.0) < probability, value, otherwise)


def _gain(decibel: tf.Tensor) -> tf.Tensor:
    return 10.0 ** (decibel / 20.0)


def _rms(signals: tf.Tensor) -> tf.Tensor:
    return tf.sqrt(tf.reduce_mean(tf.square(signals), axis=1, keepdims=True))


def _filter_and_add_noise(crops, settings: Alteration, sample_rate_hz: int, speed, draw: _Draws) -> tf.Tensor:
    size = crops.shape[1]
    hz = tf.range(size // 2 + 1, dtype=tf.float32)[None] * (sample_rate_hz / size)
    power = tf.ones_like(hz)
    # shelves and one-pole filters, as squared responses
    low = _gain(draw.where(settings.equalise_probability, draw.range(-settings.shelf_db, settings.shelf_db), 0.0))
    high = _gain(draw.where(settings.equalise_probability, draw.range(-settings.shelf_db, settings.shelf_db), 0.0))
    ratio = tf.square(hz / draw.log_range(80.0, 800.0))
    power *= (tf.square(low) + ratio) / (1.0 + ratio)
    ratio = tf.square(hz / draw.log_range(1500.0, 6000.0))
    power *= (1.0 + tf.square(high) * ratio) / (1.0 + ratio)
    ratio = tf.square(hz / draw.log_range(1500.0, 6000.0))
    power *= draw.where(settings.band_probability, 1.0 / (1.0 + ratio), 1.0)
    ratio = tf.square(hz / draw.log_range(60.0, 400.0))
    power *= draw.where(settings.band_probability, ratio / (1.0 + ratio), 1.0)
    response = tf.sqrt(power) * _below_folding(hz, speed, sample_rate_hz)
    spectra = tf.signal.rfft(crops) * tf.cast(response, tf.complex64)
    if settings.noise_probability:
        spectra += _noise(hz, size, _rms(crops), settings, draw)
    return tf.signal.irfft(spectra, [size])


def _below_folding(hz, speed, sample_rate_hz: int) -> tf.Tensor:
    """1 for frequencies that stay below half the sample rate at this speed, else 0."""
    ramp = tf.clip_by_value((0.5 * sample_rate_hz / speed - hz) / RAMP_HZ, 0.0, 1.0)
    return tf.where(speed > 1.0, ramp, 1.0)


def _noise(hz, size: int, level, settings: Alteration, draw: _Draws) -> tf.Tensor:
    """Spectra of noise whose power falls with a random exponent of frequency, from 0 (white) to 1 (pink)."""
    shape = tf.maximum(hz, 20.0) ** (-0.5 * draw.range(0.0, 1.0))
    parts = draw.numbers(tf.stack([tf.shape(shape)[0], 2, tf.shape(shape)[1]]), -1.0, 1.0) * shape[:, None]
    # the energy of the samples is twice that of these bins, divided by their number
    rms = tf.sqrt(2.0 * tf.reduce_sum(tf.square(parts), axis=[1, 2])[:, None]) / size
    wanted = tf.maximum(level, QUIET) * _gain(-draw.range(*settings.noise_snr_db))
    parts *= (draw.where(settings.noise_probability, wanted, 0.0) / rms)[:, None]
    return tf.complex(parts[:, 0], parts[:, 1])


def _at_speed(crops, speed, chunk_samples: int) -> tf.Tensor:
    """Cubic interpolation (Catmull and Rom) at every `speed` samples; at 1.0 the samples themselves."""
    last = crops.shape[1] - 1
    # float64: at sample 70,000 float32 is only precise to a hundredth of a sample, which would be audible as noise
    position = tf.minimum(tf.range(chunk_samples, dtype=tf.float64)[None] * tf.cast(speed, tf.float64), float(last))
    index = tf.cast(position, tf.int32)
    t = tf.cast(position - tf.cast(index, tf.float64), tf.float32)
    padded = tf.pad(crops, [[0, 0], [1, 2]])
    four = tf.stack([padded[:, i : i + last + 1] for i in range(4)], axis=-1)
    a, b, c, d = tf.unstack(tf.gather(four, index, batch_dims=1), axis=-1)
    return b + 0.5 * t * (c - a + t * (2.0 * a - 5.0 * b + 4.0 * c - d + t * (3.0 * (b - c) + d - a)))


def _mix(chunks, settings: Alteration, draw: _Draws) -> tf.Tensor:
    other = tf.roll(chunks, 1, axis=0)
    same_level = tf.maximum(_rms(chunks), QUIET) / tf.maximum(_rms(other), QUIET)
    share = draw.where(settings.mix_probability, same_level * _gain(draw.range(*settings.mix_db)), 0.0)
    return chunks + share * other
