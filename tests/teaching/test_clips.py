"""How clips are named, drawn, levelled and recorded, and noises. No sound is rendered."""

import doctest
import importlib
from random import Random

import numpy as np
import pytest

from keras_musictag.audio import read
from keras_musictag.datasets.audio import LARGEST_ALBUM
from keras_musictag.gmtag import tier_parts
from scripts.teaching import ensembles, game_music, noises, other, solos, store, sung
from scripts.teaching.clips import at_level, make_clip
from scripts.teaching.recording import coloured, in_room, recorded, rms

RATE_HZ = 16000
RENDERED = (solos, ensembles, sung, other)


@pytest.mark.parametrize("part", RENDERED)
def test_clip_names_are_unique_and_a_share_is_a_beginning(part):
    clips = part.items(1.0)
    assert len({clip.name for clip in clips}) == len(clips)
    assert part.items(0.1) == clips[: len(part.items(0.1))]
    assert len(part.items(0.1)) == pytest.approx(len(clips) / 10, abs=1)


def test_prepare_audio_sees_no_album_in_a_rendered_part():
    pieces = sum(p.seconds / game_music.PIECE_SECONDS + p.tracks for p in game_music.packages())  # or fewer
    files = {part.PART: len(part.items(1.0)) for part in RENDERED}
    total = pieces + sum(files.values()) + tier_parts("full")["train"]
    assert min(files.values()) > LARGEST_ALBUM * total, files


def test_a_small_share_of_the_solos_covers_everything():
    found = solos.items(0.1)
    assert len({solo.program for solo in found}) > 80
    assert len({solo.kind for solo in found}) == 7
    assert len({solo.soundfont for solo in found}) == 3


def test_a_clip_is_repeatable_and_others_differ(tmp_path):
    def draw(rng):
        return np.array([rng.uniform(-1, 1) for _ in range(8000)])

    for out, name in (("a", "x"), ("b", "x"), ("b", "y")):
        make_clip(tmp_path / out, "solos", name, draw)
    same, again, other_name = (tmp_path / path for path in ("a/solos/x.flac", "b/solos/x.flac", "b/solos/y.flac"))
    assert same.read_bytes() == again.read_bytes()
    assert same.read_bytes() != other_name.read_bytes()


def test_a_silent_clip_is_drawn_again(tmp_path):
    tries = []

    def draw(rng):
        tries.append(rng.random())
        return np.full(4000, 0.1 if len(tries) == 3 else 0.0)

    make_clip(tmp_path, "solos", "x", draw)
    assert len(set(tries)) == 3
    assert read(tmp_path / "solos/x.flac").samples.mean() == pytest.approx(0.1, abs=1e-4)
    make_clip(tmp_path, "other", "silence", lambda rng: np.zeros(4000), may_be_silent=True)
    assert not read(tmp_path / "other/silence.flac").samples.any()


def test_flac_keeps_every_sample(tmp_path):
    pcm = np.random.default_rng(0).integers(-32768, 32768, 20001).astype(np.int16)
    store.write_flac(tmp_path / "a.flac", pcm)
    samples = read(tmp_path / "a.flac").samples
    assert np.array_equal(samples * 32768, pcm)
    store.write_flac(tmp_path / "b.flac", samples)
    assert np.array_equal(read(tmp_path / "b.flac").samples, samples)
    assert store.seconds_of(tmp_path / "a.flac") == pytest.approx(20001 / RATE_HZ, abs=1e-5)


def test_a_level_is_reached_but_peaks_are_never_clipped():
    tone = np.sin(np.arange(RATE_HZ) / 10)
    assert 20 * np.log10(rms(at_level(tone * 1e-3, -20.0))) == pytest.approx(-20, abs=1e-6)
    click = np.zeros(RATE_HZ)
    click[100] = 0.01
    assert np.abs(at_level(click, -14.0)).max() == pytest.approx(0.95)


@pytest.mark.parametrize(("exponent", "slope_db"), [(0, 0), (1, -3.01), (2, -6.02)])
def test_the_spectrum_of_noise_follows_its_colour(exponent, slope_db):
    power = np.abs(np.fft.rfft(coloured(np.random.default_rng(0), 1 << 18, exponent))) ** 2
    hertz = np.fft.rfftfreq(1 << 18, 1 / RATE_HZ)
    octave = [10 * np.log10(power[(hertz > low) & (hertz < 1.1 * low)].mean()) for low in (500, 1000)]
    assert octave[1] - octave[0] == pytest.approx(slope_db, abs=0.5)  # about 700 bins in each band


def test_a_room_is_heard_after_the_sound():
    click = np.zeros(RATE_HZ)
    click[1000] = 1.0
    wet = in_room(Random(0), click)
    assert wet.shape == click.shape
    assert not wet[:990].any() or np.abs(wet[:990]).max() < 1e-9  # rounding of the convolution
    assert rms(wet[1001:3000]) > 1e-3


def test_recordings_are_different_finite_and_equally_long():
    tone = 0.1 * np.sin(np.arange(2 * RATE_HZ) / 10)
    results = [recorded(Random(seed), tone) for seed in range(30)]
    assert all(result.shape == tone.shape and np.isfinite(result).all() for result in results)
    assert (
        0.15 < np.mean([np.array_equal(result, tone) for result in results]) < 0.75
    )  # 0.35, and chains that do nothing
    assert all(np.array_equal(recorded(Random(3), tone), results[3]) for _ in range(2))


@pytest.mark.parametrize("kind", noises.KINDS)
def test_noises_are_finite_and_only_silence_is_silent(kind):
    for seed in range(5):
        samples = noises.KINDS[kind](Random(seed), 3 * RATE_HZ)
        assert samples.shape == (3 * RATE_HZ,)
        assert np.isfinite(samples).all()
        assert (rms(samples) < 2e-4) == (kind == "silence")


@pytest.mark.parametrize("name", ["debian", "game_music", "phrases", "ranges"])
def test_docstring_examples_are_correct(name):
    result = doctest.testmod(importlib.import_module(f"scripts.teaching.{name}"))
    assert result.attempted
    assert not result.failed
