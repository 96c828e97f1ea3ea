from keras_musictag.gmtag import instruments
from keras_musictag.gmtag.instruments import FAMILIES, families_of


def test_programs_are_general_midi_numbers():
    for programs in FAMILIES.values():
        assert all(0 <= program < 128 for program in programs)


def test_families_of_some_programs_by_hand():
    assert families_of(0) == ("piano",)  # Acoustic Grand Piano
    assert families_of(30) == ("guitar", "electric guitar", "distorted guitar")  # Distortion Guitar
    assert families_of(38) == ("bass", "synth")  # Synth Bass 1
    assert families_of(110) == ("strings", "violin")  # Fiddle
    assert families_of(56) == ("brass", "trumpet")  # Trumpet
    assert families_of(127) == ()  # Gunshot


def test_special_families_are_part_of_the_general_ones():
    for special, general in [
        ("acoustic guitar", "guitar"), ("electric guitar", "guitar"), ("distorted guitar", "electric guitar"),
        ("violin", "strings"), ("cello", "strings"), ("trumpet", "brass"),
    ]:  # fmt: skip
        assert set(FAMILIES[special]) < set(FAMILIES[general])


def test_every_replacement_and_every_lead_has_a_tag():
    drawn = {
        *instruments.CHORD_PROGRAMS, *instruments.SUSTAINED_PROGRAMS, *instruments.BASS_PROGRAMS,
        *instruments.ORCHESTRA_PROGRAMS, *instruments.ORCHESTRA_BASS_PROGRAMS, *instruments.LEAD_PROGRAMS,
        *(program for programs in instruments.LEAD_PROGRAMS_OF.values() for program in programs),
    }  # fmt: skip
    assert [program for program in sorted(drawn) if not families_of(program)] == []
