"""EngineTagger: an exported folder that tags tracks as a `Tagger` does, without TensorFlow and Keras."""

import importlib
from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import BinaryIO

import numpy as np

from keras_musictag.engines.artefact import Artefact, read_artefact
from keras_musictag.engines.log_mel import BANDS_FILE, log_mel
from keras_musictag.errors import UnknownNameError
from keras_musictag.tagger.results import Taggram, TagResult, check_merge
from keras_musictag.tagger.track import run_track
from keras_musictag.tags.vocabulary import Vocabulary

Audio = str | PathLike | BinaryIO | np.ndarray
Engine = Callable[[np.ndarray], dict[str, np.ndarray]]
# format -> its module: a module called `keras` would be easily taken for the package
ENGINES = {name: name for name in ("savedmodel", "litert", "onnx", "openvino")} | {"keras": "keras_file"}


def open_engine(folder: Path, artefact: Artefact, threads: int | None = None) -> Engine:
    """Opens an exported model in its runtime.

    Args:
        folder: That was exported.
        artefact: Of the folder.
        threads: To compute with; None for what the runtime takes by itself.

    Returns:
        A function from float32 (batch, ...) of any batch size, in the artefact's input form, to
        `{"scores": float32 (batch, tags), "embedding": float32 (batch, features)}`.

    Raises:
        UnknownNameError: If there is no engine for the format.
        ExportError: If the runtime's package is not installed.
    """
    if artefact.format not in ENGINES:
        raise UnknownNameError.of("engine", artefact.format, ENGINES)
    module = importlib.import_module(f"keras_musictag.engines.{ENGINES[artefact.format]}")
    return module.open_model(folder, artefact, threads)


class EngineTagger:
    """A music tagger that runs an exported model: `tag`, `taggram` and `embed` are those of `Tagger`.

    Args:
        folder: That `keras-musictag export` or `kmt.export` wrote.
        threads: To compute with; None for what the runtime takes by itself.

    Raises:
        FileNotFoundError: If the folder holds no exported model.
        ValueError: If its `artefact.json` is damaged.
        ChecksumError: If a file is not the one that was exported.
        ExportError: If the runtime's package is not installed.

    Example:
        >>> import tempfile
        >>> import keras_musictag as kmt
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = kmt.export(kmt.load("vgg"), "onnx", folder)
        ...     len(EngineTagger(folder).tag(kmt.demo_clip(), top=3).tags)
        3
    """

    def __init__(self, folder: str | PathLike, threads: int | None = None):
        self.folder = Path(folder)
        self.artefact = read_artefact(self.folder)
        self._run = _of_waveforms(open_engine(self.folder, self.artefact, threads), self.folder, self.artefact)

    @property
    def name(self) -> str:
        """Of the tagger that was exported."""
        return self.artefact.name

    @property
    def vocabulary(self) -> Vocabulary:
        """The tags, in the order of the scores."""
        return self.artefact.vocabulary

    @property
    def sample_rate(self) -> int:
        """Of the waveforms the network takes, in Hz."""
        return self.artefact.chunking.sample_rate_hz

    @property
    def chunk_seconds(self) -> float:
        """Length of the network's input."""
        return self.artefact.chunking.chunk_samples / self.sample_rate

    def tag(
        self,
        audio: Audio,
        sample_rate: int | None = None,
        top: int | None = 10,
        aggregate: str = "mean",
        tail: str = "anchor",
        hop_seconds: float | None = None,
    ) -> TagResult:
        """Tags a track. Arguments, result and errors are those of `Tagger.tag`."""
        check_merge(aggregate, top)  # before the track is heard
        return self.taggram(audio, sample_rate, hop_seconds, tail).merge(aggregate, top)

    def taggram(
        self,
        audio: Audio,
        sample_rate: int | None = None,
        hop_seconds: float | None = None,
        tail: str = "anchor",
    ) -> Taggram:
        """Scores each chunk of a track. Arguments, result and errors are those of `Tagger.taggram`."""
        scores, spans, facts = self._track("scores", audio, sample_rate, hop_seconds, tail)
        return Taggram(scores, spans[:, 0], spans[:, 1], self.vocabulary, facts)

    def embed(
        self,
        audio: Audio,
        sample_rate: int | None = None,
        layer: str | None = None,
        hop_seconds: float | None = None,
        tail: str = "anchor",
    ) -> np.ndarray:
        """Describes each chunk of a track by numbers: what the penultimate layer gives, float32 (chunks, features).

        Arguments and errors are those of `Tagger.embed`, but an exported model has no other layer: `layer` must be
        None or "embedding".
        """
        if layer not in (None, "embedding"):
            raise UnknownNameError.of("layer of an exported model", layer, ["embedding"])
        return self._track("embedding", audio, sample_rate, hop_seconds, tail)[0]

    def _track(self, output, audio, sample_rate, hop_seconds, tail):
        def run(batch):
            return self._run(batch)[output]

        return run_track(run, self.artefact.chunking, audio, sample_rate, hop_seconds, tail)

    def __repr__(self) -> str:
        made = f"{self.artefact.format}, {self.artefact.precision}"
        return f"EngineTagger({self.name}, {made}: {self.vocabulary!r})"


def _of_waveforms(engine: Engine, folder: Path, artefact: Artefact) -> Engine:
    """The engine, behind the front end where the model takes its features."""
    if artefact.input == "waveform":
        return engine
    config = artefact.model["frontend"]["config"]
    bands = np.load(folder / BANDS_FILE)
    return lambda batch: engine(log_mel(batch, config, bands))
