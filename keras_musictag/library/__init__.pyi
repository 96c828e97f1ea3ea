from .database import (
    Database as Database,
    Labels as Labels,
    ScoredFile as ScoredFile,
    StoredModel as StoredModel,
    default_database as default_database,
)
from .file_tags import FileTags as FileTags
from .journal import (
    FileVersion as FileVersion,
    JournalEntry as JournalEntry,
    Run as Run,
    find_run as find_run,
    list_runs as list_runs,
)
from .sidecar import write_sidecar as write_sidecar
from .tag_changes import ValueChange as ValueChange
from .undoing import UndoReport as UndoReport, undo_run as undo_run
from .vectors import VectorWriter as VectorWriter, read_vectors as read_vectors, vectors_path as vectors_path
from .writing import FileReport as FileReport, write_tags as write_tags

__all__ = [
    "Database",
    "FileReport",
    "FileTags",
    "FileVersion",
    "JournalEntry",
    "Labels",
    "Run",
    "ScoredFile",
    "StoredModel",
    "UndoReport",
    "ValueChange",
    "VectorWriter",
    "default_database",
    "find_run",
    "list_runs",
    "read_vectors",
    "undo_run",
    "vectors_path",
    "write_sidecar",
    "write_tags",
]
