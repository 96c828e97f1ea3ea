"""The bytes of a WAV file -> a mono waveform, for the signature `wav_bytes`: what an exported SavedModel takes.

Only 16-bit PCM is read, here and without FFmpeg: the bytes come from anyone.
"""

import struct
from typing import NamedTuple

import numpy as np

from keras_musictag.audio.resampling import resample
from keras_musictag.web.serving_json import RequestError

# as in the graph of a SavedModel
RATES_HZ = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 88200, 96000)
PCM, EXTENSIBLE, BITS, MAX_CHANNELS = 1, 0xFFFE, 16, 2
NO_LENGTH = 0x7FFFF000  # lengths from here on are placeholders of a writer that did not know the length
MAX_CHUNKS = 1000


class Format(NamedTuple):
    """The content of a `fmt ` chunk."""

    code: int
    channels: int
    rate_hz: int
    bits: int


def read_wav(wav: bytes, to_hz: int) -> np.ndarray:
    """Decodes 16-bit PCM, mixes it down to mono and resamples it.

    Args:
        wav: A WAV file, mono or stereo, at one of `RATES_HZ` or at `to_hz`. Its header may be extensible, and its
            length unknown, as in a file that was written to a pipe.
        to_hz: The new sample rate, Hz.

    Returns:
        Float32 (samples,).

    Raises:
        RequestError: If the file is anything else.

    Example:
        >>> head = b"RIFF" + bytes(4) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 16000, 32000, 2, 16)
        >>> read_wav(head + b"data" + struct.pack("<Ih", 2, 16384), 16000).tolist()
        [0.5]
    """
    if wav[:4] != b"RIFF" or wav[8:12] != b"WAVE":
        raise RequestError("These bytes are not a WAV file. Send one of 16-bit PCM; over REST, as base64.")
    form, (begin, size, stated) = _find_chunks(wav)
    _check_format(form, to_hz)
    if size < stated:
        raise RequestError(
            f"A WAV file must be complete. Received {size} of {stated} bytes of samples. Was it truncated?"
        )
    frames = size // (form.channels * BITS // 8)  # a recording may end within a frame
    pcm = np.frombuffer(wav, "<i2", frames * form.channels, begin).reshape(-1, form.channels)
    waveform = resample(pcm.mean(axis=1, dtype=np.float32) / 2 ** (BITS - 1), form.rate_hz, to_hz) if frames else pcm
    if not waveform.size:
        raise RequestError(f"A WAV file must hold at least one sample at {to_hz} Hz. Received none.")
    return waveform


def _find_chunks(wav: bytes) -> tuple[Format, tuple[int, int, int]]:
    """The format; and of `data`, which comes after it: where it begins, its size, and its size by the header."""
    (riff,) = struct.unpack_from("<I", wav, 4)
    at, form, fmt_bytes = 12, None, 0
    for _ in range(MAX_CHUNKS):
        if at + 8 > len(wav):
            break
        name, stated = struct.unpack_from("<4sI", wav, at)
        unclosed = name == b"data" and stated == 0 and riff <= at  # RIFF states an end before the samples
        begin, rest = at + 8, len(wav) - at - 8
        if unclosed or stated >= NO_LENGTH:
            stated = rest
        size = min(stated, rest)
        if name == b"fmt ":
            form, fmt_bytes = _read_format(wav[begin : begin + size]), size
        if name == b"data":
            if form is None:
                break
            return form, (begin, size, stated)
        at = begin + size + size % 2  # chunks are padded to even lengths
    raise RequestError(
        f"A WAV file must have the chunks fmt and data. Received bytes of fmt: {fmt_bytes}, and no data after it. Is "
        "it damaged?"
    )


def _read_format(fmt: bytes) -> Format | None:
    """The fields of a `fmt ` chunk; None if it is too short."""
    if len(fmt) < 16:
        return None
    code, channels, rate_hz, _, _, bits = struct.unpack_from("<HHIIHH", fmt)
    if code == EXTENSIBLE and len(fmt) >= 26:
        (code,) = struct.unpack_from("<H", fmt, 24)
    return Format(code, channels, rate_hz, bits)


def _check_format(form: Format, to_hz: int) -> None:
    rates = sorted({*RATES_HZ, to_hz})
    if (form.code, form.bits) != (PCM, BITS):
        raise RequestError(
            f"A WAV file must hold 16-bit PCM; convert it first. Received: format {form.code} of {form.bits} bits."
        )
    if not 1 <= form.channels <= MAX_CHANNELS:
        raise RequestError(f"A WAV file must be mono or stereo; mix it down first. Received: {form.channels} channels.")
    if form.rate_hz not in rates:
        raise RequestError(
            f"A WAV file must have one of the sample rates {', '.join(map(str, rates))} Hz; resample it first. "
            f"Received: {form.rate_hz}."
        )
