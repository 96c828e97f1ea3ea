"""A piece of an MP3 file without decoding all that comes before it, equal to the bit to the same piece of the whole.

A frame of MP3 depends on little that came before: up to 511 bytes of earlier frames that its data may begin in (the
bit reservoir), and the frame before it (overlap and filter bank). So decoding may begin some frames early, and what
comes out of those is thrown away. Where any doubt is left, `find_piece` gives None, and the caller decodes it all.

Source: ISO/IEC 11172-3 and 13818-3, layer III: `main_data_begin` has 9 bits, or 8 in frames of 576 samples.
"""

import struct
from dataclasses import dataclass

import av

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
