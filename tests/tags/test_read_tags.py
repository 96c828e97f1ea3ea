import pytest

from keras_musictag import Vocabulary
from keras_musictag.bundled_files import bundled
from keras_musictag.tags import read_tags


def written(folder, content: bytes):
    path = folder / "tags.txt"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
@pytest.mark.parametrize("end", [b"", b"newline"])
def test_a_line_is_a_tag_and_its_group_whatever_ends_it(tmp_path, newline, end):
    content = newline.join([b"no vocals\tvoice", "müsik\tgenre".encode()]) + end.replace(b"newline", newline)
    assert read_tags(written(tmp_path, content)) == Vocabulary(("no vocals", "müsik"), ("voice", "genre"))


def test_the_path_may_be_a_string(tmp_path):
    assert list(read_tags(str(written(tmp_path, b"a\tx\n")))) == ["a"]


@pytest.mark.parametrize("line", [b"rock", b"", b"rock genre", b"rock\tgenre\tmore"])
def test_a_line_of_another_form_is_named_by_file_and_number(tmp_path, line):
    path = written(tmp_path, b"piano\tinstrument\n" + line + b"\njazz\tgenre\n")
    with pytest.raises(ValueError, match=r"tags\.txt, line 2: expected `tag<TAB>group`\. Received: "):
        read_tags(path)


def test_a_tag_that_stands_twice_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"more than once: rock"):
        read_tags(written(tmp_path, b"rock\tgenre\nrock\tgenre\n"))


def test_a_line_without_a_tag_is_refused(tmp_path):
    with pytest.raises(ValueError, match="line 1: expected"):
        read_tags(written(tmp_path, b"\tgenre\n"))


def test_a_line_without_a_group_is_refused(tmp_path):
    with pytest.raises(ValueError, match="line 1"):
        read_tags(written(tmp_path, b"rock\t\n"))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nothing\.txt"):
        read_tags(tmp_path / "nothing.txt")


@pytest.mark.parametrize("dataset, first, last", [("mtat", "guitar", "choral"), ("msd", "rock", "happy")])
def test_the_bundled_lists_have_fifty_tags_in_the_order_of_the_literature(dataset, first, last):
    vocabulary = read_tags(bundled("tfrecords") / dataset / "tags.txt")
    assert (len(vocabulary), vocabulary[0], vocabulary[-1]) == (50, first, last)
