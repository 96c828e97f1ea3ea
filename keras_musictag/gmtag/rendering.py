"""Plays MIDI with FluidSynth at the loudness of the clip, and encodes the samples as MP3.

The MP3 is like MagnaTagATune's: 32 kbit/s, mono, 16 kHz. The same samples give the same bytes.
"""

import ctypes
import io
import math
from functools import cache
from pathlib import Path

import av
import mido
import numpy as np

from keras_musictag.errors import DatasetError
from keras_musictag.gmtag.packages import Installation, import_fluidsynth
from keras_musictag.gmtag.sound import CLIP_SECONDS, SAMPLE_RATE_HZ, Sound

BITS_PER_SECOND = 32000
# no tags, and no header that names the encoder
_CONTAINER_OPTIONS = {"write_xing": "0", "id3v2_version": "0", "fflags": "+bitexact"}


def to_mp3(pcm: np.ndarray) -> bytes:
    """Encodes a clip as MP3.

    Args:
        pcm: Int16 (samples,), mono, 16 kHz.

    Returns:
        The bytes of an MP3 file that contains only frames.
    """
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp3", options=_CONTAINER_OPTIONS) as container:
        stream = container.add_stream("libmp3lame", rate=SAMPLE_RATE_HZ, layout="mono", bit_rate=BITS_PER_SECOND)
        stream.codec_context.flags |= av.codec.context.Flags.bitexact
        stream.codec_context.thread_count = 1
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(pcm)[np.newaxis], format="s16p", layout="mono")
        frame.sample_rate = SAMPLE_RATE_HZ
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return buffer.getvalue()


CLIP_SAMPLES = int(CLIP_SECONDS * SAMPLE_RATE_HZ)
_GAIN = 0.5
_DAMPING, _WIDTH = 0.3, 0.6  # of the reverb
_FULL_SCALE = 1 << 24  # samples are summed as integers, so that every processor gets the same sum
_PEAK = 0.98


def render(music: mido.MidiFile, sound: Sound, installation: Installation) -> np.ndarray:
    """Renders a clip.

    Args:
        music: What to play.
        sound: How to play it, and where the clip begins.
        installation: Where the soundfonts are.

    Returns:
        Int16 (465600,), mono, 16 kHz.

    Raises:
        DatasetError: If the clip is silent.
    """
    start = int(sound.offset_seconds * SAMPLE_RATE_HZ)
    stereo = play(music, sound, installation.soundfont(sound.soundfont), start + CLIP_SAMPLES)
    return at_loudness(stereo[start : start + CLIP_SAMPLES].mean(axis=1, dtype=np.float64), sound.loudness_db)


def at_loudness(samples: np.ndarray, loudness_db: float) -> np.ndarray:
    """Scales samples to a loudness; peaks above full scale are clipped.

    Args:
        samples: Float (samples,).
        loudness_db: Root mean square to reach, in dB relative to full scale.

    Returns:
        Int16 (samples,).

    Raises:
        DatasetError: If the samples are silent.
    """
    whole = np.rint(samples * _FULL_SCALE).astype(np.int64)
    # in blocks, then as Python integers: the sum of a loud clip's squares does not fit in 64 bits
    blocks = np.add.reduceat(whole * whole, np.arange(0, len(whole), 1024))
    mean_square = sum(blocks.tolist()) / len(whole) / _FULL_SCALE**2
    if mean_square < 1e-8:  # -80 dB
        raise DatasetError(
            f"The clip is silent: its mean square is {mean_square:.1e} of full scale, expected at least 1e-8."
        )
    gain = 10 ** (loudness_db / 20) / math.sqrt(mean_square) / _FULL_SCALE
    return np.rint(np.clip(whole * gain, -_PEAK, _PEAK) * 32767).astype(np.int16)


def play(
    music: mido.MidiFile, sound: Sound, soundfont: Path, num_samples: int, sample_rate_hz: int = SAMPLE_RATE_HZ
) -> np.ndarray:
    """Plays music from its start, at FluidSynth's own loudness.

    Args:
        music: What to play.
        sound: Settings of reverb and chorus; offset and loudness are not used here.
        soundfont: The soundfont's file.
        num_samples: Number of samples to play.
        sample_rate_hz: Sample rate, Hz.

    Returns:
        Float32 (samples, 2).
    """
    synth = _new_synth(soundfont, sample_rate_hz)
    try:
        synth.setting("synth.reverb.active", int(sound.reverb))
        synth.set_reverb(sound.room_size, _DAMPING, _WIDTH, sound.reverb_level)
        synth.setting("synth.chorus.active", int(sound.chorus))
        return _perform(synth, music, num_samples, sample_rate_hz)
    finally:
        synth.delete()


def _perform(synth, music: mido.MidiFile, num_samples: int, sample_rate_hz: int) -> np.ndarray:
    samples, done, now = np.zeros((num_samples, 2), np.float32), 0, 0.0
    for message in music:
        now += message.time
        until = min(int(now * sample_rate_hz), num_samples)
        _write(synth, samples[done:until])
        done = until
        if done == num_samples:
            return samples
        _send(synth, message)
    _write(synth, samples[done:])
    return samples


def _send(synth, message: mido.Message | mido.MetaMessage) -> None:
    match message.type:
        case "note_on" if message.velocity:
            synth.noteon(message.channel, message.note, message.velocity)
        case "note_on" | "note_off":
            synth.noteoff(message.channel, message.note)
        case "program_change":
            synth.program_change(message.channel, message.program)
        case "control_change":
            synth.cc(message.channel, message.control, message.value)
        case "pitchwheel":
            synth.pitch_bend(message.channel, message.pitch)


def _write(synth, block: np.ndarray) -> None:
    """Fills a block of float32 (samples, 2). Floats, because FluidSynth adds random dither to integers."""
    if len(block):
        start = block.ctypes.data
        _library().fluid_synth_write_float(synth.synth, len(block), start, 0, 2, start, 1, 2)


def _new_synth(soundfont: Path, sample_rate_hz: int):
    """Makes a new synthesiser: one that is reused keeps the phase of its chorus, and would sound different."""
    _keep_loaded(soundfont)
    return _open_synth(soundfont, sample_rate_hz)


@cache
def _keep_loaded(soundfont: Path):
    """Keeps an idle synthesiser, so that FluidSynth keeps the samples in memory: unpacking an .sf3 takes 4 seconds."""
    return _open_synth(soundfont, SAMPLE_RATE_HZ)


def _open_synth(soundfont: Path, sample_rate_hz: int):
    _library()
    synth = import_fluidsynth().Synth(gain=_GAIN, samplerate=float(sample_rate_hz), channels=16)
    if synth.sfload(str(soundfont)) < 0:
        synth.delete()
        raise DatasetError(f"FluidSynth cannot read the soundfont {str(soundfont)!r}. Reinstall its package.")
    return synth


@cache
def _library() -> ctypes.CDLL:
    """Loads FluidSynth's library, for what pyfluidsynth does not offer, and turns its log messages off."""
    library = ctypes.CDLL(import_fluidsynth().lib)
    pointer, number = ctypes.c_void_p, ctypes.c_int
    library.fluid_synth_write_float.argtypes = [pointer, number, pointer, number, number, pointer, number, number]
    for level in range(1, 5):  # errors (which the calls also return), warnings, information, debugging
        library.fluid_set_log_function(level, None, None)
    return library
