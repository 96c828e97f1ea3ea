from .model import Tagger as Tagger
from .results import Taggram as Taggram, TagResult as TagResult
from .spec import TaggerSpec as TaggerSpec

__all__ = [
    "TagResult",
    "Tagger",
    "TaggerSpec",
    "Taggram",
]
