"""What every architecture must do, with random weights and two tags; the folder is the list.

Outputs are checked in the published size. Saving does not depend on the size, and the slowest networks learn in a small
one; of some others, the small network does not learn in three steps.
"""

import functools

import keras
import pytest

from keras_musictag import architectures, build
from keras_musictag.tagger import Tagger, TaggerSpec
from tests import checks
from tests.small_sizes import small_sizes

CHECKS = [
    checks.check_shape_and_dtype,
    checks.check_finite_on_extremes,
    checks.check_no_influence_of_batchmates,
    checks.check_layer_names,
    checks.check_embedding,
]


SLOW = {"harmonic_cnn", "sample_cnn_se", "self_attention"}


@functools.cache
def tagger_of(name):
    keras.utils.set_random_seed(0)
    return build(name, tags=["calm", "wild"])


def small_tagger(name):
    keras.utils.set_random_seed(0)
    chunk_seconds, config = small_sizes(name)
    spec = TaggerSpec.of(name, ["calm", "wild"], config)
    return Tagger(spec if chunk_seconds is None else spec.with_chunk_seconds(chunk_seconds))


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", architectures.names())
def test_every_architecture(name, check):
    check(tagger_of(name))


@pytest.mark.parametrize("name", architectures.names())
def test_every_architecture_survives_saving(name, tmp_path):
    checks.check_save_and_load(small_tagger(name), tmp_path)


@pytest.mark.parametrize("name", architectures.names())
def test_every_architecture_learns(name):
    keras.utils.set_random_seed(0)
    checks.check_learns(small_tagger(name) if name in SLOW else build(name, tags=["calm", "wild"]))
