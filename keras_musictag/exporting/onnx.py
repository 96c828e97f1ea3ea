"""ONNX: `model.onnx`, of standard operators of opset 18, for any batch size.

tf2onnx converts the TensorFlow function of the exported network. Keras's own `model.export(format="onnx")` calls it,
too, but lets no operator be added: the STFT, `log1p` and the exact GELU would be left as TensorFlow's, and no runtime
opens such a file. `onnx_operators` adds them; the front end is thereby ONNX's `DFT`, a true FFT.

There is no int8: ONNX Runtime's dynamic quantisation keeps one scale for all filters of a convolution, and one for all
chunks of a batch. Released weights of `musicnn` moved by 5.5e-2 on music, and a chunk's scores depended on the
others in its batch by 1.7e-2. "float16" stores the weights as such, which halves the
file; arithmetic is float32.
"""

import logging
from pathlib import Path

import keras
import numpy as np

from keras_musictag.engines.installed import check_installed
from keras_musictag.engines.onnx import MODEL_FILE
from keras_musictag.exporting._common import OUTPUTS, is_rounded, lacking, refusal, upstream
from keras_musictag.exporting.graph import graph_of, settings_of
from keras_musictag.exporting.network import exported_network
from keras_musictag.exporting.onnx_operators import replacements
from keras_musictag.tagger.model import Tagger

PRECISIONS = {
    "float32": 5e-4,  # the STFT rounds silent bins otherwise: 4e-5 with trained weights, 8e-4 with random ones
    "float16": 5e-3,  # 11 bits of each weight behind the front end; arithmetic in float32
}
INPUTS = ("waveform", "log-mel")
OPSET = 18


def write(tagger: Tagger, folder: Path, precision: str, form: str) -> None:
    """Writes `model.onnx`, with the tags and settings in its metadata.

    Args:
        tagger: With its weights.
        folder: Exists.
        precision: Of `PRECISIONS`.
        form: Of `INPUTS`.

    Returns:
        None: it takes any batch size.

    Raises:
        ExportError: If a package lacks, an operator has no counterpart in ONNX, which the message names, or tf2onnx or
            ONNX's checker fails.
    """
    check_installed("ONNX", "onnx", "tf2onnx", "onnxruntime")  # the last runs the file, and is not loaded here
    import onnx

    model = _converted(exported_network(tagger, form), tagger.name)
    foreign = sorted({node.op_type for node in _nodes(model.graph) if not onnx.defs.has(node.op_type, node.domain)})
    if foreign:
        raise lacking("ONNX", tagger.name, foreign)
    if precision == "float16":
        _halve_weights(model.graph, onnx)
    _order_outputs(model.graph)
    _name_the_batch(model.graph)
    model.producer_name = "keras_musictag"
    onnx.helper.set_model_props(model, settings_of(tagger))
    try:
        onnx.checker.check_model(model, full_check=True)
    except Exception as error:  # of several kinds, without a base of their own
        raise refusal("ONNX's checker", tagger.name, error) from error
    onnx.save(model, Path(folder) / MODEL_FILE)


def _converted(network: keras.Model, name: str):
    """The network as a `ModelProto`, which may hold operators that ONNX does not have; `name` is the tagger's."""
    from tf2onnx.convert import from_function

    function = graph_of(network)
    logger = logging.getLogger("tf2onnx")  # it writes pages of what the caller says in one line
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    options = {"opset": OPSET, "custom_op_handlers": replacements()}
    try:
        return from_function(function, function.input_signature, **options)[0]
    except Exception as error:  # of any kind: it was written by many
        raise refusal("tf2onnx", name, error) from error
    finally:
        logger.setLevel(level)


def _nodes(graph):
    """All nodes, those of loops too."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from _nodes(attribute.g)


def _halve_weights(graph, onnx) -> None:
    """Stores large arrays as float16, and a cast back to float32 that the runtime does once; not the front end's."""
    held = _front_end(graph)
    casts = []
    for tensor in graph.initializer:
        values = onnx.numpy_helper.to_array(tensor)
        if not is_rounded(values) or tensor.name in held:
            continue
        name = tensor.name
        tensor.CopyFrom(onnx.numpy_helper.from_array(values.astype(np.float16), f"{name}_float16"))
        casts.append(onnx.helper.make_node("Cast", [tensor.name], [name], f"{name}_cast", to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


def _front_end(graph) -> set[str]:
    """Names of the arrays that the spectrogram's logarithm is computed from; none where there is no logarithm."""
    inputs = {output: node.input for node in graph.node for output in node.output}
    logarithms = [output for node in graph.node if node.op_type == "Log" for output in node.output]
    return upstream(logarithms, lambda name: inputs.get(name, ()))


def _order_outputs(graph) -> None:
    """Scores first: who asks for outputs by number expects it."""
    found = {output.name: output for output in graph.output}
    ordered = [found[name] for name in OUTPUTS]
    del graph.output[:]
    graph.output.extend(ordered)


def _name_the_batch(graph) -> None:
    for value in (*graph.input, *graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
