"""A plan leaves the database to others while the disk is searched, and knows the problems of earlier scans."""

from keras_musictag import Vocabulary
from keras_musictag.library import Database
from keras_musictag.library.music_files import ClosedFolder, FoundFile
from keras_musictag.library.scan_plan import ScanPlan


def test_others_can_write_while_the_disk_is_searched(tmp_path):
    def found():
        yield FoundFile("/music/a.mp3", 1, 2)
        with Database(database.path) as other:
            other.connection.execute("PRAGMA busy_timeout = 0")
            with other.transaction():
                other.put_file("/music/b.mp3", 1, 2, problem="a reason")
        yield FoundFile("/music/b.mp3", 1, 2)

    with Database(tmp_path / "library.db", create=True) as database:
        plan = ScanPlan(database, found())
        model = database.add_model("mine-v1", "ab" * 32, Vocabulary(("rock",)), 3)
        assert (plan.num_found, plan.choose([model]), plan.count_known_problems()) == (2, 1, 1)


def test_known_problems_are_those_that_have_not_changed(tmp_path):
    found = [FoundFile(f"/music/{name}.mp3", 1, 2) for name in "abc"]
    with Database(tmp_path / "library.db", create=True) as database:
        for file in found:
            database.put_file(file.path, 1, 2, problem="a reason")
        again = [found[0], FoundFile(found[1].path, 1, 3), FoundFile(found[2].path, problem="It cannot be read.")]
        plan = ScanPlan(database, again)
        model = database.add_model("mine-v1", "ab" * 32, Vocabulary(("rock",)), 3)
        assert (plan.choose([model]), plan.count_known_problems()) == (1, 1)
        assert [file.path for file in plan.to_read()] == ["/music/b.mp3"]


def test_empty_folders_count_if_files_were_in_them(tmp_path):
    with Database(tmp_path / "library.db", create=True) as database:
        database.put_file("/music/share/a.mp3", 1, 2)
        folders = [ClosedFolder(f"/music/{name}", "It is empty", is_empty=True) for name in ("share", "shar", "new")]
        locked = ClosedFolder("/music/locked", "Permission denied")
        assert ScanPlan(database, [*folders, locked]).closed == [folders[0], locked]
