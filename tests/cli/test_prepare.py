import json
import os
import pty
import shutil

import pytest

from keras_musictag.cli import prepare
from keras_musictag.datasets import _split, mtg_jamendo
from keras_musictag.records import schema
from keras_musictag.records.folder import Records
from keras_musictag.records.prepare import TRACKS_PER_SHARD
from tests.cli.test_main import HEAVY, imported
from tests.records.make import TAGS, make_manifest


@pytest.fixture(scope="session")
def music(tmp_path_factory):
    """A folder a tag, ten tracks each, and one file that is no music."""
    folder = tmp_path_factory.mktemp("music")
    manifest = make_manifest(folder / "all", 40, seconds=0.3)
    for index, track in enumerate(manifest.tracks):
        own = folder / "raw" / TAGS[index % 4]
        own.mkdir(parents=True, exist_ok=True)
        shutil.move(manifest.file(track), own)
    (folder / "raw" / "rock" / "words.mp3").write_text("just words")
    return folder / "raw"


def test_the_choices_and_defaults_are_those_of_the_library():
    """They stand in the command once more, as `--help` must load no numpy."""
    assert prepare.STORAGES == schema.STORAGES and prepare.FRACTIONS == _split.FRACTIONS
    assert set(prepare.JAMENDO_TAGS) == set(mtg_jamendo.NUM_TAGS)
    options = {option.name: option.default for option in prepare.folder.params}
    assert options["tracks_per_shard"] == TRACKS_PER_SHARD


def test_a_folder_of_music_becomes_records_and_the_report_says_what_was_left_out(call, folder, music):
    outcome = call("prepare", "folder", music, "records", "--jobs", 1)
    assert outcome.code == 0
    records = Records(folder / "records")
    assert records.vocabulary.names == ("calm", "jazz", "piano", "rock") and len(records) == 40
    lines = outcome.out.splitlines()
    assert lines[0].startswith("folder (") and lines[0].endswith("4 tags, as pcm in records")
    assert [line.split()[:3] for line in lines[1:4]] == [
        [part, str(facts["tracks"]), "tracks"] for part, facts in records.info["parts"].items()
    ]
    assert lines[4] == "  1 skipped (skipped.csv):" and "1 x The file is not audio" in lines[5]
    assert outcome.err.splitlines()[0] == "Warning: 1 track could not be used and is in skipped.csv."
    again = call("prepare", "folder", music, "records", "--jobs", 1)
    assert again.code == 0 and again.out.startswith("records was finished before: nothing was to be done.\n")


def test_a_table_becomes_records_with_the_options_given(call, folder, music):
    rows = [f"{path.relative_to(music)},{path.parent.name}|loud" for path in sorted(music.rglob("0*"))]
    (folder / "table.csv").write_text("\n".join(["path,tags", *rows]) + "\n")
    options = ["--audio", music, "--separator", "|", "--fractions", 0.5, 0.25, 0.25, "--storage", "source"]
    outcome = call("prepare", "csv", "table.csv", "records", *options, "--jobs", 1, "--tracks-per-shard", 7)
    assert (outcome.code, len(Records(folder / "records"))) == (0, 40), outcome.err
    info = json.loads((folder / "records" / "dataset.json").read_text())
    assert info["storage"] == "source" and "loud" in [tag["name"] for tag in info["tags"]]
    assert info["parts"]["train"]["tracks"] < 30 and max(s["tracks"] for s in info["shards"].values()) <= 7


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["folder", "nowhere", "out"], 2, "'nowhere' does not exist"),
        (["guitars", "a", "b"], 2, "No such command 'guitars'"),
        (["folder", ".", "out"], 1, "Error: "),
        (["folder", ".", "out", "--jobs", 0], 2, "0 is not in the range"),
    ],
)
def test_a_wrong_call_is_told_in_words(call, folder, arguments, code, message):
    outcome = call("prepare", *arguments)
    assert outcome.code == code and message in outcome.err
    assert "Traceback" not in outcome.err and not (folder / "out").exists()


def test_features_of_an_unknown_architecture_are_refused(call, folder, music):
    outcome = call("prepare", "folder", music, "records", "--features", "fcm")
    assert outcome.code == 1 and "no architecture 'fcm'. Did you mean 'fcn'" in outcome.err
    assert not (folder / "records").exists()


@pytest.mark.slow
def test_the_script_prepares_checks_and_describes(run, folder, music):
    prepared = run("prepare", "folder", music, "records", "--jobs", 2, cwd=folder)
    assert prepared.code == 0 and "Warning: 1 track could not be used" in prepared.err
    checked = run("records", "check", "records", cwd=folder)
    assert (checked.code, checked.out, checked.err) == (0, "40 tracks: 0 errors, 0 warnings.\n", "")
    told = run("records", "info", "records", "--plot", "tags.png", cwd=folder)
    assert told.code == 0 and (folder / "tags.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_the_script_loads_no_tensorflow_to_prepare(run, environment, folder, music):
    outcome = run(
        "prepare", "folder", music, "records", cwd=folder, env={**environment, "PYTHONPROFILEIMPORTTIME": "1"}
    )
    packages = imported(outcome.err)  # of the workers, too: they write to the same standard error
    assert outcome.code == 0 and "av" in packages
    assert not packages & (HEAVY - {"av"})


@pytest.mark.slow
def test_a_person_who_watches_sees_the_progress(run, folder, music):
    leader, terminal = pty.openpty()
    outcome = run("prepare", "folder", music, "records", "--jobs", 1, cwd=folder, stderr=terminal)
    os.close(terminal)
    shown = b""
    try:
        while chunk := os.read(leader, 4096):
            shown += chunk
    except OSError:  # all is read
        pass
    os.close(leader)
    assert outcome.code == 0 and b"/41" in shown
