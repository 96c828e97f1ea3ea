"""SavedModels, loaded by tf.saved_model.load: each signature returns what the tagger returns."""

import io
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

import keras_musictag as kmt
from keras_musictag.runtimes import read_artefact
from keras_musictag.runtimes.export_folder import complete_folder
from keras_musictag.runtimes.formats._savedmodel_signatures import BATCHED
from keras_musictag.runtimes.formats._savedmodel_wav import RATES_HZ
from keras_musictag.runtimes.formats.savedmodel import PRECISIONS, open_model, write
from tests.runtimes.serving_export import clip, clip_at, exported, loaded, tagger, wav
from tests.runtimes.test_example import check_tags

NETWORKS = ["musicnn", "crnn"]  # with context around a track, and without


def call(signature: str, network: str = "musicnn", **inputs) -> dict[str, np.ndarray]:
    given = {name: tf.constant(value) for name, value in inputs.items()}
    return {name: value.numpy() for name, value in loaded(network).signatures[signature](**given).items()}


def chunks(network: str = "musicnn") -> np.ndarray:
    size = tagger(network).spec.chunking.chunk_samples
    return np.stack([clip()[i * 40_000 :][:size] for i in range(5)])


@pytest.mark.parametrize("network", NETWORKS)
def test_scores_and_embeddings_are_the_taggers(network):
    scores, embedding = tagger(network).runner(), tagger(network).runner(tagger(network).embedding_layer)
    waveform = chunks(network)
    # another implementation of the STFT: float32 round-off
    found = call("serving_default", network, waveform=waveform)["scores"]
    np.testing.assert_allclose(found, scores(waveform), rtol=0, atol=1e-5)
    found = call("embed", network, waveform=waveform)["embedding"]
    np.testing.assert_allclose(found, embedding(waveform), rtol=0, atol=1e-3)


# the last: NaN is not above a peak, and not below it either
@pytest.mark.parametrize("wrong", [3000, -10.01, np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("signature, output", [("serving_default", "scores"), ("embed", "embedding")])
def test_a_row_that_is_no_audio_is_nan_and_harms_no_other(signature, output, wrong):
    waveform = chunks()
    expected = call(signature, waveform=waveform)[output]
    waveform[1, 700] = wrong
    waveform[3, 0] = 10.0  # the highest peak that `Tagger.tag` accepts
    found = call(signature, waveform=waveform)[output]
    assert np.isnan(found).all(axis=1).tolist() == [False, True, False, False, False]
    np.testing.assert_allclose(found[[0, 2, 4]], expected[[0, 2, 4]], rtol=0, atol=1e-6)
    assert np.isfinite(found[3]).all()


CASES = [("musicnn", seconds) for seconds in (0.01, 2.9, 2.99, 3, 6.5, 29)]
CASES += [("crnn", seconds) for seconds in (0.01, 4, 4.01, 29)]


@pytest.mark.parametrize("network, seconds", CASES)
def test_a_taggram_is_the_taggers(network, seconds):
    waveform = clip_at(16000, seconds)
    expected = tagger(network).taggram(waveform, 16000)
    found = call("taggram", network, waveform=waveform)
    np.testing.assert_array_equal(found["start_seconds"], expected.start_seconds)
    np.testing.assert_array_equal(found["end_seconds"], expected.end_seconds)
    np.testing.assert_allclose(found["scores"], expected.scores, rtol=0, atol=1e-5)


# Above 16 kHz, the filters differ by round-off and in the transition band, which contains little music. Below, bands
# above the file's own Nyquist frequency contain what a filter leaves, 100 dB down, which the logarithm shows.
TOLERANCES = {8000: 2e-3, 11025: 1e-3, 12000: 1e-3, 16000: 1e-5, 22050: 1e-4, 24000: 1e-5}
TOLERANCES |= {32000: 1e-5, 44100: 1e-4, 48000: 1e-5, 88200: 1e-4, 96000: 1e-5}


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_a_wav_file_gets_the_taggers_scores(rate_hz):
    samples = clip_at(rate_hz, 10)
    stereo = wav(np.stack([samples, 0.5 * samples], axis=1), rate_hz)
    found = call("wav_bytes", wav_bytes=[stereo])["scores"]
    expected = tagger("musicnn").tag(io.BytesIO(stereo), top=None).scores
    np.testing.assert_allclose(found, [expected], rtol=0, atol=TOLERANCES[rate_hz])


def test_wav_files_of_a_batch_may_differ():
    files = [
        wav(clip_at(44100, 7), 44100),
        wav(clip_at(16000, 0.5), 16000),
        wav(np.stack([clip_at(22050, 12)] * 2, axis=1), 22050),
    ]
    for network in NETWORKS:
        apart = [call("wav_bytes", network, wav_bytes=[file])["scores"][0] for file in files]
        together = call("wav_bytes", network, wav_bytes=files)["scores"]
        np.testing.assert_allclose(together, apart, rtol=0, atol=1e-6)
        expected = [tagger(network).tag(io.BytesIO(file), top=None).scores for file in files]
        np.testing.assert_allclose(together, expected, rtol=0, atol=1e-4)  # as above at 22,050 and 44,100 Hz


def test_the_error_of_a_wav_file_says_which_of_the_batch_it_is():
    good, bad = (wav(np.zeros(1000), 16000, subtype) for subtype in ("PCM_16", "PCM_24"))
    with pytest.raises(tf.errors.InvalidArgumentError, match="File 2: A WAV file must hold 16-bit PCM"):
        call("wav_bytes", wav_bytes=[good, good, bad, good])


@pytest.mark.parametrize(
    ("waveform", "message"),
    [([], "at least one sample"), ([0, np.nan], "finite"), ([np.inf], "finite"), ([0, -3000], r"\[-1, 1\].*3000")],
)
def test_a_track_that_the_tagger_refuses_is_refused(waveform, message):
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        call("taggram", waveform=np.array(waveform, np.float32))
    with pytest.raises(ValueError):
        tagger("musicnn").tag(np.array(waveform, np.float32), 16000)


def test_the_tags_are_in_a_signature_and_in_the_assets():
    found, vocabulary = call("tags", group=""), tagger("musicnn").vocabulary
    assert [tag.decode() for tag in found["tags"]] == list(vocabulary)
    assert [group.decode() for group in found["groups"]] == list(vocabulary.groups)
    rows = (exported("musicnn") / "1" / "assets" / "tags.csv").read_text("utf-8").splitlines()
    assert rows[:2] == ["index,tag,group", f"0,guitar,{vocabulary.groups[0]}"]
    assert [row.split(",")[1] for row in rows[1:]] == list(vocabulary)


def test_the_tags_of_a_group_come_with_their_places():
    found, vocabulary = call("tags", group="mood"), tagger("musicnn").vocabulary
    assert [tag.decode() for tag in found["tags"]] == list(vocabulary.group("mood"))
    assert [vocabulary[i] for i in found["indices"]] == list(vocabulary.group("mood"))
    with pytest.raises(tf.errors.InvalidArgumentError, match="Unknown group of tags. Known groups: instrument.*mod"):
        call("tags", group="mod")


def test_all_of_a_batched_signature_has_the_batch_axis_first():
    for name in BATCHED:
        signature = loaded("musicnn").signatures[name]
        specs = [*signature.structured_input_signature[1].values(), *signature.structured_outputs.values()]
        assert len(specs) == 2 and all(spec.shape.rank > 0 and spec.shape[0] is None for spec in specs)
        assert specs[1].shape[1] == (200 if name == "embed" else 50)
    assert loaded("musicnn").signatures.keys() == {*BATCHED, "taggram", "tags"}


APART = """
import runpy, sys
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
sys.argv = sys.argv[4:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def test_it_and_its_example_run_without_keras_and_this_package(tmp_path):
    waveform, folder = chunks(), tmp_path / "musicnn"
    np.save(tmp_path / "chunks.npy", waveform)
    shutil.copytree(exported("musicnn"), folder)
    settings(tagger("musicnn"), folder)
    files = [str(path) for path in (folder / "1", tmp_path / "chunks.npy", tmp_path / "scores.npz")]
    files += [str(folder / "example.py"), str(kmt.demo_clip())]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-c", APART, *files]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    check_tags(tagger("musicnn"), done.stdout)
    found = np.load(files[2])
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
    write(tagger("musicnn"), tmp_path, precision, "waveform")
    run = open_model(tmp_path, settings(tagger("musicnn"), tmp_path, precision))
    found = run(chunks())
    differences = abs(found["scores"] - tagger("musicnn").runner()(chunks()))
    assert 1e-5 < differences.max() < PRECISIONS[precision]  # more than float32's: the precision is used
    assert found["scores"].dtype == found["embedding"].dtype == np.float32


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Version 1, which `artefact.json` describes, and a copied folder of another model."""
    path = tmp_path_factory.mktemp("exports") / "crnn"
    shutil.copytree(exported("crnn"), path)
    settings(tagger("crnn"), path)
    shutil.copytree(exported("musicnn") / "1", path / "10")
    return path


def test_the_engine_runs_the_version_that_the_artefact_names(folder):
    outputs = open_model(folder, read_artefact(folder))(chunks("crnn"))
    assert {name: array.shape[1:] for name, array in outputs.items()} == read_artefact(folder).outputs
    for name, layer in (("scores", None), ("embedding", tagger("crnn").embedding_layer)):
        expected = tagger("crnn").runner(layer)(chunks("crnn"))
        np.testing.assert_allclose(outputs[name], expected, rtol=0, atol=1e-5)
    with pytest.raises(ValueError, match=r"`threads` cannot be set. Received: 63"):  # TensorFlow has already run
        open_model(folder, read_artefact(folder), threads=63)


def test_what_the_engine_runs_is_what_a_server_runs(folder):
    waveform = chunks("crnn")
    waveform[1, 0] = np.nan
    outputs = open_model(folder, read_artefact(folder))(waveform)
    for array in outputs.values():
        assert np.isnan(array).all(axis=1).tolist() == [False, True, False, False, False]


THREADS = """
import os, sys
sys.modules["keras"] = None  # which TensorFlow would load, half of its start
from pathlib import Path
import numpy as np
import tensorflow  # once for all numbers: it has one for a process, and what has not run survives a fork
from keras_musictag.runtimes.artefact import read_artefact
from keras_musictag.runtimes.formats.savedmodel import open_model

artefact = read_artefact(Path(sys.argv[1]))
for threads in map(int, sys.argv[2:]):
    if os.fork() == 0:
        for _ in range(2):  # the second finds the number that it wants
            run = open_model(Path(sys.argv[1]), artefact, threads=threads)
            scores = run(np.zeros((2, *artefact.input_shape)))["scores"]
        print(*scores.shape, len([*Path("/proc/self/task").iterdir()]), flush=True)
        os._exit(0)
    os.wait()
"""


@pytest.mark.needs("linux")  # which lists threads
def test_the_engine_uses_the_threads_it_is_given(folder):
    done = subprocess.run([sys.executable, "-c", THREADS, folder, "2", "7"], capture_output=True, text=True)
    lines = [line.split() for line in done.stdout.splitlines()]
    assert [line[:2] for line in lines] == [["2", "20"]] * 2, done.stderr
    assert int(lines[1][2]) - int(lines[0][2]) == 5
