"""The tags, in the order of a model's outputs.

The tags of a clip, from the notes that really sound in it, neither too softly nor too briefly.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from keras_musictag.bundled_files import bundled
from keras_musictag.gmtag.midi import DRUM_CHANNEL, Note, families_of
from keras_musictag.tags.vocabulary import Vocabulary, read_tags


@cache
def vocabulary() -> Vocabulary:
    """The 50 tags in groups: `tfrecords/gmtag/tags.txt`.

    Example:
        >>> len(vocabulary()), vocabulary().group("rhythm")
        (50, ('fast', 'slow'))
    """
    return read_tags(bundled("tfrecords") / "gmtag" / "tags.txt")


LONGEST_NOTE_SECONDS = 2.5  # of a note counts no more: a held note of a piano or a harp has faded
SHORTEST_PROGRAM_SECONDS = 2.5  # all notes of a program together
SOFTEST_MEAN_VELOCITY = 30
FEWEST_DRUM_HITS = 12
FAST_FROM_BPM, SLOW_UP_TO_BPM = 140, 76


@dataclass(frozen=True)
class Heard:
    """What sounds in a clip.

    Attributes:
        programs: The General MIDI programs that are heard, sorted.
        drum_hits: Notes of the drums that begin in it.
        notes: Notes that begin in it, drums included.
    """

    programs: tuple[int, ...]
    drum_hits: int
    notes: int

    @property
    def has_drums(self) -> bool:
        return self.drum_hits >= FEWEST_DRUM_HITS


def listen(notes: Iterable[Note], window: tuple[float, float]) -> Heard:
    """Finds what sounds in a window of the music.

    Args:
        notes: The notes of the music.
        window: Its beginning and its end, seconds.
    """
    start, end = window
    seconds, velocities, drum_hits, begun = defaultdict(float), defaultdict(list), 0, 0
    for note in notes:
        begins_inside = start <= note.start_seconds < end
        begun += begins_inside
        overlap = min(note.end_seconds, end) - max(note.start_seconds, start)
        if note.channel == DRUM_CHANNEL:
            drum_hits += begins_inside
        elif overlap > 0:
            seconds[note.program] += min(overlap, LONGEST_NOTE_SECONDS)
            velocities[note.program].append(note.velocity)
    programs = [
        program
        for program in sorted(seconds)
        if seconds[program] >= SHORTEST_PROGRAM_SECONDS and np.mean(velocities[program]) >= SOFTEST_MEAN_VELOCITY
    ]
    return Heard(tuple(programs), drum_hits, begun)


def tags_of(heard: Heard, genres: Sequence[str], bpm: int, minor: bool) -> tuple[str, ...]:
    """The tags of a clip, in the vocabulary's order.

    Args:
        heard: What sounds in it.
        genres: Its genres.
        bpm: Its tempo, quarter notes a minute.
        minor: Whether its key is in minor.

    Example:
        >>> tags_of(Heard(programs=(0,), drum_hits=0, notes=40), ["ballad"], bpm=70, minor=True)
        ('ballad', 'piano', 'no drums', 'slow', 'minor', 'solo')
    """
    tags = {*genres, "drums" if heard.has_drums else "no drums"}
    tags |= {tag for program in heard.programs for tag in families_of(program)}
    tags |= {
        tag
        for tag, applies in {
            "fast": bpm >= FAST_FROM_BPM,
            "slow": bpm <= SLOW_UP_TO_BPM,
            "minor": minor,
            "solo": len(heard.programs) == 1 and not heard.has_drums,
        }.items()
        if applies
    }
    return tuple(tag for tag in vocabulary() if tag in tags)
