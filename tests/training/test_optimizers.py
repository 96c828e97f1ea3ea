"""Steps equal PyTorch's, whose optimisers the 2020 evaluation used."""

import importlib

import keras
import numpy as np
import pytest

from keras_musictag.training import Phase, Recipe, make_optimizer
from keras_musictag.training.model_setup import continue_with

ADAM, SGD = Phase("adam", 1e-2, 1), Phase("sgd", 1e-2, 1)
RECIPE = Recipe("a test", (ADAM, SGD), l2=0.1)
START = np.array([1.0, -2.0, 3.0], np.float32)


class Holder:
    """What `continue_with` needs of a model."""

    def __init__(self, optimizer):
        self.optimizer = optimizer


def gradients(steps):
    return np.random.default_rng(0).normal(size=(steps, 3)).astype(np.float32)


@pytest.fixture
def torch():
    return importlib.import_module("torch")


@pytest.mark.needs("torch")
@pytest.mark.parametrize("phase", [ADAM, SGD], ids=["adam", "sgd"])
def test_ten_steps_with_l2_match_pytorch(torch, phase):
    variable, weight = keras.Variable(START), torch.nn.Parameter(torch.tensor(START))
    optimizer = make_optimizer(phase, RECIPE, steps=100)
    for gradient in gradients(10):
        optimizer.apply([keras.ops.convert_to_tensor(gradient)], [variable])
    if phase is ADAM:
        other = torch.optim.Adam([weight], lr=1e-2, weight_decay=0.1)
    else:
        other = torch.optim.SGD([weight], lr=1e-2, momentum=0.9, nesterov=True, weight_decay=0.1)
    for gradient in gradients(10):
        weight.grad = torch.tensor(gradient)
        other.step()
    # float32: ten steps of rounding
    np.testing.assert_allclose(np.array(variable), weight.detach().numpy(), atol=2e-6)


@pytest.mark.needs("torch")
def test_a_change_of_learning_rate_matches_pytorch(torch):
    variable, weight = keras.Variable(START), torch.nn.Parameter(torch.tensor(START))
    optimizer = make_optimizer(SGD, RECIPE, steps=100)
    other = torch.optim.SGD([weight], lr=1e-2, momentum=0.9, nesterov=True, weight_decay=0.1)
    for number, gradient in enumerate(gradients(8)):
        if number == 4:
            continue_with(Holder(optimizer), Phase("sgd", 1e-3, 1))
            other.param_groups[0]["lr"] = 1e-3
        optimizer.apply([keras.ops.convert_to_tensor(gradient)], [variable])
        weight.grad = torch.tensor(gradient)
        other.step()
    np.testing.assert_allclose(np.array(variable), weight.detach().numpy(), atol=2e-6)


def test_accumulated_gradients_move_the_weights_once():
    variable = keras.Variable(START)
    optimizer = make_optimizer(SGD, Recipe("a test", (SGD,), accumulation=2), steps=100)
    for gradient in ([1.0, 0, 0], [0, 2.0, 0]):
        np.testing.assert_array_equal(np.array(variable), START)
        optimizer.apply([keras.ops.convert_to_tensor(np.array(gradient, np.float32))], [variable])
    # the mean gradient (0.5, 1, 0), with Nesterov momentum 0.9: 1.9 times the step
    np.testing.assert_allclose(START - np.array(variable), [0.0095, 0.019, 0], atol=1e-7)
