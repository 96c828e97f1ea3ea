"""What a run leaves for people: `log.csv`, `curves.png`, and TensorBoard's events where TensorFlow trains.

`train`: a folder of records and a recipe -> a folder with the trained tagger, its log and its curves.
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
from keras_musictag.training import batches, network
from keras_musictag.training.loop import Run, run_recipe
from keras_musictag.training.recipe import Recipe, read_recipe
from keras_musictag.training.state import Position, Settings, check_folder, claim_folder, facts_of
from keras_musictag.training.teachers import Teachers, load_teachers
from keras_musictag.zoo.weights import arrays_of, assign_weights

PANELS = {"binary cross-entropy": ("loss", "val_loss"), "validation": ("val_roc_auc", "val_pr_auc")}
TAUGHT_PANELS = {
    "training loss": ("loss",),
    "divergence from the teachers": ("val_kl",),
    "rank correlation with the teachers": ("val_rank_correlation",),
}
CSV_FILE, PLOT_FILE, EVENTS_FOLDER = "log.csv", "curves.png", "tensorboard"
PLOT_SECONDS = 10.0  # from one drawing of the curves to the next: of few tracks, an epoch takes as long as a drawing


def write_logs(folder: Path, rows: list[dict], last: bool = True) -> None:
    """Writes them anew, with all epochs.

    Args:
        folder: Of the run.
        rows: A row an epoch, all with the same keys, as `Position.log` has them.
        last: Whether the run is at its end. Before, curves that were drawn less than `PLOT_SECONDS` ago are left as
            they are.
    """
    write_csv(folder / CSV_FILE, rows[0], (row.values() for row in rows))
    plot = folder / PLOT_FILE
    if last or not plot.exists() or time.time() - plot.stat().st_mtime > PLOT_SECONDS:
        plot_curves(rows, plot)
    if keras.backend.backend() == "tensorflow":
        write_events(rows, folder / EVENTS_FOLDER)


def plot_curves(rows: list[dict], path: Path) -> None:
    """Draws losses and validation over epochs: dotted lines where phases begin, a solid one at the best epoch."""
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
    """Trains a tagger on the records' part "train", and keeps the weights that are best on "valid".

    The same call goes on where an interrupted one stopped: with optimiser, seeds, schedule and place in the data. On
    TensorFlow all GPUs are used (MirroredStrategy, synchronised normalisation); on JAX and PyTorch one device.

    Args:
        records: A folder that `keras-musictag prepare` wrote.
        out: Folder of the run: `model.keras` (the best weights), `run.json`, `log.csv`, `curves.png`, checkpoints.
        model: An architecture; with `weights`, anything that `load` takes.
        recipe: A name of `recipe.names()`, the path of a JSON file, or a `Recipe`; None for "short", and for "teach"
            with teachers.
        teachers: Taggers that say what each crop sounds like, as `load` takes them; the records need no labels then,
            and the student gets the teachers' tags. TensorFlow only.
        weights: Pretrained weights to start from, as `load` takes them; None for random ones.
        config: Settings of the architecture's `Config` to change, for random weights: {"units": 128}.
        level: "chunk", or "song" for 29 s at once (`Settings`).
        precision: "float32", "bfloat16" or "float16"; teachers compute in it, too, and float16 is not for them.
        deterministic: Make TensorFlow's operations deterministic: slower, and the same weights to the bit in each run.
        checkpoint_seconds: The state is saved at least so often, and after each epoch.
        on_step: Told the position and the steps of an epoch after each step.
        on_epoch: Told the rows of the log after each epoch.

    Returns:
        The file of the trained tagger, for `keras_musictag.load`.

    Raises:
        FileNotFoundError: If there are no finished records.
        RecordsError: If records are damaged; the message names the shard.
        MusicTagError: If another process is training in the folder.
        TrainingError: If the folder is of another run, the loss is no number, or a part is empty.
        OSError: If the disk is full; the last good checkpoint stays.
        UnknownNameError: If a name is not known.
    """
    records, out = Records(records), Path(out)
    recipe = recipe or ("teach" if teachers else "short")
    recipe = recipe if isinstance(recipe, Recipe) else read_recipe(recipe)
    for part in ("train", "valid"):
        if not records.part(part):
            raise TrainingError(f"{records.folder} has no tracks in the part {part!r}: training needs both.")
    _check_teaching(records, recipe, bool(teachers), weights, config, precision)
    _check_choice(records, recipe)
    panel = load_teachers(teachers, precision) if teachers else None
    settings = Settings(
        model=str(model),
        weights=None if weights is None else str(weights),
        level=level,
        precision=precision,
        recipe=recipe,
        records=facts_of(records),
        config=dict(config) if config else None,
        teachers=list(panel.facts) if panel else None,
    )
    check_folder(out, settings)
    result = out / MODEL_FILE
    if result.is_file():
        return result
    if deterministic and keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()
    strategy = None if panel else network.make_strategy()  # teachers and student share one device
    replicas = network.replicas_of(strategy)
    with network.scope_of(strategy):
        tagger = network.make_model(settings, panel.vocabulary if panel else records.vocabulary, replicas)
    feed = batches.Feed(records, recipe, tagger.spec.chunking.chunk_samples, drop_remainder=replicas > 1)
    _check_batches(feed, replicas)
    if panel:
        trained, taggers, validate = _make_student(tagger, panel, feed)
    else:
        trained, taggers, validate = tagger, (tagger,), batches.make_validation(feed, tagger)
    claim_folder(out, settings)  # only now: a wrong name has raised above

    def end_epoch(rows: list[dict]) -> None:
        write_logs(out, rows, last=False)
        on_epoch(rows)

    run = Run(
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
    write_logs(out, position.log)  # a run may have been killed before it wrote its last epoch
    save_tagger(tagger, result)
    return result


def _make_student(
    tagger: Tagger, panel: Teachers, feed: batches.Feed
) -> tuple[keras.Model, tuple[Tagger, ...], Callable]:
    """What `fit` trains, the taggers that take the best weights, and what measures the last of them."""
    from keras_musictag.training.fidelity import make_fidelity
    from keras_musictag.training.student import Student  # loads TensorFlow

    average = Tagger(tagger.spec, precision=tagger.precision)
    assign_weights(average, arrays_of(tagger), "The student")
    teach = panel.function(feed.chunk_samples)
    student = Student(tagger, average, teach, feed.recipe.teaching)
    return student, (tagger, average), make_fidelity(feed, average, teach)


def _check_teaching(records: Records, recipe: Recipe, taught: bool, weights, config, precision: str) -> None:
    if taught and recipe.teaching is None:
        raise TrainingError("The recipe does not say how to teach: take the recipe 'teach', or one with `teaching`.")
    if not taught and recipe.teaching is not None:
        raise TrainingError("The recipe is one for teaching: name the teachers (--teacher), or take another recipe.")
    if not taught and not records.vocabulary:
        raise TrainingError(
            f"{records.folder} has no labels to learn: name trained taggers that say what is heard (--teacher), or "
            "prepare records of a dataset with tags."
        )
    if taught and precision == "float16":
        raise TrainingError("A student computes in float32 or bfloat16. Received: precision='float16'.")
    if config and weights is not None:
        raise TrainingError(f"Pretrained weights {weights!r} have a config of their own: leave out one of the two.")


def _check_choice(records: Records, recipe: Recipe) -> None:
    labels = records.labels("valid") > 0
    if recipe.best_by != "loss" and not (labels.any(axis=0) & ~labels.all(axis=0)).any():
        raise TrainingError(
            f"The recipe chooses weights by {recipe.best_by}, but in the part 'valid' (tracks: {len(labels)}) no tag "
            'has some with and some without it: take a recipe with best_by "loss", or prepare a larger part.'
        )


def _check_batches(feed: batches.Feed, replicas: int) -> None:
    size = feed.recipe.batch_size
    if size % replicas:
        raise TrainingError(f"{replicas} devices cannot share a batch of {size}. Choose a multiple of {replicas}.")
    if feed.steps == 0:
        raise TrainingError(f"{feed.examples} chunks an epoch fill no batch of {size}. Choose a smaller batch size.")


def save_tagger(trained: Tagger, path: Path) -> None:
    """Writes a trained tagger as a whole file: without its optimiser and masks, nothing frozen.

    It is called by its architecture: of pretrained weights, the name is that of other tags.
    """
    tagger = Tagger(trained.spec, precision=trained.precision)
    assign_weights(tagger, arrays_of(trained), "The trained network")
    with whole_file(path) as scratch:
        tagger.save(scratch)
