"""Two devices that share a batch train like one device."""

import json

import numpy as np
import pytest

from keras_musictag.training import model_setup

# Trains for some steps on one of two logical CPUs, then on both; dropout is off, because each device draws its own
TRAIN = """
import json, sys
from pathlib import Path
import keras
import numpy as np
import tensorflow as tf

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)

from keras_musictag.layers.fast_training import FusedBatchNormalization
from keras_musictag.records.folder import Records
from keras_musictag.training import model_setup
from keras_musictag.training.batches import Feed
from keras_musictag.training.model_setup import make_optimizer
from keras_musictag.training.recipe import Phase, Recipe
from keras_musictag.training.trainer import save_tagger
from keras_musictag.training.run_state import Settings, records_identity
from keras_musictag.training.run_state import Position

records, out = Records(sys.argv[1]), Path(sys.argv[2])
recipe = Recipe("a test", (Phase("sgd", 2e-5, 1),), batch_size=8, chunks_per_track=2, l2=1e-4)
settings = Settings("vgg", None, "chunk", "float32", recipe, records_identity(records), {"filters": 8})


class Losses(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.told = []

    def on_train_batch_end(self, batch, logs=None):
        self.told.append(float(logs["loss"]))


def train_tagger(strategy, path):
    replicas = model_setup.replicas_of(strategy)
    with model_setup.scope_of(strategy):
        tagger = model_setup.make_model(settings, records.vocabulary, replicas)
        for layer in tagger.layers:
            if isinstance(layer, keras.layers.Dropout):
                layer.rate = 0.0
            if isinstance(layer, keras.layers.BatchNormalization):
                assert layer.synchronized == (replicas > 1)
                layer.synchronized = True  # on one device, too: TensorFlow's fused operation rounds more
        model_setup.compile_for(tagger, recipe.phases[0], recipe, steps=100)
    feed, losses = Feed(records, recipe, tagger.spec.chunking.chunk_samples, drop_remainder=True), Losses()
    for epoch in range(2):
        tagger.fit(feed.batches(Position(epoch=epoch)), verbose=0, shuffle=False, callbacks=[losses])
    save_tagger(tagger, path)
    audio = np.random.default_rng(0).normal(0, 0.1, (2, tagger.input_shape[1])).astype("float32")
    in_memory = tagger(audio, training=False).numpy().tolist()
    saved = keras.models.load_model(path)(audio, training=False).numpy().tolist()
    return {"replicas": replicas, "losses": losses.told, "in_memory": in_memory, "saved": saved}


def train_smooth(strategy):
    keras.utils.set_random_seed(0)
    with model_setup.scope_of(strategy):
        x = inputs = keras.Input((16,))
        for units in (12, 8):
            x = FusedBatchNormalization(synchronized=True)(keras.layers.Dense(units, activation="tanh")(x))
        model = keras.Model(inputs, keras.layers.Dense(1, activation="sigmoid")(x))
        optimizer = make_optimizer(Phase("adam", 1e-2, 1), recipe, steps=100)
        model.compile(optimizer, "binary_crossentropy", jit_compile=False)
    rows = np.random.default_rng(0).normal(-5, 1, (64, 16)).astype("float32")
    labels = (rows.sum(axis=1, keepdims=True) > -80).astype("float32")
    return model.fit(rows, labels, batch_size=32, epochs=5, shuffle=False, verbose=0).history["loss"]


for number, strategy in enumerate((None, model_setup.make_strategy())):
    print(json.dumps({**train_tagger(strategy, out / f"{number}.keras"), "smooth": train_smooth(strategy)}))
"""


@pytest.mark.slow
def test_two_devices_train_like_one(records_folder, tmp_path, run_python):
    assert model_setup.make_strategy() is None  # in this process there is one device
    done = run_python(TRAIN, records_folder, tmp_path)
    assert done.returncode == 0, done.stderr
    one, two = results = [json.loads(line) for line in done.stdout.splitlines()[-2:]]
    assert (one["replicas"], two["replicas"]) == (1, 2)
    assert len(one["losses"]) == 6
    # float32 sums in another order: measured up to 2e-4, because the mean of features near -60 dB is subtracted. If
    # each device normalised by its own half, the losses would differ by 1e-1
    np.testing.assert_allclose(two["losses"], one["losses"], atol=5e-4)
    assert one["smooth"][-1] < 0.8 * one["smooth"][0]
    np.testing.assert_allclose(two["smooth"], one["smooth"], atol=1e-5)
    for result in results:
        np.testing.assert_allclose(result["saved"], result["in_memory"], atol=1e-6)
