"""What the converters of other runtimes read: the network as a TensorFlow function or SavedModel, and its settings."""

import json

import keras

from keras_musictag.exporting.network import exported_spec
from keras_musictag.tagger.model import Tagger


def graph_of(network: keras.Model):
    """A function whose input and outputs bear the names that the exported model's will.

    Args:
        network: Of one input, with a dict of outputs.

    Returns:
        A `tf.function` with one signature: from float32 (batch, ...) to float32 by name.
    """
    import tensorflow as tf

    (tensor,) = network.inputs
    signature = [tf.TensorSpec(tensor.shape, tf.float32, name=tensor.name)]

    def run(inputs):
        outputs = network(inputs, training=False)
        return {name: tf.identity(output, name) for name, output in outputs.items()}

    return tf.function(run, input_signature=signature)


def save_graph(network: keras.Model, folder: str, batch: int | None = None) -> None:
    """Writes a SavedModel of one signature whose weights are constants: a converter would keep variables as such.

    Args:
        network: Of one input, with a dict of outputs: the names of the signature's.
        folder: Exists.
        batch: The only batch size that it takes; None for any.
    """
    import tensorflow as tf

    (tensor,) = network.inputs
    trainable, others = (
        [variable.numpy() for variable in variables]
        for variables in (network.trainable_variables, network.non_trainable_variables)
    )
    spec = tf.TensorSpec((batch, *tensor.shape[1:]), tf.float32, name=tensor.name)
    call = tf.function(lambda x: network.stateless_call(trainable, others, x, training=False)[0])
    tf.saved_model.save(tf.Module(), folder, signatures=call.get_concrete_function(spec))


def settings_of(tagger: Tagger) -> dict[str, str]:
    """What an exported file tells of itself in its metadata: each a string, the last two of them JSON.

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
