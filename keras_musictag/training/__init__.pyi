from .finetuning import Finetuned as Finetuned
from .finetuning import finetune as finetune
from .model_setup import make_optimizer as make_optimizer
from .recipe import (
    Phase as Phase,
)
from .recipe import (
    Recipe as Recipe,
)
from .recipe import (
    Teaching as Teaching,
)
from .recipe import (
    read_recipe as read_recipe,
)
from .recipe import (
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
