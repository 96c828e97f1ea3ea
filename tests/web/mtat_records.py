"""Generated tracks with the tags of MTAT, as records on which the bundled vgg can be evaluated."""

from dataclasses import replace
from pathlib import Path

from keras_musictag.bundled_files import bundled
from keras_musictag.records import Track, prepare
from keras_musictag.tags import read_tags
from tests.records.make import make_manifest, part_of


def write_records(folder: Path, num_tracks: int = 15, seconds: float = 10.0) -> Path:
    """Of ten tracks, six are in train, two each in valid and test. Each tag of four applies to a quarter of them."""
    tags = read_tags(bundled("tfrecords") / "mtat" / "tags.txt")
    made = make_manifest(folder / "audio", num_tracks, seconds)
    tracks = [
        Track(track.track_id, track.path, (tags[index % 4], tags[4 + index // 5 % 4]), part_of(index))
        for index, track in enumerate(made.tracks)
    ]
    manifest = replace(made, vocabulary=tags, tracks=tuple(tracks))
    prepare(manifest, folder / "records", jobs=1, tracks_per_shard=10)
    return folder / "records"
