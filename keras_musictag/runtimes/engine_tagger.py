"""`EngineTagger`: an exported folder that tags tracks as a `Tagger` does, in the runtime of its format.

"litert", "onnx" and "openvino" need neither TensorFlow nor Keras; "savedmodel" loads TensorFlow, "keras" loads both.
`log_mel_features` is the front end, in NumPy, of models that take features.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from keras_musictag.audio.chunking import Chunking
from keras_musictag.errors import UnknownNameError
from keras_musictag.runtimes import formats
from keras_musictag.runtimes.artefact import Artefact, read_artefact
from keras_musictag.tagger.tagging import Tagging
from keras_musictag.tagger.track import RunBatch
from keras_musictag.tags.vocabulary import Vocabulary


class LazyOutputs(Mapping):
    """A read-only dict of outputs, each computed on first use: for engines that run the network once per output.

    Args:
        names: Names of the outputs.
        compute: Computes the output of a name.

    Example:
        >>> outputs = LazyOutputs(["scores", "embedding"], lambda name: np.zeros(len(name)))
        >>> list(outputs), outputs["scores"].shape
        (['scores', 'embedding'], (6,))
    """

    def __init__(self, names: Iterable[str], compute: Callable[[str], np.ndarray]):
        self._names, self._compute, self._found = tuple(names), compute, {}

    def __getitem__(self, name: str) -> np.ndarray:
        if name not in self._names:
            raise KeyError(name)
        if name not in self._found:
            self._found[name] = self._compute(name)
        return self._found[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


BANDS_FILE = "mel_bands.npy"  # float32 (bins, mels), next to a model that takes log-mel features
PAD_MODES = {"reflect": "reflect", "zero": "constant"}


def log_mel_features(waveforms: np.ndarray, config: dict[str, Any], bands: np.ndarray) -> np.ndarray:
    """Computes what `frontends.log_mel` does, within float32 round-off, without TensorFlow and librosa.

    Args:
        waveforms: Float32 (batch, samples), in [-1, 1].
        config: A `frontends.log_mel.Config`, as plain data.
        bands: The mel matrix, float32 (bins, mels).

    Returns:
        Float32 (batch, frames, mels, 1).

    Example:
        >>> config = {"window_samples": 4, "hop_samples": 2, "padding": "none", "compression": "log_gain", "gain": 1.0}
        >>> log_mel_features(np.zeros((1, 8), np.float32), config, np.ones((3, 2), np.float32)).shape
        (1, 3, 2, 1)
    """
    window = config["window_samples"]
    if config["padding"] != "none":
        ends = (window // 2, window // 2)
        waveforms = np.pad(waveforms, ((0, 0), ends), mode=PAD_MODES[config["padding"]])
    frames = np.lib.stride_tricks.sliding_window_view(waveforms, window, axis=1)[:, :: config["hop_samples"]]
    hann = np.hanning(window + 1)[:-1].astype(np.float32)  # periodic
    power = np.abs(np.fft.rfft(frames * hann)) ** 2
    mels = power.astype(np.float32) @ bands
    if config["compression"] == "decibel":
        features = 10 * np.log10(np.maximum(mels, config["floor_power"]))
    else:
        features = np.log1p(config["gain"] * mels) / np.log(10.0)
    return features[..., None].astype(np.float32)


Engine = Callable[[np.ndarray], Mapping[str, np.ndarray]]
_INHERITED = []  # engines of a parent process: kept, because some wait for their threads when they are deleted


def open_engine(folder: Path, artefact: Artefact, threads: int | None = None) -> Engine:
    """Opens an exported model in its runtime.

    Args:
        folder: An exported folder.
        artefact: Its `Artefact`.
        threads: Number of threads; None for the runtime's default.

    Returns:
        A function from float32 (batch, ...), of any batch size and in the artefact's input form, to
        `{"scores": float32 (batch, tags), "embedding": float32 (batch, features)}`.

    Raises:
        ExportError: If the runtime's package is not installed.
        ValueError: If, for a "savedmodel", TensorFlow already runs with another number of threads.
    """
    return formats.get(artefact.format).open_model(folder, artefact, threads)


def of_waveforms(engine: Engine, folder: Path, artefact: Artefact) -> Engine:
    """The engine as a function of waveforms: preceded by the front end in NumPy if the model takes features.

    Args:
        engine: The engine of the folder.
        folder: An exported folder.
        artefact: Its `Artefact`.

    Returns:
        A function like `engine`, from float32 (batch, chunk_samples).
    """
    if artefact.input == "waveform":
        return engine
    config = artefact.model["frontend"]["config"]
    bands = np.load(folder / BANDS_FILE)
    return lambda batch: engine(log_mel_features(batch, config, bands))


class EngineTagger(Tagging):
    """A music tagger that runs an exported model: `tag`, `taggram` and `embed` are those of `Tagger`.

    Args:
        folder: A folder that `keras-musictag export` or `kmt.export` wrote.
        threads: Number of threads, 1 or more; None for the runtime's default.

    Raises:
        FileNotFoundError: If the folder holds no exported model.
        ValueError: If its `artefact.json` is damaged, `threads` is not a whole number of 1 or more, or, for a
            "savedmodel", TensorFlow already runs with another number of threads.
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
        if threads is not None and (isinstance(threads, bool) or not isinstance(threads, int) or threads < 1):
            raise ValueError(
                f"`threads` must be a whole number of 1 or more, or None for the runtime's. Received: {threads!r}."
            )
        self.folder = Path(folder)
        self.artefact = read_artefact(self.folder)
        self._threads = threads
        self._open()

    def _open(self) -> None:
        self._run = of_waveforms(open_engine(self.folder, self.artefact, self._threads), self.folder, self.artefact)
        self._pid = os.getpid()

    @property
    def name(self) -> str:
        """Name of the exported tagger."""
        return self.artefact.name

    @property
    def vocabulary(self) -> Vocabulary:
        """The tags, in the order of the scores."""
        return self.artefact.vocabulary

    @property
    def chunking(self) -> Chunking:
        """How a track is cut into chunks."""
        return self.artefact.chunking

    def _run_for_scores(self) -> RunBatch:
        return self._run_for_output("scores")

    def _run_for_layer(self, layer: str | None) -> RunBatch:
        if layer not in (None, "embedding"):
            raise UnknownNameError.of("layer of an exported model", layer, ["embedding"])
        return self._run_for_output("embedding")

    def chunk_outputs(self, batch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        self._reopen_after_fork()
        outputs = self._run(batch)
        return outputs["scores"], outputs["embedding"]

    def _run_for_output(self, name: str) -> RunBatch:
        self._reopen_after_fork()
        return lambda batch: self._run(batch)[name]

    def _reopen_after_fork(self) -> None:
        if (
            self._pid != os.getpid()
        ):  # after a fork: the runtime's threads, and the locks that they held, are in the parent
            _INHERITED.append(self._run)
            self._open()

    def __repr__(self) -> str:
        made = f"{self.artefact.format}, {self.artefact.precision}"
        return f"EngineTagger({self.name}, {made}: {self.vocabulary!r})"
