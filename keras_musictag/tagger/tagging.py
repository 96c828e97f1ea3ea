"""`tag`, `taggram` and `embed`, which take whole tracks: the same for a Keras model and for an exported one."""

from os import PathLike
from typing import BinaryIO

import numpy as np

from keras_musictag.audio.chunking import Chunking
from keras_musictag.tagger.results import Taggram, TagResult, check_merge
from keras_musictag.tagger.track import RunBatch, run_track, warn_of_notes
from keras_musictag.tags.vocabulary import Vocabulary

AudioSource = str | PathLike | BinaryIO | np.ndarray


class Tagging:
    """`tag`, `taggram` and `embed` for a class that can run its network on a batch of chunks.

    The class has a `name`, a `vocabulary` (None without a head), `chunking`, and the three methods at the end.
    """

    name: str
    vocabulary: Vocabulary | None
    chunking: Chunking

    @property
    def sample_rate(self) -> int:
        """Sample rate of the network's input, in Hz."""
        return self.chunking.sample_rate_hz

    @property
    def chunk_seconds(self) -> float:
        """Length of the network's input, in seconds."""
        return self.chunking.chunk_samples / self.sample_rate

    def tag(
        self,
        audio: AudioSource,
        sample_rate: int | None = None,
        top: int | None = 10,
        aggregate: str = "mean",
        tail: str = "anchor",
        hop_seconds: float | None = None,
    ) -> TagResult:
        """Tags a track.

        Args:
            audio: A path, a binary file, or an array `(samples,)` or `(channels, samples)`: floats in
                [-1, 1] or integers at full scale.
            sample_rate: Sample rate of an array, in Hz; it is resampled if necessary. A file states its own.
            top: Number of tags to return; None for all.
            aggregate: How the scores of the chunks are merged: "mean", "median" or "max".
            tail: How to treat the end of the track that no whole hop covers: "anchor" (add a chunk that ends where the
                track ends), "pad" (with zeros) or "drop" (as the original implementations did).
            hop_seconds: Seconds from one chunk to the next; None for the model's own hop.

        Returns:
            A `TagResult`: `.tags` is the list of (tag, score), highest score first.

        Raises:
            AudioError: If the audio cannot be used; the message says why.
            FileNotFoundError: If the file does not exist.
            ValueError: If the sample rate of an array is missing, `top` or `hop_seconds` is not positive, or the model
                has no head.
        """
        check_merge(aggregate, top)  # before the track is decoded
        return self.taggram(audio, sample_rate, hop_seconds, tail).merge(aggregate, top)

    def taggram(
        self,
        audio: AudioSource,
        sample_rate: int | None = None,
        hop_seconds: float | None = None,
        tail: str = "anchor",
    ) -> Taggram:
        """Scores each chunk of a track. Arguments and errors as in `tag`.

        Returns:
            A `Taggram`: `.scores` (chunks, tags), `.start_seconds` and `.end_seconds` (chunks,), `.plot(path)`.
        """
        self._check_head()
        run = self._run_for_scores()
        scores, spans, facts = run_track(run, self.chunking, audio, sample_rate, hop_seconds, tail)
        return Taggram(scores, spans[:, 0], spans[:, 1], self.vocabulary, facts)

    def _check_head(self) -> None:
        if self.vocabulary is None:
            raise ValueError(
                f"{self.name!r} was built with include_top=False: it has no tags. Use embed(), or load it with a head."
            )

    def embed(
        self,
        audio: AudioSource,
        sample_rate: int | None = None,
        layer: str | None = None,
        hop_seconds: float | None = None,
        tail: str = "anchor",
    ) -> np.ndarray:
        """Returns the output of a layer for each chunk of a track. Other arguments and errors as in `tag`.

        Args:
            layer: Name of a layer; None for the penultimate layer, from which the logits are computed. An exported
                model has only that one, under the name "embedding".

        Returns:
            Float32 (chunks, features), or (chunks, ...) for a layer whose output has more axes. The notes of a
            `TagResult` are issued as warnings.

        Raises:
            UnknownNameError: If the model has no such layer.
        """
        run = self._run_for_layer(layer)
        return warn_of_notes(run_track(run, self.chunking, audio, sample_rate, hop_seconds, tail))

    def chunk_outputs(self, batch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Runs the network once on chunks, for both of its outputs.

        Args:
            batch: Float32 (chunks, chunk_samples), as `audio.cut` cuts them.

        Returns:
            `(scores, embedding)`: float32 (chunks, tags) and (chunks, features), the output of the penultimate layer.

        Raises:
            ValueError: If the model has no head.

        Example:
            >>> import numpy as np
            >>> import keras_musictag as kmt
            >>> scores, embedding = kmt.load("vgg").chunk_outputs(np.zeros((2, 48128), np.float32))
            >>> scores.shape, embedding.shape
            ((2, 50), (2, 256))
        """
        raise NotImplementedError

    def _run_for_scores(self) -> RunBatch:
        """Returns the function from float32 (chunks, chunk_samples) to scores (chunks, tags)."""
        raise NotImplementedError

    def _run_for_layer(self, layer: str | None) -> RunBatch:
        """Returns the function from float32 (chunks, chunk_samples) to the output of a layer; None: the penultimate."""
        raise NotImplementedError
