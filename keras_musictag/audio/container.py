"""Opening a file that may be hostile: what it is, what its header states, and why it is refused.

FFmpeg sees an open file object, never a name: it cannot open an address, a playlist or a second file, and only
the containers in `FORMATS`.
"""

import io
import os
import stat
import struct
from contextlib import ExitStack
from typing import BinaryIO

import av

from keras_musictag.audio.array import MAX_CHANNELS
from keras_musictag.audio.resample import MAX_RATE_HZ, MIN_RATE_HZ
from keras_musictag.errors import AudioError, printable

# FFmpeg's names of the containers that are opened. Those of the first line say how long the audio is; in the
# others FFmpeg guesses from the bit rate, which would give false notes.
_EXACT = "wav,w64,aiff,au,caf,flac,ogg,mov,mp4,ape,tta,wv,dsf,matroska,webm".split(",")
FORMATS = (*_EXACT, *"mp3,aac,ac3,eac3,amr,asf,avi,flv,mpc,mpc8,mpeg,mpegts".split(","))
_WAVES = (b"RIFF", b"RF64", b"BW64")


def open_file(source, stack: ExitStack) -> tuple[BinaryIO, str]:
    """Returns a binary file object at its start, and what messages call it."""
    if isinstance(source, str | os.PathLike):
        name = repr(os.fspath(source))
        return stack.enter_context(_open_path(source, name)), name
    if isinstance(source, io.TextIOBase) or not (hasattr(source, "read") and hasattr(source, "seek")):
        raise TypeError(
            "`source` must be a path or a seekable binary file object; wrap bytes in io.BytesIO. "
            f"Received: {type(source).__name__}."
        )
    source.seek(0)
    name = getattr(source, "name", None)  # a temporary file's is a number
    named = isinstance(name, str) and name
    return source, printable(name) if named else f"The file object {type(source).__name__!r}"


def _open_path(path: str | os.PathLike, name: str) -> BinaryIO:
    try:
        mode = os.stat(path).st_mode
        if stat.S_ISREG(mode):  # opening a pipe would wait for its writer
            return open(path, "rb")
    except (FileNotFoundError, NotADirectoryError) as error:
        raise FileNotFoundError(
            f"There is no file {name}; expected a music file on this machine. Check the spelling; what lies "
            "behind a web address must be downloaded first."
        ) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise AudioError(f"{name} cannot be read ({reason}). Check its name and permissions.") from error
    kind = "a folder; pass one of the files in it" if stat.S_ISDIR(mode) else "a pipe, socket or device"
    raise AudioError(f"{name} must be a music file. Received: {kind}.")


def read_head(file: BinaryIO, name: str) -> bytes:
    """Returns the first 4 KB after any ID3 tag, having refused what is clearly no audio."""
    head = file.read(4096)
    if not head:
        raise AudioError(f"{name} is empty (0 bytes); expected a music file. Copy or download it again.")
    if head.lstrip(b"\xef\xbb\xbf \t\r\n")[:9].lower().startswith((b"<!doctype", b"<html", b"<?xml")):
        raise AudioError(f"{name} is a web page (HTML or XML), not audio. Download the music file itself.")
    if head[:3] == b"ID3" and len(head) > 10:
        file.seek(10 + sum(byte << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True)))
        head = file.read(4096)
    _, form = _wav_chunks(head).get(b"fmt ", (0, b""))
    if len(form) >= 8:  # checked here, as FFmpeg could not name a rate above 2**31 Hz or 1000 channels
        check_format(*struct.unpack_from("<HI", form, 2), name)
    file.seek(0)
    return head


def open_container(file: BinaryIO, name: str):
    def refuse(url, flags, options):
        raise PermissionError(f"A music file must not open another: {url}")

    # The whitelists also bind demuxers that open by themselves, past `io_open`.
    options = {"format_whitelist": ",".join(FORMATS), "protocol_whitelist": "none"}
    try:  # tags may be in any encoding, hence "replace"
        return av.open(file, container_options=options, io_open=refuse, metadata_errors="replace")
    except (av.FFmpegError, OSError) as error:
        raise AudioError(
            f"{name} is not audio that can be opened; expected one of {', '.join(FORMATS)}. "
            "Is it damaged, or an image, a playlist or a text?"
        ) from error


def audio_stream(container, name: str) -> av.AudioStream:
    stream = container.streams.best("audio")
    if stream is None:
        kinds = ", ".join(stream.type for stream in container.streams) or "none"
        raise AudioError(f"{name} has no audio stream that can be decoded; expected one. Its streams: {kinds}.")
    if stream.codec_context is None:
        raise AudioError(f"{name} is in a codec that FFmpeg cannot decode. Convert it to FLAC or MP3.")
    check_format(stream.codec_context.channels, stream.codec_context.sample_rate, name)
    return stream


def check_format(channels: int, rate_hz: int, name: str) -> None:
    for what, number, low, high in (
        ("number of channels", channels, 1, MAX_CHANNELS),
        ("sample rate in Hz", rate_hz, MIN_RATE_HZ, MAX_RATE_HZ),
    ):
        if not low <= number <= high:
            raise AudioError(f"{name} has a {what} of {number}; expected {low} to {high}. Is its header damaged?")


def header_seconds(container, stream: av.AudioStream, head: bytes) -> float | None:
    """Returns the duration that the file states, seconds; None where FFmpeg would only guess."""
    names = container.format.name.split(",")
    if "mp3" in names:
        return _xing_seconds(head, stream.codec_context.sample_rate)
    if "wav" in names and (seconds := _wav_seconds(head)):
        return seconds
    if not set(names) & set(_EXACT):
        return None
    if {"matroska", "ogg"} & set(names) and len(container.streams) > 1:
        return None  # the duration is that of the longest stream, such as a video
    if stream.duration is not None:
        return float(stream.duration * stream.time_base) or None
    return (container.duration or 0) / av.time_base or None


def _xing_seconds(head: bytes, rate_hz: int) -> float | None:
    """Returns the duration by an MP3's Xing or Info header: that word, flags, number of frames."""
    at = max(head.find(b"Xing"), head.find(b"Info"))
    if at < 0 or len(head) < at + 12 or not head[at + 7] & 1:
        return None
    samples_per_frame = 1152 if rate_hz >= 32000 else 576  # MPEG 1; MPEG 2 and 2.5
    return int.from_bytes(head[at + 8 : at + 12], "big") * samples_per_frame / rate_hz or None


def _wav_seconds(head: bytes) -> float | None:
    """Returns the duration by the `data` length of a PCM WAV, which FFmpeg cuts to the length of the file."""
    chunks = _wav_chunks(head)
    _, form = chunks.get(b"fmt ", (0, b""))
    size, _ = chunks.get(b"data", (0, b""))
    if len(form) < 14:
        return None
    tag, _, rate_hz, _, frame_bytes = struct.unpack_from("<HHIIH", form)
    # 1, 3 and 0xFFFE are PCM. A program that writes to a pipe leaves 2 or 4 GB as the length: no promise.
    if tag not in (1, 3, 0xFFFE) or size >= 0x7FFF0000 or not rate_hz * frame_bytes:
        return None
    return size / (rate_hz * frame_bytes) or None


def _wav_chunks(head: bytes) -> dict[bytes, tuple[int, bytes]]:
    """Returns, for each chunk of a WAV that begins in its head, the stated size and the bytes that are there.

    Of several chunks of one name the first counts, as of several `fmt ` for FFmpeg. A file that is no WAV has none.
    """
    chunks = {}
    at = 12 if head[:4] in _WAVES and head[8:12] == b"WAVE" else len(head)
    while at + 8 <= len(head):
        name, size = struct.unpack_from("<4sI", head, at)
        chunks.setdefault(name, (size, head[at + 8 : at + 8 + size]))
        at += 8 + size + size % 2  # the next one starts at an even place
    return chunks
