"""Recipes: files that are read, checked, and state what they say."""

import json

import pytest

from keras_musictag.errors import UnknownNameError
from keras_musictag.training import Phase, Recipe, read_recipe, with_changes
from keras_musictag.training.recipe import names

PHASE = {"optimizer": "adam", "learning_rate": 1e-3, "epochs": 2}


def write(folder, **changes):
    path = folder / "recipe.json"
    path.write_text(json.dumps({"summary": "a test", "phases": [PHASE], **changes}))
    return path


def test_the_2020_schedule_is_the_published_one():
    """The numbers are from section 4 of the reference document, which has them from Won et al.'s training code."""
    recipe = read_recipe("won2020")
    assert [(p.optimizer, p.learning_rate, p.epochs) for p in recipe.phases] == [
        ("adam", 1e-4, 80),
        ("sgd", 1e-3, 20),
        ("sgd", 1e-4, 20),
        ("sgd", 1e-5, 80),  # until epoch 200
    ]
    assert all(p.momentum == 0.9 and p.layers == "all" for p in recipe.phases)
    assert (recipe.batch_size, recipe.l2, recipe.chunks_per_track, recipe.validation_chunks) == (16, 1e-4, 1, 16)
    assert (recipe.patience, recipe.mixup_alpha, recipe.spec_augment, recipe.deform_probability) == (0, 0, None, 0)


@pytest.mark.parametrize("name", names())
def test_every_recipe_survives_writing_and_reading(name, tmp_path):
    recipe = read_recipe(name)
    assert recipe.summary
    path = tmp_path / "again.json"
    path.write_text(json.dumps(recipe.to_dict()))
    assert read_recipe(path) == recipe


def test_your_own_recipe_keeps_its_settings(tmp_path):
    masks = {"max_time_frames": 9, "mask_value": 0.0}
    recipe = read_recipe(write(tmp_path, seed=7, spec_augment=masks, deform_probability=0.25))
    assert recipe == Recipe("a test", (Phase("adam", 1e-3, 2),), seed=7, spec_augment=masks, deform_probability=0.25)


def test_epochs_are_limited_to_the_given_number():
    changed = with_changes(read_recipe("finetune"), epochs=12, batch_size=None)
    assert [phase.epochs for phase in changed.phases] == [10, 12] and changed.batch_size == 16


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"batchsize": 4}, "no setting of a recipe 'batchsize'. Did you mean 'batch_size'?"),
        ({"phases": [{**PHASE, "rate": 1}]}, "no setting of a phase 'rate'"),
        ({"phases": [{**PHASE, "optimizer": "adamw"}]}, "no optimizer 'adamw'. Did you mean 'adam'?"),
        ({"phases": [{**PHASE, "layers": "body"}]}, "Known: all, head"),
        ({"best_by": "f1"}, "no measure for `best_by` 'f1'.*Known: loss, roc_auc, pr_auc"),
        ({"phases": [{**PHASE, "schedule": "linear"}]}, "no schedule 'linear'"),
        ({"teaching": {"temperature": 3}}, "no setting of `teaching` 'temperature'"),
        ({"teaching": {"alterations": {"reverb": 3}}}, "no setting of an alteration 'reverb'"),
        ({"spec_augment": {"frames": 3}}, "no setting of `spec_augment` 'frames'"),
    ],
)
def test_an_unknown_name_is_reported(changes, message, tmp_path):
    with pytest.raises(UnknownNameError, match=message):
        read_recipe(write(tmp_path, **changes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"phases": []}, "at least one entry in `phases`"),
        ({"phases": [3]}, "`phases` of a recipe must be a list of objects"),
        ({"phases": [{"optimizer": "adam"}]}, "settings of a phase are missing: learning_rate"),
        ({"phases": [{**PHASE, "learning_rate": "1e-3"}]}, "`learning_rate` of a phase must be a number.*'1e-3'"),
        ({"phases": [{**PHASE, "learning_rate": 0}]}, "`learning_rate` above 0"),
        ({"phases": [{**PHASE, "momentum": 1}]}, "`momentum` from 0 to below 1"),
        ({"phases": [{**PHASE, "epochs": 0}]}, "`epochs` or `steps` of 1 or more"),
        ({"phases": [{**PHASE, "warmup_steps": 5}]}, "`warmup_steps` must be 0 or more, and 0 unless"),
        ({"teaching": 3}, "`teaching` of a recipe must be an object of settings. Received: 3"),
        ({"teaching": {"logits": -1}}, "loss weights of `teaching` must be 0 or more"),
        ({"teaching": {"average": 1}}, "an `average` from 0 to below 1"),
        (
            {"teaching": {"alterations": {"gain_db": 3}}},
            r"`gain_db` of an alteration must be \(low, high\). Received: 3",
        ),
        ({"teaching": {"alterations": {"mix_probability": 2}}}, "must be from 0 to 1. Received: 2"),
        ({"teaching": {}, "best_by": "roc_auc"}, 'A recipe for teaching must .* have best_by "loss"'),
        ({"batch_size": 0}, "`batch_size` of a recipe must be 1 or more"),
        ({"batch_size": 1.5}, "`batch_size` of a recipe must be a whole number"),
        ({"seed": True}, "`seed` of a recipe must be a whole number"),
        ({"deform_probability": 2}, "`deform_probability` of a recipe must be from 0 to 1"),
        ({"spec_augment": True}, "`spec_augment` of a recipe must be an object of settings, or null. Received: True"),
    ],
)
def test_a_value_out_of_range_is_reported(changes, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        read_recipe(write(tmp_path, **changes))


def test_an_invalid_recipe_file_is_reported(tmp_path):
    path = tmp_path / "recipe.json"
    for text, message in (("{", "not valid JSON"), ("[1]", "must contain a JSON object"), ("{}", "`phases`")):
        path.write_text(text)
        with pytest.raises(ValueError, match=message):
            read_recipe(path)
    with pytest.raises(UnknownNameError, match="no recipe 'won2019'. Did you mean 'won2020'.*path of a .json file"):
        read_recipe("won2019")
