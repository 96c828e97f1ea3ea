"""Runs a `.tflite` file in LiteRT (once TensorFlow Lite), on the CPU. Needs `ai-edge-litert`, and no TensorFlow."""

import os
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np

from keras_musictag.engines.artefact import Artefact
from keras_musictag.errors import ExportError

MODEL_FILE = "model.tflite"


def open_model(
    folder: Path, artefact: Artefact, threads: int | None = None
) -> Callable[[np.ndarray], dict[str, np.ndarray]]:
    """Opens the model of an exported folder.

    Args:
        folder: With `model.tflite`.
        artefact: What it is.
        threads: To compute with; None for as many as there are processors (LiteRT by itself takes one).

    Returns:
        A function from float32 (batch, ...), of any batch size, to `{"scores": (batch, tags), "embedding": (batch,
        features)}`, float32. Threads may share it: one runs at a time.

    Raises:
        ExportError: If `ai-edge-litert` is not installed.
        ValueError: If the file is no model.
    """
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        raise ExportError("LiteRT needs the package ai-edge-litert: pip install keras-musictag[export].") from None
    interpreter = Interpreter(str(Path(folder) / MODEL_FILE), num_threads=threads or os.cpu_count())
    run_one = interpreter.get_signature_runner()
    (name,) = run_one.get_input_details()
    lock = threading.Lock()  # an interpreter has one set of tensors

    def run(batch: np.ndarray) -> dict[str, np.ndarray]:
        batch = np.ascontiguousarray(batch, np.float32)
        # one by one: resized to a batch, models refuse to run, or answer for the first chunk only
        with lock:
            each = [run_one(**{name: batch[i : i + 1]}) for i in range(len(batch))]
        shapes = artefact.outputs.items()
        return {
            output: np.concatenate([one[output] for one in each] or [np.zeros((0, *size))]) for output, size in shapes
        }

    return run
