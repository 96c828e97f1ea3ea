"""The logs of a run can be read by the usual programs."""

import csv
import os

from matplotlib.image import imread
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from keras_musictag.training.trainer import write_logs


def make_rows(count):
    return [
        {
            "epoch": epoch,
            "phase": 1 if epoch < 3 else 2,
            "optimizer": "adam",
            "loss": 0.75 / epoch,
            "val_loss": 0.5 + epoch,
            "val_roc_auc": float("nan"),
            "val_pr_auc": 0.25,
            "best": int(epoch == 1),
        }
        for epoch in range(1, count + 1)
    ]


def test_table_figure_and_events_have_every_epoch_once(tmp_path):
    """This also holds for a resumed run: each epoch writes all rows again."""
    for count in (1, 2, 4):
        write_logs(tmp_path, make_rows(count))
    with open(tmp_path / "log.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2", "3", "4"]
    assert rows[2] == {name: str(value) for name, value in make_rows(4)[2].items()}
    picture = imread(tmp_path / "curves.png")
    assert picture.shape[1] > 2 * picture.shape[0] and picture.std() > 0.05
    assert len(list((tmp_path / "tensorboard").iterdir())) == 1
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    assert events.Tags()["tensors"] == ["loss", "val_loss", "val_roc_auc", "val_pr_auc"]
    from tensorboard.util.tensor_util import make_ndarray

    found = [(event.step, float(make_ndarray(event.tensor_proto))) for event in events.Tensors("val_loss")]
    assert found == [(1, 1.5), (2, 2.5), (3, 3.5), (4, 4.5)]


def test_curves_are_drawn_at_intervals_and_at_the_end(tmp_path):
    path = tmp_path / "curves.png"
    write_logs(tmp_path, make_rows(1), last=False)
    first = path.read_bytes()
    write_logs(tmp_path, make_rows(2), last=False)
    assert path.read_bytes() == first
    assert (tmp_path / "log.csv").read_text().count("\n") == 3  # the table always has all epochs
    os.utime(path, (0, 0))
    write_logs(tmp_path, make_rows(2), last=False)
    second = path.read_bytes()
    assert second != first
    write_logs(tmp_path, make_rows(3))
    assert path.read_bytes() not in (first, second)
