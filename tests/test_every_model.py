"""What every architecture must do, with random weights and two tags; the folder is the list."""

import functools

import keras
import pytest

from keras_musictag import architectures, build
from tests import checks

CHECKS = [
    checks.check_shape_and_dtype,
    checks.check_finite_on_extremes,
    checks.check_no_influence_of_batchmates,
    checks.check_layer_names,
    checks.check_embedding,
]


@functools.cache
def tagger_of(name):
    keras.utils.set_random_seed(0)
    return build(name, tags=["calm", "wild"])


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", architectures.names())
def test_every_architecture(name, check):
    check(tagger_of(name))


@pytest.mark.parametrize("name", architectures.names())
def test_every_architecture_survives_saving(name, tmp_path):
    checks.check_save_and_load(tagger_of(name), tmp_path)


@pytest.mark.parametrize("name", architectures.names())
def test_every_architecture_learns(name):
    keras.utils.set_random_seed(0)
    checks.check_learns(build(name, tags=["calm", "wild"]))
