"""Running a network on a track; the network is one line of NumPy."""

import gzip
import io
import warnings
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from keras_musictag.audio import Chunking
from keras_musictag.tagger.track import run_track, warn_of_notes
from tests.audio.audio_files import wav_of

CHUNKING = Chunking(sample_rate_hz=16000, chunk_samples=16000, hop_samples=16000, context_samples=10)
SONG = np.linspace(-0.5, 0.5, 40000, dtype=np.float32)


def means(batch):
    return batch.mean(axis=1, keepdims=True)


def run(audio=SONG, sample_rate=16000, **settings):
    return run_track(means, CHUNKING, audio, sample_rate, **settings)


@pytest.mark.parametrize(
    "audio", [["a.mp3", "b.mp3"], [Path("a.mp3")], ("a.mp3",), b"RIFF", bytearray(b"RIFF"), None, 3, 0.5, {}, object()]
)
@pytest.mark.parametrize("sample_rate", [None, 16000])
def test_what_is_not_a_track_is_a_type_error(audio, sample_rate):
    kind = type(audio).__name__
    with pytest.raises(TypeError, match=rf"a path, a binary file .* one track at a time\. Received: {kind}\.$"):
        run(audio, sample_rate)


def test_an_array_without_its_sample_rate_says_what_to_write():
    for audio in (SONG, SONG.tolist(), [SONG[:100], SONG[:100]]):
        with pytest.raises(ValueError, match="sample_rate=44100"):
            run(audio, None)


@pytest.mark.parametrize("hop_seconds", ["1", [1], True, 1j, b"1"])
def test_a_hop_that_is_not_a_number_is_named(hop_seconds):
    with pytest.raises(TypeError, match="`hop_seconds` must be a number of seconds"):
        run(hop_seconds=hop_seconds)


@pytest.mark.parametrize("hop_seconds", [0, -1, 0.5 / 16000, float("nan"), float("inf"), -float("inf"), 1e308])
def test_a_hop_that_is_not_a_length_is_named(hop_seconds):
    with pytest.raises(ValueError, match="`hop_seconds` must be"):
        run(hop_seconds=hop_seconds)


@pytest.mark.parametrize("hop_seconds", [0.5, Fraction(1, 2), np.float32(0.5), np.float64(0.5)])
def test_a_hop_of_any_number_type_changes_only_the_hop(hop_seconds):
    outputs, spans, _ = run(hop_seconds=hop_seconds)
    context_seconds = 10 / 16000
    np.testing.assert_allclose(np.diff(spans[1:4, 0]), 0.5)  # the first chunk begins in the context
    assert spans[1].tolist() == [0.5 - context_seconds, 1.5 - context_seconds]
    assert len(outputs) == len(spans)


def test_a_short_track_keeps_its_facts_and_gets_a_note():
    _, _, facts = run(SONG[:100], 8000)
    assert (facts.name, facts.duration_seconds, facts.bad_packets) == ("", 100 / 8000, 0)
    assert len(facts.notes) == 1 and "shorter than the model's chunk" in facts.notes[0]


def test_the_name_of_a_file_object_is_the_track_s():
    import wave

    file = io.BytesIO()
    with wave.open(file, "wb") as wav:
        wav.setparams((1, 2, 16000, 0, "NONE", ""))
        wav.writeframes(bytes(2 * 20000))
    file.name = "standard input"
    assert run(file, None)[2].name == "standard input"


def opposite(seconds=4.0):
    tone = 0.5 * np.sin(np.arange(int(16000 * seconds)) / 20).astype(np.float32)
    return np.stack([tone, -tone])


def test_channels_that_cancel_are_used_alone():
    samples = opposite()
    expected, _, _ = run(samples[0])
    data = wav_of(samples.T, 16000, "f4")
    for audio in (samples, io.BytesIO(data), gzip.open(io.BytesIO(gzip.compress(data)))):
        outputs, _, facts = run(audio, 16000 if audio is samples else None)
        np.testing.assert_array_equal(outputs, expected)
        assert len(facts.notes) == 1 and "Channel 1, the loudest, was used alone" in facts.notes[0]


def test_notes_are_warnings_where_only_outputs_are_returned():
    result = run(np.zeros(64000))
    with pytest.warns(UserWarning, match="^The track is silent"):
        assert warn_of_notes(result) is result[0]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_notes(run(opposite()[0]))
