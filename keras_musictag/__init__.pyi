from . import (
    architectures as architectures,
    audio as audio,
    datasets as datasets,
    evaluation as evaluation,
    frontends as frontends,
    gmtag as gmtag,
    layers as layers,
    library as library,
    metrics as metrics,
    records as records,
    robustness as robustness,
    runtimes as runtimes,
    tagger as tagger,
    tags as tags,
    training as training,
    web as web,
    zoo as zoo,
)
from .bundled_files import demo_clip as demo_clip
from .errors import (
    AudioError as AudioError,
    ChecksumError as ChecksumError,
    DatasetError as DatasetError,
    ExportError as ExportError,
    MusicTagError as MusicTagError,
    RecordsError as RecordsError,
    TrainingError as TrainingError,
    UnknownNameError as UnknownNameError,
)
from .evaluation.comparison_files import compare as compare
from .evaluation.evaluating import evaluate as evaluate
from .records.preparing import prepare as prepare
from .robustness.condition_runs import measure_robustness as measure_robustness
from .runtimes.engine_tagger import EngineTagger as EngineTagger
from .runtimes.exporting import export as export
from .tagger.model import Tagger as Tagger
from .tagger.results import Taggram as Taggram, TagResult as TagResult
from .tags.vocabulary import Vocabulary as Vocabulary
from .training.finetuning import finetune as finetune
from .training.trainer import train as train
from .zoo.catalog import list_models as list_models
from .zoo.keras_loading import build as build
from .zoo.loading import load as load

__version__: str

__all__ = [
    "AudioError",
    "ChecksumError",
    "DatasetError",
    "EngineTagger",
    "ExportError",
    "MusicTagError",
    "RecordsError",
    "TagResult",
    "Tagger",
    "Taggram",
    "TrainingError",
    "UnknownNameError",
    "Vocabulary",
    "architectures",
    "audio",
    "build",
    "compare",
    "datasets",
    "demo_clip",
    "evaluate",
    "evaluation",
    "export",
    "finetune",
    "frontends",
    "gmtag",
    "layers",
    "library",
    "list_models",
    "load",
    "measure_robustness",
    "metrics",
    "prepare",
    "records",
    "robustness",
    "runtimes",
    "tagger",
    "tags",
    "train",
    "training",
    "web",
    "zoo",
]
