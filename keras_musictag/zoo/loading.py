"""`load`: a name, a folder or a file -> a Tagger in Keras, or the same model in another runtime.

The two ways part here. In Keras: `resolving` (what the arguments stand for), then `keras_loading`. With an engine:
`engine_cache`, which opens an export and loads neither TensorFlow nor Keras once the export is in the cache.
"""

from os import PathLike
from typing import TYPE_CHECKING

from keras_musictag.keras_start import start_keras
from keras_musictag.processes import refuse_after_fork
from keras_musictag.zoo.resolving import DEFAULT, resolve

if TYPE_CHECKING:  # opening an engine must not import Keras
    from keras_musictag.runtimes.engine_tagger import EngineTagger
    from keras_musictag.tagger import Tagger


def load(
    model: str | PathLike,
    weights: str | PathLike | None = DEFAULT,
    tags=None,
    include_top: bool = True,
    classifier_activation: str | None = "sigmoid",
    chunk_seconds: float | None = None,
    precision: str | None = None,
    engine: str | None = None,
) -> "Tagger | EngineTagger":
    """Loads a tagger, in the manner of `keras.applications`.

    Args:
        model: The name of an architecture ("musicnn") or of a zoo entry ("musicnn-msd-v1"), the folder of an entry, a
            `.keras` or `.h5` file of a saved Tagger, or, with an engine, an exported folder.
        weights: For an architecture: "default", a dataset ("mtat"), the name of an entry, or a file (.safetensors,
            .weights.h5, or a whole .keras or .h5 of the same network). None, also for an entry: random weights.
        tags: Tags other than the pretrained ones put a new head with random weights on the pretrained body; None keeps
            the pretrained ones. With a file of weights: the tags of its outputs.
        include_top: False for the feature extractor: it has no head, and its output is the embedding.
        classifier_activation: "sigmoid" for scores, except that a model saved with logits keeps them; None for logits
            (`tag` and `taggram` return scores in any case).
        chunk_seconds: Length of the network's input, if the architecture allows other lengths than its own.
        precision: "float32", "bfloat16", "float16", or None for Keras's global dtype policy: see `Tagger`. With an
            engine: a precision that its format supports; None for "float32".
        engine: None for Keras. "litert", "onnx", "openvino", "savedmodel" or "keras" runs the model in that runtime: it
            is exported on first use, kept in the user's cache, and from then on opened without TensorFlow and Keras
            ("savedmodel" needs TensorFlow, "keras" needs both). `model` may also be a folder that `kmt.export` wrote.
            The head cannot be changed.

    Returns:
        A `Tagger`; with an engine, an `EngineTagger`, which has the same `tag`, `taggram` and `embed`. Weights at an
        address are fetched, checked and converted on first use.

    Raises:
        UnknownNameError: If a name is unknown.
        FileNotFoundError: If a path does not exist.
        ChecksumError: If a weight file is not the one that its card states.
        MusicTagError: If the user's settings prevent Keras from starting, this process was forked after Keras's backend
            had run, weights cannot be fetched, the user's cache cannot be written, or (as ExportError) the model cannot
            be exported for the engine.
        ValueError: If arguments contradict each other, or a file is not a tagger.

    Example:
        >>> load("musicnn", weights="msd").name
        'musicnn-msd-v1'
        >>> load("musicnn", tags=["calm", "wild"]).output_shape
        (None, 2)
    """
    if tags is not None and not include_top:
        raise ValueError(f"A model without a head has no tags. Received: include_top=False with tags={list(tags)!r}.")
    if engine is not None:
        if tags is not None or not include_top or classifier_activation != "sigmoid":
            raise ValueError(
                f"An engine runs a model as it is. Received: engine={engine!r} with another head. Omit `tags`, "
                "`include_top` and `classifier_activation`, or export your own tagger with kmt.export."
            )
        from keras_musictag.zoo.engine_cache import load_engine  # which imports the runtimes

        return load_engine(model, weights, engine, precision, chunk_seconds)
    source = resolve(model, weights)
    refuse_after_fork()
    start_keras()
    from keras_musictag.zoo.keras_loading import load_tagger

    return load_tagger(source, tags, include_top, classifier_activation, chunk_seconds, precision)
