"""Composes a clip: its plan, an accompaniment by MMA, the parts and instruments that sound, and a melody.

The melody repeats and varies a motif in the key, over the chords.
"""

from collections import defaultdict
from dataclasses import dataclass
from random import Random

import mido
import numpy as np

from keras_musictag.errors import DatasetError
from keras_musictag.gmtag import instruments, midi
from keras_musictag.gmtag.genres import GENRES
from keras_musictag.gmtag.harmony import Chord
from keras_musictag.gmtag.instruments import (
    DRUM_CHANNEL,
    LEAD_PROGRAMS,
    LEAD_PROGRAMS_OF,
    LOW_PROGRAMS,
    RARE_LEAD_PROGRAMS,
)
from keras_musictag.gmtag.midi import channels_of, notes_of
from keras_musictag.gmtag.mma import accompaniment, drums
from keras_musictag.gmtag.packages import Installation
from keras_musictag.gmtag.plan import Plan, draw_plan, number
from keras_musictag.gmtag.truth import Heard, listen

SINGLE_PART_SHARE = 0.10  # of clips, which keep only one part of the accompaniment
_MUTED_SHARE = 0.18  # of the parts in all other clips
_SUBSTITUTED_SHARE, _SUBSTITUTED_SHARE_CLASSICAL = 0.45, 0.9
_DISTORTED_SHARE = 0.6  # of a metal clip's parts
_BASS_BELOW_PITCH = 46
_SUSTAINED_ABOVE_BEATS = 1.5


def replace_drums(accompaniment: mido.MidiFile, drums: mido.MidiFile) -> mido.MidiFile:
    """Combines the pitched parts of one file with the drums of another; MMA writes 192 ticks per beat in both."""
    pitched = [_only(track, lambda channel: channel != DRUM_CHANNEL) for track in accompaniment.tracks]
    beats = [_only(track, lambda channel: channel == DRUM_CHANNEL) for track in drums.tracks[1:]]
    return _with_tracks(accompaniment, pitched + beats)


def arrange(rng: Random, accompaniment: mido.MidiFile, plan: Plan) -> tuple[mido.MidiFile, bool]:
    """Leaves some parts out and changes the instruments of others.

    Args:
        rng: Random generator.
        accompaniment: What MMA wrote.
        plan: The clip's plan; its genre decides how often there are no drums, and which instruments are possible.

    Returns:
        The arrangement, without messages that do not affect the sound, and whether only a single part was kept.
    """
    single = rng.random() < SINGLE_PART_SHARE
    kept = _draw_parts(rng, midi.channels_of(accompaniment), plan.genre, single)
    programs = _draw_programs(rng, accompaniment, plan)
    tracks = [_only(track, lambda channel: channel in kept) for track in accompaniment.tracks]
    for track in tracks:
        for message in track:
            if message.type == "program_change":
                message.program = programs.get(message.channel, message.program)
    return _with_tracks(accompaniment, tracks), single


def _draw_parts(rng: Random, channels: list[int], genre: str, single: bool) -> set[int]:
    """Draws the channels that sound: at least one pitched channel, if there is any."""
    pitched = [channel for channel in channels if channel != DRUM_CHANNEL]
    drums = {DRUM_CHANNEL} & set(channels)
    if rng.random() < GENRES[genre].drumless_share:
        drums = set()
    if not pitched:
        return drums
    survivor = rng.choice(pitched)
    if single:
        return {survivor}
    return drums | {survivor} | {channel for channel in pitched if rng.random() >= _MUTED_SHARE}


def _draw_programs(rng: Random, accompaniment: mido.MidiFile, plan: Plan) -> dict[int, int]:
    """Maps channels to the programs that replace MMA's; channels that keep their program are not included."""
    programs = {}
    for channel, role in _roles(accompaniment, plan.bpm).items():
        share = _SUBSTITUTED_SHARE_CLASSICAL if plan.genre == "classical" else _SUBSTITUTED_SHARE
        if rng.random() < share:
            programs[channel] = rng.choice(_replacements(plan.genre, role))
        if plan.genre == "metal" and rng.random() < _DISTORTED_SHARE:
            bass = role == "bass"
            programs[channel] = rng.choice(instruments.METAL_BASS_PROGRAMS if bass else instruments.DISTORTED_PROGRAMS)
    return programs


def _replacements(genre: str, role: str) -> tuple[int, ...]:
    if genre == "classical":
        return instruments.ORCHESTRA_BASS_PROGRAMS if role == "bass" else instruments.ORCHESTRA_PROGRAMS
    return {
        "bass": instruments.BASS_PROGRAMS,
        "sustained": instruments.SUSTAINED_PROGRAMS,
        "chords": instruments.CHORD_PROGRAMS,
    }[role]


def _roles(accompaniment: mido.MidiFile, bpm: int) -> dict[int, str]:
    """Maps each pitched channel to "bass", "sustained" or "chords", by the mean pitch and length of its notes."""
    notes = defaultdict(list)
    for note in midi.notes_of(accompaniment):
        if note.channel != DRUM_CHANNEL:
            notes[note.channel].append(note)
    roles = {}
    for channel, played in sorted(notes.items()):
        beats = np.mean([note.end_seconds - note.start_seconds for note in played]) * bpm / 60
        low = np.mean([note.pitch for note in played]) < _BASS_BELOW_PITCH
        roles[channel] = "bass" if low else "sustained" if beats > _SUSTAINED_ABOVE_BEATS else "chords"
    return roles


def _only(track: mido.MidiTrack, keep) -> mido.MidiTrack:
    """Keeps the musical messages of a track; of the channels, those for which `keep(channel)` is true."""
    events = midi.events_of(track)
    return midi.track_of(
        (tick, message)
        for tick, message in events
        if midi.is_musical(message) and (message.is_meta or keep(message.channel))
    )


def _with_tracks(file: mido.MidiFile, tracks: list[mido.MidiTrack]) -> mido.MidiFile:
    return mido.MidiFile(type=1, ticks_per_beat=file.ticks_per_beat, tracks=tracks)


MELODY_SHARE, MELODY_SHARE_OVER_SINGLE_PART = 0.7, 0.45
_GENRE_LEAD_SHARE = 0.65
_LOWEST_PITCH, _HIGHEST_PITCH = 55, 84  # of most instruments; an octave lower for the low ones
_OCTAVE = 12
_DENSITIES = (0.5, 1, 1, 2, 3)  # 0.5: long notes; 2 and 3: the motif played two or three times as fast
_NOTE_BEATS, _LONG_NOTE_BEATS = (0.5, 0.5, 1, 1, 1.5, 2, 0.25), (1, 2, 3, 4)
_STEPS, _LEAPS = (-3, -2, -1, -1, 0, 1, 1, 2, 3), (-4, -2, 2, 4)  # in notes of the scale
_LEAP_SHARE = 0.15
_ON_CHORD_SHARE = 0.7  # of the notes that fall on a beat
_REST_SHARE = 0.12
_HELD_SHARE = 0.92  # of a note's length: players release a note before the next one


@dataclass(frozen=True)
class MelodyNote:
    """A note of a melody, with times in beats."""

    start_beats: float
    length_beats: float
    pitch: int
    velocity: int


def add_melody(rng: Random, arrangement: mido.MidiFile, plan: Plan) -> None:
    """Adds a track with a melody on a free channel; does nothing if no channel is free."""
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
    """Draws a melody as long as the plan, in its key except for chord notes outside the key."""
    density = rng.choice(_DENSITIES)
    loudness = rng.randint(88, 118)
    motif = _draw_motif(rng, density)
    scale = _scale_pitches(plan.key.scale, program)
    index, count, now, notes = len(scale) // 2, 0, 0.0, []
    while now < plan.bars * plan.beats_per_bar:
        beats, step = motif[count % len(motif)]
        if rng.random() < _LEAP_SHARE:
            step = rng.choice(_LEAPS)
        beats /= max(density, 1)
        index = min(max(index + step, 0), len(scale) - 1)
        pitch = scale[index]
        if abs(now - round(now)) < 1e-6 and rng.random() < _ON_CHORD_SHARE:
            pitch = nearest_chord_note(pitch, plan.chord(int(now // plan.beats_per_bar)))
        if rng.random() >= _REST_SHARE:
            notes.append(MelodyNote(now, beats * _HELD_SHARE, pitch, min(loudness + rng.randint(-10, 8), 127)))
        now += beats
        count += 1
    return notes


def _draw_motif(rng: Random, density: float) -> list[tuple[float, int]]:
    """Draws pairs of a length in beats and a step in notes of the scale."""
    lengths = _NOTE_BEATS if density >= 1 else _LONG_NOTE_BEATS
    return [(rng.choice(lengths), rng.choice(_STEPS)) for _ in range(rng.randint(4, 9))]


def _scale_pitches(scale: tuple[int, ...], program: int) -> list[int]:
    lower = _OCTAVE if program in LOW_PROGRAMS else 0
    return [pitch - lower for pitch in range(_LOWEST_PITCH, _HIGHEST_PITCH + 1) if pitch % 12 in scale]


def nearest_chord_note(pitch: int, chord: Chord) -> int:
    """Returns the note of a chord's triad that is nearest to a pitch; of two equally near notes, the lower.

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


FEWEST_NOTES = 16  # in 29.1 s; with fewer, such as a single part that plays only now and then, the clip is drawn again
_MOST_ATTEMPTS = 20  # about one clip in a hundred needs a second attempt


@dataclass(frozen=True)
class Piece:
    """The music of a clip.

    Attributes:
        plan: What was drawn before the notes.
        music: The MIDI file.
        heard: What sounds in the clip.
        attempt: How often the clip was drawn again because it was almost silent; mostly 0.
    """

    plan: Plan
    music: mido.MidiFile
    heard: Heard
    attempt: int


def compose(part: str, index: int, installation: Installation) -> Piece:
    """Draws and writes the music of a clip, which depends only on the version, the part and the index.

    Args:
        part: "train", "valid" or "test".
        index: Index of the clip in its part, from 0.
        installation: Where MMA is.

    Raises:
        DatasetError: If MMA fails, or all attempts are almost silent.
    """
    for attempt in range(_MOST_ATTEMPTS):
        again = (f"attempt{attempt}",) if attempt else ()
        rng = Random(number(part, index, *again))
        plan = draw_plan(rng, part, index, installation.library)
        music = _write(rng, plan, installation.mma)
        heard = listen(notes_of(music), plan.sound.window)
        if is_enough(heard):
            return Piece(plan, music, heard, attempt)
    raise DatasetError(
        f"All {_MOST_ATTEMPTS} attempts gave fewer than {FEWEST_NOTES} notes, or no instrument. "
        "Check that MMA plays its grooves."
    )


def is_enough(heard: Heard) -> bool:
    """Whether enough sounds to be heard and tagged."""
    return heard.notes >= FEWEST_NOTES and (bool(heard.programs) or heard.has_drums)


def _write(rng: Random, plan: Plan, mma: str) -> mido.MidiFile:
    played = accompaniment(plan, mma)
    if plan.drum_groove:
        played = replace_drums(played, drums(plan, mma))
    music, single = arrange(rng, played, plan)
    share = MELODY_SHARE_OVER_SINGLE_PART if single else MELODY_SHARE
    if rng.random() < share or set(channels_of(music)) <= {DRUM_CHANNEL}:
        add_melody(rng, music, plan)
    return music
