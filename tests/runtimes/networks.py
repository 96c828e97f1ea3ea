"""What the tests of the formats share: networks with random weights, and exports without the comparison."""

import tempfile
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np

from keras_musictag.runtimes import comparison, formats
from keras_musictag.runtimes.check_signals import KerasOutputs, scores_and_embeddings, signals
from keras_musictag.runtimes.engine_tagger import open_engine
from keras_musictag.runtimes.export_folder import complete_folder
from keras_musictag.runtimes.export_network import save_graph
from keras_musictag.runtimes.formats import _litert_convert, _litert_file, litert
from keras_musictag.tagger import Tagger, TaggerSpec


def random_tagger(name: str, chunk_seconds: float | None = None, config=None) -> Tagger:
    """A tagger with 20 tags whose normalisations fit their input, so that scores have a usual size."""
    keras.utils.set_random_seed(1)
    spec = TaggerSpec.of(name, [f"tag{i}" for i in range(20)], config)
    tagger = Tagger(spec if chunk_seconds is None else spec.with_chunk_seconds(chunk_seconds))
    for layer in tagger.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.0  # the statistics are those of the batch
    # all signals: statistics of similar chunks would magnify round-off
    tagger(np.concatenate(list(signals(tagger).values())), training=True)
    return tagger


def some_music(tagger: Tagger) -> KerasOutputs:
    """Three chunks of the demo clip and Keras's outputs for them."""
    chunks = signals(tagger)["music"][:3]
    return KerasOutputs(chunks, *scores_and_embeddings(tagger)(chunks))


def written(tagger: Tagger, folder, format: str, precision: str = "float32", form: str = "waveform"):
    """An exported folder and its artefact, without the comparison."""
    batch = formats.get(format).write(tagger, folder, precision, form)
    assert batch == (1 if format == "litert" else None)
    settings = {"format": format, "precision": precision, "input": form, "batch": batch}
    return folder, complete_folder(tagger, folder, **settings, licences=None, tolerance=1.0)


def convert_in_this_process(network, name):
    """As `litert._converted`, without the seconds that a separate process takes to import TensorFlow."""
    with tempfile.TemporaryDirectory() as folder:
        save_graph(network, folder, litert.BATCH)
        return _litert_file.read_model(_litert_convert.convert(folder))


def differences_in_this_process(folder, expected: dict[str, KerasOutputs]) -> dict[str, float]:
    """As `comparison.differences`, for formats that import TensorFlow, which takes a separate process seconds."""
    arrays = {f"{name}/{key}": array for name, part in expected.items() for key, array in vars(part).items()}
    return comparison.run_and_compare(folder, arrays)


def largest_differences(exported, wanted: dict[str, KerasOutputs]) -> tuple[float, float]:
    """The largest differences over all signals: of scores, and of embeddings as a share of the largest value."""
    run = open_engine(*exported, threads=1)
    scores, embeddings = [], []
    for signal in wanted.values():
        outputs = run(signal.inputs)
        assert outputs["scores"].dtype == outputs["embedding"].dtype == np.float32
        scores.append(np.abs(outputs["scores"] - signal.scores).max())
        largest = max(np.abs(signal.embedding).max(), 1e-30)  # for silence it may be zero
        embeddings.append(np.abs(outputs["embedding"] - signal.embedding).max() / largest)
    return np.max(scores), np.max(embeddings)  # unlike Python's `max`, this does not ignore a NaN


def check_threads_share(exported, chunks: np.ndarray) -> None:
    """Threads that call one engine at the same time get the results of separate calls."""
    run = open_engine(*exported, threads=1)
    inputs = [chunk[None] for chunk in chunks]
    alone = [run(one) for one in inputs] * 4
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(run, inputs * 4))
    for found, wanted in zip(together, alone, strict=True):
        for name in wanted:
            np.testing.assert_array_equal(found[name], wanted[name])


# How many threads an engine with so many threads adds to the process (None: the engine's own choice on one core), and
# which heavy packages were loaded.
PROBE = """
import json, os, sys
from pathlib import Path
import numpy as np
from keras_musictag.runtimes.artefact import read_artefact
from keras_musictag.runtimes.engine_tagger import open_engine

def threads():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("Threads"))

folder = Path(sys.argv[1])
artefact = read_artefact(folder)
before, counts = threads(), []
for wanted in json.loads(sys.argv[2]):
    if wanted is None:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1])
    run = open_engine(folder, artefact, threads=wanted)
    run(np.zeros((1, *artefact.input_shape), np.float32))
    counts.append(threads() - before)
    del run
print(json.dumps([counts, sorted({"tensorflow", "keras", "librosa", "onnx"} & set(sys.modules))]))
"""
