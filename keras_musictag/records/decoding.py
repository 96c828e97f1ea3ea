"""A piece of an MP3 file without decoding all that comes before it, equal to the bit to the same piece of the whole.

A frame of MP3 depends on little that came before: up to 511 bytes of earlier frames that its data may begin in (the
bit reservoir), and the frame before it (overlap and filter bank). So decoding may begin some frames early, and what
comes out of those is thrown away. Where any doubt is left, `find_piece` gives None, and the caller decodes it all.

Source: ISO/IEC 11172-3 and 13818-3, layer III: `main_data_begin` has 9 bits, or 8 in frames of 576 samples.

The compressed file of a `source` record -> the samples that a `pcm` record would hold, to the bit.

A crop needs the file only up to its end, and of an MP3 little that comes before it (`decode_mp3`). `audio.read` looks
at each frame by itself, so that any damage is found and counted; here frames are put together first, which takes about
a third of the time. A file that is not plain (more than two channels, damaged, of a rate that changes) goes to
`audio.read`.
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

# by samples a frame: MPEG 1; MPEG 2 and 2.5
_RESERVOIR_BYTES = {1152: 511, 576: 255}
_HEAD_BYTES = {1152: 38, 576: 23}  # most that header, checksum and side information of a frame take
_WARM_FRAMES = 2  # wrong though their own data are whole, as the frames before them were


@dataclass(frozen=True, eq=False)
class Piece:
    """What to decode.

    Attributes:
        warm_up: Packets to decode first, whose samples are thrown away.
        packets: Packets whose samples are wanted, `frame_samples` each.
        start: Where the first of these samples lies in the track.
        frame_samples: Samples a packet.
    """

    warm_up: list[av.Packet]
    packets: list[av.Packet]
    start: int
    frame_samples: int


def find_piece(container, stream: av.AudioStream, num_samples: int, start: int, end: int) -> Piece | None:
    """Which packets the samples from `start` to `end` need.

    Args:
        container: An open file.
        stream: Its audio.
        num_samples: How many samples the whole track decodes to.
        start: The first sample that is wanted.
        end: After the last one.

    Returns:
        A `Piece`; None if the file is no plain MP3, if packets were lost in decoding the whole track, or if the piece
        touches its ends, which encoders fill up.
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
    return Piece(packets[begin:first], packets[first:last], first * frame_samples - skipped, frame_samples)


def _padding(packet: av.Packet) -> tuple[int, int]:
    """Samples to leave out at the start and at the end, which FFmpeg's demuxer found in the file's header."""
    if not packet.has_sidedata("skip_samples"):
        return 0, 0
    return struct.unpack_from("<II", bytes(packet.get_sidedata("skip_samples")))


def _first_to_decode(packets: list[av.Packet], first: int, frame_samples: int) -> int:
    """The packet from which on decoding makes packet `first` right."""
    begin, reservoir = first - _WARM_FRAMES, 0
    while begin > 0 and reservoir < _RESERVOIR_BYTES[frame_samples]:
        begin -= 1
        reservoir += max(packets[begin].size - _HEAD_BYTES[frame_samples], 0)
    return max(begin, 0)


_DTYPES = {"s16": "<i2", "s32": "<i4", "flt": "<f4"}  # FFmpeg's names of the sample formats that are common
_BLOCK_FRAMES = 32  # put together at a time; at 16 kHz MP3 1.2 s, which is how much may be decoded in vain


class _NotPlainError(Exception):
    """The file needs `audio.read`'s care."""


def decode_pcm(source: bytes, sample_rate_hz: int, num_samples: int, start: int, end: int) -> np.ndarray:
    """Decodes a piece of a compressed file.

    Args:
        source: The whole file.
        sample_rate_hz: Wanted sample rate, Hz.
        num_samples: How many samples the whole track has at that rate.
        start: The first sample that is wanted.
        end: After the last one.

    Returns:
        Int16 (end - start,), less where the track ends before; equal to that piece of
        `to_pcm(audio.read.read(file, sample_rate_hz).samples)`.

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
            samples = _gather(stream, end)[start:]
    return to_pcm(samples)


def _from_the_middle(source: bytes, sample_rate_hz: int, num_samples: int, start: int, end: int) -> np.ndarray:
    with ExitStack() as stack:
        container, stream = _open(source, stack)
        # a resampler would have to begin at the start, too
        if stream.codec_context.sample_rate != sample_rate_hz:
            raise _NotPlainError
        piece = find_piece(container, stream, num_samples, start, min(end, num_samples))
        if piece is None:
            raise _NotPlainError
        for packet in piece.warm_up:
            with suppress(av.FFmpegError):  # data of earlier frames are missing on purpose
                stream.decode(packet)
        samples = _gather(_mono_blocks(piece.packets, stream), end - piece.start)
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

        return _gather(blocks(), end)[start:]


def _gather(blocks: Iterator[np.ndarray], num_samples: int) -> np.ndarray:
    """The first samples of a stream, no more of which is decoded than needed."""
    parts, missing = [np.zeros(0, np.float32)], num_samples
    while missing > 0 and (block := next(blocks, None)) is not None:
        parts.append(block)
        missing -= len(block)
    return np.concatenate(parts)[:num_samples]


def _open(source: bytes, stack: ExitStack):
    container = stack.enter_context(open_container(io.BytesIO(source), "A record's file"))
    return container, audio_stream(container, "A record's file")


def _mono_blocks(packets: Iterable[av.Packet], stream: av.AudioStream) -> Iterator[np.ndarray]:
    """Yields float32 (samples,) at the file's own rate, the frames of some packets at a time."""
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
    """The mean of one or two channels, as `audio.downmix` takes it."""
    dtype, channels = _DTYPES[codec.format.packed.name], codec.channels
    arrays = [np.frombuffer(b"".join(plane), dtype) for plane in zip(*parts, strict=True)]
    if len(arrays) < channels:  # packed: left and right take turns
        arrays = list(arrays[0].reshape(-1, channels).T)
    floats = to_floats(np.stack(arrays))
    if not (np.abs(floats) <= MAX_PEAK).all():  # damage, which also a NaN is
        raise _NotPlainError
    return floats[0] if channels == 1 else floats.mean(axis=0)
