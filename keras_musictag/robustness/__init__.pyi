from .condition_runs import measure_robustness as measure_robustness
from .conditions import CONDITIONS as CONDITIONS, Condition as Condition
from .drop_files import write_robustness as write_robustness
from .drops import Robustness as Robustness, measure_drops as measure_drops

__all__ = [
    "CONDITIONS",
    "Condition",
    "Robustness",
    "measure_drops",
    "measure_robustness",
    "write_robustness",
]
