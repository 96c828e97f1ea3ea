"""MIDI files as lists: events with absolute ticks, notes with seconds.

General MIDI's 128 programs (from 0) by family, and which of them may stand in for a part.
"""

import io
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # an extra: what only asks for tags or the plan may lack it
    import mido

MUSICAL_META = ("set_tempo", "time_signature", "end_of_track")
Event = tuple[int, "mido.Message"]  # tick since the start of the track


@dataclass(frozen=True)
class Note:
    """A note as it sounds.

    Attributes:
        channel: 0 to 15; 9 is the drums.
        program: General MIDI program of the channel when it begins, 0 to 127.
        pitch: MIDI note number.
        velocity: 1 to 127.
        start_seconds: When it begins.
        end_seconds: When it is released.
    """

    channel: int
    program: int
    pitch: int
    velocity: int
    start_seconds: float
    end_seconds: float


def notes_of(midi: "mido.MidiFile") -> list[Note]:
    """All notes of all tracks, in the order of their ends. What is never released ends with the file."""
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
    """The channels that have notes, in order."""
    return sorted({m.channel for track in midi.tracks for m in track if m.type == "note_on" and m.velocity})


def events_of(track: "mido.MidiTrack") -> list[Event]:
    """The messages of a track with absolute ticks."""
    events, tick = [], 0
    for message in track:
        tick += message.time
        events.append((tick, message))
    return events


def track_of(events: Iterable[Event]) -> "mido.MidiTrack":
    """A track from messages with absolute ticks, in their order."""
    import mido

    track, before = mido.MidiTrack(), 0
    for tick, message in events:
        track.append(message.copy(time=tick - before))
        before = tick
    return track


def is_musical(message: "mido.Message | mido.MetaMessage") -> bool:
    """Whether a message has to do with the sound. MMA also writes its name, the file's name and lyrics."""
    return message.type in MUSICAL_META if message.is_meta else hasattr(message, "channel")


def to_bytes(midi: "mido.MidiFile") -> bytes:
    """The MIDI file as it would lie on disk."""
    buffer = io.BytesIO()
    midi.save(file=buffer)
    return buffer.getvalue()


DRUM_CHANNEL = 9

# tag -> programs; a program may be in several families
FAMILIES: dict[str, tuple[int, ...]] = {
    "piano": (0, 1, 2, 3),
    "electric piano": (4, 5, 7),
    "harpsichord": (6,),
    "mallets": tuple(range(8, 16)),  # celesta to dulcimer
    "organ": tuple(range(16, 21)),
    "accordion": (21, 23),
    "harmonica": (22,),
    "guitar": tuple(range(24, 32)),
    "acoustic guitar": (24, 25),
    "electric guitar": tuple(range(26, 32)),
    "distorted guitar": (29, 30),
    "bass": tuple(range(32, 40)),
    "strings": (*range(40, 46), *range(48, 52), 110),
    "violin": (40, 110),  # 110 is the fiddle
    "cello": (42, 43),  # 43 is the double bass
    "harp": (46,),
    "choir": (52, 53, 54, 85, 91),
    "brass": tuple(range(56, 64)),
    "trumpet": (56, 59),
    "sax": tuple(range(64, 68)),
    "woodwind": tuple(range(68, 72)),  # oboe to clarinet
    "flute": tuple(range(72, 80)),
    "synth": (38, 39, 50, 51, 62, 63, *range(80, 104)),
    "sitar": (104,),
    "banjo": (105,),
}

# stand-ins for a part of an accompaniment, by its role
CHORD_PROGRAMS = (0, 0, 1, 4, 5, 6, 7, 11, 12, 16, 17, 18, 21, 24, 25, 26, 27, 28, 46, 48, 105, 15)
SUSTAINED_PROGRAMS = (48, 49, 50, 51, 52, 53, 61, 62, 16, 19, 21, 44, 60, 71, 88, 89, 90, 91, 92, 95)
BASS_PROGRAMS = (32, 33, 34, 35, 36, 38, 39)
ORCHESTRA_PROGRAMS = (0, 6, 19, 24, 40, 42, 46, 48, 49, 45, 52, 60, 68, 71, 73)
ORCHESTRA_BASS_PROGRAMS = (43, 42, 32, 70)
DISTORTED_PROGRAMS = (29, 30)
METAL_BASS_PROGRAMS = (33, 34)

# melody instruments: of any genre, rare ones, and those of a genre
LEAD_PROGRAMS = (0, 11, 21, 22, 24, 25, 26, 27, 40, 42, 52, 53, 56, 57, 60, 64, 65, 66, 68, 71, 73, 74, 75, 79, 110)
RARE_LEAD_PROGRAMS = (104, 105, 6, 46, 10, 12, 78, 109)
LEAD_PROGRAMS_OF = {
    "rock": (29, 30, 27, 26, 81, 18, 66),
    "metal": (29, 30, 30, 81),
    "pop": (80, 81, 82, 73, 40, 65, 53, 25, 27, 0, 11),
    "jazz": (64, 65, 66, 56, 59, 57, 71, 73, 26, 11, 0),
    "swing": (56, 57, 65, 66, 71, 73),
    "blues": (22, 66, 29, 26, 0, 16),
    "country": (105, 110, 25, 22, 27, 110),
    "folk": (110, 73, 74, 21, 22, 25, 40, 75, 77, 46),
    "latin": (56, 73, 24, 21, 12, 65),
    "electronic": (80, 81, 82, 84, 87, 90, 98),
    "dance": (80, 81, 82, 87, 62, 53),
    "ambient": (88, 89, 91, 94, 99, 52, 75, 77, 104, 46, 79),
    "classical": (40, 42, 73, 68, 71, 0, 6, 46, 60, 56, 24),
    "hip hop": (81, 82, 4, 104, 73, 53),
    "march": (56, 73, 72, 61, 58, 21),
    "soul": (65, 66, 4, 18, 27, 56, 53),
    "waltz": (21, 40, 71, 73, 0),
}
LOW_PROGRAMS = (42, 43, 57, 58, 60, 66, 70)  # cello, trombone, tenor saxophone, ...: an octave lower


def families_of(program: int) -> tuple[str, ...]:
    """The tags of a program.

    Example:
        >>> families_of(40)
        ('strings', 'violin')
    """
    return tuple(tag for tag, programs in FAMILIES.items() if program in programs)
