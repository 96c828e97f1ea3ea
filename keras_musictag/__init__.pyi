from . import (
    architectures as architectures,
)
from . import (
    audio as audio,
)
from . import (
    datasets as datasets,
)
from . import (
    evaluation as evaluation,
)
from . import (
    frontends as frontends,
)
from . import (
    gmtag as gmtag,
)
from . import (
    layers as layers,
)
from . import (
    metrics as metrics,
)
from . import (
    records as records,
)
from . import (
    robustness as robustness,
)
from . import (
    runtimes as runtimes,
)
from . import (
    tagger as tagger,
)
from . import (
    tags as tags,
)
from . import (
    training as training,
)
from . import (
    zoo as zoo,
)
from .bundled_files import demo_clip as demo_clip
from .errors import (
    AudioError as AudioError,
)
from .errors import (
    ChecksumError as ChecksumError,
)
from .errors import (
    DatasetError as DatasetError,
)
from .errors import (
    ExportError as ExportError,
)
from .errors import (
    MusicTagError as MusicTagError,
)
from .errors import (
    RecordsError as RecordsError,
)
from .errors import (
    TrainingError as TrainingError,
)
from .errors import (
    UnknownNameError as UnknownNameError,
)
from .evaluation.comparison_files import compare as compare
from .evaluation.evaluating import evaluate as evaluate
from .records.preparing import prepare as prepare
from .robustness.condition_runs import measure_robustness as measure_robustness
from .runtimes.engine_tagger import EngineTagger as EngineTagger
from .runtimes.exporting import export as export
from .tagger.model import Tagger as Tagger
from .tagger.results import Taggram as Taggram
from .tagger.results import TagResult as TagResult
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
    "zoo",
]
