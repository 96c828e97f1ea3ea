"""Alterations of a batch are seeded, and each one has the effect that its name says, and no other."""

import numpy as np
import pytest

from keras_musictag.records import Alteration
from keras_musictag.records.tf_data.alteration import alter

SIZE, RATE_HZ = 8000, 16000


def settings(**changes):
    nothing = {f"{name}_probability": 0.0 for name in ("speed", "equalise", "band", "noise", "mix")}
    return Alteration(**{**nothing, "gain_db": (0, 0), **changes})


def altered(crops, asked, seed=0, epoch=0, step=0):
    crops = crops[:, : asked.crop_samples(SIZE)].astype(np.float32)
    return alter(crops, asked, SIZE, RATE_HZ, seed=seed, epoch=epoch, step=step).numpy()


def noise(rows=4):
    return np.random.default_rng(0).normal(0, 0.1, (rows, 2 * SIZE))


def tone(hz, rows=4):
    return np.tile(0.5 * np.sin(2 * np.pi * hz * np.arange(2 * SIZE) / RATE_HZ), (rows, 1))


def rms(signals):
    return np.sqrt((signals**2).mean(axis=1))


def test_no_alteration_leaves_a_crop_unchanged():
    np.testing.assert_allclose(altered(noise(), settings()), noise()[:, :SIZE], atol=1e-6)  # round-off of the transform


def test_draws_depend_only_on_seed_epoch_and_step():
    first = altered(noise(), Alteration())
    np.testing.assert_array_equal(altered(noise(), Alteration()), first)
    for other in ({"seed": 1}, {"epoch": 1}, {"step": 1}):
        assert np.abs(altered(noise(), Alteration(), **other) - first).max() > 0.01
    assert first.shape == (4, SIZE) and np.abs(first).max() <= 1


def test_speed_moves_the_pitch_of_each_crop():
    played = altered(tone(1000), settings(speed_probability=1.0))
    spectra = np.abs(np.fft.rfft(played * np.hanning(SIZE)))
    semitones = 12 * np.log2(spectra.argmax(axis=1) * RATE_HZ / SIZE / 1000)
    assert (np.abs(semitones) <= 4.05).all() and np.ptp(semitones) > 0.5
    near = np.abs(np.arange(SIZE // 2 + 1) - spectra.argmax(axis=1)[:, None]) <= 4
    assert ((spectra**2 * ~near).sum(axis=1) / (spectra**2).sum(axis=1)).max() < 1e-4  # -40 dB: hardly any distortion


def test_a_tone_that_would_fold_is_silenced():
    asked = settings(speed_probability=1.0)
    faster = rms(altered(tone(1000, 32), asked, seed=3)[:, 500:-500])
    high = rms(altered(tone(7900, 32), asked, seed=3)[:, 500:-500])
    assert (faster > 0.3).all()
    assert (high < 0.01).any() and (high > 0.2).any()  # crops played faster, and slower


def test_noise_has_the_requested_level():
    asked = settings(noise_probability=1.0, noise_snr_db=(20, 20))
    added = altered(tone(1000), asked) - tone(1000)[:, :SIZE]
    np.testing.assert_allclose(20 * np.log10(rms(added) / rms(tone(1000))), -20, atol=0.2)


def test_gain_is_as_requested_and_never_clips():
    np.testing.assert_allclose(altered(noise(), settings(gain_db=(-6, -6))), noise()[:, :SIZE] * 10**-0.3, atol=1e-6)
    loud = altered(tone(1000), settings(gain_db=(20, 20)))
    np.testing.assert_allclose(loud, 2 * tone(1000)[:, :SIZE], atol=1e-3)


def test_a_mixture_adds_the_other_crop_at_its_level():
    rows = np.concatenate([tone(500, 1), tone(2000, 1) / 10])
    mixed = altered(rows, settings(mix_probability=1.0, mix_db=(-6, -6)))
    for row, own, other in ((0, 500, 2000), (1, 2000, 500)):
        levels = np.abs(np.fft.rfft(mixed[row]))[[own * SIZE // RATE_HZ, other * SIZE // RATE_HZ]]
        assert 20 * np.log10(levels[1] / levels[0]) == pytest.approx(-6, abs=0.1)


def test_filters_change_the_balance_of_frequencies():
    before, after = (
        np.abs(np.fft.rfft(x)) for x in (noise()[:, :SIZE], altered(noise(), settings(equalise_probability=1.0)))
    )
    change = 20 * np.log10(after / before)
    assert (np.abs(change) <= 20.1).all() and np.ptp(change, axis=1).min() > 1
    np.testing.assert_allclose(np.diff(change, axis=1), 0, atol=0.5)  # a smooth curve


def test_an_invalid_range_or_share_is_reported():
    with pytest.raises(ValueError, match=r"`noise_snr_db` of an alteration must be \(low, high\). Received: \(40, 8\)"):
        Alteration(noise_snr_db=(40, 8))
    with pytest.raises(ValueError, match="`speed_semitones` of an alteration must be 0 or more. Received: -1"):
        Alteration(speed_semitones=-1)
