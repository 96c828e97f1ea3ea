"""An ordered list of tags, and the file that holds it."""

import copy
import pickle

import pytest

from keras_musictag import UnknownNameError, Vocabulary
from keras_musictag.bundled_files import bundled
from keras_musictag.tags import read_tags

NAMES = ("rock", "piano", "jazz", "sad")
GROUPS = ("genre", "instrument", "genre", "mood")


@pytest.fixture
def vocabulary():
    return Vocabulary(NAMES, GROUPS)


def test_it_is_a_sequence_of_names_in_order(vocabulary):
    assert list(vocabulary) == list(NAMES)
    assert len(vocabulary) == 4
    assert (vocabulary[0], vocabulary[-1], vocabulary[1:3]) == ("rock", "sad", ("piano", "jazz"))
    assert "jazz" in vocabulary and "folk" not in vocabulary
    assert list(reversed(vocabulary)) == ["sad", "jazz", "piano", "rock"]


def test_index_is_the_position_of_the_output(vocabulary):
    assert [vocabulary.index(name) for name in vocabulary] == [0, 1, 2, 3]


def test_the_error_suggests_the_nearest_tag(vocabulary):
    with pytest.raises(UnknownNameError, match=r"There is no tag 'Pianno'\. Did you mean 'piano'\?"):
        vocabulary.index("Pianno")


def test_a_group_keeps_the_order_of_the_tags(vocabulary):
    assert vocabulary.group("genre") == ("rock", "jazz")


def test_the_error_lists_each_group_once(vocabulary):
    with pytest.raises(UnknownNameError, match=r"no tag group 'genres'\. .*'genre'\? Known: genre, instrument, mood\."):
        vocabulary.group("genres")


def test_tags_without_groups_are_in_the_group_other():
    assert Vocabulary(("a", "b")).group("other") == ("a", "b")


def test_to_list_and_of_give_the_same_vocabulary(vocabulary):
    rows = vocabulary.to_list()
    assert rows[1] == {"name": "piano", "group": "instrument"}
    assert Vocabulary.of(rows) == vocabulary


def test_of_accepts_names_rows_and_vocabularies(vocabulary):
    assert Vocabulary.of(name for name in ["a", "b"]) == Vocabulary(("a", "b"))
    assert Vocabulary.of([{"name": "a"}, "b"]) == Vocabulary(("a", "b"))
    assert Vocabulary.of(vocabulary) is vocabulary


def test_lists_and_tuples_make_equal_vocabularies():
    assert Vocabulary(["a", "b"], ["x", "y"]) == Vocabulary(("a", "b"), ("x", "y"))
    assert hash(Vocabulary(["a", "b"])) == hash(Vocabulary(("a", "b")))


def test_order_and_groups_count_in_comparisons(vocabulary):
    assert Vocabulary(("a", "b")) != Vocabulary(("b", "a"))
    assert Vocabulary(NAMES) != vocabulary


def test_it_cannot_be_changed(vocabulary):
    with pytest.raises(AttributeError, match="names"):
        vocabulary.names = ("other",)


def test_copies_are_equal(vocabulary):
    assert copy.deepcopy(vocabulary) == vocabulary == pickle.loads(pickle.dumps(vocabulary))


def test_a_tag_may_occur_only_once():
    with pytest.raises(ValueError, match=r"Received more than once: a, c\."):
        Vocabulary(("c", "a", "b", "a", "c"))


@pytest.mark.parametrize("names", [("a", ""), ("a", None), (1, 2)])
def test_a_tag_must_be_a_string_that_is_not_empty(names):
    with pytest.raises(ValueError, match="Every tag must be a string that is not empty"):
        Vocabulary(names)


def test_groups_must_be_as_many_as_tags():
    with pytest.raises(ValueError, match=r"`groups` must have one entry for each of the 3 tags\. Received: 2"):
        Vocabulary(("a", "b", "c"), ("x", "y"))


def test_of_refuses_a_single_string():
    with pytest.raises(ValueError, match=r"single string 'rock': pass \['rock'\]"):
        Vocabulary.of("rock")


def test_the_constructor_refuses_a_single_string():
    with pytest.raises(ValueError, match="rock"):
        Vocabulary("rock")


def test_repr_shows_the_count_and_the_first_five():
    assert repr(Vocabulary(tuple("abcde"))) == "Vocabulary(5 tags: a, b, c, d, e)"
    assert repr(Vocabulary(tuple("abcdef"))) == "Vocabulary(6 tags: a, b, c, d, e, ...)"


def written(folder, content: bytes):
    path = folder / "tags.txt"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
@pytest.mark.parametrize("end", [b"", b"newline"])
def test_each_line_is_a_tag_and_a_group(tmp_path, newline, end):
    content = newline.join([b"no vocals\tvoice", "müsik\tgenre".encode()]) + end.replace(b"newline", newline)
    assert read_tags(written(tmp_path, content)) == Vocabulary(("no vocals", "müsik"), ("voice", "genre"))


def test_the_path_may_be_a_string(tmp_path):
    assert list(read_tags(str(written(tmp_path, b"a\tx\n")))) == ["a"]


@pytest.mark.parametrize("line", [b"rock", b"", b"rock genre", b"rock\tgenre\tmore"])
def test_the_error_states_the_file_and_the_invalid_line(tmp_path, line):
    path = written(tmp_path, b"piano\tinstrument\n" + line + b"\njazz\tgenre\n")
    with pytest.raises(ValueError, match=r"tags\.txt, line 2: expected `tag<TAB>group`\. Received: "):
        read_tags(path)


def test_the_error_names_a_tag_that_occurs_twice(tmp_path):
    with pytest.raises(ValueError, match=r"more than once: rock"):
        read_tags(written(tmp_path, b"rock\tgenre\nrock\tgenre\n"))


def test_a_line_without_a_tag_is_refused(tmp_path):
    with pytest.raises(ValueError, match="line 1: expected"):
        read_tags(written(tmp_path, b"\tgenre\n"))


def test_a_line_without_a_group_is_refused(tmp_path):
    with pytest.raises(ValueError, match="line 1"):
        read_tags(written(tmp_path, b"rock\t\n"))


def test_the_error_names_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nothing\.txt"):
        read_tags(tmp_path / "nothing.txt")


@pytest.mark.parametrize("dataset, first, last", [("mtat", "guitar", "choral"), ("msd", "rock", "happy")])
def test_bundled_lists_have_the_50_tags_of_the_literature(dataset, first, last):
    vocabulary = read_tags(bundled("tfrecords") / dataset / "tags.txt")
    assert (len(vocabulary), vocabulary[0], vocabulary[-1]) == (50, first, last)
