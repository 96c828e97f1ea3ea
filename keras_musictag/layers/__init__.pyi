from .fast_training import FusedBatchNormalization as FusedBatchNormalization, TimbralConv2D as TimbralConv2D
from .filterbanks import HarmonicFilterbank as HarmonicFilterbank, MelFilterbank as MelFilterbank
from .keras_settings import dtype_policy as dtype_policy, float32_from as float32_from
from .spec_augment import SpecAugment as SpecAugment
from .spectrogram import (
    Decibel as Decibel,
    LogGain as LogGain,
    PadSamples as PadSamples,
    Power as Power,
    PowerSpectrogram as PowerSpectrogram,
)

__all__ = [
    "Decibel",
    "FusedBatchNormalization",
    "HarmonicFilterbank",
    "LogGain",
    "MelFilterbank",
    "PadSamples",
    "Power",
    "PowerSpectrogram",
    "SpecAugment",
    "TimbralConv2D",
    "dtype_policy",
    "float32_from",
]
