"""The tags of a clip: derived from the notes that sound in it, if they are neither too soft nor too short.

`vocabulary` lists all tags, in the order of a model's outputs.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from keras_musictag.bundled_files import bundled
from keras_musictag.gmtag.instruments import DRUM_CHANNEL, families_of
from keras_musictag.gmtag.midi import Note
from keras_musictag.tags.vocabulary import Vocabulary, read_tags


@cache
def vocabulary() -> Vocabulary:
    """Returns the 50 tags with their groups, from `tfrecords/gmtag/tags.txt`.

    Example:
        >>> len(vocabulary()), vocabulary().group("rhythm")
        (50, ('fast', 'slow'))
    """
    return read_tags(bundled("tfrecords") / "gmtag" / "tags.txt")


LONGEST_NOTE_SECONDS = 2.5  # the rest of a note does not count: by then, a piano or a harp has faded
SHORTEST_PROGRAM_SECONDS = 2.5  # total length of all notes of a program
SOFTEST_MEAN_VELOCITY = 30
FEWEST_DRUM_HITS = 12
FAST_FROM_BPM, SLOW_UP_TO_BPM = 140, 76


@dataclass(frozen=True)
class Heard:
    """What sounds in a clip.

    Attributes:
        programs: The General MIDI programs that sound, sorted.
        drum_hits: Number of drum notes that begin in the clip.
        notes: Number of all notes that begin in the clip, drums included.
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
        window: Start and end of the window, in seconds.
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
    """Returns the tags of a clip, in the order of the vocabulary.

    Args:
        heard: What sounds in the clip.
        genres: Its genres.
        bpm: Its tempo, in quarter notes per minute.
        minor: Whether its key is minor.

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
