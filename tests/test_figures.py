"""Figures are written completely, without a display, whatever names they show."""

import warnings

import pytest
from PIL import Image

from keras_musictag.figures import new_figure, plain, save_figure

ODD = ["$x^{$", "\\$a_", "日本語🎵", "a\nb", "\udcff"]


def drawn():
    figure = new_figure(3, 2)
    axes = figure.subplots()
    axes.set_yticks(range(len(ODD)), map(plain, ODD))
    axes.set_title(plain(ODD[0]))
    return figure


def test_any_name_is_drawn_without_a_warning(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        save_figure(drawn(), tmp_path / "new" / "a.png")
        save_figure(drawn(), str(tmp_path / "b.png"))
    assert (tmp_path / "new" / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    with Image.open(tmp_path / "b.png") as image:
        assert image.size == (360, 240)


def test_a_name_is_one_line_and_not_a_formula():
    text = new_figure(3, 2).text(0, 0, plain("$a_1$\nb"))
    assert text.get_text() == "\\$a_1\\$\\nb"
    assert text._preprocess_math(text.get_text()) == ("$a_1$\\nb", False)


@pytest.mark.parametrize("name, begins", [("a.svg", b"<?xml"), ("a.pdf", b"%PDF"), ("a", b"\x89PNG")])
def test_the_extension_sets_the_format(tmp_path, name, begins):
    save_figure(drawn(), tmp_path / name)
    assert (tmp_path / name).read_bytes().startswith(begins)


def test_an_unknown_format_is_an_error_that_leaves_nothing(tmp_path):
    with pytest.raises(ValueError, match="'words' is not supported"):
        save_figure(drawn(), tmp_path / "a.words")
    assert list(tmp_path.iterdir()) == []
