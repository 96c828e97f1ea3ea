"""Headers of files, whatever else is in them, protected audio, and the names that messages use for files."""

import io
import struct
from types import SimpleNamespace

import av
import pytest

from keras_musictag.audio import open_audio, read
from keras_musictag.audio.container import audio_stream, check_frame, open_container
from keras_musictag.audio.length import header_seconds
from keras_musictag.audio.source import open_file
from keras_musictag.errors import AudioError
from tests.audio.audio_files import encode, read_bytes, sine


def chunk(name: bytes, content: bytes, size=None) -> bytes:
    """Returns a RIFF chunk, padded to an even length; `size` is the stated length if it is to be wrong."""
    return name + struct.pack("<I", len(content) if size is None else size) + content + bytes(len(content) % 2)


def form(rate_hz=8000, channels=1) -> bytes:
    """Returns the `fmt ` chunk of 16-bit PCM; its bytes per second are 0, because nothing here reads them."""
    return chunk(b"fmt ", struct.pack("<HHIIHH", 1, channels, rate_hz, 0, 2 * channels, 16))


def data(seconds=4, rate_hz=8000, **header) -> bytes:
    return chunk(b"data", b"\0\x10" * seconds * rate_hz, **header)  # audible, because silence has a note


def title(text: bytes) -> bytes:
    return chunk(b"LIST", b"INFO" + chunk(b"INAM", text))


def wav(*chunks: bytes, kind=b"WAVE") -> io.BytesIO:
    return io.BytesIO(chunk(b"RIFF", kind + b"".join(chunks)))


def facts(file: io.BytesIO):
    audio = read(file)
    return audio.header_seconds, audio.duration_seconds, audio.notes


# ---------------------------------------------------------------- chunks of a WAV


@pytest.mark.parametrize("rate_hz", [8000, 44100])
def test_the_word_data_in_a_title_is_not_a_chunk(rate_hz):
    podcast = title(b"My data science podcast.")
    for file in (
        wav(form(rate_hz), podcast, data(4, rate_hz)),
        wav(podcast, form(rate_hz), data(4, rate_hz)),
        wav(form(rate_hz), data(4, rate_hz), podcast),
    ):
        assert facts(file) == (4.0, 4.0, ())


def test_the_word_fmt_in_a_title_is_not_a_chunk():
    file = wav(title(b"What fmt stands for: format of the samples"), form(44100), data(4, 44100))
    assert facts(file) == (4.0, 4.0, ())


def test_chunks_of_odd_length_are_padded():
    file = wav(chunk(b"junk", b"odd"), form(), chunk(b"junk", b"5 odd"), data(size=2 * 8000 * 7))
    assert facts(file) == (7.0, 4.0, ("The header states 7.0 s, but only 4.0 s could be decoded.",))


def test_the_stated_length_is_found_after_a_title():
    file = wav(form(), title(b"My data science podcast."), data(size=2 * 8000 * 7))
    assert facts(file) == (7.0, 4.0, ("The header states 7.0 s, but only 4.0 s could be decoded.",))


def test_the_first_of_two_format_chunks_counts():
    file = wav(form(), form(4_000_000_000, 1000), data(size=2 * 8000 * 20))
    assert facts(file)[:2] == (20.0, 4.0)


@pytest.mark.parametrize("before", [b"", chunk(b"junk", b"odd"), title(b"fmt of data")])
@pytest.mark.parametrize("rate_hz, channels, said", [(4_000_000_000, 1, "4000000000"), (8000, 1000, "1000")])
def test_an_absurd_format_is_found_after_other_chunks(before, rate_hz, channels, said):
    with pytest.raises(AudioError, match=f"of {said}; expected"):
        read(wav(before, form(rate_hz, channels), data()))


@pytest.mark.parametrize("tag_bytes", [0, 10, 5001])
def test_an_absurd_format_is_found_after_an_id3_tag(tag_bytes):
    tag = b"ID3\3\0\0" + bytes((tag_bytes >> shift) & 127 for shift in (21, 14, 7, 0)) + bytes(tag_bytes)
    with pytest.raises(AudioError, match="sample rate in Hz of 4000000000"):
        read(io.BytesIO(tag + wav(form(4_000_000_000), data()).getvalue()))


@pytest.mark.parametrize("size", [4096, 0x7FFFFFFF, 0xFFFFFFFE, 0xFFFFFFFF])
def test_a_chunk_that_ends_after_the_head_states_nothing(size):
    """No chunk is looked for inside it either. FFmpeg then finds out what the file holds."""
    hostile = chunk(b"junk", form(4_000_000_000, 1000) + data(0, size=2 * 8000 * 20), size=size)
    with pytest.raises(AudioError, match=r"is not audio that can be opened"):
        read(wav(hostile))
    assert facts(wav(form(), data(), hostile)) == (4.0, 4.0, ())


@pytest.mark.parametrize("length", range(12, 46))
def test_a_file_cut_within_its_head_is_an_audio_error(length):
    file = io.BytesIO(wav(form(), data()).getvalue()[:length])
    with pytest.raises(AudioError, match="is not audio|holds no sample"):
        list(open_audio(file))


def test_empty_chunks_up_to_the_end_of_the_head_are_passed():
    assert facts(wav(form(), *[chunk(b"", b"\0\0\0\0")] * 1000, data())) == (4.0, 4.0, ())


def test_only_a_wave_form_has_these_chunks():
    container = SimpleNamespace(format=SimpleNamespace(name="wav"), duration=None)
    head = wav(form(), data(), kind=b"AVI ").getvalue()[:4096]
    stream = SimpleNamespace(duration=None, codec_context=SimpleNamespace(name="pcm_s16le"))
    assert header_seconds(container, stream, head) is None


# ---------------------------------------------------------------- channel layouts


def test_a_layout_that_lists_channels_becomes_their_number():
    # PyAV frees the list twice: reading such a file a few dozen times crashed the process.
    data = encode(sine(48000, 0.5, channels=8), "pcm_s16be", "aiff", 48000, "7.1")
    with open_container(io.BytesIO(data), "a.aiff") as container:
        stream = audio_stream(container, "a.aiff")
        assert stream.codec_context.layout.name == "8 channels"
        assert {frame.layout.name for frame in container.decode(stream)} == {"8 channels"}
    for _ in range(20):
        assert read(io.BytesIO(data)).channels == 8


def test_a_frame_whose_layout_lists_channels_is_refused():
    frame = SimpleNamespace(layout=av.AudioLayout("FR+FL"), sample_rate=44100)
    with pytest.raises(AudioError, match=r"a\.m4a has an unusual channel layout \(2 channels \(FR\+FL\)\)"):
        check_frame(frame, "a.m4a")


def test_a_codec_name_beyond_ascii_is_an_audio_error():
    data = encode(sine(), "pcm_s16le", "wav")
    at = data.index(b"fmt ") + 8
    with pytest.raises(AudioError, match="is not audio|no audio stream|cannot decode|holds no sample"):
        read(io.BytesIO(data[:at] + b"\xac\xff" + data[at + 2 :]))


# ---------------------------------------------------------------- names of files in messages


def test_messages_begin_with_the_name_of_a_file_object():
    file = io.BytesIO(b"")
    file.name = "standard input"
    with pytest.raises(AudioError, match="^standard input is empty"):
        read(file)


def test_messages_name_an_open_file_by_its_path(tmp_path):
    (tmp_path / "a.mp3").touch()
    with open(tmp_path / "a.mp3", "rb") as file, pytest.raises(AudioError, match=r"^\S+a\.mp3 is empty"):
        read(file)


@pytest.mark.parametrize("name", [7, None, "", b"a.mp3"])
def test_messages_name_an_unnamed_file_by_its_class(name):
    file = io.BytesIO(b"")
    file.name = name
    assert open_file(file, None)[1] == open_file(io.BytesIO(), None)[1] == "The file object 'BytesIO'"


def test_a_name_with_a_line_break_stays_on_one_line():
    file = io.BytesIO(b"")
    file.name = "a\nb"
    with pytest.raises(AudioError, match=r"^a\\nb is empty"):
        read(file)


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
    """Yields the name, the content and all bytes of each EBML element."""
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
    """Returns a file whose track has ContentEncodings > ContentEncoding > ContentEncryption, with AES."""
    cipher = element("47e1", b"\5") + (element("47e2", key) if key else b"")
    encoding = element("5031", b"\0") + element("5032", b"\1") + element("5033", b"\1") + element("5035", cipher)
    encodings = element("6d80", element("6240", encoding))
    (_, _, head), (_, segment, _), *_ = elements(encode(sine(48000), "libopus", "matroska", 48000))
    kept = b""
    for name, content, whole in elements(segment):
        if name == "1654ae6b":
            tracks = [track for name, track, _ in elements(content) if name == "ae"]
            kept += element("1654ae6b", b"".join(element("ae", track + encodings) for track in tracks))
        elif name in ("1549a966", "1f43b675"):  # without the index, whose positions are no longer right
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
