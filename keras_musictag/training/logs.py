"""What a run leaves for people: `log.csv`, `curves.png`, and TensorBoard's events where TensorFlow trains."""

import csv
import io
import itertools
from pathlib import Path

import keras

from keras_musictag.files import whole_file

CSV_FILE, PLOT_FILE, EVENTS_FOLDER = "log.csv", "curves.png", "tensorboard"


def write_logs(folder: Path, rows: list[dict]) -> None:
    """Writes the CSV file and the plot anew, and adds the last row to TensorBoard's events.

    Args:
        folder: Of the run.
        rows: A row an epoch, all with the same keys.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    with whole_file(folder / CSV_FILE) as scratch:
        scratch.write_text(text.getvalue(), encoding="utf-8")
    with whole_file(folder / PLOT_FILE) as scratch:
        plot_curves(rows, scratch)
    if keras.backend.backend() == "tensorflow":
        _add_events(folder / EVENTS_FOLDER, rows[-1])


def plot_curves(rows: list[dict], path: Path) -> None:
    """Draws losses and validation AUCs over epochs; a dotted line where a phase begins, a dot at the best epoch."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    epochs = [row["epoch"] for row in rows]
    best = max((row["epoch"] for row in rows if row["best"]), default=epochs[-1])
    panels = {"binary cross-entropy": ("loss", "val_loss"), "validation": ("val_roc_auc", "val_pr_auc")}
    for axes, (title, names) in zip(figure.subplots(1, 2), panels.items(), strict=True):
        for name in names:
            axes.plot(epochs, [row[name] for row in rows], marker=".", label=name)
        for before, row in itertools.pairwise(rows):
            if before["phase"] != row["phase"]:
                axes.axvline(row["epoch"] - 0.5, color="grey", linestyle=":")
        axes.axvline(best, color="grey", linewidth=0.8)
        axes.set(title=title, xlabel=f"epoch (best: {best})")
        axes.legend()
    figure.savefig(path, dpi=120)


def _add_events(folder: Path, row: dict) -> None:
    import tensorflow as tf

    with tf.summary.create_file_writer(str(folder)).as_default(step=row["epoch"]):
        for name, value in row.items():
            if isinstance(value, float):
                tf.summary.scalar(name, value)
