import shutil

import pytest

from keras_musictag import UnknownNameError, list_models
from keras_musictag.bundled_files import bundled
from keras_musictag.user_folders import HOME_VARIABLE
from keras_musictag.zoo import read_card, user_folder
from keras_musictag.zoo.catalog import cards, entries
from keras_musictag.zoo.resolving import resolve

BUNDLED = ["musicnn-mtat-v1", "musicnn-msd-v1", "vgg-mtat-v1", "vgg-msd-v1"]


def names(*args, **options):
    """Names in the order of the list, without entries that are bundled later: those must not break the tests."""
    found = [model.name for model in list_models(*args, **options)]
    return [name for name in found if name in BUNDLED or name not in later()]


def later():
    return {path.name for path in bundled("zoo").iterdir()} - set(BUNDLED)


def renamed(name):
    return lambda card: card.update(name=name)


def trained_on(name, dataset):
    return lambda card: (card.update(name=name), card["trained_on"].update(dataset=dataset))


def test_the_default_entry_of_each_architecture_comes_first():
    assert names() == BUNDLED


@pytest.mark.parametrize(
    "pattern, expected",
    [
        ("*cnn*", BUNDLED[:2]),
        ("vgg-*", BUNDLED[2:]),
        ("*-msd-v?", [BUNDLED[1], BUNDLED[3]]),
        ("[mv]*-mtat-v1", [BUNDLED[0], BUNDLED[2]]),
        ("vgg", []),
        ("VGG*", []),
    ],
)
def test_a_pattern_must_match_the_whole_name(pattern, expected):
    assert names(pattern) == expected


def test_a_dataset_and_a_pattern_must_both_fit():
    assert names(dataset="msd") == ["musicnn-msd-v1", "vgg-msd-v1"]
    assert names("vgg*", dataset="msd") == ["vgg-msd-v1"]
    assert names("vgg-mtat*", dataset="msd") == []


def test_an_unknown_dataset_lists_those_with_entries():
    with pytest.raises(UnknownNameError, match=r"'mtt'\. Did you mean 'mtat'\? Known: .*\bmsd, .*mtat"):
        list_models(dataset="mtt")


def test_a_line_says_what_the_card_says():
    (line,) = list_models("vgg-msd-v1")
    card = read_card(bundled("zoo") / "vgg-msd-v1")
    assert (line.architecture, line.dataset, line.num_tags) == ("vgg", "msd", 50)
    assert (line.parameters, line.licence, line.summary) == (607030, "ISC", card.summary)


def test_the_user_folder_follows_the_environment_variable(monkeypatch, tmp_path):
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    assert user_folder() == tmp_path / "zoo"
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    monkeypatch.setenv(HOME_VARIABLE, "~/models")
    assert user_folder() == tmp_path / "me" / "models" / "zoo"


def test_without_the_variable_the_user_folder_is_the_systems(monkeypatch, tmp_path):
    monkeypatch.delenv(HOME_VARIABLE)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert user_folder().is_relative_to(tmp_path)
    assert user_folder().name == "zoo"


def test_a_user_folder_that_does_not_exist_is_empty(monkeypatch, tmp_path):
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "nowhere"))
    assert names() == BUNDLED


def test_an_entry_copied_to_the_users_zoo_is_listed(edited_entry):
    folder = edited_entry("vgg-jam-v1", trained_on("vgg-jam-v1", "jam"))
    assert entries()["vgg-jam-v1"] == folder
    assert names() == [*BUNDLED, "vgg-jam-v1"]  # a dataset without a rank comes last
    assert names(dataset="jam") == ["vgg-jam-v1"]


def test_a_bundled_entry_takes_precedence_over_a_users(edited_entry):
    edited_entry("vgg-mtat-v1", lambda card: card.update(summary="mine"))
    assert entries()["vgg-mtat-v1"] == bundled("zoo") / "vgg-mtat-v1"
    assert [model.summary for model in list_models("vgg-mtat-v1")] != ["mine"]
    assert names() == BUNDLED


def test_it_says_where_the_weights_are(edited_entry):
    edited_entry("vgg-msd-v2", renamed("vgg-msd-v2"), source="vgg-msd-v1")
    found = {model.name: model.weights for model in list_models()}
    assert [found[name] for name in ("vgg-msd-v1", "vgg-msd-v2", "fcn-msd-v1")] == ["bundled", "yours", "fetched"]


def test_a_folder_without_a_card_is_not_an_entry(user_zoo):
    shutil.copytree(bundled("zoo") / "vgg-mtat-v1", user_zoo / "vgg-new-v1")
    (user_zoo / "vgg-new-v1" / "card.json").unlink()
    (user_zoo / "notes.txt").write_text("no folder")
    assert "vgg-new-v1" not in entries() and "notes.txt" not in entries()


def test_the_default_entry_is_the_one_of_the_first_dataset():
    assert cards("musicnn")[0].name == "musicnn-mtat-v1"
    assert resolve("musicnn").card.name == "musicnn-mtat-v1"
    assert resolve("musicnn", "msd").card.name == "musicnn-msd-v1"


def test_an_architecture_without_entries_has_no_cards():
    assert cards("nothing") == []
    assert {card.architecture for card in cards("vgg")} == {"vgg"}


def test_the_newest_version_is_found_by_number(edited_entry):
    for version in (9, 10):
        edited_entry(f"vgg-msd-v{version}", renamed(f"vgg-msd-v{version}"), source="vgg-msd-v1")
    assert resolve("vgg", "msd").card.name == "vgg-msd-v10"
    assert names("vgg-msd-*") == ["vgg-msd-v10", "vgg-msd-v9", "vgg-msd-v1"]


def test_a_newer_entry_of_a_later_dataset_is_not_the_default(edited_entry):
    edited_entry("vgg-msd-v2", renamed("vgg-msd-v2"), source="vgg-msd-v1")
    assert resolve("vgg").card.name == "vgg-mtat-v1"


def test_a_name_without_a_version_does_not_break_the_list(edited_entry):
    edited_entry("my-vgg", renamed("my-vgg"))
    assert set(BUNDLED) <= set(names())


def test_a_damaged_card_does_not_hide_the_bundled_default(edited_entry):
    (edited_entry("vgg-jam-v1") / "card.json").write_text("{")
    assert resolve("musicnn").card.name == "musicnn-mtat-v1"


def test_a_renamed_copy_causes_a_warning_and_is_not_listed(edited_entry):
    edited_entry("my-copy-v1")  # the card still says vgg-mtat-v1
    with pytest.warns(UserWarning, match="my-copy-v1 holds the card of 'vgg-mtat-v1'"):
        assert names() == BUNDLED
