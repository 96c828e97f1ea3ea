from .conventions import MetricResult as MetricResult
from .decisions import Thresholds as Thresholds, choose_thresholds as choose_thresholds, f1 as f1, mcc as mcc
from .intervals import bootstrap as bootstrap, interval as interval, resample_weights as resample_weights
from .ranking import average_precision as average_precision, pr_auc as pr_auc, roc_auc as roc_auc

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
