"""What writing tags must not change, as FFmpeg sees it: the audio, pictures, and all other tags.

FFmpeg is a second opinion: the tags are written by mutagen.
"""

import hashlib
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import BinaryIO

import av

from keras_musictag.audio.container import open_container
from keras_musictag.errors import AudioError, MusicTagError
from keras_musictag.library.file_tags import GENRE, MOOD, SCORE_PREFIX

OUR_KEYS = {GENRE, MOOD, "tmoo", "wm/genre", "wm/mood"}  # FFmpeg's names of our fields, in lower case


@dataclass(frozen=True)
class StreamContent:
    """A stream of a file, which may also be a picture.

    Attributes:
        codec: FFmpeg's name of its codec; None for one that it does not know.
        settings: What the decoder needs: FFmpeg's "extradata".
        packets: Number of packets.
        sha256: Of all packets.
    """

    codec: str | None
    settings: bytes | None
    packets: int
    sha256: bytes


@dataclass(frozen=True)
class KeptContent:
    """What a file holds besides our fields.

    Attributes:
        containers: FFmpeg's names of the container.
        streams: Audio and pictures.
        tags: All other tags: where one is, and its key, with its text.
    """

    containers: tuple[str, ...]
    streams: tuple[StreamContent, ...]
    tags: dict[tuple[str, str], str]


def read_content(file: BinaryIO) -> KeptContent:
    """Reads all packets of an open file, without decoding them.

    Raises:
        MusicTagError: If FFmpeg cannot open the file. The message is a reason that follows its name.
    """
    file.seek(0)
    try:
        container = open_container(file, "it", metadata_encoding="latin-1")  # which has a letter for each byte
    except AudioError as error:
        raise MusicTagError("it is damaged or not audio: FFmpeg cannot open it") from error
    with container:
        hashes, counts = defaultdict(hashlib.sha256), Counter()
        try:
            for packet in container.demux():
                if packet.size:
                    hashes[packet.stream.index].update(packet)
                    counts[packet.stream.index] += 1
        except av.FFmpegError:
            pass  # damaged: the new version has the same packets up to there
        streams, tags = [], _others(container.metadata, "file")
        for stream in container.streams:
            tags |= _others(stream.metadata, f"stream {stream.index}")
            context = stream.codec_context
            codec, settings = (context.name, context.extradata) if context else (None, None)
            streams.append(StreamContent(codec, settings, counts[stream.index], hashes[stream.index].digest()))
        return KeptContent(tuple(container.format.name.split(",")), tuple(streams), tags)


def _others(metadata: dict[str, str], where: str) -> dict[tuple[str, str], str]:
    keys = {key for key in metadata if key.casefold() not in OUR_KEYS}
    return {(where, key): metadata[key] for key in keys if not key.casefold().startswith(SCORE_PREFIX.casefold())}
