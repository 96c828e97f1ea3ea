"""How a clip sounds: its soundfont, its room, its loudness, and where in the music it begins."""

from dataclasses import dataclass
from random import Random

SAMPLE_RATE_HZ = 16000
CLIP_SECONDS = 29.1  # as long as a clip of MagnaTagATune

# soundfont -> (its file below /usr/share/sounds, the Debian package that contains it)
SOUNDFONTS = {
    "FluidR3": ("sf2/FluidR3_GM.sf2", "fluid-soundfont-gm"),
    "MuseScore General": ("sf3/MuseScore_General_Lite.sf3", "musescore-general-soundfont-small"),
    "TimGM6mb": ("sf2/TimGM6mb.sf2", "timgm6mb-soundfont"),
}
UNSEEN_SOUNDFONT = "TimGM6mb"  # in half of test and nowhere else; reported separately
_SEEN_SOUNDFONTS = ("FluidR3", "MuseScore General")
_SOUNDFONTS_OF = {
    "train": _SEEN_SOUNDFONTS,
    "valid": _SEEN_SOUNDFONTS,
    "test": (*_SEEN_SOUNDFONTS, UNSEEN_SOUNDFONT, UNSEEN_SOUNDFONT),
}
LONGEST_OFFSET_SECONDS = 3.0


@dataclass(frozen=True)
class Sound:
    """How one clip is rendered.

    Attributes:
        soundfont: A name in `SOUNDFONTS`.
        offset_seconds: Where in the music the clip begins; usually in the middle of a bar.
        reverb: Whether FluidSynth's reverb is on.
        room_size: Room size of the reverb, 0 to 1.
        reverb_level: Level of the reverb, 0 to 1.
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
        """Start and end of the clip within the music, in seconds."""
        return self.offset_seconds, self.offset_seconds + CLIP_SECONDS


def draw_sound(rng: Random, part: str) -> Sound:
    """Draws how a clip sounds; the part decides which soundfonts are possible."""
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
    """Returns which half of test a clip is in, or "" for the other parts.

    Example:
        >>> subset_of("test", "TimGM6mb"), subset_of("test", "FluidR3"), subset_of("train", "FluidR3")
        ('unseen', 'seen', '')
    """
    if part != "test":
        return ""
    return "unseen" if soundfont == UNSEEN_SOUNDFONT else "seen"
