"""`train`: a folder of records and a recipe -> a folder with the trained tagger, its log and its curves.

The log is `log.csv`, `curves.png` and, if TensorFlow trains, events for TensorBoard.
"""

import itertools
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras

from keras_musictag.errors import TrainingError
from keras_musictag.figures import new_figure, save_figure
from keras_musictag.files import locked, remove_scratch, whole_file, write_csv
from keras_musictag.layers.keras_settings import own_settings
from keras_musictag.records.folder import Records
from keras_musictag.tagger import Tagger
from keras_musictag.training import batches, model_setup
from keras_musictag.training.loop import TrainingRun, run_recipe
from keras_musictag.training.recipe import Recipe, read_recipe
from keras_musictag.training.run_state import Position, Settings, check_settings, records_identity, write_settings
from keras_musictag.training.teachers import Teachers, load_teachers
from keras_musictag.zoo.weights import arrays_of, assign_weights

PANELS = {"binary cross-entropy": ("loss", "val_loss"), "validation": ("val_roc_auc", "val_pr_auc")}
TAUGHT_PANELS = {
    "training loss": ("loss",),
    "divergence from the teachers": ("val_kl",),
    "rank correlation with the teachers": ("val_rank_correlation",),
}
CSV_FILE, PLOT_FILE, EVENTS_FOLDER = "log.csv", "curves.png", "tensorboard"
PLOT_SECONDS = 10.0  # least time between two drawings: with few tracks, an epoch is as short as a drawing


def write_logs(folder: Path, rows: list[dict], last: bool = True) -> None:
    """Writes all logs of a run, with all epochs.

    Args:
        folder: Folder of the run.
        rows: One row per epoch, all with the same keys, as in `Position.log`.
        last: Whether the run has ended. If not, curves that were drawn less than `PLOT_SECONDS` ago are not redrawn.
    """
    write_csv(folder / CSV_FILE, rows[0], (row.values() for row in rows))
    plot = folder / PLOT_FILE
    if last or not plot.exists() or time.time() - plot.stat().st_mtime > PLOT_SECONDS:
        plot_curves(rows, plot)
    if keras.backend.backend() == "tensorflow":
        write_events(rows, folder / EVENTS_FOLDER)


def plot_curves(rows: list[dict], path: Path) -> None:
    """Draws losses and validation over epochs, with dotted lines at new phases and a solid line at the best epoch."""
    figure = new_figure(9, 3.6)
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
    save_figure(figure, path)


def write_events(rows: list[dict], folder: Path) -> None:
    """Writes all epochs as one file of events, for `tensorboard --logdir`, and removes earlier files."""
    import tensorflow as tf

    before = list(folder.glob("events.*"))
    with tf.summary.create_file_writer(str(folder)).as_default():
        for row in rows:
            for name, value in row.items():
                if isinstance(value, float):
                    tf.summary.scalar(name, value, step=row["epoch"])
    for file in before:
        file.unlink(missing_ok=True)


MODEL_FILE = "model.keras"
CHECKPOINT_SECONDS = 120.0


@own_settings()
def train(
    records: str | os.PathLike,
    out: str | os.PathLike,
    model: str,
    recipe: str | Path | Recipe | None = None,
    *,
    teachers: Sequence[str | os.PathLike] = (),
    weights: str | None = None,
    config: Mapping[str, Any] | None = None,
    level: str = "chunk",
    precision: str = "float32",
    deterministic: bool = False,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
    on_step: Callable[[Position, int], None] = lambda position, steps: None,
    on_epoch: Callable[[list[dict]], None] = lambda rows: None,
) -> Path:
    """Trains a tagger on the part "train" of the records, and saves the weights that are best on "valid".

    The same call resumes where an interrupted one stopped, with the same optimiser, seeds, schedule and position in the
    data. TensorFlow uses all GPUs (MirroredStrategy, synchronised normalisation), JAX and PyTorch one device.

    Args:
        records: A folder that `keras-musictag prepare` wrote.
        out: Folder to write: `model.keras` (the best weights), `run.json`, `log.csv`, `curves.png`, checkpoints.
        model: An architecture; with `weights`, any model for `load`.
        recipe: A name in `recipe.names()`, the path of a JSON file, or a `Recipe`; None for "short", or with teachers
            for "teach".
        teachers: Taggers whose outputs are learned, as for `load`. The records then need no labels, and the student
            gets the teachers' tags. TensorFlow only.
        weights: Pretrained weights to start from, as for `load`; None for random weights.
        config: Changes to the architecture's `Config`, with random weights only, such as {"units": 128}.
        level: "chunk", or "song" for 29 s at once (`Settings`).
        precision: "float32", "bfloat16" or "float16". Teachers use the same precision, but not float16.
        deterministic: Whether TensorFlow's operations are deterministic: slower, but every run gives equal weights.
        checkpoint_seconds: Longest time between two saved states; one is also saved after each epoch.
        on_step: Called with the position and the number of steps per epoch after each step.
        on_epoch: Called with the rows of the log after each epoch.

    Returns:
        The file of the trained tagger, for `keras_musictag.load`.

    Raises:
        FileNotFoundError: If there are no finished records.
        RecordsError: If records are damaged; the message names the shard.
        MusicTagError: If another process is training in the folder.
        TrainingError: If the folder belongs to another run, the loss is NaN or infinite, or a part is empty.
        OSError: If the disk is full; the last good state is kept.
        UnknownNameError: If a name is unknown.
    """
    records, out = Records(records), Path(out)
    recipe = recipe or ("teach" if teachers else "short")
    recipe = recipe if isinstance(recipe, Recipe) else read_recipe(recipe)
    for part in ("train", "valid"):
        if not records.part(part):
            raise TrainingError(
                f"{records.folder} has no tracks in the part {part!r}. Training needs the parts train and valid."
            )
    _check_teaching(records, recipe, bool(teachers), weights, config, precision)
    _check_choice(records, recipe)
    panel = load_teachers(teachers, precision) if teachers else None
    settings = Settings(
        model=str(model),
        weights=None if weights is None else str(weights),
        level=level,
        precision=precision,
        recipe=recipe,
        records=records_identity(records),
        config=dict(config) if config else None,
        teachers=list(panel.facts) if panel else None,
    )
    check_settings(out, settings)
    result = out / MODEL_FILE
    if result.is_file():
        return result
    if deterministic and keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()
    strategy = None if panel else model_setup.make_strategy()  # teachers and student share one device
    replicas = model_setup.replicas_of(strategy)
    with model_setup.scope_of(strategy):
        tagger = model_setup.make_model(settings, panel.vocabulary if panel else records.vocabulary, replicas)
    feed = batches.Feed(records, recipe, tagger.spec.chunking.chunk_samples, drop_remainder=replicas > 1)
    _check_batches(feed, replicas)
    if panel:
        trained, taggers, validate = _make_student(tagger, panel, feed)
    else:
        trained, taggers, validate = tagger, (tagger,), batches.make_validation(feed, tagger)
    write_settings(out, settings)  # only now, because a wrong name raises above

    def end_epoch(rows: list[dict]) -> None:
        write_logs(out, rows, last=False)
        on_epoch(rows)

    run = TrainingRun(
        folder=out,
        recipe=recipe,
        feed=feed,
        taggers=taggers,
        validate=validate,
        checkpoint_seconds=checkpoint_seconds,
        on_step=lambda position: on_step(position, feed.steps),
        on_epoch=end_epoch,
    )
    with locked(out), feed.naming_damage():
        remove_scratch(out, older_seconds=0)
        position = run_recipe(trained, strategy, run)
    write_logs(out, position.log)  # a killed run may not have written its last epoch
    save_tagger(tagger, result)
    return result


def _make_student(
    tagger: Tagger, panel: Teachers, feed: batches.Feed
) -> tuple[keras.Model, tuple[Tagger, ...], Callable]:
    """Returns the model for `fit`, the taggers that get the best weights, and a function that measures the last."""
    from keras_musictag.training.fidelity import make_fidelity
    from keras_musictag.training.student import Student  # loads TensorFlow

    average = Tagger(tagger.spec, precision=tagger.precision)
    assign_weights(average, arrays_of(tagger), "The student")
    teach = panel.function(feed.chunk_samples)
    student = Student(tagger, average, teach, feed.recipe.teaching)
    return student, (tagger, average), make_fidelity(feed, average, teach)


def _check_teaching(records: Records, recipe: Recipe, taught: bool, weights, config, precision: str) -> None:
    if taught and recipe.teaching is None:
        raise TrainingError(
            "The recipe does not state how to teach. Use the recipe 'teach', or another one with `teaching`."
        )
    if not taught and recipe.teaching is not None:
        raise TrainingError("The recipe is for teaching. Name the teachers (--teacher), or use another recipe.")
    if not taught and not records.vocabulary:
        raise TrainingError(
            f"{records.folder} has no labels to learn from. Name trained taggers as teachers (--teacher), or prepare "
            "records of a dataset with tags."
        )
    if taught and precision == "float16":
        raise TrainingError("The precision of a student must be float32 or bfloat16. Received: precision='float16'.")
    if config and weights is not None:
        raise TrainingError(f"Pretrained weights have their own config. Leave out `config` or the weights {weights!r}.")


def _check_choice(records: Records, recipe: Recipe) -> None:
    labels = records.labels("valid") > 0
    if recipe.best_by != "loss" and not (labels.any(axis=0) & ~labels.all(axis=0)).any():
        raise TrainingError(
            f"The recipe chooses weights by {recipe.best_by}, but each tag applies to all or none of the tracks in the "
            f"part 'valid' (tracks: {len(labels)}). Use a recipe with best_by \"loss\", or prepare a larger part."
        )


def _check_batches(feed: batches.Feed, replicas: int) -> None:
    size = feed.recipe.batch_size
    if size % replicas:
        raise TrainingError(f"{replicas} devices cannot share a batch of {size}. Choose a multiple of {replicas}.")
    if feed.steps == 0:
        raise TrainingError(
            f"{feed.examples} chunks per epoch do not fill a batch of {size}. Choose a smaller batch size."
        )


def save_tagger(trained: Tagger, path: Path) -> None:
    """Writes a trained tagger without its optimiser and masks, and with no layer frozen.

    It is named after its architecture, because the name of pretrained weights stands for other tags.
    """
    tagger = Tagger(trained.spec, precision=trained.precision)
    assign_weights(tagger, arrays_of(trained), "The trained network")
    with whole_file(path) as scratch:
        tagger.save(scratch)
