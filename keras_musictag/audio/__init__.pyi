from .chunking import Chunking as Chunking, cut as cut
from .deform import (
    dynamic_range as dynamic_range,
    pitch_shift as pitch_shift,
    time_stretch as time_stretch,
    white_noise as white_noise,
)
from .reading import Audio as Audio, open_audio as open_audio, read as read
from .resampling import resample as resample
from .samples import as_mono as as_mono, to_floats as to_floats

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
