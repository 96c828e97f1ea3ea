from .model import Tagger as Tagger
from .results import Taggram as Taggram
from .results import TagResult as TagResult
from .spec import TaggerSpec as TaggerSpec

__all__ = [
    "TagResult",
    "Tagger",
    "TaggerSpec",
    "Taggram",
]
