"""LiteRT (formerly TensorFlow Lite): `model.tflite`, of builtin operators only, for one chunk at a time, on the CPU.

Running a model needs `ai-edge-litert`, and no TensorFlow.
"""

import re
import signal
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from keras_musictag.errors import ExportError
from keras_musictag.processes import run_python, usable_cores
from keras_musictag.runtimes.artefact import INPUT_NAMES, Artefact
from keras_musictag.runtimes.example_program import fill_example
from keras_musictag.runtimes.formats import _litert_convert, _litert_file, check_installed
from keras_musictag.runtimes.formats._conversion import OUTPUTS, converter_error, missing_operators
from keras_musictag.runtimes.formats._litert_file import BUFFER_NAME, metadata_buffer, with_tags
from keras_musictag.runtimes.formats._litert_quantise import quantise

if TYPE_CHECKING:  # running an exported model must not import Keras
    import keras

    from keras_musictag.tagger import Tagger

TOOLS = ("tensorflow", "keras", "ai-edge-litert")  # `artefact.json` states their versions
MODEL_FILE = "model.tflite"


def open_model(
    folder: Path, artefact: Artefact, threads: int | None = None
) -> Callable[[np.ndarray], dict[str, np.ndarray]]:
    """Opens the model of an exported folder.

    Args:
        folder: A folder with `model.tflite`.
        artefact: Its `Artefact`.
        threads: Number of threads; None for one per core of this process (LiteRT's default is one).

    Returns:
        A function from float32 (batch, ...), of any batch size, to `{"scores": (batch, tags), "embedding": (batch,
        features)}`, float32. Threads may share it: calls run one at a time.

    Raises:
        ExportError: If `ai-edge-litert` is not installed.
        ValueError: If the file is not a model.
    """
    check_installed("LiteRT", "ai_edge_litert")
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(Path(folder) / MODEL_FILE), num_threads=threads or usable_cores())
    run_one = interpreter.get_signature_runner()
    (name,) = run_one.get_input_details()
    lock = threading.Lock()  # an interpreter has one set of tensors

    def run(batch: np.ndarray) -> dict[str, np.ndarray]:
        batch = np.ascontiguousarray(batch, np.float32)
        # one by one: models resized to a batch do not run (crnn once did, for the first chunk only)
        with lock:
            each = [run_one(**{name: batch[i : i + 1]}) for i in range(len(batch))]
        none = {output: np.zeros((0, *size), np.float32) for output, size in artefact.outputs.items()}
        return {output: np.concatenate([none[output], *(one[output] for one in each)]) for output in none}

    return run


def example(artefact: Artefact) -> str:
    """Returns the text of `example.py`: see `fill_example`."""
    return fill_example(
        artefact,
        package="ai-edge-litert",
        imports="from ai_edge_litert.interpreter import Interpreter",
        opening='run = Interpreter(str(folder / "model.tflite")).get_signature_runner()',
        run=f'run({INPUT_NAMES[artefact.input]}=chunk[None])["scores"]',
    )


# Largest allowed difference of a score from Keras. Measured on music, silence, noise and full scale, with trained
# weights: 4.5e-5 (another STFT, whose round-off the decibel magnifies in silent bands), 1.1e-3 (rounded weights) and
# 4.8e-2 (also 8 bits for the inputs of convolutions: one chunk of music in `vgg`; 3.1e-2 in `musicnn`). In some
# networks random weights exceed each of them (8e-4, 6e-3 and 0.13 were measured) and are refused.
PRECISIONS = {"float32": 5e-4, "float16": 3e-3, "int8": 6e-2}
INPUTS = ("waveform", "log-mel")
BATCH = 1  # a GRU cannot be converted with any other
TIMEOUT_SECONDS = 1800.0  # ends a converter that hangs; the slowest network takes less than a minute
OUTPUT_TEXTS = {
    "scores": "A score from 0 to 1 for each tag of tags.txt.",
    "embedding": "The features that the network's last layer computes the scores from.",
}


def write(tagger: "Tagger", folder: Path, precision: str, form: str) -> int:
    """Writes `model.tflite`, with the tags in it. The front end is float32 in every precision.

    Args:
        tagger: A tagger with its weights.
        folder: An existing folder.
        precision: One of `PRECISIONS`.
        form: One of `INPUTS`.

    Returns:
        1, the only batch size that the model takes.

    Raises:
        ExportError: If `ai-edge-litert`, which runs the file, is not installed, or as in `_converted`.
    """
    check_installed("LiteRT", "ai_edge_litert")
    from keras_musictag.runtimes.export_network import exported_network

    model = _converted(exported_network(tagger, form), tagger.name)
    foreign = sorted(name for name in _litert_file.operators(model) if name.startswith("custom "))
    if foreign:
        raise missing_operators("LiteRT", tagger.name, foreign)
    if precision != "float32":
        quantise(model, precision)
    _order_outputs(model)
    _describe(model, tagger, form)
    (Path(folder) / MODEL_FILE).write_bytes(with_tags(_litert_file.write_model(model), tagger.vocabulary.names))
    return BATCH


def _converted(network: "keras.Model", name: str):
    """Converts the network to a `ModelT` in a separate process; `name` is the tagger's, for errors.

    Raises:
        ExportError: If an operator, which the message names, has no builtin counterpart, or the converter crashes or
            hangs.
    """
    from keras_musictag.runtimes.export_network import save_graph

    with tempfile.TemporaryDirectory() as scratch:
        save_graph(network, scratch, BATCH)
        try:
            code, last = run_python(_litert_convert.__name__, scratch, seconds=TIMEOUT_SECONDS)
        except TimeoutError:
            message = f"LiteRT's converter did not end on {name!r} within {TIMEOUT_SECONDS:g} s: it hangs."
            raise ExportError(message) from None
        error, result = Path(scratch, _litert_convert.ERROR), Path(scratch, _litert_convert.RESULT)
        if error.is_file():
            raise _refusal(name, error.read_text(encoding="utf-8"))
        if code:
            raise ExportError(f"LiteRT's converter crashed on {name!r} ({_ending(code)}): {last}")
        return _litert_file.read_model(result.read_bytes())


def _refusal(name: str, message: str) -> ExportError:
    """The error for a message of the converter."""
    # operators begin with a capital letter, unlike `tf.function` and the like
    operators = sorted(set(re.findall(r"\btf\.([A-Z]\w*)", message.split("Details:")[-1])))
    return (
        missing_operators("LiteRT", name, operators)
        if operators
        else converter_error("LiteRT's converter", name, message)
    )


def _ending(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"


def _order_outputs(model) -> None:
    """Puts scores first: callers that use output numbers expect that."""
    (signature,) = model.signatureDefs
    found = {output.name.decode(): output for output in signature.outputs}
    signature.outputs = [found[name] for name in OUTPUTS]
    model.subgraphs[0].outputs = np.array([output.tensorIndex for output in signature.outputs], np.int32)


def _describe(model, tagger, form) -> None:
    from tensorflow.lite.python import schema_py_generated as schema

    rate = tagger.sample_rate
    inputs = {
        "waveform": f"A chunk of mono audio at {rate} Hz, from -1 to 1.",
        "log-mel": "Log-mel features of a chunk.",
    }
    buffer = metadata_buffer(
        tagger.name,
        f"Music tagger, architecture {tagger.spec.architecture}.",
        {INPUT_NAMES[form]: inputs[form]},
        {name: OUTPUT_TEXTS[name] for name in OUTPUTS},
        rate if form == "waveform" else None,
    )
    entry = schema.MetadataT()
    entry.name, entry.buffer = BUFFER_NAME, len(model.buffers)
    held = schema.BufferT()
    held.data = np.frombuffer(buffer, np.uint8)
    model.buffers.append(held)
    model.metadata = [*(model.metadata or []), entry]
