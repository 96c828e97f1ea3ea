"""The compressed file of a `source` record -> the samples that a `pcm` record would hold, bit for bit.

A crop needs the file only up to the crop's end. `audio.read` inspects each frame separately, so that it finds and
counts any damage; here frames are joined first, which takes about a third of the time. A file that is not plain (more
than two channels, damaged, or with a sample rate that changes) is decoded as `audio.read` does it.

Of an MP3, only the frames around the crop are decoded. A frame depends on little before it: up to 511 bytes of earlier
frames in which its data may start (the bit reservoir), and the previous frame (overlap and filter bank). So decoding
starts a few frames early, and their samples are discarded. In case of doubt, `find_mp3_piece` gives None, and the file
is decoded from its start.

Source: ISO/IEC 11172-3 and 13818-3, layer III: `main_data_begin` has 9 bits, or 8 in frames of 576 samples.
"""

import io
import struct
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass

import av
import numpy as np

from keras_musictag.audio.container import audio_stream, open_container
from keras_musictag.audio.reading import open_audio
from keras_musictag.audio.resampling import StreamResampler
from keras_musictag.audio.samples import MAX_PEAK, to_floats
from keras_musictag.records.schema import to_pcm

# by samples per frame: MPEG 1; MPEG 2 and 2.5
_RESERVOIR_BYTES = {1152: 511, 576: 255}
_HEAD_BYTES = {1152: 38, 576: 23}  # the most that a frame's header, checksum and side information take
_WARM_FRAMES = 2  # wrong although their own data are complete, as they depend on the frames before


@dataclass(frozen=True, eq=False)
class Mp3Piece:
    """The packets of an MP3 file that hold a piece of the track.

    Attributes:
        warm_up: Packets to decode first, whose samples are discarded.
        packets: Packets whose samples are wanted, `frame_samples` each.
        start: Position of the first of these samples in the track.
        frame_samples: Samples per packet.
    """

    warm_up: list[av.Packet]
    packets: list[av.Packet]
    start: int
    frame_samples: int


def find_mp3_piece(container, stream: av.AudioStream, num_samples: int, start: int, end: int) -> Mp3Piece | None:
    """Finds the packets that the samples from `start` to `end` need.

    Args:
        container: An open file.
        stream: Its audio.
        num_samples: Number of samples of the whole track.
        start: The first sample to decode.
        end: The position after the last sample to decode.

    Returns:
        An `Mp3Piece`; None if the file is not a plain MP3, if packets were lost when the whole track was decoded, or
        if the piece touches the padding that encoders add at both ends.
    """
    if not stream.codec_context.name.startswith("mp3"):
        return None
    packets = [packet for packet in container.demux(stream) if packet.size]
    durations = {packet.duration for packet in packets}
    if len(durations) != 1 or None in durations:
        return None
    frame_samples = round(durations.pop() * stream.time_base * stream.codec_context.sample_rate)
    skipped, trimmed = _padding(packets[0])[0], _padding(packets[-1])[1]
    if frame_samples not in _RESERVOIR_BYTES or len(packets) * frame_samples - skipped - trimmed != num_samples:
        return None
    first, last = (start + skipped) // frame_samples, -(-(end + skipped) // frame_samples)
    begin = _first_to_decode(packets, first, frame_samples)
    if begin * frame_samples <= skipped or last * frame_samples > len(packets) * frame_samples - trimmed:
        return None
    return Mp3Piece(packets[begin:first], packets[first:last], first * frame_samples - skipped, frame_samples)


def _padding(packet: av.Packet) -> tuple[int, int]:
    """Samples to drop at the start and at the end, as FFmpeg's demuxer found in the file's header."""
    if not packet.has_sidedata("skip_samples"):
        return 0, 0
    return struct.unpack_from("<II", bytes(packet.get_sidedata("skip_samples")))


def _first_to_decode(packets: list[av.Packet], first: int, frame_samples: int) -> int:
    """The packet at which decoding must start so that packet `first` is right."""
    begin, reservoir = first - _WARM_FRAMES, 0
    while begin > 0 and reservoir < _RESERVOIR_BYTES[frame_samples]:
        begin -= 1
        reservoir += max(packets[begin].size - _HEAD_BYTES[frame_samples], 0)
    return max(begin, 0)


_DTYPES = {"s16": "<i2", "s32": "<i4", "flt": "<f4"}  # FFmpeg's names of the common sample formats
_BLOCK_FRAMES = 32  # joined at a time: 1.2 s of a 16 kHz MP3, the most that is decoded in vain


class _NotPlainError(Exception):
    """The file must be decoded as `audio.read` does it."""


def decode_pcm(source: bytes, sample_rate_hz: int, num_samples: int, start: int, end: int) -> np.ndarray:
    """Decodes a piece of a compressed file.

    Args:
        source: The whole file.
        sample_rate_hz: Sample rate of the result, Hz.
        num_samples: Number of samples of the whole track at that rate.
        start: The first sample to decode.
        end: The position after the last sample to decode.

    Returns:
        Int16 (end - start,), or less if the track ends earlier; equal to that piece of
        `to_pcm(audio.read(file, sample_rate_hz).samples)`.

    Raises:
        AudioError: If it cannot be used as audio.
    """
    for decode in (_from_the_middle, _from_the_start):
        try:
            samples = decode(source, sample_rate_hz, num_samples, start, end)
            break
        except (_NotPlainError, av.FFmpegError):
            continue
    else:
        with open_audio(io.BytesIO(source), sample_rate_hz) as stream:
            samples = _first_samples(stream, end)[start:]
    return to_pcm(samples)


def _from_the_middle(source: bytes, sample_rate_hz: int, num_samples: int, start: int, end: int) -> np.ndarray:
    with ExitStack() as stack:
        container, stream = _open(source, stack)
        # a resampler would have to start at the beginning too
        if stream.codec_context.sample_rate != sample_rate_hz:
            raise _NotPlainError
        piece = find_mp3_piece(container, stream, num_samples, start, min(end, num_samples))
        if piece is None:
            raise _NotPlainError
        for packet in piece.warm_up:
            with suppress(av.FFmpegError):  # the data of earlier frames are missing on purpose
                stream.decode(packet)
        samples = _first_samples(_mono_blocks(piece.packets, stream), end - piece.start)
        if len(samples) < min(end, num_samples) - piece.start:
            raise _NotPlainError
        return samples[start - piece.start :]


def _from_the_start(source: bytes, sample_rate_hz: int, num_samples: int, start: int, end: int) -> np.ndarray:
    with ExitStack() as stack:
        container, stream = _open(source, stack)
        resampler = StreamResampler(stream.codec_context.sample_rate, sample_rate_hz)

        def blocks():
            yield from map(resampler.push, _mono_blocks(container.demux(stream), stream))
            yield resampler.finish()

        return _first_samples(blocks(), end)[start:]


def _first_samples(blocks: Iterator[np.ndarray], num_samples: int) -> np.ndarray:
    """The first samples of a stream; decodes no more of it than needed."""
    parts, missing = [np.zeros(0, np.float32)], num_samples
    while missing > 0 and (block := next(blocks, None)) is not None:
        parts.append(block)
        missing -= len(block)
    return np.concatenate(parts)[:num_samples]


def _open(source: bytes, stack: ExitStack):
    container = stack.enter_context(open_container(io.BytesIO(source), "A record's file"))
    return container, audio_stream(container, "A record's file")


def _mono_blocks(packets: Iterable[av.Packet], stream: av.AudioStream) -> Iterator[np.ndarray]:
    """Yields float32 (samples,) at the file's own rate, the frames of several packets at a time."""
    codec = stream.codec_context
    if codec.channels not in (1, 2) or codec.format is None or codec.format.packed.name not in _DTYPES:
        raise _NotPlainError
    kind, parts = (codec.sample_rate, codec.channels, codec.format.name), []
    for packet in packets:
        parts += [_planes(frame, kind) for frame in stream.decode(packet)]
        if len(parts) >= _BLOCK_FRAMES:
            yield _mono(parts, codec)
            parts = []
    if parts:
        yield _mono(parts, codec)


def _planes(frame: av.AudioFrame, kind: tuple[int, int, str]) -> list[memoryview]:
    if (frame.sample_rate, frame.layout.nb_channels, frame.format.name) != kind:
        raise _NotPlainError
    size = frame.samples * frame.format.bytes * (1 if frame.format.is_planar else kind[1])
    return [memoryview(plane)[:size] for plane in frame.planes]


def _mono(parts: list[list[memoryview]], codec: av.AudioCodecContext) -> np.ndarray:
    """The mean of one or two channels, as in `audio.downmix`."""
    dtype, channels = _DTYPES[codec.format.packed.name], codec.channels
    arrays = [np.frombuffer(b"".join(plane), dtype) for plane in zip(*parts, strict=True)]
    if len(arrays) < channels:  # packed: left and right alternate
        arrays = list(arrays[0].reshape(-1, channels).T)
    floats = to_floats(np.stack(arrays))
    if not (np.abs(floats) <= MAX_PEAK).all():  # damaged; NaN fails the test too
        raise _NotPlainError
    return floats[0] if channels == 1 else floats.mean(axis=0)
