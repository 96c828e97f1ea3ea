import csv
import io
import json
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import soundfile

from keras_musictag.audio import read, to_floats
from keras_musictag.errors import DatasetError, RecordsError, UnknownNameError
from keras_musictag.files import scratch_name
from keras_musictag.records import Records, Skipped, Track, check_records, prepare
from keras_musictag.records.planning import plan_shards
from tests.records.make import make_manifest, make_samples

PUBLISHED = {"train": 6, "valid": 2, "test": 2}


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    return make_manifest(tmp_path_factory.mktemp("audio"), 10, seconds=0.5)


def write(manifest, out, **options) -> Records:
    return prepare(manifest, out, **{"jobs": 1, "tracks_per_shard": 4, **options})


def contents(folder) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def with_tracks(manifest, **files: bytes):
    """The manifest with further tracks for training, of the given content."""
    tracks = []
    for name, data in files.items():
        (manifest.audio_folder / name).write_bytes(data)
        tracks.append(Track(name, name, ("rock",), "train"))
    return replace(manifest, tracks=(*manifest.tracks, *tracks))


def wav_bytes(samples: np.ndarray, subtype: str) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, 16000, format="WAV", subtype=subtype)
    return file.getvalue()


def test_samples_equal_those_of_the_files(manifest, tmp_path):
    records = write(manifest, tmp_path)
    for track, stored in zip(manifest.tracks, records, strict=True):
        record = records.read(stored)
        pcm = np.frombuffer(record.audio, "<i2")
        original, rate_hz = soundfile.read(manifest.file(track), dtype="int16")
        if rate_hz == 16000:
            np.testing.assert_array_equal(pcm, original)
        else:  # 44.1 kHz stereo: the reader's samples, rounded to 16 bits
            np.testing.assert_allclose(to_floats(pcm), read(manifest.file(track), 16000).samples, atol=0.51 / 32768)
        assert record.num_samples == stored.num_samples == len(pcm) == round(len(original) * 16000 / rate_hz)


def test_source_keeps_the_files_and_knows_their_length(manifest, tmp_path):
    pcm, source = (write(manifest, tmp_path / storage, storage=storage) for storage in ("pcm", "source"))
    assert source.storage == "source"
    for track, stored, decoded in zip(manifest.tracks, source, pcm, strict=True):
        record = source.read(stored)
        assert record.storage == "source" and record.audio == manifest.file(track).read_bytes()
        assert stored.num_samples == decoded.num_samples


def test_labels_and_description_are_those_of_the_manifest(manifest, tmp_path):
    records = write(manifest, tmp_path)
    for track, stored in zip(manifest.tracks, records, strict=True):
        labels = records.read(stored).labels
        assert {tag for tag, label in zip(manifest.vocabulary, labels, strict=True) if label} == set(track.tags)
        assert (stored.track_id, stored.path, stored.part) == (track.track_id, track.path, track.part)
    info = json.loads((tmp_path / "dataset.json").read_text())
    assert {part: facts["tracks"] for part, facts in info["parts"].items()} == PUBLISHED
    assert info["parts"]["train"]["positives"] == records.labels("train").sum(axis=0).tolist()
    assert info["parts"]["test"]["seconds"] == sum(track.num_samples for track in records.part("test")) / 16000
    assert info["split_sha256"] == manifest.split_sha256
    assert info["tags"] == manifest.vocabulary.to_list()
    assert sum(facts["tracks"] for facts in info["shards"].values()) == 10
    assert sorted(contents(tmp_path)) == sorted([*info["shards"], "dataset.json", "skipped.csv", "tracks.csv"])


def test_a_second_run_has_nothing_to_do(manifest, tmp_path):
    write(manifest, tmp_path)
    times = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    write(manifest, tmp_path)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == times


@pytest.mark.parametrize("changes", [{"storage": "source"}, {"tracks_per_shard": 5}])
def test_other_options_are_refused_and_nothing_is_touched(manifest, tmp_path, changes):
    write(manifest, tmp_path)
    before = contents(tmp_path)
    (name,) = changes
    message = f"prepared with other settings: {name}.* now {changes[name]!r}. Nothing was changed"
    with pytest.raises(RecordsError, match=message):
        write(manifest, tmp_path, **changes)
    assert contents(tmp_path) == before


def test_another_manifest_is_refused_even_if_unfinished(manifest, tmp_path):
    class StopError(Exception):
        pass

    def stop(done, total):
        if done == 7:
            raise StopError

    with pytest.raises(StopError):
        write(manifest, tmp_path, report=stop)
    before = contents(tmp_path)
    assert ".work/plan.json" in before and "dataset.json" not in before
    moved = replace(manifest, tracks=(replace(manifest.tracks[0], part="test"), *manifest.tracks[1:]))
    with pytest.raises(RecordsError, match="prepared with other settings: the list of tracks changed .still 10, but"):
        write(moved, tmp_path)
    with pytest.raises(RecordsError, match=r"prepared with other settings: the list of tracks changed \(10, now 9\)"):
        write(replace(manifest, tracks=manifest.tracks[1:]), tmp_path)
    assert contents(tmp_path) == before
    reported = []
    write(manifest, tmp_path, report=lambda done, total: reported.append((done, total)))
    assert reported[0] == (6, 10) and reported[-1] == (10, 10)  # two shards of three tracks were done
    write(manifest, tmp_path.parent / "fresh")
    assert contents(tmp_path) == contents(tmp_path.parent / "fresh")


def test_missing_files_are_reported_before_any_work(manifest, tmp_path):
    gone = tuple(replace(track, path=f"gone/{track.path}") for track in manifest.tracks[:4])
    partly = replace(manifest, tracks=(*gone, *manifest.tracks[4:]))
    pattern = (
        r"4 of 10 files of made are missing, such as '.*gone/000.flac', '.*001.wav', '.*002.wav'\. .*--allow-missing"
    )
    with pytest.raises(DatasetError, match=pattern):
        write(partly, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    with pytest.warns(UserWarning, match=r"4 tracks could not be used and are listed in skipped.csv"):
        records = write(partly, tmp_path / "out", allow_missing=True)
    assert [track.track_index for track in records] == [4, 5, 6, 7, 8, 9]  # a skipped track leaves a gap
    assert records.skipped[0] == Skipped("track-000", "gone/000.flac", "The file is missing.")
    assert records.info["skipped"] == len(records.skipped) == 4


def test_preparing_resumes_when_a_lost_disk_is_back(tmp_path):
    manifest, raw, away = make_manifest(tmp_path / "raw", 10, seconds=0.2), tmp_path / "raw", tmp_path / "away"

    def take_away(done, total):
        if done == 5 and raw.exists():
            raw.rename(away)

    with pytest.raises(DatasetError, match="5 of 10 tracks of made could not be used: 5 x The file is missing"):
        write(manifest, tmp_path / "out", report=take_away)
    with pytest.raises(DatasetError, match=r"\d of 10 files of made are missing"):
        write(manifest, tmp_path / "out")
    away.rename(raw)
    write(manifest, tmp_path / "out")
    write(manifest, tmp_path / "undisturbed")
    assert contents(tmp_path / "out") == contents(tmp_path / "undisturbed")


def test_other_files_in_the_folder_are_left_alone(manifest, tmp_path):
    (tmp_path / "film.part").write_text("a download of the user's")
    (tmp_path / scratch_name(".json")).write_text("of a run that was killed")
    write(manifest, tmp_path)
    assert [path.name for path in tmp_path.glob("*.part*")] == ["film.part"]


@pytest.mark.parametrize("name", ["tracks.csv", "skipped.csv"])
def test_a_users_table_is_not_overwritten(manifest, tmp_path, name):
    (tmp_path / name).write_text("path,tags\na.wav,rock\n")
    with pytest.raises(RecordsError, match=f"{name}' is not a table of records, and would be overwritten"):
        write(manifest, tmp_path)
    assert contents(tmp_path) == {name: b"path,tags\na.wav,rock\n"}


def test_unpublished_counts_are_refused_unless_allowed(manifest, tmp_path):
    published = {"train": 7, "valid": 2, "test": 2}
    other = replace(manifest, published_counts=published)
    with pytest.raises(DatasetError, match="train 6 / valid 2 / test 2; published: train 7 / valid 2 / test 2"):
        write(other, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert len(write(other, tmp_path / "out", allow_missing=True)) == 10


def test_a_bad_file_of_a_published_split_is_an_error(manifest, tmp_path):
    name = "damaged.mp3"
    damaged = replace(with_tracks(manifest, **{name: b"words"}), published_counts={**PUBLISHED, "train": 7})
    out = tmp_path / "out"
    with pytest.raises(
        DatasetError, match="1 of 11 tracks of made could not be used: 1 x The file is not audio.*skipped.csv"
    ):
        write(damaged, out)
    assert not (out / "dataset.json").exists() and (out / "skipped.csv").exists()
    done = {path: path.stat().st_mtime_ns for path in out.glob("*.tfrecord")}
    with pytest.warns(UserWarning, match="1 track could not be used"):
        allowed = write(damaged, out, allow_missing=True)
    assert len(allowed) == 10
    assert {path: path.stat().st_mtime_ns for path in done} == done  # nothing was decoded again
    with pytest.raises(DatasetError):
        write(damaged, tmp_path / "again")
    (manifest.audio_folder / name).write_bytes((manifest.audio_folder / "001.wav").read_bytes())
    assert len(write(damaged, tmp_path / "again")) == 11  # the same command, with an intact file


def test_bad_files_are_skipped_with_their_reasons(manifest, tmp_path):
    file = io.BytesIO()
    soundfile.write(file, make_samples(0, 3, 16000), 16000, format="WAV")
    wav = file.getvalue()
    odd = b"caf\xe9\n,.wav".decode("utf-8", "surrogateescape")
    bad = {
        "empty.mp3": b"",
        "text.mp3": b"just words, no music",
        "page.mp3": b"<!DOCTYPE html><html></html>",
        "header only.wav": wav[:44],
        odd: b"\x00" * 100,
    }
    broken = with_tracks(manifest, **bad, **{"cut short.wav": wav[: len(wav) // 2]})
    with pytest.warns(UserWarning) as warned:
        records = write(broken, tmp_path)
    messages = [str(warning.message) for warning in warned]
    assert messages[0] == "5 tracks could not be used and are listed in skipped.csv."
    assert "1 damaged or odd file was stored as far as possible, such as 'cut short.wav': The header" in messages[1]
    reasons = {row.track_id: row.reason for row in records.skipped}
    assert list(reasons) == list(bad)  # in the dataset's order
    assert reasons["empty.mp3"].startswith("'empty.mp3' is empty (0 bytes)")
    assert "web page" in reasons["page.mp3"] and "no sample" in reasons["header only.wav"]
    assert "cut short.wav" in {track.track_id for track in records}
    with open(tmp_path / "skipped.csv", encoding="utf-8", errors="surrogateescape", newline="") as file:
        assert [row["path"] for row in csv.DictReader(file)] == list(bad)


@pytest.mark.parametrize("name", [b"caf\xe9\n,.wav".decode("utf-8", "surrogateescape"), "a\rb.wav"])
def test_a_track_with_an_odd_name_is_stored(manifest, tmp_path, name):
    records = write(with_tracks(manifest, **{name: (manifest.audio_folder / "001.wav").read_bytes()}), tmp_path)
    (track,) = [track for track in Records(tmp_path) if track.track_id == name]
    assert records.read(track).track_id == track.path == name


def test_a_part_that_loses_all_tracks_is_an_error(manifest, tmp_path):
    gone = tuple(replace(track, path="gone.wav") if track.part == "valid" else track for track in manifest.tracks)
    with pytest.raises(DatasetError, match="2 of 10 tracks .* the part 'valid' has none left: 2 x The file is missing"):
        write(replace(manifest, tracks=gone), tmp_path, allow_missing=True)


def test_a_removed_shard_is_written_again(manifest, tmp_path):
    write(manifest, tmp_path)
    before = contents(tmp_path)
    (tmp_path / "dataset.json").unlink()
    next(tmp_path.glob("*.tfrecord")).unlink()
    write(manifest, tmp_path)
    assert contents(tmp_path) == before


def test_shards_are_even_and_mixed(manifest):
    tracks = tuple(Track(f"{index:04d}", f"{index}", (), "train" if index < 301 else "test") for index in range(400))
    shards = plan_shards(replace(manifest, tracks=tracks), 64)
    sizes = {part: [len(s.indices) for s in shards if s.part == part] for part in ("train", "valid", "test")}
    assert sizes == {"train": [60, 60, 60, 60, 61], "valid": [], "test": [49, 50]}
    assert shards[0].name == "train-00000-of-00005.tfrecord"
    assert sorted(index for shard in shards for index in shard.indices) == list(range(400))
    for shard in shards[:5]:  # 60 of 301: a fifth each are from the beginning and the end
        assert 15 < Counter(index < 150 for index in shard.indices)[True] < 45


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"storage": "flac"}, UnknownNameError, "no storage 'flac'.*Known: pcm, source"),
        ({"jobs": 0}, ValueError, "`jobs` must be 1 or more. Received: 0"),
        ({"tracks_per_shard": 0}, ValueError, "`tracks_per_shard` must be 1 or more"),
    ],
)
def test_invalid_options_are_refused(manifest, tmp_path, options, error, match):
    with pytest.raises(error, match=match):
        write(manifest, tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_audio_out_of_scale_and_cancelling_channels(manifest, tmp_path):
    tone = np.sin(np.arange(16000) / 20)
    stereo, wide = np.stack([tone, -tone], axis=1), (tone * 20000).astype(np.int32)
    files = {"floats.wav": wav_bytes(tone * 30000, "FLOAT"), "int32.wav": wav_bytes(wide, "PCM_32")}
    more = {"opposite.wav": wav_bytes(stereo / 2, "PCM_16"), "hot.wav": wav_bytes(2 * tone, "FLOAT")}
    made = with_tracks(manifest, **files, **more)
    with pytest.warns(UserWarning) as warned:
        records = write(made, tmp_path / "pcm")
    assert "2 damaged or odd files were stored as far as possible" in str(warned[1].message)
    reasons = {row.track_id: row.reason for row in records.skipped}
    assert "'floats.wav' holds floats beyond full scale" in reasons["floats.wav"]
    assert "'int32.wav' holds 32-bit integers that use only 16 bits" in reasons["int32.wav"]
    samples = {track.track_id: records.samples(track) for track in records}
    np.testing.assert_allclose(samples["opposite.wav"], tone / 2, atol=2**-14)
    assert np.abs(samples["hot.wav"]).max() == pytest.approx(1, abs=1e-4)
    assert [finding.kind for finding in check_records(records.folder)] == ["clipped"]
    # a source would be decoded to silence
    with pytest.warns(UserWarning):
        records = write(made, tmp_path / "source", storage="source")
    (reason,) = [row.reason for row in records.skipped if row.track_id == "opposite.wav"]
    assert "cancel each other" in reason and "use storage 'pcm'" in reason
