"""Files of libsndfile and FFmpeg are read correctly in any container, sample format, byte order and channel count.

Each file gives the samples that were written, or those that another reader finds in it, or an `AudioError`, or a note:
never other samples without a note. `scripts/check_readers.py` also compares with sox, flac, mpg123 and opusdec.
"""

import io

import av
import numpy as np
import pytest
import soundfile
from av.codec import Codec, codecs_available

from keras_musictag.audio.downmix import weights_of
from keras_musictag.errors import AudioError
from tests.audio.audio_files import encode, read_bytes

# libsndfile's names of the formats that are opened, and the least number of combinations that must be read.
OPENED = {"AIFF": 53, "AU": 40, "CAF": 120, "FLAC": 15, "OGG": 10, "RF64": 40, "W64": 45, "WAV": 45, "WAVEX": 40}
# Decoders of these round differently: the largest difference from libsndfile.
LOSSY = {"VORBIS": 1e-5, "OPUS": 0.1, "MS_ADPCM": 0.03, "IMA_ADPCM": 0.03, "GSM610": 1e-4}
# The channel order of Vorbis and Opus. Their LFE is low-passed, so it differs from the other channels.
OGG = {
    1: ("",),
    2: ("", ""),
    3: tuple("FL FC FR".split()),
    6: tuple("FL FC FR BL BR LFE".split()),
    8: tuple("FL FC FR SL SR BL BR LFE".split()),
}
BLOCK_SAMPLES = 1024  # that a lossy codec may add at the end


def tones(channels: int, rate_hz: int, num_samples=3000) -> np.ndarray:
    """Returns float32 (samples, channels): two channels differ, more channels are equal, so the downmix is known."""
    freqs_hz = (311, 557)[:channels] if channels <= 2 else (311,) * channels
    at = np.arange(num_samples)[:, None] / rate_hz
    return (0.4 * np.sin(2 * np.pi * np.array(freqs_hz) * at)).astype(np.float32)


def written(samples, rate_hz: int, **form) -> bytes | None:
    file = io.BytesIO()
    try:
        soundfile.write(file, samples, rate_hz, **form)
    except (soundfile.LibsndfileError, ValueError):  # the library cannot write such a file
        return None
    return file.getvalue()


def combinations(name: str):
    for subtype in soundfile.available_subtypes(name):
        for endian in ("LITTLE", "BIG") if soundfile.check_format(name, subtype, "BIG") else ("FILE",):
            for channels in (1, 2, 3, 6, 8) if name in OPENED else (1,):
                yield subtype, endian, channels


@pytest.mark.parametrize("name", sorted(soundfile.available_formats().keys() - {"MP3"}))  # see the script
def test_files_of_libsndfile_are_read_as_libsndfile_does(name):
    num_read = 0
    for subtype, endian, channels in combinations(name):
        rate_hz = 48000 if subtype == "OPUS" else 44100
        data = written(tones(channels, rate_hz), rate_hz, format=name, subtype=subtype, endian=endian)
        if data is None:
            continue
        case = (name, subtype, endian, channels)
        try:
            audio = read_bytes(data)
        except AudioError:
            continue
        assert audio.notes == (), case
        expected = soundfile.read(io.BytesIO(data), always_2d=True, dtype="float64")[0]
        expected = expected @ weights_of(OGG[channels] if subtype in ("VORBIS", "OPUS") else ("",) * channels)
        shared = min(len(expected), len(audio.samples))
        assert abs(len(audio.samples) - len(expected)) <= BLOCK_SAMPLES * (subtype in LOSSY), case
        np.testing.assert_allclose(
            audio.samples[:shared], expected[:shared], atol=LOSSY.get(subtype, 1e-6), err_msg=case
        )
        assert (audio.channels, audio.source_rate_hz) == (channels, rate_hz), case
        num_read += 1
    assert num_read >= OPENED.get(name, 0)
    assert num_read == 0 or name in OPENED


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
def test_a_big_endian_wav_is_refused_as_such(subtype):
    data = written(tones(1, 8000), 8000, format="WAV", subtype=subtype, endian="BIG")
    with pytest.raises(AudioError, match=r"big-endian WAV \(RIFX\)"):
        read_bytes(data)


@pytest.mark.parametrize(
    "name, subtype", [("WAV", "G721_32"), ("WAV", "NMS_ADPCM_32"), ("AU", "G721_32"), ("AU", "G723_24")]
)
def test_ambiguous_telephone_codecs_are_refused(name, subtype):
    data = written(tones(1, 8000), 8000, format=name, subtype=subtype)
    with pytest.raises(AudioError, match="telephone codec"):
        read_bytes(data)


COARSE = ("alaw", "mulaw", "vidc", "s8", "u8", "s8_planar")
LAYOUTS = {1: "mono", 2: "stereo", 3: "3.0", 6: "5.1", 8: "7.1"}
READ = {  # FFmpeg's names of containers, and the least number of combinations that must be read
    **{"wav": 50, "w64": 50, "aiff": 50, "au": 40, "caf": 69, "mov": 74, "mp4": 59, "ipod": 4, "matroska": 59},
    **{"avi": 50, "asf": 50, "flac": 5, "ogg": 5, "tta": 5, "wv": 5},
}
EXACT_CODECS = [
    *(
        name
        for name in sorted(codecs_available)
        if name.startswith("pcm_") and "bluray" not in name and "dvd" not in name
    ),
    *("alac", "flac", "wavpack", "tta"),
]
CRASHES_FFMPEG = {("flac", "caf")}  # when it writes such a file


def encoded(codec: str, container: str, channels: int) -> bytes | None:
    try:
        return encode(tones(channels, 48000), codec, container, 48000, LAYOUTS[channels])
    except (av.FFmpegError, ValueError):  # the library cannot write such a file
        return None


def tolerance(codec: str) -> float:
    """Returns two steps of the format; FFmpeg's encoders of WavPack and TTA prefer 8 bits."""
    return 2**-6 if codec.removeprefix("pcm_") in (*COARSE, "wavpack", "tta") else 2**-14


@pytest.mark.parametrize("container", READ)
def test_lossless_files_of_ffmpeg_give_their_samples(container):
    num_read = 0
    for codec in EXACT_CODECS:
        if not _encodes(codec) or (codec, container) in CRASHES_FFMPEG:
            continue
        for channels in LAYOUTS:
            data = encoded(codec, container, channels)
            if data is None:
                continue
            try:
                audio = read_bytes(data)
            except AudioError:
                continue
            expected = tones(channels, 48000).mean(axis=1)
            case = (container, codec, channels)
            assert len(audio.samples) == len(expected), case
            np.testing.assert_allclose(audio.samples, expected, atol=tolerance(codec), err_msg=str(case))
            assert (audio.channels, audio.source_rate_hz, audio.bad_packets) == (channels, 48000, 0), case
            assert audio.notes == (), case
            num_read += 1
    assert num_read >= READ[container]


def _encodes(codec: str) -> bool:
    try:
        return Codec(codec, "w").type == "audio"
    except av.codec.codec.UnknownCodecError:
        return False
