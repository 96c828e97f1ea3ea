"""The log-mel front end equals librosa, the reference and its portable implementation."""

import dataclasses

import keras
import librosa
import numpy as np
import pytest

from keras_musictag.frontends import log_mel
from tests import shared
from tests.checks import signals

SAMPLES = 16000
CONFIGS = {
    "2020_evaluation": log_mel.Config(),
    "2020_evaluation_128_mels": log_mel.Config(num_mels=128),
    "musicnn_package": log_mel.Config(mel_scale="slaney", mel_norm="slaney", padding="none", compression="log_gain"),
    "slaney_zero_padded_decibel": log_mel.Config(mel_scale="slaney", padding="zero"),
    "htk_unit_area_log_gain": log_mel.Config(mel_norm="slaney", compression="log_gain", fmin_hz=30, fmax_hz=7000),
}


def run(config, waveforms, implementation="kapre"):
    inputs = keras.Input((waveforms.shape[1],))
    model = keras.Model(inputs, log_mel.apply(inputs, config, implementation))
    return keras.ops.convert_to_numpy(model(waveforms))


def with_librosa(config, waveform):
    """Computes the same in float64."""
    modes = {"reflect": ("reflect", True), "zero": ("constant", True), "none": ("constant", False)}
    mode, center = modes[config.padding]
    power = np.abs(
        librosa.stft(
            waveform.astype(np.float64),
            n_fft=config.window_samples,
            hop_length=config.hop_samples,
            center=center,
            pad_mode=mode,
        )
    )
    matrix = librosa.filters.mel(
        sr=config.sample_rate_hz,
        n_fft=config.window_samples,
        n_mels=config.num_mels,
        fmin=config.fmin_hz,
        fmax=config.fmax_hz,
        htk=config.mel_scale == "htk",
        norm=config.mel_norm,
        dtype=np.float64,
    )
    mel = (matrix @ power**2).T  # (frames, mels)
    if config.compression == "decibel":
        return 10 * np.log10(np.maximum(mel, config.floor_power))
    return np.log10(1 + config.gain * mel)


def assert_features_agree(found, expected, config):
    """Round-off of a float32 FFT is 1e-7 of the loudest bin of a frame: in decibels, it shows only near the floor."""
    if config.compression == "log_gain":
        np.testing.assert_allclose(found, expected, rtol=0, atol=2e-5)
        return
    loud = expected > -60
    assert loud.mean() > 0.5
    np.testing.assert_allclose(found[loud], expected[loud], rtol=0, atol=5e-3)
    np.testing.assert_allclose(found, expected, rtol=0, atol=0.5)


@pytest.mark.parametrize("implementation", ["kapre", "portable"])
@pytest.mark.parametrize("name", CONFIGS)
def test_equals_librosa_in_float64(name, implementation):
    config = CONFIGS[name]
    waveforms = signals(SAMPLES)
    found = run(config, waveforms, implementation)
    for row, waveform in zip(found, waveforms, strict=True):
        assert_features_agree(row[..., 0], with_librosa(config, waveform), config)


@pytest.mark.parametrize("name", CONFIGS)
def test_the_portable_implementation_equals_kapre(name):
    config = CONFIGS[name]
    waveforms = signals(SAMPLES)
    kapre, portable = (run(config, waveforms, implementation) for implementation in ("kapre", "portable"))
    assert kapre.shape == portable.shape
    # both use a float32 FFT, but the matrix products round differently
    np.testing.assert_allclose(portable, kapre, rtol=0, atol=2e-3)


@pytest.mark.needs("shared")
@pytest.mark.parametrize("implementation", ["kapre", "portable"])
@pytest.mark.parametrize("name, mels", [("fcn", 96), ("short", 128)])
def test_decibels_equal_the_reference(name, mels, implementation):
    reference = shared.load("io", f"{name}.npz")["spec_db"].transpose(0, 2, 1)  # (2, frames, mels)
    hop, frames = 256, reference.shape[1]
    length = {"fcn": 464000, "short": 59049}[name]
    waveforms = shared.load("io", "inputs.npz")["x_int16"][:, :length].astype(np.float32) / 32768
    found = run(log_mel.Config(num_mels=mels), waveforms, implementation)[..., 0]
    assert frames == 1 + length // hop
    assert_features_agree(found, reference, log_mel.Config())


@pytest.mark.needs("shared")
@pytest.mark.parametrize("mels", [96, 128])
def test_the_filterbank_equals_the_reference(mels):
    from keras_musictag.layers import MelFilterbank

    layer = MelFilterbank(16000, mels, 0.0, 8000.0, htk=True, norm=None)
    layer.build((None, 10, 257, 1))
    # float32 storage of values up to 1
    np.testing.assert_allclose(layer.matrix, shared.load("filterbanks.npz")[f"mel{mels}_f64"], rtol=0, atol=1e-7)


@pytest.mark.parametrize("implementation", ["kapre", "portable"])
def test_silence_is_the_floor(implementation):
    silence = np.zeros((1, SAMPLES), np.float32)
    # tolerance: float32 of the logarithm of 1e-10
    np.testing.assert_allclose(run(log_mel.Config(), silence, implementation), -100.0, rtol=1e-6)
    assert (run(CONFIGS["musicnn_package"], silence, implementation) == 0).all()


@pytest.mark.parametrize("implementation", ["kapre", "portable"])
@pytest.mark.parametrize("name", ["2020_evaluation", "musicnn_package"])
def test_a_loud_batch_mate_changes_nothing(name, implementation):
    """Kapre's own decibels are clamped 80 dB below the loudest value."""
    waveforms = signals(SAMPLES) * np.float32([[1e-4], [1.0]])
    both = run(CONFIGS[name], waveforms, implementation)
    # tolerance: the same operations, in another memory layout
    np.testing.assert_allclose(both[:1], run(CONFIGS[name], waveforms[:1], implementation), rtol=0, atol=1e-4)


@pytest.mark.parametrize("implementation", ["kapre", "portable"])
@pytest.mark.parametrize("policy", ["float16", "mixed_float16", "mixed_bfloat16"])
def test_features_are_float32_under_every_policy(policy, implementation):
    waveforms = signals(SAMPLES)
    expected = run(log_mel.Config(), waveforms, implementation)
    before = keras.config.dtype_policy()
    try:
        keras.config.set_dtype_policy(policy)
        found = run(log_mel.Config(), waveforms, implementation)
    finally:
        keras.config.set_dtype_policy(before)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, expected)


def test_chunks_with_context_give_the_frames_of_the_track():
    track = signals(3 * 47872 + 1000)[1]
    config = CONFIGS["musicnn_package"]
    whole = with_librosa(dataclasses.replace(config, padding="zero"), track)
    padded = np.pad(track, 256)
    chunks = np.stack([padded[start : start + 48128] for start in (0, 47872, 2 * 47872)])
    frames = run(config, chunks).reshape(-1, 96)
    np.testing.assert_allclose(frames, whole[: 3 * 187], rtol=0, atol=2e-5)


@pytest.mark.parametrize(
    "wrong, message",
    [
        ({"hop_samples": 0}, "`hop_samples` must be between 1"),
        ({"fmax_hz": 9000.0}, "half the sample rate"),
        ({"mel_scale": "bark"}, "`mel_scale` must be one of"),
        ({"padding": "centre"}, "`padding` must be one of"),
    ],
)
def test_the_error_names_an_invalid_setting(wrong, message):
    with pytest.raises(ValueError, match=message):
        log_mel.Config(**wrong)
