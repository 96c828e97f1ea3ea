from .fast_training import FusedBatchNormalization as FusedBatchNormalization
from .fast_training import TimbralConv2D as TimbralConv2D
from .filterbanks import HarmonicFilterbank as HarmonicFilterbank
from .filterbanks import MelFilterbank as MelFilterbank
from .keras_settings import dtype_policy as dtype_policy
from .keras_settings import float32_from as float32_from
from .spec_augment import SpecAugment as SpecAugment
from .spectrogram import Decibel as Decibel
from .spectrogram import LogGain as LogGain
from .spectrogram import PadSamples as PadSamples
from .spectrogram import Power as Power
from .spectrogram import PowerSpectrogram as PowerSpectrogram

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
