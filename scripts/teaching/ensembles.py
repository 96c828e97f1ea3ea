"""Small ensembles: two to five voices in one key and tempo, some with drums; and grooves of drums alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np

from keras_musictag.gmtag.arrangement import nearest_chord_note
from keras_musictag.gmtag.harmony import Chord, Key, draw_progression
from keras_musictag.gmtag.instruments import DRUM_CHANNEL
from keras_musictag.gmtag.midi import Note
from keras_musictag.gmtag.sound import SOUNDFONTS
from scripts.teaching import phrases
from scripts.teaching.clips import at_level, make_clip, path_of, share_of
from scripts.teaching.drums import KITS, groove
from scripts.teaching.phrases import Line, Step
from scripts.teaching.playing import Event, draw_controls, draw_sound, played
from scripts.teaching.ranges import range_of
from scripts.teaching.recording import recorded
from scripts.teaching.solos import facts as facts  # the same soundfonts and programs
from scripts.teaching.styles import STYLES, Style

PART = "ensembles"
SHORTEST_SECONDS, LONGEST_SECONDS = 14.0, 22.0
_DRUMS = "drums"
_TAKES, _TAKES_OF_DRUMS = 4, 24
_ON_CHORD_SHARE = 0.7
_WIDEST = 19  # semitones of a melody


@dataclass(frozen=True)
class Ensemble:
    """A clip: `style` is a name of `STYLES`, or "drums"."""

    style: str
    take: int
    soundfont: str

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return f"{self.style}_{self.take:02d}_{self.soundfont.replace(' ', '')}"


@dataclass(frozen=True)
class Score:
    """What the voices of a clip share."""

    key: Key
    chords: tuple[Chord, ...]  # one per bar; they repeat
    beats_per_bar: int
    bars: int

    def chord(self, beat: float) -> Chord:
        """The chord at a beat."""
        return self.chords[int(beat // self.beats_per_bar) % len(self.chords)]


@dataclass(frozen=True)
class Piece:
    """What is played: notes, controls, and what they were drawn from."""

    notes: list[Note]
    controls: list[Event]
    score: Score
    beat_seconds: float


def items(scale: float, gmtag: Path | None = None) -> list[Ensemble]:
    """The clips of this part, or a share of them."""
    takes = {**dict.fromkeys(STYLES, _TAKES), _DRUMS: _TAKES_OF_DRUMS}
    clips = [
        Ensemble(style, take, font) for style, count in takes.items() for take in range(count) for font in SOUNDFONTS
    ]
    return share_of(PART, clips, scale)


def is_done(out: Path, ensemble: Ensemble) -> bool:
    """Whether the clip's file exists."""
    return path_of(out, PART, ensemble.name).is_file()


def make(out: Path, ensemble: Ensemble) -> None:
    """Writes the clip."""
    make_clip(out, PART, ensemble.name, lambda rng: _draw(rng, ensemble))


def _draw(rng: Random, ensemble: Ensemble) -> np.ndarray:
    seconds = round(rng.uniform(SHORTEST_SECONDS, LONGEST_SECONDS), 1)
    sound = draw_sound(rng, ensemble.soundfont)
    if ensemble.style == _DRUMS:
        notes = groove(rng, seconds, rng.choice(KITS), 60 / rng.uniform(70, 180))
        controls = draw_controls(rng, DRUM_CHANNEL, 0, ())
    else:
        piece = compose(rng, STYLES[ensemble.style], seconds)
        notes, controls = piece.notes, piece.controls
    samples = played(notes, controls, sound, seconds)
    return at_level(recorded(rng, samples), sound.loudness_db) if samples.any() else samples


def compose(rng: Random, style: Style, seconds: float) -> Piece:
    """Draws the notes of all voices of a style."""
    beat_seconds = 60 / rng.uniform(*style.bpm)
    key = Key(rng.randrange(12), rng.random() < 0.5)
    beats_per_bar = 3 if style.genre == "waltz" else rng.choice((4, 4, 4, 3))
    if style.grooves:
        beats_per_bar = 4
    bars = int(seconds / beat_seconds / beats_per_bar) + 1
    score = Score(key, draw_progression(rng, style.genre, key), beats_per_bar, bars)
    notes, controls = [], []
    for channel, (role, programs) in enumerate(style.voices):
        program = rng.choice(programs)
        voice = phrases.perform(rng, _ROLES[role](rng, score, program), channel, program, beat_seconds)
        volume = rng.randint(95, 127) if role == "lead" else rng.randint(60, 105)
        notes += voice
        controls += draw_controls(rng, channel, program, voice, volume)
    if style.grooves:
        notes += groove(rng, seconds, rng.choice(KITS), beat_seconds, rng.choice(style.grooves))
        controls += draw_controls(rng, DRUM_CHANNEL, 0, (), volume=rng.randint(60, 115))
    return Piece(notes, controls, score, beat_seconds)


def _lead(rng: Random, score: Score, program: int) -> list[Step]:
    scale = "minor" if score.key.minor else "major"
    line = phrases.draw_line(rng, program, scale, score.key.pitch_class, _WIDEST)
    return melody_over(rng, score, line)


def melody_over(rng: Random, score: Score, line: Line) -> list[Step]:
    """A melody, most of whose notes on the beat are notes of the chord."""
    steps, beat = [], 0.0
    for length, pitches in phrases.melody(rng, line, score.bars * score.beats_per_bar):
        if pitches and beat == round(beat) and rng.random() < _ON_CHORD_SHARE:
            pitches = (nearest_chord_note(pitches[0], score.chord(beat)),)
        steps.append((length, pitches))
        beat += length
    return steps


def _held(rng: Random, score: Score, program: int) -> list[Step]:
    """Long notes of the chord that move little."""
    low, high = range_of(program)
    pitch = rng.randint(max(low, 45), min(high, 76)) if min(high, 76) > max(low, 45) else low
    per_bar = rng.choice((1, 1, 2))
    steps = []
    for bar in range(score.bars):
        for _ in range(per_bar):
            pitch = nearest_chord_note(pitch + rng.choice((-2, 0, 0, 2)), score.chord(bar * score.beats_per_bar))
            steps.append((score.beats_per_bar / per_bar, (min(max(pitch, low), high),)))
    return steps


def _chords(rng: Random, score: Score, program: int) -> list[Step]:
    """Whole chords in one rhythm."""
    beats = score.beats_per_bar
    rhythm = rng.choice(((beats,), (1,) * beats, (0.5,) * (2 * beats), (1.5, beats - 1.5), (2, beats - 2)))
    rests = rng.choice((0.0, 0.0, 0.3))
    steps = []
    for bar in range(score.bars):
        chord = _voiced(program, score.chord(bar * beats))[:4]
        steps += [(length, () if rng.random() < rests else chord) for length in rhythm]
    return steps


def _arpeggio(rng: Random, score: Score, program: int) -> list[Step]:
    """Chords, note by note."""
    beats, length = score.beats_per_bar, rng.choice((0.25, 0.5, 0.5))
    order = rng.choice(((0, 1, 2, 3, 4, 3, 2, 1), (0, 2, 1, 2), (0, 1, 2, 3), (0, 3, 2, 1, 2, 3), (4, 3, 2, 1, 0)))
    steps = []
    for bar in range(score.bars):
        chord = _voiced(program, score.chord(bar * beats))
        steps += [(length, (chord[order[i % len(order)] % len(chord)],)) for i in range(int(beats / length))]
    return steps


def _bass(rng: Random, score: Score, program: int) -> list[Step]:
    """Roots and fifths, low in the range."""
    low, _ = range_of(program)
    rhythm = rng.choice(((1,) * score.beats_per_bar, (0.5,) * (2 * score.beats_per_bar), (2, score.beats_per_bar - 2)))
    steps = []
    for bar in range(score.bars):
        chord = score.chord(bar * score.beats_per_bar)
        root = low + (chord.root - low) % 12
        steps += [(length, (root + (7 if i and rng.random() < 0.3 else 0),)) for i, length in enumerate(rhythm)]
    return steps


_ROLES = {"lead": _lead, "held": _held, "chords": _chords, "arpeggio": _arpeggio, "bass": _bass}


def _voiced(program: int, chord: Chord) -> Sequence[int]:
    """The notes of a chord in the middle of a program's range: at least three."""
    low, high = range_of(program)
    start = max(low, min(52, high - 18))
    return tuple(pitch for pitch in range(start, min(start + 22, high) + 1) if pitch % 12 in chord.triad)
