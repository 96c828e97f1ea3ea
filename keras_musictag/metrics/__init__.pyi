from .conventions import MetricResult as MetricResult
from .decisions import Thresholds as Thresholds
from .decisions import choose_thresholds as choose_thresholds
from .decisions import f1 as f1
from .decisions import mcc as mcc
from .intervals import bootstrap as bootstrap
from .intervals import interval as interval
from .intervals import resample_weights as resample_weights
from .ranking import average_precision as average_precision
from .ranking import pr_auc as pr_auc
from .ranking import roc_auc as roc_auc

__all__ = [
    "MetricResult",
    "Thresholds",
    "average_precision",
    "bootstrap",
    "choose_thresholds",
    "f1",
    "interval",
    "mcc",
    "pr_auc",
    "resample_weights",
    "roc_auc",
]
