import csv
import io
import json
import os
import shutil

import pytest

from keras_musictag import load

# Numbers are printed with six digits: half of the last digit, and float32 noise between two processes
ROUNDING = 1e-6


def csv_rows(out):
    header, *rows = csv.reader(io.StringIO(out))
    assert header == ["track", "tag", "score"]
    return [(track, tag, float(score)) for track, tag, score in rows]


def expected_rows(name, result):
    return [(name, tag, pytest.approx(score, abs=ROUNDING)) for tag, score in result.tags]


@pytest.mark.slow
def test_the_installed_script_tags_standard_input_and_files(run, folder, not_music, demo):
    """Without --model; standard error has the line on the bad file, and no log lines of TensorFlow's start."""
    outcome = run("tag", "-", not_music, demo, "--top", "3", cwd=folder, stdin=demo.read_bytes())
    bad, summary = outcome.err.splitlines()
    assert outcome.code == 1
    assert bad.startswith("Error: ") and not_music in bad and "is not audio" in bad
    assert summary == "1 of 3 tracks failed."
    result = load("musicnn").tag(demo, top=3)
    rows = [[cell.strip() for cell in line.split("│")[1:3]] for line in outcome.out.splitlines() if "│" in line]
    assert [tag for tag, _ in rows] == [tag for tag, _ in result.tags] * 2
    for (_, shown), (_, score) in zip(rows, result.tags * 2, strict=True):
        assert float(shown) == pytest.approx(score, abs=6e-4)  # three digits
    heads = [line for line in outcome.out.splitlines() if line.endswith(" s")]
    assert outcome.out.splitlines()[0] == heads[0]
    assert heads == [f"{name}, {result.duration_seconds:.1f} s" for name in ("standard input", demo)]
    assert [path.name for path in folder.iterdir()] == [not_music]


@pytest.mark.usefixtures("loaded")
def test_it_continues_after_a_bad_file(call, track, not_music, demo, vgg, tagger):
    outcome = call("tag", "-", not_music, track, *vgg, "--format", "csv", stdin=demo.read_bytes())
    assert outcome.code == 1
    bad, summary = outcome.err.splitlines()
    assert bad.startswith("Error: ") and not_music in bad and "is not audio" in bad
    assert summary == "1 of 3 tracks failed."
    wanted = [*expected_rows("standard input", tagger.tag(demo)), *expected_rows(track, tagger.tag(track))]
    assert csv_rows(outcome.out) == wanted


def test_json_equals_the_librarys_result(call, track, vgg, tagger):
    outcome = call("tag", track, *vgg, "--format", "json")
    assert (outcome.code, outcome.err) == (0, "")
    (row,) = json.loads(outcome.out)
    expected = tagger.tag(track).to_dict()
    assert [tag["tag"] for tag in row["tags"]] == [tag["tag"] for tag in expected["tags"]]
    assert [tag["score"] for tag in row["tags"]] == pytest.approx([tag["score"] for tag in expected["tags"]], abs=2e-6)
    assert {**row, "tags": 0} == {**expected, "tags": 0}


@pytest.mark.usefixtures("loaded")
@pytest.mark.parametrize(
    "options, arguments",
    [
        (["--top", "50"], {"top": 50}),
        (["--aggregate", "max"], {"aggregate": "max"}),
        (["--aggregate", "median", "--top", "3"], {"aggregate": "median", "top": 3}),
        (["--tail", "drop"], {"tail": "drop"}),
        (["--tail", "pad"], {"tail": "pad"}),
        (["--hop-seconds", "0.7"], {"hop_seconds": 0.7}),
    ],
)
def test_options_are_the_librarys_arguments(call, track, vgg, tagger, options, arguments):
    outcome = call("tag", track, *vgg, *options, "--format", "csv")
    rows = csv_rows(outcome.out)
    assert rows == expected_rows(track, tagger.tag(track, **arguments))
    if "top" not in arguments:  # the option must have an effect
        assert rows != expected_rows(track, tagger.tag(track))


def test_model_and_weights_choose_the_entry(call, track):
    rows = csv_rows(call("tag", track, "--model", "vgg", "--weights", "msd", "--format", "csv", "--top", "1").out)
    assert rows == expected_rows(track, load("vgg", weights="msd").tag(track, top=1))


def test_a_saved_keras_file_is_a_model(call, track, tagger, folder):
    tagger.save(folder / "mine.keras")
    rows = csv_rows(call("tag", track, "--model", "mine.keras", "--format", "csv").out)
    assert rows == expected_rows(track, tagger.tag(track))


@pytest.mark.usefixtures("loaded")
def test_a_top_beyond_the_vocabulary_gives_all_tags(call, track, vgg):
    assert len(csv_rows(call("tag", track, *vgg, "--top", "1000", "--format", "csv").out)) == 50


@pytest.mark.usefixtures("loaded")
def test_tracks_keep_their_order(call, folder, track, vgg):
    shutil.copy(track, "a.wav")
    outcome = call("tag", track, "a.wav", track, *vgg, "--top", "1", "--format", "csv")
    assert [name for name, _, _ in csv_rows(outcome.out)] == [track, "a.wav", track]


@pytest.mark.usefixtures("loaded")
@pytest.mark.parametrize("form", ["table", "json", "csv"])
def test_the_output_is_valid_if_all_tracks_fail(call, not_music, vgg, form):
    outcome = call("tag", not_music, *vgg, "--format", form)
    assert outcome.out == {"table": "", "json": "[]\n", "csv": "track,tag,score\n"}[form]
    assert outcome.code == 1
    assert outcome.err.count("\n") == 1


@pytest.mark.usefixtures("loaded")
def test_json_is_complete_if_one_track_fails(call, track, not_music, vgg):
    outcome = call("tag", not_music, track, *vgg, "--format", "json")
    assert outcome.code == 1
    assert [row["track"] for row in json.loads(outcome.out)] == [track]


@pytest.mark.usefixtures("loaded")
@pytest.mark.parametrize(
    "path, said", [("gone.mp3", "There is no file 'gone.mp3'"), (".", "'.' must be a music file"), ("", "no file ''")]
)
def test_a_path_without_a_file_is_one_line(call, vgg, path, said):
    outcome = call("tag", path, *vgg)
    assert (outcome.code, outcome.out) == (1, "")
    assert said in outcome.err and outcome.err.count("\n") == 1


@pytest.mark.usefixtures("loaded")
def test_an_empty_standard_input_is_one_line(call, vgg):
    outcome = call("tag", "-", *vgg)
    assert outcome.code == 1
    assert outcome.err.startswith("Error: standard input is empty")
    assert outcome.err.count("\n") == 1


@pytest.mark.usefixtures("loaded")
def test_a_short_track_is_tagged_with_a_note(call, vgg, track, folder):
    import soundfile

    samples, rate = soundfile.read(track)
    soundfile.write("short.wav", samples[:rate], rate)
    table, rows = call("tag", "short.wav", *vgg), call("tag", "short.wav", *vgg, "--format", "json")
    assert "shorter than the model's chunk" in " ".join(table.out.split())
    assert "shorter than the model's chunk" in json.loads(rows.out)[0]["notes"][0]
    assert (table.code, table.err) == (rows.code, rows.err) == (0, "")


@pytest.mark.usefixtures("loaded")
@pytest.mark.parametrize("name", ["[bold]x[bold].wav", "a,\"b'.wav", "-.wav", "日本.wav", " .wav"])
@pytest.mark.parametrize("form", ["table", "json", "csv"])
def test_unusual_names_are_printed_unchanged(call, track, vgg, name, form):
    os.rename(track, name)
    outcome = call("tag", "--top", "1", *vgg, "--format", form, "--", name)
    assert (outcome.code, outcome.err) == (0, "")
    if form == "json":
        assert json.loads(outcome.out)[0]["track"] == name
    elif form == "csv":
        assert csv_rows(outcome.out)[0][0] == name
    else:
        assert outcome.out.startswith(f"{name}, 7.0 s")


@pytest.mark.usefixtures("loaded")
def test_a_line_break_in_a_name_does_not_break_the_message(call, vgg, folder):
    (folder / "two\nlines.mp3").write_text("just words")
    outcome = call("tag", "two\nlines.mp3", *vgg)
    assert outcome.err.count("\n") == 1


@pytest.mark.usefixtures("loaded")
def test_a_table_can_be_printed_in_ascii(call, track, vgg, monkeypatch):
    ascii_only = io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="strict")
    monkeypatch.setattr("sys.stdout", ascii_only)
    assert call("tag", track, *vgg).code == 0
    ascii_only.flush()
    assert b"tones.wav, 7.0 s" in ascii_only.buffer.getvalue()


@pytest.mark.usefixtures("loaded")
@pytest.mark.parametrize("form", ["csv", "json", "table"])
@pytest.mark.parametrize("watched", [False, True], ids=["file", "terminal"])
def test_names_stay_different_under_another_code_page(call, track, vgg, monkeypatch, form, watched):
    """Like on Windows: UTF-8 in files and pipes, escapes on the terminal."""
    names = ["\u4ea4\u97ff\u66f2.wav", "\u5354\u594f\u66f2.wav"]
    for name in names:
        shutil.copy(track, name)
    output = io.TextIOWrapper(io.BytesIO(), encoding="cp1252", errors="strict", write_through=True)
    output.isatty = lambda: watched
    monkeypatch.setattr("sys.stdout", output)
    assert call("tag", *names, *vgg, "--top", "1", "--format", form).code == 0
    written = output.buffer.getvalue().decode("cp1252" if watched else "utf-8")
    for name in names:
        assert (name.encode("ascii", "backslashreplace").decode() if watched else name) in written


@pytest.mark.usefixtures("loaded")
@pytest.mark.needs("any_file_name")
def test_a_name_that_is_not_utf_8_does_not_stop_the_others(call, track, vgg, monkeypatch):
    """Like in a shell whose language is set; in the C locale, Python accepts such names."""
    odd = os.fsdecode(b"caf\xe9.wav")
    shutil.copy(track, odd)
    strict = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="strict")
    monkeypatch.setattr("sys.stdout", strict)
    call("tag", odd, track, *vgg, "--top", "1", "--format", "csv")
    strict.flush()
    assert track in [name for name, _, _ in csv_rows(strict.buffer.getvalue().decode())]


@pytest.mark.usefixtures("loaded")
def test_a_long_name_is_not_wrapped(call, track, vgg):
    name = "a long name of a track " * 8 + ".wav"
    os.rename(track, name)
    assert call("tag", name, *vgg).out.splitlines()[0] == f"{name}, 7.0 s"


@pytest.mark.usefixtures("loaded")
def test_a_table_shows_markup_characters_unchanged(call, track, vgg):
    os.rename(track, ":guitar:[red].wav")
    assert call("tag", ":guitar:[red].wav", *vgg).out.startswith(":guitar:[red].wav, 7.0 s\n")


@pytest.mark.parametrize("name", ["-song.wav", "--song.wav", "-gone.mp3"])
def test_a_path_that_begins_with_a_dash_gives_a_hint(call, track, name):
    if name != "-gone.mp3":
        os.rename(track, name)
    outcome = call("tag", name)
    assert outcome.code == 2
    assert outcome.err.splitlines()[-1].endswith(f"If {name!r} is a file, write ./{name}, or put -- before it.")


@pytest.mark.parametrize("option", ["-x", "--fromat", "--formta=a.b"])
def test_a_wrong_option_gives_no_hint_about_paths(call, track, option):
    outcome = call("tag", track, option)
    assert outcome.code == 2 and "No such option" in outcome.err and "is a file" not in outcome.err


@pytest.mark.parametrize("command", ["taggram", "embed"])
def test_notes_on_written_files_go_to_standard_error(call, vgg, folder, command):
    import numpy as np
    import soundfile

    soundfile.write("silent.wav", np.zeros(70000), 16000)
    form = ["--format", "csv"] if command == "taggram" else []
    outcome = call(command, "silent.wav", *vgg, *form)
    assert (outcome.code, outcome.out[:5]) == (0, "Wrote")
    assert outcome.err.startswith("Note: silent.wav: The track is silent")
