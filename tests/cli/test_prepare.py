import json
import os
import pty
import shutil
import signal
from contextlib import nullcontext

import pytest

from keras_musictag.choices import JAMENDO_TAGS
from keras_musictag.cli import _progress, prepare
from keras_musictag.datasets import mtg_jamendo
from keras_musictag.records import Records
from keras_musictag.records.preparing import TRACKS_PER_SHARD
from tests.cli.test_main import HEAVY, imported
from tests.records.make import TAGS, make_manifest


@pytest.fixture(scope="session")
def music(tmp_path_factory):
    """One folder per tag with ten tracks each, and one file that is not music."""
    folder = tmp_path_factory.mktemp("music")
    manifest = make_manifest(folder / "all", 40, seconds=0.3)
    for index, track in enumerate(manifest.tracks):
        own = folder / "raw" / TAGS[index % 4]
        own.mkdir(parents=True, exist_ok=True)
        shutil.move(manifest.file(track), own)
    (folder / "raw" / "rock" / "words.mp3").write_text("just words")
    return folder / "raw"


def test_the_choices_and_defaults_are_those_of_the_library():
    assert set(JAMENDO_TAGS) == set(mtg_jamendo.FILES)
    options = {option.name: option.default for option in prepare.folder.params}
    assert options["tracks_per_shard"] == TRACKS_PER_SHARD


def test_a_folder_becomes_records_and_skipped_files_are_reported(call, folder, music):
    outcome = call("prepare", "folder", music, "records", "--jobs", 1)
    assert outcome.code == 0
    records = Records(folder / "records")
    assert records.vocabulary.names == ("calm", "jazz", "piano", "rock") and len(records) == 40
    lines = outcome.out.splitlines()
    assert lines[:4] == [
        "folder: 41 tracks, 4 tags",
        "  tags: rock 11, calm 10, jazz 10, piano 10",
        "  parts (seed 0, fractions 0.8 0.1 0.1): train 33, valid 4, test 4",
        "40 tracks are in records, as pcm:",
    ]
    assert [line.split()[:3] for line in lines[4:7]] == [
        [part, str(facts["tracks"]), "tracks"] for part, facts in records.info["parts"].items()
    ]
    assert lines[7:9] == ["  1 skipped (skipped.csv):", "    1 x The file is not audio that can be opened."]
    assert outcome.err.splitlines()[0] == "Warning: 1 track could not be used and is listed in skipped.csv."
    again = call("prepare", "folder", music, "records", "--jobs", 1)
    assert again.code == 0 and "\nrecords was already complete: there was nothing to do.\n" in again.out


def test_a_table_becomes_records_with_the_options_given(call, folder, music):
    rows = [f"{path.relative_to(music)},{path.parent.name}|loud" for path in sorted(music.rglob("0*"))]
    (folder / "table.csv").write_text("\n".join(["path,tags", *rows]) + "\n")
    options = ["--audio", music, "--separator", "|", "--fractions", 0.5, 0.25, 0.25, "--storage", "source"]
    outcome = call("prepare", "csv", "table.csv", "records", *options, "--jobs", 1, "--tracks-per-shard", 7)
    assert (outcome.code, len(Records(folder / "records"))) == (0, 40), outcome.err
    info = json.loads((folder / "records" / "dataset.json").read_text())
    assert info["storage"] == "source" and "loud" in [tag["name"] for tag in info["tags"]]
    assert info["parts"]["train"]["tracks"] < 30 and max(s["tracks"] for s in info["shards"].values()) <= 7


def test_twelve_tags_are_shown_before_audio_is_read(call, folder):
    rows = [f"{i}.mp3,{' '.join(f't{k}' for k in range(i))},{('train', 'val', 'test')[i % 3]}" for i in range(20)]
    (folder / "table.csv").write_text("\n".join(["path,tags,Split", *rows]) + "\n")
    outcome = call("prepare", "csv", "table.csv", "records", "--separator", " ")
    assert outcome.code == 1 and "20 of 20 files of csv are missing, such as '0.mp3'" in outcome.err
    assert "say where the audio is with --audio" in outcome.err
    shown = ", ".join(f"t{k} {19 - k}" for k in range(12))
    assert outcome.out.splitlines() == [
        "csv: 20 tracks, 19 tags",
        f"  tags: {shown}, and 7 more",
        "  without a tag: 1",
        "  parts (column 'Split'): train 7, valid 7, test 6",
    ]


def test_table_options_reach_the_library(call, folder):
    lines = ["Datei;path;tags;fold;set", *(f"x;{i}.mp3;caf\u00e9/{'ab'[i % 2]};{i % 3};Vol {i}" for i in range(6))]
    (folder / "table.csv").write_bytes("\r\n".join(lines).encode("cp1252"))
    options = ["--encoding", "cp1252", "--separator", "/", "--part-column", "fold", "--valid-fold", 1, "--test-fold", 2]
    assert call("prepare", "csv", "table.csv", "records", *options).out.splitlines() == [
        "csv: 6 tracks, 3 tags",
        "  tags: caf\u00e9 6, a 3, b 3",
        "  parts (column 'fold', test 2, valid 1): train 2, valid 2, test 2",
    ]


@pytest.mark.filterwarnings("ignore:1 track could not be used")
def test_the_same_command_replaces_lost_files(call, folder, music):
    call("prepare", "folder", music, "records", "--jobs", 1, "--tracks-per-shard", 10)
    shard = next((folder / "records").glob("test-*"))
    data = shard.read_bytes()
    shard.unlink()
    again = call("prepare", "folder", music, "records", "--jobs", 1, "--tracks-per-shard", 10)
    assert again.code == 0 and "already complete" not in again.out and shard.read_bytes() == data


@pytest.mark.parametrize("out", [".", "rock", "rock/../new/records", "link"])
def test_records_inside_the_music_are_rejected(call, folder, out):
    for index, track in enumerate((manifest := make_manifest(folder / "all", 4, seconds=0.1)).tracks):
        (folder / "raw" / TAGS[index]).mkdir(parents=True)
        shutil.move(manifest.file(track), folder / "raw" / TAGS[index])
    (folder / "raw" / "link").symlink_to(folder / "raw" / "rock")
    before = sorted((folder / "raw").rglob("*"))
    outcome = call("prepare", "folder", "raw", f"raw/{out}")
    assert outcome.code == 1 and outcome.err.startswith("Error: OUT must be outside RAW, 'raw'. Received: 'raw")
    assert sorted((folder / "raw").rglob("*")) == before


def test_shared_audio_and_empty_parts_are_warned_about(call, folder):
    manifest = make_manifest(folder, 4, seconds=0.1)
    names = [manifest.tracks[index].path for index in (1, 1, 2, 2, 3, 0)]
    rows = []
    for number, (name, part) in enumerate(zip(names, ["test", "train", "train", "test", "test", "train"], strict=True)):
        shutil.copy(folder / name, folder / f"{number}-{name}")
        rows.append(f"{number}-{name},{'rock' if number % 2 else 'jazz'},{part}")
    (folder / "table.csv").write_text("\n".join(["path,tags,part", *rows]) + "\n")
    outcome = call("prepare", "csv", "table.csv", "records", "--jobs", 1)
    assert outcome.code == 0
    assert outcome.err.splitlines() == [
        "Warning: valid has no tracks, but training needs some.",
        "Warning: The same audio is in train and test: '1-001.wav' and '0-001.wav' (and 1 more). Results on test will "
        "be too good.",
    ]


@pytest.mark.filterwarnings("ignore:. tracks could not be used")
def test_five_reasons_are_listed_and_the_others_counted(call, folder, music):
    raw = shutil.copytree(music, folder / "raw")
    wav = next((raw / "jazz").glob("*.wav"))
    (raw / "rock" / "no sample.wav").write_bytes(wav.read_bytes()[:44])
    shutil.copy(wav, raw / "jazz" / "copy.wav")
    (raw / "rock" / "empty.wav").write_bytes(b"")
    (raw / "rock" / "page.mp3").write_text("<!DOCTYPE html>")
    (raw / "rock" / "cover.jpg").write_text("a picture")
    shutil.copy(wav, raw / "in no tag.wav")
    outcome = call("prepare", "folder", "raw", "records", "--jobs", 1)
    reasons = [line for line in outcome.out.splitlines() if line.startswith("    ")]
    assert outcome.code == 0 and [line[:9] for line in reasons[:5]] == ["    1 x " + line[8] for line in reasons[:5]]
    assert reasons[5:] == ["    and 2 more: see skipped.csv"]


def test_ctrl_c_prints_one_line_on_how_to_resume(call, folder, music, monkeypatch):
    def stop(done, total):
        if done == 20:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(_progress, "_track_bar", lambda: nullcontext(stop))  # like a person who watches the bar
    outcome = call("prepare", "folder", music, "records", "--jobs", 1, "--tracks-per-shard", 5)
    assert outcome.code == 130 and outcome.out.splitlines()[-1].startswith("  parts (seed 0, ")
    assert outcome.err == "Interrupted. Run the same command again to resume.\n"
    assert list((folder / "records").glob("*.tfrecord")) and not (folder / "records" / "dataset.json").exists()


def test_help_explains_allow_missing_for_each_dataset(call):
    text = {name: " ".join(call("prepare", name, "--help").out.split()) for name in ("mtat", "folder", "csv")}
    assert "Continue if files are missing or damaged, or if counts differ from the published ones." in text["mtat"]
    for name in ("folder", "csv"):
        assert "Continue if files are missing (damaged files are always skipped)." in text[name]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["folder", "nowhere", "out"], 2, "'nowhere' does not exist"),
        (["guitars", "a", "b"], 2, "No such command 'guitars'"),
        (["folder", ".", "out"], 1, "Error: "),
        (["mtg-jamendo", ".", "out", "--split", "bogus"], 2, "'bogus' is not one of '0', '1', '2', '3', '4'."),
        (["mtg-jamendo", ".", "out", "--split", "3"], 1, "split-3"),
        (["folder", ".", "out", "--jobs", 0], 2, "0 is not in the range"),
    ],
)
def test_invalid_usage_prints_a_message(call, folder, arguments, code, message):
    outcome = call("prepare", *arguments)
    assert outcome.code == code and message in outcome.err
    assert "Traceback" not in outcome.err and not (folder / "out").exists()


def test_features_of_an_unknown_architecture_are_rejected(call, folder, music):
    outcome = call("prepare", "folder", music, "records", "--features", "fcm")
    assert outcome.code == 1 and "no architecture 'fcm'. Did you mean 'fcn'" in outcome.err
    assert not (folder / "records").exists()


@pytest.mark.slow
def test_the_script_prepares_checks_and_describes(run, folder, music):
    prepared = run("prepare", "folder", music, "records", "--jobs", 2, cwd=folder)
    assert prepared.code == 0 and "Warning: 1 track could not be used" in prepared.err
    checked = run("records", "check", "records", cwd=folder)
    assert (checked.code, checked.out, checked.err) == (0, "40 tracks: 0 errors, 0 warnings.\n", "")
    described = run("records", "info", "records", "--plot", "tags.png", cwd=folder)
    assert described.code == 0 and (folder / "tags.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_the_script_prepares_without_tensorflow(run, environment, folder, music):
    outcome = run(
        "prepare", "folder", music, "records", cwd=folder, env={**environment, "PYTHONPROFILEIMPORTTIME": "1"}
    )
    packages = imported(outcome.err)  # includes the workers, which write to the same standard error
    assert outcome.code == 0 and "av" in packages
    assert not packages & (HEAVY - {"av"})


@pytest.mark.slow
def test_a_terminal_shows_the_progress(run, folder, music):
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
