"""`library rules`, `search` and `export`, end to end on scores of the bundled vgg."""

import json
import shutil

import numpy as np
import pytest
import soundfile

from keras_musictag import load
from keras_musictag.audio import read
from keras_musictag.bundled_files import bundled, demo_clip
from keras_musictag.library import Database, Labels, VectorWriter, presence_thresholds, vectors_path
from tests.cli.conftest import VGG


@pytest.fixture(scope="session")
def scored(tmp_path_factory):
    """A library as a scan by vgg leaves it: the demo clip, its reverse, noise, a tone and silence."""
    folder = tmp_path_factory.mktemp("music")
    clip = read(demo_clip(), 16000).samples[: 16000 * 8]
    rng, times = np.random.default_rng(0), np.arange(16000 * 8) / 16000
    tracks = {
        "demo.wav": clip,
        "reversed.wav": clip[::-1],
        "noise \udcff.wav": rng.normal(0, 0.1, 16000 * 8),
        "tone.wav": 0.3 * np.sin(2 * np.pi * 440 * times),
        "silence.wav": np.zeros(16000 * 8),
    }
    tagger = load(VGG)
    with Database(folder / "library.db", create=True) as database:
        weights = json.loads((bundled("zoo") / "vgg-mtat-v1" / "card.json").read_text())["weights"]["sha256"]
        features = tagger.embed(clip, 16000).shape[1]
        model = database.add_model("vgg-mtat-v1", weights, tagger.vocabulary, features)
        with VectorWriter(database, model) as vectors:
            for number, (name, samples) in enumerate(tracks.items()):
                path = folder / name
                soundfile.write(str(path).encode("utf-8", "surrogateescape"), samples.astype(np.float32), 16000)
                result = tagger.tag(path, top=None)
                track = database.add_track(bytes([number]) * 32, result.duration_seconds, result.notes)
                database.put_file(str(path), 1, 2, track, labels=Labels("=Artist", title=f"Track {number}"))
                row = vectors.append(tagger.embed(samples, 16000).mean(axis=0))
                database.add_result(track, model, result.scores, row, result.num_chunks, "keras float32")
            vectors.sync()
        assert presence_thresholds(model).origin == "estimated"
    return folder


@pytest.fixture
def library(call, scored):
    def run(command, *arguments):
        return call("library", command, *arguments, "--db", scored / "library.db")

    return run


def found(outcome) -> list[str]:
    assert outcome.code == 0, outcome.err
    return [row["path"].rpartition("/")[2] for row in json.loads(outcome.out)]


def test_words_find_tracks_and_say_why(library):
    outcome = library("search", "techno, no", "vocals", "--format", "json")
    rows = json.loads(outcome.out)
    assert len(rows) == 4 and rows[0]["match"] == max(row["match"] for row in rows)
    assert [reason["term"] for reason in rows[0]["reasons"]] == ["techno", "no vocals", "no vocals"]
    assert rows[0]["reasons"][0]["threshold"] > 0.3
    table = library("search", "techno", "--top", 1).out
    assert "techno 0." in table and table.count("│") > 2


def test_an_example_in_the_library_ranks(library, scored):
    names = found(library("search", "--like", scored / "demo.wav", "--format", "json"))
    assert names[0] == "reversed.wav" and len(names) == 3  # the example itself and the silent track are left out


def test_a_foreign_example_is_embedded(library, scored, folder):
    shutil.copy(scored / "demo.wav", folder / "copy.wav")
    outcome = library("search", "--like", "copy.wav", "--format", "json", "--top", 1)
    (row,) = json.loads(outcome.out)
    assert row["path"].endswith("/demo.wav") and row["similarity"] == pytest.approx(1, abs=1e-5)


def test_several_examples_are_averaged(library, scored):
    likes = ("--like", scored / "demo.wav", "--like", scored / "tone.wav")
    assert {"demo.wav", "tone.wav"} <= set(found(library("search", *likes, "--format", "json", "--top", 4)))


def test_a_playlist_is_written(library, scored):
    out = scored / "lists" / "a.m3u8"
    outcome = library("search", "rock", "--out", out)
    assert outcome.out == f"Wrote 4 tracks to {out}\n"
    text = out.read_text(encoding="utf-8")
    assert "\n#EXTINF:8,=Artist - Track 0\n../demo.wav\n" in text and "noise%20%FF.wav\n" in text


def test_csv_runs_no_formula(library):
    lines = library("search", "rock", "--format", "csv").out.splitlines()
    assert lines[0] == "path,artist,title,match,similarity,why"
    assert all(",'=Artist," in line for line in lines[1:]) and len(lines) == 5


def test_noise_tones_and_silence_have_no_present_tag(library, folder):
    assert library("export", "t.jsonl").out == "Wrote 5 rows to t.jsonl\n"
    rows = [json.loads(line) for line in open("t.jsonl", encoding="utf-8")]
    present = {row["path"].rpartition("/")[2]: row["present"] for row in rows}
    assert present["noise \\xff.wav"] == present["silence.wav"] == []


def test_every_table_is_written(library, folder):
    for name in ("t.csv", "t.parquet"):
        assert library("export", name, "--embeddings").code == 0
        assert (folder / name).stat().st_size > 1000


def test_nothing_found_is_said(library):
    outcome = library("search", "rock", "--artist", "nobody", "--format", "json")
    assert (outcome.code, outcome.err, outcome.out) == (
        0,
        "No track was found. Ask for fewer tags, or leave out a filter.\n",
        "[]\n",
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "Name tags to search for"),
        (("rock", "--year", "1999-1990"), "is not a year"),
        (("rock", "--out", "a.txt"), "must end in .m3u8"),
        (("rock", "--out", "a.m3u8", "--format", "csv"), "must end in .m3u8"),
        (("rokc",), "Did you mean 'rock'"),
        (("rock", "--model", "none"), "There is no model in the library 'none'"),
        (("--like", "none.wav"), "none.wav"),
    ],
)
def test_mistakes_are_explained(library, arguments, message):
    outcome = library("search", *arguments)
    assert outcome.code in (1, 2) and message in outcome.err


def test_a_missing_library_is_explained(call):
    assert "library scan FOLDER" in call("library", "search", "rock").err


def test_rules_are_written_shown_and_checked(call, folder):
    assert call("library", "rules", "--init", "r.toml").out == "Wrote r.toml\n"
    text = (folder / "r.toml").read_text()
    assert call("library", "rules", "--init").out == text
    shown = call("library", "rules", "r.toml")
    assert shown.code == 0 and shown.out == call("library", "rules").out
    assert "Techno" in shown.out and "estimated" in shown.out
    (folder / "own.toml").write_text("[thresholds]\ntechno = 0.9\n")
    assert "The other thresholds of" in call("library", "rules", "own.toml").out
    assert "exists" in call("library", "rules", "--init", "r.toml").err
    (folder / "r.toml").write_text(text.replace('techno = "', 'tekno = "'))
    assert "Did you mean 'techno'" in call("library", "rules", "r.toml").err
    assert '"R&B"' in call("library", "rules", "--init", "--model", "vgg-msd-v1").out


def test_searching_loads_no_tensorflow(scored):
    import subprocess
    import sys

    program = (
        "import sys; from keras_musictag.cli import keras_musictag_group as group\n"
        f"arguments = ['library', 'search', 'rock', '--like', {str(scored / 'demo.wav')!r}, '--db', "
        f"{str(scored / 'library.db')!r}]\n"
        "group(arguments, standalone_mode=False)\n"
        "assert not {'tensorflow', 'keras'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)


def test_missing_vectors_are_explained(call, scored, tmp_path):
    shutil.copy(scored / "library.db", tmp_path / "library.db")
    outcome = call("library", "search", "--like", scored / "demo.wav", "--db", tmp_path / "library.db")
    with Database(tmp_path / "library.db") as database:
        assert str(vectors_path(database, database.find_model())) in outcome.err


def test_the_report_is_one_page(library, folder):
    assert library("report", "r.html").out == "Wrote r.html\n"
    text = (folder / "r.html").read_text(encoding="utf-8")
    assert "estimated on music without labels" in text and "=Artist - Track 0" in text
    assert "must end in .html" in library("report", "r.pdf").err
