"""`keras-musictag finetune`: a folder of music becomes a tagger in one command."""

import json
import re
import shutil

import numpy as np
import pytest
import soundfile

from keras_musictag import load
from keras_musictag.evaluation import read_run
from tests.cli.conftest import VGG
from tests.cli.test_main import HEAVY, imported

TAGS = {"high": 1800.0, "low": 150.0}


@pytest.fixture(scope="session")
def own_music(tmp_path_factory):
    """Two tag folders with ten tracks of 3.5 s each: tones above 1.5 kHz, and below 200 Hz."""
    folder = tmp_path_factory.mktemp("own") / "music"
    seconds = np.arange(int(3.5 * 16000)) / 16000
    for tag, hz in TAGS.items():
        (folder / tag).mkdir(parents=True)
        for index in range(10):
            noise = np.random.default_rng(index + round(hz)).normal(0, 0.01, len(seconds))
            tone = 0.3 * np.sin(2 * np.pi * hz * (1 + index / 100) * seconds) + noise
            soundfile.write(folder / tag / f"{index}.wav", tone.astype(np.float32), 16000)
    return folder


@pytest.mark.slow
def test_one_folder_per_tag_becomes_a_tagger_of_these_tags(call, folder, own_music):
    options = ["--model", VGG, "--epochs", 2, "--jobs", 1, "--seed", 2]  # with this seed, the test part has both tags
    outcome = call("finetune", own_music, "own run", *options)
    assert outcome.code == 0, outcome.err
    assert outcome.out.splitlines()[:3] == [
        "folder: 20 tracks, 2 tags",
        "  tags: high 10, low 10",
        "  parts (seed 2, fractions 0.7 0.15 0.15): train 14, valid 3, test 3",
    ]
    lines = outcome.out.splitlines()[3:]
    assert len([line for line in lines if line.startswith("epoch ")]) == 4
    assert lines[4] == "On 3 tracks that it was not trained on:"
    assert lines[-2:] == [
        "Wrote own run/model.keras. To tag with it:",
        "  keras-musictag tag --model 'own run/model.keras' song.mp3",
    ]
    report = read_run(folder / "own run" / "evaluation").report
    assert report.source.part == "test" and report.model == "vgg"
    assert report.group().metrics["roc_auc"].macro[0] == 1.0
    tagger = load(folder / "own run" / "model.keras")
    assert tagger.vocabulary.names == ("high", "low") and all(layer.trainable for layer in tagger.layers)
    seconds = np.arange(4 * 16000) / 16000
    for tag, hz in TAGS.items():
        assert tagger.tag(0.3 * np.sin(2 * np.pi * hz * seconds), 16000).tags[0][0] == tag
    files = {path: path.read_bytes() for path in (folder / "own run").rglob("*") if path.is_file()}
    again = call("finetune", own_music, "own run", *options)
    assert again.code == 0 and again.out.splitlines()[3:] == lines[4:]
    assert files == {path: path.read_bytes() for path in (folder / "own run").rglob("*") if path.is_file()}


def one_tag(music):
    shutil.rmtree(music / "low")


def too_few(music):
    for path in sorted(music.rglob("*.wav"))[2:]:
        path.unlink()


def no_audio(music):
    for path in music.rglob("*.wav"):
        path.write_text(f"just words: {path}")


def a_tag_without_tracks_to_learn_from(music):
    for part, tags in (("train", ("high",)), ("valid", ("high", "low"))):
        for tag in tags:
            shutil.copytree(music / tag, music / part / tag)
    for path in sorted((music / "valid").rglob("*.wav")):  # the same bytes must not be in two parts
        samples, rate = soundfile.read(path)
        soundfile.write(path, 0.5 * samples, rate)
    shutil.rmtree(music / "high")
    shutil.rmtree(music / "low")


def no_validation(music):
    (music / "train").mkdir()
    for tag in TAGS:
        (music / tag).rename(music / "train" / tag)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (one_tag, "There is only one tag folder with audio in 'music', 'high'; expected two or more"),
        (too_few, "There is only one tag folder"),
        (a_tag_without_tracks_to_learn_from, "Each tag needs a track in the part train. There is none for 'low'."),
        (no_validation, "must each have at least one track; valid has none of the 20."),
        (no_audio, "has no"),
    ],
)
def test_music_that_cannot_be_learned_from_is_an_error(spoil, message, call, folder, own_music):
    shutil.copytree(own_music, folder / "music")
    spoil(folder / "music")
    outcome = call("finetune", "music", "out", "--model", VGG, "--jobs", 1)
    assert outcome.code == 1 and message in outcome.err.splitlines()[-1]
    assert not (folder / "out" / "run.json").exists()


def test_fewer_tracks_than_parts_are_an_error(call, folder, own_music):
    for tag in TAGS:
        (folder / "music" / tag).mkdir(parents=True)
        shutil.copy(own_music / tag / "0.wav", folder / "music" / tag)
    outcome = call("finetune", "music", "out", "--model", VGG)
    assert outcome.code == 1 and "Each of the parts train, valid, test needs an artist" in outcome.err


def test_a_table_without_a_test_part_is_not_evaluated(call, folder, own_music):
    rows = [f"{tag}/{i}.wav,{tag},{i > 7}" for tag in TAGS for i in range(10)]
    shutil.copy(own_music / "high" / "8.wav", copy := folder / "a copy.wav")
    rows += [f"{copy},high,False", "low/gone.wav,low,False"]
    (folder / "own.csv").write_text("\n".join(["path,tags,is_valid", *rows]) + "\n")
    head = {"optimizer": "adam", "learning_rate": 1e-3, "epochs": 1, "layers": "head"}
    (folder / "head.json").write_text(json.dumps({"summary": "the head alone", "phases": [head]}))
    options = ["--audio", own_music, "--valid-fold", "true", "--allow-missing", "--model", VGG, "--recipe", "head.json"]
    outcome = call("finetune", "own.csv", "out", *options, "--jobs", 1)
    assert outcome.code == 0, outcome.err
    assert outcome.out.splitlines()[:3] == [
        "csv: 22 tracks, 2 tags",
        "  tags: high 11, low 11",
        "  parts (column 'is_valid', valid true): train 18, valid 4, test 0",
    ]
    assert "Warning: The same audio is in train and valid" in outcome.err
    assert "The part test is empty, so the tagger was not evaluated." in outcome.out
    assert (folder / "out" / "model.keras").is_file() and not (folder / "out" / "evaluation").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--model", "musicn"], "There is no model 'musicn'. Did you mean 'musicnn'?"),
        (["--model", "short_chunk_cnn"], "no published weights of 'short_chunk_cnn'.*pass --weights none"),
        (["--recipe", "fine"], "There is no recipe 'fine'. Did you mean 'finetune'?"),
        (["--model", "nowhere/model.keras"], "There is no model at nowhere/model.keras"),
        (["--fractions", 1, 0, 0], "valid has none of the 20"),
        (["--fractions", 1, 1, 0], "`fractions` must be three numbers"),
    ],
)
def test_a_wrong_option_is_reported_before_audio_is_read(options, message, call, folder, own_music):
    outcome = call("finetune", own_music, "out", *options)
    assert outcome.code == 1 and not (folder / "out").exists()
    assert outcome.err.startswith("Error: ") and len(outcome.err.splitlines()) == 1
    assert re.search(message, outcome.err)


def test_table_options_are_rejected_for_a_folder(call, own_music):
    outcome = call("finetune", own_music, "out", "--test-fold", 1)
    assert outcome.code == 2 and "is a folder, but --audio, --separator," in outcome.err


def test_help_loads_nothing_heavy(run, environment, folder):
    outcome = run("finetune", "--help", cwd=folder, env={**environment, "PYTHONPROFILEIMPORTTIME": "1"})
    packages = imported(outcome.err)
    assert outcome.code == 0 and "click" in packages
    assert not packages & (HEAVY | {"numpy"})
