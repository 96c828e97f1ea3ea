"""The SavedModel of musicnn, by tf.saved_model.load: what each signature gives is what the tagger gives."""

import io
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

import keras_musictag as kmt
from keras_musictag.engines.artefact import read_artefact
from keras_musictag.engines.savedmodel import latest_version, open_model
from keras_musictag.exporting.folder import complete_folder
from keras_musictag.exporting.savedmodel import PRECISIONS, write
from keras_musictag.exporting.signatures import BATCHED
from keras_musictag.exporting.wav_graph import RATES_HZ
from tests.exporting.serving_export import clip, clip_at, exported, loaded, tagger, wav


def call(signature: str, **inputs) -> dict[str, np.ndarray]:
    given = {name: tf.constant(value) for name, value in inputs.items()}
    return {name: value.numpy() for name, value in loaded().signatures[signature](**given).items()}


def chunks() -> np.ndarray:
    size = tagger().spec.chunking.chunk_samples
    return np.stack([clip()[i * 40_000 :][:size] for i in range(5)])


def test_scores_and_embeddings_are_the_taggers():
    scores, embedding = tagger().runner(), tagger().runner(tagger().embedding_layer)
    # another implementation of the STFT: float32 round-off
    np.testing.assert_allclose(call("serving_default", waveform=chunks())["scores"], scores(chunks()), atol=1e-5)
    np.testing.assert_allclose(call("embed", waveform=chunks())["embedding"], embedding(chunks()), atol=1e-3)


@pytest.mark.parametrize("seconds", [0.01, 2.9, 2.99, 3, 6.5, 29])
def test_a_taggram_is_the_taggers(seconds):
    waveform = clip_at(16000, seconds)
    expected = tagger().taggram(waveform, 16000)
    found = call("taggram", waveform=waveform)
    np.testing.assert_array_equal(found["start_seconds"], expected.start_seconds)
    np.testing.assert_array_equal(found["end_seconds"], expected.end_seconds)
    np.testing.assert_allclose(found["scores"], expected.scores, rtol=0, atol=1e-5)


# Above 16 kHz the filters differ by round-off and in the transition, which holds little music. Below, the bands above
# the file's own Nyquist frequency hold what a filter leaves, 100 dB down, and the logarithm shows it.
TOLERANCES = {8000: 2e-3, 11025: 1e-3, 16000: 1e-5, 22050: 1e-4, 32000: 1e-5, 44100: 1e-4, 48000: 1e-5}


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_a_wav_file_gets_the_taggers_scores(rate_hz):
    samples = clip_at(rate_hz, 10)
    stereo = wav(np.stack([samples, 0.5 * samples], axis=1), rate_hz)
    found = call("wav_bytes", wav_bytes=[stereo])["scores"]
    expected = tagger().tag(io.BytesIO(stereo), top=None).scores
    np.testing.assert_allclose(found, [expected], rtol=0, atol=TOLERANCES[rate_hz])


def test_wav_files_of_a_batch_may_differ_in_length_rate_and_channels():
    files = [
        wav(clip_at(44100, 7), 44100),
        wav(clip_at(16000, 0.5), 16000),
        wav(np.stack([clip_at(22050, 12)] * 2, axis=1), 22050),
    ]
    apart = [call("wav_bytes", wav_bytes=[file])["scores"][0] for file in files]
    np.testing.assert_allclose(call("wav_bytes", wav_bytes=files)["scores"], apart, rtol=0, atol=1e-6)


SILENCE = np.zeros(1000)
REFUSED = {
    "another rate": (wav(SILENCE, 96000), "one of the sample rates 8000, 11025.*96000"),
    "24 bits": (wav(SILENCE, 16000, "PCM_24"), "16-bit WAV files, but received 24"),
    "8 bits": (wav(SILENCE, 16000, "PCM_U8"), "16-bit WAV files, but received 8"),
    "floats": (wav(SILENCE, 16000, "FLOAT"), "Bad audio format for WAV: Expected 1"),
    "an extensible header": (wav(SILENCE, 16000, form="WAVEX"), "Bad format chunk size"),
    "six channels": (wav(np.zeros((100, 6)), 16000), "mono or stereo.*6"),
    "no samples": (wav(np.zeros(0), 16000), "at least one sample"),
    "cut short": (wav(SILENCE, 16000)[:600], "Data too short"),
    "FLAC": (wav(SILENCE, 16000, form="FLAC"), "no WAV file"),
    "bytes that are no text": (b"\xff\xfb\x90", "no WAV file"),
    "nothing": (b"", "no WAV file"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_anything_else_is_an_error_that_says_so(kind):
    file, message = REFUSED[kind]
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        call("wav_bytes", wav_bytes=[wav(SILENCE, 16000), file])


@pytest.mark.parametrize(
    ("waveform", "message"),
    [([], "at least one sample"), ([0, np.nan], "finite"), ([np.inf], "finite"), ([0, -3000], r"\[-1, 1\].*3000")],
)
def test_a_track_that_the_tagger_refuses_is_refused(waveform, message):
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        call("taggram", waveform=np.array(waveform, np.float32))
    with pytest.raises(ValueError):
        tagger().tag(np.array(waveform, np.float32), 16000)


def test_the_tags_are_in_a_signature_and_in_the_assets():
    found = call("tags", group="")
    assert [tag.decode() for tag in found["tags"]] == list(tagger().vocabulary)
    assert [group.decode() for group in found["groups"]] == list(tagger().vocabulary.groups)
    rows = (exported() / "1" / "assets" / "tags.csv").read_text("utf-8").splitlines()
    assert rows[:2] == ["index,tag,group", f"0,guitar,{tagger().vocabulary.groups[0]}"]
    assert [row.split(",")[1] for row in rows[1:]] == list(tagger().vocabulary)


def test_the_tags_of_a_group_come_with_their_places():
    found = call("tags", group="mood")
    assert [tag.decode() for tag in found["tags"]] == list(tagger().vocabulary.group("mood"))
    assert [tagger().vocabulary[i] for i in found["indices"]] == list(tagger().vocabulary.group("mood"))
    with pytest.raises(tf.errors.InvalidArgumentError, match="no such group of tags. Known: instrument.*mod"):
        call("tags", group="mod")


def test_all_of_a_batched_signature_has_the_batch_axis_first():
    for name in BATCHED:
        signature = loaded().signatures[name]
        specs = [*signature.structured_input_signature[1].values(), *signature.structured_outputs.values()]
        assert len(specs) == 2 and all(spec.shape.rank > 0 and spec.shape[0] is None for spec in specs)
        assert specs[1].shape[1] == (200 if name == "embed" else 50)
    assert loaded().signatures.keys() == {*BATCHED, "taggram", "tags"}


APART = """
import sys
for name in ("keras", "keras_musictag", "kapre", "librosa", "tensorflow_serving"):
    sys.modules[name] = None  # as if it were not installed
import numpy as np
import tensorflow as tf
model = tf.saved_model.load(sys.argv[1])
waveform = np.load(sys.argv[2])
scores = {
    "serving_default": model.signatures["serving_default"](waveform=waveform)["scores"],
    "taggram": model.signatures["taggram"](waveform=waveform[0])["scores"],
}
np.savez(sys.argv[3], **scores)
assert sys.modules["keras"] is None
"""


def test_it_runs_where_neither_keras_nor_this_package_is_installed(tmp_path):
    waveform = chunks()
    np.save(tmp_path / "chunks.npy", waveform)
    files = [str(path) for path in (exported() / "1", tmp_path / "chunks.npy", tmp_path / "scores.npz")]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-c", APART, *files]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = np.load(files[-1])
    for name in found:
        wanted = call(name, waveform=waveform if name == "serving_default" else waveform[0])["scores"]
        np.testing.assert_allclose(found[name], wanted, rtol=0, atol=1e-6)


def settings(tagger, folder, precision="float32"):
    choices = {"format": "savedmodel", "precision": precision, "input": "waveform", "batch": None, "licences": None}
    complete_folder(tagger, folder, tolerance=PRECISIONS[precision], **choices)
    return read_artefact(folder)


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_lower_precisions_stay_within_their_tolerance(precision, tmp_path):
    write(tagger(), tmp_path, precision, "waveform")
    run = open_model(tmp_path, settings(tagger(), tmp_path, precision))
    found = run(chunks())
    differences = abs(found["scores"] - tagger().runner()(chunks()))
    assert 1e-5 < differences.max() < PRECISIONS[precision]  # more than float32's: the precision is used
    assert found["scores"].dtype == found["embedding"].dtype == np.float32


def test_the_engine_runs_the_newest_version(tmp_path):
    small = kmt.build("vgg", tags=["calm", "wild"])
    shutil.copytree(exported() / "1", tmp_path / "2")
    write(small, tmp_path, "float32", "waveform", version=10)
    artefact = settings(small, tmp_path)
    (tmp_path / "11").write_text("no folder")
    assert latest_version(tmp_path).name == "10"
    found = open_model(tmp_path, artefact)(chunks())
    np.testing.assert_allclose(found["scores"], small.runner()(chunks()), rtol=0, atol=1e-5)
    np.testing.assert_allclose(found["embedding"], small.runner(small.embedding_layer)(chunks()), rtol=0, atol=1e-4)
    with pytest.raises(ValueError, match=r"`threads` cannot be set. Received: 63"):  # TensorFlow runs already
        open_model(tmp_path, artefact, threads=63)


def test_a_folder_without_a_version_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="no version of a SavedModel"):
        latest_version(tmp_path)
