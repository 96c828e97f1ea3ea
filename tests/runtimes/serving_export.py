"""The SavedModels that several tests share: musicnn with its real weights, and untrained networks without context."""

import atexit
import functools
import io
import shutil
import tempfile
from pathlib import Path

import numpy as np
import soundfile
import tensorflow as tf

import keras_musictag as kmt
from keras_musictag.architectures import crnn, sample_cnn
from keras_musictag.audio import read, resample
from keras_musictag.runtimes.formats.savedmodel import write
from tests.runtimes.networks import random_tagger


@functools.cache
def tagger(name: str):
    """ "musicnn"; small ones: "crnn" with chunks of 4 seconds, or "sample_cnn", whose waveform meets a convolution."""
    if name == "musicnn":
        return kmt.load(name)
    if name == "crnn":
        return random_tagger(name, 4.0, crnn.Config(filters=(8, 8, 8, 8), units=8))
    return random_tagger(name, None, sample_cnn.Config(filters=(4,) * 10, last_filters=8))


@functools.cache
def exported(name: str) -> Path:
    """A folder with version 1."""
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    write(tagger(name), folder, "float32", "waveform")
    return folder


@functools.cache
def loaded(name: str):
    return tf.saved_model.load(str(exported(name) / "1"))


@functools.cache
def clip() -> np.ndarray:
    """The demo clip, float32 mono at 16 kHz."""
    return read(kmt.demo_clip()).samples


def clip_at(rate_hz: int, seconds: float | None = None) -> np.ndarray:
    samples = clip() if rate_hz == 16000 else resample(clip(), 16000, rate_hz)
    return samples if seconds is None else samples[: round(seconds * rate_hz)]


def wav(samples: np.ndarray, rate_hz: int, subtype: str = "PCM_16", form: str = "WAV") -> bytes:
    """The bytes of a file; samples (samples,) or (samples, channels)."""
    file = io.BytesIO()
    soundfile.write(file, samples, rate_hz, format=form, subtype=subtype)
    return file.getvalue()
