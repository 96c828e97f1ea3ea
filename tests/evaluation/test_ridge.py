import numpy as np
import pytest

from keras_musictag.evaluation import ridge_predictions
from keras_musictag.evaluation.ridge import statistics
from keras_musictag.metrics import roc_auc
from keras_musictag.records import prepare
from tests.records.make import make_manifest


def test_statistics_of_noise_are_those_of_its_level():
    noise = np.random.default_rng(0).normal(0, 0.1, 64000).astype(np.float32)
    quiet, loud = statistics(noise, 16000).reshape(5, 96), statistics(10 * noise, 16000).reshape(5, 96)
    np.testing.assert_allclose(loud[0] - quiet[0], 20, atol=1e-3)  # dB
    np.testing.assert_allclose(loud[1], quiet[1], atol=1e-3)


@pytest.mark.slow
def test_it_learns_a_tag_that_can_be_heard(tmp_path):
    """Tracks whose names begin with "1" contain noise that is ten times as loud; the others have the tag "calm"."""
    import dataclasses

    import soundfile

    manifest = make_manifest(tmp_path / "audio", num_tracks=40, seconds=1.0)
    tracks = []
    for index, track in enumerate(manifest.tracks):
        calm = index % 2 == 0
        noise = np.random.default_rng(index).normal(0, 0.01 if calm else 0.1, 16000)
        soundfile.write(tmp_path / "audio" / track.path, noise, 16000)
        tracks.append(dataclasses.replace(track, tags=("calm",) if calm else ("rock",)))
    records = prepare(dataclasses.replace(manifest, tracks=tuple(tracks)), tmp_path / "records", jobs=1)
    test, valid = ridge_predictions(records)
    assert test.source.part == "test" and valid.source.part == "valid"
    assert roc_auc(test.targets, test.scores).macro == 1
