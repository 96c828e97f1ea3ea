import json

import numpy as np
import pytest

from keras_musictag import demo_clip, load
from keras_musictag.bundled_files import bundled
from keras_musictag.tags import read_tags
from keras_musictag.user_folders import HOME_VARIABLE
from keras_musictag.zoo import user_folder
from tests import shared
from tests.cli.test_main import HEAVY, imported
from tests.zoo.importers.test_checkpoint import fcn_state, write
from tests.zoo.importers.test_sota2020 import tagger_of

REAL = {"fcn": "mtat_fcn", "crnn": "mtat_crnn", "musicnn_2020": "mtat_musicnn"}


@pytest.fixture
def checkpoint(folder) -> str:
    write(folder / "best_model.pth", fcn_state())
    return "best_model.pth"


def options(architecture="fcn", dataset="mtat") -> list[str]:
    return ["--architecture", architecture, "--dataset", dataset]


@pytest.mark.needs("shared")
@pytest.mark.parametrize("architecture", REAL)
def test_a_published_checkpoint_is_imported_and_tags(call, architecture):
    path = shared.FOLDER / "reference" / "upstream" / f"{REAL[architecture]}.pth"
    outcome = call("zoo", "import", path, *options(architecture))
    name = f"{architecture}-mtat-v2"
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.splitlines()[0] == f"Wrote {user_folder() / name}"
    assert f"keras_musictag.load('{name}')" in outcome.out
    assert load(name).vocabulary == read_tags(bundled("tfrecords") / "mtat" / "tags.txt")
    tagged = call("tag", demo_clip(), "--model", name, "--top", 50, "--format", "json")
    (row,) = json.loads(tagged.out)
    expected = tagger_of(architecture, "mtat").tag(demo_clip(), top=50)
    assert row["tags"] == expected.to_dict()["tags"]


@pytest.mark.needs("shared")
@pytest.mark.slow
def test_the_script_imports_into_the_given_folder(run, folder, environment, tmp_path):
    path = shared.FOLDER / "reference" / "upstream" / "mtat_crnn.pth"
    environment = {**environment, HOME_VARIABLE: str(tmp_path / "home")}
    arguments = ["zoo", "import", path, *options("crnn"), "--out", "entries"]
    outcome = run(*arguments, cwd=folder, env=environment)
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.startswith("Wrote entries/crnn-mtat-v2\n")
    assert "keras_musictag.load('entries/crnn-mtat-v2')" in outcome.out
    assert not (tmp_path / "home").exists()
    loaded, expected = load(folder / "entries" / "crnn-mtat-v2"), tagger_of("crnn", "mtat")
    np.testing.assert_array_equal(loaded.taggram(demo_clip()).scores, expected.taggram(demo_clip()).scores)


def test_each_import_makes_a_separate_entry(call, checkpoint, folder):
    for version in (2, 3):  # 1 is bundled
        outcome = call("zoo", "import", checkpoint, *options(dataset="mtg-jamendo"), "--out", ".")
        assert outcome.out.startswith(f"Wrote fcn-mtg-jamendo-v{version}\n")
        assert (folder / f"fcn-mtg-jamendo-v{version}" / "card.json").is_file()


@pytest.mark.parametrize(
    "chosen, said",
    [
        (options("crnn"), "best_model.pth does not fit crnn. Missing: gru1/"),
        (options("crnn"), "It fits 'fcn': pass that as the architecture."),
        (options("musicnn"), "There is no network of the 2020 evaluation 'musicnn'. Did you mean 'musicnn_2020'?"),
        (options(dataset="jamendo"), "There is no dataset 'jamendo'. Did you mean 'mtg-jamendo'?"),
    ],
)
def test_a_wrong_choice_is_one_line_and_exit_code_1(call, checkpoint, folder, chosen, said):
    outcome = call("zoo", "import", checkpoint, *chosen, "--out", "entries")
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.startswith("Error: ") and said in outcome.err and outcome.err.count("\n") == 1
    assert not (folder / "entries").exists()


@pytest.mark.parametrize(
    "path, said", [("gone.pth", "There is no checkpoint at gone.pth;"), ("text.pth", "it was not loaded")]
)
def test_an_invalid_checkpoint_is_one_line_and_exit_code_1(call, folder, path, said):
    (folder / "text.pth").write_text("words")
    outcome = call("zoo", "import", path, *options())
    assert (outcome.code, outcome.out) == (1, "")
    assert said in outcome.err and outcome.err.count("\n") == 1
    assert not user_folder().exists()


def test_a_file_instead_of_the_folder_is_an_error(call, checkpoint):
    outcome = call("zoo", "import", checkpoint, *options(), "--out", checkpoint)
    assert outcome.code == 2 and "'best_model.pth' is a file" in outcome.err


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["import"], "Missing argument 'CHECKPOINT'"),
        (["import", "a.pth", "--dataset", "mtat"], "Missing option '--architecture'"),
        (["import", "a.pth", "--architecture", "fcn"], "Missing option '--dataset'"),
        (["export"], "No such command 'export'"),
    ],
)
def test_invalid_usage_exits_with_2(call, arguments, said):
    outcome = call("zoo", *arguments)
    assert (outcome.code, outcome.out) == (2, "") and said in outcome.err


def test_help_loads_no_network(run, environment, folder):
    for arguments in (["zoo", "--help"], ["zoo", "import", "--help"]):
        outcome = run(*arguments, cwd=folder, env={**environment, "PYTHONPROFILEIMPORTTIME": "1"})
        assert outcome.code == 0 and "import" in outcome.out
        assert not imported(outcome.err) & HEAVY
