"""The installed command on real lists: a few dozen tracks have audio, some of it bad; all others are missing."""

import csv
import os
import subprocess
import sysconfig
from pathlib import Path

import numpy as np
import pytest

from keras_musictag.datasets.msd import manifest as msd_manifest
from keras_musictag.datasets.mtat import manifest as mtat_manifest
from keras_musictag.datasets.mtg_jamendo import manifest as jamendo_manifest
from keras_musictag.records import Records
from tests.datasets import official_mtat
from tests.datasets.official_audio import plant_bad_files, write_mp3

pytestmark = [pytest.mark.needs("shared"), pytest.mark.slow]
GOOD = 8  # files per part
ROWS = 1500  # per part, from lists whose hundreds of thousands of missing files would only take time
BAD_MTAT = {"35644", "55753", "57881"}


def run(*arguments):
    """The installed console script, in a separate process."""
    script = Path(sysconfig.get_path("scripts")) / "keras-musictag"
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("TF_", "KERAS", "PYTEST"))}
    done = subprocess.run([script, "prepare", *map(str, arguments)], env=environment, capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


def make_audio(manifest, folder):
    """Writes eight good files per part, one cut in half, and five bad ones in train; returns the tracks by kind."""
    random = np.random.default_rng(5)
    made = {"good": []}
    for part in ("train", "valid", "test"):
        tracks = [track for track in manifest.tracks if track.part == part]
        made["good"] += [tracks[number] for number in random.choice(len(tracks), GOOD, replace=False)]
    for index, track in enumerate(made["good"]):
        write_mp3(folder / track.path, index)
    used = {track.path for track in made["good"]}
    cut, *bad = [track for track in manifest.tracks if track.part == "train" and track.path not in used][1000:1006]
    write_mp3(folder / cut.path, 50, seconds=2.0)
    content = (folder / cut.path).read_bytes()
    (folder / cut.path).write_bytes(content[: len(content) // 2])
    kinds = plant_bad_files([folder / track.path for track in bad], folder / made["good"][0].path)
    return made | {"cut": cut, "bad": dict(zip(kinds, bad, strict=True))}


def skipped_rows(out):
    with open(out / "skipped.csv", encoding="utf-8", newline="") as file:
        return {row["track_id"]: row["reason"] for row in csv.DictReader(file)}


def check(records, manifest, made):
    """Checks what holds for all three datasets: the tracks with their labels and audio, and why others are missing."""
    stored = {track.track_id: track for track in records}
    kept = [*made["good"], made["cut"]]
    assert set(stored) == {track.track_id for track in kept}
    assert records.vocabulary == manifest.vocabulary
    for index, track in enumerate(kept):
        found = stored[track.track_id]
        assert (found.part, found.path) == (track.part, track.path)
        assert manifest.tracks[found.track_index] == track
        record = records.read(found)
        assert {records.vocabulary[tag] for tag in np.flatnonzero(record.labels)} == set(track.tags)
        if track is not made["cut"]:
            samples = np.frombuffer(record.audio, "<i2").astype(float)
            peak_hz = np.abs(np.fft.rfft(samples)).argmax() * record.sample_rate_hz / len(samples)
            assert abs(peak_hz - (100 + 10 * index)) < 3  # the tone of this track
    reasons = skipped_rows(records.folder)
    assert len(reasons) == len(manifest.tracks) - len(kept) + len(manifest.skipped)
    for kind, track in made["bad"].items():
        assert reasons.pop(track.track_id) != "The file is missing.", kind
    left_out = {skipped.track_id: skipped.reason for skipped in manifest.skipped}
    assert {name: reason for name, reason in reasons.items() if reason != "The file is missing."} == left_out
    assert records.info["split_sha256"] == manifest.split_sha256
    assert records.info["licence"] == manifest.licence


@pytest.fixture(scope="module")
def mtat_made(mtat_raw, cleaned, tmp_path_factory):
    """A raw folder as after the download: the annotations, and the clips in `mp3`."""
    raw = tmp_path_factory.mktemp("mtat_audio")
    (raw / "annotations_final.csv").symlink_to(mtat_raw / "annotations_final.csv")
    made = make_audio(cleaned, raw / "mp3")
    for skipped in cleaned.skipped:
        (raw / "mp3" / skipped.path).parent.mkdir(parents=True, exist_ok=True)
        (raw / "mp3" / skipped.path).touch()  # 0 bytes, as published
    return raw, made


def test_mtat_is_prepared_with_the_published_labels(mtat_made, tmp_path):
    raw, made = mtat_made
    code, out, err = run("mtat", raw, tmp_path / "out", "--allow-missing", "--jobs", 1)
    assert code == 0, err
    records = Records(tmp_path / "out")
    check(records, mtat_manifest(raw), made)
    assert skipped_rows(tmp_path / "out")["35644"] == "Known bad: the published MP3 cannot be read."
    assert BAD_MTAT <= set(skipped_rows(tmp_path / "out"))
    for part, name in (("valid", "val"), ("test", "test")):
        ids, labels, tags = official_mtat.jordipons(name)
        columns = [tags.index(tag) for tag in records.vocabulary]
        rows = labels[[ids.index(track.track_id) for track in records.part(part)]][:, columns]
        np.testing.assert_array_equal(records.labels(part), rows)
    assert "skipped" in out


def test_mtat_with_missing_files_is_refused_unless_allowed(mtat_made, tmp_path):
    code, _, err = run("mtat", mtat_made[0], tmp_path / "out")
    assert code in (1, 2)
    assert "21,075 of 21,105 files of mtat are missing" in err.replace("\n", " ") and "--allow-missing" in err
    assert not (tmp_path / "out" / "dataset.json").exists()


def test_mtat_with_other_counts_than_published_is_refused(mtat_raw, tmp_path):
    lines = (mtat_raw / "annotations_final.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (tmp_path / "annotations_final.csv").write_text("".join(lines[:-10]), encoding="utf-8")
    code, _, err = run("mtat", tmp_path, tmp_path / "out")
    assert code in (1, 2) and "differ from the published ones" in err and "train 15,244" in err
    assert not (tmp_path / "out" / "dataset.json").exists()


@pytest.fixture
def msd_short(msd_full_raw, tmp_path):
    """The first 1,500 rows of each of the real files."""
    raw = tmp_path / "MSD_split_for_tagging"
    raw.mkdir()
    for path in msd_full_raw.iterdir():
        if path.suffix == ".npy":
            np.save(raw / path.name, np.load(path)[:ROWS])
        else:
            (raw / path.name).write_text("".join(path.read_text().splitlines(keepends=True)[:ROWS]))
    return tmp_path


def test_msd_is_prepared_with_the_published_labels(msd_short, full, tmp_path):
    manifest = msd_manifest(msd_short, "full")
    of_full = {track.track_id: track for track in full.tracks}
    assert all(of_full[track.track_id] == track for track in manifest.tracks)
    check_prepared("msd", msd_short, manifest, tmp_path, "--split", "full")


@pytest.fixture
def jamendo_short(jamendo_raw, tmp_path):
    """The first 1,500 rows of each of the real files of split-3."""
    folder = tmp_path / "data" / "splits" / "split-3"
    folder.mkdir(parents=True)
    for path in (jamendo_raw / "data" / "splits" / "split-3").iterdir():
        (folder / path.name).write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[: ROWS + 1]))
    return tmp_path


def test_mtg_jamendo_is_prepared_with_the_published_labels(jamendo_short, jamendo, tmp_path):
    manifest = jamendo_manifest(jamendo_short, 3)
    of_all = {track.track_id: track for track in jamendo(3).tracks}
    assert all(of_all[track.track_id] == track for track in manifest.tracks)
    check_prepared("mtg-jamendo", jamendo_short, manifest, tmp_path, "--split", 3)


def check_prepared(dataset, raw, manifest, tmp_path, *options):
    made = make_audio(manifest, tmp_path / "else")
    options = (*options, "--audio", tmp_path / "else", "--jobs", 1)
    code, _, err = run(dataset, raw, tmp_path / "out", *options)
    assert code in (1, 2) and "differ from the published ones" in err and "--allow-missing" in err
    assert not (tmp_path / "out" / "dataset.json").exists()
    code, _, err = run(dataset, raw, tmp_path / "out", "--allow-missing", *options)
    assert code == 0, err
    check(Records(tmp_path / "out"), manifest, made)


def test_a_wrong_folder_gives_one_line_of_advice(tmp_path):
    for dataset, name in (
        ("mtat", "annotations_final.csv"),
        ("msd", "filtered_list_train.cP"),
        ("mtg-jamendo", "split-0"),
    ):
        code, out, err = run(dataset, tmp_path, tmp_path / "out")
        assert code in (1, 2) and name in err and "Traceback" not in err and out == ""
