"""Each file of the folders is one line, however the folders are named."""

import json
import os
import urllib.parse

from keras_musictag.library import Database, write_scan_lines


def test_a_folder_in_another_one_adds_no_lines(tmp_path):
    out = tmp_path / "tags.jsonl"
    with Database(tmp_path / "library.db", create=True) as database:
        for path in ("/music/a/1.mp3", "/music/b/2.mp3", "/music2/3.mp3", "/other/4.mp3"):
            database.put_file(path, 1, 2, problem="a reason")
        assert write_scan_lines(out, database, ["/music/a", "/music2", "/music", "/music/a/", "/music"]) == 3
    paths = [json.loads(line)["path"] for line in out.read_text().splitlines()]
    assert paths == ["/music/a/1.mp3", "/music/b/2.mp3", "/music2/3.mp3"]


def test_lines_are_valid_whatever_the_bytes_of_a_name(tmp_path):
    names = [b"/music/caf\xe9.mp3", "/music/café\n.mp3".encode()]
    with Database(tmp_path / "library.db", create=True) as database:
        for name in names:
            database.put_file(os.fsdecode(name), 1, 2, problem="a reason")
        write_scan_lines(tmp_path / "tags.jsonl", database, ["/music"])
    paths = [json.loads(line)["path"] for line in (tmp_path / "tags.jsonl").read_text().splitlines()]
    assert paths == ["/music/café\n.mp3", "file:///music/caf%E9.mp3"]
    assert urllib.parse.unquote_to_bytes(paths[1].removeprefix("file://")) == names[0]
