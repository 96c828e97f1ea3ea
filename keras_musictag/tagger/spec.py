"""Everything that defines a tagger except its weights: plain data, the same in cards and `.keras` files."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any

from keras_musictag import architectures, frontends
from keras_musictag.audio.chunking import Chunking
from keras_musictag.errors import UnknownNameError
from keras_musictag.tags.vocabulary import Vocabulary

ACTIVATIONS = ("sigmoid", None)
SPEC_KEYS = {"architecture", "frontend", "chunking", "tags", "classifier_activation"}


@dataclass(frozen=True)
class TaggerSpec:
    """What a tagger is built from.

    Attributes:
        architecture: A name of `architectures.names()`.
        config: The `Config` of the architecture.
        frontend_config: The `Config` of a front end; its class says which one.
        chunking: How a track is cut into chunks.
        vocabulary: The tags, in the order of its outputs; None for a feature extractor, which has no head.
        classifier_activation: "sigmoid" for scores, None for logits.

    Example:
        >>> spec = TaggerSpec.of("musicnn", ["rock", "piano"])
        >>> spec == TaggerSpec.from_dict(spec.to_dict())
        True
    """

    architecture: str
    config: Any
    frontend_config: Any
    chunking: Chunking
    vocabulary: Vocabulary | None
    classifier_activation: str | None = "sigmoid"

    def __post_init__(self):
        if self.classifier_activation not in ACTIVATIONS:
            raise ValueError(
                f"`classifier_activation` must be 'sigmoid' or None. Received: {self.classifier_activation!r}."
            )
        if self.vocabulary is not None and len(self.vocabulary) == 0:
            raise ValueError("`tags` must name at least one tag. Received an empty list.")
        if self.chunking.sample_rate_hz != self.frontend_config.sample_rate_hz:
            raise ValueError(
                "Chunking and front end must share one sample rate. Received: "
                f"{self.chunking.sample_rate_hz} Hz and {self.frontend_config.sample_rate_hz} Hz."
            )

    @classmethod
    def of(cls, architecture: str, tags, config: Any = None, **others) -> "TaggerSpec":
        """An architecture, with the front end and chunking of its publication, for a list of tags (None: no head)."""
        module = architectures.get(architecture)
        return cls(
            architecture=architecture,
            config=config or module.Config(),
            frontend_config=module.FRONTEND,
            chunking=module.CHUNKING,
            vocabulary=None if tags is None else Vocabulary.of(tags),
            **others,
        )

    def with_config(self, changes: Mapping[str, Any]) -> "TaggerSpec":
        """Returns a copy with some settings of the architecture changed.

        Raises:
            UnknownNameError: If the architecture has no such setting.
            ValueError: If a value has another type or range than the one that it replaces.

        Example:
            >>> TaggerSpec.of("short_chunk_cnn", ["rock"]).with_config({"units": 128}).config.units
            128
        """
        before = _to_plain(self.config)
        for name, value in changes.items():
            if name in before and not _is_alike(value, before[name]):
                raise ValueError(
                    f"The setting {name!r} of {self.architecture!r} must be like {before[name]!r}. Received: {value!r}."
                )
        return dataclasses.replace(self, config=_config_from(type(self.config), {**before, **changes}))

    def with_chunk_seconds(self, seconds: float) -> "TaggerSpec":
        """Returns a copy for chunks of another length, rounded to whole samples (with context: to whole frames).

        Raises:
            ValueError: If the architecture does not allow other lengths, or the length is not positive.
        """
        if not architectures.get(self.architecture).ANY_LENGTH:
            flexible = [name for name in architectures.names() if architectures.get(name).ANY_LENGTH]
            own = self.chunking.chunk_samples / self.chunking.sample_rate_hz
            raise ValueError(
                f"{self.architecture!r} takes only chunks of {own:g} s. Received: chunk_seconds={seconds}. "
                f"Architectures that allow other lengths: {', '.join(flexible)}."
            )
        if not (isinstance(seconds, Real) and 0 < seconds < 3600):
            raise ValueError(f"`chunk_seconds` must be above 0 and below an hour. Received: {seconds!r}.")
        samples = round(seconds * self.chunking.sample_rate_hz)
        overlap = self.chunking.chunk_samples - self.chunking.hop_samples
        if self.chunking.context_samples:  # uncentred frames: a hop has as many frames as a chunk
            frame = self.frontend_config.hop_samples
            samples = max(1, round(samples / frame)) * frame + overlap
        chunking = dataclasses.replace(self.chunking, chunk_samples=samples, hop_samples=samples - overlap)
        return dataclasses.replace(self, chunking=chunking)

    def to_dict(self) -> dict[str, Any]:
        """The spec as plain data for JSON. It names the front end; the implementation is chosen when it is built."""
        return {
            "architecture": {"name": self.architecture, "config": _to_plain(self.config)},
            "frontend": {"name": frontends.name_of(self.frontend_config), "config": _to_plain(self.frontend_config)},
            "chunking": _to_plain(self.chunking),
            "tags": None if self.vocabulary is None else self.vocabulary.to_list(),
            "classifier_activation": self.classifier_activation,
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "TaggerSpec":
        """Reads the result of `to_dict`; a missing or unknown setting raises an error that names it."""
        if not isinstance(data, dict) or data.keys() != SPEC_KEYS:
            raise ValueError(
                f"A tagger's settings must have the keys {', '.join(sorted(SPEC_KEYS))}. Received: {data!r}."
            )
        architecture, frontend = data["architecture"], data["frontend"]
        return cls(
            architecture=architecture["name"],
            config=_config_from(architectures.get(architecture["name"]).Config, architecture["config"]),
            frontend_config=_config_from(frontends.get(frontend["name"]).Config, frontend["config"]),
            chunking=_config_from(Chunking, data["chunking"]),
            vocabulary=None if data["tags"] is None else Vocabulary.of(data["tags"]),
            classifier_activation=data["classifier_activation"],
        )


def _is_alike(value: Any, other: Any) -> bool:
    """Whether two settings are alike: lists of equal length, whole numbers above 0, or numbers from 0 to below 1."""
    if isinstance(other, list):
        same_length = isinstance(value, list | tuple) and len(value) == len(other)
        return same_length and all(_is_alike(mine, theirs) for mine, theirs in zip(value, other, strict=True))
    if isinstance(other, Real) and not isinstance(other, bool):
        whole = isinstance(other, int)
        number = isinstance(value, int if whole else Real) and not isinstance(value, bool)
        return number and (value >= 1 if whole else 0 <= value < 1)
    return type(value) is type(other)


def _to_plain(config) -> dict[str, Any]:
    return {name: _to_lists(value) for name, value in dataclasses.asdict(config).items()}


def _to_lists(value):
    return [_to_lists(v) for v in value] if isinstance(value, tuple) else value


def _to_tuples(value):
    return tuple(_to_tuples(v) for v in value) if isinstance(value, list) else value


def _config_from(cls, values: dict[str, Any]):
    """Makes a config from plain data. No setting may be missing: today's defaults may not be those of old weights."""
    known = [field.name for field in dataclasses.fields(cls)]
    for name in values:
        if name not in known:
            raise UnknownNameError.of(f"setting of {cls.__module__}.{cls.__name__}", name, known)
    missing = [name for name in known if name not in values]
    if missing:
        raise ValueError(f"{cls.__module__}.{cls.__name__} is missing the settings: {', '.join(missing)}.")
    return cls(**{name: _to_tuples(value) for name, value in values.items()})
