"""A decoded frame -> an array of its channels, and where these are meant to be heard."""

import av
import numpy as np

# FFmpeg's names
_DTYPES = {"u8": "u1", "s16": "i2", "s32": "i4", "s64": "i8", "flt": "f4", "dbl": "f8"}


def channels_of_frame(frame: av.AudioFrame) -> np.ndarray:
    """Returns the samples of a decoded frame of any format, (channels, samples), of the type that they have there."""
    channels = frame.layout.nb_channels
    if frame.format.is_planar and channels >= 8:
        # From 8 channels on, `frame.planes` of PyAV 18.1 reads past the end of FFmpeg's list of planes.
        frame = av.AudioResampler(format=frame.format.packed).resample(frame)[0]
    dtype = _DTYPES[frame.format.packed.name]
    if frame.format.is_planar:
        return np.stack([np.frombuffer(plane, dtype, frame.samples) for plane in frame.planes])
    return np.frombuffer(frame.planes[0], dtype, frame.samples * channels).reshape(-1, channels).T


def positions_of_frame(frame: av.AudioFrame) -> tuple[str, ...]:
    """Returns FFmpeg's name of each channel's position, such as "FL"."""
    channels = frame.layout.nb_channels
    if channels <= 2:  # mixed alike, whatever they are
        return ("",) * channels
    return tuple(channel.name for channel in frame.layout.channels)
