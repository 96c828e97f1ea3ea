from pathlib import Path

import click
import pytest

from keras_musictag.cli._common import each_track, output_files, whole_file


def test_a_file_written_whole_gets_its_name(folder):
    with whole_file(folder / "a.csv") as scratch:
        scratch.write_text("all")
        assert not (folder / "a.csv").exists()
    assert [(path.name, path.read_text()) for path in folder.iterdir()] == [("a.csv", "all")]


def test_a_file_that_failed_leaves_the_old_one_and_nothing_else(folder):
    (folder / "a.csv").write_text("old")
    with pytest.raises(OSError, match="full"), whole_file(folder / "a.csv") as scratch:
        scratch.write_text("ha")
        raise OSError("full")
    assert [(path.name, path.read_text()) for path in folder.iterdir()] == [("a.csv", "old")]


def test_the_scratch_file_keeps_the_ending_that_says_its_format(folder):
    with whole_file(folder / "a.taggram.png") as scratch:
        assert (scratch.parent, scratch.suffix) == (folder, ".png")
        scratch.touch()


def test_results_go_to_the_stem_of_each_track(folder):
    files = output_files(("x/a.b.mp3", "c", "-"), folder / "out", ".npz")
    assert {path: file.name for path, file in files.items()} == {"x/a.b.mp3": "a.b.npz", "c": "c.npz", "-": "stdin.npz"}
    assert all(file.parent == folder / "out" for file in files.values())


@pytest.mark.parametrize("paths", [("a.mp3", "b/a.wav"), ("a.mp3", "a.mp3"), ("a.mp3", "./a.mp3"), ("-", "stdin.wav")])
def test_two_tracks_of_one_name_are_refused(folder, paths):
    with pytest.raises(click.UsageError, match="Two of the tracks would be written to"):
        output_files(paths, folder / "out", ".npz")


def fail_on_odd(path):
    if int(path) % 2:
        raise ValueError(f"odd one out\nin {path}")
    return 10 * int(path)


def test_what_fails_is_told_and_the_rest_goes_on(capsys):
    results = []
    with pytest.raises(SystemExit) as exit_:
        results.extend(each_track(("0", "1", "2", "3", "4"), fail_on_odd))
    # `extend` keeps what came before the exit
    assert results == [0, 20, 40]
    assert exit_.value.code == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "Error: odd one out in 1\nError: odd one out in 3\n2 of 5 tracks failed.\n"


def test_where_all_is_well_nothing_is_told(capsys):
    assert list(each_track(("0", "2"), fail_on_odd)) == [0, 20]
    assert capsys.readouterr() == ("", "")


def test_a_message_without_the_name_gets_it(capsys):
    def work(path):
        raise RuntimeError("broken")

    with pytest.raises(SystemExit):
        list(each_track((str(Path("x") / "song.mp3"),), work))
    assert capsys.readouterr().err == "Error: x/song.mp3: RuntimeError: broken\n"
