import mido

from keras_musictag.gmtag.midi import Note, channels_of, events_of, is_musical, notes_of, to_bytes, track_of
from tests.gmtag.hand_made import hits, music, note


def test_notes_have_their_program_and_their_times_in_seconds():
    assert notes_of(music(note(40, 1.5, 4))) == [Note(0, 40, 60, 90, 1.5, 4.0)]


def test_times_follow_the_tempo():
    (played,) = notes_of(music(note(0, 1, 4), tempo=500_000))  # 120 beats per minute
    assert (played.start_seconds, played.end_seconds) == (0.5, 2.0)


def test_a_note_ends_when_it_is_struck_again():
    file = music(note(0, 1, 9))
    again = mido.Message("note_on", channel=0, note=60, velocity=50)
    events = events_of(file.tracks[0])
    file.tracks[0] = track_of(sorted([*events, (480 * 3, again)], key=lambda event: event[0]))
    assert [(n.velocity, n.start_seconds, n.end_seconds) for n in notes_of(file)] == [(90, 1.0, 3.0), (50, 3.0, 9.0)]


def test_a_note_that_is_never_released_ends_with_the_file():
    file = music(note(0, 1, 4), note(0, 2, 6, pitch=64))
    file.tracks[0] = mido.MidiTrack(m for m in file.tracks[0] if not (m.type == "note_off" and m.note == 60))
    assert sorted(n.end_seconds for n in notes_of(file)) == [6.0 - 2.0, 6.0 - 2.0]  # one release fewer: 2 s earlier


def test_a_note_on_without_velocity_is_a_release():
    file = music(note(0, 1, 4))
    offs = (
        m if m.type != "note_off" else mido.Message("note_on", note=60, velocity=0, time=m.time) for m in file.tracks[0]
    )
    file.tracks[0] = mido.MidiTrack(offs)
    assert [n.end_seconds for n in notes_of(file)] == [4.0]


def test_events_convert_back_to_the_same_track():
    track = music(note(0, 1, 4), *hits(3)).tracks[0]
    assert track_of(events_of(track)) == track


def test_text_and_system_messages_are_not_musical():
    assert not is_musical(mido.MetaMessage("text", text="by a program"))
    assert not is_musical(mido.MetaMessage("track_name", name="song.mma"))
    assert not is_musical(mido.Message("sysex", data=(1, 2)))
    assert is_musical(mido.MetaMessage("set_tempo", tempo=500_000))
    assert is_musical(mido.Message("note_on", note=60))


def test_channels_are_those_with_notes():
    assert channels_of(music(note(0, 1, 2, channel=4), *hits(1))) == [4, 9]


def test_bytes_are_a_midi_file(tmp_path):
    file = music(note(0, 1, 4))
    (tmp_path / "a.mid").write_bytes(to_bytes(file))
    assert mido.MidiFile(tmp_path / "a.mid").tracks[0][:4] == file.tracks[0]
