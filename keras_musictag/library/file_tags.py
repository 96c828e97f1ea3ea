"""What is to be written into a music file: the result of the rules, and the input of the writer."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class FileTags:
    """Tags for one file.

    Attributes:
        genres: Names as a person would write them, such as "Drum & Bass", most certain first.
        moods: Likewise, such as "Calm".
        scores: A score from 0 to 1 for each tag of the model's vocabulary; empty if no scores are to be written.

    Example:
        >>> FileTags(genres=("Techno",)).moods
        ()
    """

    genres: tuple[str, ...] = ()
    moods: tuple[str, ...] = ()
    scores: Mapping[str, float] = field(default_factory=dict)
