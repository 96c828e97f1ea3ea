"""Which zoo entries exist: the bundled ones, and those in the user's zoo folder. Loads no TensorFlow."""

import fnmatch
import warnings
from dataclasses import dataclass
from pathlib import Path

from keras_musictag.bundled_files import bundled
from keras_musictag.errors import UnknownNameError
from keras_musictag.user_folders import user_folder
from keras_musictag.zoo.card import CARD_FILE, Card, read_card

# The default entry of an architecture is the one trained on the first of these datasets
DATASETS = ("mtat", "msd", "mtg-jamendo", "gmtag")


@dataclass(frozen=True)
class ModelInfo:
    """One row of the list of models: a summary of a card.

    `weights` says where they are: "bundled" with this package, "yours" in the user's zoo folder, or "fetched", that is,
    downloaded from their authors' repository on first use and then cached.
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
    """Name -> folder of every entry. A bundled entry takes precedence over a user's of the same name."""
    found = {}
    for root in (user_folder(), bundled("zoo")):
        if root.is_dir():
            found.update({card.parent.name: card.parent for card in root.glob(f"*/{CARD_FILE}")})
    return dict(sorted(found.items()))


def cards(architecture: str | None = None) -> list[Card]:
    """The cards of all entries, or of one architecture's; an architecture's default entry comes before its others.

    A damaged card is skipped with a warning.
    """
    found = []
    for name, folder in entries().items():
        try:
            card = read_card(folder)
            if card.name != name:
                raise ValueError(f"{folder} holds the card of {card.name!r}: the folder must have that name.")
            found.append(card)
        except Exception as error:  # one bad entry, whatever is wrong with it, must not hide the others
            warnings.warn(f"A zoo entry was skipped. {error}", stacklevel=2)
    return sorted((card for card in found if architecture in (None, card.architecture)), key=_sort_key)


def _sort_key(card: Card):
    dataset = card.trained_on.dataset
    rank = DATASETS.index(dataset) if dataset in DATASETS else len(DATASETS)
    return card.architecture, rank, dataset, -card.version


def list_models(pattern: str = "*", dataset: str | None = None) -> list[ModelInfo]:
    """Lists the zoo's entries.

    Args:
        pattern: A shell pattern for entry names, such as "*cnn*".
        dataset: List only entries trained on this dataset, such as "mtat".

    Raises:
        UnknownNameError: If no entry was trained on that dataset.

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
            weights=_weights_location(card),
            summary=card.summary,
        )
        for card in found
        if fnmatch.fnmatchcase(card.name, pattern) and dataset in (None, card.trained_on.dataset)
    ]


def _weights_location(card: Card) -> str:
    if card.weights.file is None:
        return "fetched"
    return "bundled" if (bundled("zoo") / card.name).is_dir() else "yours"
