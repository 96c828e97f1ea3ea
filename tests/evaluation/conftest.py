"""Evaluation runs that several tests read; the real functions write them once."""

import pytest

from keras_musictag.evaluation import Resampling, write_run
from tests.evaluation.simulate import pair

FEW = Resampling(resamples=60, seed=3)
MODELS = {"good": 2.0, "middling": 1.5, "poor": 0.3}


@pytest.fixture(scope="session")
def runs(tmp_path_factory):
    """Folders of three models, worst first."""
    folder = tmp_path_factory.mktemp("runs")
    for i, (model, quality) in enumerate(MODELS.items()):
        facts = {"parameters": 10 ** (4 + i), "multiply_adds": 2e9, "chunk_seconds": 4.0}
        write_run(folder / model, *pair(model=model, quality=quality, noise=i, facts=facts), resampling=FEW)
    return [folder / model for model in ("poor", "good", "middling")]
