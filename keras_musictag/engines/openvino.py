"""Runs an OpenVINO model on the CPU. Needs `openvino`, and no TensorFlow.

OpenVINO computes in bfloat16 by default where the processor can, front end included, which moves scores by up to 0.08:
so the precision is always stated. A model that is meant for bfloat16 lies in two files, and only the network behind
the front end is run so.
"""

import os
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np

from keras_musictag.engines.artefact import Artefact
from keras_musictag.engines.installed import check_installed

MODEL_FILE = "model.xml"
FRONT_END_FILE = "front_end.xml"  # beside the model where that computes in bfloat16: what stays in float32


def open_model(
    folder: Path, artefact: Artefact, threads: int | None = None
) -> Callable[[np.ndarray], dict[str, np.ndarray]]:
    """Opens the model of an exported folder.

    Args:
        folder: With `model.xml` and `model.bin`.
        artefact: What it is; "bfloat16" on a processor that has none is computed in float32.
        threads: How many to use; None for what OpenVINO takes by itself: one a core.

    Returns:
        A function from float32 (batch, ...), of any batch size, to `{"scores": (batch, tags), "embedding": (batch,
        features)}`, float32. Threads may share it: one runs at a time.

    Raises:
        ExportError: If `openvino` is not installed.
    """
    openvino = load_openvino()
    core = openvino.Core()
    bfloat16 = artefact.precision == "bfloat16" and has_bfloat16(core)
    network = _compile(core, Path(folder) / MODEL_FILE, "bf16" if bfloat16 else "f32", threads)
    front_end = Path(folder) / FRONT_END_FILE
    features = _compile(core, front_end, "f32", threads) if front_end.is_file() else None
    lock = threading.Lock()  # a compiled model that is called keeps one set of tensors

    def run(batch: np.ndarray) -> dict[str, np.ndarray]:
        inputs = np.ascontiguousarray(batch, np.float32)
        with lock:
            outputs = network([inputs if features is None else features([inputs])[0]])
        return {name: outputs[name] for name in artefact.outputs}

    return run


def load_openvino() -> ModuleType:
    """Imports OpenVINO without the message to Google Analytics that its import sends.

    OpenVINO takes it for consent that nobody has declined, but sends nothing where `CI` is set, which it looks up once:
    when it is first imported in a process.

    Raises:
        ExportError: If `openvino` is not installed.
    """
    check_installed("OpenVINO", "openvino")
    before = os.environ.get("CI")
    os.environ["CI"] = "true"
    try:
        import openvino
    finally:
        if before is None:
            del os.environ["CI"]
        else:
            os.environ["CI"] = before
    return openvino


def has_bfloat16(core) -> bool:
    """Whether OpenVINO computes in bfloat16 on this processor."""
    return "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def _compile(core, path: Path, precision: str, threads: int | None):
    settings = {"INFERENCE_PRECISION_HINT": precision}
    if threads is not None:
        settings["INFERENCE_NUM_THREADS"] = threads
    return core.compile_model(path, "CPU", settings)
