"""MagnaTagATune, on the real lists and labels as far as they are known, and on files that are not as published."""

import gzip
import json

import numpy as np
import pytest

from keras_musictag.datasets._official import read_spec
from keras_musictag.datasets.mtat import manifest
from keras_musictag.errors import DatasetError, UnknownNameError
from tests.datasets import official_mtat as official
from tests.shared import FOLDER

TAGS = list(read_spec("mtat").vocabulary)
BAD = {"35644", "55753", "57881"}


def part(found, name):
    return [track for track in found.tracks if track.part == name]


def label_rows(tracks, tags):
    return np.array([[tag in track.tags for tag in tags] for track in tracks])


@pytest.mark.needs("shared")
def test_parts_have_the_published_counts(cleaned, uncleaned):
    assert cleaned.counts == cleaned.published_counts == {"train": 15244, "valid": 1529, "test": 4332}
    assert uncleaned.counts == uncleaned.published_counts == {"train": 18706, "valid": 1825, "test": 5329}


@pytest.mark.needs("shared")
@pytest.mark.parametrize("name", ["train", "valid", "test"])
def test_the_cleaned_split_is_the_published_list(cleaned, name):
    assert {track.path for track in part(cleaned, name)} == set(official.jongpillee_list(name))


@pytest.mark.needs("shared")
@pytest.mark.parametrize("name", ["valid", "test"])
def test_cleaned_labels_are_those_of_the_published_arrays(cleaned, name):
    paths = official.jongpillee_list(name)
    by_path = {track.path: track for track in cleaned.tracks}
    with gzip.open(official.DATA / "jongpillee" / f"y_{name}_pub.npy.gz") as file:
        published = np.lib.format.read_array(file, allow_pickle=False)
    camel = (official.DATA / "jongpillee" / "top50_tags.txt").read_text().splitlines()
    tags = [official.CAMEL.get(tag, tag) for tag in camel]
    np.testing.assert_array_equal(label_rows([by_path[path] for path in paths], tags), published)


@pytest.mark.needs("shared")
@pytest.mark.parametrize("name", ["valid", "test"])
def test_the_cleaned_split_is_that_of_the_2020_evaluation(cleaned, name):
    with gzip.open(official.DATA / "minzwon" / f"{name}.npy.gz") as file:
        rows = [line.split("\t") for line in np.lib.format.read_array(file, allow_pickle=False)]
    numbered = official.index()
    assert {path for _, path in rows} == {track.path for track in part(cleaned, name)}
    assert all(numbered[int(row)][1] == path for row, path in rows)


@pytest.mark.needs("shared")
@pytest.mark.parametrize(("name", "file"), [("valid", "val"), ("test", "test")])
def test_uncleaned_labels_are_those_of_the_published_lists(uncleaned, name, file):
    ids, labels, tags = official.jordipons(file)
    tracks = {track.track_id: track for track in part(uncleaned, name)}
    assert sorted(tracks) == sorted(ids)
    np.testing.assert_array_equal(label_rows([tracks[clip] for clip in ids], tags), labels)


@pytest.mark.needs("shared")
def test_every_clip_has_its_published_top_20_labels(uncleaned):
    ids, labels, tags = official.top20()
    tracks = {track.track_id: track for track in uncleaned.tracks}
    kept = [row for row, clip in enumerate(ids) if clip not in BAD]
    np.testing.assert_array_equal(label_rows([tracks[ids[row]] for row in kept], tags), labels[kept])
    # two clips of valid and test are missing among those published with the 20 tags, although they have some
    more = {clip for clip, track in tracks.items() if set(track.tags) & set(tags)} - set(ids)
    assert more == {"31533", "19588"}


@pytest.mark.needs("shared")
def test_the_test_part_has_3_27_tags_per_clip(cleaned):
    tags = [tag for track in part(cleaned, "test") for tag in track.tags]
    assert len(tags) == 14149
    assert (tags.count("guitar"), tags.count("cello")) == (875, 20)


@pytest.mark.needs("shared")
def test_the_order_of_the_tags_is_that_of_the_published_weights(cleaned):
    assert list(cleaned.vocabulary) == json.loads((FOLDER / "reference" / "labels.json").read_text())["mtat"]


@pytest.mark.needs("shared")
def test_what_is_left_out_is_listed_with_its_reason(cleaned, uncleaned):
    assert {skipped.track_id for skipped in uncleaned.skipped} == BAD
    unlisted = {skipped.track_id for skipped in cleaned.skipped if "published list" in skipped.reason}
    assert {skipped.track_id for skipped in cleaned.skipped} - unlisted == BAD
    ids, labels, _ = official.top20()
    assert unlisted == {"29", "11268", "11269"}
    assert all(labels[ids.index(clip)].any() for clip in unlisted)  # the rule alone would keep them


HEADER = ["clip_id", *TAGS, *(f"tag {n}" for n in range(138)), "mp3_path"]


def write_small(folder, cells):
    """An annotation file with one clip that has the 50 tags, unless `cells` says otherwise."""
    row = {name: "1" if name in TAGS else "0" for name in HEADER} | {"clip_id": "2", "mp3_path": "f/a.mp3"} | cells
    lines = ("\t".join(f'"{value}"' for value in values) for values in (HEADER, row.values()))
    (folder / "annotations_final.csv").write_text("\n".join(lines) + "\n")


def test_the_audio_folder_is_found_or_given(tmp_path):
    write_small(tmp_path, {})
    found = manifest(tmp_path)
    assert found.file(found.tracks[0]) == tmp_path / "f/a.mp3"
    (tmp_path / "mp3").mkdir()
    assert manifest(tmp_path).audio_folder == tmp_path / "mp3"
    assert manifest(tmp_path, audio=tmp_path / "x").audio_folder == tmp_path / "x"


def test_the_tags_take_the_order_of_the_weights(tmp_path):
    write_small(tmp_path, {"metal": "1", "choral": "1"})
    assert list(manifest(tmp_path).vocabulary) == TAGS


def test_merged_synonyms_are_detected(tmp_path):
    write_small(tmp_path, {"female voice": "0", "tag 7": "1"})
    with pytest.raises(DatasetError, match="'female voice' has 0 clips, but 'tag 7' has 1.*Were synonyms merged"):
        manifest(tmp_path)


@pytest.mark.parametrize(
    ("folder", "part"), [("0", "train"), ("b", "train"), ("c", "valid"), ("d", "test"), ("f", "test")]
)
def test_the_part_follows_from_the_folder(tmp_path, folder, part):
    write_small(tmp_path, {"mp3_path": f"{folder}/a.mp3"})
    assert [track.part for track in manifest(tmp_path).tracks] == [part]


TOP = '"clip_id"\t' + "\t".join(f'"tag {n}"' for n in range(188)) + '\t"mp3_path"\n'
ROW = '"2"\t' + "\t".join(['"0"'] * 188) + '\t"f/a.mp3"\n'
WRONG = {
    "separated by commas": (TOP.replace("\t", ","), "separated by TABs"),
    "another table": ("clip_id\ttrack_number\ttitle\n", "190 columns"),
    "a web page": ("<html>\n", "annotation file as downloaded"),
    "another value in a cell": (TOP + ROW.replace('"0"', '"2"', 1), "line 2: expected an id, 188 values of 0 or 1"),
    "a line that ends early": (TOP + ROW + ROW[:300], "line 3: expected an id"),
    "an open quote": (TOP + ROW + '"2', "line 3"),
    "an unknown folder": (TOP + ROW.replace("f/a", "g/a"), "from 0 to f"),
    "a path that leaves the folder": (TOP + ROW.replace("f/a", "f/../../a"), "within the audio folder"),
    "an absolute path": (TOP + ROW.replace("f/a", "/f/a"), "within the audio folder"),
    "nothing": ("", "is empty"),
    "an empty first line": ("\n" + TOP + ROW, "190 columns"),
    "a very long first line": ("x" * 200_000 + "\n", "190 columns"),
    "no clips": (TOP, "most frequent tags"),
    "other tags": (TOP + ROW, "most frequent tags"),
}


@pytest.mark.parametrize("name", WRONG)
def test_another_file_is_refused_by_name(name, tmp_path):
    content, message = WRONG[name]
    (tmp_path / "annotations_final.csv").write_text(content)
    with pytest.raises(DatasetError, match=message) as error:
        manifest(tmp_path)
    assert "annotations_final.csv" in str(error.value) and len(str(error.value)) < 600


def test_another_encoding_is_refused(tmp_path):
    (tmp_path / "annotations_final.csv").write_bytes(TOP.encode() + b'"\xff"')
    with pytest.raises(DatasetError, match="UTF-8"):
        manifest(tmp_path)


def test_a_wrong_folder_names_the_expected_file(tmp_path):
    with pytest.raises(DatasetError, match=r"no file '.*annotations_final\.csv'.*right folder"):
        manifest(tmp_path)
    with pytest.raises(FileNotFoundError, match="no folder"):
        manifest(tmp_path / "x")


def test_an_unknown_split_is_refused(tmp_path):
    with pytest.raises(UnknownNameError, match="Did you mean 'cleaned'"):
        manifest(tmp_path, "clean")
