from .comparing import Comparison as Comparison
from .comparing import compare_runs as compare_runs
from .comparison_files import compare as compare
from .comparison_files import write_comparison as write_comparison
from .evaluating import evaluate as evaluate
from .measuring import Resampling as Resampling
from .predicting import predict as predict
from .predictions import (
    Predictions as Predictions,
)
from .predictions import (
    Source as Source,
)
from .predictions import (
    load_predictions as load_predictions,
)
from .predictions import (
    save_predictions as save_predictions,
)
from .reporting import Report as Report
from .reporting import make_report as make_report
from .ridge import ridge_predictions as ridge_predictions
from .run_folder import EvaluationRun as EvaluationRun
from .run_folder import read_run as read_run
from .run_folder import write_run as write_run
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
    "read_run",
    "ridge_predictions",
    "save_predictions",
    "write_comparison",
    "write_run",
]
