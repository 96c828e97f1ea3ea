"""What is to be written into a music file: the result of the rules, and the input of the writer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

# The fields of a file, as the writer names them. A score is a field of its own: "KMT:techno".
GENRE, MOOD, SCORE_PREFIX = "genre", "mood", "KMT:"
_IN_KEYS = "".join(map(chr, range(0x20, 0x7E))).translate({ord(c): None for c in "=%"})  # of Vorbis comments and APEv2


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

    def fields(self) -> dict[str, tuple[str, ...]]:
        """The values of each field of a file. Letters that a key cannot have are escaped as in addresses.

        Example:
            >>> FileTags(("Techno",), scores={"техно": 0.5}).fields()
            {'genre': ('Techno',), 'mood': (), 'KMT:%D1%82%D0%B5%D1%85%D0%BD%D0%BE': ('0.500',)}
        """
        scores = {SCORE_PREFIX + _as_key(tag): (f"{score:.3f}",) for tag, score in self.scores.items()}
        return {GENRE: tuple(self.genres), MOOD: tuple(self.moods), **scores}


def _as_key(tag: str) -> str:
    return quote(tag, safe=_IN_KEYS).replace("~", "%7E")  # `quote` never escapes it
