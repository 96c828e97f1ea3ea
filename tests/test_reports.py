"""Faults that people reported to other projects, as listed in docs/reliability.md under "Reports from elsewhere"."""

import struct

import numpy as np
import pytest

from keras_musictag import AudioError
from keras_musictag.audio import read
from keras_musictag.datasets import folder
from tests.audio.audio_files import encode, sine, wav_of


@pytest.fixture(scope="module")
def tone():
    return sine(rate_hz=16000, seconds=6.0)


def close(samples, expected, tolerance):
    size = min(len(samples), len(expected))
    assert abs(len(samples) - len(expected)) < 2400
    return np.corrcoef(samples[:size], expected[:size])[0, 1] > tolerance


def test_essentia_1152_another_sample_rate_gives_the_same_tags(vgg):
    t16, t44 = (sine(rate_hz=rate, seconds=6.0)[:, 0] for rate in (16000, 44100))
    low, high = vgg.tag(t16, 16000, top=None).scores, vgg.tag(t44, 44100, top=None).scores
    np.testing.assert_allclose(low, high, atol=5e-3)  # the resampler's filter
    with pytest.raises(ValueError, match="needs sample_rate"):
        vgg.tag(t44)


def test_essentia_1129_silence_has_finite_scores(vgg):
    result = vgg.tag(np.zeros(16000 * 6, np.float32), 16000, top=None)
    assert np.isfinite(result.scores).all()


def test_chirpity_47_a_silent_rest_has_finite_scores(vgg, tone):
    just_over = np.concatenate([tone[:, 0], np.zeros(32, np.float32)])
    for tail in ("anchor", "pad"):
        assert np.isfinite(vgg.taggram(just_over, 16000, tail=tail).scores).all()


def test_soundnet_2_a_short_track_is_tagged_with_a_note(vgg, tone):
    result = vgg.tag(tone[:1600, 0], 16000)
    assert result.tags and "shorter than the model's chunk" in result.notes[0]


def test_librosa_915_a_transposed_array_is_rejected(vgg, tone):
    stereo = np.repeat(tone, 2, axis=1)
    with pytest.raises(AudioError, match=r"Is it \(samples, channels\)\? Pass array\.T"):
        vgg.tag(stereo, 16000)
    assert vgg.tag(stereo.T, 16000).tags


@pytest.mark.parametrize("codec, container", [("libmp3lame", "mp3"), ("flac", "flac")])
def test_convertx_601_a_cover_is_ignored(codec, container, tmp_path):
    samples = sine(seconds=3.0)
    file = tmp_path / f"cover.{container}"
    file.write_bytes(encode(samples, codec, container, cover=True))
    assert close(read(file, 44100).samples, samples[:, 0], 0.99)


def test_quodlibet_2074_companion_files_of_macos_are_ignored(tmp_path):
    for tag in ("rock", "jazz"):
        (tmp_path / tag).mkdir()
        for number in range(6):
            (tmp_path / tag / f"{number}.mp3").write_bytes(f"{tag}{number}".encode())
            (tmp_path / tag / f"._{number}.mp3").write_bytes(b"\0\5\x16\7")
    assert len(folder.manifest(tmp_path).tracks) == 12


def test_pi_mp3_player_1_brackets_in_names_are_allowed(tmp_path, tone):
    for tag in ("rock [live]", "jazz*"):
        (tmp_path / tag).mkdir()
        for number in range(6):
            (tmp_path / tag / f"song [{number}] #1 100%.wav").write_bytes(
                wav_of(tone * (number + len(tag)) / 20, 16000)
            )
    manifest = folder.manifest(tmp_path)
    assert list(manifest.vocabulary) == ["jazz*", "rock [live]"] and len(manifest.tracks) == 12
    assert len(read(manifest.file(manifest.tracks[0]), 16000).samples) == len(tone)


def test_audioworks_34_a_wrong_ending_does_not_matter(tmp_path):
    samples = sine(seconds=3.0)
    for name, content in {"a.wav": encode(samples, "libmp3lame", "mp3"), "b.mp3": wav_of(samples)}.items():
        (tmp_path / name).write_bytes(content)
        assert close(read(tmp_path / name, 44100).samples, samples[:, 0], 0.99)


def test_pydub_129_extensible_wav_of_24_bits_is_read(tmp_path):
    samples = sine(seconds=1.0)
    plain = wav_of(samples, dtype="i3")
    guid = b"\1\0\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71"
    form = struct.pack("<H", 0xFFFE) + plain[22:36] + struct.pack("<HHI", 22, 24, 4) + guid
    chunks = b"fmt " + struct.pack("<I", len(form)) + form + plain[36:]
    (tmp_path / "x.wav").write_bytes(b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks)
    # 24 bits round by 6e-8, float32 by as much again
    np.testing.assert_allclose(read(tmp_path / "x.wav", 44100).samples, samples[:, 0], atol=2e-7)


def test_audioread_38_bytes_of_8_bit_wav_are_unsigned(tmp_path):
    samples = sine(seconds=1.0)
    (tmp_path / "x.wav").write_bytes(wav_of(samples, dtype="u1"))
    np.testing.assert_allclose(read(tmp_path / "x.wav", 44100).samples, samples[:, 0], atol=0.01)  # 1 / 128, rounded


def test_supercollider_3137_mp3_inside_a_wav_is_read(tmp_path):
    samples = sine(seconds=3.0)
    (tmp_path / "x.wav").write_bytes(encode(samples, "libmp3lame", "wav"))
    assert (tmp_path / "x.wav").read_bytes()[20] == 0x55  # MPEG layer 3, in a RIFF
    assert close(read(tmp_path / "x.wav", 44100).samples, samples[:, 0], 0.9)  # 25 ms late: no header states the delay
