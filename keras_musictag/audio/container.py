"""Opens a file that may be hostile, refuses what cannot be used as audio, and turns decoded frames into arrays.

FFmpeg gets an open file object, never a name, and only the containers in `CONTAINERS`. So it cannot open an address, a
playlist or a second file. Protected (encrypted) audio is refused as such, because FFmpeg would decode it to noise or
to nothing, as if it were damaged.
"""

import ctypes
import struct
from typing import BinaryIO

import av
import numpy as np
from av.codec.context import Flags2

from keras_musictag.audio.length import EXACT, wav_chunks
from keras_musictag.audio.resampling import MAX_RATE_HZ, MIN_RATE_HZ
from keras_musictag.audio.samples import MAX_CHANNELS
from keras_musictag.errors import AudioError

# Sample entries of MP4 for common encryption, Apple's FairPlay and Audible.
_MP4_TAGS = ("enca", "drms", "aavd")


def is_protected(container, stream: av.AudioStream) -> bool:
    """Whether the header of an open file says that its audio is protected. For MP4, see also `is_encrypted`."""
    names = container.format.name.split(",")
    if "mov" in names:
        return codec_tag(stream) in _MP4_TAGS
    if "asf" in names:  # FFmpeg's names for the two kinds
        encryption = container.metadata.get("encryption")
        return "ASF_Protection_Type" in container.metadata or encryption == "ASF Extended Content Encryption"
    return "matroska" in names and "enc_key_id" in stream.metadata


def codec_tag(stream: av.AudioStream) -> str:
    """Returns the container's own four-character name of the codec; "" if it is not ASCII."""
    try:
        return stream.codec_tag
    except UnicodeDecodeError:
        return ""


def is_encrypted(packet: av.Packet) -> bool:
    """Whether a packet is encrypted. In MP4, the header may name the codec where `enca` was."""
    return packet.has_sidedata("encryption_info")


def protected_error(name: str) -> AudioError:
    return AudioError(
        f"{name} is protected (encrypted) audio, which cannot be decoded; expected a file without protection. "
        "Export it or buy it without protection."
    )


# FFmpeg's names
_DTYPES = {"u8": "u1", "s16": "i2", "s32": "i4", "s64": "i8", "flt": "f4", "dbl": "f8"}


def channels_of_frame(frame: av.AudioFrame) -> np.ndarray:
    """Returns the samples of a decoded frame of any format, (channels, samples), in the dtype of that format."""
    channels = frame.layout.nb_channels
    if frame.format.is_planar and channels >= 8:
        # With 8 or more channels, `frame.planes` of PyAV 18.1 reads past the end of FFmpeg's list of planes.
        frame = av.AudioResampler(format=frame.format.packed).resample(frame)[0]
    dtype = _DTYPES[frame.format.packed.name]
    if frame.format.is_planar:
        return np.stack([np.frombuffer(plane, dtype, frame.samples) for plane in frame.planes])
    return np.frombuffer(frame.planes[0], dtype, frame.samples * channels).reshape(-1, channels).T


def positions_of_frame(frame: av.AudioFrame) -> tuple[str, ...]:
    """Returns FFmpeg's name of each channel's position, such as "FL"."""
    channels = frame.layout.nb_channels
    if channels <= 2:  # mixed in the same way, whatever they are
        return ("",) * channels
    return tuple(channel.name for channel in frame.layout.channels)


# FFmpeg's names of the containers that are opened.
CONTAINERS = (*EXACT, *"mp3,aac,ac3,eac3,amr,asf,avi,flv,mpc,mpc8,mpeg,mpegts".split(","))
HEAD_BYTES = 4096
_MAX_TAGS = 100  # before the audio; real files have one to three
# FFmpeg's names of codecs whose bits are packed in different orders by different programs: FFmpeg and libsndfile give
# different samples.
_AMBIGUOUS = ("g726", "g726le")
_NMS_ADPCM = "8\0\0\0"  # the WAV format tag 0x38, which FFmpeg mistakes for AMR


def read_head(file: BinaryIO, name: str) -> bytes:
    """Returns the first 4 KB after any tags. Raises AudioError if the file is clearly not audio."""
    head = file.read(HEAD_BYTES)
    if not head:
        raise AudioError(f"{name} is empty (0 bytes); expected a music file. Copy or download it again.")
    if head.lstrip(b"\xef\xbb\xbf \t\r\n")[:9].lower().startswith((b"<!doctype", b"<html", b"<?xml")):
        raise AudioError(f"{name} is a web page (HTML or XML), not audio. Download the music file itself.")
    head = head_after_tags(file, 0)
    if head[:4] == b"RIFX":
        raise AudioError(
            f"{name} is a big-endian WAV (RIFX), whose samples FFmpeg reads in the wrong byte order. Convert it to a "
            "WAV or FLAC file, for example with `sox in.wav -L out.wav`."
        )
    _, form = wav_chunks(head).get(b"fmt ", (0, b""))
    if len(form) >= 8:  # checked here, because FFmpeg cannot report a rate above 2**31 Hz or 1000 channels
        check_format(*struct.unpack_from("<HI", form, 2), name)
    file.seek(0)
    return head


def head_after_tags(file: BinaryIO, at: int) -> bytes:
    """Returns the 4 KB after the ID3v2 and APEv2 tags, in any number and order, that begin at `at`."""
    for _ in range(_MAX_TAGS):
        file.seek(at)
        head = file.read(HEAD_BYTES)
        if head[:3] == b"ID3" and len(head) > 10:
            size = sum(byte << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True))
            at += 10 + size + (10 if head[5] & 0x10 else 0)  # a footer repeats the header
        elif head[:8] == b"APETAGEX" and len(head) >= 32:
            at += 32 + int.from_bytes(head[12:16], "little")
        else:
            break
    return head


def open_container(file: BinaryIO, name: str, metadata_encoding: str = "utf-8"):
    """Opens a file object with FFmpeg. Raises AudioError if it is not one of `CONTAINERS`."""

    def refuse(url, flags, options):
        raise PermissionError(f"A music file must not open another: {url}")

    # The whitelists also bind demuxers that open files themselves, without `io_open`.
    options = {"format_whitelist": ",".join(CONTAINERS), "protocol_whitelist": "none"}
    try:  # tags may be in any encoding, hence "replace"
        texts = {"metadata_encoding": metadata_encoding, "metadata_errors": "replace"}
        return av.open(file, container_options=options, io_open=refuse, **texts)
    except (av.FFmpegError, OSError) as error:
        raise AudioError(
            f"{name} is not audio that can be opened; expected one of {', '.join(CONTAINERS)}. "
            "Is it damaged, or is it an image, a playlist or a text file?"
        ) from error


def audio_stream(container, name: str) -> av.AudioStream:
    """Returns the audio stream to decode. Raises AudioError if it is protected or would be decoded wrongly."""
    stream = container.streams.best("audio")
    if stream is None:
        kinds = ", ".join(stream.type for stream in container.streams) or "none"
        raise AudioError(f"{name} has no audio stream that can be decoded; expected one. Its streams are: {kinds}.")
    codec = stream.codec_context
    if codec is None:
        raise AudioError(f"{name} is in a codec that FFmpeg cannot decode. Convert it to FLAC or MP3.")
    if is_protected(container, stream):
        raise protected_error(name)
    if codec.codec.canonical_name.removeprefix("adpcm_") in _AMBIGUOUS or (
        container.format.name == "wav" and codec_tag(stream) == _NMS_ADPCM
    ):
        raise AudioError(
            f"{name} is in a telephone codec (G.721, G.723, G.726 or NMS ADPCM) that programs decode differently. "
            "Convert it to WAV or FLAC with the program that made it."
        )
    check_format(_forget_custom_layout(codec), codec.sample_rate, name)
    if (container.format.name, codec.name) == ("caf", "alac"):
        # FFmpeg 8.1 removes the padding at the end twice: ALAC's last packet comes without it.
        codec.flags2 |= Flags2.skip_manual
    return stream


def _forget_custom_layout(codec: av.AudioCodecContext) -> int:
    """Returns the number of channels, and replaces a layout that lists its channels one by one by that number.

    PyAV 18.1 copies such a list by its address and frees each copy, which crashes the process. The single copy that is
    made here frees the list, and the decoder gets a layout without a list before it can use the old one.
    """
    layout = codec.layout
    if _is_custom(layout):
        codec.layout = f"{layout.nb_channels} channels"
    return layout.nb_channels


def _is_custom(layout: av.AudioLayout) -> bool:
    return " channels (" in layout.name  # as in "8 channels (FL+FR+FC+LFE+SL+SR+BL+BR)"


def check_frame(frame: av.AudioFrame, name: str) -> None:
    """Raises AudioError for a frame with an absurd format, or with a list of channels that its decoder made."""
    if _is_custom(frame.layout):
        # never freed, because the frame frees the same list: see `_forget_custom_layout`
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(frame.layout))
        raise AudioError(f"{name} has an unusual channel layout ({frame.layout.name}). Convert it to stereo.")
    check_format(frame.layout.nb_channels, frame.sample_rate, name)


def check_format(channels: int, rate_hz: int, name: str) -> None:
    """Raises AudioError if the number of channels or the sample rate is absurd."""
    for what, number, low, high in (
        ("number of channels", channels, 1, MAX_CHANNELS),
        ("sample rate in Hz", rate_hz, MIN_RATE_HZ, MAX_RATE_HZ),
    ):
        if not low <= number <= high:
            raise AudioError(f"{name} has a {what} of {number}; expected {low} to {high}. Is its header damaged?")
