from dataclasses import replace

import numpy as np
import pytest

from keras_musictag.evaluation import make_report
from keras_musictag.evaluation.zoo_entry import card_metrics
from tests.evaluation.conftest import FEW
from tests.evaluation.simulate import pair, simulate


def test_a_card_gets_the_macro_values_at_track_level():
    report = make_report(*pair(), resampling=FEW)
    metrics = card_metrics(report)
    assert [metric.metric for metric in metrics] == list(report.group().metrics)
    first = metrics[0]
    assert (first.value, *first.interval) == tuple(report.group().metrics["roc_auc"].macro)
    assert (first.dataset, first.split, first.tracks) == ("gmtag", "small, test", 150)


def test_metrics_without_a_value_are_left_out():
    said = simulate(chunks=False)
    report = make_report(replace(said, targets=np.zeros_like(said.targets)), resampling=FEW)
    assert card_metrics(report) == ()


def test_metrics_on_deformed_audio_are_refused():
    report = make_report(simulate(deformation="white_noise_0.1"), resampling=FEW)
    with pytest.raises(ValueError, match="undeformed audio only. Received: 'white_noise_0.1'"):
        card_metrics(report)


def test_intervals_of_another_level_are_left_out():
    report = make_report(*pair(), resampling=replace(FEW, level=0.9))
    assert {metric.interval for metric in card_metrics(report)} == {None}
