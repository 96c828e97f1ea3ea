"""GM-Tag, the corpus that `keras-musictag gmtag build` writes: `metadata.jsonl`, `corpus.json` and `audio/<part>/`.

Half of the test clips are played with a soundfont that no other part has: their subset is "unseen", that of the other
test clips "seen".
"""

import json
from pathlib import Path
from typing import Any

from keras_musictag.data import bundled
from keras_musictag.datasets._files import find_file, inner_path, read_lines
from keras_musictag.errors import DatasetError
from keras_musictag.records.manifest import Manifest, Track
from keras_musictag.tags.read_tags import read_tags

METADATA, CORPUS = "metadata.jsonl", "corpus.json"
LICENCE = (
    "Generated, free of composers' rights. The sounds are those of the soundfonts: FluidR3 MIT, TimGM6mb GPL-2, "
    "MuseScore General as its package says."
)
CITATION = "GM-Tag, built by keras_musictag."


def manifest(raw: Path) -> Manifest:
    """Reads a corpus that was built here or elsewhere.

    Args:
        raw: The folder that `keras-musictag gmtag build` has written.

    Returns:
        A `Manifest`; its published counts are those that the corpus was built with.

    Raises:
        FileNotFoundError: If there is no such folder.
        DatasetError: If the build has not ended, or a line is no clip; the message names it.
        UnknownNameError: If a clip has a tag that `tfrecords/gmtag/tags.txt` does not have.
    """
    raw = Path(raw)
    corpus = _read_corpus(raw)
    path = find_file(raw, METADATA)
    return Manifest(
        dataset="gmtag",
        dataset_version=str(corpus["version"]),
        split=corpus["tier"] or f"{corpus['clips']} clips",
        vocabulary=read_tags(bundled("tfrecords") / "gmtag" / "tags.txt"),
        audio_folder=raw,
        tracks=tuple(_track(line, f"{path}, line {number}") for number, line in enumerate(read_lines(path), start=1)),
        licence=LICENCE,
        citation=CITATION,
        published_counts=dict(corpus["parts"]),
    )


def _read_corpus(raw: Path) -> dict[str, Any]:
    try:
        path = find_file(raw, CORPUS)
    except DatasetError as error:
        raise DatasetError(
            f"There is no {CORPUS} in {str(raw)!r}; expected a corpus that `keras-musictag gmtag build` has finished. "
            "If it was interrupted, run the same command again: it goes on."
        ) from error
    corpus = _parse("\n".join(read_lines(path)), str(path))
    if missing := {"version", "tier", "clips", "parts"} - set(corpus):
        raise DatasetError(f"{path} lacks {', '.join(sorted(missing))}. Build the corpus again with this version.")
    return corpus


def _track(line: str, where: str) -> Track:
    row = _parse(line, where)
    try:
        return Track(row["id"], inner_path(row["path"], Path(where)), tuple(row["tags"]), row["part"], row["subset"])
    except KeyError as error:
        raise DatasetError(f"{where} lacks {error}. Build the corpus again with this version.") from error


def _parse(text: str, where: str) -> dict[str, Any]:
    try:
        parsed = json.loads(text)
    except json.JSONDecodeError as error:
        parsed = error.msg
    if not isinstance(parsed, dict):
        raise DatasetError(f"{where}: expected a JSON object. Received: {parsed!r}. Copy or build the corpus again.")
    return parsed
