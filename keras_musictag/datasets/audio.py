"""Any folder of music, without labels: for `train --teacher`, where trained networks label every moment.

Audio files are found at any depth, by their suffix. Files of equal bytes are one track. The files of one folder, such
as an album, stay in one part; a folder that holds more than a twentieth of all tracks is not an album, and its tracks
are split one by one. Links are followed and names that begin with a dot are ignored, as in `datasets.folder`.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from keras_musictag.choices import UNLABELLED_FRACTIONS
from keras_musictag.datasets._split import divide
from keras_musictag.datasets.folder import audio_files, copies_of
from keras_musictag.errors import DatasetError
from keras_musictag.records.manifest import Manifest, Skipped, Track
from keras_musictag.tags.vocabulary import Vocabulary

LARGEST_ALBUM = 1 / 20  # share of the tracks


def manifest(raw: Path, seed: int = 0, fractions: Sequence[float] = UNLABELLED_FRACTIONS) -> Manifest:
    """Lists the audio files below a folder. Opens only files of equal size, to compare their bytes.

    Args:
        raw: The folder.
        seed: Random seed for the split.
        fractions: Shares of train, valid and test.

    Returns:
        A `Manifest` without tags; `skipped` lists copies, and files whose suffix is not one of audio.

    Raises:
        FileNotFoundError: If the folder does not exist.
        DatasetError: If it has fewer groups of audio files than there are parts to fill.
        ValueError: If the fractions do not add up to 1.
    """
    raw = Path(raw)
    if not raw.is_dir():
        raise FileNotFoundError(f"There is no folder {str(raw)!r}; expected one with audio files.")
    skipped: list[Skipped] = []
    files = sorted(audio_files(raw, skipped), key=lambda file: file.path)
    if not files:
        raise DatasetError(f"There are no audio files in {str(raw)!r} or below. Is it the right folder?")
    copies = copies_of(raw, files, skipped, "A copy of this track.")
    paths = [same[0].path for same in copies]
    parts = divide(_groups(paths), seed, fractions)
    return Manifest(
        dataset="audio",
        dataset_version="local",
        split=f"seed {seed}, fractions {' '.join(f'{f:g}' for f in fractions)}",
        vocabulary=Vocabulary(()),
        audio_folder=raw,
        tracks=tuple(Track(path, path, (), part) for path, part in zip(paths, parts, strict=True)),
        licence="Not stated: that of the files.",
        citation="None.",
        skipped=tuple(sorted(skipped, key=lambda entry: entry.path)),
    )


def _groups(paths: Sequence[str]) -> list[str]:
    """The folder of each file if it is an album, else the file itself.

    Example:
        >>> _groups([f"album/{i}.mp3" for i in range(2)] + [f"all/{i}.mp3" for i in range(38)])[1:3]
        ['folder album', 'track all/0.mp3']
    """
    folders = [str(PurePosixPath(path).parent) for path in paths]
    counts = Counter(folders)
    return [
        f"folder {folder}" if counts[folder] <= LARGEST_ALBUM * len(paths) else f"track {path}"
        for folder, path in zip(folders, paths, strict=True)
    ]
