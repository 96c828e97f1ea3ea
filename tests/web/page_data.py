"""What the page shows in its tests and on its screenshots: a scanned library, and records to evaluate models on."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import mutagen
import numpy as np
import soundfile

from keras_musictag import demo_clip
from keras_musictag.library import Database, scan
from keras_musictag.records import Track, prepare
from keras_musictag.tags import read_tags
from tests.records.make import make_manifest, make_samples, part_of

ROOT = Path(__file__).parents[2]
MODEL = "musicnn-mtat-v1"
SERVED = (MODEL, "musicnn-msd-v1", "vgg-mtat-v1")
PIECE_SECONDS = 10


def write_page_data(folder: Path) -> tuple[Path, Path]:
    """Writes a database of ten tracks, and records of 20 generated tracks with the tags of MTAT.

    Args:
        folder: An empty folder.

    Returns:
        The database, and the folder of records.
    """
    write_music(folder / "music")
    with Database(folder / "music.db", create=True) as database:
        scan([folder / "music"], database, [MODEL], jobs=1)
    tags = read_tags(ROOT / "tfrecords" / "mtat" / "tags.txt")
    made = make_manifest(folder / "audio", 20, seconds=6.0)
    tracks = tuple(Track(track.track_id, track.path, (tags[i % 5],), part_of(i)) for i, track in enumerate(made.tracks))
    manifest = make_manifest(folder / "audio", 20, seconds=6.0, dataset="tones", vocabulary=tags, tracks=tracks)
    prepare(manifest, folder / "tones", jobs=1)
    return folder / "music.db", folder / "tones"


def write_music(folder: Path) -> None:
    """The demo clip in overlapping pieces, and generated sounds, with titles."""
    folder.mkdir(parents=True)
    samples, rate_hz = soundfile.read(demo_clip(), dtype="int16")
    for number, start in enumerate(range(0, 20, 4), 1):
        piece = samples[start * rate_hz : (start + PIECE_SECONDS) * rate_hz]
        write_track(
            folder / f"piece {number}.flac", piece, rate_hz, f"Piece {number} of the demo clip", "Random melody"
        )
    for index in range(4):
        made = make_samples(index, PIECE_SECONDS, rate_hz)
        write_track(folder / f"tones {index}.flac", made, rate_hz, f"Two tones and noise, no. {index + 1}", "Generator")
    # a title is text, whatever it looks like
    write_track(
        folder / "markup.flac", samples[: 5 * rate_hz], rate_hz, "<img src=x onerror=alert(1)>", "Somebody & Co"
    )


def write_track(path: Path, samples: np.ndarray, rate_hz: int, title: str, artist: str) -> None:
    soundfile.write(path, samples, rate_hz)
    labels = mutagen.File(path)
    labels.update({"title": title, "artist": artist})
    labels.save()


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Writes the data into a folder and runs `keras-musictag serve` on it; yields the page's address."""
    database, records = write_page_data(folder)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = ["--port", str(port), "--db", str(database), "--records", str(records)]
    options += [part for name in SERVED for part in ("--model", name)]
    program = "from keras_musictag.cli import main; main()"
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(ROOT)}
    server = subprocess.Popen([sys.executable, "-c", program, "serve", *options], env=environment)
    try:
        address = f"http://127.0.0.1:{port}/"
        _wait_until_ready(server, f"{address}readyz")
        yield address
        server.terminate()
        assert server.wait(timeout=60) == 0
    finally:
        server.kill()
        server.wait()


def _wait_until_ready(server: subprocess.Popen, address: str) -> None:
    while server.poll() is None:
        try:
            with urllib.request.urlopen(address):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"The server ended with status {server.returncode}.")
