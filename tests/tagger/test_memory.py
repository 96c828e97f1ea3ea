"""A file of any length is tagged in bounded memory: decoded, resampled, cut and run as a stream.

`scripts/bench_memory.py` measures two hours; docs/performance.md shows its results.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import keras_musictag as kmt

SCRIPT = Path(__file__).parents[2] / "scripts" / "bench_memory.py"
LIMIT_MB = 400
GROWTH_MB = 30  # if they were kept, twelve minutes of float32 samples at 16 kHz, or their chunks, would be 46 MB

pytestmark = [pytest.mark.slow, pytest.mark.needs("linux")]  # which reports the memory of a process


def measure(model, *minutes):
    """(minutes, chunks, megabytes above the loaded model) after each length."""
    command = [sys.executable, SCRIPT, "--model", str(model), "--minutes", *map(str, minutes)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    rows = re.findall(r"^\| ([\d.]+) \| (\d+) \| (\d+) \|$", done.stdout, flags=re.MULTILINE)
    return [tuple(map(float, row)) for row in rows]


def test_memory_does_not_grow_with_the_length_of_the_track(tmp_path):
    kmt.build("vgg", tags=["calm", "wild"], config={"filters": 4}).save(tmp_path / "narrow.keras")
    (_, _, of_short), (minutes, chunks, of_long) = measure(tmp_path / "narrow.keras", 4, 16)
    assert minutes > 0.99 * 16 and chunks > 310
    assert of_long - of_short < GROWTH_MB


def test_musicnn_takes_less_than_400_mb_above_the_loaded_model():
    ((_, _, megabytes),) = measure("musicnn", 3)
    assert megabytes < LIMIT_MB
