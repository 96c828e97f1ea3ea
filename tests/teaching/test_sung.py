"""The synthetic singer: pitch, vowels, and the clips."""

from dataclasses import replace
from random import Random

import numpy as np
import pytest

from keras_musictag.audio import read
from keras_musictag.gmtag.midi import Note
from scripts.teaching import sung as part
from scripts.teaching.recording import rms
from scripts.teaching.styles import STYLES
from scripts.teaching.voice import RANGES, Singer, draw_singer, sung

RATE_HZ = 16000
PLAIN = Singer("tenor", 5.0, 0.0, 0.03, 0.001, 0.0, 1.0, syllables=False)
A_NOTE = [Note(0, 52, 57, 100, 0.0, 2.0)]  # 220 Hz


def spectrum(samples):
    return np.abs(np.fft.rfft(samples * np.hanning(len(samples)))), np.fft.rfftfreq(len(samples), 1 / RATE_HZ)


def test_a_voice_holds_its_pitch_with_harmonics_only():
    heights, hertz = spectrum(sung(Random(0), A_NOTE, PLAIN, 2.0)[RATE_HZ // 2 :])
    low = hertz < 2500  # the pitch trembles by half a percent: higher harmonics are blurred
    near = np.abs(hertz[low] / 220 - np.rint(hertz[low] / 220)) < 0.2
    assert np.sum(heights[low][near] ** 2) > 20 * np.sum(heights[low][~near] ** 2)
    first = heights[(hertz > 200) & (hertz < 240)]
    assert hertz[(hertz > 200) & (hertz < 240)][first.argmax()] == pytest.approx(220, rel=0.008)  # the pitch trembles


def test_notes_follow_each_other_with_silence_in_rests():
    notes = [Note(0, 52, 57, 100, 0.0, 1.0), Note(0, 52, 64, 100, 2.0, 3.0)]
    samples = sung(Random(0), notes, PLAIN, 3.0)
    assert rms(samples[int(1.2 * RATE_HZ) : int(1.8 * RATE_HZ)]) < 1e-3 * rms(samples)
    heights, hertz = spectrum(samples[int(2.3 * RATE_HZ) :])
    assert hertz[heights[hertz < 400].argmax()] == pytest.approx(329.6, rel=0.02)


def test_vibrato_moves_the_pitch():
    def width(singer):
        heights, hertz = spectrum(sung(Random(0), A_NOTE, singer, 2.0)[RATE_HZ:])
        near = (hertz > 180) & (hertz < 260)
        share = heights[near] ** 2 / np.sum(heights[near] ** 2)
        centre = np.sum(share * hertz[near])
        return np.sqrt(np.sum(share * (hertz[near] - centre) ** 2))

    assert width(replace(PLAIN, vibrato_cents=100.0)) > 2 * width(PLAIN)


def test_consonants_hiss_before_notes():
    notes = [Note(0, 52, 57, 100, 0.5 * n, 0.5 * n + 0.3) for n in range(1, 12)]
    quiet = sung(Random(1), notes, PLAIN, 6.0)
    hissing = sung(Random(1), notes, replace(PLAIN, syllables=True), 6.0)

    def between(samples):  # the last 0.1 s before each note
        return rms(
            np.concatenate([samples[int((0.5 * n - 0.1) * RATE_HZ) : int(0.5 * n * RATE_HZ)] for n in range(1, 12)])
        )

    assert between(hissing) > 5 * between(quiet)


@pytest.mark.parametrize("voice", RANGES)
def test_every_voice_is_finite_and_repeatable(voice):
    notes = [Note(0, 52, pitch, 90, 0.4 * n, 0.4 * n + 0.4) for n, pitch in enumerate(RANGES[voice])]
    first, again = (sung(Random(5), notes, draw_singer(Random(6), voice), 1.0) for _ in range(2))
    assert np.array_equal(first, again)
    assert np.isfinite(first).all()
    assert rms(first) > 0.01


def test_songs_have_unique_names():
    songs = part.items(1.0)
    assert len({song.name for song in songs}) == len(songs)
    assert {song.kind for song in songs} == {*RANGES, *STYLES}


def test_a_choir_is_audible(tmp_path):
    song = part.Song("choir", 0)
    part.make(tmp_path, song)
    audio = read(tmp_path / "sung" / "choir_00.flac")
    assert part.SHORTEST_SECONDS <= audio.duration_seconds <= part.LONGEST_SECONDS
    assert rms(audio.samples) > 0.01


@pytest.mark.needs("fluidsynth", "soundfonts")
def test_a_voice_is_audible_over_its_accompaniment(tmp_path):
    part.make(tmp_path, part.Song("pop", 0))
    samples = read(tmp_path / "sung" / "with_pop_00.flac").samples
    assert rms(samples) > 0.01
    assert np.abs(samples).max() < 0.96
