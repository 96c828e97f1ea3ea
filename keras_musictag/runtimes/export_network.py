"""The network that is exported: scores and embedding of a chunk, with plain operations only.

Converters read it as a TensorFlow function (`graph_of`) or as a SavedModel (`save_graph`).
"""

import dataclasses
import json

import keras

from keras_musictag import architectures, frontends
from keras_musictag.errors import UnknownNameError
from keras_musictag.layers.keras_settings import dtype_policy, own_settings
from keras_musictag.runtimes.artefact import INPUT_NAMES
from keras_musictag.tagger import Tagger, TaggerSpec
from keras_musictag.tagger.fold import fold_normalisation
from keras_musictag.tagger.network import HEAD, POLICIES, choose_precision


@own_settings()
def exported_network(tagger: Tagger, form: str = "waveform", precision: str = "float32") -> keras.Model:
    """Copies a tagger for export: with the portable front end and with normalisation folded into the layers.

    Args:
        tagger: A tagger with its weights and a head.
        form: "waveform", or "log-mel" for the network after its front end.
        precision: What the body computes in: see `Tagger`.

    Returns:
        A model from float32 (batch, chunk_samples), named "waveform", or (batch, frames, mels, 1), named "log_mel",
        to `{"scores": (batch, tags), "embedding": (batch, features)}`, float32. TensorFlow only.

    Raises:
        UnknownNameError: If the form or precision is unknown.
        ValueError: If the tagger has no head, or has no log-mel front end and the form is "log-mel".

    Example:
        >>> import keras_musictag as kmt
        >>> network = exported_network(kmt.build("vgg", tags=["calm", "wild"]), "log-mel")
        >>> network.input_shape, tuple(network.output["scores"].shape)
        ((None, 187, 96, 1), (None, 2))
    """
    spec = tagger.spec
    check_form(tagger, form)
    inputs, x = _features(spec, form)
    with dtype_policy(POLICIES[choose_precision(precision)]):
        x = architectures.get(spec.architecture).body(x, spec.config)
    _, logits, scores = HEAD
    embedding = keras.layers.Activation("linear", dtype="float32", name="embedding")(x)
    x = keras.layers.Dense(len(spec.vocabulary), dtype="float32", name=logits)(embedding)
    x = keras.layers.Activation("sigmoid", dtype="float32", name=scores)(x)  # also for a tagger that ends in logits
    network = keras.Model(inputs, [x, embedding])
    _copy_weights(tagger, network)
    folded = fold_normalisation(network)
    folded = keras.Model(folded.inputs[0], {"scores": folded.outputs[0], "embedding": folded.outputs[1]})
    folded.trainable = False
    return folded


def exported_spec(tagger: Tagger) -> TaggerSpec:
    """What `exported_network` computes, which ends in scores: also that of a tagger that ends in logits."""
    return dataclasses.replace(tagger.spec, classifier_activation="sigmoid")


def check_form(tagger: Tagger, form: str) -> None:
    """Raises the errors of `exported_network` if a tagger cannot be exported in a form."""
    if tagger.vocabulary is None:
        raise ValueError(f"{tagger.name!r} was built with include_top=False: it has no scores. Load it with a head.")
    if form not in INPUT_NAMES:
        raise UnknownNameError.of("input", form, INPUT_NAMES)
    frontend = frontends.name_of(tagger.spec.frontend_config)
    if form == "log-mel" and frontend != "log_mel":
        raise ValueError(
            f"Only networks with a log-mel front end take log-mel. Received: {tagger.spec.architecture!r}, whose front "
            f"end is {frontend!r}. Use the input 'waveform'."
        )


def _features(spec: TaggerSpec, form: str):
    """The input of a form, and the features that the body computes from."""
    waveform = keras.Input((spec.chunking.chunk_samples,), dtype="float32", name=INPUT_NAMES["waveform"])
    frontend = frontends.get(frontends.name_of(spec.frontend_config))
    features = frontend.apply(waveform, spec.frontend_config, "portable")
    if form == "waveform":
        return waveform, features
    log_mel = keras.Input(features.shape[1:], dtype="float32", name=INPUT_NAMES[form])
    return log_mel, log_mel


def input_shape(tagger: Tagger, form: str) -> tuple[int, ...]:
    """Shape of one example of a form: (chunk_samples,), or (frames, mels, 1)."""
    if form == "waveform":  # known without building the front end
        return (tagger.spec.chunking.chunk_samples,)
    return tuple(_features(tagger.spec, form)[0].shape[1:])


def _copy_weights(tagger: Tagger, network: keras.Model) -> None:
    """Copies the tagger's weights to the network by name; the names are the same in both."""
    weights = {variable.path: variable for variable in tagger.weights}
    for variable in network.weights:
        variable.assign(weights[variable.path])


def graph_of(network: keras.Model):
    """Makes a function whose input and outputs have the names that the exported model's will have.

    Args:
        network: A network with one input and a dict of outputs.

    Returns:
        A `tf.function` with one signature: from float32 (batch, ...) to float32 by name.
    """
    import tensorflow as tf

    (tensor,) = network.inputs
    signature = [tf.TensorSpec(tensor.shape, tf.float32, name=tensor.name)]

    def run(inputs):
        outputs = network(inputs, training=False)
        return {name: tf.identity(output, name) for name, output in outputs.items()}

    return tf.function(run, input_signature=signature, autograph=False)


def save_graph(network: keras.Model, folder: str, batch: int | None = None) -> None:
    """Writes a SavedModel with one signature and with the weights as constants: converters would keep variables.

    Args:
        network: A network with one input and a dict of outputs, whose names the signature gets.
        folder: An existing folder.
        batch: The only batch size that the model takes; None for any.
    """
    import tensorflow as tf

    (tensor,) = network.inputs
    trainable, others = (
        [variable.numpy() for variable in variables]
        for variables in (network.trainable_variables, network.non_trainable_variables)
    )
    spec = tf.TensorSpec((batch, *tensor.shape[1:]), tf.float32, name=tensor.name)
    call = tf.function(lambda x: network.stateless_call(trainable, others, x, training=False)[0], autograph=False)
    tf.saved_model.save(tf.Module(), folder, signatures=call.get_concrete_function(spec))


def settings_of(tagger: Tagger) -> dict[str, str]:
    """The metadata of an exported file: each value is a string, the last two are JSON.

    Example:
        >>> import keras_musictag as kmt
        >>> settings_of(kmt.build("vgg", tags=["calm", "wild"]))["tags"]
        '["calm", "wild"]'
    """
    return {
        "name": tagger.name,
        "sample_rate_hz": str(tagger.sample_rate),
        "chunk_samples": str(tagger.spec.chunking.chunk_samples),
        "hop_samples": str(tagger.spec.chunking.hop_samples),
        "tags": json.dumps(list(tagger.vocabulary), ensure_ascii=False),
        "model": json.dumps(exported_spec(tagger).to_dict(), ensure_ascii=False),
    }
