"""`evaluate`: a model and records -> a folder with predictions, thresholds from the validation part, and a report."""

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
    """Measures a tagger on a part of a folder of records. The same call resumes where an interrupted one stopped.

    Args:
        tagger: A tagger with the tags of the records.
        records: A folder that `keras-musictag prepare` wrote.
        out: Folder to write; see `write_run` for its files.
        name: The model's name in tables; None for the tagger's own name.
        part: The part to measure. Thresholds are chosen on "valid", never on this part.
        chunks: Number of chunks per track, spread as in the 2020 evaluation.
        hop_seconds: Instead of `chunks`: the distance between chunks, which then cover the whole track.
        criterion: What thresholds maximise on the validation part: "mcc" or "f1".
        resampling: How the intervals are computed.
        progress: Called with the number of tracks done and the total.

    Returns:
        The report.

    Raises:
        FileNotFoundError: If there are no finished records.
        DatasetError: If tagger and records have different tags, or the part has no tracks.
    """
    records, out = Records(records), Path(out)
    # the measured part first: if it has no tracks, that is reported before any track is scored
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
            resume_file=files[-1],
            progress=None if progress is None else lambda done, _, before=before: progress(before + done, total),
        )
        before += len(found[each])
    valid = found.get("valid") if part != "valid" else None
    report = write_run(out, found[part], valid, criterion=criterion, resampling=resampling)
    for file in files:  # the run now contains these scores
        file.unlink(missing_ok=True)
    return report
