"""Notes -> samples: FluidSynth at 44.1 kHz, then mono at 16 kHz, like a resampled recording of full quality.

At 16 kHz, FluidSynth would alias frequencies above 8 kHz into the audible range, which no recording does.
"""

from collections.abc import Sequence
from random import Random

import mido
import numpy as np

from keras_musictag.audio import resample
from keras_musictag.gmtag import Installation
from keras_musictag.gmtag.midi import Note, track_of
from keras_musictag.gmtag.rendering import play
from keras_musictag.gmtag.sound import Sound
from scripts.teaching.ranges import PEDAL, SUSTAINED
from scripts.teaching.store import SAMPLE_RATE_HZ

_PLAYED_HZ = 44100
_TICKS_PER_SECOND = 960  # a beat is a second in these files
_VOLUME, _EXPRESSION, _MODULATION, _PEDAL, _REVERB, _CHORUS = 7, 11, 1, 64, 91, 93
Event = tuple[float, mido.Message]  # seconds


def draw_sound(rng: Random, soundfont: str) -> Sound:
    """Draws the room: dry for four clips in ten."""
    return Sound(
        soundfont=soundfont,
        offset_seconds=0.0,
        reverb=rng.random() < 0.6,
        room_size=round(rng.uniform(0.05, 0.95), 3),
        reverb_level=round(rng.uniform(0.05, 0.7), 3),
        chorus=rng.random() < 0.3,
        loudness_db=round(rng.uniform(-28, -14), 2),
    )


def played(notes: Sequence[Note], controls: Sequence[Event], sound: Sound, seconds: float) -> np.ndarray:
    """Float32 (samples,), mono, 16 kHz, at FluidSynth's own loudness."""
    stereo = play(
        _file(notes, controls),
        sound,
        Installation().soundfont(sound.soundfont),
        round(seconds * _PLAYED_HZ),
        _PLAYED_HZ,
    )
    return resample(stereo.mean(axis=1, dtype=np.float32), _PLAYED_HZ, SAMPLE_RATE_HZ)


def draw_controls(rng: Random, channel: int, program: int, notes: Sequence[Note], volume: int = 100) -> list[Event]:
    """Draws how a channel is played apart from its notes: effects, swells, vibrato, slides, pedal."""

    def control(seconds: float, number: int, value: int) -> Event:
        return seconds, mido.Message("control_change", channel=channel, control=number, value=value)

    events = [
        control(0, _VOLUME, volume),
        control(0, _REVERB, rng.randint(20, 127)),
        control(0, _CHORUS, rng.randint(0, 127)),
    ]
    if not notes:
        return events
    last = max(note.end_seconds for note in notes)
    if program in SUSTAINED and rng.random() < 0.3:
        period, depth = rng.uniform(1.5, 6), rng.uniform(20, 70)
        times = np.arange(0, last, 0.05)
        swell = np.rint(127 - depth * (0.5 + 0.5 * np.cos(2 * np.pi * times / period))).astype(int)
        events += [control(float(time), _EXPRESSION, int(value)) for time, value in zip(times, swell, strict=True)]
    if program in SUSTAINED and rng.random() < 0.3:
        events.append(control(0, _MODULATION, rng.randint(20, 110)))
    if program in PEDAL and rng.random() < 0.5:
        period = rng.uniform(1, 4)
        for start in np.arange(0, last, period).tolist():
            events += [control(start, _PEDAL, 127), control(start + 0.92 * period, _PEDAL, 0)]
    if program not in range(24) and rng.random() < 0.2:  # no keyboard slides into a note
        events += _slides(rng, channel, notes)
    return events


def _slides(rng: Random, channel: int, notes: Sequence[Note]) -> list[Event]:
    """Some notes begin up to two semitones too low and slide to their pitch."""
    events = []
    for note in notes:
        if rng.random() < 0.3:
            depth, seconds = rng.uniform(0.3, 1) * 8191, rng.uniform(0.05, 0.2)
            for step in range(9):
                bend = mido.Message("pitchwheel", channel=channel, pitch=round(-depth * (1 - step / 8)))
                events.append((note.start_seconds + seconds * step / 8, bend))
    return events


def _file(notes: Sequence[Note], controls: Sequence[Event]) -> mido.MidiFile:
    """A MIDI file in which settings come before releases, and releases before attacks, of the same moment."""
    programs = {note.channel: note.program for note in notes}
    events = [(0.0, 0, mido.Message("program_change", channel=c, program=p)) for c, p in sorted(programs.items())]
    events += [(seconds, 1, message) for seconds, message in controls]
    for note in notes:
        on = mido.Message("note_on", channel=note.channel, note=note.pitch, velocity=note.velocity)
        off = mido.Message("note_off", channel=note.channel, note=note.pitch)
        events += [(note.start_seconds, 3, on), (note.end_seconds, 2, off)]
    events.sort(key=lambda event: event[:2])
    tempo = mido.MetaMessage("set_tempo", tempo=1_000_000)
    track = track_of([(0, tempo), *((round(seconds * _TICKS_PER_SECOND), message) for seconds, _, message in events)])
    return mido.MidiFile(type=1, ticks_per_beat=_TICKS_PER_SECOND, tracks=[track])
