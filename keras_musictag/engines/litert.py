"""Runs a `.tflite` file in LiteRT (once TensorFlow Lite), on the CPU. Needs `ai-edge-litert`, and no TensorFlow."""

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np

from keras_musictag.engines.artefact import Artefact
from keras_musictag.engines.installed import check_installed
from keras_musictag.processes import usable_cores

MODEL_FILE = "model.tflite"


def open_model(
    folder: Path, artefact: Artefact, threads: int | None = None
) -> Callable[[np.ndarray], dict[str, np.ndarray]]:
    """Opens the model of an exported folder.

    Args:
        folder: With `model.tflite`.
        artefact: What it is.
        threads: To compute with; None for as many as this process has cores (LiteRT by itself takes one).

    Returns:
        A function from float32 (batch, ...), of any batch size, to `{"scores": (batch, tags), "embedding": (batch,
        features)}`, float32. Threads may share it: one runs at a time.

    Raises:
        ExportError: If `ai-edge-litert` is not installed.
        ValueError: If the file is no model.
    """
    check_installed("LiteRT", "ai_edge_litert")
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(Path(folder) / MODEL_FILE), num_threads=threads or usable_cores())
    run_one = interpreter.get_signature_runner()
    (name,) = run_one.get_input_details()
    lock = threading.Lock()  # an interpreter has one set of tensors

    def run(batch: np.ndarray) -> dict[str, np.ndarray]:
        batch = np.ascontiguousarray(batch, np.float32)
        # one by one: resized to a batch, models refuse to run (crnn once answered, for the first chunk only)
        with lock:
            each = [run_one(**{name: batch[i : i + 1]}) for i in range(len(batch))]
        none = {output: np.zeros((0, *size), np.float32) for output, size in artefact.outputs.items()}
        return {output: np.concatenate([none[output], *(one[output] for one in each)]) for output in none}

    return run
