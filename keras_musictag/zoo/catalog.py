"""Which entries there are: bundled ones, and those in the user's zoo folder. Loads no TensorFlow."""

import fnmatch
import warnings
from dataclasses import dataclass
from pathlib import Path

from keras_musictag.bundled_files import bundled
from keras_musictag.errors import UnknownNameError
from keras_musictag.user_folders import user_folder
from keras_musictag.zoo.card import FILE_NAME, Card, read_card

# of an architecture's entries the first of these datasets is the default one
DATASETS = ("mtat", "msd", "mtg-jamendo", "gmtag")


@dataclass(frozen=True)
class ModelInfo:
    """A line of the list of models: what a card says, in short.

    `weights` says where they are: "bundled" with this package, "yours" in the user's zoo folder, or "fetched", which
    means from their authors' repository when they are first loaded, and cached from then on.
    """

    name: str
    architecture: str
    dataset: str
    num_tags: int
    parameters: int
    licence: str
    weights: str
    summary: str


def entries() -> dict[str, Path]:
    """Name -> folder of every entry. A bundled entry wins over a user's of the same name."""
    found = {}
    for root in (user_folder(), bundled("zoo")):
        if root.is_dir():
            found.update({card.parent.name: card.parent for card in root.glob(f"*/{FILE_NAME}")})
    return dict(sorted(found.items()))


def cards() -> list[Card]:
    """The cards of all entries, default entries of an architecture first; a damaged one is warned of and left out."""
    found = []
    for name, folder in entries().items():
        try:
            card = read_card(folder)
            if card.name != name:
                raise ValueError(f"{folder} holds the card of {card.name!r}: the folder must bear that name.")
            found.append(card)
        except Exception as error:  # whatever is wrong with one entry must not hide the others
            warnings.warn(f"A zoo entry is left out. {error}", stacklevel=2)
    return sorted(found, key=_rank)


def _rank(card: Card):
    dataset = card.trained_on.dataset
    place = DATASETS.index(dataset) if dataset in DATASETS else len(DATASETS)
    return card.architecture, place, dataset, -card.version


def best_entry(architecture: str, dataset: str | None = None) -> Card | None:
    """The default entry of an architecture, or its newest one for a dataset; None where there is none."""
    fitting = (c for c in cards() if c.architecture == architecture and dataset in (None, c.trained_on.dataset))
    return next(fitting, None)


def list_models(pattern: str = "*", dataset: str | None = None) -> list[ModelInfo]:
    """Lists the zoo's entries.

    Args:
        pattern: A shell pattern on entry names, such as "*cnn*".
        dataset: Only entries trained on it, such as "mtat".

    Raises:
        UnknownNameError: If no entry at all was trained on that dataset.

    Example:
        >>> [model.name for model in list_models("musicnn-*", dataset="msd")]
        ['musicnn-msd-v1']
    """
    found = cards()
    datasets = sorted({card.trained_on.dataset for card in found})
    if dataset is not None and dataset not in datasets:
        raise UnknownNameError.of("dataset with weights", dataset, datasets)
    return [
        ModelInfo(
            name=card.name,
            architecture=card.architecture,
            dataset=card.trained_on.dataset,
            num_tags=len(card.model["tags"]),
            parameters=card.weights.parameters,
            licence=card.licences.weights,
            weights=_whereabouts(card),
            summary=card.summary,
        )
        for card in found
        if fnmatch.fnmatchcase(card.name, pattern) and dataset in (None, card.trained_on.dataset)
    ]


def _whereabouts(card: Card) -> str:
    if card.weights.file is None:
        return "fetched"
    return "bundled" if (bundled("zoo") / card.name).is_dir() else "yours"
