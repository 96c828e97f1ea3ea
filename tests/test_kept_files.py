"""Files that an earlier version wrote still load, resume and compare; scripts/make_kept_files.py wrote them."""

import json
import shutil
import tarfile
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

import keras_musictag as kmt
from keras_musictag.evaluation import compare_runs, evaluate, read_run
from keras_musictag.records import Records, check_records
from keras_musictag.training import Recipe, train
from scripts.make_kept_files import CONFIG, FORMATS

KEPT = Path(__file__).parent / "kept"
DEMO_SCORES = np.load(KEPT / "demo_scores.npy")
# Another processor sums in another order: one and eight threads differed by 1e-6. The tolerance of float32 exports is
# 5e-4.
ROUND_OFF, EXPORT_TOLERANCE = 1e-5, 5e-4


@pytest.fixture
def writable(tmp_path):
    return shutil.copytree(KEPT, tmp_path / "kept")


def test_a_keras_file_gives_its_scores():
    scores = kmt.load(KEPT / "tagger.keras").taggram(kmt.demo_clip()).scores
    np.testing.assert_allclose(scores, DEMO_SCORES, atol=ROUND_OFF)


@pytest.mark.parametrize("format", FORMATS)
def test_an_exported_folder_gives_the_same_scores(format, tmp_path):
    folder = KEPT / format
    if not folder.is_dir():
        with tarfile.open(folder.with_suffix(".tar.xz")) as archive:
            archive.extractall(tmp_path, filter="data")
        folder = tmp_path / format
    scores = kmt.EngineTagger(folder).taggram(kmt.demo_clip()).scores
    np.testing.assert_allclose(scores, DEMO_SCORES, atol=EXPORT_TOLERANCE)


def test_records_are_valid(writable):
    assert check_records(writable / "records") == ()
    records = Records(writable / "records")
    assert [len(records.part(part)) for part in ("train", "valid", "test")] == [6, 2, 2]
    assert records.samples(records.part("test")[0]).shape == (16640,)


def test_a_stopped_run_resumes_to_the_same_weights(writable):
    recipe = Recipe.from_dict(json.loads((writable / "recipe.json").read_text()))
    options = {"config": CONFIG, "deterministic": True}
    train(writable / "records", writable / "stopped_run", "short_chunk_cnn", recipe, **options)
    found, wanted = load_file(writable / "stopped_run" / "best.safetensors"), load_file(KEPT / "finished.safetensors")
    assert found.keys() == wanted.keys()
    for key, array in wanted.items():  # Adam's first steps magnify round-off: its step size is 1e-3
        np.testing.assert_allclose(found[key], array, atol=2e-4, err_msg=key)


def test_a_report_can_be_compared_and_repeated(writable, tmp_path):
    run = read_run(writable / "evaluation")
    evaluate(kmt.load(KEPT / "tagger.keras"), writable / "records", tmp_path / "again", name="again")
    again = read_run(tmp_path / "again")
    np.testing.assert_allclose(again.predictions.scores, run.predictions.scores, atol=ROUND_OFF)
    assert len(compare_runs([run, again]).runs) == 2
