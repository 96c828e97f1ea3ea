from .aggregation import aggregate_scores as aggregate_scores
from .vocabulary import Vocabulary as Vocabulary, read_tags as read_tags

__all__ = [
    "Vocabulary",
    "aggregate_scores",
    "read_tags",
]
