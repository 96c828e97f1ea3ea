"""The batches of a run: every epoch has its own, from any step, though one pipeline serves all epochs."""

import numpy as np

from keras_musictag.records import Records, train_pipeline
from keras_musictag.records.tf_data.alteration import alter
from keras_musictag.training import Phase, Recipe, Teaching
from keras_musictag.training.batches import Feed
from keras_musictag.training.run_state import Position

SIZE = 8000
POSITIONS = [Position(epoch=epoch, step=step) for epoch, step in ((1, 2), (0, 0), (2, 0))]


def make_feed(records_folder, **settings):
    recipe = Recipe("a test", (Phase("adam", 1e-3, 4),), batch_size=5, chunks_per_track=2, **settings)
    return Feed(Records(records_folder), recipe, SIZE)


def three_epochs(feed, chunk_samples=SIZE):
    """The batches of a pipeline that gives one epoch after the other, as lists."""
    settings = {"batch_size": 5, "chunks_per_track": 2, "mixup_alpha": feed.recipe.mixup_alpha, "epochs": 3}
    batches = list(train_pipeline(feed.records, chunk_samples=chunk_samples, **settings))
    return [batches[epoch * feed.steps :][: feed.steps] for epoch in range(3)]


def test_each_position_has_the_batches_of_its_epoch(records_folder):
    feed = make_feed(records_folder, mixup_alpha=0.4)
    epochs = three_epochs(feed)
    for position in POSITIONS:
        wanted = epochs[position.epoch][position.step :]
        for mine, its in zip(feed.batches(position), wanted, strict=True):
            np.testing.assert_array_equal(mine[0], its[0])
            np.testing.assert_array_equal(mine[1], its[1])


def test_alterations_for_a_student_differ_between_epochs(records_folder):
    feed = make_feed(records_folder, teaching=Teaching())
    alterations = feed.recipe.teaching.alterations
    epochs = three_epochs(feed, alterations.crop_samples(SIZE))
    for position in POSITIONS:
        for step, (chunks, _) in enumerate(feed.batches(position), start=position.step):
            place = {"seed": feed.recipe.seed, "epoch": position.epoch, "step": step}
            wanted = alter(epochs[position.epoch][step][0], alterations, SIZE, 16000, **place)
            np.testing.assert_allclose(chunks, wanted, atol=1e-4)  # the graph rounds differently
        assert step == feed.steps - 1
