"""Runs a `.onnx` file in ONNX Runtime, on the CPU. Needs `onnxruntime`, and no TensorFlow."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from keras_musictag.engines.artefact import Artefact
from keras_musictag.engines.installed import check_installed

MODEL_FILE = "model.onnx"


def open_model(
    folder: Path, artefact: Artefact, threads: int | None = None
) -> Callable[[np.ndarray], dict[str, np.ndarray]]:
    """Opens the model of an exported folder.

    Args:
        folder: With `model.onnx`.
        artefact: What it is.
        threads: How many to use; None for as many as there are cores.

    Returns:
        A function from float32 (batch, ...), of any batch size, to `{"scores": (batch, tags), "embedding": (batch,
        features)}`, float32. Threads may share it.

    Raises:
        ExportError: If `onnxruntime` is not installed.
    """
    check_installed("ONNX", "onnxruntime")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or 0  # 0: as many as there are cores
    path = str(Path(folder) / MODEL_FILE)
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    (source,) = session.get_inputs()
    names = list(artefact.outputs)

    def run(batch: np.ndarray) -> dict[str, np.ndarray]:
        return dict(zip(names, session.run(names, {source.name: np.asarray(batch, np.float32)}), strict=True))

    return run
