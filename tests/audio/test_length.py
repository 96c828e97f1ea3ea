"""A header may state a wrong duration: this adds a note, and never refuses a file or changes what is decoded."""

import io
import struct
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile

from keras_musictag.audio import open_audio, read
from keras_musictag.audio.length import header_seconds, length_note
from tests.audio.audio_files import encode, read_bytes, sine, wav_of

MP3 = encode(sine(seconds=2.0), "libmp3lame", "mp3", options={"id3v2_version": "0"})
BARE_MP3 = encode(sine(seconds=2.0), "libmp3lame", "mp3", options={"id3v2_version": "0", "write_xing": "0"})


def id3v2(comment=b"", size=600, footer=False) -> bytes:
    frame = b"COMM" + struct.pack(">I", len(comment) + 5) + b"\0\0\0eng\0" + comment
    body = frame + bytes(size - len(frame))
    fields = (b"\4\0\x10" if footer else b"\3\0\0") + bytes((size >> shift) & 127 for shift in (21, 14, 7, 0))
    return b"ID3" + fields + body + (b"3DI" + fields if footer else b"")


def apev2(comment=b"Info", with_header=True) -> bytes:
    item = struct.pack("<II", len(comment), 0) + b"Comment\0" + comment
    fields = struct.pack("<III", 2000, len(item) + 32, 1)
    header = b"APETAGEX" + fields + struct.pack("<I", 0xA0000000) + bytes(8)
    footer = b"APETAGEX" + fields + struct.pack("<I", 0x80000000) + bytes(8)
    return header * with_header + item + footer


ID3V1 = b"TAG" + b"Xing".ljust(125, b"\0")
LYRICS3 = b"LYRICSBEGINLYR00010[00:00]Info000026LYRICS200"
INFO = b"Info: www.example.org"  # `e: w` could be mistaken for a number of frames
BEFORE = {
    "two ID3v2": id3v2() + id3v2(INFO),
    "ID3v2.4 with a footer, then ID3v2.3": id3v2(footer=True) + id3v2(INFO),
    "APEv2": apev2(INFO),
    "ID3v2, APEv2, ID3v2": id3v2(INFO) + apev2(INFO) + id3v2(INFO),
    "five ID3v2": id3v2(INFO) * 5,
    "an APEv2 longer than the head": apev2(INFO * 300),
    "an ID3v2 longer than the head": id3v2(INFO, 100_000) + id3v2(INFO),
}
AFTER = {
    "ID3v1": ID3V1,
    "APEv2, ID3v1": apev2(INFO) + ID3V1,
    "Lyrics3, ID3v1": LYRICS3 + ID3V1,
    "APEv2 without header, Lyrics3, ID3v1": apev2(INFO, False) + LYRICS3 + ID3V1,
    "ID3v2 at the end": id3v2(INFO, footer=True),
}


@pytest.mark.parametrize("tags", BEFORE)
@pytest.mark.parametrize("mp3", [MP3, BARE_MP3], ids=["Xing", "bare"])
def test_tags_before_an_mp3_do_not_change_the_duration(tags, mp3):
    plain, tagged = read_bytes(mp3), read_bytes(BEFORE[tags] + mp3)
    assert (tagged.header_seconds, tagged.notes) == (plain.header_seconds, ())
    if "APEv2" in tags:  # FFmpeg then trims nothing
        assert 0 <= len(tagged.samples) - len(plain.samples) <= 2 * 1152
    else:
        np.testing.assert_array_equal(tagged.samples, plain.samples)


@pytest.mark.parametrize("tags", AFTER)
@pytest.mark.parametrize("mp3", [MP3, BARE_MP3], ids=["Xing", "bare"])
def test_tags_after_an_mp3_do_not_change_the_duration(tags, mp3):
    plain, tagged = read_bytes(mp3), read_bytes(BEFORE["two ID3v2"] + mp3 + AFTER[tags])
    assert (tagged.header_seconds, tagged.notes) == (plain.header_seconds, ())
    np.testing.assert_allclose(tagged.samples[: len(plain.samples)], plain.samples, atol=1e-6)
    assert len(tagged.samples) - len(plain.samples) <= 1152  # a tag may be mistaken for one frame


@pytest.mark.parametrize("rate_hz", [44100, 22050, 11025])
@pytest.mark.parametrize("layout, channels", [("mono", 1), ("stereo", 2)])
def test_the_xing_header_is_found_in_any_first_frame(rate_hz, layout, channels):
    mp3 = encode(sine(rate_hz, 3.0, channels=channels), "libmp3lame", "mp3", rate_hz, layout)
    assert read_bytes(mp3).header_seconds == pytest.approx(3, abs=0.2)
    assert read_bytes(mp3[: len(mp3) // 2]).notes[0].startswith("The header states 3.")


def test_the_word_info_elsewhere_is_not_a_header():
    at = 120  # in the audio of the first frame
    mp3 = BARE_MP3[:at] + INFO + BARE_MP3[at + len(INFO) :]
    assert read_bytes(mp3).header_seconds is None


@pytest.mark.parametrize("checksum", [b"", b"\0\0"])
def test_the_xing_header_is_found_despite_a_checksum(checksum):
    container = SimpleNamespace(format=SimpleNamespace(name="mp3"))
    stream = SimpleNamespace(codec_context=SimpleNamespace(name="mp3float"))
    header = b"\xff\xfa\x90\xc4" if checksum else b"\xff\xfb\x90\xc4"  # MPEG 1, 44.1 kHz, mono
    head = header + checksum + bytes(17) + b"Xing" + struct.pack(">II", 1, 441)
    assert header_seconds(container, stream, head) == pytest.approx(11.52)


def test_a_vbri_header_is_read():
    # Fraunhofer's header, 32 bytes after that of the first frame: version, delay, quality, bytes, frames.
    vbri = b"VBRI" + struct.pack(">HHHII", 1, 0, 75, len(BARE_MP3), 150)
    first = BARE_MP3[:4] + bytes(32) + vbri
    mp3 = first + bytes(209 - len(first)) + BARE_MP3  # 209 bytes: 64 kbit/s at 44.1 kHz
    audio = read_bytes(mp3)
    assert audio.header_seconds == pytest.approx(150 * 1152 / 44100)
    assert audio.notes == ("The header states 3.9 s, but only 2.0 s could be decoded.",)


def test_an_impossible_xing_header_has_a_note():
    at = MP3.index(b"Info") + 8
    audio = read_bytes(MP3[:at] + b"\xff\xff\xff\xff" + MP3[at + 4 :], max_seconds=60)
    assert audio.duration_seconds == pytest.approx(2, abs=0.1)
    assert audio.notes[0].startswith("The header states 112195064.0 s, which a file of")


def test_an_impossible_flac_total_has_a_note():
    flac = bytearray(encode(sine(), "flac", "flac"))
    flac[21] |= 0x0F  # the last 36 bits of these 5 bytes are the number of samples
    flac[22:26] = b"\xff\xff\xff\xff"
    audio = read_bytes(bytes(flac), max_seconds=60)
    assert audio.duration_seconds == 2.0
    assert audio.notes == (
        f"The header states 1558264.8 s, which a file of {len(flac)} bytes cannot hold; 2.0 s could be decoded.",
    )


def test_an_unknown_flac_total_has_no_note():
    flac = bytearray(encode(sine(), "flac", "flac"))
    flac[21] &= 0xF0
    flac[22:26] = bytes(4)
    assert (read_bytes(bytes(flac)).duration_seconds, read_bytes(bytes(flac)).notes) == (2.0, ())


def test_a_small_flac_of_long_silence_has_no_note():
    file = io.BytesIO()
    soundfile.write(file, np.full(8000 * 600, 999, np.int16), 8000, format="FLAC")  # silence would have a note
    audio = read(file, max_seconds=601)
    assert len(file.getvalue()) < 50_000
    assert (audio.duration_seconds, audio.header_seconds, audio.notes) == (600.0, 600.0, ())


def test_a_decoded_duration_is_possible_in_any_file_size():
    container = SimpleNamespace(format=SimpleNamespace(name="ape"), size=1000)  # APE packs 27 s of silence into 8 bytes
    assert length_note(600.0, 600.0, "ape", 44100, container) is None


# (container, codec, position of the length, what is written there)
STATED = {
    "WAV, garbage": ("wav", "pcm_s16le", (b"data", 4), b"\0\0\0\x70"),
    "WAV, 0": ("wav", "pcm_s16le", (b"data", 4), bytes(4)),
    "WAV, written to a pipe": ("wav", "pcm_s16le", (b"data", 4), b"\xff\xff\xff\xff"),
    "AU, unknown": ("au", "pcm_s16be", (b".snd", 8), b"\xff\xff\xff\xff"),
    "AU, garbage": ("au", "pcm_s16be", (b".snd", 8), b"\x70\0\0\0"),
    "AIFF, garbage frames": ("aiff", "pcm_s16be", (b"COMM", 10), b"\x70\0\0\0"),
    "CAF, unknown": ("caf", "pcm_s16be", (b"data", 4), b"\xff" * 8),
    "CAF, garbage": ("caf", "pcm_s16be", (b"data", 4), b"\0\0\x70\0\0\0\0\0"),
    "W64, garbage": ("w64", "pcm_s16le", (b"data\xf3\xac", 16), b"\0\0\0\0\0\x70\0\0"),
    "MP4, garbage movie": ("mp4", "aac", (b"mvhd", 20), b"\x70\0\0\0"),
    "MP4, garbage track": ("mp4", "aac", (b"mdhd", 20), b"\x70\0\0\0"),
    "Matroska, garbage": ("matroska", "flac", (b"\x44\x89\x88", 3), struct.pack(">d", 1e12)),
}


@pytest.mark.parametrize("case", STATED)
def test_a_wrong_stated_length_never_refuses_a_file(case):
    container, codec, (name, offset), written = STATED[case]
    data = encode(sine(), codec, container)
    at = data.index(name) + offset
    audio = read_bytes(data[:at] + written + data[at + len(written) :], max_seconds=60)
    assert audio.duration_seconds == pytest.approx(2, abs=0.1)
    assert all(note.startswith("The header states") for note in audio.notes)
    assert audio.notes or audio.header_seconds is None or audio.header_seconds < 2.1


def test_the_limit_counts_decoded_seconds_not_stated_ones():
    with open_audio(io.BytesIO(wav_of(sine(8000, 5.0), 8000, stated_bytes=0x60000000)), max_seconds=6) as stream:
        assert stream.header_seconds > 100_000
        assert sum(map(len, stream)) == 40_000


def test_joined_au_files_are_decoded_with_a_note():
    one, two = (encode(sine(seconds=seconds), "pcm_s16be", "au") for seconds in (2.0, 3.0))
    (note,) = read_bytes(one + two).notes
    assert note == "The header states 2.0 s, but 5.0 s were decoded. Were several files joined?"
