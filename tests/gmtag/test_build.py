"""Whole builds of a few clips each, also killed and disturbed. Each loads its soundfonts again: about 6 s per build."""

import hashlib
import json
import math
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from keras_musictag.audio import read
from keras_musictag.datasets import gmtag
from keras_musictag.errors import DatasetError
from keras_musictag.gmtag import build_corpus, vocabulary
from keras_musictag.gmtag.clips import make_clip
from tests.gmtag.processes import children, is_running, wait_for

PARTS = {"train": 2, "valid": 1, "test": 5}  # none of them uses the soundfont that takes 4 s to load
PROGRAM = """
import sys
from keras_musictag.gmtag.corpus import build_corpus
if __name__ == "__main__":
    build_corpus(sys.argv[1], {parts}, jobs=2)
"""

pytestmark = [pytest.mark.slow, pytest.mark.needs("mma", "fluidsynth", "soundfonts")]


def contents(folder: Path) -> dict[str, str]:
    """Path -> hash of every file of a corpus."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, installation) -> tuple[Path, dict]:
    out = tmp_path_factory.mktemp("corpus") / "undisturbed"
    return out, build_corpus(out, PARTS, jobs=1, installation=installation)


@pytest.fixture(scope="module")
def rows(undisturbed):
    return [json.loads(line) for line in (undisturbed[0] / "metadata.jsonl").read_text().splitlines()]


def test_rows_are_sorted_and_match_their_files(undisturbed, rows):
    assert [row["id"] for row in rows] == [f"{part}_{index:06d}" for part, n in PARTS.items() for index in range(n)]
    for row in rows:
        mp3 = (undisturbed[0] / row["path"]).read_bytes()
        assert hashlib.sha256(mp3).hexdigest() == row["mp3_sha256"]
        assert set(row["tags"]) <= set(vocabulary())


def test_clips_have_their_length_and_loudness(undisturbed, rows):
    for row in rows:
        samples = read(undisturbed[0] / row["path"], 16000).samples
        assert 29.1 * 16000 <= len(samples) < 29.3 * 16000
        rms = float((samples**2).mean() ** 0.5)
        assert abs(20 * math.log10(rms) - row["loudness_db"]) < 0.5  # cut peaks and MP3


def test_a_clip_made_alone_is_the_same(undisturbed, rows, installation):
    for row in (row for row in rows if row["soundfont"] == "TimGM6mb"):
        alone, mp3 = make_clip(row["part"], row["index"], installation)
        assert json.loads(json.dumps(alone)) == row
        assert (undisturbed[0] / row["path"]).read_bytes() == mp3


def test_corpus_json_describes_the_corpus(undisturbed, rows):
    out, corpus = undisturbed
    assert json.loads((out / "corpus.json").read_text()) == corpus
    assert (corpus["clips"], corpus["parts"], corpus["tier"]) == (8, PARTS, None)
    lines = "".join(f"{row['id']} {row['midi_sha256']}\n" for row in rows)
    assert corpus["midi_sha256"] == hashlib.sha256(lines.encode()).hexdigest()
    assert {tag["name"]: tag["clips"] for tag in corpus["tags"]} == {
        tag: sum(tag in row["tags"] for row in rows) for tag in vocabulary()
    }
    assert gmtag.manifest(out).counts == PARTS


def test_a_killed_build_resumes_to_the_same_bytes(undisturbed, tmp_path):
    program = tmp_path / "program.py"
    program.write_text(PROGRAM.format(parts=PARTS))
    out = tmp_path / "out"
    process = subprocess.Popen([sys.executable, program, out], start_new_session=True)
    wait_for(lambda: 2 <= len(list(out.glob(".work/t*.json"))))
    workers = children(process.pid)
    process.send_signal(signal.SIGKILL)
    process.wait()
    wait_for(lambda: not any(is_running(pid) for pid in workers))  # they end with their parent
    assert len(workers) >= 2
    assert not (out / "corpus.json").exists()
    done = {path: path.stat().st_mtime_ns for path in out.glob("audio/*/*.mp3")}
    subprocess.run([sys.executable, program, out], check=True)
    assert contents(out) == contents(undisturbed[0])
    kept = [path for path, before in done.items() if path.stat().st_mtime_ns == before]
    assert len(kept) >= 2  # finished clips were not made again


def test_a_corpus_grows_and_does_not_shrink(undisturbed, tmp_path, installation):
    out = tmp_path / "out"
    build_corpus(out, {"train": 1, "valid": 1, "test": 1}, installation=installation, jobs=1)
    counts = []
    build_corpus(out, PARTS, installation=installation, jobs=2, report=lambda *count: counts.append(count))
    assert counts == [(done, 8) for done in range(3, 9)]
    assert contents(out) == contents(undisturbed[0])
    with pytest.raises(DatasetError, match="holds a larger corpus"):
        build_corpus(out, {"train": 1, "valid": 1, "test": 1}, installation=installation)
    assert contents(out) == contents(undisturbed[0])
