"""Compares an exported model with Keras. A fresh process loads what was written, in the runtime of its format.

`python -m keras_musictag.runtimes.comparison FOLDER SIGNALS REPORT` is that process. It loads TensorFlow only if the
format needs it, and Keras only for the format "keras".
"""

import json
import sys
import tempfile
from pathlib import Path

import numpy as np

from keras_musictag.errors import ExportError
from keras_musictag.processes import run_python
from keras_musictag.runtimes.artefact import read_artefact
from keras_musictag.runtimes.engine_tagger import of_waveforms, open_engine

MODULE = "keras_musictag.runtimes.comparison"
TIMEOUT_SECONDS = 1800.0  # ends a runtime that hangs; the slowest check of the demo clip takes less than a minute
TIMEOUT_SECONDS_PER_CHUNK = 10.0  # in addition: `audio` may take hours; the slowest network takes 0.2 s on two cores
SLICE_CHUNKS = 8  # run at once: all chunks of an hour would take 11 GB
FROM_WAVEFORM = "music, from the waveform"  # the signal that goes through the folder's own front end
# Between the embeddings of the music and Keras's: another layer's output is far below, rounding errors far above
MIN_COSINE = 0.99


def differences(folder: Path, expected: dict) -> dict[str, float]:
    """Runs an exported model in a separate process and compares it with Keras.

    Args:
        folder: The exported folder, with its `artefact.json`.
        expected: `KerasOutputs` for each signal.

    Returns:
        Largest difference of a score for each signal; infinite if a score is NaN or infinite.

    Raises:
        ExportError: If the model cannot be run or hangs, its outputs have other shapes than Keras's, its embedding is
            not finite, or its embedding is another layer's output.
    """
    with tempfile.TemporaryDirectory() as scratch:
        signals, report = Path(scratch) / "signals.npz", Path(scratch) / "report.json"
        arrays = {f"{name}/{key}": array for name, part in expected.items() for key, array in vars(part).items()}
        np.savez(signals, **arrays)
        limit = TIMEOUT_SECONDS + TIMEOUT_SECONDS_PER_CHUNK * sum(len(part.inputs) for part in expected.values())
        try:
            code, last = run_python(MODULE, str(folder), str(signals), str(report), seconds=limit)
        except TimeoutError:
            raise ExportError(f"The exported model did not answer within {limit:g} s: it hangs.") from None
        if not report.is_file():
            raise ExportError(f"The exported model ended the process that ran it (code {code}): {last}")
        found = json.loads(report.read_text(encoding="utf-8"))
    if "error" in found:
        raise ExportError(f"The exported model does not run: {found['error']}")
    return found


def slices(chunks: np.ndarray) -> list[np.ndarray]:
    """Splits chunks (chunks, ...) into parts that are run at once."""
    return [chunks[start : start + SLICE_CHUNKS] for start in range(0, len(chunks), SLICE_CHUNKS)]


def run_and_compare(folder: Path, arrays: dict[str, np.ndarray]) -> dict[str, float]:
    """Measures the differences of an exported model from arrays named `<signal>/<inputs, scores or embedding>`."""
    artefact = read_artefact(folder)
    engine = open_engine(folder, artefact)
    run_waveforms = of_waveforms(engine, folder, artefact)
    found = {}
    for name in dict.fromkeys(key.partition("/")[0] for key in arrays):
        run = run_waveforms if name == FROM_WAVEFORM else engine
        # `dict`: outputs that are computed on demand would keep their inputs in memory
        parts = [dict(run(part)) for part in slices(arrays[f"{name}/inputs"])]
        outputs = {output: np.concatenate([part[output] for part in parts]) for output in ("scores", "embedding")}
        for output in outputs:
            wanted = arrays[f"{name}/{output}"].shape
            if outputs[output].shape != wanted:
                raise ExportError(f"{output!r} of {name} has shape {outputs[output].shape}, expected {wanted}.")
        if not np.isfinite(outputs["embedding"]).all():
            raise ExportError(
                f"The embedding of {name} must be finite. Received: NaN or infinite numbers. Try another precision."
            )
        difference = float(np.abs(outputs["scores"] - arrays[f"{name}/scores"]).max())
        found[name] = difference if np.isfinite(difference) else float("inf")
        if name == "music":
            _check_embedding(outputs["embedding"], arrays[f"{name}/embedding"])
    return found


def _check_embedding(found: np.ndarray, wanted: np.ndarray) -> None:
    found, wanted = found.ravel().astype(np.float64), wanted.ravel().astype(np.float64)
    cosine = found @ wanted / max(np.linalg.norm(found) * np.linalg.norm(wanted), 1e-30)
    if not cosine >= MIN_COSINE and wanted.any():
        raise ExportError(f"The embedding differs from that of Keras: the cosine between the two is {cosine:.3f}.")


def main() -> None:
    """What the fresh process runs."""
    folder, signals, report = map(Path, sys.argv[1:])
    try:
        if read_artefact(folder).format != "keras":
            sys.modules["keras"] = (
                None  # as if it were not installed: else TensorFlow would import it, which is half of its start-up time
            )
        with np.load(signals) as arrays:
            found = run_and_compare(folder, dict(arrays))
    except Exception as error:  # whatever the runtime raises, the parent process reports it
        plain = str(error).strip() if isinstance(error, ExportError) else f"{type(error).__name__}: {error}"
        found = {"error": " ".join(plain.split())}
    report.write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main()
