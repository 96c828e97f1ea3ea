"""A package is built here with dpkg-deb and converted: no network."""

import json
import subprocess
import zipfile

import numpy as np
import pytest

from keras_musictag.audio import read
from scripts.teaching import game_music, store
from scripts.teaching.game_music import PIECE_SECONDS, Package, convert, facts, is_done, make, packages, refuse_excluded
from tests.audio.audio_files import sine, wav_of

RATE_HZ = 16000
TEST_SET = (
    "wesnoth-1.16-music",
    "wesnoth-music",
    "singularity-music",
    "fretsonfire-songs-muldjord",
    "openclonk-data",
    "noiz2sa-data",
    "tumiki-fighters-data",
    "torus-trooper-data",
    "parsec47-data",
    "mu-cade-data",
    "gunroar-data",
    "titanion-data",
    "rrootage-data",
)


@pytest.mark.parametrize("name", TEST_SET)
def test_the_test_set_is_refused_by_name_before_a_download(name, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")  # without apt-get: if the package were not refused, it would not be downloaded
    with pytest.raises(ValueError, match="must not teach them"):
        make(tmp_path, Package(name, "1", "GPL-2+", 1, 60.0))
    with pytest.raises(ValueError, match="must not teach them"):
        refuse_excluded(name.upper())
    assert list(tmp_path.iterdir()) == []


def test_a_list_that_names_the_test_set_is_refused(tmp_path):
    path = tmp_path / "packages.tsv"
    path.write_text("package\tversion\tlicence\ttracks\tseconds\nhedgewars-data\t1\tGPL\t1\t60\n")
    assert packages(path) == [Package("hedgewars-data", "1", "GPL", 1, 60.0)]
    path.write_text(path.read_text() + "titanion-data\t1\tGPL\t1\t60\n")
    with pytest.raises(ValueError, match="'titanion-data'"):
        packages(path)


def test_the_list_states_a_licence_for_each_package_once():
    found = packages()
    assert len({package.name for package in found}) == len(found) == 52
    assert all(package.licence not in ("", "?") for package in found)
    assert 30 < sum(package.seconds for package in found) / 3600 < 36


@pytest.fixture(scope="module")
def deb(tmp_path_factory):
    """A package with a track of 100 s, one of 390 s in a pk3 file, a short sound, and a file that is not audio."""
    root = tmp_path_factory.mktemp("deb") / "root"
    data, doc = root / "usr/share/games/toy", root / "usr/share/doc/toy-data"
    for folder in (data / "music", doc, root / "DEBIAN"):
        folder.mkdir(parents=True)
    (root / "DEBIAN/control").write_text(
        "Package: toy-data\nVersion: 2.0-1\nArchitecture: all\nMaintainer: A <a@b.org>\nDescription: a toy\n"
    )
    (doc / "copyright").write_text("License: CC0-1.0\n")
    (data / "music/one.wav").write_bytes(wav_of(sine(8000, 100), 8000))
    (data / "music/hit.wav").write_bytes(wav_of(sine(8000, 3), 8000))
    (data / "music/broken.ogg").write_bytes(b"no music")
    with zipfile.ZipFile(data / "pak.pk3", "w") as archive:
        archive.writestr("music/two.wav", wav_of(np.zeros((390 * 8000, 1)), 8000))
    path = root.parent / "toy-data.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "-Znone", "--build", root, path], check=True, capture_output=True)
    return path


@pytest.fixture(scope="module")
def out(deb, tmp_path_factory):
    """The folder after the package was converted."""
    folder = tmp_path_factory.mktemp("out")
    convert_again(folder, deb)
    return folder


TOY = Package("toy-data", "1.0-1", "CC0-1.0", 3, 460.0)


def convert_again(out, deb):
    with store.opened(out, "game_music"), store.scratch_folder(out, "game_music") as folder:
        copy = folder / deb.name
        copy.write_bytes(deb.read_bytes())
        convert(out, TOY, copy)


@pytest.mark.needs("dpkg")
def test_tracks_become_pieces_of_at_most_six_minutes(out):
    one, two = sorted((out / "game_music").iterdir())
    assert (one.name, two.name) == ("toy-data__music__one.wav", "toy-data__pak.pk3__music__two.wav")
    pieces = [read(path) for path in sorted(one.iterdir())]
    samples = np.concatenate([piece.samples for piece in pieces])
    assert {piece.sample_rate_hz for piece in pieces} == {RATE_HZ}
    assert max(len(piece.samples) for piece in pieces) <= PIECE_SECONDS * RATE_HZ
    expected = sine(RATE_HZ, 100)[:, 0]
    assert len(samples) == len(expected)
    assert np.abs(samples - expected)[100:-100].max() < 1e-3  # except at the ends, because of the resampler
    assert sum(store.seconds_of(path) for path in two.iterdir()) == 360


@pytest.mark.needs("dpkg")
def test_the_record_states_what_differs_from_the_list(out):
    record = json.loads((out / ".work/game_music/toy-data.json").read_text())
    assert (record["version"], record["tracks"], record["seconds"]) == ("2.0-1", 2, 460.0)
    skipped, version, tracks = record["notes"]
    assert "broken.ogg was skipped" in skipped
    assert str(out) not in skipped
    assert version == "The version is 2.0-1; the list was written for 1.0-1."
    assert tracks == "2 tracks were found; the list states 3."
    assert (out / "licences/toy-data.txt").read_text() == "License: CC0-1.0\n"
    assert facts(out)["packages"]["toy-data"]["files"] == len(record["files"]) == 3 + 8


@pytest.mark.needs("dpkg")
def test_existing_files_are_kept_and_missing_ones_made_again(out, deb):
    assert is_done(out, TOY)
    one, two = sorted((out / "game_music").iterdir())
    before = {path: path.stat().st_mtime_ns for path in two.iterdir()}
    for path in one.iterdir():
        path.unlink()
    one.rmdir()
    half = out / "game_music" / f".{one.name}.part"  # as after a process was killed
    half.mkdir()
    (half / "00.flac").write_bytes(b"half")
    assert not is_done(out, TOY)
    convert_again(out, deb)
    assert is_done(out, TOY)
    assert {path: path.stat().st_mtime_ns for path in two.iterdir()} == before
    assert sorted(path.name for path in (out / "game_music").iterdir()) == [one.name, two.name]
    assert list((out / ".work").glob("game_music.scratch/*")) == []


def test_a_track_in_two_archives_keeps_its_two_names():
    names = game_music._names("game", ["share/a.zip/m/1.ogg", "share/b.zip/m/1.ogg"])
    assert sorted(names.values()) == ["game__a.zip__m__1.ogg", "game__b.zip__m__1.ogg"]


def module_file() -> bytes:
    """A tracker module (.mod) of five patterns of 7.7 s: a square wave at the top of each."""
    sample = bytes([64] * 16 + [192] * 16)
    head = b"tone".ljust(22, b"\0") + (16).to_bytes(2, "big") + bytes((0, 64)) + bytes((0, 0, 0, 16))  # it loops
    header = b"song".ljust(20, b"\0") + head + bytes(30 * 30) + bytes((5, 127)) + bytes(128) + b"M.K."
    note = (0x01AC).to_bytes(2, "big") + bytes((0x10, 0))  # sample 1, C-2
    return header + note + bytes(1024 - len(note)) + sample


@pytest.mark.needs("openmpt123")
def test_a_tracker_module_is_played_once_through(tmp_path):
    (tmp_path / "song.mod").write_bytes(module_file())
    assert game_music._write_pieces(tmp_path / "song.mod", tmp_path / "out")
    (piece,) = (tmp_path / "out").iterdir()
    audio = read(piece)
    assert audio.duration_seconds == pytest.approx(5 * 64 * 6 * 0.02, abs=0.5)  # rows of six ticks of 1/50 s
    assert np.abs(audio.samples).max() > 0.05
