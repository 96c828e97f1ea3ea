from keras_musictag.gmtag.plan import beats_per_bar, grooves_in

TEXT = """\
// a groove file
Time 3
   DefGroove Waltz  A body.
defgroove WaltzSus
DefGroove WaltzIntro
DefGroove WaltzEnd
DefGroove WaltzFill
DefGroove Waltz1E
"""


def test_introductions_endings_and_fills_are_left_out(tmp_path):
    (tmp_path / "waltz.mma").write_text(TEXT)
    assert grooves_in(tmp_path, "waltz") == ("Waltz", "WaltzSus")


def test_beats_are_as_the_file_states_or_four(tmp_path):
    (tmp_path / "waltz.mma").write_text(TEXT)
    (tmp_path / "plain.mma").write_text("DefGroove Plain\nTimesig 6 8\n")
    assert beats_per_bar(tmp_path, "waltz") == 3
    assert beats_per_bar(tmp_path, "plain") == 4
