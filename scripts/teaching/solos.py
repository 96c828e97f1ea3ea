"""Solo instruments: every General MIDI program in phrases of six kinds, by three soundfonts; and single drums."""

from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np

from keras_musictag.gmtag.instruments import DRUM_CHANNEL
from keras_musictag.gmtag.sound import SOUNDFONTS
from scripts.teaching import phrases
from scripts.teaching.clips import at_level, make_clip, path_of, share_of
from scripts.teaching.debian import versions
from scripts.teaching.drums import KITS, strokes
from scripts.teaching.playing import draw_controls, draw_sound, played
from scripts.teaching.ranges import EFFECTS
from scripts.teaching.recording import recorded

PART = "solos"
SHORTEST_SECONDS, LONGEST_SECONDS = 11.0, 19.0
# these are often played alone and get twice as many clips
_OFTEN_ALONE = (
    0,
    6,
    19,
    24,
    25,
    26,
    *range(40, 44),
    46,
    48,
    52,
    53,
    *range(56, 59),
    60,
    *range(64, 67),
    *range(68, 74),
    104,
    105,
    110,
)
_EFFECT_KINDS = ("notes", "repeats")
_TAKES_OF_A_KIT = 4


@dataclass(frozen=True)
class Solo:
    """A clip: `program` is a kit if `kind` is "drums"."""

    program: int
    kind: str
    take: int
    soundfont: str

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return f"{self.program:03d}_{self.kind}_{self.take}_{self.soundfont.replace(' ', '')}"


def items(scale: float, gmtag: Path | None = None) -> list[Solo]:
    """The clips of this part, or a share of them."""
    solos = [
        Solo(program, kind, take, soundfont)
        for program in range(128)
        for kind in (_EFFECT_KINDS if program in EFFECTS else phrases.KINDS)
        for take in range(2 if program in _OFTEN_ALONE else 1)
        for soundfont in SOUNDFONTS
    ]
    solos += [Solo(kit, "drums", take, font) for kit in KITS for take in range(_TAKES_OF_A_KIT) for font in SOUNDFONTS]
    return share_of(PART, solos, scale)


def is_done(out: Path, solo: Solo) -> bool:
    """Whether the clip's file exists."""
    return path_of(out, PART, solo.name).is_file()


def make(out: Path, solo: Solo) -> None:
    """Writes the clip."""
    make_clip(out, PART, solo.name, lambda rng: _draw(rng, solo))


def facts(out: Path) -> dict:
    """What was played, and by which programs; the licences of the soundfonts are those of Debian's copyright files."""
    licences = "generated; soundfonts: FluidR3 MIT, MuseScore General MIT, TimGM6mb GPL-2"
    return {
        "licences": licences,
        "packages": versions("libfluidsynth3", *(package for _, package in SOUNDFONTS.values())),
    }


def _draw(rng: Random, solo: Solo) -> np.ndarray:
    seconds = round(rng.uniform(SHORTEST_SECONDS, LONGEST_SECONDS), 1)
    sound = draw_sound(rng, solo.soundfont)
    if solo.kind == "drums":
        notes, controls = strokes(rng, seconds, solo.program), draw_controls(rng, DRUM_CHANNEL, 0, ())
    else:
        beat_seconds = 60 / rng.uniform(50, 180)
        line = phrases.draw_line(rng, solo.program, rng.choice(tuple(phrases.SCALES)), rng.randrange(12))
        steps = phrases.KINDS[solo.kind](rng, line, seconds / beat_seconds)
        notes = phrases.perform(rng, steps, 0, solo.program, beat_seconds, rng.uniform(0.02, 0.4))
        controls = draw_controls(rng, 0, solo.program, notes)
    samples = played(notes, controls, sound, seconds)
    return at_level(recorded(rng, samples), sound.loudness_db) if samples.any() else samples
