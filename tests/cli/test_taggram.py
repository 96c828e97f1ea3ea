import csv
import os
import shutil

import numpy as np
import pytest
from PIL import Image

from keras_musictag.tagger import Taggram
from keras_musictag.tags import Vocabulary


def read_csv(path):
    with open(path, newline="", encoding="utf-8") as stream:
        header, *rows = csv.reader(stream)
    return header, np.array(rows, dtype=np.float64)


def test_it_plots_an_image_and_prints_its_path(call, folder, demo):
    outcome = call("taggram", demo)
    assert outcome == (0, "Wrote demo.taggram.png\n", "")
    assert [path.name for path in folder.iterdir()] == ["demo.taggram.png"]
    with Image.open(folder / "demo.taggram.png") as image:
        # 10 inches wide, 1.4 inches and 0.24 per tag high, at 120 dots per inch
        assert (image.format, image.size) == ("PNG", (1200, round(120 * (1.4 + 20 * 0.24))))
        assert len(set(image.convert("L").tobytes())) > 50  # shades: it is not blank


def test_csv_has_the_librarys_scores(call, track, vgg, tagger):
    outcome = call("taggram", track, *vgg, "--format", "csv")
    assert outcome == (0, "Wrote tones.taggram.csv\n", "")
    header, rows = read_csv("tones.taggram.csv")
    taggram = tagger.taggram(track)
    assert header == ["start_seconds", "end_seconds", *tagger.vocabulary]
    assert rows.shape == (len(taggram.scores), 52)
    # scores have six digits, seconds three: half of the last digit, and float32 noise
    np.testing.assert_allclose(rows[:, 2:], taggram.scores, atol=1e-6)
    np.testing.assert_allclose(rows[:, 0], taggram.start_seconds, atol=5.1e-4)
    np.testing.assert_allclose(rows[:, 1], taggram.end_seconds, atol=5.1e-4)


@pytest.mark.usefixtures("loaded")
def test_hop_and_tail_reach_the_library(call, track, vgg, tagger):
    call("taggram", track, *vgg, "--format", "csv", "--hop-seconds", "1", "--tail", "drop")
    expected = tagger.taggram(track, hop_seconds=1, tail="drop")
    _, rows = read_csv("tones.taggram.csv")
    assert len(rows) == len(expected.scores) != len(tagger.taggram(track).scores)
    np.testing.assert_allclose(rows[:, 2:], expected.scores, atol=1e-6)


@pytest.mark.usefixtures("loaded")
def test_top_is_the_number_of_rows_in_the_plot(call, track, vgg):
    call("taggram", track, *vgg, "--top", "5")
    with Image.open("tones.taggram.png") as image:
        assert image.size == (1200, round(120 * (1.4 + 5 * 0.24)))


@pytest.mark.usefixtures("loaded")
@pytest.mark.parametrize("form, start", [("svg", b"<?xml"), ("pdf", b"%PDF-")])
def test_other_formats_are_written(call, track, vgg, form, start):
    assert call("taggram", track, *vgg, "--format", form).code == 0
    with open(f"tones.taggram.{form}", "rb") as file:
        assert file.read(5) == start


@pytest.mark.usefixtures("loaded")
def test_a_track_of_one_chunk_is_plotted(call, track, vgg, folder):
    import soundfile

    samples, rate = soundfile.read(track)
    soundfile.write("short.wav", samples[:rate], rate)
    outcome = call("taggram", "short.wav", *vgg)
    assert (outcome.code, outcome.out) == (0, "Wrote short.taggram.png\n")
    assert outcome.err.startswith("Note: short.wav: The track is 1.00 s long, shorter than the model's chunk")


@pytest.mark.usefixtures("loaded")
def test_standard_input_is_written_to_a_file_called_stdin(call, demo, vgg):
    assert call("taggram", "-", *vgg, "--format", "csv", stdin=demo.read_bytes()).out == "Wrote stdin.taggram.csv\n"


@pytest.mark.usefixtures("loaded")
def test_a_missing_folder_is_created(call, track, vgg, folder):
    assert call("taggram", track, *vgg, "--format", "csv", "--out", "new/deep").code == 0
    assert (folder / "new" / "deep" / "tones.taggram.csv").is_file()


@pytest.mark.usefixtures("loaded")
def test_a_bad_file_does_not_stop_the_others(call, track, not_music, vgg, folder):
    outcome = call("taggram", not_music, track, *vgg, "--out", "out")
    assert outcome.code == 1
    assert [path.name for path in (folder / "out").iterdir()] == ["tones.taggram.png"]
    assert not_music in outcome.err.splitlines()[0]


@pytest.mark.usefixtures("loaded")
def test_a_second_run_replaces_the_file(call, track, vgg, folder):
    (folder / "tones.taggram.csv").write_text("old")
    assert call("taggram", track, *vgg, "--format", "csv").code == 0
    assert (folder / "tones.taggram.csv").read_text().startswith("start_seconds,")


@pytest.mark.usefixtures("loaded")
@pytest.mark.parametrize("name", ["$x^{$.wav", "100%_a&b<c>.wav", "日本語🎵.wav", "अ.wav"])
@pytest.mark.parametrize("form", ["png", "svg", "pdf"])
def test_any_name_is_plotted_without_a_warning(call, track, vgg, name, form):
    os.rename(track, name)
    assert call("taggram", name, *vgg, "--format", form)[::2] == (0, "")


@pytest.mark.usefixtures("loaded")
@pytest.mark.needs("any_file_name")
def test_a_name_that_is_not_utf_8_is_plotted(call, track, vgg):
    odd = os.fsdecode(b"caf\xe9.wav")
    shutil.copy(track, odd)
    assert call("taggram", odd, *vgg).code == 0


def test_a_chunk_is_plotted_until_the_next_one_begins(folder):
    """Two chunks with a gap between them: the first is plotted dark from 0 to 3 s, the second light from 3 to 4 s."""
    taggram = Taggram(np.array([[1.0], [0.0]]), np.array([0.0, 3.0]), np.array([1.0, 4.0]), Vocabulary(["tag"]))
    taggram.plot("gap.png")
    with Image.open("gap.png") as image:
        row = np.array(image.convert("RGB"), int)[image.height // 2]
    dark, light = (np.all(abs(row - colour) < 3, axis=1).sum() for colour in ([0, 0, 4], [252, 253, 191]))
    assert dark / (dark + light) == pytest.approx(0.75, abs=0.01)  # the lines of the frame are dark, too
