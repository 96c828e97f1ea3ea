"""How a clip is to sound: soundfont, room, loudness, and where in the music it begins."""

from dataclasses import dataclass
from random import Random

SAMPLE_RATE_HZ = 16000
CLIP_SECONDS = 29.1  # as a clip of MagnaTagATune

# soundfont -> (its file below /usr/share/sounds, the Debian package that brings it)
SOUNDFONTS = {
    "FluidR3": ("sf2/FluidR3_GM.sf2", "fluid-soundfont-gm"),
    "MuseScore General": ("sf3/MuseScore_General_Lite.sf3", "musescore-general-soundfont-small"),
    "TimGM6mb": ("sf2/TimGM6mb.sf2", "timgm6mb-soundfont"),
}
UNSEEN_SOUNDFONT = "TimGM6mb"  # half of test, and nothing else: reported apart
_HEARD = ("FluidR3", "MuseScore General")
_SOUNDFONTS_OF = {"train": _HEARD, "valid": _HEARD, "test": (*_HEARD, UNSEEN_SOUNDFONT, UNSEEN_SOUNDFONT)}
LONGEST_OFFSET_SECONDS = 3.0


@dataclass(frozen=True)
class Sound:
    """The settings of a rendering.

    Attributes:
        soundfont: A name of `SOUNDFONTS`.
        offset_seconds: How much of the music comes before the clip: most clips begin within a bar.
        reverb: Whether the room is heard.
        room_size: 0 to 1, of FluidSynth's reverb.
        reverb_level: 0 to 1.
        chorus: Whether FluidSynth's chorus is on.
        loudness_db: Root mean square of the clip in dB of full scale.
    """

    soundfont: str
    offset_seconds: float
    reverb: bool
    room_size: float
    reverb_level: float
    chorus: bool
    loudness_db: float

    @property
    def window(self) -> tuple[float, float]:
        """Where the clip begins and ends in the music, seconds."""
        return self.offset_seconds, self.offset_seconds + CLIP_SECONDS


def draw_sound(rng: Random, part: str) -> Sound:
    """Draws how a clip of a part sounds."""
    return Sound(
        soundfont=rng.choice(_SOUNDFONTS_OF[part]),
        offset_seconds=round(rng.uniform(0, LONGEST_OFFSET_SECONDS), 3),
        reverb=rng.random() < 0.8,
        room_size=round(rng.uniform(0.1, 0.9), 3),
        reverb_level=round(rng.uniform(0.05, 0.5), 3),
        chorus=rng.random() < 0.5,
        loudness_db=round(rng.uniform(-24, -15), 2),
    )


def subset_of(part: str, soundfont: str) -> str:
    """Which half of test a clip is in; "" in the other parts.

    Example:
        >>> subset_of("test", "TimGM6mb"), subset_of("test", "FluidR3"), subset_of("train", "FluidR3")
        ('unseen', 'seen', '')
    """
    if part != "test":
        return ""
    return "unseen" if soundfont == UNSEEN_SOUNDFONT else "seen"
