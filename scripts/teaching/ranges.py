"""What the 128 General MIDI programs can play: their ranges, and which of them play chords or hold notes."""

# first of several programs that share a range -> lowest and highest MIDI note, as players know them
_RANGES = {
    0: (21, 108),  # pianos
    4: (28, 103),  # electric pianos
    6: (29, 89),  # harpsichord
    7: (36, 96),  # clavinet
    8: (60, 108),  # celesta
    9: (72, 108),  # glockenspiel
    10: (60, 96),  # music box
    11: (53, 89),  # vibraphone
    12: (45, 96),  # marimba
    13: (65, 108),  # xylophone
    14: (60, 77),  # tubular bells
    15: (48, 84),  # dulcimer
    16: (36, 96),  # organs
    20: (36, 89),  # reed organ
    21: (53, 89),  # accordion
    22: (60, 88),  # harmonica
    23: (53, 89),  # tango accordion
    24: (40, 84),  # guitars
    32: (28, 55),  # basses
    38: (28, 60),  # synth basses
    40: (55, 100),  # violin
    41: (48, 88),  # viola
    42: (36, 76),  # cello
    43: (28, 60),  # contrabass
    44: (36, 96),  # tremolo and pizzicato strings
    46: (24, 103),  # harp
    47: (36, 57),  # timpani
    48: (28, 96),  # string ensembles
    52: (43, 84),  # choirs
    55: (48, 72),  # orchestra hit
    56: (54, 86),  # trumpet
    57: (40, 74),  # trombone
    58: (28, 60),  # tuba
    59: (54, 82),  # muted trumpet
    60: (34, 77),  # French horn
    61: (36, 96),  # brass sections
    64: (56, 87),  # soprano saxophone
    65: (49, 80),  # alto
    66: (44, 75),  # tenor
    67: (36, 68),  # baritone
    68: (58, 91),  # oboe
    69: (52, 81),  # English horn
    70: (34, 74),  # bassoon
    71: (50, 91),  # clarinet
    72: (74, 108),  # piccolo
    73: (60, 96),  # flute, recorder, pan flute, blown bottle
    77: (55, 84),  # shakuhachi
    78: (60, 96),  # whistle
    79: (60, 84),  # ocarina
    80: (36, 96),  # synth leads, pads and effects
    104: (48, 77),  # sitar
    105: (48, 84),  # banjo
    106: (50, 79),  # shamisen
    107: (55, 84),  # koto
    108: (48, 79),  # kalimba
    109: (53, 77),  # bagpipe
    110: (55, 96),  # fiddle
    111: (53, 77),  # shanai
    112: (60, 84),  # bells and drums with a pitch
    116: (36, 72),
    120: (36, 84),  # sound effects
}
CHORDAL = frozenset((*range(22), 23, *range(24, 32), 46, *range(48, 56), *range(61, 64), *range(80, 109), 114))
DOUBLE_STOPS = frozenset((40, 41, 42, 110))  # bowed strings: two notes at most
SUSTAINED = frozenset((*range(16, 24), *range(40, 45), *range(48, 55), *range(56, 80), *range(80, 104), 109, 110, 111))
PEDAL = frozenset((0, 1, 2, 3, 4, 5, 11, 46))  # let notes ring
EFFECTS = frozenset(range(112, 128))  # little melody in them


def range_of(program: int) -> tuple[int, int]:
    """The lowest and the highest note of a program.

    Example:
        >>> range_of(25), range_of(40)
        ((40, 84), (55, 100))
    """
    return _RANGES[max(first for first in _RANGES if first <= program)]
