from .comparing import Comparison as Comparison, compare_runs as compare_runs
from .comparison_files import compare as compare, write_comparison as write_comparison
from .evaluating import evaluate as evaluate
from .measuring import Resampling as Resampling
from .predicting import predict as predict
from .predictions import (
    Predictions as Predictions,
    Source as Source,
    load_predictions as load_predictions,
    save_predictions as save_predictions,
)
from .reporting import Report as Report, make_report as make_report
from .ridge import ridge_predictions as ridge_predictions
from .run_folder import (
    EvaluationRun as EvaluationRun,
    read_report as read_report,
    read_run as read_run,
    write_run as write_run,
)
from .tables import published_tables as published_tables
from .zoo_entry import add_entry as add_entry

__all__ = [
    "Comparison",
    "EvaluationRun",
    "Predictions",
    "Report",
    "Resampling",
    "Source",
    "add_entry",
    "compare",
    "compare_runs",
    "evaluate",
    "load_predictions",
    "make_report",
    "predict",
    "published_tables",
    "read_report",
    "read_run",
    "ridge_predictions",
    "save_predictions",
    "write_comparison",
    "write_run",
]
