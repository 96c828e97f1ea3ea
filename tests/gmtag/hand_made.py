"""MIDI files made by hand, at 60 beats per minute, so that a beat lasts a second."""

import mido

TICKS = 480


def music(*notes: tuple, tempo: int = 1_000_000) -> mido.MidiFile:
    """A file with one track.

    Args:
        notes: Tuples of channel, program, pitch, velocity, start and end in seconds.
        tempo: Microseconds per beat.
    """
    events = []
    for channel, program, pitch, velocity, start, end in notes:
        events.append((start, 1, mido.Message("program_change", channel=channel, program=program)))
        events.append((start, 2, mido.Message("note_on", channel=channel, note=pitch, velocity=velocity)))
        events.append((end, 0, mido.Message("note_off", channel=channel, note=pitch)))
    track, before = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=tempo)]), 0
    for seconds, _, message in sorted(events, key=lambda event: event[:2]):
        tick = round(seconds * TICKS)
        track.append(message.copy(time=tick - before))
        before = tick
    return mido.MidiFile(type=1, ticks_per_beat=TICKS, tracks=[track])


def note(program: int, start: float, end: float, *, velocity: int = 90, channel: int = 0, pitch: int = 60) -> tuple:
    """A note for `music`."""
    return channel, program, pitch, velocity, start, end


def hits(count: int, start: float = 10.0) -> list[tuple]:
    """Strokes of a snare drum, a tenth of a second apart."""
    return [note(0, start + 0.1 * n, start + 0.1 * n + 0.05, channel=9, pitch=38) for n in range(count)]
