"""Each file of the folders is one line, however the folders are named."""

import json

from keras_musictag.library import Database, write_scan_lines


def test_a_folder_in_another_one_adds_no_lines(tmp_path):
    out = tmp_path / "tags.jsonl"
    with Database(tmp_path / "library.db", create=True) as database:
        for path in ("/music/a/1.mp3", "/music/b/2.mp3", "/music2/3.mp3", "/other/4.mp3"):
            database.put_file(path, 1, 2, problem="a reason")
        assert write_scan_lines(out, database, ["/music/a", "/music2", "/music", "/music/a/", "/music"]) == 3
    paths = [json.loads(line)["path"] for line in out.read_text().splitlines()]
    assert paths == ["/music/a/1.mp3", "/music/b/2.mp3", "/music2/3.mp3"]
