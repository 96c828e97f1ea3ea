"""What writing tags must not change, as FFmpeg sees it: the audio, pictures, and all other tags.

FFmpeg is a second opinion: the tags are written by mutagen.
"""

import hashlib
from dataclasses import dataclass
from typing import BinaryIO

import av

from keras_musictag.audio.container import codec_tag, open_container
from keras_musictag.library.file_tags import GENRE, MOOD, SCORE_PREFIX

OUR_KEYS = {GENRE, MOOD, "tmoo", "wm/genre", "wm/mood"}  # FFmpeg's names of our fields, in lower case


@dataclass(frozen=True)
class StreamContent:
    """A stream of a file, which may also be a picture.

    Attributes:
        codec: FFmpeg's name of its codec, and the container's.
        settings: What the decoder needs: FFmpeg's "extradata".
        packets: Number of packets.
        sha256: Of all packets.
    """

    codec: tuple[str, str]
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


def read_content(file: BinaryIO, name: str) -> KeptContent:
    """Reads all packets of an open file, without decoding them.

    Raises:
        AudioError: If FFmpeg cannot open the file.
    """
    file.seek(0)
    with open_container(file, name, metadata_encoding="latin-1") as container:  # which has a letter for each byte
        hashes, counts = {}, {}
        try:
            for packet in container.demux():
                if packet.size:
                    hashes.setdefault(packet.stream.index, hashlib.sha256()).update(packet)
                    counts[packet.stream.index] = counts.get(packet.stream.index, 0) + 1
        except av.FFmpegError as error:
            counts[-1] = type(error).__name__  # damaged, in the same way before and after
        streams, tags = [], _others(container.metadata, "file")
        for stream in container.streams:
            tags |= _others(stream.metadata, f"stream {stream.index}")
            context = stream.codec_context
            codec = (context.name if context else "", codec_tag(stream))
            count, sha256 = counts.get(stream.index, 0), hashes.get(stream.index, hashlib.sha256()).digest()
            streams.append(StreamContent(codec, context.extradata if context else None, count, sha256))
        return KeptContent(tuple(container.format.name.split(",")), tuple(streams), tags)


def _others(metadata: dict[str, str], where: str) -> dict[tuple[str, str], str]:
    keys = {key for key in metadata if key.casefold() not in OUR_KEYS}
    return {(where, key): metadata[key] for key in keys if not key.casefold().startswith(SCORE_PREFIX.casefold())}
