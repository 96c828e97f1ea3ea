"""The real FluidSynth, with the soundfont that loads in a tenth of a second."""

import hashlib
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from keras_musictag.errors import DatasetError
from keras_musictag.gmtag.rendering import CLIP_SAMPLES, at_loudness, render
from keras_musictag.gmtag.sound import SOUNDFONTS, UNSEEN_SOUNDFONT, Sound
from tests.gmtag.hand_made import music, note

ROOT = Path(__file__).parents[2]
DRY = Sound(UNSEEN_SOUNDFONT, 1.0, False, 0.5, 0.0, False, -20.0)
A_NOTE = (note(19, 4, 12, pitch=69),)  # an organ's A: 440 Hz, from second 3 to second 11 of the clip


def loudness_db(pcm) -> float:
    return 10 * np.log10(np.mean((pcm / 32768.0) ** 2))


@pytest.fixture(scope="module")
def played(installation):
    return render(music(*A_NOTE, note(0, 40, 41)), DRY, installation)


@pytest.mark.needs("fluidsynth", "soundfonts")
def test_a_clip_has_its_length_and_its_loudness(played):
    assert played.shape == (CLIP_SAMPLES,) == (465600,)
    assert played.dtype == np.int16
    assert loudness_db(played) == pytest.approx(-20, abs=0.01)


@pytest.mark.needs("fluidsynth", "soundfonts")
def test_a_note_sounds_at_its_time_and_pitch(played):
    assert np.abs(played[: int(2.99 * 16000)]).max() <= 2
    assert np.abs(played[int(3.2 * 16000) :][:1600]).max() > 1000
    assert np.abs(played[13 * 16000 :]).max() <= 2
    spectrum = np.abs(np.fft.rfft(played[4 * 16000 : 6 * 16000]))
    peaks = np.flatnonzero(spectrum > 0.2 * spectrum.max()) / 2 / 220  # an organ has pipes of an octave below, too
    assert np.abs(peaks - np.rint(peaks)).max() < 0.03


@pytest.mark.needs("fluidsynth", "soundfonts")
def test_a_clip_does_not_depend_on_the_clip_before(installation, played):
    wet = replace(DRY, reverb=True, reverb_level=0.4, chorus=True)
    first = render(music(*A_NOTE), wet, installation)
    assert not np.array_equal(first, played)  # the reverb and the chorus are audible
    render(music(note(40, 1, 30)), wet, installation)
    assert np.array_equal(render(music(*A_NOTE), wet, installation), first)


@pytest.mark.needs("fluidsynth", "soundfonts")
def test_another_process_renders_the_same_without_output_under_ci(played):
    program = (
        "import hashlib; from tests.gmtag.test_rendering import *;"
        "from keras_musictag.gmtag import Installation;"
        "pcm = render(music(*A_NOTE, note(0, 40, 41)), DRY, Installation());"
        "print(hashlib.sha256(pcm.tobytes()).hexdigest())"
    )
    ci = {**os.environ, "CI": "true"}  # with it, pyfluidsynth prints the path of its library
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT, env=ci)
    assert done.stdout.strip() == hashlib.sha256(played.tobytes()).hexdigest()


@pytest.mark.needs("fluidsynth", "soundfonts")
@pytest.mark.slow
@pytest.mark.parametrize("soundfont", SOUNDFONTS)
def test_every_soundfont_plays_and_sounds_different(installation, played, soundfont):
    pcm = render(music(*A_NOTE, note(0, 40, 41)), replace(DRY, soundfont=soundfont), installation)
    assert loudness_db(pcm) == pytest.approx(-20, abs=0.01)
    assert np.array_equal(pcm, played) == (soundfont == UNSEEN_SOUNDFONT)


@pytest.mark.parametrize("target", [-24.0, -15.0])
def test_any_loudness_is_reached(target):
    samples = np.random.default_rng(0).normal(0, 0.01, 16000)
    assert loudness_db(at_loudness(samples, target)) == pytest.approx(target, abs=0.02)


def test_loudness_does_not_depend_on_the_gain_before():
    samples = np.random.default_rng(0).normal(0, 0.1, 16000)
    assert np.abs(at_loudness(samples, -20).astype(int) - at_loudness(samples / 8, -20)).max() <= 1


@pytest.mark.parametrize("level", [0.3, 0.5])  # their sums of squares need 64 and 65 bits
def test_a_loud_clip_of_whole_length_reaches_its_loudness(level):
    samples = level * np.resize([1.0, -1.0], CLIP_SAMPLES)
    assert loudness_db(at_loudness(samples, -20)) == pytest.approx(-20, abs=0.02)


def test_peaks_are_clipped_and_do_not_wrap():
    samples = np.full(16000, 1e-3)
    samples[::1000] = [1, -1] * 8
    pcm = at_loudness(samples, -15)
    assert (pcm.max(), pcm.min()) == (32112, -32112)  # 0.98 of full scale


@pytest.mark.needs("fluidsynth", "soundfonts")
def test_silence_is_an_error(installation):
    with pytest.raises(DatasetError, match="silent"):
        render(music(note(0, 40, 41)), DRY, installation)


@pytest.mark.needs("fluidsynth")
def test_an_invalid_soundfont_is_reported(installation, tmp_path):
    (tmp_path / "sf2").mkdir()
    (tmp_path / "sf2" / "TimGM6mb.sf2").write_bytes(b"no soundfont")
    with pytest.raises(DatasetError, match="cannot read the soundfont .*TimGM6mb.sf2"):
        render(music(*A_NOTE), DRY, replace(installation, sounds=tmp_path))
