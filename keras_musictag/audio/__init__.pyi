from .chunking import Chunking as Chunking
from .chunking import cut as cut
from .deform import dynamic_range as dynamic_range
from .deform import pitch_shift as pitch_shift
from .deform import time_stretch as time_stretch
from .deform import white_noise as white_noise
from .reading import Audio as Audio
from .reading import open_audio as open_audio
from .reading import read as read
from .resampling import resample as resample
from .samples import as_mono as as_mono
from .samples import to_floats as to_floats

__all__ = [
    "Audio",
    "Chunking",
    "as_mono",
    "cut",
    "dynamic_range",
    "open_audio",
    "pitch_shift",
    "read",
    "resample",
    "time_stretch",
    "to_floats",
    "white_noise",
]
