"""Records, two small taggers with their tags, and simulated runs: made once."""

import keras
import pytest

from keras_musictag.evaluation import Resampling, write_run
from keras_musictag.zoo import build
from tests.evaluation.simulate import simulate
from tests.records.make import TAGS, make_records

FEW = Resampling(resamples=20)
QUALITY = {"original": 2.0, "noise_0.1": 1.6, "noise_0.4": 0.7, "mp3_32": 2.0}


@pytest.fixture(scope="session")
def records(tmp_path_factory):
    """20 generated tracks of 4 s and more, of which four are for the test and four for validation."""
    return make_records(tmp_path_factory.mktemp("robustness"), num_tracks=20, seconds=4.0)


@pytest.fixture(scope="session")
def taggers():
    """Untrained narrow taggers: their scores depend on the sound all the same."""
    made = {}
    for seed, name in enumerate(("first", "second")):
        keras.utils.set_random_seed(seed)
        made[name] = build("vgg", tags=TAGS, name=name, config={"filters": 16})
    return made


@pytest.fixture(scope="session")
def simulated(tmp_path_factory):
    """A folder of runs of two models, whose scores follow the truth less closely if QUALITY is lower."""
    folder = tmp_path_factory.mktemp("simulated")
    for noise, model in enumerate(("first", "second")):
        for condition, quality in QUALITY.items():
            of = {"model": model, "quality": quality, "noise": noise, "chunks": False, "subsets": False}
            facts = {"chunks_per_track": 16, "deformation_settings": condition, "deformation_version": 1}
            facts |= {"deformation_libraries": "-"}
            deformation = "" if condition == "original" else condition
            test = simulate(deformation=deformation, facts=facts, **of)
            write_run(folder / model / condition, test, resampling=FEW)
    return folder
