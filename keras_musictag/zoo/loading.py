"""A name, a folder or a file -> a Tagger, or the same in another runtime."""

from os import PathLike
from typing import TYPE_CHECKING

from keras_musictag.keras_start import start_keras
from keras_musictag.processes import refuse_after_fork
from keras_musictag.zoo.engine_cache import exported_folder, load_engine
from keras_musictag.zoo.resolving import DEFAULT, resolve

if TYPE_CHECKING:  # an engine does without Keras
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
        model: An architecture's name ("musicnn"), a zoo entry's ("musicnn-msd-v1"), an entry's folder, a `.keras`
            or `.h5` file that a Tagger was saved to, or, with an engine, an exported folder.
        weights: For an architecture: "default", a dataset ("mtat"), an entry's name, or a file (.safetensors,
            .weights.h5, or a whole .keras or .h5 of the same network). None, also for an entry: random weights.
        tags: Other tags than the pretrained ones give a new, random head on the pretrained body; None for the
            pretrained ones. With a file of weights: the tags of its outputs.
        include_top: False for the feature extractor: no head, the output is the embedding.
        classifier_activation: "sigmoid" for scores, but a model saved with logits stays so; None for logits (`tag` and
            `taggram` give scores all the same).
        chunk_seconds: Length of the network's input, where the architecture allows another than its own.
        precision: "float32", "bfloat16", "float16", or None for Keras's global dtype policy: see `Tagger`. With an
            engine: a precision that its format has, or None for "float32".
        engine: None for Keras. "litert", "onnx", "openvino", "savedmodel" or "keras" runs the model there: it is
            exported when it is first asked for, kept in the user's cache, and from then on opened without TensorFlow
            and Keras ("savedmodel" needs the former, "keras" both). `model` may also be a folder that `kmt.export`
            wrote. It takes no other head.

    Returns:
        A `Tagger`; with an engine, an `EngineTagger`, which has the same `tag`, `taggram` and `embed`. Weights at an
        address are fetched, checked and converted on first use.

    Raises:
        UnknownNameError: If a name is not known.
        FileNotFoundError: If a path does not exist.
        ChecksumError: If a weight file is not the one that its card states.
        MusicTagError: If Keras does not start with the user's settings, this process was forked after Keras's backend
            had run, weights cannot be fetched, the user's cache cannot be written, or, as ExportError, the model
            cannot be exported for the engine.
        ValueError: If arguments contradict each other or a file is no tagger.

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
                f"An engine runs a model as it is. Received: engine={engine!r} with another head. Leave `tags`, "
                "`include_top` and `classifier_activation` out, or export a tagger of your own by kmt.export."
            )
        return load_engine(model, weights, engine, precision, chunk_seconds)
    if exported_folder(model) is not None:
        raise ValueError(
            f"{model} is an exported model, which Keras does not run. Name its engine, as in load(..., engine='onnx'), "
            "or run its example.py. Of the format 'keras', load the `.keras` file in it."
        )
    refuse_after_fork()
    start_keras()
    from keras_musictag.zoo.keras_loading import load_tagger

    source = resolve(model, weights)
    return load_tagger(source, tags, include_top, classifier_activation, chunk_seconds, precision)
