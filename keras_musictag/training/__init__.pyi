from .finetuning import Finetuned as Finetuned, finetune as finetune
from .model_setup import make_optimizer as make_optimizer
from .recipe import (
    Phase as Phase,
    Recipe as Recipe,
    Teaching as Teaching,
    read_recipe as read_recipe,
    with_changes as with_changes,
)
from .trainer import train as train

__all__ = [
    "Finetuned",
    "Phase",
    "Recipe",
    "Teaching",
    "finetune",
    "make_optimizer",
    "read_recipe",
    "train",
    "with_changes",
]
