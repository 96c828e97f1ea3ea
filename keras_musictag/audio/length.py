"""Reads the duration that a file states: compared with what was decoded, never a reason to refuse the file."""

import struct

import av

# FFmpeg's names of the containers that state how long the audio is. For others, FFmpeg guesses from the bit rate, which
# would cause false notes.
EXACT = "wav,w64,aiff,au,caf,flac,ogg,mov,mp4,ape,tta,wv,dsf,matroska,webm".split(",")
_WAVES = (b"RIFF", b"RF64", b"BW64")
# The most samples that a byte can hold: a PCM sample has at least 8 bits, an MP3 frame of 576 samples has at least 24
# bytes, and no other codec fits more than a frame of 65,536 samples (FLAC's largest) into 12 bytes.
_SAMPLES_PER_BYTE = {"pcm": 1, "mp3": 24}
_OTHER_SAMPLES_PER_BYTE = 65536 / 12


def header_seconds(container, stream: av.AudioStream, head: bytes) -> float | None:
    """Returns the duration that a file states.

    Args:
        container: The open file.
        stream: Its audio stream.
        head: The first bytes of the file after its tags, as `container.read_head` returns them.

    Returns:
        Seconds; None if the file states nothing, or if FFmpeg would only guess.
    """
    names = set(container.format.name.split(","))
    if "mp3" in names:
        return _mp3_seconds(head)
    is_pcm = stream.codec_context.name.startswith("pcm_")
    if "wav" in names and is_pcm and (seconds := _wav_seconds(head)):
        return seconds
    if not names & set(EXACT):
        return None
    if {"matroska", "ogg"} & names and len(container.streams) > 1:
        return None  # the duration is that of the longest stream, which may be a video
    if {"aiff", "w64", "caf"} & names and not is_pcm:
        return None  # FFmpeg mistakes samples for packets, or reads the wrong field
    if stream.duration is not None:
        return float(stream.duration * stream.time_base) or None
    return (container.duration or 0) / av.time_base or None


def length_note(stated: float | None, decoded: float, codec: str, source_rate_hz: int, container) -> str | None:
    """Returns a sentence if the header states a different duration from what was decoded.

    Args:
        stated: Duration that the header states, seconds; None if it states none.
        decoded: Duration that was decoded, seconds.
        codec: FFmpeg's name of the codec.
        source_rate_hz: Sample rate of the file, Hz.
        container: The open file.

    Returns:
        The note; None if the two agree as well as codecs allow, which pad and trim a few frames.
    """
    if stated is None:
        return None
    tolerance = max(0.5, 0.01 * stated)
    num_bytes = container.size
    most = num_bytes * _SAMPLES_PER_BYTE.get(codec[:3], _OTHER_SAMPLES_PER_BYTE) / source_rate_hz
    if stated - decoded > tolerance and stated > most + tolerance:
        return (
            f"The header states {stated:.1f} s, which a file of {num_bytes} bytes cannot hold; {decoded:.1f} s could "
            "be decoded."
        )
    if stated - decoded > tolerance:
        return f"The header states {stated:.1f} s, but only {decoded:.1f} s could be decoded."
    # Joined MP3s and Oggs are decoded completely, but the header states the length of one of them.
    if decoded - stated > tolerance and container.format.name not in ("mp3", "ogg"):
        return f"The header states {stated:.1f} s, but {decoded:.1f} s were decoded. Were several files joined?"
    return None


def _mp3_seconds(head: bytes) -> float | None:
    """Returns the duration that the Xing, Info or VBRI header in the first frame of an MP3 states; None without one.

    Source: ISO/IEC 11172-3 and 13818-3 for the frame header. The Xing header (also LAME's) comes after the side
    information, whose size depends on the version and the channels. Fraunhofer's VBRI header always comes 32 bytes
    after the frame header.
    """
    at = next((at for at in range(len(head) - 3) if _is_layer_3(head[at : at + 4])), None)
    if at is None:
        return None
    halved = {3: 0, 2: 1, 0: 2}[head[at + 1] >> 3 & 3]  # MPEG 1, 2 and 2.5: each halves the rates of the one before
    has_checksum, is_mono = not head[at + 1] & 1, head[at + 3] >> 6 == 3
    rate_hz = (44100, 48000, 32000)[head[at + 2] >> 2 & 3] >> halved
    side_bytes = (9 if is_mono else 17) if halved else (17 if is_mono else 32)
    for start in {at + 4 + side_bytes, at + 4 + side_bytes + 2 * has_checksum}:
        if head[start : start + 4] in (b"Xing", b"Info") and len(head) >= start + 12 and head[start + 7] & 1:
            num_frames = int.from_bytes(head[start + 8 : start + 12], "big")
            break
    else:
        vbri = head[at + 36 : at + 54]
        num_frames = int.from_bytes(vbri[14:18], "big") if vbri[:4] == b"VBRI" else 0
    return num_frames * (576 if halved else 1152) / rate_hz or None


def _is_layer_3(header: bytes) -> bool:
    """Whether 4 bytes are the header of a layer 3 frame: 11 set bits, no reserved version, bit rate or sample rate."""
    return (
        header[0] == 0xFF
        and header[1] & 0xE6 == 0xE2
        and header[1] & 0x18 != 0x08
        and header[2] & 0xF0 != 0xF0
        and header[2] & 0x0C != 0x0C
    )


def _wav_seconds(head: bytes) -> float | None:
    """Returns the duration that the size of `data` in a PCM WAV states, before FFmpeg limits it to the file's size."""
    chunks = wav_chunks(head)
    _, form = chunks.get(b"fmt ", (0, b""))
    size, _ = chunks.get(b"data", (0, b""))
    if len(form) < 14:
        return None
    _, _, rate_hz, _, frame_bytes = struct.unpack_from("<HHIIH", form)
    # A program that writes to a pipe leaves 2 or 4 GB as the size, which states nothing.
    if size >= 0x7FFF0000 or not rate_hz * frame_bytes:
        return None
    return size / (rate_hz * frame_bytes) or None


def wav_chunks(head: bytes) -> dict[bytes, tuple[int, bytes]]:
    """Returns, for each chunk of a WAV that begins in its head, the stated size and the bytes that the head holds.

    If several chunks share a name, the first counts, as FFmpeg does with several `fmt `. A file that is not a WAV has
    no chunks.
    """
    chunks = {}
    at = 12 if head[:4] in _WAVES and head[8:12] == b"WAVE" else len(head)
    while at + 8 <= len(head):
        name, size = struct.unpack_from("<4sI", head, at)
        chunks.setdefault(name, (size, head[at + 8 : at + 8 + size]))
        at += 8 + size + size % 2  # the next one starts at an even position
    return chunks
