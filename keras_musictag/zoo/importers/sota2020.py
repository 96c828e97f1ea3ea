"""Converts the names and shapes of the 2020 evaluation's PyTorch checkpoints to those of this package's networks.

Source: minzwon/sota-music-tagging-models (MIT) at commit 4e1d652d4a7b12437a624965e85890b70b4a111d; Won et al., SMC
2020.
"""

import re
from collections.abc import Iterator

import numpy as np

# The original's class names, for messages and cards
CLASSES = {
    "fcn": "FCN",
    "musicnn_2020": "Musicnn",
    "crnn": "CRNN",
    "sample_cnn": "SampleCNN",
    "sample_cnn_se": "SampleCNNSE",
    "short_chunk_cnn": "ShortChunkCNN",
    "short_chunk_cnn_res": "ShortChunkCNN_Res",
    "self_attention": "CNNSA",
    "harmonic_cnn": "HarmonicCNN",
}
# Constants that the originals store with their weights; the front ends here compute them
BUFFERS = re.compile(r".*\.num_batches_tracked|(spec|hstft)\.(.+\.)?(window|fb)")
# (pattern of the original's module, this package's layer); the first match counts
LAYERS = [
    (r"(spec|hstft)_bn|spec\.bn", "input_norm"),  # `spec.bn` since 2023
    (r"layers\.0\.(conv|bn)", r"timbral67_\1"),
    (r"layers\.1\.(conv|bn)", r"timbral38_\1"),
    (r"layers\.2\.(conv|bn)", r"temporal129_\1"),
    (r"layers\.3\.(conv|bn)", r"temporal65_\1"),
    (r"layers\.4\.(conv|bn)", r"temporal33_\1"),
    (r"(layer\d+)\.(conv|bn)", r"\1_\2"),
    (r"(layer\d+)\.(conv|bn)_(\d)", r"\1_\2\3"),
    (r"(layer\d+)\.dense(\d)", r"\1_gate\2"),
    (r"encoder\.layer\.(\d)\.attention\.self\.(query|key|value)", r"encoder\1_attention/\2"),
    (r"encoder\.layer\.(\d)\.attention\.output\.dense", r"encoder\1_attention/attention_output"),
    (r"encoder\.layer\.(\d)\.attention\.output\.LayerNorm", r"encoder\1_attention_norm"),
    (r"encoder\.layer\.(\d)\.intermediate\.dense", r"encoder\1_hidden"),
    (r"encoder\.layer\.(\d)\.output\.dense", r"encoder\1_output"),
    (r"encoder\.layer\.(\d)\.output\.LayerNorm", r"encoder\1_output_norm"),
    (r"pooler\.dense", "pooler"),
    (r"dense1", "dense"),
    (r"bn", "dense_norm"),
    (r"dense2?", "logits"),
]
NORM_LEAVES = {
    "weight": "gamma",
    "bias": "beta",
    "running_mean": "moving_mean",
    "running_var": "moving_variance",
}
GRU_KEY = re.compile(r"layer5\.(weight|bias)_(ih|hh)_l(\d)")
ATTENTION_HEADS = 8


def convert(state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Renames and transposes the arrays of a checkpoint of any of the nine networks.

    Args:
        state: The original's key -> array.

    Returns:
        `layer/variable` -> C-contiguous float32 array, as `zoo.weights.assign_weights` takes them.

    Raises:
        ValueError: If a key is not one of the originals', or two keys are the same weight.

    Example:
        >>> arrays = convert({"layer1.conv.weight": np.zeros((64, 1, 3, 3), np.float32)})
        >>> {key: array.shape for key, array in arrays.items()}
        {'layer1_conv/kernel': (3, 3, 1, 64)}
    """
    state = {key: np.asarray(array) for key, array in state.items() if not BUFFERS.fullmatch(key)}
    gru = {key: state.pop(key) for key in list(state) if GRU_KEY.fullmatch(key)}
    converted = dict(_gru(gru)) if gru else {}
    for key, array in state.items():
        name, array = _variable(key, array)
        if name in converted:
            raise ValueError(f"The checkpoint has a second key for {name}: {key!r}.")
        converted[name] = array
    # In memory order, too: safetensors writes memory as it is, so a transposed view would be scrambled
    return {name: array.astype(np.float32, order="C") for name, array in converted.items()}


def _variable(key, array):
    if key == "hstft.bw_Q":
        return "harmonic_filterbank/q", array
    module, _, leaf = key.rpartition(".")
    layer = next((re.sub(p, to, module) for p, to in LAYERS if re.fullmatch(p, module)), None)
    if layer is None or leaf not in NORM_LEAVES:
        raise ValueError(f"The checkpoint has the key {key!r}, which no network of the 2020 evaluation has.")
    layer = re.sub(r"_bn(\d?)$", r"_norm\1", layer)
    layer = re.sub(r"encoder(\d)", lambda match: f"encoder{int(match[1]) + 1}", layer)
    if layer.rpartition("/")[0].endswith("_attention"):
        if array.ndim != (2 if leaf == "weight" else 1) or array.shape[0] % ATTENTION_HEADS:
            raise _wrong_shape(key, array)
        return f"{layer}/{'kernel' if leaf == 'weight' else 'bias'}", _per_head(layer, leaf, array)
    if "norm" in layer:
        return f"{layer}/{NORM_LEAVES[leaf]}", array
    if leaf == "weight":
        return f"{layer}/kernel", array.transpose(tuple(range(array.ndim))[::-1])  # (out, in, ...) -> (..., in, out)
    return f"{layer}/{leaf}", array


def _per_head(layer, leaf, array):
    """Keras's attention has a separate axis for its heads."""
    size = array.shape[0] // ATTENTION_HEADS
    if layer.endswith("attention_output"):
        return array if leaf == "bias" else array.T.reshape(ATTENTION_HEADS, size, array.shape[0])
    return array.reshape(ATTENTION_HEADS, size) if leaf == "bias" else array.T.reshape(-1, ATTENTION_HEADS, size)


def _gru(state) -> Iterator[tuple[str, np.ndarray]]:
    """PyTorch orders the gates reset, update, new; Keras update, reset, new."""
    for key, array in state.items():
        kind, side, index = GRU_KEY.fullmatch(key).groups()
        if array.ndim != (2 if kind == "weight" else 1) or array.shape[0] % 3:
            raise _wrong_shape(key, array)
        reset, update, new = np.split(array, 3)
        array = np.concatenate([update, reset, new]).astype(np.float32)
        cell = f"gru{int(index) + 1}/gru_cell"
        if kind == "weight":
            yield f"{cell}/{'kernel' if side == 'ih' else 'recurrent_kernel'}", array.T
        elif side == "ih":
            other = state.get(key.replace("_ih_", "_hh_"))
            if other is None or other.shape != array.shape:
                raise ValueError(f"The checkpoint has {key!r}, but no bias of that shape for the recurrent part.")
            reset, update, new = np.split(other, 3)
            yield f"{cell}/bias", np.stack([array, np.concatenate([update, reset, new]).astype(np.float32)])


def _wrong_shape(key, array):
    return ValueError(f"The checkpoint's {key!r} has shape {array.shape}, which no network has.")
