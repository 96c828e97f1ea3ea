"""What an exported folder holds next to the model: settings, tags, an example and, if needed, the mel matrix."""

from pathlib import Path

import numpy as np

from keras_musictag.files import write_csv, write_text
from keras_musictag.frontends.log_mel import Config
from keras_musictag.layers.filterbanks import mel_matrix
from keras_musictag.runtimes import formats
from keras_musictag.runtimes.artefact import Artefact, sha256_of, versions, write_artefact
from keras_musictag.runtimes.engine_tagger import BANDS_FILE
from keras_musictag.runtimes.export_network import exported_spec, input_shape
from keras_musictag.tagger import Tagger
from keras_musictag.tags.vocabulary import Vocabulary

TAGS_FILE = "tags.csv"
EXAMPLE_FILE = "example.py"
WARMUP_FOLDER = "assets.extra"  # in a SavedModel: warm-up requests, which users may remove


def complete_folder(
    tagger: Tagger,
    folder: Path,
    format: str,
    precision: str,
    input: str,
    batch: int | None,
    tolerance: float,
    licences: dict[str, str] | None,
) -> Artefact:
    """Adds the other files of an exported folder to those of a model.

    Args:
        tagger: The exported tagger.
        folder: The folder, with the model's files and no others.
        format, precision, input, batch, tolerance, licences: See `Artefact`.

    Returns:
        The `Artefact` that was written, still without checks.
    """
    if input == "log-mel":
        np.save(folder / BANDS_FILE, mel_bands(tagger.spec.frontend_config))
    files = {path.relative_to(folder): path for path in sorted(folder.rglob("*")) if path.is_file()}
    # a `.keras` file is the tagger as it was; other formats always end in scores
    spec = tagger.spec if format == "keras" else exported_spec(tagger)
    artefact = Artefact(
        name=tagger.name,
        format=format,
        precision=precision,
        input=input,
        input_shape=input_shape(tagger, input),
        batch=batch,
        outputs={
            "scores": (len(tagger.vocabulary),),
            "embedding": tuple(tagger.get_layer(tagger.embedding_layer).output.shape[1:]),
        },
        model=spec.to_dict(),
        files={name.as_posix(): sha256_of(path) for name, path in files.items() if WARMUP_FOLDER not in name.parts},
        checks={},
        tolerance=tolerance,
        licences=dict(licences or {}),
        versions=versions(format),
    )
    write_artefact(artefact, folder)
    write_tags_file(tagger.vocabulary, folder / TAGS_FILE)
    write_text(folder / EXAMPLE_FILE, formats.get(format).example(artefact))
    return artefact


def write_tags_file(vocabulary: Vocabulary, path: Path) -> None:
    """Writes a CSV file with one row per tag, in the order of the scores: index, tag, group."""
    rows = ((i, row["name"], row["group"]) for i, row in enumerate(vocabulary.to_list()))
    write_csv(path, ["index", "tag", "group"], rows)


def mel_bands(config: Config) -> np.ndarray:
    """Computes the mel matrix of a front end, float32 (bins, mels)."""
    return mel_matrix(
        config.sample_rate_hz,
        config.window_samples,
        config.num_mels,
        config.fmin_hz,
        config.fmax_hz,
        htk=config.mel_scale == "htk",
        norm=config.mel_norm,
    )
