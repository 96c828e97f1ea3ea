import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from keras_musictag.evaluation import load_predictions, save_predictions
from tests.evaluation.simulate import simulate


def test_loaded_predictions_equal_the_saved_ones(tmp_path):
    said = simulate(facts={"parameters": 5, "note": "ünïcode"}, deformation="white_noise_0.1")
    save_predictions(said, tmp_path / "new" / "said.npz")
    loaded = load_predictions(tmp_path / "new" / "said.npz")
    for name, value in said.__dict__.items():
        if isinstance(value, np.ndarray):
            assert getattr(loaded, name).dtype == value.dtype
            assert np.array_equal(getattr(loaded, name), value), name
        else:
            assert getattr(loaded, name) == value, name


def test_missing_chunks_and_subsets_stay_missing_after_loading(tmp_path):
    save_predictions(simulate(chunks=False, subsets=False), tmp_path / "said.npz")
    loaded = load_predictions(tmp_path / "said.npz")
    assert (loaded.chunk_scores, loaded.chunk_tracks, loaded.subsets) == (None, None, ())


def test_the_csv_has_the_same_float32_scores_and_targets(tmp_path):
    said = simulate(chunks=False)
    save_predictions(said, tmp_path / "said.npz")
    with open(tmp_path / "said.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["track_id"] for row in rows] == list(said.track_ids)
    assert [row["subset"] for row in rows] == list(said.subsets)
    for i, tag in enumerate(said.vocabulary):
        assert np.array_equal(np.array([row[f"score:{tag}"] for row in rows], np.float32), said.scores[:, i])
        assert np.array_equal([int(row[f"target:{tag}"]) for row in rows], said.targets[:, i])


def test_the_same_predictions_give_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        save_predictions(simulate(), tmp_path / f"{name}.npz")
    for ending in ("npz", "csv"):
        assert (tmp_path / f"a.{ending}").read_bytes() == (tmp_path / f"b.{ending}").read_bytes()


def test_a_name_that_is_not_utf_8_survives(tmp_path):
    odd = simulate(tracks=2, subsets=False, chunks=False)
    object.__setattr__(odd, "track_ids", ("caf\udce9", 'a,"b"\n'))
    save_predictions(odd, tmp_path / "odd.npz")
    assert load_predictions(tmp_path / "odd.npz").track_ids == odd.track_ids


def damage(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


def cut(path):
    path.write_bytes(path.read_bytes()[:-100])


def empty(path):
    path.write_bytes(b"")


def of_something_else(path):
    np.savez(path, scores=np.zeros(3))


def with_code_in_it(path):
    np.savez(path, about=np.array([{"a": 1}], dtype=object))


def of_another_version(path):
    with np.load(path) as arrays:
        content = dict(arrays)
    text = content["about"].tobytes().replace(b'"version": 1', b'"version": 9')
    np.savez(path, **{**content, "about": np.frombuffer(text, np.uint8)})


@pytest.mark.parametrize("harm", [damage, cut, empty, of_something_else, with_code_in_it, of_another_version])
def test_a_file_without_predictions_is_refused_by_name(tmp_path, harm):
    path = tmp_path / "said.npz"
    save_predictions(simulate(), path)
    harm(path)
    with pytest.raises(ValueError, match="said.npz' is not a valid file of predictions.*Evaluate again"):
        load_predictions(path)


def test_another_version_is_reported(tmp_path):
    save_predictions(simulate(), tmp_path / "said.npz")
    of_another_version(tmp_path / "said.npz")
    with pytest.raises(ValueError, match="its version is 9; expected 1"):
        load_predictions(tmp_path / "said.npz")


def test_a_missing_file_and_a_wrong_ending_are_reported(tmp_path):
    with pytest.raises(FileNotFoundError, match="no predictions at .*said.npz"):
        load_predictions(tmp_path / "said.npz")
    with pytest.raises(ValueError, match="must end in .npz"):
        save_predictions(simulate(), tmp_path / "said.csv")


@pytest.fixture
def saved(tmp_path):
    save_predictions(simulate(), tmp_path / "said.npz")
    return tmp_path / "said.npz"


SAVE_WHERE_FILES_ARE_SHORT = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
from keras_musictag.evaluation.predictions import save_predictions
from tests.evaluation.simulate import simulate
save_predictions(simulate(noise=2), sys.argv[1])
"""


@pytest.mark.needs("posix")  # a limit on the size of files
def test_the_earlier_file_stays_if_writing_fails(saved):
    """In a separate process, because the limit would also apply to the log of the tests."""
    before = saved.read_bytes()
    command = [sys.executable, "-c", SAVE_WHERE_FILES_ARE_SHORT, saved]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "File too large" in done.stderr
    assert saved.read_bytes() == before
    assert sorted(path.name for path in saved.parent.iterdir()) == ["said.csv", "said.npz"]
