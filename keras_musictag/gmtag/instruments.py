"""General MIDI's 128 programs, numbered from 0: the tags of each, and which of them may replace a part's instrument."""

DRUM_CHANNEL = 9

# tag -> programs; a program may belong to several families
FAMILIES: dict[str, tuple[int, ...]] = {
    "piano": (0, 1, 2, 3),
    "electric piano": (4, 5, 7),
    "harpsichord": (6,),
    "mallets": tuple(range(8, 16)),  # celesta to dulcimer
    "organ": tuple(range(16, 21)),
    "accordion": (21, 23),
    "harmonica": (22,),
    "guitar": tuple(range(24, 32)),
    "acoustic guitar": (24, 25),
    "electric guitar": tuple(range(26, 32)),
    "distorted guitar": (29, 30),
    "bass": tuple(range(32, 40)),
    "strings": (*range(40, 46), *range(48, 52), 110),
    "violin": (40, 110),  # 110 is the fiddle
    "cello": (42, 43),  # 43 is the double bass
    "harp": (46,),
    "choir": (52, 53, 54, 85, 91),
    "brass": tuple(range(56, 64)),
    "trumpet": (56, 59),
    "sax": tuple(range(64, 68)),
    "woodwind": tuple(range(68, 72)),  # oboe to clarinet
    "flute": tuple(range(72, 80)),
    "synth": (38, 39, 50, 51, 62, 63, *range(80, 104)),
    "sitar": (104,),
    "banjo": (105,),
}

# replacements for the instrument of an accompaniment's part, by its role
CHORD_PROGRAMS = (0, 0, 1, 4, 5, 6, 7, 11, 12, 16, 17, 18, 21, 24, 25, 26, 27, 28, 46, 48, 105, 15)
SUSTAINED_PROGRAMS = (48, 49, 50, 51, 52, 53, 61, 62, 16, 19, 21, 44, 60, 71, 88, 89, 90, 91, 92, 95)
BASS_PROGRAMS = (32, 33, 34, 35, 36, 38, 39)
ORCHESTRA_PROGRAMS = (0, 6, 19, 24, 40, 42, 46, 48, 49, 45, 52, 60, 68, 71, 73)
ORCHESTRA_BASS_PROGRAMS = (43, 42, 32, 70)
DISTORTED_PROGRAMS = (29, 30)
METAL_BASS_PROGRAMS = (33, 34)

# melody instruments: those of any genre, rare ones, and those of one genre
LEAD_PROGRAMS = (0, 11, 21, 22, 24, 25, 26, 27, 40, 42, 52, 53, 56, 57, 60, 64, 65, 66, 68, 71, 73, 74, 75, 79, 110)
RARE_LEAD_PROGRAMS = (104, 105, 6, 46, 10, 12, 78, 109)
LEAD_PROGRAMS_OF = {
    "rock": (29, 30, 27, 26, 81, 18, 66),
    "metal": (29, 30, 30, 81),
    "pop": (80, 81, 82, 73, 40, 65, 53, 25, 27, 0, 11),
    "jazz": (64, 65, 66, 56, 59, 57, 71, 73, 26, 11, 0),
    "swing": (56, 57, 65, 66, 71, 73),
    "blues": (22, 66, 29, 26, 0, 16),
    "country": (105, 110, 25, 22, 27, 110),
    "folk": (110, 73, 74, 21, 22, 25, 40, 75, 77, 46),
    "latin": (56, 73, 24, 21, 12, 65),
    "electronic": (80, 81, 82, 84, 87, 90, 98),
    "dance": (80, 81, 82, 87, 62, 53),
    "ambient": (88, 89, 91, 94, 99, 52, 75, 77, 104, 46, 79),
    "classical": (40, 42, 73, 68, 71, 0, 6, 46, 60, 56, 24),
    "hip hop": (81, 82, 4, 104, 73, 53),
    "march": (56, 73, 72, 61, 58, 21),
    "soul": (65, 66, 4, 18, 27, 56, 53),
    "waltz": (21, 40, 71, 73, 0),
}
LOW_PROGRAMS = (42, 43, 57, 58, 60, 66, 70)  # cello, trombone, tenor saxophone, ...: these play an octave lower


def families_of(program: int) -> tuple[str, ...]:
    """Returns the tags of a program.

    Example:
        >>> families_of(40)
        ('strings', 'violin')
    """
    return tuple(tag for tag, programs in FAMILIES.items() if program in programs)
