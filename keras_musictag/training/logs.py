"""What a run leaves for people: `log.csv`, `curves.png`, and TensorBoard's events where TensorFlow trains."""

import csv
import io
import itertools
from pathlib import Path

import keras

from keras_musictag.files import whole_file

PANELS = {"binary cross-entropy": ("loss", "val_loss"), "validation": ("val_roc_auc", "val_pr_auc")}
TAUGHT_PANELS = {
    "training loss": ("loss",),
    "divergence from the teachers": ("val_kl",),
    "rank correlation with the teachers": ("val_rank_correlation",),
}
CSV_FILE, PLOT_FILE, EVENTS_FOLDER = "log.csv", "curves.png", "tensorboard"


def write_logs(folder: Path, rows: list[dict]) -> None:
    """Writes them anew, with all epochs.

    Args:
        folder: Of the run.
        rows: A row an epoch, all with the same keys, as `Position.log` has them.
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
        write_events(rows, folder / EVENTS_FOLDER)


def plot_curves(rows: list[dict], path: Path) -> None:
    """Draws losses and validation over epochs: dotted lines where phases begin, a solid one at the best epoch."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    epochs = [row["epoch"] for row in rows]
    best = max((row["epoch"] for row in rows if row["best"]), default=epochs[-1])
    panels = TAUGHT_PANELS if "val_kl" in rows[0] else PANELS
    for axes, (title, names) in zip(figure.subplots(1, len(panels)), panels.items(), strict=True):
        for name in names:
            axes.plot(epochs, [row[name] for row in rows], marker=".", label=name)
        for before, row in itertools.pairwise(rows):
            if before["phase"] != row["phase"]:
                axes.axvline(row["epoch"] - 0.5, color="grey", linestyle=":")
        axes.axvline(best, color="grey", linewidth=0.8)
        axes.set(title=title, xlabel=f"epoch (best: {best})")
        axes.legend()
    figure.savefig(path, dpi=120)


def write_events(rows: list[dict], folder: Path) -> None:
    """Writes all epochs as one file of events, for `tensorboard --logdir`; one of fewer epochs is removed."""
    import tensorflow as tf

    before = list(folder.glob("events.*"))
    with tf.summary.create_file_writer(str(folder)).as_default():
        for row in rows:
            for name, value in row.items():
                if isinstance(value, float):
                    tf.summary.scalar(name, value, step=row["epoch"])
    for file in before:
        file.unlink(missing_ok=True)
