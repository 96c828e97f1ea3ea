"""`evaluate`: a model and records -> a run's folder with predictions, thresholds from validation, and the report."""

import os
from collections.abc import Callable
from pathlib import Path

from keras_musictag.evaluation.measuring import DEFAULT_RESAMPLING, Resampling
from keras_musictag.evaluation.predicting import CHUNKS, predict
from keras_musictag.evaluation.reporting import Report
from keras_musictag.evaluation.run_folder import write_run
from keras_musictag.records.folder import Records
from keras_musictag.tagger import Tagger


def evaluate(
    tagger: Tagger,
    records: str | os.PathLike,
    out: str | os.PathLike,
    *,
    name: str | None = None,
    part: str = "test",
    chunks: int = CHUNKS,
    hop_seconds: float | None = None,
    criterion: str = "mcc",
    resampling: Resampling = DEFAULT_RESAMPLING,
    progress: Callable[[int, int], None] | None = None,
) -> Report:
    """Measures a tagger on a part of some records. The same call goes on where an interrupted one stopped.

    Args:
        tagger: With the tags of the records.
        records: A folder that `keras-musictag prepare` wrote.
        out: The run's folder; see `write_run` for its files.
        name: What tables call the model; None for the tagger's name.
        part: What is measured. Thresholds are chosen on "valid", never on it.
        chunks: Of each track, spread as in the 2020 evaluation.
        hop_seconds: Instead of `chunks`, from one chunk to the next, so that the whole track is heard.
        criterion: What thresholds maximise on validation: "mcc" or "f1".
        resampling: Of the intervals.
        progress: Told how many tracks are done, and of how many.

    Returns:
        The report.

    Raises:
        FileNotFoundError: If there are no finished records.
        DatasetError: If the tagger has other tags than the records, or the part has no tracks.
    """
    records, out = Records(records), Path(out)
    # the measured part first: that it has no tracks is said before the others are heard
    parts = [part] if part == "valid" or not records.part("valid") else [part, "valid"]
    total, before, found, files = sum(len(records.part(p)) for p in parts), 0, {}, []
    for each in parts:
        files.append(out / f".{each}.partial.npz")
        found[each] = predict(
            tagger,
            records,
            each,
            name=name,
            chunks=chunks,
            hop_seconds=hop_seconds,
            partial=files[-1],
            progress=None if progress is None else lambda done, _, before=before: progress(before + done, total),
        )
        before += len(found[each])
    valid = found.get("valid") if part != "valid" else None
    report = write_run(out, found[part], valid, criterion=criterion, resampling=resampling)
    for file in files:  # the results hold it all now
        file.unlink(missing_ok=True)
    return report
