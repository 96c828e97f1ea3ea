"""Million Song Dataset, on the real lists and labels as far as they are known, and on files that do not fit."""

import gzip
import json

import numpy as np
import pytest

from keras_musictag.datasets import msd
from keras_musictag.datasets.msd import manifest
from keras_musictag.errors import DatasetError, UnknownNameError
from tests.datasets import official_msd as official
from tests.datasets.official_msd import py2_dict, py2_list, py2_vectors
from tests.shared import FOLDER

TAGS = list(msd.read_spec("msd").vocabulary)


def label_rows(tracks, vocabulary):
    position = {tag: number for number, tag in enumerate(vocabulary)}
    rows = np.zeros((len(tracks), len(vocabulary)), bool)
    for row, track in zip(rows, tracks, strict=True):
        row[[position[tag] for tag in track.tags]] = True
    return rows


def bad_ids():
    return set(
        json.loads((official.DATA / "known_bad_7digital_ids.json").read_text())["invalid_audio_train_7digital_ids"]
    )


@pytest.mark.needs("shared")
def test_the_full_split_has_the_published_counts(full):
    assert full.counts == full.published_counts == {"train": 201680 - 84, "valid": 12634, "test": 28540}
    assert {skipped.path.split("/")[2].split(".")[0] for skipped in full.skipped} == bad_ids()


@pytest.mark.needs("shared")
@pytest.mark.parametrize("part", ["valid", "test"])
def test_the_full_split_is_the_published_one_row_by_row(full, part):
    tracks = [track for track in full.tracks if track.part == part]
    assert [track.track_id for track in tracks] == official.lines(f"{part}_x_msd_id")
    assert [track.path.split("/")[-1] for track in tracks] == [
        f"{i}.clip.mp3" for i in official.lines(f"{part}_x_7d_id")
    ]
    rows = label_rows(tracks, full.vocabulary)
    np.testing.assert_array_equal(rows, official.true_labels(part))
    assert rows.any(axis=1).all()


@pytest.mark.needs("shared")
def test_the_tags_have_the_published_order(full):
    tags = list(full.vocabulary)
    assert tags == json.loads((FOLDER / "reference" / "labels.json").read_text())["msd"]
    assert tags == json.loads((official.DATA / "keunwoochoi" / "tags.json").read_text())
    assert tags == (official.DATA / "50tagList.txt").read_text().splitlines()


@pytest.mark.needs("shared")
def test_two_pairs_of_train_tracks_share_a_preview(full):
    paths = [track.path for track in full.tracks]
    assert len(paths) - len(set(paths)) == 2
    assert len({track.track_id for track in full.tracks}) == len(paths)


@pytest.mark.needs("shared")
def test_a_preview_is_below_two_digits_of_its_id(full):
    path = {track.track_id: track.path for track in full.tracks}
    assert path["TRAAAAK128F9318786"] == "5/5/5504670.clip.mp3"
    assert {track.path.split(".")[0].count("/") for track in full.tracks} == {2}


@pytest.mark.needs("shared")
@pytest.mark.slow
def test_the_filtered_split_is_the_published_one(msd_filtered_raw, full):
    filtered = manifest(msd_filtered_raw)
    assert filtered.counts == filtered.published_counts == {"train": 201680 - 84, "valid": 11774, "test": 28435}
    test = [track for track in filtered.tracks if track.part == "test"]
    with gzip.open(official.DATA / "jongpillee" / "filtered_list_test.cP.gz", "rt") as file:
        published = [line[2:-2] for line in file if line.startswith(("S'", "aS'"))]
    assert [track.track_id for track in test] == [name.strip("'") for name in published]
    of_full = {track.track_id: track for track in full.tracks}
    assert all(of_full[track.track_id] == track for track in filtered.tracks)
    assert {skipped.track_id for skipped in filtered.skipped} == {skipped.track_id for skipped in full.skipped}


# Small files of the same formats. TRx is the MSD id, 10 to 14 are 7digital ids.
IDS = {"train": ["TRA", "TRB"], "valid": ["TRC"], "test": ["TRD", "TRE"]}
LABELS = {name: tuple(n == i for n in range(50)) for i, name in enumerate("TRA TRB TRC TRD TRE".split())}


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A folder of the "filtered" files with five tracks, two of them in train."""
    monkeypatch.setattr(msd, "NUM_TRAIN", 2)
    preview = {name: str(10 + number) for number, name in enumerate(LABELS)}
    folder = tmp_path / "MSD_split"
    folder.mkdir()
    (folder / "filtered_list_train.cP").write_bytes(py2_list(IDS["train"] + IDS["valid"]))
    (folder / "filtered_list_test.cP").write_bytes(py2_list(IDS["test"]))
    (folder / "MSD_id_to_7D_id.pkl").write_bytes(py2_dict(preview))
    (folder / "7D_id_to_path.pkl").write_bytes(py2_dict({i: f"1/{i[1]}/{i}.clip.mp3" for i in preview.values()}))
    (folder / "msd_id_to_tag_vector.cP").write_bytes(py2_vectors(LABELS))
    (folder / "50tagList.txt").write_text("\n".join(TAGS) + "\n")
    return folder


def test_the_train_list_continues_with_the_valid_tracks(small):
    found = manifest(small.parent)
    assert {part: [t.track_id for t in found.tracks if t.part == part] for part in IDS} == IDS
    assert [track.tags for track in found.tracks] == [(tag,) for tag in TAGS[:5]]
    assert found.file(found.tracks[3]) == small.parent / "1/3/13.clip.mp3"
    assert manifest(small).tracks == found.tracks  # the folder of the files works too


def test_numbers_as_7digital_ids_are_read(small):
    numbers = ("(dp1\n" + "".join(f"S'{name}'\nI{10 + n}\ns" for n, name in enumerate(LABELS)) + ".").encode()
    paths = ("(dp1\n" + "".join(f"I{10 + n}\nS'1/{n}/{10 + n}.clip.mp3'\ns" for n in range(5)) + ".").encode()
    (small / "MSD_id_to_7D_id.pkl").write_bytes(numbers)
    (small / "7D_id_to_path.pkl").write_bytes(paths)
    assert manifest(small).tracks[1].path == "1/1/11.clip.mp3"


WRONG = {
    "filtered_list_train.cP": (py2_list(["TRA", "TRB"]), "must hold 2 train tracks, then the valid"),
    "filtered_list_test.cP": (py2_dict({"TRA": "1"}), "must hold a list of MSD ids"),
    "MSD_id_to_7D_id.pkl": (py2_dict({"TRA": "10"}), "no entry for 'TRB'"),
    "7D_id_to_path.pkl": (py2_dict({"10": "../../a.mp3"}), "within the audio folder"),
    "msd_id_to_tag_vector.cP": (py2_vectors({name: (True,) * 49 for name in LABELS}), "50 zeros and ones"),
    "50tagList.txt": (b"pop\nrock\n", "in that order"),
}


@pytest.mark.parametrize("value", [b")" + b"\x85" * 200_000, b"(l", b"N"])  # hashing the first would end the process
@pytest.mark.parametrize("name", ["MSD_id_to_7D_id.pkl", "7D_id_to_path.pkl", "msd_id_to_tag_vector.cP"])
def test_a_dict_with_other_values_is_refused(small, name, value):
    key = b"10" if name == "7D_id_to_path.pkl" else b"TRA"
    (small / name).write_bytes(b"(dS'%s'\n%ss." % (key, value))
    with pytest.raises(DatasetError, match=rf"{name}' must hold a dict of (arrays|strings)"):
        manifest(small)


@pytest.mark.parametrize("name", WRONG)
def test_a_file_that_does_not_fit_is_refused_by_name(small, name):
    content, message = WRONG[name]
    (small / name).write_bytes(content)
    with pytest.raises(DatasetError, match=message) as error:
        manifest(small)
    assert name in str(error.value)
    (small / name).unlink()
    with pytest.raises(DatasetError, match="no file .*MSD_split"):
        manifest(small.parent)


def test_labels_other_than_0_and_1_are_refused(small):
    content = py2_vectors(LABELS).replace(b"S'b1'", b"S'i1'").replace(b"\\x01", b"\\x07")
    (small / "msd_id_to_tag_vector.cP").write_bytes(content)
    with pytest.raises(DatasetError, match="must hold 50 zeros and ones for 'TRA'"):
        manifest(small)


@pytest.fixture
def small_full(tmp_path):
    """A folder of the "full" files with five tracks."""
    previews = {"train": ["10", "11"], "valid": ["12"], "test": ["13", "14"]}
    for part, ids in IDS.items():
        (tmp_path / f"{part}_x_msd_id.txt").write_text("\n".join(ids) + "\n")
        (tmp_path / f"{part}_x_7d_id.txt").write_text("\n".join(previews[part]) + "\n")
        np.save(tmp_path / f"{part}_y.npy", np.array([LABELS[name] for name in ids]))
    return tmp_path


def test_the_small_full_split_is_read(small_full):
    found = manifest(small_full, "full")
    assert [track.tags for track in found.tracks] == [(tag,) for tag in TAGS[:5]]
    assert found.published_counts["train"] == 201680


def npy(array, folder, **options):
    np.save(folder / "test_y.npy", array, **options)


WRONG_FULL = {
    "too few rows": (lambda f: npy(np.zeros((1, 50), bool), f), "Received: 2, 2 and 1 rows"),
    "too few tags": (lambda f: npy(np.zeros((2, 49), bool), f), r"shape \(tracks, 50\)"),
    "other numbers": (lambda f: npy(np.full((2, 50), 7), f), "zeros and ones"),
    "objects": (lambda f: npy(np.full((2, 50), print), f, allow_pickle=True), "not an array of numbers"),
    "cut short": (lambda f: (f / "test_y.npy").write_bytes((f / "test_y.npy").read_bytes()[:-9]), "cut short"),
    "a header cut short": (
        lambda f: (f / "test_y.npy").write_bytes((f / "test_y.npy").read_bytes().replace(b", 50)", b", 50 ")),
        "cut short",
    ),
    "not an array": (lambda f: (f / "test_y.npy").write_bytes(b"<html>"), "not an array of numbers"),
    "a huge shape": (
        lambda f: (f / "test_y.npy").write_bytes(
            (f / "test_y.npy").read_bytes().replace(b"(2, 50)", b"(9999999999, 50)")
        ),
        "cut short",
    ),
    "an invalid id": (lambda f: (f / "test_x_7d_id.txt").write_text("13\nx1\n"), "one 7digital id per line"),
    "a track in two parts": (lambda f: (f / "test_x_msd_id.txt").write_text("TRA\nTRE\n"), "more than once: 'TRA'"),
    "no file": (lambda f: (f / "test_y.npy").unlink(), "no file .*test_y.npy"),
}


@pytest.mark.parametrize("name", WRONG_FULL)
def test_files_of_the_full_split_that_do_not_fit_are_refused(small_full, name):
    change, message = WRONG_FULL[name]
    change(small_full)
    with pytest.raises(DatasetError, match=message):
        manifest(small_full, "full")


def test_an_unknown_split_is_refused(tmp_path):
    with pytest.raises(UnknownNameError, match="Known: filtered, full"):
        manifest(tmp_path, "cleaned")
