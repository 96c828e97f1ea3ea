"""Every name can be in a playlist, and a player that reads it line by line finds the file."""

import os
from urllib.parse import unquote_to_bytes

import pytest

from keras_musictag.library import Labels, PlaylistEntry, write_playlist
from keras_musictag.library.playlist import playlist_text

NAMES = (
    "a.mp3",
    "#1.mp3",
    " b.mp3",
    "c.mp3 ",
    "d\ne.mp3",
    "\udcff.mp3",
    "f:g.mp3",
    "http:x.mp3",
    "ünï 100%.mp3",
    "\u2028.mp3",
)


def as_a_player_reads(text: str, folder: str) -> list[bytes]:
    found = []
    for line in text.encode("utf-8").split(b"\n"):
        line = line.strip()
        if line.startswith(b"file://"):
            found.append(unquote_to_bytes(line.removeprefix(b"file://")))
        elif line and not line.startswith(b"#"):
            assert b":" not in line.partition(b"/")[0]
            found.append(os.path.normpath(os.path.join(os.fsencode(folder), line)))
    return found


@pytest.mark.needs("posix")
@pytest.mark.parametrize("folder", ["/music", "/music/deeper/down", "/elsewhere"])
def test_every_name_survives(folder):
    paths = [f"{place}/{name}" for name in NAMES for place in ("/music", "/music/deeper", "/music/#x")]
    text = playlist_text([PlaylistEntry(path, 1.0, Labels()) for path in paths], folder)
    assert as_a_player_reads(text, folder) == [os.fsencode(path) for path in paths]


def test_titles_are_one_line():
    labels = Labels("A\nB", title="C\r\n#EXTINF:9,\x00D")
    text = playlist_text([PlaylistEntry("/m/a.mp3", 59.6, labels), PlaylistEntry("/m/\udcff\n.mp3", 0, Labels())], "/m")
    lines = text.split("\n")
    assert lines[:3] == ["#EXTM3U", "#EXTINF:60,A B - C #EXTINF:9, D", "a.mp3"]
    assert lines[3] == "#EXTINF:0,\ufffd" and len(lines) == 6


def test_paths_are_relative_to_the_file(tmp_path):
    write_playlist(tmp_path / "lists" / "a.m3u8", [PlaylistEntry(str(tmp_path / "m" / "a.mp3"), 1, Labels())])
    assert (tmp_path / "lists" / "a.m3u8").read_bytes().endswith(b"\n../m/a.mp3\n")
