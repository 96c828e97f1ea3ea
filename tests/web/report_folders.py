"""A folder as users give it with `--reports`: simulated runs, their comparison and the robustness of a model."""

from pathlib import Path

from keras_musictag.evaluation import Resampling, compare, write_run
from keras_musictag.robustness import measure_drops, write_robustness
from tests.evaluation.simulate import pair, simulate

FEW = Resampling(resamples=20)
FACTS = {"parameters": 1000, "multiply_adds": 6e6, "chunk_seconds": 3.0, "chunks_per_track": 4, "chunks_per_second": 8}
SMALL = {"tracks": 60, "subsets": False, "chunks": False}


def write_reports(folder: Path) -> Path:
    """Writes `runs/good`, `runs/poor`, `compared` (only its files) and `robust/good/...`."""
    for noise, (model, quality) in enumerate({"good": 2.0, "poor": 0.5}.items()):
        settings = {"model": model, "quality": quality, "noise": noise, "facts": FACTS, **SMALL}
        write_run(folder / "runs" / model, *pair(**settings), resampling=FEW)
    compare([folder / "runs" / "good", folder / "runs" / "poor"], folder / "compared")
    robust = {"model": "good", "noise": 0, **SMALL}
    for condition, quality in {"original": 2.0, "noise_0.1": 1.5, "noise_0.4": 0.7, "mp3_64": 2.0}.items():
        facts = {"chunks_per_track": 4, "deformation_settings": condition, "deformation_version": 1}
        facts |= {"deformation_libraries": "-"}
        deformation = "" if condition == "original" else condition
        test = simulate(quality=quality, deformation=deformation, facts=facts, **robust)
        write_run(folder / "robust" / "good" / condition, test, resampling=FEW)
    conditions = ("noise_0.1", "noise_0.4", "mp3_64")
    write_robustness(measure_drops(folder / "robust", ["good"], conditions), folder / "robust")
    return folder
