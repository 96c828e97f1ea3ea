"""A local checkpoint of the 2020 evaluation -> a zoo entry."""

import functools
import itertools
import tempfile
from os import PathLike
from pathlib import Path

import numpy as np

from keras_musictag.architectures import musicnn_2020
from keras_musictag.bundled_files import bundled
from keras_musictag.errors import UnknownNameError, printable
from keras_musictag.tagger import Tagger, TaggerSpec
from keras_musictag.tags.vocabulary import Vocabulary, read_tags
from keras_musictag.user_folders import user_folder
from keras_musictag.zoo.card import CARD_FILE, Card, Licences, TrainedOn, read_card
from keras_musictag.zoo.catalog import entries
from keras_musictag.zoo.fetching import git_blob_sha1
from keras_musictag.zoo.importers.sota2020 import CLASSES, convert
from keras_musictag.zoo.importers.torch_file import read_state_dict
from keras_musictag.zoo.publish import write_entry
from keras_musictag.zoo.weights import assign_weights

# The originals' filterbank, in float32, differs by up to 1.1e-5; one with another scale or range by 0.1 or more
FRONTEND_ATOL = 1e-4


def import_checkpoint(
    path: str | PathLike,
    architecture: str,
    dataset: str,
    out: str | PathLike | None = None,
    version: int | None = None,
) -> Path:
    """Reads a PyTorch checkpoint of one of the nine networks of the 2020 evaluation and writes a zoo entry.

    Args:
        path: The checkpoint that `torch.save(model.state_dict(), path)` wrote. PyTorch is not needed.
        architecture: The network that it belongs to: "fcn", "musicnn_2020", ...
        dataset: The dataset whose tags are the outputs, in order: a folder of `tfrecords/`, such as "mtat".
        out: The folder to write the entry's folder to; None for the user's zoo folder, whose entries can be loaded
            by name.
        version: The N of the entry's name, `<architecture>-<dataset>-v<N>`; None for the next free one.

    Returns:
        The entry's folder. It is written completely or not at all.

    Raises:
        UnknownNameError: If the network or dataset is unknown.
        FileNotFoundError: If the file does not exist.
        ValueError: If the file is not a checkpoint, or belongs to another network, front end or number of tags; if it
            is a published one of another dataset; if the entry already exists.

    For example, `import_checkpoint("best_model.pth", "fcn", "mtat").name` is `"fcn-mtat-v2"`.
    """
    path, out = Path(path), user_folder() if out is None else Path(out)
    if architecture not in CLASSES:
        raise UnknownNameError.of("network of the 2020 evaluation", architecture, CLASSES)
    vocabulary = _tags_of(dataset)
    state = read_state_dict(path)
    digest = git_blob_sha1(path)
    published = _published(digest)
    if published and (published.architecture, published.trained_on.dataset) != (architecture, dataset):
        raise ValueError(
            f"{path} is the published checkpoint of {published.name!r}: its architecture is "
            f"{published.architecture!r} and its dataset {published.trained_on.dataset!r}. Received: "
            f"architecture={architecture!r}, dataset={dataset!r}."
        )
    tagger = _tagger(state, path, architecture, vocabulary)
    _check_frontend(state, path, tagger)
    facts = _facts_of(published) if published else _unknown_facts(architecture, dataset, path, digest)
    return _write(tagger, out, _free_name(f"{architecture}-{dataset}", version, out), facts)


def _tags_of(dataset: str) -> Vocabulary:
    known = sorted(path.parent.name for path in bundled("tfrecords").glob("*/tags.txt"))
    if dataset not in known:
        raise UnknownNameError.of("dataset", dataset, known)
    return read_tags(bundled("tfrecords") / dataset / "tags.txt")


def _published(digest: str) -> Card | None:
    """The bundled entry whose checkpoint has this git blob hash."""
    cards = (read_card(path.parent) for path in sorted(bundled("zoo").glob(f"*/{CARD_FILE}")))
    return next((card for card in cards if card.weights.git_blob_sha1 == digest), None)


def _tagger(state, path: Path, architecture: str, vocabulary: Vocabulary) -> Tagger:
    """The network with the checkpoint's weights."""
    try:
        arrays = convert(state)
    except ValueError as error:
        raise ValueError(f"{path} is not a checkpoint of the 2020 evaluation. {error}") from None
    outputs = arrays.get("logits/bias", np.zeros(len(vocabulary))).size
    if outputs != len(vocabulary):
        raise ValueError(
            f"{path} has {outputs} outputs, but the dataset has {len(vocabulary)} tags: it must have one per tag."
        )
    tagger = _build(_spec(architecture, arrays, vocabulary))
    try:
        assign_weights(tagger, arrays, str(path))
    except ValueError as error:
        found = {key: array.shape for key, array in arrays.items()}
        others = (name for name in CLASSES if name != architecture)
        matching = next((name for name in others if _shapes(_spec(name, arrays, vocabulary)) == found), None)
        guess = f" It fits {matching!r}: pass that as the architecture." if matching else ""
        raise ValueError(f"{error}{guess}") from None
    return tagger


def _spec(architecture: str, arrays: dict[str, np.ndarray], vocabulary: Vocabulary) -> TaggerSpec:
    config = None
    if architecture == "musicnn_2020":  # the only one whose published weights differ in size
        config = musicnn_2020.Config(
            midend_filters=_size(arrays, "layer1_conv/bias", musicnn_2020.Config.midend_filters),
            units=_size(arrays, "dense/bias", musicnn_2020.Config.units),
        )
    return TaggerSpec.of(architecture, vocabulary, config)


def _build(spec: TaggerSpec) -> Tagger:
    return Tagger(spec, precision="float32")


def _size(arrays, key: str, default: int) -> int:
    return arrays[key].size if key in arrays and 0 < arrays[key].size <= 4096 else default


@functools.cache  # building a network takes up to a second
def _shapes(spec: TaggerSpec) -> dict[str, tuple[int, ...]]:
    """The shapes of a network's weights."""
    return {variable.path: tuple(variable.shape) for variable in _build(spec).weights}


def _check_frontend(state, path: Path, tagger: Tagger) -> None:
    """Compares the window and mel filterbank that the original checkpoints contain with ours."""
    for key, found in state.items():
        if key.endswith(".window"):
            size = tagger.spec.frontend_config.window_samples
            expected = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)
        elif key.endswith(".fb"):
            expected = _filterbank(tagger)
        else:
            continue
        if found.shape != expected.shape or not np.abs(found - expected).max() <= FRONTEND_ATOL:
            raise ValueError(
                f"{path} was trained with another front end than that of {tagger.spec.architecture!r}: its {key} "
                f"{found.shape} differs from the one here {expected.shape}."
            )


def _filterbank(tagger: Tagger) -> np.ndarray:
    """The network's own filterbank, from its output for one bin at a time: float (bins, mels)."""
    bins = tagger.spec.frontend_config.window_samples // 2 + 1
    spectra = np.eye(bins, dtype=np.float32)[None, :, :, None]  # (batch, frames, bins, 1)
    return np.asarray(tagger.get_layer("log_mel_bands")(spectra))[0, :, :, 0]


def _facts_of(card: Card) -> dict:
    return {
        name: getattr(card, name) for name in ("summary", "trained_on", "reference", "licences", "versions", "recipe")
    }


def _unknown_facts(architecture: str, dataset: str, path: Path, digest: str) -> dict:
    source = f"unknown: imported from {printable(path.name)}"
    return {
        "summary": f"{CLASSES[architecture]} of the 2020 evaluation, imported from {printable(path.name)}",
        "trained_on": TrainedOn(dataset, f"unknown: the file's git blob hash is {digest}", source, None),
        "reference": None,
        "licences": Licences(code=source, weights=source, training_data=source),
        "versions": {},
        "recipe": None,
    }


def _free_name(stem: str, version: int | None, out: Path) -> str:
    """`<stem>-v<N>`, a name that no entry and no file in the folder has."""
    taken = {*entries(), *(path.name for path in out.glob("*"))}
    if version is None:
        return next(name for n in itertools.count(1) if (name := f"{stem}-v{n}") not in taken)
    name = f"{stem}-v{version}"
    if name in taken:
        raise ValueError(f"The entry {name!r} already exists: omit `version` for the next free one.")
    return name


def _write(tagger: Tagger, out: Path, name: str, facts: dict) -> Path:
    """Writes the entry to a scratch folder next to it, and renames that when it is complete."""
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out, prefix=".importing-") as scratch:
        write_entry(tagger, Path(scratch) / name, half=False, **facts)
        return (Path(scratch) / name).rename(out / name)
