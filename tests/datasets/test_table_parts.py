"""A split that a table states is used, or refused by name; it is never ignored."""

import pytest

from keras_musictag.datasets import csv
from keras_musictag.errors import DatasetError


@pytest.fixture
def split_of(table):
    """The part of each row of a table whose last columns hold the given cells, one list per column."""

    def read(columns, **options):
        cells = zip(*columns.values(), strict=True)
        lines = [f"{i}.mp3,{'ab'[i % 2]},{','.join(row)}\n" for i, row in enumerate(cells)]
        manifest = csv.manifest(table(f"path,tags,{','.join(columns)}\n" + "".join(lines)), **options)
        return [track.part for track in manifest.tracks], manifest.split

    return read


@pytest.mark.parametrize(
    "name", ["part", "split", "Split", "FOLD", "set", "SubSet", "partition", "data_split", "cv-fold", "split0"]
)
def test_a_column_is_recognised_by_its_name(split_of, name):
    assert split_of({name: ["train", "valid", "test"]}) == (["train", "valid", "test"], f"column {name!r}")


@pytest.mark.parametrize("name", ["Usage", "phase", "x"])
def test_a_column_is_recognised_by_its_values(split_of, name):
    assert split_of({name: ["Train", "dev", "test"]}) == (["train", "valid", "test"], f"column {name!r}")


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["train", "Training", "'TRAIN"], ["train"] * 3),
        (["train", "valid", "Validation", "VAL"], ["train", "valid", "valid", "valid"]),
        (["train", "dev", "test", "Testing"], ["train", "valid", "test", "test"]),
        (["training", "val", "eval", "evaluation"], ["train", "valid", "test", "test"]),
        (["test", "test"], ["test", "test"]),
    ],
)
def test_words_for_the_parts_are_understood(split_of, words, parts):
    assert split_of({"split": words})[0] == parts


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["train", "test", "eval"], "line 4, column 'split'.*which part 'eval' means in a column with test"),
        (["train", "Dev", "valid"], "line 3, column 'split'.*which part 'Dev' means in a column with valid"),
        (["dev", "eval", "dev"], "line 2, column 'split'.*which part 'dev' means in a column without train"),
        (["train", "", "test"], "line 3, column 'split': expected a part. Received: nothing.*--part-column none"),
        (["train", "B", "test"], "line 3, column 'split'.*Received: 'B'.*--test-fold.*--part-column none"),
        (["1", "2", "3"], "line 2, column 'split'.*Received: '1'.*--test-fold and --valid-fold"),
    ],
)
def test_ambiguous_words_are_refused(split_of, words, message):
    with pytest.raises(DatasetError, match=message):
        split_of({"split": words})


def test_folds_are_parts_once_they_are_named(split_of):
    folds = {"fold": ["1", "2.0", "3", "3.0", "4"]}
    assert split_of(folds, test_folds=["3"], valid_folds=[2]) == (
        ["train", "valid", "test", "test", "train"],
        "column 'fold', test 3, valid 2",
    )
    assert split_of(folds, test_folds=["4", "1"])[0] == ["test", "train", "train", "train", "test"]
    with pytest.raises(DatasetError, match="column 'fold': there is no fold '7'. Known: 1, 2, 3, 4"):
        split_of(folds, test_folds=["7"])
    with pytest.raises(ValueError, match="Folds must be lists.*'12'"):
        split_of(folds, test_folds="12")
    with pytest.raises(ValueError, match="must differ.*both: 1"):
        split_of(folds, test_folds=["1"], valid_folds=["1.0"])


def test_any_values_can_be_named_as_folds(split_of):
    assert split_of({"is_test": ["0", "1", "0"]}, test_folds=["1"])[0] == ["train", "test", "train"]
    assert split_of({"split": ["dev", "Eval", "x"]}, test_folds=["eval"], valid_folds=["DEV"])[0] == [
        "valid",
        "test",
        "train",
    ]
    with pytest.raises(DatasetError, match="no column of folds.*--part-column"):
        split_of({"title": ["a", "b", "c"]}, test_folds=["a"])


def test_the_option_chooses_among_columns(split_of):
    columns = {"split": ["train", "valid", "test"], "subset": ["small", "small", "large"]}
    with pytest.raises(DatasetError, match="the columns 'split' and 'subset' look like splits.*--part-column split"):
        split_of(columns)
    assert split_of(columns, part_column="SPLIT")[1] == "column 'split'"
    assert split_of(columns, part_column="none")[1].startswith("seed 0")
    with pytest.raises(DatasetError, match="no column 'part', which --part-column.*Received: path, tags, split"):
        split_of(columns, part_column="part")


def test_part_columns_of_zeros_and_ones_are_not_tags(table):
    for name in ("train", "is_test", "valid"):
        with pytest.raises(DatasetError, match=f"line 2, column '{name}': expected a part. Received: '1'"):
            csv.manifest(table(f"path,rock,{name}\na,1,1\nb,0,0\n"))


def test_empty_columns_are_ignored(split_of):
    assert split_of({"split": ["", "", ""], "set": ["train", "valid", "test"]})[1] == "column 'set'"
    assert split_of({"title": ["train", "train", "train"]})[1].startswith("seed 0")  # a song may have this title


@pytest.mark.parametrize("name", ["train_set", "testSet", "isTest", "is_in_train", "train/test", "dataSplit"])
def test_a_column_is_recognised_by_a_compound_name(split_of, name):
    with pytest.raises(DatasetError, match=f"column '{name}': expected a part. Received: '1'"):
        split_of({name: ["1", "0", "0"]})


@pytest.mark.parametrize("name", ["train horn", "dataset", "data_set", "Blindfolded", "unset", "test_pressing"])
def test_a_column_with_another_name_is_ignored(split_of, name):
    assert split_of({name: ["1", "0", "0"]})[1].startswith("seed 0")


@pytest.mark.parametrize("name", ["train", "Set", "test"])
def test_the_option_makes_a_part_name_a_tag(table, name):
    drawn = table(f"path,rock,{name}\na,1,1\nb,0,0\nc,0,1\n")
    with pytest.raises(DatasetError, match="If the column is a tag, pass --part-column"):
        csv.manifest(drawn)
    manifest = csv.manifest(drawn, part_column="none")
    assert list(manifest.vocabulary) == ["rock", name] and manifest.tracks[2].tags == (name,)
    stated = table(f"path,split,rock,{name}\na,train,1,1\nb,valid,0,0\nc,test,0,1\n")
    assert list(csv.manifest(stated, part_column="split").vocabulary) == ["rock", name]


def test_stated_parts_never_become_tags(table):
    content = "path,rock,train,test,is_valid\na,1,1,0,0\nb,0,0,1,0\nc,0,0,0,1\n"
    for column in ("none", "test", "is_valid"):
        with pytest.raises(DatasetError, match="columns 'train' and 'test' and 'is_valid' look like parts, but 't"):
            csv.manifest(table(content), part_column=column, test_folds=["1"] if column != "none" else [])
    content = content.replace("train", "is_train").replace("test", "is_test")
    manifest = csv.manifest(table(content), part_column="is_test", test_folds=["1"])
    assert list(manifest.vocabulary) == ["rock"]
