"""Which tags are present: a threshold for each tag of a model.

The thresholds of a zoo entry's card, if it has any, were chosen on labelled data and win. Otherwise this package has
*estimated* ones for its bundled entries, in `estimated_thresholds/`: `scripts/estimate_thresholds.py` made them from
music without labels. They are valid only for the weights with the stated hash.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from keras_musictag.audio.downmix import SILENT
from keras_musictag.library.database import ScoredFile, StoredModel
from keras_musictag.zoo.card import CARD_FILE, read_card
from keras_musictag.zoo.catalog import entries

ESTIMATED_FOLDER = Path(__file__).parent / "estimated_thresholds"
UNKNOWN_THRESHOLD = 0.5  # for rankings only: a tag without a threshold is never present


@dataclass(frozen=True)
class PresenceThresholds:
    """The thresholds of a model's tags.

    Attributes:
        values: Tag -> the score from which on it is present. A tag that is missing here is never present.
        origin: "card" (of the zoo entry), "estimated" (by this package), or "none" (there are no thresholds).

    Example:
        >>> PresenceThresholds({"rock": 0.6}, "card").values["rock"]
        0.6
    """

    values: Mapping[str, float] = field(default_factory=dict)
    origin: str = "none"


def presence_thresholds(model: StoredModel) -> PresenceThresholds:
    """The thresholds of a stored model: its card's, else the estimated ones, else none.

    Example:
        >>> from keras_musictag import Vocabulary
        >>> presence_thresholds(StoredModel(1, "my-own-v1", "", Vocabulary(("rock",)), 200)).origin
        'none'
    """
    folder = entries().get(model.name)
    if folder is not None and (folder / CARD_FILE).is_file():
        card = read_card(folder)
        if card.thresholds and model.weights_sha256 == (card.weights.sha256 or card.weights.git_blob_sha1):
            return PresenceThresholds(card.thresholds, "card")
    path = ESTIMATED_FOLDER / f"{model.name}.json"
    if path.is_file():
        estimate = json.loads(path.read_text(encoding="utf-8"))
        if estimate["weights_sha256"] == model.weights_sha256:
            values = {tag: row["threshold"] for tag, row in estimate["tags"].items()}
            return PresenceThresholds({tag: value for tag, value in values.items() if value is not None}, "estimated")
    return PresenceThresholds()


def are_present(file: ScoredFile, thresholds: np.ndarray) -> np.ndarray:
    """Which tags are present in a file: those whose score is at least the threshold, and none if it is silent.

    Args:
        file: The file, with its scores.
        thresholds: Float (tags,); NaN for a tag that is never present.

    Returns:
        Bool (tags,).

    Example:
        >>> from keras_musictag.library.database import Labels
        >>> file = ScoredFile("/a.mp3", 1, 60.0, np.array([0.9, 0.1]), 0, Labels(), ())
        >>> are_present(file, np.array([0.5, 0.5])).tolist()
        [True, False]
    """
    silent = any(note.startswith(SILENT) for note in file.notes)
    return (file.scores >= thresholds) & (not silent)


def certainties(scores: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """Puts scores of different tags on one scale, on which each tag's threshold is 0.5.

    The odds of a score are divided by the odds of its threshold. This keeps the order of a tag's scores, and 0 and 1.
    It is not a probability: that would need labelled data.

    Args:
        scores: Float (..., tags), from 0 to 1.
        thresholds: Float (tags,), from 0 to 1; NaN for a tag without a threshold, which counts as 0.5.

    Returns:
        Float64 (..., tags), from 0 to 1.

    Example:
        >>> certainties(np.array([0.2, 0.9]), np.array([0.2, 0.5])).tolist()
        [0.5, 0.9]
    """
    thresholds = np.clip(np.where(np.isnan(thresholds), UNKNOWN_THRESHOLD, thresholds), 1e-9, 1 - 1e-9)
    scores = np.clip(np.asarray(scores, np.float64), 0, 1)
    above = scores * (1 - thresholds)
    return above / (above + thresholds * (1 - scores))
