"""Parts are taken into a database once, completely or not at all, and never undo what is newer there."""

import shutil

import numpy as np
import pytest

from keras_musictag import MusicTagError, Vocabulary
from keras_musictag.files import scratch_name
from keras_musictag.library import Database, Labels, VectorWriter, import_parts, read_vectors
from keras_musictag.library.part_files import write_part

TAGS = Vocabulary(("rock", "calm"), ("genre", "mood"))


def fill(path, features=3):
    """A database with two files of one track, a file of another, and a problem."""
    database = Database(path, create=True)
    model = database.add_model("vgg-mtat-v1", "ab" * 32, TAGS, features)
    with VectorWriter(database, model) as vectors:
        for number, name in enumerate(("a", "b")):
            track = database.add_track(bytes([number]) * 32, 12.5, ("a note",))
            database.add_result(
                track, model, np.array([0.25, number]), vectors.append(np.full(features, number)), 4, "x"
            )
            database.put_file(f"/music/{name}.mp3", 10, 20, track, labels=Labels(artist="Somebody"))
        vectors.sync()
    database.put_file("/music/copy.mp3", 10, 20, 1)
    database.put_file("/music/z.mp3", 10, 20, problem="It is damaged.")
    return database, model


@pytest.fixture
def part(tmp_path):
    database, model = fill(tmp_path / "other.db")
    with database:
        write_part(tmp_path / "part.parquet", database, model)
    return tmp_path / "part.parquet"


@pytest.fixture
def library(tmp_path):
    with Database(tmp_path / "library.db", create=True) as library:
        yield library


def content(database):
    """All that a database holds, without numbers that depend on the order in which rows were stored."""
    (model,) = database.models()
    vectors = read_vectors(database, model)
    files = [
        (file.path, file.scores.tolist(), vectors[file.vector_row].tolist(), file.labels, file.notes)
        for file in database.scored_files(model)
    ]
    return files, database.problems(), len(vectors), list(database.connection.iterdump())


def test_an_import_gives_what_was_exported(part, library, tmp_path):
    summary = import_parts([part], library)
    assert (summary.files, summary.changed, summary.tracks, summary.problems) == (4, 4, 2, 1)
    with Database(tmp_path / "other.db") as other:
        assert content(library)[:3] == content(other)[:3]


def test_a_second_import_changes_nothing(part, library):
    import_parts([part], library)
    before = content(library)
    summary = import_parts([part], library)
    assert content(library) == before and (summary.changed, summary.tracks) == (0, 0)


def test_what_is_newer_in_the_database_stays(part, library):
    import_parts([part], library)
    track = library.add_track(bytes([9]) * 32, 1.0, ())
    library.put_file("/music/a.mp3", 11, 21, track)
    library.put_file("/music/z.mp3", 10, 20, track)  # it was a problem, and a later version could read it
    before = content(library)
    import_parts([part], library)
    assert content(library) == before


def test_what_is_newer_in_the_part_replaces(part, library):
    library.put_file("/music/a.mp3", 11, 19, problem="It was damaged.")
    library.put_file("/music/b.mp3", 10, 20, problem="An old version could not read it.")
    import_parts([part], library)
    assert [problem.path for problem in library.problems()] == ["/music/z.mp3"]


def test_a_damaged_part_is_not_imported_by_halves(part, library, tmp_path):
    database, model = fill(tmp_path / "damaged.db")
    with database:
        database.connection.execute("UPDATE results SET scores = x'0000003f00000040' WHERE track = 2")  # 0.5 and 2
        write_part(tmp_path / "part2.parquet", database, model)
    with pytest.raises(MusicTagError, match="part2.parquet.*row 2: `scores` must be from 0 to 1"):
        import_parts([tmp_path / "part2.parquet"], library)
    assert library.models() == [] and library.count_files().tagged == 0
    assert import_parts([tmp_path / "part.parquet"], library).tracks == 2
    assert content(library)[2] == 2


def test_other_tags_for_the_same_model_are_an_error(part, library, tmp_path):
    import_parts([part], library)
    database, model = fill(tmp_path / "wide.db", features=4)
    with database:
        write_part(tmp_path / "part2.parquet", database, model)
    with pytest.raises(MusicTagError, match="has other tags"):
        import_parts([tmp_path / "part2.parquet"], library)


def test_a_folder_stands_for_its_parts(part, library, tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    with pytest.raises(FileNotFoundError, match="no parts"):
        import_parts([folder], library)
    shutil.copy(part, folder / "part-000000.parquet")
    (folder / "job.json").write_text("{}")
    (folder / scratch_name(".parquet")).touch()  # a worker was killed while it wrote
    reports = []
    assert import_parts([folder], library, lambda *counts: reports.append(counts)).files == 4
    assert reports == [(1, 1)]
