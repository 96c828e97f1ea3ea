"""Sounds that are not music, or hardly: speech, silence, noises, hum, clicks, tones, applause."""

from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np

from scripts.teaching import noises, speech
from scripts.teaching.clips import at_level, make_clip, path_of, share_of
from scripts.teaching.debian import versions
from scripts.teaching.recording import recorded
from scripts.teaching.store import SAMPLE_RATE_HZ

PART = "other"
SHORTEST_SECONDS, LONGEST_SECONDS = 5.0, 7.0
_TAKES_OF_A_LANGUAGE, _TAKES_OF_A_KIND = 12, 30


@dataclass(frozen=True)
class Sound:
    """A clip: `kind` is a name of `noises.KINDS`, or a language."""

    kind: str
    take: int

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return f"{'speech_' if self.kind in speech.LANGUAGES else ''}{self.kind}_{self.take:02d}"


def items(scale: float, gmtag: Path | None = None) -> list[Sound]:
    """The clips of this part, or a share of them."""
    takes = {**dict.fromkeys(speech.LANGUAGES, _TAKES_OF_A_LANGUAGE), **dict.fromkeys(noises.KINDS, _TAKES_OF_A_KIND)}
    return share_of(PART, [Sound(kind, take) for kind, count in takes.items() for take in range(count)], scale)


def is_done(out: Path, sound: Sound) -> bool:
    """Whether the clip's file exists."""
    return path_of(out, PART, sound.name).is_file()


def make(out: Path, sound: Sound) -> None:
    """Writes the clip."""
    make_clip(out, PART, sound.name, lambda rng: _draw(rng, sound), may_be_silent=sound.kind == "silence")


def facts(out: Path) -> dict:
    """How it was made."""
    licences = "generated; espeak-ng GPL-3+; texts in the public domain. Synthetic speech is not singing."
    return {"licences": licences, "packages": versions("espeak-ng", "espeak-ng-data")}


def _draw(rng: Random, sound: Sound) -> np.ndarray:
    seconds = rng.uniform(SHORTEST_SECONDS, LONGEST_SECONDS)
    if sound.kind == "silence":
        return noises.silence(rng, int(seconds * SAMPLE_RATE_HZ))
    if sound.kind in speech.LANGUAGES:
        samples = recorded(rng, speech.spoken(rng, sound.kind, seconds))
    else:
        samples = noises.KINDS[sound.kind](rng, int(seconds * SAMPLE_RATE_HZ))
    return at_level(samples, rng.uniform(-36, -14))
