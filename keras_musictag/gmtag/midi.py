"""MIDI files as lists: events with absolute ticks, and notes with times in seconds."""

import io
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # mido is part of the extra `gmtag`; tags and plans need only `Note`
    import mido

MUSICAL_META = ("set_tempo", "time_signature", "end_of_track")
Event = tuple[int, "mido.Message"]  # tick since the start of the track


@dataclass(frozen=True)
class Note:
    """A note as it sounds.

    Attributes:
        channel: 0 to 15; 9 is the drums.
        program: General MIDI program of the channel when the note begins, 0 to 127.
        pitch: MIDI note number.
        velocity: 1 to 127.
        start_seconds: When the note begins.
        end_seconds: When the note is released.
    """

    channel: int
    program: int
    pitch: int
    velocity: int
    start_seconds: float
    end_seconds: float


def notes_of(midi: "mido.MidiFile") -> list[Note]:
    """Returns all notes of all tracks, sorted by their ends. A note that is never released ends with the file."""
    programs, sounding, notes, now = [0] * 16, {}, [], 0.0

    def release(key: tuple[int, int]) -> None:
        if key in sounding:
            program, velocity, start = sounding.pop(key)
            notes.append(Note(key[0], program, key[1], velocity, start, now))

    for message in midi:
        now += message.time
        if message.type == "program_change":
            programs[message.channel] = message.program
        elif message.type in ("note_on", "note_off"):
            release((message.channel, message.note))
            if message.type == "note_on" and message.velocity:
                sounding[message.channel, message.note] = (programs[message.channel], message.velocity, now)
    for key in list(sounding):
        release(key)
    return notes


def channels_of(midi: "mido.MidiFile") -> list[int]:
    """Returns the channels that have notes, sorted."""
    return sorted({m.channel for track in midi.tracks for m in track if m.type == "note_on" and m.velocity})


def events_of(track: "mido.MidiTrack") -> list[Event]:
    """Returns the messages of a track with absolute ticks."""
    events, tick = [], 0
    for message in track:
        tick += message.time
        events.append((tick, message))
    return events


def track_of(events: Iterable[Event]) -> "mido.MidiTrack":
    """Makes a track of messages with absolute ticks, in the given order."""
    import mido

    track, before = mido.MidiTrack(), 0
    for tick, message in events:
        track.append(message.copy(time=tick - before))
        before = tick
    return track


def is_musical(message: "mido.Message | mido.MetaMessage") -> bool:
    """Whether a message affects the sound. MMA also writes its own name, the file's name and lyrics."""
    return message.type in MUSICAL_META if message.is_meta else hasattr(message, "channel")


def to_bytes(midi: "mido.MidiFile") -> bytes:
    """Returns the content of the MIDI file as bytes."""
    buffer = io.BytesIO()
    midi.save(file=buffer)
    return buffer.getvalue()
