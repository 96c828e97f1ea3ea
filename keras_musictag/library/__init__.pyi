from .database import (
    Database as Database,
    FileCounts as FileCounts,
    Labels as Labels,
    Problem as Problem,
    ScoredFile as ScoredFile,
    StoredModel as StoredModel,
    default_database as default_database,
)
from .file_tags import FileTags as FileTags
from .scan_loop import ScanSummary as ScanSummary
from .scanning import scan as scan
from .tags_lines import write_tags as write_tags
from .vectors import VectorWriter as VectorWriter, read_vectors as read_vectors, vectors_path as vectors_path

__all__ = [
    "Database",
    "FileCounts",
    "FileTags",
    "Labels",
    "Problem",
    "ScanSummary",
    "ScoredFile",
    "StoredModel",
    "VectorWriter",
    "default_database",
    "read_vectors",
    "scan",
    "vectors_path",
    "write_tags",
]
