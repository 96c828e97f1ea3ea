"""Writes a melody: a motif that is repeated and varied, on the notes of the key, over the chords."""

from dataclasses import dataclass
from random import Random

import mido

from keras_musictag.gmtag import midi
from keras_musictag.gmtag.harmony import Chord
from keras_musictag.gmtag.instruments import (
    DRUM_CHANNEL,
    LEAD_PROGRAMS,
    LEAD_PROGRAMS_OF,
    LOW_PROGRAMS,
    RARE_LEAD_PROGRAMS,
)
from keras_musictag.gmtag.plan import Plan

MELODY_SHARE, MELODY_SHARE_OVER_SINGLE_PART = 0.7, 0.45
_GENRE_LEAD_SHARE = 0.65
_LOWEST_PITCH, _HIGHEST_PITCH = 55, 84  # of most instruments; an octave lower for the low ones
_OCTAVE = 12
_DENSITIES = (0.5, 1, 1, 2, 3)  # 0.5: long notes; 2 and 3: the motif two and three times as fast
_NOTE_BEATS, _LONG_NOTE_BEATS = (0.5, 0.5, 1, 1, 1.5, 2, 0.25), (1, 2, 3, 4)
_STEPS, _LEAPS = (-3, -2, -1, -1, 0, 1, 1, 2, 3), (-4, -2, 2, 4)  # notes of the scale
_LEAP_SHARE = 0.15
_ON_CHORD_SHARE = 0.7  # of the notes that fall on a beat
_REST_SHARE = 0.12
_HELD = 0.92  # of its length, as a player lifts the finger


@dataclass(frozen=True)
class MelodyNote:
    """A note of a melody, in beats."""

    start_beats: float
    length_beats: float
    pitch: int
    velocity: int


def add_melody(rng: Random, arrangement: mido.MidiFile, plan: Plan) -> None:
    """Adds a track with a melody on a channel that is free; nothing where none is."""
    used = {m.channel for track in arrangement.tracks for m in track if not m.is_meta} | {DRUM_CHANNEL}
    free = [channel for channel in range(15, -1, -1) if channel not in used]
    if not free:
        return
    program = _draw_lead(rng, plan.genre)
    notes = draw_melody(rng, plan, program)
    volume = rng.randint(90, 120)
    arrangement.tracks.append(_track(notes, free[0], program, volume, arrangement.ticks_per_beat))


def _draw_lead(rng: Random, genre: str) -> int:
    if rng.random() < _GENRE_LEAD_SHARE:
        return rng.choice(LEAD_PROGRAMS_OF.get(genre, LEAD_PROGRAMS))
    return rng.choice(LEAD_PROGRAMS + RARE_LEAD_PROGRAMS)


def draw_melody(rng: Random, plan: Plan, program: int) -> list[MelodyNote]:
    """Draws a melody as long as a plan's bars, in its key but where a chord has a note beside it."""
    density = rng.choice(_DENSITIES)
    loudness = rng.randint(88, 118)
    motif = _draw_motif(rng, density)
    scale = _scale_pitches(plan.key.scale, program)
    place, count, now, notes = len(scale) // 2, 0, 0.0, []
    while now < plan.bars * plan.beats_per_bar:
        beats, step = motif[count % len(motif)]
        if rng.random() < _LEAP_SHARE:
            step = rng.choice(_LEAPS)
        beats /= max(density, 1)
        place = min(max(place + step, 0), len(scale) - 1)
        pitch = scale[place]
        if abs(now - round(now)) < 1e-6 and rng.random() < _ON_CHORD_SHARE:
            pitch = nearest_chord_note(pitch, plan.chord(int(now // plan.beats_per_bar)))
        if rng.random() >= _REST_SHARE:
            notes.append(MelodyNote(now, beats * _HELD, pitch, min(loudness + rng.randint(-10, 8), 127)))
        now += beats
        count += 1
    return notes


def _draw_motif(rng: Random, density: float) -> list[tuple[float, int]]:
    """Pairs of a length in beats and a step in notes of the scale."""
    lengths = _NOTE_BEATS if density >= 1 else _LONG_NOTE_BEATS
    return [(rng.choice(lengths), rng.choice(_STEPS)) for _ in range(rng.randint(4, 9))]


def _scale_pitches(scale: tuple[int, ...], program: int) -> list[int]:
    lower = _OCTAVE if program in LOW_PROGRAMS else 0
    return [pitch - lower for pitch in range(_LOWEST_PITCH, _HIGHEST_PITCH + 1) if pitch % 12 in scale]


def nearest_chord_note(pitch: int, chord: Chord) -> int:
    """The note of a chord's triad that is nearest to a pitch; of two, the lower.

    Example:
        >>> nearest_chord_note(62, Chord(0, ""))
        60
    """
    near = [other for other in range(pitch - 6, pitch + 7) if other % 12 in chord.triad]
    return min(near, key=lambda other: abs(other - pitch))


def _track(notes: list[MelodyNote], channel: int, program: int, volume: int, ticks_per_beat: int) -> mido.MidiTrack:
    events = []
    for note in notes:
        start, end = (int(b * ticks_per_beat) for b in (note.start_beats, note.start_beats + note.length_beats))
        on = mido.Message("note_on", channel=channel, note=note.pitch, velocity=note.velocity)
        off = mido.Message("note_off", channel=channel, note=note.pitch, velocity=0)
        events += [(start, on), (max(end, start + 1), off)]
    events.sort(key=lambda event: (event[0], event[1].type == "note_on", event[1].note))  # releases before attacks
    settings = [
        (0, mido.Message("program_change", channel=channel, program=program)),
        (0, mido.Message("control_change", channel=channel, control=7, value=volume)),
    ]
    return midi.track_of(settings + events)
