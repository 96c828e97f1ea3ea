from .corpus import (
    build_corpus as build_corpus,
    compare_corpus as compare_corpus,
    parts_of as parts_of,
    tier_parts as tier_parts,
)
from .packages import Installation as Installation
from .truth import vocabulary as vocabulary

__all__ = [
    "Installation",
    "build_corpus",
    "compare_corpus",
    "parts_of",
    "tier_parts",
    "vocabulary",
]
