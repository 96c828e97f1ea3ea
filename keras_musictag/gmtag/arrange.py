"""Makes a clip of an accompaniment: which of its parts sound, and on which instruments."""

from collections import defaultdict
from random import Random

import mido
import numpy as np

from keras_musictag.gmtag import instruments, midi
from keras_musictag.gmtag.genres import GENRES
from keras_musictag.gmtag.instruments import DRUM_CHANNEL
from keras_musictag.gmtag.plan import Plan

SINGLE_PART_SHARE = 0.10  # of clips that keep one part of the accompaniment only
_MUTED_SHARE = 0.18  # of parts, in the other clips
_SUBSTITUTED_SHARE, _SUBSTITUTED_SHARE_CLASSICAL = 0.45, 0.9
_DISTORTED_SHARE = 0.6  # of a metal clip's parts
_BASS_BELOW_PITCH = 46
_SUSTAINED_ABOVE_BEATS = 1.5


def replace_drums(accompaniment: mido.MidiFile, drums: mido.MidiFile) -> mido.MidiFile:
    """The pitched parts of one file with the drums of another, both by MMA, which writes 192 ticks a beat."""
    pitched = [_only(track, lambda channel: channel != DRUM_CHANNEL) for track in accompaniment.tracks]
    beats = [_only(track, lambda channel: channel == DRUM_CHANNEL) for track in drums.tracks[1:]]
    return _with_tracks(accompaniment, pitched + beats)


def arrange(rng: Random, accompaniment: mido.MidiFile, plan: Plan) -> tuple[mido.MidiFile, bool]:
    """Leaves parts out and gives others another instrument.

    Args:
        rng: Where to draw from.
        accompaniment: What MMA wrote.
        plan: The clip's plan: its genre says how often there are no drums, and which instruments may come.

    Returns:
        The arrangement, of musical messages alone, and whether it was cut down to a single part.
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
    """The channels that sound; at least one pitched one, where there is any."""
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
    """Channel -> the program that stands in for what MMA chose; channels that keep theirs are not in it."""
    programs = {}
    for channel, role in _roles(accompaniment, plan.bpm).items():
        share = _SUBSTITUTED_SHARE_CLASSICAL if plan.genre == "classical" else _SUBSTITUTED_SHARE
        if rng.random() < share:
            programs[channel] = rng.choice(_stand_ins(plan.genre, role))
        if plan.genre == "metal" and rng.random() < _DISTORTED_SHARE:
            bass = role == "bass"
            programs[channel] = rng.choice(instruments.METAL_BASS_PROGRAMS if bass else instruments.DISTORTED_PROGRAMS)
    return programs


def _stand_ins(genre: str, role: str) -> tuple[int, ...]:
    if genre == "classical":
        return instruments.ORCHESTRA_BASS_PROGRAMS if role == "bass" else instruments.ORCHESTRA_PROGRAMS
    return {
        "bass": instruments.BASS_PROGRAMS,
        "sustained": instruments.SUSTAINED_PROGRAMS,
        "chords": instruments.CHORD_PROGRAMS,
    }[role]


def _roles(accompaniment: mido.MidiFile, bpm: int) -> dict[int, str]:
    """What each pitched channel does, by the mean pitch and length of its notes: "bass", "sustained" or "chords"."""
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
    """The musical messages of a track, those of a channel only where `keep(channel)`."""
    events = midi.events_of(track)
    return midi.track_of(
        (tick, message)
        for tick, message in events
        if midi.is_musical(message) and (message.is_meta or keep(message.channel))
    )


def _with_tracks(file: mido.MidiFile, tracks: list[mido.MidiTrack]) -> mido.MidiFile:
    return mido.MidiFile(type=1, ticks_per_beat=file.ticks_per_beat, tracks=tracks)
