"""A two-hour file is tagged in bounded memory: decoded, resampled, cut and run as a stream."""

import subprocess
import sys

import pytest

import keras_musictag as kmt

HOURS = 2
LIMIT_MB = 400

PROGRAM = """
import sys
import keras_musictag as kmt

def status_mb(key):  # VmRSS is what is in memory now, VmHWM the most that ever was
    line = next(line for line in open("/proc/self/status") if line.startswith(key))
    return float(line.split()[1]) / 1024

tagger = kmt.load("musicnn")
tagger.runner()
loaded = status_mb("VmRSS")
result = tagger.tag(sys.argv[1])
print(result.duration_seconds, result.num_chunks, status_mb("VmHWM") - loaded)
"""


@pytest.mark.slow
@pytest.mark.needs("linux")  # which tells the memory of a process
def test_two_hours_take_less_than_400_mb_above_the_loaded_model(tmp_path):
    song = kmt.demo_clip().read_bytes()
    repeats = round(HOURS * 3600 / 29.2)
    path = tmp_path / "long.mp3"
    path.write_bytes(song * repeats)  # MP3 frames follow each other without a header
    done = subprocess.run([sys.executable, "-c", PROGRAM, str(path)], capture_output=True, text=True, check=True)
    seconds, chunks, megabytes = map(float, done.stdout.split())
    assert seconds > 0.99 * HOURS * 3600
    assert chunks > 2300
    assert megabytes < LIMIT_MB
