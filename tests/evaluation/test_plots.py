import warnings

import numpy as np
import pytest
from PIL import Image

from keras_musictag.evaluation.measuring import Measured
from keras_musictag.evaluation.plots import plot_costs, plot_heat_map, plot_tags

ODD = ["$x^{$", "\\$a_", "_hidden", "日本語🎵", "a\nb"]


def measured(values):
    per_tag = np.array(values)[:, None] + [0, -0.05, 0.05]
    return Measured(per_tag, np.array([0.5, 0.4, 0.6]), np.array([0.5, 0.4, 0.6]), 0)


def colour_columns(path, colour):
    """The columns and the rows of a picture that contain a colour."""
    with Image.open(path) as image:
        hits = (np.abs(np.array(image.convert("RGB"), int) - colour) < 4).all(axis=-1)
    return np.flatnonzero(hits.any(axis=0)), np.flatnonzero(hits.any(axis=1))


def test_heat_map_cells_are_dark_if_low_and_grey_if_unknown(tmp_path):
    values = np.array([[1.0, 0.0], [np.nan, 0.0]])
    plot_heat_map(["a", "b"], ["m", "n"], values, "pr_auc", tmp_path / "map.png")
    with Image.open(tmp_path / "map.png") as image:
        pixels = np.array(image.convert("RGB")).reshape(-1, 3)
    share = {
        c: (pixels == c).all(axis=1).sum() for c in [(253, 231, 37), (68, 1, 84), (217, 217, 217)]
    }  # viridis' ends
    high, low, unknown = share.values()
    assert high > 1000 and unknown > 1000
    assert low == pytest.approx(2 * high, rel=0.2)  # two cells; all have numbers


def test_a_better_tag_is_drawn_above_and_to_the_right(tmp_path):
    metrics = {"pr_auc": measured([0.1, 0.9]), "roc_auc": measured([0.6, 0.8])}
    plot_tags(["low", "high"], metrics, np.array([0.1, 0.1]), "title", tmp_path / "tags.png")
    with Image.open(tmp_path / "tags.png") as image:
        hits = (np.abs(np.array(image.convert("RGB"), int) - [0x1F, 0x5F, 0x99]) < 4).all(axis=-1)
    left = hits[: int(hits.shape[0] * 0.7), : hits.shape[1] // 2]  # without the legend
    rows = np.flatnonzero(left.any(axis=1))
    upper, lower = left[rows[0] : rows[0] + 5], left[rows[-1] - 5 : rows[-1]]
    assert np.flatnonzero(upper.any(axis=0)).mean() > np.flatnonzero(lower.any(axis=0)).mean() + 200


@pytest.mark.parametrize("names", [ODD, [f"a model with a very long name, number {i}" for i in range(5)]])
def test_names_of_any_kind_are_drawn_without_warnings(tmp_path, names):
    metrics = {"pr_auc": measured([0.5] * 5), "roc_auc": measured([0.5] * 5)}
    numbers = np.full((5, 3), 0.5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plot_tags(names, metrics, np.full(5, 0.1), names[0], tmp_path / "tags.png")
        plot_heat_map(names, names, np.full((5, 5), 0.5), "pr_auc", tmp_path / "map.png")
        plot_costs(names, numbers, {"parameters": np.arange(1.0, 6)}, "pr_auc", tmp_path / "cost.png")


def test_equal_and_unknown_costs_can_be_drawn(tmp_path):
    costs = {"parameters": np.array([5.0, 5.0]), "speed": np.array([np.nan, 3.0])}
    plot_costs(["a", "b"], np.array([[0.5, 0.4, 0.6], [0.7, np.nan, np.nan]]), costs, "roc_auc", tmp_path / "cost.png")
    first, _ = colour_columns(tmp_path / "cost.png", [0x1F, 0x77, 0xB4])
    second, _ = colour_columns(tmp_path / "cost.png", [0xFF, 0x7F, 0x0E])
    with Image.open(tmp_path / "cost.png") as image:
        middle = image.width * 0.55
    assert first.max() < middle < second.max()  # only the second has a point in the right panel
