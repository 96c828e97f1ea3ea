from .card import (
    Card as Card,
    Licences as Licences,
    Metric as Metric,
    Reference as Reference,
    TrainedOn as TrainedOn,
    Weights as Weights,
    read_card as read_card,
    write_card as write_card,
)
from .catalog import list_models as list_models, user_folder as user_folder
from .importers.checkpoint import import_checkpoint as import_checkpoint
from .keras_loading import build as build
from .loading import load as load
from .publish import write_entry as write_entry
from .weights import (
    arrays_of as arrays_of,
    assign_weights as assign_weights,
    read_weights as read_weights,
    save_weights as save_weights,
)

__all__ = [
    "Card",
    "Licences",
    "Metric",
    "Reference",
    "TrainedOn",
    "Weights",
    "arrays_of",
    "assign_weights",
    "build",
    "import_checkpoint",
    "list_models",
    "load",
    "read_card",
    "read_weights",
    "save_weights",
    "user_folder",
    "write_card",
    "write_entry",
]
