"""Encrypted audio is refused as such."""

import struct

import pytest

from keras_musictag.errors import AudioError
from tests.audio.made import encode, read_bytes, sine

CENC = {
    "encryption_scheme": "cenc-aes-ctr",
    "encryption_key": "00112233445566778899aabbccddeeff",
    "encryption_kid": "112233445566778899aabbccddeeff00",
}


def refused(data: bytes) -> None:
    with pytest.raises(AudioError, match=r"is protected \(encrypted\) audio, which cannot be decoded"):
        read_bytes(data)


def test_common_encryption_of_mp4_is_refused():
    encrypted = encode(sine(), "aac", "mp4", options=CENC)
    assert encrypted.count(b"enca") == 1
    refused(encrypted)


@pytest.mark.parametrize("entry", [b"drms", b"aavd", b"enca"])
def test_sample_entries_of_protected_mp4_are_refused(entry):
    plain = encode(sine(), "aac", "mp4")
    assert read_bytes(plain).notes == ()
    refused(plain.replace(b"mp4a", entry, 1))


def element(name: str, content: bytes) -> bytes:
    return bytes.fromhex(name) + struct.pack(">Q", len(content) | 1 << 56) + content


def elements(data: bytes):
    """Yields name, content and all bytes of each EBML element."""
    at = 0
    while at < len(data):
        name_bytes = 9 - data[at].bit_length()
        size_at = at + name_bytes
        size_bytes = 9 - data[size_at].bit_length()
        size = int.from_bytes(data[size_at : size_at + size_bytes], "big") & ((1 << 7 * size_bytes) - 1)
        end = size_at + size_bytes + size
        yield data[at:size_at].hex(), data[size_at + size_bytes : end], data[at:end]
        at = end


def encrypted_matroska(key: bytes) -> bytes:
    """A file whose track has ContentEncodings > ContentEncoding > ContentEncryption, by AES."""
    cipher = element("47e1", b"\5") + (element("47e2", key) if key else b"")
    encoding = element("5031", b"\0") + element("5032", b"\1") + element("5033", b"\1") + element("5035", cipher)
    encodings = element("6d80", element("6240", encoding))
    (_, _, head), (_, segment, _), *_ = elements(encode(sine(48000), "libopus", "matroska", 48000))
    kept = b""
    for name, content, whole in elements(segment):
        if name == "1654ae6b":
            tracks = [track for name, track, _ in elements(content) if name == "ae"]
            kept += element("1654ae6b", b"".join(element("ae", track + encodings) for track in tracks))
        elif name in ("1549a966", "1f43b675"):  # without the index, whose places are no longer right
            kept += whole
    return head + element("18538067", kept)


def test_encrypted_matroska_is_refused():
    refused(encrypted_matroska(b"0123456789abcdef"))


@pytest.mark.parametrize(
    "guid, content",
    [
        ("fbb3112223bdd211b4b700a0c955fc6e", b"\4\0\0\0abcd\4\0\0\0DRM\0\4\0\0\0key\0\4\0\0\0url\0"),
        ("14e68a292226174cb935dae07ee9289c", b"\4\0\0\0abcd"),
    ],
    ids=["content encryption", "extended content encryption"],
)
def test_encrypted_asf_is_refused(guid, content):
    plain = encode(sine(), "libmp3lame", "asf")
    assert read_bytes(plain).notes == ()
    size, count = struct.unpack_from("<QI", plain, 16)  # of the header object
    protection = bytes.fromhex(guid) + struct.pack("<Q", 24 + len(content)) + content
    header = plain[:16] + struct.pack("<QI", size + len(protection), count + 1)
    refused(header + plain[28:30] + protection + plain[30:])
