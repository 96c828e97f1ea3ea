"""A seeded split of tracks into train, valid and test that keeps every artist in one part."""

import hashlib
import math
from collections import Counter
from collections.abc import Collection, Sequence

from keras_musictag.choices import FRACTIONS
from keras_musictag.errors import DatasetError
from keras_musictag.records.schema import PARTS, TEXT_CODEC

PART_OF_NAME = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("valid", "validation", "validate", "val", "dev", "devel", "development"), "valid"),
    **dict.fromkeys(("test", "testing", "eval", "evaluation"), "test"),
}


def unclear_part(words: Collection[str]) -> tuple[str, str] | None:
    """A word of `PART_OF_NAME` that is ambiguous next to the others, and what makes it so.

    Example:
        >>> unclear_part(["train", "dev", "test"]), unclear_part(["train", "test", "eval"])
        (None, ('eval', 'with test'))
    """
    clear = {PART_OF_NAME[word] for word in words if not word.startswith(("dev", "eval"))}
    for word in words:
        if word.startswith("eval") and "test" in clear:
            return word, "with test"
        if word.startswith("dev") and ("valid" in clear or "train" not in clear):
            return word, "with valid" if "valid" in clear else "without train"
    return None


def divide(groups: Sequence[str], seed: int = 0, fractions: Sequence[float] = FRACTIONS) -> list[str]:
    """Assigns every track to a part, and all tracks of a group to the same one.

    Large groups are assigned first (sizes within a factor of two count as equal), so that small ones even out the rest;
    the SHA-256 of seed and group breaks ties. Each group goes to the part with the smallest share of its target, if it
    fits there. The order of the tracks does not matter.

    Args:
        groups: The group of each track, such as its artist.
        seed: Random seed; another one gives another split.
        fractions: Shares of train, valid and test; their sum is 1. A part with 0 gets nothing, every other part at
            least one group.

    Returns:
        "train", "valid" or "test" for each track.

    Raises:
        ValueError: If `fractions` are not three numbers from 0 to 1 with the sum 1.
        DatasetError: If there are fewer groups than parts to fill.

    Example:
        >>> divide(["Ann", "Bob", "Ann", "Cid"], fractions=(0.5, 0.25, 0.25))
        ['train', 'valid', 'train', 'test']
    """
    sizes = Counter(groups)
    targets = _targets(fractions, len(groups))
    if len(sizes) < len(targets):
        raise DatasetError(
            f"Each of the parts {', '.join(targets)} needs an artist, or a track without an artist. Received: "
            f"{len(sizes)}. Add tracks, state the parts, or give the fraction 0 to a part that you do not need."
        )
    counts = dict.fromkeys(targets, 0)
    part_of = {}
    for left, group in zip(range(len(sizes), 0, -1), _ordered(sizes, seed), strict=True):
        empty = [part for part in targets if not counts[part]]
        part = _choose(empty if left == len(empty) else list(targets), counts, targets, sizes[group])
        part_of[group] = part
        counts[part] += sizes[group]
    return [part_of[group] for group in groups]


def _ordered(sizes: Counter, seed: int) -> list[str]:
    """The groups, ordered by size in powers of two, largest first, then by hash."""

    def key(group: str) -> tuple[int, bytes]:
        return -sizes[group].bit_length(), hashlib.sha256(f"{seed}\n{group}".encode(*TEXT_CODEC)).digest()

    return sorted(sizes, key=key)


def _choose(parts: list[str], counts: dict[str, int], targets: dict[str, float], size: int) -> str:
    """The emptiest part that a group fits into; if it fits nowhere, the part that is missing most tracks."""
    fitting = [part for part in parts if counts[part] + size <= targets[part] + 1e-6]
    if fitting:
        return min(fitting, key=lambda part: (counts[part] / targets[part], -targets[part]))
    return max(parts, key=lambda part: targets[part] - counts[part])


def _targets(fractions: Sequence[float], num_tracks: int) -> dict[str, float]:
    """Target number of tracks for each part that should get any."""
    numbers = list(fractions) if isinstance(fractions, Sequence) and not isinstance(fractions, str) else []
    plain = len(numbers) == len(PARTS) and all(isinstance(f, int | float) and 0 <= f <= 1 for f in numbers)
    if not plain or not math.isclose(sum(numbers), 1, abs_tol=1e-6):
        raise ValueError(
            "`fractions` must be three numbers from 0 to 1 for train, valid and test, with the sum 1, such as "
            f"{FRACTIONS}. Received: {fractions!r}."
        )
    return {part: f * num_tracks for part, f in zip(PARTS, numbers, strict=True) if f > 0}
