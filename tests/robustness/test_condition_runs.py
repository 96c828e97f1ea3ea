import json
import shutil

import numpy as np
import pytest

from keras_musictag.errors import DatasetError
from keras_musictag.evaluation import Resampling, predict, read_run
from keras_musictag.robustness import CONDITIONS, measure_robustness
from keras_musictag.robustness.condition_runs import name_taggers
from keras_musictag.zoo import build
from tests.robustness.conftest import FEW

SOME = ("original", "noise_0.4", "gain_up_12")
SETTINGS = {"chunks": 2, "resampling": FEW}


def content(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


class Progress:
    """Counts tracks, and stops the work after a given number."""

    def __init__(self, stop_after=None):
        self.calls, self.stop_after = [], stop_after

    def __call__(self, done, total):
        self.calls.append((done, total))
        if len(self.calls) == self.stop_after:
            raise KeyboardInterrupt


@pytest.fixture(scope="module")
def undisturbed(records, taggers, tmp_path_factory):
    out = tmp_path_factory.mktemp("undisturbed")
    progress = Progress()
    measure_robustness(taggers, records.folder, out, SOME, progress=progress, **SETTINGS)
    return out, progress


@pytest.fixture
def copied(undisturbed, tmp_path):
    return shutil.copytree(undisturbed[0], tmp_path / "out")


def test_each_run_has_the_scores_of_the_deformed_test_part(records, taggers, undisturbed):
    for condition in SOME:
        run = read_run(undisturbed[0] / "second" / condition)
        expected = predict(taggers["second"], records, "test", chunks=2, deform=CONDITIONS[condition].deform(0))
        np.testing.assert_array_equal(run.predictions.chunk_scores, expected.chunk_scores)
        assert run.predictions.model == "second"
        assert run.predictions.source.deformation == ("" if condition == "original" else condition)
    clean, noisy, loud = (read_run(undisturbed[0] / "second" / condition).predictions.scores for condition in SOME)
    assert not np.array_equal(clean, noisy) and not np.array_equal(clean, loud)


def test_thresholds_come_from_undeformed_validation_tracks(records, taggers, undisturbed):
    valid = predict(taggers["first"], records, "valid", chunks=2)
    for condition in SOME:
        with np.load(undisturbed[0] / "first" / condition / "valid.npz") as arrays:
            np.testing.assert_array_equal(arrays["scores"], valid.scores)
        assert read_run(undisturbed[0] / "first" / condition).report.valid_tracks == 4


def test_validation_tracks_are_scored_once_per_model(undisturbed):
    tracks = 2 * (4 + len(SOME) * 4)
    assert undisturbed[1].calls == [(done, tracks) for done in range(1, tracks + 1)]


def test_facts_state_what_the_scores_depend_on(undisturbed):
    facts = json.loads((undisturbed[0] / "first" / "noise_0.4" / "report.json").read_text())["facts"]
    assert facts["deformation_settings"] == "white_noise, rate=0.4"
    assert (facts["deformation_version"], facts["deformation_seed"], facts["chunks_per_track"]) == (1, 0, 2)
    assert len(facts["network"]) == 64 and "chunks_per_second" not in facts


@pytest.mark.slow
# at the end of a model's validation part, within the first model's noise, within the second model's
@pytest.mark.parametrize("stop_after", [4, 14, 27])
def test_an_interrupted_call_resumes_to_the_same_files(records, taggers, undisturbed, tmp_path, stop_after):
    with pytest.raises(KeyboardInterrupt):
        measure_robustness(taggers, records.folder, tmp_path, SOME, progress=Progress(stop_after), **SETTINGS)
    progress = Progress()
    measure_robustness(taggers, records.folder, tmp_path, SOME, progress=progress, **SETTINGS)
    assert len(progress.calls) == len(undisturbed[1].calls) - stop_after  # no track is processed twice
    assert content(tmp_path) == content(undisturbed[0])


def test_finished_results_are_kept_and_missing_ones_added(records, taggers, copied):
    before = content(copied)
    progress = Progress()
    measure_robustness(taggers, records.folder, copied, (*SOME, "drc_music"), progress=progress, **SETTINGS)
    assert [done for done, _ in progress.calls] == list(range(1, 2 * 4 + 4 + 4 + 1))[-len(progress.calls) :]
    after = content(copied)
    assert {name: after[name] for name in before} == before
    assert {name.split("/")[1] for name in after.keys() - before.keys()} == {"drc_music"}


def test_deleted_validation_scores_are_computed_again(records, taggers, copied):
    before = content(copied)
    shutil.rmtree(copied / "first" / "noise_0.4")
    (copied / "first" / "valid.npz").unlink()
    measure_robustness(taggers, records.folder, copied, SOME, **SETTINGS)
    assert content(copied) == before


@pytest.mark.slow
def test_other_intervals_come_from_the_saved_predictions(records, taggers, copied):
    progress = Progress()
    more = Resampling(resamples=30)
    measure_robustness(taggers, records.folder, copied, SOME, chunks=2, resampling=more, progress=progress)
    assert not progress.calls
    run = read_run(copied / "first" / "noise_0.4")
    assert run.report.resampling == more and run.report.valid_tracks == 4


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": 1}, "deformation_seed is 0; now it would be 1"),
        ({"chunks": 3}, "chunks_per_track is 2; now it would be 3"),
    ],
)
def test_results_with_other_settings_are_refused(records, taggers, copied, change, message):
    before = content(copied)
    with pytest.raises(ValueError, match=f"with other settings: its {message}. Choose another folder"):
        measure_robustness(taggers, records.folder, copied, SOME, **{**SETTINGS, **change})
    assert content(copied) == before


def test_results_of_other_weights_are_refused(records, taggers, copied):
    with pytest.raises(ValueError, match="with other settings: its network is"):
        measure_robustness({"first": taggers["second"]}, records.folder, copied, SOME, **SETTINGS)


@pytest.mark.slow
def test_a_half_finished_other_result_is_not_resumed(records, taggers, undisturbed, tmp_path):
    with pytest.raises(KeyboardInterrupt):  # two tracks with noise of another seed
        measure_robustness(
            taggers, records.folder, tmp_path, ("noise_0.4",), seed=1, progress=Progress(4 + 4 + 4 + 2), **SETTINGS
        )
    assert list((tmp_path / "first").glob("*/.*.partial.npz"))
    measure_robustness(taggers, records.folder, tmp_path, ("noise_0.4",), **SETTINGS)
    whole = content(undisturbed[0])
    assert content(tmp_path) == {name: data for name, data in whole.items() if "gain_up_12" not in name}


def test_a_damaged_result_is_reported_with_what_to_delete(records, taggers, copied):
    path = copied / "first" / "noise_0.4" / "report.json"
    path.write_text(path.read_text()[:100])
    with pytest.raises(ValueError, match="cannot be read.*To do so, delete '.*noise_0.4' and run the same command"):
        measure_robustness(taggers, records.folder, copied, SOME, **SETTINGS)


def test_other_tags_are_refused_before_any_track_is_scored(records, taggers, tmp_path):
    other = build("vgg", tags=["loud", "soft"])
    progress = Progress()
    with pytest.raises(DatasetError, match="must have the same tags"):
        measure_robustness({**taggers, "other": other}, records.folder, tmp_path, SOME, progress=progress, **SETTINGS)
    assert len(progress.calls) == 2 * 4


@pytest.mark.parametrize("name", ["", ".hidden", "a/b", "a\\b", "a\nb"])
def test_a_name_that_is_not_a_folder_name_is_refused(records, taggers, tmp_path, name):
    with pytest.raises(ValueError, match="must be a valid folder name"):
        measure_robustness({name: taggers["first"]}, records.folder, tmp_path, **SETTINGS)
    assert not content(tmp_path)


def test_models_need_different_names(taggers):
    first, second = taggers.values()
    assert list(name_taggers([first, second])) == ["first", "second"]
    assert list(name_taggers([first, first], ["a", "b"])) == ["a", "b"]
    with pytest.raises(ValueError, match="Two models are called 'first'"):
        name_taggers([first, first])
    with pytest.raises(ValueError, match="one name per model, or none. Received: 1 for 2 models"):
        name_taggers([first, second], ["a"])
