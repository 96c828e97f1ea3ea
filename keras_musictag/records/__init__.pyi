from .checking import (
    check_records as check_records,
    find_damage as find_damage,
)
from .deformation import Alteration as Alteration, Deform as Deform, deform_track as deform_track
from .evaluation_batches import EvaluationBatches as EvaluationBatches, average_by_track as average_by_track
from .examples import StoredAudio as StoredAudio
from .folder import Records as Records
from .keras_dataset import (
    EvaluationDataset as EvaluationDataset,
    FollowEpochs as FollowEpochs,
    RecordsDataset as RecordsDataset,
)
from .manifest import Manifest as Manifest, Skipped as Skipped, Track as Track
from .preparing import prepare as prepare
from .tf_data.pipeline import (
    evaluation_pipeline as evaluation_pipeline,
    naming_damage as naming_damage,
    steps_per_epoch as steps_per_epoch,
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
