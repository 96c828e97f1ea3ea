from .checking import (
    check_records as check_records,
)
from .checking import (
    find_damage as find_damage,
)
from .deformation import Alteration as Alteration
from .deformation import Deform as Deform
from .deformation import deform_track as deform_track
from .evaluation_batches import EvaluationBatches as EvaluationBatches
from .evaluation_batches import average_by_track as average_by_track
from .examples import StoredAudio as StoredAudio
from .folder import Records as Records
from .keras_dataset import (
    EvaluationDataset as EvaluationDataset,
)
from .keras_dataset import (
    FollowEpochs as FollowEpochs,
)
from .keras_dataset import (
    RecordsDataset as RecordsDataset,
)
from .manifest import Manifest as Manifest
from .manifest import Skipped as Skipped
from .manifest import Track as Track
from .preparing import prepare as prepare
from .tf_data.pipeline import (
    evaluation_pipeline as evaluation_pipeline,
)
from .tf_data.pipeline import (
    naming_damage as naming_damage,
)
from .tf_data.pipeline import (
    steps_per_epoch as steps_per_epoch,
)
from .tf_data.pipeline import (
    train_pipeline as train_pipeline,
)

__all__ = [
    "Alteration",
    "Deform",
    "EvaluationBatches",
    "EvaluationDataset",
    "FollowEpochs",
    "Manifest",
    "Records",
    "RecordsDataset",
    "Skipped",
    "StoredAudio",
    "Track",
    "average_by_track",
    "check_records",
    "deform_track",
    "evaluation_pipeline",
    "find_damage",
    "naming_damage",
    "prepare",
    "steps_per_epoch",
    "train_pipeline",
]
