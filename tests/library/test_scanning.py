"""A scan tags each recording once, whatever happens to the files, the disk, the decoders and the process."""

import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import time

import mutagen
import numpy as np
import pytest
import soundfile

from keras_musictag import MusicTagError
from keras_musictag.library import Database, ScanSummary, read_vectors, rescan_problems, scan, scanning, vectors_path
from keras_musictag.library.music_files import Volume
from keras_musictag.runtimes import EngineTagger
from tests.library.music_folder import write_music

TRACKS = ("a.mp3", "b.ogg", "deep/er/c.flac", "d.m4a", "long.wav", "minus.wav")


@pytest.fixture(scope="session")
def model(exported_vgg_onnx):
    return exported_vgg_onnx


@pytest.fixture(scope="module")
def scanned(tmp_path_factory, model):
    """A folder after its first scan: six recordings, a copy, and two files that are not music. Tests copy it."""
    folder = tmp_path_factory.mktemp("scanned")
    music = folder / "music"
    (music / "deep" / "er").mkdir(parents=True)
    for seed, name in enumerate(TRACKS[:4]):
        write_music(music / name, 4.0, seed)
    samples = np.random.default_rng(0).normal(0, 0.1, 16000 * 40)  # more than one batch
    soundfile.write(music / "long.wav", samples, 16000)
    soundfile.write(music / "minus.wav", np.stack([samples[:90000], -samples[:90000]], axis=1), 16000)
    shutil.copy(music / "a.mp3", music / "copy.mp3")
    (music / "empty.mp3").touch()
    (music / "text.ogg").write_text("words")
    with Database(folder / "library.db", create=True) as database:
        summary = scan([music], database, [model], engine="onnx", jobs=2)
    return folder, summary


@pytest.fixture
def again(scanned, tmp_path, model):
    """A copy of the scanned folder, and a function that scans it."""
    folder = tmp_path / "again"
    shutil.copytree(scanned[0], folder)
    with Database(folder / "library.db") as database:
        prefix = os.fsencode(scanned[0]), os.fsencode(folder)
        rows = database.connection.execute("SELECT id, path FROM files").fetchall()
        moved = [(path.replace(*prefix), number) for number, path in rows]
        database.connection.executemany("UPDATE files SET path = ? WHERE id = ?", moved)

        def run(**options):
            options = {"models": [model], "engine": "onnx", "jobs": 1, **options}
            return scan([folder / "music"], database, **options)

        yield folder / "music", database, run


def counts(summary: ScanSummary):
    return {name: getattr(summary, name) for name in ("tagged", "known", "unchanged", "missing", "problems")}


def files(database):
    return {os.path.basename(file.path): file for file in database.scored_files(database.find_model())}


def test_each_recording_is_tagged_once(scanned):
    assert counts(scanned[1]) == {"tagged": 6, "known": 1, "unchanged": 0, "missing": 0, "problems": 2}
    assert scanned[1].done == scanned[1].to_read == scanned[1].found == 9


@pytest.mark.filterwarnings("ignore:minus.wav")
def test_results_are_those_of_tag_and_embed(scanned, model):
    tagger = EngineTagger(model)
    with Database(scanned[0] / "library.db") as database:
        vectors, found = read_vectors(database, database.find_model()), files(database)
    for name in TRACKS:
        path, stored = scanned[0] / "music" / name, found[os.path.basename(name)]
        wanted = tagger.tag(path)
        np.testing.assert_allclose(stored.scores, wanted.scores, atol=1e-6)
        assert (stored.duration_seconds, stored.notes) == (wanted.duration_seconds, wanted.notes)
        embedding = tagger.embed(path).mean(axis=0)
        np.testing.assert_allclose(vectors[stored.vector_row], embedding, rtol=1e-5, atol=1e-5)
    assert "was used alone" in found["minus.wav"].notes[0]
    assert found["copy.mp3"].track == found["a.mp3"].track


def test_each_problem_has_a_reason(scanned):
    with Database(scanned[0] / "library.db") as database:
        empty, text = database.problems()
    assert empty.path.endswith("empty.mp3") and empty.reason.startswith("The file is empty (0 bytes)")
    assert text.path.endswith("text.ogg") and "not audio that can be opened" in text.reason


def test_a_second_scan_reads_nothing(again):
    _, database, run = again
    before = database.connection.execute("SELECT * FROM files ORDER BY id").fetchall()
    summary = run()
    assert counts(summary) == {"tagged": 0, "known": 0, "unchanged": 9, "missing": 0, "problems": 0}
    assert summary.known_problems == 2
    assert database.connection.execute("SELECT * FROM files ORDER BY id").fetchall() == before


def test_changed_files_are_recognised_by_their_audio(again):
    music, database, run = again
    (music / "a.mp3").rename(music / "moved.mp3")
    (music / "b.ogg").unlink()
    tags = mutagen.File(music / "deep" / "er" / "c.flac")
    tags["artist"], tags["date"] = "Somebody", "1999"
    tags.save()
    shutil.copy(music / "d.m4a", music / "second.m4a")
    os.utime(music / "long.wav")
    assert counts(run()) == {"tagged": 0, "known": 4, "unchanged": 5, "missing": 2, "problems": 0}
    found = files(database)
    assert found["c.flac"].labels.artist == "Somebody" and found["c.flac"].labels.year == 1999
    assert found["moved.mp3"].track == found["copy.mp3"].track
    assert not {"a.mp3", "b.ogg"} & set(found)


def test_a_missing_file_that_comes_back_is_unchanged(again):
    music, database, run = again
    (music / "b.ogg").rename(music.parent / "b.ogg")
    assert run().missing == 1 and run().missing == 0
    (music.parent / "b.ogg").rename(music / "b.ogg")
    assert counts(run())["unchanged"] == 9 and "b.ogg" in files(database)


@pytest.mark.needs("posix")
def test_files_below_what_cannot_be_read_are_not_missing(again):
    music, database, run = again
    (music / "deep").rename(music / "deep.mp3")
    assert run().missing == 1
    shutil.rmtree(music / "deep.mp3")
    (music / "deep.mp3").symlink_to(music / "deep.mp3")
    summary = run()
    assert (summary.missing, summary.problems) == (0, 1) and "c.flac" in files(database)


def test_empty_folders_without_known_files_are_not_reported(again):
    music, _, run = again
    (music / "empty").mkdir()
    (music / "deep" / "er" / "c.flac").unlink()
    assert [os.path.basename(path) for path, _ in run().closed] == ["er"]


def test_an_unplugged_drive_marks_nothing_as_missing(again):
    music, database, run = again
    shutil.rmtree(music / "deep" / "er")
    (music / "deep" / "er").mkdir()  # a mount point
    summary = run()
    assert summary.missing == 0 and summary.closed[0][0].endswith("er") and "c.flac" in files(database)
    shutil.rmtree(music / "deep")
    assert run().missing == 1
    shutil.rmtree(music)
    with pytest.raises(FileNotFoundError, match="Nothing was changed"):
        run()
    music.mkdir()
    (music / "readme.txt").touch()
    with pytest.raises(MusicTagError, match="no music files"):
        run()
    assert len(files(database)) == 6


def test_another_model_shares_what_is_known(again, model, tmp_path):
    music, database, run = again
    other = tmp_path / "other"
    shutil.copytree(model, other)
    artefact = json.loads((other / "artefact.json").read_text())
    artefact["name"] = "other-model"
    artefact["model"]["chunking"]["hop_samples"] //= 2
    (other / "artefact.json").write_text(json.dumps(artefact))
    write_music(music / "new.flac", 7.0, seed=9)
    assert counts(run(models=[model, other])) == {"tagged": 7, "known": 1, "unchanged": 2, "missing": 0, "problems": 0}
    first, second = database.models()
    for stored, folder in ((first, model), (second, other)):
        found = {os.path.basename(file.path): file for file in database.scored_files(stored)}
        for name in ("new.flac", "long.wav"):
            np.testing.assert_allclose(found[name].scores, EngineTagger(folder).tag(music / name).scores, atol=1e-6)
    assert read_vectors(database, first).shape == (7, 256) and read_vectors(database, second).shape == (7, 256)
    assert counts(run(models=[model, other]))["unchanged"] == 10


def test_problems_are_tried_again_on_request(again):
    music, database, run = again
    assert database.retry_problems() == 2
    assert counts(run()) == {"tagged": 0, "known": 0, "unchanged": 7, "missing": 0, "problems": 2}
    shutil.copy(music / "a.mp3", music / "empty.mp3")
    assert counts(run()) == {"tagged": 0, "known": 1, "unchanged": 8, "missing": 0, "problems": 0}


def test_problems_are_read_again_at_once(again, model):
    music, database, _ = again
    shutil.copy(music / "a.mp3", music / "empty.mp3")
    os.truncate(music / "b.ogg", 5)  # not a problem yet, and not read
    options = {"models": [model], "engine": "onnx", "jobs": 1}
    assert counts(rescan_problems(database, **options)) == {
        "tagged": 0,
        "known": 1,
        "unchanged": 0,
        "missing": 0,
        "problems": 1,
    }
    assert [os.path.basename(problem.path) for problem in database.problems()] == ["text.ogg"]
    (music / "text.ogg").rename(music.parent / "text.ogg")  # its drive is not connected
    assert rescan_problems(database, **options).found == 0 and len(database.problems()) == 1
    (music.parent / "text.ogg").rename(music / "text.ogg")
    with pytest.raises(MusicTagError, match="can be loaded by its name: vgg-mtat-v1. Name one"):
        rescan_problems(database)


def test_lost_vectors_are_computed_again(again):
    _, database, run = again
    path = vectors_path(database, database.find_model())
    before = np.sort(read_vectors(database, database.find_model()), axis=0)
    with open(path, "r+b") as file:
        file.truncate(4 * 256 * 4 + 10)
    assert run().tagged == 2
    np.testing.assert_allclose(np.sort(read_vectors(database, database.find_model()), axis=0), before, atol=1e-5)


def test_only_one_scan_writes(again):
    _, database, run = again
    with Database(database.path) as other, other.writing(), pytest.raises(MusicTagError, match="Another process"):
        run()


def test_a_full_disk_is_an_error_and_loses_nothing(again):
    music, database, run = again
    for seed in range(20, 40):
        write_music(music / f"{'long name ' * 20}{seed}.flac", 0.1, seed)
    (pages,) = database.connection.execute("PRAGMA page_count").fetchone()
    database.connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(MusicTagError, match="cannot be written .*full.*resume"):
        run()
    stored = len(files(database))
    database.connection.execute("PRAGMA max_page_count = 100000")
    summary = run()
    assert (summary.unchanged, summary.tagged, summary.problems) == (stored + 2, 27 - stored, 0)
    vectors = read_vectors(database, database.find_model())
    assert len(vectors) == 26 and np.abs(vectors).max(axis=1).min() > 0
    assert database.connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.needs("posix")
def test_a_folder_that_goes_during_the_scan_ends_it(again):
    music, database, run = again
    for seed in range(20, 23):
        write_music(music / f"{seed}.flac", 4.0, seed)

    def unplug(summary):
        if music.exists():
            music.rename(music.parent / "unplugged")

    with pytest.raises(MusicTagError, match="can no longer be read .*drive or network share"):
        run(report=unplug)
    assert len(database.problems()) == 2 and len(files(database)) == 7
    (music.parent / "unplugged").rename(music)
    assert counts(run()) == {"tagged": 3, "known": 0, "unchanged": 9, "missing": 0, "problems": 0}


@pytest.mark.needs("posix")
def test_a_share_below_the_folder_ends_the_scan_when_it_goes(again):
    """Another folder in its place stands in for the file system that a share covers."""
    music, database, run = again
    share = music / "share"
    share.mkdir()
    for seed in range(20, 23):
        write_music(share / f"{seed}.flac", 4.0, seed)
    device = os.stat(share).st_dev
    real = scanning.ScanPlan

    def plan(*arguments):
        made = real(*arguments)
        made.volumes.append(Volume(str(share), device))
        return made

    def unplug(summary):
        if share.exists():
            share.rename(music.parent / "unplugged")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(scanning, "ScanPlan", plan)
        with pytest.raises(MusicTagError, match="share' can no longer be read"):
            run(report=unplug)
    assert len(database.problems()) == 2 and len(files(database)) == 7
    (music.parent / "unplugged").rename(share)
    assert counts(run()) == {"tagged": 3, "known": 0, "unchanged": 9, "missing": 0, "problems": 0}


@pytest.mark.needs("posix")
def test_a_decoder_that_crashes_loses_one_file(again):
    music, database, run = again
    for seed in range(6):  # more than the queue holds, so that the worker is busy when the first one is tagged
        soundfile.write(music / f"{seed}.wav", np.random.default_rng(seed).normal(0, 0.1, 30 * 16000), 16000)

    killed = []

    def attack(summary):
        if summary.tagged and not killed:
            killed.extend(multiprocessing.active_children())
            os.kill(killed[0].pid, signal.SIGSEGV)

    summary = run(report=attack)
    assert (summary.tagged, summary.problems) == (5, 1)
    assert [p.reason for p in database.problems() if "decoder" in p.reason] == [
        f"The decoder crashed on this file (exit code {-signal.SIGSEGV})."
    ]


PROGRAM = """
import sys
from keras_musictag.library import Database, scan
if __name__ == "__main__":
    with Database(sys.argv[2], create=True) as database:
        report = lambda summary: print(summary.tagged, flush=True)
        scan([sys.argv[1]], database, [sys.argv[3]], engine="onnx", jobs=2, report=report)
"""


@pytest.mark.needs("posix")
def test_a_killed_scan_resumes(tmp_path, model):
    music = tmp_path / "music"
    music.mkdir()
    for seed in range(12):
        write_music(music / f"{seed}.flac", 20.0 if seed > 5 else 4.0, seed)
    (tmp_path / "program.py").write_text(PROGRAM)
    arguments = [sys.executable, tmp_path / "program.py", music, tmp_path / "library.db", model]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        begun = next(int(line) for line in process.stdout if int(line) >= 6)
        time.sleep(1.2)  # a second after which it must be stored
        process.kill()
    with Database(tmp_path / "library.db") as database:
        stored = len(files(database))
        assert stored >= begun
        rows = [file.vector_row for file in files(database).values()]
        assert len(set(rows)) == stored and read_vectors(database, database.find_model()).shape[0] == max(rows) + 1
        summary = scan([music], database, [model], engine="onnx", jobs=2)
        assert (summary.unchanged, summary.tagged) == (stored, 12 - stored)
        assert len(files(database)) == 12


def test_what_report_raises_ends_the_scan(again):
    music, _, run = again
    write_music(music / "new.flac", 4.0, 20)

    def stop(summary):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(report=stop)
    assert not multiprocessing.active_children()
    assert run().tagged == 1


def test_arguments_are_checked(again):
    _, _, run = again
    with pytest.raises(ValueError, match="`jobs` must be 1 or more. Received: 0"):
        run(jobs=0)
    with pytest.raises(ValueError, match="`stall_seconds`"):
        run(stall_seconds=0)
    with pytest.raises(ValueError, match="`models`"):
        run(models=[])
    with pytest.raises(ValueError, match="trained weights"):
        run(models=["vgg"], weights=None, engine=None)
