"""MTG-Jamendo, on the real TSV files of the top 50, and on files that are not as published."""

import json

import pytest

from keras_musictag.datasets import mtg_jamendo
from keras_musictag.datasets.mtg_jamendo import manifest
from keras_musictag.errors import DatasetError, UnknownNameError
from tests.datasets import official_jamendo as official
from tests.shared import FOLDER

COUNTS = {
    0: (32136, 10888, 11356),
    1: (32395, 10619, 11366),
    2: (32010, 11961, 10409),
    3: (33173, 10468, 10739),
    4: (30868, 11593, 11919),
}


@pytest.fixture
def top50(jamendo):
    return jamendo(0)


@pytest.mark.needs("shared")
@pytest.mark.parametrize("split", COUNTS)
def test_every_split_has_the_published_tracks_in_each_part(jamendo, split):
    found = jamendo(split)
    assert found.split == f"top50/split-{split}"
    assert found.counts == found.published_counts == dict(zip(("train", "valid", "test"), COUNTS[split], strict=True))
    for name, part in mtg_jamendo.PARTS.items():
        assert [t.track_id for t in found.tracks if t.part == part] == official.ids(split, name)


@pytest.mark.needs("shared")
def test_every_tag_has_the_published_number_of_tracks(top50):
    first, *rows = (official.DATA / "stats_top50_all.tsv").read_text().splitlines()
    column = first.split("\t").index("tracks")
    published = {row.split("\t")[0]: int(row.split("\t")[column]) for row in rows}
    counted = dict.fromkeys(top50.vocabulary, 0)
    for track in top50.tracks:
        for tag in track.tags:
            counted[tag] += 1
    assert counted == published


@pytest.mark.needs("shared")
def test_every_track_has_the_tags_and_the_path_of_its_line(top50):
    full = dict(zip(top50.vocabulary, (official.DATA / "top50.txt").read_text().split(), strict=True))
    _, rows = official.rows_by_id()
    for track in top50.tracks:
        values = rows[track.track_id].split("\t")
        assert (track.path, [full[tag] for tag in track.tags]) == (values[3], values[5:])
    tags = sum(len(track.tags) for track in top50.tracks)
    assert round(tags / len(top50.tracks), 2) == 3.07
    assert max(len(rows[track].split("\t")) for track in rows) == 21  # columns


@pytest.mark.needs("shared")
def test_the_order_of_the_tags_is_that_of_the_published_weights(top50):
    labels = json.loads((FOLDER / "reference" / "labels.json").read_text())["jamendo"]
    assert labels == (official.DATA / "top50.txt").read_text().split()
    assert list(top50.vocabulary) == [label.split("---")[1] for label in labels]
    groups = [label.split("---")[0].replace("mood/theme", "mood") for label in labels]
    assert list(top50.vocabulary.groups) == groups


@pytest.fixture(scope="module")
def lists(tmp_path_factory):
    raw = tmp_path_factory.mktemp("lists")
    (raw / "data" / "splits" / "split-0").mkdir(parents=True)
    return raw, official.write_lists(raw)


@pytest.mark.needs("shared")
@pytest.mark.parametrize(
    ("tags", "num_tags", "groups"),
    [
        ("genre", 87, {"genre"}),
        ("instrument", 40, {"instrument"}),
        ("moodtheme", 56, {"mood"}),
        ("all", 183, {"genre", "instrument", "mood"}),
    ],
)
def test_the_other_lists_follow_their_tables(lists, tags, num_tags, groups):
    raw, written = lists
    found = manifest(raw, 0, tags)
    assert (len(found.vocabulary), set(found.vocabulary.groups), found.published_counts) == (num_tags, groups, {})
    category = {"genre": "genre", "instrument": "instrument", "mood": "mood/theme"}
    full = {n: f"{category[g]}---{n}" for n, g in zip(found.vocabulary.names, found.vocabulary.groups, strict=True)}
    assert {track.track_id: {full[tag] for tag in track.tags} for track in found.tracks} == written[tags]
    assert list(full.values()) == sorted(full.values())


HEADER = "TRACK_ID\tARTIST_ID\tALBUM_ID\tPATH\tDURATION\tTAGS"
TAGS = (
    [f"genre---g{n:02d}" for n in range(86)]
    + ["genre---bell"]
    + [f"instrument---i{n:02d}" for n in range(39)]
    + ["instrument---bell"]
    + [f"mood/theme---m{n:02d}" for n in range(56)]
)


def line(track, artist, tags, path=None):
    return "\t".join([track, artist, "album_1", path or f"15/{track}.mp3", "100.0", *tags])


@pytest.fixture
def small(tmp_path):
    """A function that writes the "all" list of split-0 with one track per part, and returns the raw folder."""

    def write(end="\r\n", **lines):
        folder = tmp_path / "data" / "splits" / "split-0"
        folder.mkdir(parents=True, exist_ok=True)
        kept = {
            "train": line("1", "a1", TAGS),
            "validation": line("2", "a2", TAGS[:1]),
            "test": line("3", "a3", TAGS[:2]),
        }
        for part, content in (kept | lines).items():
            header = lines.get("header", HEADER)
            (folder / f"autotagging-{part}.tsv").write_bytes(f"{header}{end}{content}{end}".encode())
        return tmp_path

    return write


def test_a_name_in_two_categories_keeps_its_full_name_in_both(small):
    found = manifest(small(), 0, "all")
    assert [name for name in found.vocabulary if "bell" in name] == ["genre---bell", "instrument---bell"]
    assert found.vocabulary.group("mood")[0] == "m00"
    assert [len(track.tags) for track in found.tracks] == [183, 1, 2]


@pytest.mark.parametrize("end", ["\r\n", "\n"])
def test_lines_may_end_in_crlf_or_lf(small, end):
    assert [track.part for track in manifest(small(end), 0, "all").tracks] == ["train", "valid", "test"]


WRONG = {
    "an artist in two parts": (
        {"test": line("3", "a1", TAGS[:1])},
        "artist .* one part only. Received: a1 in train and test",
    ),
    "a track twice": ({"test": line("1", "a3", TAGS[:1])}, "more than once: '1'"),
    "too few tags": ({"train": line("1", "a1", TAGS[:-1])}, "183 published tags. Received: 182"),
    "a track without tags": ({"test": line("3", "a3", [])}, "line 2: expected five values, then tags"),
    "an unknown category": ({"test": line("3", "a3", ["colour---red"])}, "line 2: expected five values"),
    "a line cut short": ({"test": "3\ta3"}, "line 2: expected five values"),
    "an empty line": ({"test": line("3", "a3", TAGS[:1]) + "\r\n"}, "line 3: expected five values"),
    "a path that leaves the folder": ({"test": line("3", "a3", TAGS[:1], "../3.mp3")}, "within the audio folder"),
    "another header": ({"header": "path,tags"}, "first line .*autotagging-train.tsv.* must be TRACK_ID"),
}


@pytest.mark.parametrize("name", WRONG)
def test_another_table_is_refused(small, name):
    changes, message = WRONG[name]
    with pytest.raises(DatasetError, match=message):
        manifest(small(**changes), 0, "all")


def test_top_50_must_have_the_tags_of_the_weights(small):
    raw = small(train=line("1", "a1", TAGS[:50]))
    for path in (raw / "data/splits/split-0").iterdir():
        path.rename(path.with_name(path.name.replace("autotagging", "autotagging_top50tags")))
    with pytest.raises(DatasetError, match=r"must be those of tfrecords/mtg-jamendo/tags\.txt"):
        manifest(raw)


def test_the_low_quality_audio_is_recognised_by_its_names(small):
    raw = small()
    assert manifest(raw, 0, "all").file(manifest(raw, 0, "all").tracks[0]) == raw / "audio" / "15" / "1.mp3"
    (raw / "audio-low" / "15").mkdir(parents=True)
    (raw / "audio-low" / "15" / "1.low.mp3").touch()
    low = manifest(raw, 0, "all")
    assert (low.tracks[0].path, low.audio_folder) == ("15/1.low.mp3", raw / "audio-low")
    assert low.dataset_version.endswith("audio-low")
    assert manifest(raw, 0, "all", audio=raw / "audio-low").tracks == low.tracks
    (raw / "audio-low" / "15" / "1.mp3").touch()  # both downloads in one folder: the better one is used
    assert manifest(raw, 0, "all").tracks[0].path == "15/1.mp3"
    (raw / "audio").mkdir()
    assert manifest(raw, 0, "all").tracks[0].path == "15/1.mp3"


def test_a_wrong_folder_names_the_expected_file(tmp_path):
    with pytest.raises(DatasetError, match=r"data/splits/split-3/autotagging_genre-train\.tsv"):
        manifest(tmp_path, 3, "genre")


def test_an_unknown_split_or_list_is_refused(tmp_path):
    with pytest.raises(UnknownNameError, match="no split '5'.*Known: 0, 1, 2, 3, 4"):
        manifest(tmp_path, 5)
    with pytest.raises(UnknownNameError, match="Did you mean 'moodtheme'"):
        manifest(tmp_path, 0, "mood/theme")
