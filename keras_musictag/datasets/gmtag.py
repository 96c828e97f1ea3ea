"""GM-Tag, the corpus from `keras-musictag gmtag build`: `metadata.jsonl`, `corpus.json` and `audio/<part>/`.

Half of the test clips are rendered with a soundfont that no other part uses: their subset is "unseen", that of the
other test clips "seen".
"""

import json
from pathlib import Path
from typing import Any

from keras_musictag.bundled_files import bundled
from keras_musictag.datasets._official import find_file, inner_path, read_lines
from keras_musictag.errors import DatasetError
from keras_musictag.records.manifest import Manifest, Track
from keras_musictag.tags.vocabulary import read_tags

METADATA, CORPUS = "metadata.jsonl", "corpus.json"


def manifest(raw: Path) -> Manifest:
    """Reads a corpus that was built here or elsewhere.

    Args:
        raw: The folder that `keras-musictag gmtag build` wrote.

    Returns:
        A `Manifest`; its published counts are those that the corpus was built with.

    Raises:
        FileNotFoundError: If the folder does not exist.
        DatasetError: If the build is unfinished, or a line is not a clip; the message names it.
        UnknownNameError: If a clip has a tag that is not in `tfrecords/gmtag/tags.txt`.
    """
    raw = Path(raw)
    corpus = _read_corpus(raw)
    path = find_file(raw, METADATA)
    known = bundled("tfrecords") / "gmtag"
    spec = json.loads((known / "spec.json").read_text(encoding="utf-8"))
    return Manifest(
        dataset="gmtag",
        dataset_version=str(corpus["version"]),
        split=corpus["tier"] or f"{corpus['clips']} clips",
        vocabulary=read_tags(known / "tags.txt"),
        audio_folder=raw,
        tracks=tuple(_track(line, f"{path}, line {number}") for number, line in enumerate(read_lines(path), start=1)),
        licence=spec["licence"],
        citation=spec["citation"],
        published_counts=corpus["parts"],
    )


def _read_corpus(raw: Path) -> dict[str, Any]:
    try:
        path = find_file(raw, CORPUS)
    except DatasetError as error:
        raise DatasetError(
            f"There is no {CORPUS} in {str(raw)!r}; expected a corpus that `keras-musictag gmtag build` has finished. "
            "If it was interrupted, run the same command again: it resumes."
        ) from error
    corpus = _parse("\n".join(read_lines(path)), str(path))
    if missing := {"version", "tier", "clips", "parts"} - set(corpus):
        raise DatasetError(
            f"{path} has no {', '.join(sorted(missing))}. Build the corpus again with this version of the package."
        )
    if not isinstance(corpus["parts"], dict):
        raise DatasetError(
            f"{path}: `parts` must be the number of clips per part. Received: {corpus['parts']!r:.80}. Copy it again."
        )
    return corpus


def _track(line: str, where: str) -> Track:
    row = _parse(line, where)
    if missing := {"id", "path", "tags", "part", "subset"} - set(row):
        raise DatasetError(
            f"{where} has no {', '.join(sorted(missing))}. Build the corpus again with this version of the package."
        )
    texts = [row["id"], row["path"], row["part"], row["subset"]]
    if not isinstance(row["tags"], list) or not all(isinstance(text, str) for text in [*texts, *row["tags"]]):
        raise DatasetError(f"{where}: expected strings and a list of tags. Received: {line:.80}. Copy it again.")
    return Track(row["id"], inner_path(row["path"], Path(where)), tuple(row["tags"]), row["part"], row["subset"])


def _parse(text: str, where: str) -> dict[str, Any]:
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError) as error:
        parsed = str(error)
    if not isinstance(parsed, dict):
        raise DatasetError(
            f"{where}: expected a JSON object. Received: {parsed!r:.80}. Copy or build the corpus again."
        )
    return parsed
