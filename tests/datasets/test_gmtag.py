"""A built GM-Tag corpus as a manifest. The tests of the build check that it writes this format."""

import json

import pytest

from keras_musictag.bundled_files import bundled
from keras_musictag.datasets import gmtag
from keras_musictag.errors import DatasetError, UnknownNameError
from keras_musictag.tags import read_tags

ROWS = [
    {"id": "train_000000", "part": "train", "tags": ["bass", "minor"], "soundfont": "FluidR3", "subset": ""},
    {"id": "valid_000000", "part": "valid", "tags": [], "soundfont": "FluidR3", "subset": ""},
    {"id": "test_000000", "part": "test", "tags": ["piano"], "soundfont": "TimGM6mb", "subset": "unseen"},
    {"id": "test_000001", "part": "test", "tags": ["piano"], "soundfont": "FluidR3", "subset": "seen"},
]


def write(folder, rows=ROWS, **corpus):
    rows = [{"path": f"audio/{row['part']}/{row['id']}.mp3", **row} for row in rows]
    (folder / "metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    facts = {"version": 1, "tier": "tiny", "clips": 4, "parts": {"train": 1, "valid": 1, "test": 2}, **corpus}
    (folder / "corpus.json").write_text(json.dumps(facts))
    return folder


def test_clips_keep_part_tags_and_subset(tmp_path):
    manifest = gmtag.manifest(write(tmp_path))
    assert [(t.track_id, t.part, t.tags, t.subset) for t in manifest.tracks] == [
        ("train_000000", "train", ("bass", "minor"), ""),
        ("valid_000000", "valid", (), ""),
        ("test_000000", "test", ("piano",), "unseen"),
        ("test_000001", "test", ("piano",), "seen"),
    ]
    assert manifest.file(manifest.tracks[0]) == tmp_path / "audio" / "train" / "train_000000.mp3"
    assert manifest.vocabulary == read_tags(bundled("tfrecords") / "gmtag" / "tags.txt")
    assert len(manifest.vocabulary) == 50
    assert "do not ship the audio" in manifest.licence and manifest.citation


def test_the_counts_are_those_of_the_build(tmp_path):
    manifest = gmtag.manifest(write(tmp_path, ROWS[:3]))
    assert manifest.published_counts == {"train": 1, "valid": 1, "test": 2}
    assert manifest.counts == {"train": 1, "valid": 1, "test": 1}
    assert (manifest.dataset, manifest.dataset_version, manifest.split) == ("gmtag", "1", "tiny")
    assert gmtag.manifest(write(tmp_path, tier=None)).split == "4 clips"


def test_an_unfinished_build_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="no folder"):
        gmtag.manifest(tmp_path / "nowhere")
    with pytest.raises(DatasetError, match="gmtag build.*run the same command again"):
        gmtag.manifest(tmp_path)
    (write(tmp_path) / "metadata.jsonl").unlink()
    with pytest.raises(DatasetError, match="metadata.jsonl"):
        gmtag.manifest(tmp_path)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"id": "test_0', "line 5: expected a JSON object"),
        ("[1]", r"line 5: expected a JSON object. Received: \[1\]"),
        ('{"id": "x", "path": "a.mp3", "part": "test", "tags": []}', "line 5 has no subset"),
        ('{"id": 1, "path": "a.mp3", "part": "test", "tags": [], "subset": ""}', "line 5: expected strings"),
        ('{"id": "x", "path": "a.mp3", "part": "test", "tags": null, "subset": ""}', "line 5: expected strings"),
        ("[" * 100_000, "line 5: expected a JSON object. Received: 'maximum recursion"),
        ('{"id": "x", "path": "../a.mp3", "part": "test", "tags": [], "subset": ""}', r"'\.\./a.mp3'; expected a path"),
    ],
)
def test_a_line_that_is_not_a_clip_is_named(tmp_path, line, message):
    with open(write(tmp_path) / "metadata.jsonl", "a") as file:
        file.write(line + "\n")
    with pytest.raises(DatasetError, match=message):
        gmtag.manifest(tmp_path)


def test_another_version_and_an_unknown_tag_are_errors(tmp_path):
    (write(tmp_path) / "corpus.json").write_text('{"version": 1}')
    with pytest.raises(DatasetError, match="has no clips, parts, tier"):
        gmtag.manifest(tmp_path)
    with pytest.raises(DatasetError, match="`parts` must be the number of clips per part"):
        gmtag.manifest(write(tmp_path, parts=[1, 1, 2]))
    with pytest.raises(UnknownNameError, match="no tag 'theremin'"):
        gmtag.manifest(write(tmp_path, [{**ROWS[0], "tags": ["theremin"]}]))
