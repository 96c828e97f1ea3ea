"""Which instruments play together: voices by their role, each with the programs that may play it."""

from dataclasses import dataclass

VIOLIN, VIOLA, CELLO, BASS = (40,), (41,), (42,), (43,)
PIANO, HARPSICHORD, ORGAN, HARP = (0, 1), (6,), (19, 20), (46,)
NYLON, STEEL, CLEAN, DISTORTED = (24,), (25,), (26, 27), (29, 30)
FINGERED, UPRIGHT, SYNTH_BASS = (33, 34, 36), (32,), (38, 39)
VOICES, STRINGS, PADS, LEADS = (52, 53), (48, 49, 50), (88, 89, 90, 91, 92, 94, 95), (80, 81, 82, 84, 87)


@dataclass(frozen=True)
class Style:
    """A kind of ensemble.

    Attributes:
        voices: Pairs of a role ("lead", "held", "chords", "arpeggio", "bass") and the programs that may play it.
        grooves: Grooves of `drums.GROOVES`, one of which is played; none for no drums.
        genre: Of `gmtag.genres`: it says how rich the chords are.
        bpm: Slowest and fastest tempo.
    """

    voices: tuple[tuple[str, tuple[int, ...]], ...]
    grooves: tuple[str, ...] = ()
    genre: str = "classical"
    bpm: tuple[int, int] = (60, 130)


STYLES: dict[str, Style] = {
    "string_quartet": Style((("lead", VIOLIN), ("held", VIOLIN), ("held", VIOLA), ("bass", CELLO))),
    "string_duo": Style((("lead", (*VIOLIN, *VIOLA)), ("lead", CELLO))),
    "strings": Style((("lead", STRINGS), ("held", STRINGS), ("bass", BASS)), bpm=(50, 110)),
    "pizzicato": Style((("lead", (45, 68, 71)), ("chords", (45,)), ("bass", (45,)))),
    "piano_trio": Style((("lead", VIOLIN), ("held", CELLO), ("arpeggio", PIANO))),
    "violin_and_piano": Style((("lead", VIOLIN), ("chords", PIANO))),
    "cello_and_piano": Style((("lead", CELLO), ("arpeggio", PIANO))),
    "flute_and_harpsichord": Style((("lead", (73, 74)), ("chords", HARPSICHORD), ("bass", CELLO)), bpm=(70, 140)),
    "baroque_trio": Style(
        (("lead", VIOLIN), ("lead", (68, 74, 40)), ("arpeggio", HARPSICHORD), ("bass", CELLO)), bpm=(80, 140)
    ),
    "flute_and_harp": Style((("lead", (73, 75)), ("arpeggio", HARP))),
    "wind_trio": Style((("lead", (73, 68)), ("held", (71,)), ("bass", (70,)))),
    "clarinet_and_piano": Style((("lead", (71, 68, 69)), ("chords", PIANO))),
    "brass_quartet": Style((("lead", (56,)), ("held", (56, 60)), ("held", (60, 57)), ("bass", (57, 58)))),
    "orchestra": Style(
        (("lead", (48, 73, 60, 68)), ("held", STRINGS), ("held", (60, 61)), ("chords", (48, 46)), ("bass", (43, 47)))
    ),
    "choir_and_organ": Style((("lead", VOICES), ("held", VOICES), ("chords", ORGAN)), bpm=(50, 90)),
    "choir": Style((("lead", VOICES), ("held", VOICES), ("held", VOICES), ("bass", VOICES)), bpm=(45, 90)),
    "voice_and_piano": Style((("lead", (53, 54, 52)), ("arpeggio", PIANO)), bpm=(55, 110)),
    "voice_and_guitar": Style((("lead", (53, 52)), ("arpeggio", (*NYLON, *STEEL))), genre="folk"),
    "voice_and_strings": Style((("lead", (53, 52)), ("held", STRINGS), ("bass", BASS)), bpm=(45, 90)),
    "guitar_duo": Style((("lead", NYLON), ("arpeggio", NYLON)), genre="folk"),
    "guitar_and_flute": Style((("lead", (73, 75, 40)), ("arpeggio", NYLON))),
    "folk": Style((("lead", (110, 73, 74, 78, 21)), ("chords", STEEL), ("bass", UPRIGHT)), genre="folk", bpm=(90, 150)),
    "country": Style(
        (("lead", (110, 105, 22, 25)), ("arpeggio", (105, 25)), ("bass", UPRIGHT)), ("rock",), "country", (90, 150)
    ),
    "indian": Style((("lead", (104, 111, 110, 77)), ("held", (104, 109, 89))), ("hand drums",), "folk", (60, 120)),
    "far_eastern": Style((("lead", (77, 107, 106)), ("arpeggio", (107, 106))), bpm=(50, 100)),
    "jazz_trio": Style((("lead", (0, 11, 26)), ("chords", (0, 4)), ("bass", UPRIGHT)), ("jazz",), "jazz", (90, 180)),
    "jazz_with_horn": Style(
        (("lead", (56, 59, 65, 66)), ("chords", (0, 4)), ("bass", UPRIGHT)), ("jazz",), "jazz", (90, 180)
    ),
    "blues": Style(
        (("lead", (22, 27, 66)), ("chords", (26, 16, 0)), ("bass", FINGERED)), ("rock",), "blues", (60, 120)
    ),
    "rock": Style(
        (("lead", DISTORTED), ("chords", DISTORTED), ("bass", FINGERED)), ("rock", "breakbeat"), "rock", (90, 160)
    ),
    "metal": Style((("lead", DISTORTED), ("chords", DISTORTED), ("bass", (34,))), ("metal",), "metal", (120, 200)),
    "pop": Style((("lead", (53, 80, 27, 73)), ("chords", (0, 4, 27)), ("bass", FINGERED)), ("rock",), "pop", (80, 130)),
    "techno": Style(
        (("lead", LEADS), ("chords", (50, 62, 81, 90)), ("bass", SYNTH_BASS)),
        ("four on the floor",),
        "electronic",
        (115, 150),
    ),
    "beats": Style((("held", PADS), ("arpeggio", LEADS)), ("breakbeat", "hip hop"), "electronic", (80, 175)),
    "synths": Style(
        (("lead", LEADS), ("arpeggio", (80, 81, 87)), ("bass", SYNTH_BASS)), genre="electronic", bpm=(80, 150)
    ),
    "ambient": Style(
        (("held", PADS), ("held", PADS), ("lead", (*PADS, 98, 99, 14, 75))), genre="ambient", bpm=(45, 80)
    ),
    "new_age": Style(
        (("lead", (75, 73, 79, 46, 11)), ("held", PADS), ("arpeggio", (0, 46, 24, 98))), genre="ambient", bpm=(50, 90)
    ),
    "latin": Style((("lead", (56, 73, 24)), ("chords", (24, 0)), ("bass", FINGERED)), ("latin",), "latin", (90, 150)),
    "accordion": Style((("lead", (21, 23)), ("chords", (24, 0, 21)), ("bass", (32, 58))), genre="waltz", bpm=(90, 180)),
    "mallets": Style((("lead", (8, 9, 11, 12, 13)), ("arpeggio", (12, 108, 114)), ("bass", (12, 32)))),
    "march": Style((("lead", (56, 72)), ("held", (60, 57)), ("bass", (58,))), ("march",), "march", (100, 130)),
}
