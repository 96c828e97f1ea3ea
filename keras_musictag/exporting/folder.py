"""What lies in an exported folder beside the model: settings, tags, an example; the mel matrix where it is needed."""

import csv
from pathlib import Path

import numpy as np

from keras_musictag.engines.artefact import Artefact, sha256_of, versions, write_artefact
from keras_musictag.engines.log_mel import BANDS_FILE
from keras_musictag.exporting.example import write_example
from keras_musictag.exporting.network import exported_spec, input_shape
from keras_musictag.frontends.log_mel import Config
from keras_musictag.layers.mel_filterbank import mel_matrix
from keras_musictag.tagger import Tagger
from keras_musictag.tags.vocabulary import Vocabulary

TAGS_FILE = "tags.csv"
EXTRA = "assets.extra"  # in a SavedModel: requests to warm up by, which people may remove


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
    """Adds to a model's files what makes an exported folder of them.

    Args:
        tagger: That was exported.
        folder: With the model's files and no others.
        format, precision, input, batch, tolerance, licences: See `Artefact`.

    Returns:
        The `Artefact` that was written; it has no checks yet.
    """
    if input == "log-mel":
        np.save(folder / BANDS_FILE, mel_bands(tagger.spec.frontend_config))
    files = {path.relative_to(folder): path for path in sorted(folder.rglob("*")) if path.is_file()}
    # a `.keras` file is the tagger as it was; the other formats end in scores, whatever it ended in
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
        files={name.as_posix(): sha256_of(path) for name, path in files.items() if EXTRA not in name.parts},
        checks={},
        tolerance=tolerance,
        licences=dict(licences or {}),
        versions=versions(format),
    )
    write_artefact(artefact, folder)
    write_tags(tagger.vocabulary, folder / TAGS_FILE)
    write_example(artefact, folder)
    return artefact


def write_tags(vocabulary: Vocabulary, path: Path) -> None:
    """A CSV with a row a tag, in the order of the scores: index, tag, group."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["index", "tag", "group"])
        writer.writerows((i, row["name"], row["group"]) for i, row in enumerate(vocabulary.to_list()))


def mel_bands(config: Config) -> np.ndarray:
    """The mel matrix of a front end, float32 (bins, mels)."""
    return mel_matrix(
        config.sample_rate_hz,
        config.window_samples,
        config.num_mels,
        config.fmin_hz,
        config.fmax_hz,
        htk=config.mel_scale == "htk",
        norm=config.mel_norm,
    )
