"""Composes a clip: its plan, then the notes."""

from dataclasses import dataclass
from random import Random

import mido

from keras_musictag.errors import DatasetError
from keras_musictag.gmtag.arrange import arrange, replace_drums
from keras_musictag.gmtag.instruments import DRUM_CHANNEL
from keras_musictag.gmtag.melody import MELODY_SHARE, MELODY_SHARE_OVER_SINGLE_PART, add_melody
from keras_musictag.gmtag.midi import channels_of, notes_of
from keras_musictag.gmtag.mma import accompaniment, drums
from keras_musictag.gmtag.packages import Installation
from keras_musictag.gmtag.plan import Plan, draw_plan
from keras_musictag.gmtag.seeds import number
from keras_musictag.gmtag.truth import Heard, listen

FEWEST_NOTES = 16  # in 29.1 s: with fewer, such as the one part of a groove that plays now and then, it is drawn again
_MOST_ATTEMPTS = 20  # about one clip in a hundred needs a second one


@dataclass(frozen=True)
class Piece:
    """The music of a clip.

    Attributes:
        plan: What was drawn before.
        music: The MIDI file.
        heard: What sounds in the clip.
        attempt: How often it was drawn again because next to nothing was heard; mostly 0.
    """

    plan: Plan
    music: mido.MidiFile
    heard: Heard
    attempt: int


def compose(part: str, index: int, installation: Installation) -> Piece:
    """Draws and writes the music of a clip; it depends on the version, the part and the index only.

    Args:
        part: "train", "valid" or "test".
        index: Of the clip in its part, from 0.
        installation: Where MMA lies.

    Raises:
        DatasetError: If MMA fails, or nothing is heard however often it is drawn.
    """
    for attempt in range(_MOST_ATTEMPTS):
        again = (f"attempt{attempt}",) if attempt else ()
        rng = Random(number(part, index, *again))
        plan = draw_plan(rng, part, index, installation.library)
        music = _write(rng, plan, installation.mma)
        heard = listen(notes_of(music), plan.sound.window)
        if is_enough(heard):
            return Piece(plan, music, heard, attempt)
    raise DatasetError(f"Next to nothing was heard in any of {_MOST_ATTEMPTS} drawings. Do MMA's grooves play?")


def is_enough(heard: Heard) -> bool:
    """Whether there is something to hear, and to tag."""
    return heard.notes >= FEWEST_NOTES and (bool(heard.programs) or heard.has_drums)


def _write(rng: Random, plan: Plan, mma: str) -> mido.MidiFile:
    played = accompaniment(plan, mma)
    if plan.drum_groove:
        played = replace_drums(played, drums(plan, mma))
    music, single = arrange(rng, played, plan)
    share = MELODY_SHARE_OVER_SINGLE_PART if single else MELODY_SHARE
    if rng.random() < share or set(channels_of(music)) <= {DRUM_CHANNEL}:
        add_melody(rng, music, plan)
    return music
