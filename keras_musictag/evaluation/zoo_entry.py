"""A finished training run and its evaluation -> an entry of the user's zoo, with metrics and thresholds in its card."""

import itertools
import json
import os
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from keras_musictag import __version__
from keras_musictag.bundled_files import bundled
from keras_musictag.evaluation.measuring import TITLES
from keras_musictag.evaluation.predicting import network_hash
from keras_musictag.evaluation.reporting import Report
from keras_musictag.evaluation.run_folder import REPORT, read_run
from keras_musictag.evaluation.tables import Table, number, with_interval
from keras_musictag.files import write_text
from keras_musictag.tagger import Tagger
from keras_musictag.user_folders import user_folder
from keras_musictag.zoo.card import NAME, Card, Licences, Metric, TrainedOn
from keras_musictag.zoo.catalog import entries
from keras_musictag.zoo.loading import load
from keras_musictag.zoo.publish import write_entry

CARD_INTERVAL_LEVEL = 0.95  # share of the resamples inside a card's intervals


def card_metrics(report: Report) -> tuple[Metric, ...]:
    """Returns a report's macro values at track level for a card; metrics without a value are left out.

    Args:
        report: A report about undeformed audio.

    Returns:
        One `Metric` each, named as in the report: "roc_auc", "pr_auc", "average_precision", "mcc", "f1". Intervals of a
        level other than 95 % are left out.

    Raises:
        ValueError: If the report is about deformed audio.
    """
    source, group = report.source, report.group()
    if source.deformation:
        raise ValueError(f"A card states metrics on undeformed audio only. Received: {source.deformation!r}.")
    of_card = report.resampling.level == CARD_INTERVAL_LEVEL
    return tuple(
        Metric(
            dataset=source.dataset,
            split=f"{source.split}, {source.part}",
            metric=name,
            value=float(measured.macro[0]),
            interval=tuple(map(float, measured.macro[1:])) if of_card and not np.isnan(measured.macro[1]) else None,
            tracks=group.tracks,
        )
        for name, measured in group.metrics.items()
        if not np.isnan(measured.macro[0])
    )


MODEL, SETTINGS, EVALUATION, README = "model.keras", "run.json", "evaluation", "README.md"
NOT_STATED = "not stated"


@dataclass(frozen=True, eq=False)
class _Trained:
    """A training run that was read: its tagger, its `run.json`, and the version of Keras that saved it."""

    folder: Path
    tagger: Tagger
    settings: dict[str, Any]
    keras: str


def add_entry(
    run: str | os.PathLike,
    evaluation: str | os.PathLike | None = None,
    *,
    name: str | None = None,
    out: str | os.PathLike | None = None,
    summary: str | None = None,
    licence: str = NOT_STATED,
) -> Path:
    """Writes a zoo entry: `weights.safetensors` in float32, `card.json` and `README.md`.

    Args:
        run: A folder that `train` or `finetune` has finished, with `model.keras` and `run.json`.
        evaluation: A folder that `evaluate` wrote for that model and the part "test". None for `run/evaluation`, which
            `finetune` writes; if it does not exist, the card has no metrics and no thresholds.
        name: Name of the entry, such as "vgg-mine-v1"; None for the next free `<architecture>-<dataset>-v<N>`.
        out: Folder in which to create the entry's folder; None for the user's zoo folder, whose entries load by name.
        summary: One sentence about the entry; None for one that names the architecture and the dataset.
        licence: Licence of the weights.

    Returns:
        The entry's folder, which appears complete or not at all.

    Raises:
        FileNotFoundError: If the run or the evaluation does not exist or is not finished.
        ValueError: If one is damaged, the evaluation is of other weights, another split, another part or deformed
            audio, or the name is invalid or taken.
    """
    trained, out = _read_trained(Path(run)), user_folder() if out is None else Path(out)
    architecture, records = trained.tagger.spec.architecture, trained.settings["records"]
    if evaluation is None and (trained.folder / EVALUATION / REPORT).is_file():
        evaluation = trained.folder / EVALUATION
    report = None if evaluation is None else _read_report(Path(evaluation), trained)
    name = _free_name(name, architecture, records["dataset"], out)
    facts = {
        "summary": summary or f"{architecture}, trained on {records['dataset']} ({records['split']})",
        "trained_on": TrainedOn(*(records[key] for key in ("dataset", "dataset_version", "split", "split_sha256"))),
        "reference": None,
        "licences": Licences(
            code="Apache-2.0 AND ISC", weights=licence, training_data=_licence_of_data(records["dataset"])
        ),
        "versions": {"keras": trained.keras, "keras_musictag": __version__},
        "recipe": json.dumps({key: value for key, value in trained.settings.items() if key != "records"}),
        "metrics": () if report is None else card_metrics(report),
        "thresholds": {} if report is None else report.thresholds,
    }
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out, prefix=".adding-") as scratch:
        folder = Path(scratch) / name
        card = write_entry(trained.tagger, folder, half=False, **facts)
        write_text(folder / README, _readme(card, trained, report))
        return folder.rename(out / name)


def _read_trained(folder: Path) -> _Trained:
    for file in (MODEL, SETTINGS):
        if not (folder / file).is_file():
            raise FileNotFoundError(
                f"There is no {file} in {str(folder)!r}: expected a folder that `keras-musictag train` or `finetune` "
                "has finished."
            )
    tagger = load(folder / MODEL)
    try:
        settings = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
        records = {key: settings["records"][key] for key in ("dataset", "dataset_version", "split", "split_sha256")}
        names = ("model", "weights", "config", "teachers", "level", "precision", "recipe")
        settings = {key: settings[key] for key in names}
        settings["recipe"]["summary"].strip()
        with zipfile.ZipFile(folder / MODEL) as archive:
            keras = json.loads(archive.read("metadata.json"))["keras_version"]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(
            f"{str(folder / SETTINGS)!r} does not describe a training run ({error}). Is it damaged?"
        ) from error
    return _Trained(folder, tagger, {**settings, "records": records}, keras)


def _read_report(folder: Path, trained: _Trained) -> Report:
    """Reads the report and checks that a card of these weights may state it."""
    report, records = read_run(folder).report, trained.settings["records"]
    refusal = f"The evaluation in {str(folder)!r} cannot be used for the card"
    if report.facts.get("network") != network_hash(trained.tagger):
        raise ValueError(f"{refusal}: it is not of {str(trained.folder / MODEL)!r}. Evaluate that model again.")
    if report.source.part != "test":
        raise ValueError(
            f"{refusal}: it is of the part {report.source.part!r}, not of test. Evaluate on the part test."
        )
    if (report.source.dataset, report.source.split_sha256) != (records["dataset"], records["split_sha256"]):
        raise ValueError(
            f"{refusal}: its dataset or split differs from that of the training, so its tracks may have been used for "
            "training. Evaluate on the test part of the records used for training."
        )
    return report


def _free_name(name: str | None, architecture: str, dataset: str, out: Path) -> str:
    """Returns the given name, or the next free one, if no entry and nothing in the folder has this name."""
    taken = {*entries(), *(path.name for path in out.glob("*"))}
    if name is None:
        return next(free for n in itertools.count(1) if (free := f"{architecture}-{dataset}-v{n}") not in taken)
    if not NAME.fullmatch(name) or not name.startswith(f"{architecture}-"):
        raise ValueError(f"The entry's name must look like '{architecture}-mine-v1'. Received: {name!r}.")
    if name in taken:
        raise ValueError(f"An entry {name!r} already exists. Choose another number, or leave the name out.")
    return name


def _licence_of_data(dataset: str) -> str:
    path = bundled("tfrecords") / dataset / "spec.json"
    return json.loads(path.read_text(encoding="utf-8"))["licence"] if path.is_file() else NOT_STATED


def _readme(card: Card, trained: _Trained, report: Report | None) -> str:
    """The model card: what people want to know before they use the weights."""
    use = f'import keras_musictag as kmt\n\ntagger = kmt.load("{card.name}")  # or the path of this folder\n'
    use += 'for tag, score in tagger.tag("song.mp3").tags:\n    print(f"{tag:20} {score:.3f}")'
    about = Table("What it is", ("", "value"), tuple(_about(card, trained)), tuple(_beginning(trained.settings)))
    tables = [Table("Scores", (), (), ("Not measured.",))] if report is None else [_scores(report)]
    if card.thresholds:
        tables.append(_thresholds(report))
    parts = [f"# {card.name}\n", about.to_markdown(), f"## Use\n\n```python\n{use}\n```\n"]
    return "\n".join([*parts, *(table.to_markdown() for table in tables)])


def _about(card: Card, trained: _Trained):
    data, chunking = card.trained_on, trained.tagger.spec.chunking
    yield "summary", card.summary
    yield "network", f"{card.architecture}, {card.weights.parameters:,} parameters, {len(card.model['tags'])} tags"
    yield "input", f"chunks of {trained.tagger.chunk_seconds:g} s at {chunking.sample_rate_hz:,} Hz"
    yield "trained on", f"{data.dataset}, {data.version}; split {data.split}, SHA-256 {data.split_sha256}"
    yield "recipe", trained.settings["recipe"]["summary"]
    yield "training data", card.licences.training_data
    yield "licence of the weights", card.licences.weights


def _beginning(settings: dict[str, Any]):
    yield "The whole recipe is in card.json."
    if settings["weights"] is not None:
        yield (
            f"Training started from pretrained weights ({settings['model']}, {settings['weights']}), whose licence and "
            "training data have their own terms."
        )


def _scores(report: Report) -> Table:
    source, group = report.source, report.group()
    rows = tuple((TITLES[name], with_interval(measured.macro)) for name, measured in group.metrics.items())
    left_out = group.metrics["roc_auc"].left_out
    notes = [
        f"{source.dataset}, {source.split}, {source.part}: {group.tracks:,} tracks, means over tags, in "
        f"{report.facts['precision']}."
    ]
    if left_out:
        notes.append(
            f"Left out: {left_out} of {len(report.vocabulary)} tags, which apply to all or none of these tracks."
        )
    return Table("Scores", ("metric", "value"), rows, tuple(notes))


def _thresholds(report: Report) -> Table:
    rows = tuple((tag, number(value)) for tag, value in report.thresholds.items())
    note = f"Chosen on {report.valid_tracks:,} validation tracks; tags that are not listed have no chosen threshold."
    return Table("Thresholds", ("tag", "applies from"), rows, (note,))
