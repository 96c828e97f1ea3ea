"""Phrases for one instrument: single notes, scales, arpeggios, melodies, chords, repeated notes.

A phrase is a list of steps, each a length in beats and the pitches that begin there (none: a rest). `perform` turns
steps into notes: with articulation, dynamics, ornaments and a player's inexactness.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from keras_musictag.gmtag.midi import Note
from scripts.teaching.ranges import CHORDAL, DOUBLE_STOPS, range_of

Step = tuple[float, tuple[int, ...]]  # beats, pitches
SCALES = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "harmonic minor": (0, 2, 3, 5, 7, 8, 11),
    "pentatonic": (0, 2, 4, 7, 9),
    "blues": (0, 3, 5, 6, 7, 10),
    "phrygian dominant": (0, 1, 4, 5, 7, 8, 10),  # common in the music of India and the Near East
    "chromatic": tuple(range(12)),
}
_MELODY_BEATS, _SLOW_BEATS = (0.5, 0.5, 0.5, 1, 1, 0.25, 1.5, 2), (1, 2, 2, 3, 4)
_ORNAMENT_SHARE = 0.15
_REST_SHARE = 0.12
_HELD = {"legato": 1.04, "tenuto": 0.92, "detached": 0.65, "staccato": 0.3}  # of a note's length


@dataclass(frozen=True)
class Line:
    """What a phrase is drawn for.

    Attributes:
        program: General MIDI program.
        pitches: The notes of the scale in the part of the range that is used, from low to high.
        tonic: The key's note, semitones above C.
    """

    program: int
    pitches: tuple[int, ...]
    tonic: int


def draw_line(rng: Random, program: int, scale: str, tonic: int, widest: int = 127) -> Line:
    """Draws which part of a program's range is used: at most `widest` semitones of it."""
    low, high = range_of(program)
    if high - low > widest:
        low = rng.randint(low, high - widest)
        high = low + widest
    wanted = {(tonic + step) % 12 for step in SCALES[scale]}
    return Line(program, tuple(pitch for pitch in range(low, high + 1) if pitch % 12 in wanted), tonic)


def single_notes(rng: Random, line: Line, beats: float) -> list[Step]:
    """Long notes anywhere in the range, with pauses."""
    steps = []
    while beats > 0:
        length, pause = rng.choice((1, 2, 3, 4, 6)), rng.choice((0, 0.5, 1, 2))
        steps += [(length, (rng.choice(line.pitches),)), (pause, ())]
        beats -= length + pause
    return steps


def runs(rng: Random, line: Line, beats: float) -> list[Step]:
    """Scales up and down between random notes."""
    steps = []
    while beats > 0:
        length = rng.choice((0.25, 0.25, 0.5, 0.5, 1))
        first, last = sorted(rng.sample(range(len(line.pitches)), 2))
        run = list(line.pitches[first : min(last, first + 16) + 1])
        if rng.random() < 0.5:
            run.reverse()
        if rng.random() < 0.4:
            run += run[-2::-1]
        steps += [(length, (pitch,)) for pitch in run] + [(rng.choice((0, 0.5, 1)), ())]
        beats -= length * len(run)
    return steps


def arpeggios(rng: Random, line: Line, beats: float) -> list[Step]:
    """Broken chords: every second note of the scale, one pattern for all chords."""
    length, count, steps = rng.choice((0.25, 0.5, 0.5, 1)), rng.randint(3, 7), []
    order = rng.choice(("up", "down", "both", "drawn"))
    while beats > 0:
        start = rng.randrange(max(1, len(line.pitches) - 2 * count))
        chord = list(line.pitches[start : start + 2 * count : 2])
        if order == "down":
            chord.reverse()
        elif order == "both":
            chord += chord[-2:0:-1]
        elif order == "drawn":
            rng.shuffle(chord)
        chord *= rng.choice((1, 2))
        steps += [(length, (pitch,)) for pitch in chord]
        beats -= length * len(chord)
    return steps


def melody(rng: Random, line: Line, beats: float) -> list[Step]:
    """A motif that wanders along the scale, with rests."""
    lengths = _SLOW_BEATS if rng.random() < 0.35 else _MELODY_BEATS
    motif = [(rng.choice(lengths), rng.choice((-3, -2, -1, -1, 0, 1, 1, 2, 3))) for _ in range(rng.randint(4, 8))]
    index, steps = rng.randrange(len(line.pitches)), []
    while beats > 0:
        length, move = motif[len(steps) % len(motif)]
        if rng.random() < 0.15:
            move = rng.choice((-5, -4, 4, 5, 7))
        if not 0 <= index + move < len(line.pitches):
            move = -move
        index = min(max(index + move, 0), len(line.pitches) - 1)
        steps.append((length, () if rng.random() < _REST_SHARE else (line.pitches[index],)))
        beats -= length
    return steps


def chords(rng: Random, line: Line, beats: float) -> list[Step]:
    """Chords of the scale, with a rhythm; two notes at once on bowed strings; a melody on others."""
    if line.program not in CHORDAL | DOUBLE_STOPS:
        return melody(rng, line, beats)
    most = 2 if line.program in DOUBLE_STOPS else rng.choice((2, 3, 3, 4, 5))
    rhythm = rng.choice(((1, 1, 1, 1), (2, 2), (4,), (1.5, 1.5, 1), (0.5, 0.5, 1, 0.5, 0.5, 1), (3, 1)))
    steps = []
    while beats > 0:
        chord = stacked(line.pitches, rng.randrange(len(line.pitches)), most)
        steps += [(length, chord) for length in rhythm]
        beats -= sum(rhythm)
    return steps


def stacked(pitches: Sequence[int], index: int, most: int) -> tuple[int, ...]:
    """Every second note of a scale, from an index upwards, or below it if the range ends.

    Example:
        >>> stacked((60, 62, 64, 65, 67), 0, 3), stacked((60, 62, 64, 65, 67), 4, 2)
        ((60, 64, 67), (64, 67))
    """
    index = max(0, min(index, len(pitches) - 2 * most + 1))
    return tuple(pitches[index : index + 2 * most : 2][:most])


def repeats(rng: Random, line: Line, beats: float) -> list[Step]:
    """Repeated notes, and pairs of notes that alternate."""
    steps = []
    while beats > 0:
        length, count = rng.choice((0.125, 0.25, 0.25, 0.5, 1)), rng.randint(4, 12)
        index = rng.randrange(len(line.pitches) - 1)
        pair = (line.pitches[index], line.pitches[rng.choice((index, index, index + 1))])
        steps += [(length, (pair[i % 2],)) for i in range(count)] + [(rng.choice((0, 0.5, 1)), ())]
        beats -= length * count
    return steps


KINDS: dict[str, Callable[[Random, Line, float], list[Step]]] = {
    "notes": single_notes,
    "scales": runs,
    "arpeggios": arpeggios,
    "melody": melody,
    "chords": chords,
    "repeats": repeats,
}


def perform(
    rng: Random, steps: Sequence[Step], channel: int, program: int, beat_seconds: float, start: float = 0.0
) -> list[Note]:
    """Plays steps as a player would.

    Args:
        rng: Where to draw articulation, dynamics, ornaments and inexactness from.
        steps: The phrase.
        channel: MIDI channel of the notes.
        program: Their program.
        beat_seconds: Length of a beat.
        start: When the phrase begins, seconds.
    """
    held = _HELD[rng.choice(tuple(_HELD))]
    loudest = rng.randint(45, 127)
    softest = rng.randint(30, loudest)
    wave = rng.choice((4, 8, 16, 32))  # beats of a swell
    loose, strum = rng.uniform(0, 0.012), rng.choice((0, 0, 0.012, 0.03))  # seconds
    ornamented = rng.random() < 0.4
    notes, beat = [], 0.0
    for length, pitches in steps:
        level = abs((beat / wave) % 2 - 1)
        velocity = round(softest + (loudest - softest) * level) + rng.randint(-6, 6)
        now = start + beat * beat_seconds + rng.uniform(0, loose)
        seconds = max(length * beat_seconds * held, 0.04)
        for count, pitch in enumerate(pitches):
            begin = now + count * strum
            note = Note(channel, program, pitch, min(max(velocity, 30), 127), begin, begin + seconds)
            if ornamented and len(pitches) == 1 and rng.random() < _ORNAMENT_SHARE:
                notes += _ornament(rng, note)
            else:
                notes.append(note)
        beat += length
    return notes


def _ornament(rng: Random, note: Note) -> list[Note]:
    """A grace note, a mordent, or a trill if the note is long enough."""
    neighbour = note.pitch + rng.choice((-2, -1, 1, 2))
    quick, seconds = rng.uniform(0.05, 0.1), note.end_seconds - note.start_seconds
    kind = rng.choice(("grace", "mordent", "trill"))
    count = {"grace": 1, "mordent": 2}.get(kind, int(seconds / quick) - 2)
    if count < 1 or (count + 1) * quick > seconds:
        return [note]
    pitches = [(note.pitch, neighbour)[(i + (kind == "grace")) % 2] for i in range(count)]
    starts = [note.start_seconds + i * quick for i in range(count + 1)]
    ends = [*starts[1:], note.end_seconds]
    return [
        Note(note.channel, note.program, pitch, note.velocity, begin, end)
        for pitch, begin, end in zip([*pitches, note.pitch], starts, ends, strict=True)
    ]
