"""WAV files in the graph: samples equal soundfile's, and a file that cannot be read is one of our errors."""

import io
import re
import struct

import numpy as np
import pytest
import soundfile
import tensorflow as tf

from keras_musictag.runtimes.formats._savedmodel_wav import decode_wav

RATE_HZ = 16000  # no resampling: samples are compared exactly


@tf.function(input_signature=[tf.TensorSpec((), tf.string)])
def decode(file):
    return decode_wav(file, 7, RATE_HZ)


def read(file: bytes) -> np.ndarray:
    return soundfile.read(io.BytesIO(file), dtype="float32", always_2d=True)[0].mean(axis=1)


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).uniform(-1, 1, shape)


def wav(samples: np.ndarray, rate_hz: int = RATE_HZ, subtype: str = "PCM_16", form: str = "WAV") -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, rate_hz, format=form, subtype=subtype)
    return file.getvalue()


def chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)


def riff(*chunks: bytes) -> bytes:
    return chunk(b"RIFF", b"WAVE" + b"".join(chunks))


def with_lengths(file: bytes, in_riff: int, in_data: int) -> bytes:
    """The file with other stated lengths, of the file and of its `data`."""
    at = file.index(b"data") + 4
    return file[:4] + struct.pack("<I", in_riff) + file[8:at] + struct.pack("<I", in_data) + file[at + 4 :]


FORMAT = struct.pack("<HHIIHH", 1, 1, RATE_HZ, 2 * RATE_HZ, 2, 16)
FULL_SCALE = struct.pack("<5h", -32768, 32767, 0, 1, -1)
MONO, STEREO = wav(noise(999)), wav(noise(999, 2))
READ = {
    "mono": MONO,
    "stereo": STEREO,
    "extensible": wav(noise(999, 2), form="WAVEX"),
    "full scale": riff(chunk(b"fmt ", FORMAT), chunk(b"data", FULL_SCALE)),
    "one sample": wav(noise(1)),
    "odd and unknown chunks": riff(
        chunk(b"junk", b"odd"), chunk(b"fmt ", FORMAT + bytes(2)), chunk(b"LIST", b"data"), chunk(b"data", FULL_SCALE)
    ),
    "chunks after the samples": MONO + chunk(b"LIST", b"odd"),
    "a pipe of ffmpeg": with_lengths(STEREO, 0xFFFFFFFF, 0xFFFFFFFF),
    "a pipe of sox": with_lengths(STEREO, 0x7FFFF024, 0x7FFFF000),
    "a pipe that ends within a frame": with_lengths(STEREO, 0xFFFFFFFF, 0xFFFFFFFF)[:-1],
}


@pytest.mark.parametrize("kind", READ)
def test_samples_are_those_of_soundfile(kind):
    found = decode(READ[kind]).numpy()
    assert found.dtype == np.float32 and len(found) > 0
    np.testing.assert_array_equal(found, read(READ[kind]))


@pytest.mark.parametrize("in_riff", [0, 36])  # as from a pipe, or a recorder that was not closed
def test_samples_that_the_header_does_not_state_are_read(in_riff):  # soundfile reads no samples
    np.testing.assert_array_equal(decode(with_lengths(STEREO, in_riff, 0)), read(STEREO))


NO_CHUNKS = "must have the chunks fmt and data"
REFUSED = {
    "another rate": (wav(noise(99), 37800), "one of the sample rates 8000, 11025, .* Received: 37800"),
    "24 bits": (wav(noise(99), subtype="PCM_24"), "16-bit PCM; .* Received: format 1 of 24 bits"),
    "24 bits, extensible": (wav(noise(99), subtype="PCM_24", form="WAVEX"), "format 1 of 24 bits"),
    "8 bits": (wav(noise(99), subtype="PCM_U8"), "format 1 of 8 bits"),
    "floats": (wav(noise(99), subtype="FLOAT"), "format 3 of 32 bits"),
    "floats, extensible": (wav(noise(99), subtype="FLOAT", form="WAVEX"), "format 3 of 32 bits"),
    "mu-law": (wav(noise(99), subtype="ULAW"), "format 7 of 8 bits"),
    "six channels": (wav(noise(99, 6)), "mono or stereo; .* Received: 6"),
    "no channels": (riff(chunk(b"fmt ", FORMAT[:2] + bytes(2) + FORMAT[4:]), chunk(b"data", FULL_SCALE)), "0 channels"),
    "no samples": (wav(noise(0)), "at least one sample at 16000 Hz"),
    "no samples, and a chunk after them": (
        riff(chunk(b"fmt ", FORMAT), chunk(b"data", b""), chunk(b"LIST", b"text")),
        "at least one sample at 16000 Hz",
    ),
    "too few for one at 16 kHz": (wav(noise(1), 48000), "at least one sample at 16000 Hz"),
    "truncated": (MONO[:600], "must be complete. Received 556 of 1998 bytes"),
    "cut within the header": (MONO[:30], NO_CHUNKS),
    "no format": (riff(chunk(b"data", FULL_SCALE)), NO_CHUNKS),
    "half a format": (riff(chunk(b"fmt ", FORMAT[:14]), chunk(b"data", FULL_SCALE)), NO_CHUNKS),
    "a format after the samples": (riff(chunk(b"data", FULL_SCALE), chunk(b"fmt ", FORMAT)), NO_CHUNKS),
    "no chunks": (riff(), NO_CHUNKS),
    "FLAC": (wav(noise(99), form="FLAC"), "not a WAV file"),
    "RIFF of another kind": (b"RIFF\x04\0\0\0AVI ", "not a WAV file"),
    "eleven bytes": (MONO[:11], "not a WAV file"),
    "bytes that are not text": (b"\xff\xfb\x90", "not a WAV file"),
    "nothing": (b"", "not a WAV file"),
}


def after_empty_chunks(count: int) -> bytes:
    return riff(chunk(b"junk", b"") * count, chunk(b"fmt ", FORMAT), chunk(b"data", FULL_SCALE))


def test_at_most_a_thousand_chunks_are_read():
    np.testing.assert_array_equal(decode(after_empty_chunks(900)), read(READ["full scale"]))
    assert re.search(NO_CHUNKS, refusal(after_empty_chunks(1001)))


def refusal(file: bytes) -> str | None:
    """The error for a file; None if it was read. It must be our own message, without bytes of the file."""
    try:
        decode(file)
    except tf.errors.InvalidArgumentError as error:
        (found,) = re.findall(r"assertion failed: \[(File 7: [ -~]+[.?])\]", error.message)
        assert error.message.isascii() and "\0" not in error.message
        return found
    return None


@pytest.mark.parametrize("kind", REFUSED)
def test_anything_else_is_an_error_that_says_so(kind):
    file, message = REFUSED[kind]
    assert re.search(message, refusal(file))


def test_a_truncated_file_is_refused_if_its_length_was_known():
    file = wav(noise(20))
    assert all(refusal(file[:end]) for end in range(len(file)))
    piped = with_lengths(file, 0xFFFFFFFF, 0xFFFFFFFF)
    for end in range(len(piped)):
        if not refusal(piped[:end]):
            np.testing.assert_array_equal(decode(piped[:end]), read(piped[:end]))
        assert bool(refusal(piped[:end])) == (end < 46)  # a header of 44 bytes and a sample


def test_a_damaged_file_is_read_or_refused_by_a_message_of_ours():
    random, refused = np.random.default_rng(0), 0
    whole = [wav(noise(20, 2)), wav(noise(20), form="WAVEX"), READ["odd and unknown chunks"]]
    for trial in range(600):
        file = bytearray(whole[trial % len(whole)])
        for place in random.integers(min(len(file), 80), size=random.integers(1, 4)):
            file[place] = random.choice([0, 1, 2, 127, 255, random.integers(256)])
        if refusal(bytes(file)):  # which raises if the error is not ours
            refused += 1
        else:
            samples = decode(bytes(file)).numpy()
            assert 0 < len(samples) <= len(file) and (np.abs(samples) <= 1).all()
    assert 100 < refused < 500
