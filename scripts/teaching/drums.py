"""Drum kits: single drums, a few drums, and grooves."""

from random import Random

from keras_musictag.gmtag.instruments import DRUM_CHANNEL
from keras_musictag.gmtag.midi import Note

KITS = (0, 8, 16, 24, 25, 32, 40, 48)  # programs of General MIDI's drum channel that all three soundfonts have
KICK, SNARE, STICK, CLAP, HAT, OPEN_HAT, RIDE, CRASH = 36, 38, 37, 39, 42, 46, 51, 49
TOMS, HAND_DRUMS = (41, 45, 47, 48, 50), (60, 61, 62, 63, 64, 65, 66)
_SMALL = (54, 56, 67, 68, 69, 70, 75, 76, 77, 80, 81)  # tambourine, bells, shakers, claves, triangles
_DRUMS = (
    35,
    KICK,
    SNARE,
    40,
    STICK,
    CLAP,
    HAT,
    44,
    OPEN_HAT,
    RIDE,
    53,
    CRASH,
    52,
    55,
    57,
    *TOMS,
    *HAND_DRUMS,
    *_SMALL,
    58,
    71,
    73,
    78,
    79,
)
_STROKE_SECONDS = 0.2  # the release hardly changes how long a drum rings

# style -> for each drum the sixteenths of a bar of four beats: "x" always, "o" half of the time
GROOVES: dict[str, dict[int, str]] = {
    "rock": {KICK: "x.o.....x.o...o.", SNARE: "....x.......x..o", HAT: "x.x.x.x.x.x.x.x."},
    "four on the floor": {
        KICK: "x...x...x...x...",
        CLAP: "....x.......x...",
        OPEN_HAT: "..x...x...x...x.",
        HAT: "o.o.o.o.o.o.o.o.",
    },
    "breakbeat": {KICK: "x.o...o...x..o..", SNARE: "....x..o.o..x..o", HAT: "x.xox.x.x.xox.x."},
    "hip hop": {KICK: "x..o...x..x.....", SNARE: "....x.......x...", HAT: "x.x.x.xxx.x.x.xo"},
    "metal": {KICK: "xxoxxxoxxxoxxxox", SNARE: "....x.......x...", CRASH: "x...............", RIDE: "x...x...x...x..."},
    "jazz": {RIDE: "x...x..ox...x..o", 44: "....x.......x...", KICK: "o.......o.......", SNARE: "...o...o..o....o"},
    "latin": {60: "o.x..ox.o.x..ox.", 63: "...x....o..x..x.", 75: "x..x..x...x.x...", 70: "x.x.x.x.x.x.x.x."},
    "hand drums": {61: "x..o..x...x..o..", 60: "..o.x..o.o..x.xo", 64: "o...o...x......."},
    "toms": {41: "x.....x...x.....", 47: "..o.x...o.....x.", 50: "....o..x....x.oo"},
    "march": {SNARE: "x.xxx.x.x.xxxxxx", KICK: "x.......x.......", CRASH: "o..............."},
}


def strokes(rng: Random, seconds: float, kit: int) -> list[Note]:
    """One to four drums, struck alone: slowly, regularly or at random, softly and loudly."""
    drums = rng.sample(_DRUMS, rng.choice((1, 1, 1, 2, 3, 4)))
    gap, regular = rng.choice((0.12, 0.25, 0.5, 1, 1.5)), rng.random() < 0.5
    notes, now = [], rng.uniform(0, 0.3)
    while now < seconds:
        notes.append(_stroke(kit, rng.choice(drums), rng.randint(30, 127), now))
        now += gap if regular else rng.uniform(0.3, 2) * gap
    return notes


def groove(rng: Random, seconds: float, kit: int, beat_seconds: float, style: str | None = None) -> list[Note]:
    """A groove of a style, with fills; for some clips only a part of its drums."""
    pattern = GROOVES[style or rng.choice(tuple(GROOVES))]
    drums = list(pattern)
    if style is None and rng.random() < 0.3:
        drums = rng.sample(drums, rng.randint(1, len(drums)))
    swing, loudness, notes = rng.choice((0, 0, 0.16)), rng.randint(60, 115), []
    sixteenth, bar = beat_seconds / 4, 0
    while bar * 16 * sixteenth < seconds:
        fill = bar % 4 == 3 and rng.random() < 0.5
        for step in range(16):
            now = (bar * 16 + step + swing * 2 * (step % 4 == 2)) * sixteenth + rng.uniform(0, 0.006)
            if fill and step >= 12:
                notes.append(_stroke(kit, rng.choice((SNARE, *TOMS)), loudness, now))
                continue
            for drum in drums:
                if pattern[drum][step] == "x" or (pattern[drum][step] == "o" and rng.random() < 0.5):
                    accent = 10 if step % 4 == 0 else -8
                    notes.append(_stroke(kit, drum, loudness + accent + rng.randint(-8, 8), now))
        bar += 1
    return notes


def _stroke(kit: int, drum: int, velocity: int, now: float) -> Note:
    return Note(DRUM_CHANNEL, kit, drum, min(max(velocity, 1), 127), now, now + _STROKE_SECONDS)
