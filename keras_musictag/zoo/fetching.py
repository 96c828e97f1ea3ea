"""Weights at an address: `fetch` downloads, verifies, converts and caches them on first use.

The address is that of a checkpoint of the 2020 evaluation, in PyTorch's format. The cache holds the converted file and,
next to it, its SHA-256; the checkpoint itself is not kept.
"""

import hashlib
import os
import tempfile
from pathlib import Path

import pooch
import requests
from safetensors.numpy import save

from keras_musictag.errors import ChecksumError, MusicTagError
from keras_musictag.files import SCRATCH_PREFIX, remove_scratch, write_bytes
from keras_musictag.terminal import progress_bar
from keras_musictag.user_folders import cache_folder, cannot_be_kept
from keras_musictag.zoo.card import Card
from keras_musictag.zoo.importers.sota2020 import convert
from keras_musictag.zoo.importers.torch_file import read_state_dict

MIRROR_VARIABLE = "KERAS_MUSICTAG_MIRROR"
ORIGIN = "https://raw.githubusercontent.com"
TIMEOUT_SECONDS = (10, 30)  # for the connection, and between two pieces of the file
PIECE_BYTES = 1 << 16


def fetch(card: Card) -> Path:
    """The converted weights of an entry, from the cache or from its address.

    Args:
        card: Of an entry with `weights.url`.

    Returns:
        Path of a safetensors file whose SHA-256 was checked.

    Raises:
        MusicTagError: If the weights cannot be fetched or kept; the message says what to do.
        ChecksumError: If the downloaded file is not the checkpoint that the card states.
    """
    cached = _cached_file(card)
    if not _is_whole(cached):
        try:
            _fetch_to_cache(cached, card)
        except OSError as error:
            raise cannot_be_kept(f"The weights of {card.name!r}", cached.parent, error) from error
    return cached


def is_fetched(card: Card) -> bool:
    """Whether the weights of an entry with `weights.url` are in the cache. They are checked when they are loaded."""
    return _cached_file(card).is_file() and _digest_file(_cached_file(card)).is_file()


def _cached_file(card: Card) -> Path:
    # The checkpoint's hash is part of the name, so that another entry of the same name never gets these weights
    return cache_folder("weights") / f"{card.name}-{card.weights.git_blob_sha1[:12]}.safetensors"


def _fetch_to_cache(cached: Path, card: Card) -> None:
    cached.parent.mkdir(parents=True, exist_ok=True)
    remove_scratch(cached.parent)
    with tempfile.TemporaryDirectory(dir=cached.parent, prefix=SCRATCH_PREFIX) as scratch:  # removed whatever happens
        checkpoint = _download(card, Path(scratch))
        found = git_blob_sha1(checkpoint)
        if found != card.weights.git_blob_sha1:
            raise ChecksumError(
                f"{_address(card)} did not return the checkpoint of {card.name!r}: its git blob hash is {found}, "
                f"expected {card.weights.git_blob_sha1}. Try again; if it happens again, do not trust the address."
            )
        arrays = convert(read_state_dict(checkpoint))
        content = save({key: arrays[key] for key in sorted(arrays)})
    write_bytes(_digest_file(cached), _sha256(content))
    write_bytes(cached, content)


def git_blob_sha1(path: Path) -> str:
    """What `git hash-object` prints for a file."""
    digest = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def _is_whole(cached: Path) -> bool:
    digest = _digest_file(cached)
    return cached.is_file() and digest.is_file() and _sha256(cached.read_bytes()) == digest.read_bytes()


def _sha256(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest().encode()


def _digest_file(cached: Path) -> Path:
    return cached.with_suffix(".sha256")


def _address(card: Card) -> str:
    """The card's address, at the mirror that KERAS_MUSICTAG_MIRROR names if it is set."""
    mirror = os.environ.get(MIRROR_VARIABLE)
    return card.weights.url.replace(ORIGIN, mirror.rstrip("/")) if mirror else card.weights.url


def _download(card: Card, folder: Path) -> Path:
    url, path = _address(card), folder / "checkpoint"
    try:
        with _ProgressBar(f"Fetching {card.name}") as bar:
            # only the downloader: `pooch.retrieve` would log to standard error, and does not know git's hash
            download = pooch.HTTPDownloader(progressbar=bar, chunk_size=PIECE_BYTES, timeout=TIMEOUT_SECONDS)
            download(url, str(path), None)
    except requests.RequestException as error:
        raise MusicTagError(
            f"The weights of {card.name!r} could not be fetched from {url} ({_reason(error)}). Check the "
            f"connection and try again, or download that file elsewhere and run: keras-musictag zoo import FILE "
            f"--architecture {card.architecture} --dataset {card.trained_on.dataset}"
        ) from error
    return path


def _reason(error: requests.RequestException) -> str:
    answer = error.response
    if answer is None:
        return type(error).__name__
    return f"the server answered {answer.status_code} {answer.reason}".strip()


class _ProgressBar:
    """What pooch expects of a progress bar (`total`, `update`, `reset`, `close`), drawn on standard error."""

    def __init__(self, title: str):
        self._progress = progress_bar(in_bytes=True)
        self._task = self._progress.add_task(title, total=None)

    def __enter__(self):
        self._progress.start()
        return self

    def __exit__(self, *error):
        self._progress.stop()

    @property
    def total(self):
        return self._progress.tasks[0].total

    @total.setter
    def total(self, size):
        self._progress.update(self._task, total=size or None)  # 0: the server did not state the size

    def update(self, size):
        self._progress.advance(self._task, size)

    def reset(self):
        self._progress.update(self._task, completed=0)

    def close(self):
        pass  # leaving the `with` block stops it, also after an error
