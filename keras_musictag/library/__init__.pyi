from .database import (
    Database as Database,
    Labels as Labels,
    ScoredFile as ScoredFile,
    StoredModel as StoredModel,
    default_database as default_database,
)
from .file_tags import FileTags as FileTags
from .vectors import VectorWriter as VectorWriter, read_vectors as read_vectors, vectors_path as vectors_path

__all__ = [
    "Database",
    "FileTags",
    "Labels",
    "ScoredFile",
    "StoredModel",
    "VectorWriter",
    "default_database",
    "read_vectors",
    "vectors_path",
]
