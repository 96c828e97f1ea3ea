"""Decodes an open file to blocks of mono float32: PyAV decodes, soxr resamples.

Every file is treated as hostile (`audio.container`). A damaged file gives what can be decoded, and a count of its bad
packets. Notes say if the header states another duration (`audio.length`), and if the file is cut off or continues with
something else (`audio.ending`).
"""

import math
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import av
import numpy as np

from keras_musictag.audio.container import (
    audio_stream,
    channels_of_frame,
    check_frame,
    is_encrypted,
    open_container,
    positions_of_frame,
    protected_error,
    read_head,
)
from keras_musictag.audio.downmix import Levels, mix_channels, weights_of, weights_of_one
from keras_musictag.audio.ending import (
    LINK_BORDER_BYTES,
    OffsetFile,
    PacketLog,
    damage_note,
    ending_note,
    next_link,
    only_tags_follow,
)
from keras_musictag.audio.length import header_seconds, length_note
from keras_musictag.audio.resampling import StreamResampler
from keras_musictag.audio.samples import FileScale, to_floats
from keras_musictag.audio.source import open_file
from keras_musictag.errors import AudioError

_MAX_DEMUX_ERRORS = 16  # in a row: a demuxer that fails this often makes no progress
_MAX_LINKS = 1000  # the most links of a chained Ogg that are opened one by one


class AudioStream:
    """An open file, made by `audio.open_audio`. Iterate over it to get float32 mono blocks of a second or more.

    It has the attributes of `audio.Audio` except `samples`, and those below. All are final when the iteration ends.

    Attributes:
        loudest: Index of the channel to use alone if the channels cancel each other; else None.
        is_alone: Whether a single channel is used.
        levels: Measurements of the channels, `audio.downmix.Levels`.
        guessed_seconds: `header_seconds`, or what FFmpeg guesses from the bit rate; None if there is neither.
        metadata: The file's tags, by FFmpeg's names, such as "artist".
        container_name: FFmpeg's name of the container, such as "mp3".
    """

    def __init__(self, source, sample_rate_hz, max_seconds, channel=None):
        with ExitStack() as stack:  # closes what was opened if a line below raises
            self._file, self._name = open_file(source, stack)
            head = read_head(self._file, self._name)
            self._container = stack.enter_context(open_container(self._file, self._name))
            self._stream = audio_stream(self._container, self._name)
            self.header_seconds = header_seconds(self._container, self._stream, head)
            self.guessed_seconds = self.header_seconds or (self._container.duration or 0) / av.time_base or None
            codec = self._stream.codec_context
            # Ogg has its tags in the stream, the other containers have them outside
            self.metadata = {**self._container.metadata, **self._stream.metadata}
            self.container_name = self._container.format.name
            self._stack = stack.pop_all()
        self.codec, self.channels = codec.codec.canonical_name, codec.channels
        self.source_rate_hz, self.sample_rate_hz = codec.sample_rate, sample_rate_hz or codec.sample_rate
        self.duration_seconds, self.bad_packets, self.notes = 0.0, 0, ()
        self._max_seconds, self._channel, self._closed = max_seconds, channel, False
        self.is_alone = channel is not None
        self._scale, self.levels, self.loudest = FileScale(self._name, codec.codec.lossless), Levels(), None
        self._packets_seen, self._offset, self._error = PacketLog(), 0, None
        self._blocks = self._decode()

    def __enter__(self) -> "AudioStream":
        return self

    def __exit__(self, *error) -> None:
        self.close()

    def __iter__(self) -> Iterator[np.ndarray]:
        return self

    def __next__(self) -> np.ndarray:
        if self._closed:
            raise ValueError(f"The stream of {self._name} is closed. Open the file again.")
        return next(self._blocks)

    def close(self) -> None:
        """Stops decoding, and closes the file unless it was passed as a file object."""
        self._closed = True
        self._blocks.close()
        self._stack.close()

    def packets(self) -> Iterator[av.Packet]:
        """Yields the compressed packets, without decoding them. Do not iterate over the stream as well."""
        for packet in self._packets():
            if packet is not None and packet.size:
                self._packets_seen.add(packet, True, self._offset)
                yield packet

    def _decode(self) -> Iterator[np.ndarray]:
        """Yields blocks of a second or more, at `sample_rate_hz`."""
        parts, waiting = [], 0
        with self._stack:  # closes the file at the end and on an error, even without `with` around the iteration
            for part in self._resampled():
                parts.append(part)
                waiting += len(part)
                if waiting >= self.sample_rate_hz:
                    yield np.concatenate(parts)
                    parts, waiting = [], 0
            if self.duration_seconds == 0:
                raise AudioError(
                    f"{self._name} holds no samples that can be decoded ({self.bad_packets} damaged packets); "
                    "expected at least one. Was it cut off? Copy or export it again."
                )
            self._note_the_end()
        if waiting:
            yield np.concatenate(parts)

    def _note_the_end(self) -> None:
        """Adds the notes about the whole file."""
        self._scale.check()
        self.bad_packets += self._scale.frames_beyond
        self.loudest = self.levels.loudest_if_cancelled()
        seconds, container = self.duration_seconds, self._container
        length = length_note(self.header_seconds, seconds, self.codec, self.source_rate_hz, container)
        ending = None
        with suppress(OSError):  # a disk that keeps failing
            ending = ending_note(self._file, self._packets_seen, container.format.name)
            if self._error and only_tags_follow(self._file, self._packets_seen.end):
                self._error = None  # FFmpeg mistook the tags for damage
                self.bad_packets -= 1
        ended = f"Reading ended at {seconds:.1f} s: {self._error}." if self._error else None
        damage = damage_note(self._packets_seen, seconds)
        notes = (length, ended, damage, ending, self._scale.note(), *self.levels.notes())
        self.notes += tuple(note for note in notes if note)

    def _resampled(self) -> Iterator[np.ndarray]:
        """Yields mono blocks at `sample_rate_hz`, also when the rate changes within the file."""
        rate_hz, resampler = None, None
        for frame_rate_hz, mono in self._mono():
            if resampler is None:
                self.source_rate_hz = frame_rate_hz  # a header may state half the rate that HE-AAC decodes to
            elif frame_rate_hz != rate_hz:
                yield resampler.finish()
                if not self.notes:  # only the first change, as a hostile file may change with every frame
                    change = f"from {rate_hz} to {frame_rate_hz} Hz at {self.duration_seconds:.1f} s"
                    self._note(f"The sample rate changes within the file, first {change}.")
            if frame_rate_hz != rate_hz:
                rate_hz, resampler = frame_rate_hz, StreamResampler(frame_rate_hz, self.sample_rate_hz)
                start_seconds, num_samples = self.duration_seconds, 0
            num_samples += len(mono)
            self.duration_seconds = start_seconds + num_samples / rate_hz
            self._check_length(self.duration_seconds, self._max_seconds)
            yield resampler.push(mono)
        if resampler is not None:
            yield resampler.finish()

    def _mono(self) -> Iterator[tuple[int, np.ndarray]]:
        """Yields the sample rate and the float32 (samples,) of each frame."""
        for frame in self._frames():
            check_frame(frame, self._name)
            if self.duration_seconds == 0:
                self.channels = frame.layout.nb_channels
            channels = to_floats(self._scale.clean(channels_of_frame(frame)))
            if self._channel is None:
                weights = weights_of(positions_of_frame(frame))
            else:
                weights = weights_of_one(self._channel, len(channels))
            mono = mix_channels(channels, weights)
            self.levels.add(channels, mono, weights, frame.sample_rate)
            yield frame.sample_rate, mono

    def _frames(self) -> Iterator[av.AudioFrame]:
        for packet in self._packets():
            try:
                frames = self._stream.decode(packet)
            except av.FFmpegError:
                frames = None
            self.bad_packets += frames is None
            if packet is not None:
                self._packets_seen.add(packet, frames is not None, self._offset)
                # PCM shows no damage, but FFmpeg marks the end of every WAV that was written to a pipe as corrupt.
                self.bad_packets += frames is not None and packet.is_corrupt and not self.codec.startswith("pcm_")
            yield from (frame for frame in frames or () if frame.samples)

    def _packets(self) -> Iterator[av.Packet | None]:
        """Demuxes the file, and one by one the links of a chained Ogg that FFmpeg does not follow."""
        for _ in range(_MAX_LINKS):
            yield from self._demux()
            start = self._next_link()
            if start is None:
                return
            try:
                container = self._stack.enter_context(open_container(OffsetFile(self._file, start), self._name))
                stream = audio_stream(container, self._name)
            except AudioError:
                return
            self._container.close()
            self._container, self._stream = container, stream
            self._packets_seen.start = self._offset = start
            self._error, self.header_seconds = None, None  # the header belonged to one link
            self.bad_packets -= 1  # nothing was damaged
        self._error = f"it is a chain of more than {_MAX_LINKS} files"

    def _demux(self) -> Iterator[av.Packet | None]:
        """Demuxes, and continues after an error. The last packet is None or empty, which drains the decoder."""
        errors_in_a_row = 0
        while errors_in_a_row < _MAX_DEMUX_ERRORS:
            try:
                for packet in self._container.demux(self._stream):
                    if packet.size:
                        errors_in_a_row, self._error = 0, None
                    if is_encrypted(packet):
                        raise protected_error(self._name)
                    yield packet
                return
            except (av.FFmpegError, OSError) as error:
                errors_in_a_row += 1
                self.bad_packets += errors_in_a_row == 1  # later tries are not packets
                self._error = (
                    self._error or error.strerror or str(error)
                )  # a file object's error may have no `strerror`
                if self._next_link(within=LINK_BORDER_BYTES):
                    break  # FFmpeg would skip it
        yield None

    def _next_link(self, within: float = math.inf) -> int | None:
        """Returns where the next link of a chained Ogg begins if FFmpeg did not follow it; else None."""
        if self._error and self._container.format.name == "ogg":
            with suppress(OSError):
                return next_link(self._file, self._packets_seen.start, within)
        return None

    def _check_length(self, seconds: float, max_seconds: float) -> None:
        if seconds > max_seconds:
            raise AudioError(
                f"{self._name} lasts {seconds:.1f} s or more; expected at most {max_seconds:g} s. "
                "Cut the file, or pass a larger `max_seconds`."
            )

    def _note(self, sentence: str) -> None:
        self.notes = (*self.notes, sentence)
