"""How large a corpus is to be: clips a part. A smaller corpus is the beginning of a larger one, part by part."""

from collections.abc import Mapping

from keras_musictag.errors import UnknownNameError

TIERS = {
    "tiny": {"train": 40, "valid": 8, "test": 12},
    "small": {"train": 200, "valid": 40, "test": 60},
    "full": {"train": 2400, "valid": 200, "test": 400},
}
FEWEST_CLIPS = 4  # then no part is empty
# of every 15 clips: 12, 1 and 2 as in the full corpus; in this order, so that each part only grows with the corpus
_ORDER = ("train", "train", "valid", "test", *("train",) * 6, "test", *("train",) * 4)


def tier_parts(tier: str) -> dict[str, int]:
    """Clips a part of a tier.

    Raises:
        UnknownNameError: If there is no such tier.

    Example:
        >>> tier_parts("full")
        {'train': 2400, 'valid': 200, 'test': 400}
    """
    if tier not in TIERS:
        raise UnknownNameError.of("tier", tier, TIERS)
    return dict(TIERS[tier])


def parts_of(clips: int) -> dict[str, int]:
    """Clips a part of a corpus of any size, in the proportions of the full one, no part empty.

    Args:
        clips: How many in all, 4 or more.

    Raises:
        ValueError: If there are fewer.

    Example:
        >>> parts_of(3000) == TIERS["full"], parts_of(10)
        (True, {'train': 8, 'valid': 1, 'test': 1})
    """
    if isinstance(clips, bool) or not isinstance(clips, int) or clips < FEWEST_CLIPS:
        raise ValueError(f"`clips` must be a whole number of {FEWEST_CLIPS} or more. Received: {clips!r}.")
    rounds, rest = divmod(clips, len(_ORDER))
    return {part: rounds * _ORDER.count(part) + _ORDER[:rest].count(part) for part in ("train", "valid", "test")}


def tier_of(parts: Mapping[str, int]) -> str | None:
    """The name of the tier that has these parts; None where it is another size.

    Example:
        >>> tier_of({"train": 40, "valid": 8, "test": 12}), tier_of(parts_of(10))
        ('tiny', None)
    """
    return next((name for name, tier in TIERS.items() if tier == dict(parts)), None)
