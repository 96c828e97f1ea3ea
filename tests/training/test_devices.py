"""Two devices that share a batch train as one device does."""

import json

import numpy as np
import pytest

# Trains for some steps on as many logical CPUs as the first argument says; dropout is off, as each device draws its own
TRAIN = """
import json, sys
import keras
import numpy as np
import tensorflow as tf

devices, records, out = int(sys.argv[1]), *sys.argv[2:]
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * devices)

from keras_musictag.layers.network_layers import FusedBatchNormalization
from keras_musictag.records.folder import Records
from keras_musictag.training import network
from keras_musictag.training.batches import Feed
from keras_musictag.training.network import make_optimizer
from keras_musictag.training.recipe import Phase, Recipe
from keras_musictag.training.trainer import save_tagger
from keras_musictag.training.state import Settings, facts_of
from keras_musictag.training.state import Position

records = Records(records)
recipe = Recipe("a test", (Phase("sgd", 2e-5, 1),), batch_size=8, chunks_per_track=2, l2=1e-4)
settings = Settings("musicnn", None, "chunk", "float32", recipe, facts_of(records))
strategy = network.make_strategy()
replicas = network.replicas_of(strategy)
with network.scope_of(strategy):
    tagger = network.make_model(settings, records.vocabulary, replicas)
    for layer in tagger.layers:
        if isinstance(layer, keras.layers.Dropout):
            layer.rate = 0.0
        if isinstance(layer, keras.layers.BatchNormalization):
            assert layer.synchronized == (replicas > 1)
            layer.synchronized = True  # on one device, too: TensorFlow's fused operation rounds more
    network.compile_for(tagger, recipe.phases[0], recipe, steps=100)
with network.scope_of(strategy):
    x = inputs = keras.Input((16,))
    for units in (12, 8):
        x = FusedBatchNormalization(synchronized=True)(keras.layers.Dense(units, activation="tanh")(x))
    model = keras.Model(inputs, keras.layers.Dense(1, activation="sigmoid")(x))
    model.compile(make_optimizer(Phase("adam", 1e-2, 1), recipe, steps=100), "binary_crossentropy", jit_compile=False)
random = np.random.default_rng(0)
rows = random.normal(-5, 1, (64, 16)).astype("float32")
labels = (rows.sum(axis=1, keepdims=True) > -80).astype("float32")
smooth = model.fit(rows, labels, batch_size=32, epochs=5, shuffle=False, verbose=0).history["loss"]

feed = Feed(records, recipe, tagger.spec.chunking.chunk_samples, drop_remainder=True)
losses = []

class Losses(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        losses.append(float(logs["loss"]))

for epoch in range(2):
    tagger.fit(feed.batches(Position(epoch=epoch)), verbose=0, shuffle=False, callbacks=[Losses()])
save_tagger(tagger, __import__("pathlib").Path(out))
audio = np.random.default_rng(0).normal(0, 0.1, (2, tagger.input_shape[1])).astype("float32")
in_memory = tagger(audio, training=False).numpy().tolist()
saved = keras.models.load_model(out)(audio, training=False).numpy().tolist()
print(json.dumps({"replicas": replicas, "losses": losses, "smooth": smooth, "in_memory": in_memory, "saved": saved}))
"""


@pytest.mark.slow
def test_two_devices_have_the_loss_curve_of_one_and_save_what_they_trained(records_folder, tmp_path, run_python):
    results = []
    for devices in (1, 2):
        done = run_python(TRAIN, devices, records_folder, tmp_path / f"{devices}.keras")
        assert done.returncode == 0, done.stderr
        results.append(json.loads(done.stdout.splitlines()[-1]))
    one, two = results
    assert (one["replicas"], two["replicas"]) == (1, 2)
    assert len(one["losses"]) == 6
    # float32 sums in another order. Where each device normalises by its own half, the losses differ by 1e-1
    np.testing.assert_allclose(two["losses"][0], one["losses"][0], atol=1e-5)
    # normalised over 8 rows, some of MusiCNN's units hardly vary, and their rounding moves single losses by 4e-5
    np.testing.assert_allclose(two["losses"], one["losses"], atol=5e-4)
    assert one["smooth"][-1] < 0.8 * one["smooth"][0]
    np.testing.assert_allclose(two["smooth"], one["smooth"], atol=1e-5)
    for result in results:
        np.testing.assert_allclose(result["saved"], result["in_memory"], atol=1e-6)
