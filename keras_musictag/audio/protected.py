"""Protected (encrypted) audio: told apart from damage, since FFmpeg would decode it to noise or to nothing."""

import av

from keras_musictag.errors import AudioError

# Sample entries of MP4: common encryption, Apple's FairPlay, Audible.
_MP4_TAGS = ("enca", "drms", "aavd")


def is_protected(container, stream: av.AudioStream) -> bool:
    """Whether what the header of an open file says makes its audio protected. Of MP4, see also `is_encrypted`."""
    names = container.format.name.split(",")
    if "mov" in names:
        return codec_tag(stream) in _MP4_TAGS
    if "asf" in names:  # FFmpeg's names for the two kinds
        encryption = container.metadata.get("encryption")
        return "ASF_Protection_Type" in container.metadata or encryption == "ASF Extended Content Encryption"
    return "matroska" in names and "enc_key_id" in stream.metadata


def codec_tag(stream: av.AudioStream) -> str:
    """Returns the container's own name of the codec, four characters; "" if it is not ASCII."""
    try:
        return stream.codec_tag
    except UnicodeDecodeError:
        return ""


def is_encrypted(packet: av.Packet) -> bool:
    """Whether a packet is encrypted: MP4's header may have the name of the codec where `enca` was."""
    return packet.has_sidedata("encryption_info")


def protected_error(name: str) -> AudioError:
    return AudioError(
        f"{name} is protected (encrypted) audio, which cannot be decoded. Expected a file without protection; "
        "export or buy it without."
    )
