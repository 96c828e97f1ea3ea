"""The signatures that `GET /v1/models/NAME/metadata` describes: those of an exported SavedModel (docs/serving.md)."""

from dataclasses import dataclass
from typing import Any

from keras_musictag.audio.chunking import Chunking

FLOAT, DOUBLE, INT64, STRING = "DT_FLOAT", "DT_DOUBLE", "DT_INT64", "DT_STRING"
ANY = -1  # a length that may differ from one request to the next


@dataclass(frozen=True)
class Signature:
    """One signature: its input's name, and the types and shapes of that input and of its outputs."""

    input_name: str
    input: tuple[str, tuple[int, ...]]
    outputs: dict[str, tuple[str, tuple[int, ...]]]


def signatures(chunking: Chunking, tags: int, features: int) -> dict[str, Signature]:
    """Describes the signatures of a model.

    Args:
        chunking: How a track is cut for it.
        tags: Its number of tags.
        features: Length of its embedding.

    Example:
        >>> signatures(Chunking(), 50, 200)["embed"].outputs
        {'embedding': ('DT_FLOAT', (-1, 200))}
    """
    chunks = (FLOAT, (ANY, chunking.chunk_samples))
    scores = (FLOAT, (ANY, tags))
    seconds = (DOUBLE, (ANY,))
    spans = {"scores": scores, "start_seconds": seconds, "end_seconds": seconds}
    texts = {"tags": (STRING, (ANY,)), "groups": (STRING, (ANY,)), "indices": (INT64, (ANY,))}
    return {
        "serving_default": Signature("waveform", chunks, {"scores": scores}),
        "embed": Signature("waveform", chunks, {"embedding": (FLOAT, (ANY, features))}),
        "wav_bytes": Signature("wav_bytes", (STRING, (ANY,)), {"scores": scores}),
        "taggram": Signature("waveform", (FLOAT, (ANY,)), spans),
        "tags": Signature("group", (STRING, ()), texts),
    }


def metadata(name: str, described: dict[str, Signature]) -> dict[str, Any]:
    """The answer to `GET .../metadata`, as protobuf writes it: 64-bit integers are strings.

    Args:
        name: Name of the model.
        described: Its signatures.
    """
    definitions = {key: _definition(key, signature) for key, signature in described.items()}
    return {
        "model_spec": {"name": name, "signature_name": "", "version": "1"},
        "metadata": {"signature_def": {"signature_def": definitions}},
    }


def _definition(key: str, signature: Signature) -> dict[str, Any]:
    return {
        "inputs": {signature.input_name: _tensor(f"{key}_{signature.input_name}:0", *signature.input)},
        "outputs": {name: _tensor(f"{key}_{name}:0", *spec) for name, spec in signature.outputs.items()},
        "method_name": "tensorflow/serving/predict",
        "defaults": {},
    }


def _tensor(name: str, dtype: str, shape: tuple[int, ...]) -> dict[str, Any]:
    dimensions = [{"size": str(size), "name": ""} for size in shape]
    return {"dtype": dtype, "tensor_shape": {"dim": dimensions, "unknown_rank": False}, "name": name}
