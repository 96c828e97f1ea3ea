from .database import (
    Database as Database,
    Labels as Labels,
    ScoredFile as ScoredFile,
    StoredModel as StoredModel,
    default_database as default_database,
)
from .file_tags import FileTags as FileTags
from .playlist import PlaylistEntry as PlaylistEntry, write_playlist as write_playlist
from .presence import (
    PresenceThresholds as PresenceThresholds,
    certainties as certainties,
    presence_thresholds as presence_thresholds,
)
from .report_page import write_report_page as write_report_page
from .rules import (
    Rules as Rules,
    default_rules as default_rules,
    default_rules_text as default_rules_text,
    read_rules as read_rules,
    tags_for_file as tags_for_file,
)
from .score_table import Filters as Filters
from .searching import (
    Match as Match,
    Reason as Reason,
    embed_example as embed_example,
    search_library as search_library,
    stored_example as stored_example,
)
from .similarity import cosine_similarities as cosine_similarities
from .statistics import (
    LibraryStatistics as LibraryStatistics,
    ShownTrack as ShownTrack,
    TagStatistics as TagStatistics,
    library_statistics as library_statistics,
)
from .tables import export_table as export_table
from .vectors import (
    VectorWriter as VectorWriter,
    read_vectors as read_vectors,
    vectors_path as vectors_path,
)

__all__ = [
    "Database",
    "FileTags",
    "Filters",
    "Labels",
    "LibraryStatistics",
    "Match",
    "PlaylistEntry",
    "PresenceThresholds",
    "Reason",
    "Rules",
    "ScoredFile",
    "ShownTrack",
    "StoredModel",
    "TagStatistics",
    "VectorWriter",
    "certainties",
    "cosine_similarities",
    "default_database",
    "default_rules",
    "default_rules_text",
    "embed_example",
    "export_table",
    "library_statistics",
    "presence_thresholds",
    "read_rules",
    "read_vectors",
    "search_library",
    "stored_example",
    "tags_for_file",
    "vectors_path",
    "write_playlist",
    "write_report_page",
]
