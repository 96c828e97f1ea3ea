from .database import (
    Database as Database,
    FileCounts as FileCounts,
    Labels as Labels,
    Problem as Problem,
    ScoredFile as ScoredFile,
    StoredModel as StoredModel,
    default_database as default_database,
)
from .distributing import DistributeSummary as DistributeSummary, distribute as distribute
from .file_tags import FileTags as FileTags, ValueChange as ValueChange
from .importing import ImportSummary as ImportSummary, import_parts as import_parts
from .journal import (
    FileVersion as FileVersion,
    JournalEntry as JournalEntry,
    Run as Run,
    find_run as find_run,
    list_runs as list_runs,
)
from .playlist import (
    PlaylistEntry as PlaylistEntry,
    write_playlist as write_playlist,
)
from .presence import (
    PresenceThresholds as PresenceThresholds,
    certainties as certainties,
    presence_thresholds as presence_thresholds,
)
from .report_page import (
    write_report_page as write_report_page,
)
from .rules import (
    Rules as Rules,
    default_rules as default_rules,
    default_rules_text as default_rules_text,
    read_rules as read_rules,
    tags_for_file as tags_for_file,
)
from .scan_loop import (
    ScanSummary as ScanSummary,
)
from .scanning import (
    rescan_problems as rescan_problems,
    scan as scan,
)
from .score_table import (
    Filters as Filters,
)
from .searching import (
    Match as Match,
    Reason as Reason,
    embed_example as embed_example,
    search_library as search_library,
    stored_example as stored_example,
)
from .similarity import (
    cosine_similarities as cosine_similarities,
)
from .statistics import (
    LibraryStatistics as LibraryStatistics,
    ShownTrack as ShownTrack,
    TagStatistics as TagStatistics,
    library_statistics as library_statistics,
)
from .tables import (
    export_table as export_table,
    write_scan_lines as write_scan_lines,
    write_sidecar as write_sidecar,
)
from .undoing import (
    UndoReport as UndoReport,
    undo_run as undo_run,
)
from .vectors import (
    VectorWriter as VectorWriter,
    read_vectors as read_vectors,
    vectors_path as vectors_path,
)
from .writing import (
    FileReport as FileReport,
    write_tags as write_tags,
)

__all__ = [
    "Database",
    "DistributeSummary",
    "FileCounts",
    "FileReport",
    "FileTags",
    "FileVersion",
    "Filters",
    "ImportSummary",
    "JournalEntry",
    "Labels",
    "LibraryStatistics",
    "Match",
    "PlaylistEntry",
    "PresenceThresholds",
    "Problem",
    "Reason",
    "Rules",
    "Run",
    "ScanSummary",
    "ScoredFile",
    "ShownTrack",
    "StoredModel",
    "TagStatistics",
    "UndoReport",
    "ValueChange",
    "VectorWriter",
    "certainties",
    "cosine_similarities",
    "default_database",
    "default_rules",
    "default_rules_text",
    "distribute",
    "embed_example",
    "export_table",
    "find_run",
    "import_parts",
    "library_statistics",
    "list_runs",
    "presence_thresholds",
    "read_rules",
    "read_vectors",
    "rescan_problems",
    "scan",
    "search_library",
    "stored_example",
    "tags_for_file",
    "undo_run",
    "vectors_path",
    "write_playlist",
    "write_report_page",
    "write_scan_lines",
    "write_sidecar",
    "write_tags",
]
