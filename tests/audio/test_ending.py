"""Joined and cut-off files, and streams that change: everything is decoded, or a note says what is missing."""

import io
import struct

import av
import numpy as np
import pytest

from keras_musictag.audio import stream
from keras_musictag.audio.ending import OffsetFile, next_link
from tests.audio.audio_files import encode, freq_hz_and_amplitude, read_bytes, sine, wav_of

NAMES = {  # codec, container
    "vorbis": ("vorbis", "ogg"),
    "opus": ("libopus", "ogg"),
    "oggflac": ("flac", "ogg"),
    "aac": ("aac", "adts"),
    "mp3": ("libmp3lame", "mp3"),
    "wav": ("pcm_s16le", "wav"),
    "aiff": ("pcm_s16be", "aiff"),
    "m4a": ("aac", "ipod"),
}


def tone(kind: str, freq_hz: float, rate_hz=48000, channels=2) -> bytes:
    """Returns a tone of one second."""
    codec, container = NAMES.get(kind, (kind, kind))
    samples = sine(rate_hz, 1.0, freq_hz, channels)
    return encode(samples, codec, container, rate_hz, ("mono", "stereo")[channels - 1])


def strongest_hz(audio, second: int) -> float:
    """Returns the strongest frequency of one second, Hz."""
    return freq_hz_and_amplitude(audio.samples[16000 * second : 16000 * (second + 1)], 16000)[0]


@pytest.mark.parametrize(
    "links",
    [
        [("vorbis", 48000, 2), ("vorbis", 48000, 2), ("vorbis", 48000, 2)],
        [("vorbis", 48000, 2), ("vorbis", 22050, 2), ("vorbis", 48000, 2)],
        [("opus", 48000, 1), ("opus", 48000, 2), ("opus", 48000, 1)],
        [("opus", 48000, 1), ("vorbis", 22050, 2), ("oggflac", 48000, 1)],
        [("oggflac", 48000, 2), ("oggflac", 22050, 1), ("opus", 48000, 2)],
        [("opus", 48000, 1), ("vorbis", 22050, 2), ("opus", 48000, 1)],
        [("vorbis", 48000, 2), ("opus", 48000, 2), ("vorbis", 48000, 2)],
    ],
    ids=["same", "rates", "channels", "codecs", "all", "there and back", "back and forth"],
)
def test_every_link_of_a_chained_ogg_is_decoded(links):
    data = b"".join(tone(kind, 440 * (at + 1), *form) for at, (kind, *form) in enumerate(links))
    audio = read_bytes(data, 16000)
    assert [strongest_hz(audio, second) for second in range(3)] == pytest.approx([440, 880, 1320], abs=1)
    assert audio.duration_seconds == pytest.approx(3, abs=0.1)
    assert audio.bad_packets == 0
    assert all("sample rate changes" in note for note in audio.notes)


def test_too_many_links_end_the_reading_with_a_note(monkeypatch):
    monkeypatch.setattr(stream, "_MAX_LINKS", 3)
    two = tone("opus", 440) + tone("vorbis", 880, 22050)
    audio = read_bytes(two * 4)
    (note,) = [note for note in audio.notes if "rate" not in note]
    assert audio.duration_seconds < 7.9
    assert note == f"Reading ended at {audio.duration_seconds:.1f} s: it is a chain of more than 3 files."


def test_an_unreadable_link_ends_the_reading_with_a_note():
    start = b"\1vorbis" + bytes(4)
    link = tone("vorbis", 880, 22050).replace(start + b"\2", start + b"\x60")  # 96 channels
    for kind in ("vorbis", "opus"):
        audio = read_bytes(tone(kind, 440) + link, 16000)
        assert strongest_hz(audio, 0) == pytest.approx(440, abs=1)
        assert audio.notes == ("Reading ended at 1.0 s: Invalid data found when processing input.",)


@pytest.mark.parametrize("kind", ["mp3", "aac", "flac", "mp2", "ac3"])
@pytest.mark.parametrize("second", [(48000, 2), (44100, 1)])
def test_joined_streams_are_decoded_to_the_end(kind, second):
    # FLAC's decoder allocates memory for frames of the first stream, so the larger ones come first here.
    audio = read_bytes(tone(kind, 440, 48000, 2) + tone(kind, 880, *second), 16000)
    assert strongest_hz(audio, 0) == pytest.approx(440, abs=1) and strongest_hz(audio, 1) == pytest.approx(880, abs=20)


@pytest.mark.parametrize(
    "first, second",
    [
        ("wav", "wav"),
        ("wav", "mp3"),
        ("wav", "opus"),
        ("aiff", "flac"),
        ("aiff", "aiff"),
        ("m4a", "m4a"),
        ("tta", "wav"),
    ],
)
def test_a_following_file_that_is_not_read_has_a_note(first, second):
    one, two = tone(first, 440), tone(second, 880)
    one = one.split(b"APETAGEX")[0]  # FFmpeg writes this tag at the end of a TTA
    audio = read_bytes(one + two)
    assert audio.duration_seconds == pytest.approx(1, abs=0.05)
    what = f"Another file begins at byte {len(one)} of {len(one + two)}, and was not read. Split the file to read both."
    assert audio.notes == (what,)
    assert read_bytes(one).notes == ()


@pytest.mark.parametrize("kind", ["vorbis", "opus"])
def test_bytes_after_an_ogg_that_are_not_ogg_have_a_note(kind):
    data, other = tone(kind, 440), tone("flac", 880)
    assert read_bytes(data + other).notes == (f"The last {len(other)} bytes are not Ogg and were not read.",)
    assert read_bytes(data + bytes(100)).notes == ()  # a copy that was padded
    note = f"At least the last {2 * 65_307} bytes are not Ogg and were not read."
    assert note in read_bytes(data + bytes(10) + np.random.default_rng(0).bytes(200_000)).notes


def test_tags_at_the_end_of_an_ogg_have_no_note():
    id3v1, id3v2 = b"TAG" + b"title".ljust(125), b"ID3\4\0\0\0\0\0\24" + b"x" * 20
    for tags in (id3v1, id3v2, id3v2 + id3v1):
        assert read_bytes(tone("opus", 440) + tags).notes == ()


def test_audio_after_a_small_riff_size_is_not_another_file():
    data = wav_of(np.full((1000, 1), -1025 / 32767))  # the bytes FF FB, as at the start of an MP3
    assert data[44:46] == b"\xff\xfb"
    assert read_bytes(data[:4] + b"\x24\0\0\0" + data[8:]).notes == ()


def test_joined_wavpacks_end_the_reading_with_a_note():
    data = encode(sine(seconds=1.0), "wavpack", "wv")
    (note,) = read_bytes(data + data).notes
    assert note.startswith("Reading ended at 1.0 s: ")


def test_packets_that_the_decoder_cannot_follow_have_a_note():
    # FLAC's decoder keeps the largest block of the first header; the second stream has larger ones.
    data = encode(sine(22050, 1.0), "flac", "flac", 22050) + encode(sine(44100, 5.0), "flac", "flac")
    (note,) = read_bytes(data).notes
    assert note.startswith("Nothing after 1.0 s could be decoded: ")


@pytest.mark.parametrize(
    "kind, rate_hz", [("mp3", 48000), ("mp3", 22050), ("mp3", 11025), ("mp2", 44100), ("aac", 44100)]
)
@pytest.mark.parametrize("cut_bytes", [1, 30, 100])
def test_a_file_that_ends_within_a_packet_is_cut_off(kind, rate_hz, cut_bytes):
    codec, container = NAMES.get(kind, (kind, kind))
    noise = (
        np.random.default_rng(0).uniform(-0.5, 0.5, (rate_hz, 1)).astype(np.float32)
    )  # so that the last packet is full
    options = {"write_xing": "0"} if kind == "mp3" else {}
    data = encode(noise, codec, container, rate_hz, options=options)
    assert read_bytes(data).notes == ()
    assert read_bytes(data[:-cut_bytes]).notes == ("The file ends within a packet: it was cut off.",)


@pytest.mark.parametrize("kind", ["ac3", "eac3"])
def test_a_cut_off_ac3_has_a_note(kind):
    data = tone(kind, 440)
    assert read_bytes(data[:-10]).notes == ("The file ends within a packet: it was cut off.",)


@pytest.mark.parametrize("codec, container", [("wavpack", "wv"), ("ac3", "ac3"), ("eac3", "eac3"), ("flac", "flac")])
def test_tags_at_the_end_have_no_note(codec, container):
    ape = b"APETAGEX" + struct.pack("<4I", 2000, 32, 0, 0xA0000000) + bytes(8)
    ape += b"APETAGEX" + struct.pack("<4I", 2000, 32, 0, 0x80000000) + bytes(8)
    data, id3v1 = encode(sine(seconds=1.0), codec, container), b"TAG" + bytes(125)
    for tags in (ape, id3v1, ape + id3v1, bytes(200)):
        audio = read_bytes(data + tags)
        assert audio.notes == ()
        # they damage the last frame of an AC-3 file
        assert audio.bad_packets == 0 or "ac3" in codec


def test_zeros_within_a_wavpack_end_the_reading_with_a_note():
    data = encode(sine(seconds=1.0), "wavpack", "wv")
    (note,) = read_bytes(data + bytes(5000) + data).notes
    assert note.startswith("Reading ended at 1.0 s: ")


@pytest.mark.parametrize("kept_bytes", [1, 2, 3, 4])
def test_an_mp3_that_ends_within_a_frame_header_is_cut_off(kept_bytes):
    data = encode(sine(), "libmp3lame", "mp3", options={"write_xing": "0"})
    with av.open(io.BytesIO(data)) as container:
        *_, last = (packet.pos for packet in container.demux() if packet.size)
    assert read_bytes(data[: last + kept_bytes]).notes == ("The file ends within a packet: it was cut off.",)


@pytest.mark.parametrize("dtype, last_samples", [("i2", 1), ("u1", 1), ("u1", 2), ("u1", 3)])
def test_a_short_last_packet_of_pcm_is_not_damage(dtype, last_samples):
    with av.open(io.BytesIO(wav_of(np.zeros((44100, 1)), dtype=dtype))) as container:
        packet_bytes = next(container.demux()).size
    samples = np.full((packet_bytes // int(dtype[1]) + last_samples, 1), 0.5)
    audio = read_bytes(wav_of(samples, dtype=dtype))
    assert (len(audio.samples), audio.notes) == (len(samples), ())


@pytest.mark.parametrize("kind", ["vorbis", "opus", "oggflac"])
def test_a_cut_off_ogg_has_a_note(kind):
    data = encode(sine(48000, 4.0, channels=2), NAMES[kind][0], "ogg", 48000, "stereo")
    last = data.rindex(b"OggS")
    assert read_bytes(data).notes == ()
    for cut in (data[:-100], data[: last + 5], data[: last + 20], data[: last + 27]):
        assert read_bytes(cut).notes == ("The file ends within an Ogg page: it was cut off.",)
    (note,) = read_bytes(data[:last]).notes
    assert note.startswith("The last Ogg page is not marked as the last")


@pytest.mark.parametrize("gap", [0, 5, 65_307 - 20, 65_307, 200_000])
def test_the_next_link_is_found_wherever_it_begins(gap):
    first = b"OggS\0\2" + bytes(8) + b"abcd" + bytes(9)
    later = b"OggS\0\2" + bytes(8) + b"abcd" + b"\1" + bytes(8)  # its number is 1
    assert next_link(io.BytesIO(first + later + bytes(gap) + first), 0) == 2 * 27 + gap
    assert next_link(io.BytesIO(first + later + bytes(gap) + first), 2 * 27 + gap) is None
    assert next_link(io.BytesIO(first + bytes(200_000) + first), 0, within=100_000) is None


def test_an_offset_file_behaves_like_a_file():
    part = OffsetFile(io.BytesIO(b"0123456789"), 4)
    assert (part.read(2), part.tell()) == (b"45", 2)
    assert (part.seek(1), part.read()) == (1, b"56789")
    assert (part.seek(-2, 2), part.read()) == (4, b"89")
    assert (part.seek(0), part.seek(3, 1), part.read(1)) == (0, 3, b"7")
