"""The database keeps what was stored, and refuses files that are not its own."""

import sqlite3

import numpy as np
import pytest

from keras_musictag import MusicTagError, UnknownNameError, Vocabulary
from keras_musictag.library import Database, Labels, VectorWriter, read_vectors
from keras_musictag.library.journal import journal_folder
from keras_musictag.library.vectors import forget_lost, stored_rows

TAGS = Vocabulary(("rock", "calm"), ("genre", "mood"))


@pytest.fixture
def database(tmp_path):
    with Database(tmp_path / "library.db", create=True) as database:
        yield database


def fill(database, names=(b"/music/\xff.mp3", b"/music/a\n.ogg"), scores=(0.25, 0.75)):
    model = database.add_model("musicnn-mtat-v1", "ab" * 32, TAGS, 3)
    with VectorWriter(database, model) as vectors:
        for number, name in enumerate(names):
            track = database.add_track(bytes([number]) * 32, 12.5, ("a note",))
            row = vectors.append(np.full(3, number))
            vectors.sync()
            path = name.decode("utf-8", "surrogateescape")
            database.put_file(path, 10, 20, track, labels=Labels(artist="Somebody", year=1999))
            database.add_result(track, model, np.array(scores), row, 4, "onnx float32")
    return model


def test_a_stored_file_comes_back(database):
    model = fill(database)
    with Database(database.path) as again:
        first, second = again.scored_files(again.find_model("musicnn"))
        assert (first.path, second.path) == ("/music/a\n.ogg", "/music/\udcff.mp3")
        assert first.scores.tolist() == [0.25, 0.75] and first.labels.year == 1999 and first.notes == ("a note",)
        assert again.find_model() == model
        assert read_vectors(again, model)[first.vector_row].tolist() == [1, 1, 1]


def test_files_of_one_track_can_be_asked_for(database):
    model = fill(database)
    whole = list(database.scored_files(model))
    assert [file.path for file in database.scored_files(model, whole[1].track)] == [whole[1].path]
    assert list(database.scored_files(model, 99)) == []


def test_reading_changes_nothing_while_another_process_writes(database):
    model = fill(database)
    before = database.path.read_bytes()
    with Database(database.path, read_only=True) as reader:
        assert reader.find_model() == model and len(list(reader.scored_files(model))) == 2
        for statement in ("DELETE FROM files", "CREATE TABLE a (b)", "PRAGMA user_version = 9"):
            with pytest.raises(sqlite3.OperationalError, match="readonly"):
                reader.connection.execute(statement)
        with database.transaction():
            database.put_file("/music/new.mp3", 1, 2, problem="words")
            assert reader.count_files().problems == 0
        assert reader.count_files().problems == 1
    assert database.path.read_bytes() == before  # what is new is in the log next to it


def test_reading_creates_nothing(tmp_path):
    with pytest.raises(FileNotFoundError, match="no library database"):
        Database(tmp_path / "folder" / "none.db", read_only=True)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "empty.db").touch()
    with pytest.raises(MusicTagError, match="is empty"):
        Database(tmp_path / "empty.db", read_only=True)
    assert (tmp_path / "empty.db").read_bytes() == b""
    (tmp_path / "text.db").write_text("a long text, which is not a database at all" * 99)
    with pytest.raises(MusicTagError, match="not a library database"):
        Database(tmp_path / "text.db", read_only=True)


def test_rows_of_a_crash_are_removed(database):
    model = fill(database)
    with VectorWriter(database, model) as vectors:
        vectors.append(np.zeros(3))  # and the process dies before the database knows of it
    with VectorWriter(database, model) as vectors:
        assert vectors.append(np.ones(3)) == 2
    assert read_vectors(database, model).shape == (2, 3)


def test_missing_vectors_are_an_error(database):
    model = fill(database)
    next(database.path.parent.glob("*.vectors")).unlink()
    with pytest.raises(MusicTagError, match="must hold 2 embeddings"):
        read_vectors(database, model)


def test_an_unknown_model_is_an_error(database):
    fill(database)
    with pytest.raises(UnknownNameError, match="'vgg'.*musicnn-mtat-v1"):
        database.find_model("vgg")


def test_other_files_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="library scan"):
        Database(tmp_path / "none.db")
    (tmp_path / "text.db").write_text("a long text, which is not a database at all" * 99)
    with pytest.raises(MusicTagError, match="not a library database"):
        Database(tmp_path / "text.db")
    with sqlite3.connect(tmp_path / "other.db") as other:
        other.execute("CREATE TABLE photos (id)")
    with pytest.raises(MusicTagError, match="another program"):
        Database(tmp_path / "other.db")

    with pytest.raises(MusicTagError, match="cannot be opened"):
        Database(tmp_path, create=True)


def test_neighbours_do_not_share_their_embeddings(tmp_path):
    with Database(tmp_path / "music.2025", create=True) as old, Database(tmp_path / "music.2026", create=True) as new:
        model = fill(old)
        fill(new, names=(b"/music/other.mp3",))
        assert read_vectors(old, model)[1].tolist() == [1, 1, 1]
        assert journal_folder(old.path) != journal_folder(new.path)


@pytest.mark.needs("posix")
def test_a_link_to_a_database_is_that_database(database, tmp_path):
    model = fill(database)
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "elsewhere" / "link.db"
    link.symlink_to(database.path)
    with Database(link) as linked:
        assert read_vectors(linked, model).shape == (2, 3)
        assert journal_folder(link) == journal_folder(database.path)
        with database.writing(), pytest.raises(MusicTagError, match="Another process"), linked.writing():
            pass


def test_the_cause_of_a_failed_transaction_is_raised(database):
    (pages,) = database.connection.execute("PRAGMA page_count").fetchone()
    database.connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(sqlite3.OperationalError, match="full"), database.transaction():
        for number in range(99):
            database.put_file("a long name" * 99 + str(number), 1, 1)
    assert not database.connection.in_transaction


def test_no_query_sorts_scores_or_reads_all_of_them(database):
    def steps(call):
        queries = []
        database.connection.set_trace_callback(queries.append)
        call()
        database.connection.set_trace_callback(None)
        rows = [database.connection.execute(f"EXPLAIN QUERY PLAN {query}").fetchall() for query in queries]
        return "; ".join(step for found in rows for *_, step in found)

    model = fill(database)
    assert "TEMP B-TREE" not in steps(lambda: list(database.scored_files(model)))
    assert "COVERING INDEX results_by_row (model=?" in steps(lambda: stored_rows(database, model))
    assert "COVERING INDEX results_by_row (model=?" in steps(lambda: forget_lost(database, model))
    assert "COVERING INDEX results_by_row (model=?" in steps(lambda: database.count_results(model))


def test_a_newer_format_is_refused(database):
    database.connection.execute("PRAGMA user_version = 99")
    with pytest.raises(MusicTagError, match="newer version"):
        Database(database.path)


def test_only_one_process_writes(database):
    with database.writing(), pytest.raises(MusicTagError, match="Another process"), Database(database.path).writing():
        pass


def test_the_state_of_a_retagged_file_is_stored(database):
    fill(database)
    assert database.file_state("/music/a\n.ogg") == (10, 20)
    database.update_file_state("/music/a\n.ogg", 11, 21)
    assert database.file_state("/music/a\n.ogg") == (11, 21)
    assert database.file_state("/music/\udcff.mp3") == (10, 20)
    database.update_file_state("/elsewhere", 1, 1)
    assert database.file_state("/elsewhere") is None


def test_only_a_full_disk_keeps_the_old_state_of_a_file(database):
    paths = [f"/music/{number:03d}.mp3" for number in range(200)]
    for path in paths:
        database.put_file(path, 1, 1)
    (pages,) = database.connection.execute("PRAGMA page_count").fetchone()
    database.connection.execute(f"PRAGMA max_page_count = {pages}")
    for path in paths:
        database.update_file_state(path, 2**62, 2**62)  # which takes more bytes
    states = {database.file_state(path) for path in paths}
    assert states == {(1, 1), (2**62, 2**62)}
    database.connection.execute("PRAGMA query_only = ON")
    with pytest.raises(MusicTagError, match="cannot be written .*readonly.*journal"):
        database.update_file_state(paths[0], 3, 3)
