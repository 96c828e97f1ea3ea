"""`Tagger`: a Keras model that knows its tags, its sample rate and how to cut a track into chunks."""

from keras_musictag.keras_start import start_keras

start_keras()  # if the user's settings prevent it, the error says which

import keras
import numpy as np

from keras_musictag.audio.chunking import Chunking
from keras_musictag.errors import MusicTagError, UnknownNameError
from keras_musictag.layers.keras_settings import own_settings
from keras_musictag.processes import note_runtime, refuse_after_fork
from keras_musictag.tagger.fold import fold_normalisation
from keras_musictag.tagger.network import HEAD, POLICIES, choose_precision, connect
from keras_musictag.tagger.spec import TaggerSpec
from keras_musictag.tagger.tagging import Tagging
from keras_musictag.tagger.track import RunBatch
from keras_musictag.tags.vocabulary import Vocabulary

BOTH = ("scores", "embedding")  # key of the runner of both outputs, next to those of single layers
BACKEND_NAMES = {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "PyTorch"}


@keras.saving.register_keras_serializable(package="keras_musictag")
class Tagger(Tagging, keras.Model):
    """A music tagger: `summary`, `predict`, `fit`, `save` and `export` as on any functional Keras model.

    Its input is float (batch, chunk_samples), its output (batch, tags). `tag`, `taggram` and `embed` take whole
    tracks: files, or arrays at any sample rate. (`keras.models.clone_model` returns a plain model without tags: copy a
    tagger with `copy.deepcopy`.)

    Args:
        spec: What to build: see `TaggerSpec`. `keras_musictag.load` and `build` make one from a name.
        implementation: Of the front end: "kapre", "portable", or None for the one that suits the backend.
        precision: What the network computes in: "float32", "bfloat16" (faster on CPUs that support it; scores of the
            2020 evaluation's networks move by less than 5e-3, those of one chunk of `musicnn` and `vgg` by up to 2e-2)
            or "float16"; None for Keras's global dtype policy, or "float32" if that follows `floatx`. Weights, front
            end and small layers are always float32.
        name: The model's name.
        augment: A layer between front end and body: see `with_augment`.

    Example:
        >>> import keras_musictag as kmt
        >>> tagger = kmt.load("musicnn")
        >>> result = tagger.tag(kmt.demo_clip(), top=3)
        >>> len(result.tags), round(result.duration_seconds, 1)
        (3, 29.2)
    """

    def __init__(
        self,
        spec: TaggerSpec,
        implementation: str | None = None,
        precision: str | None = None,
        name: str | None = None,
        augment: keras.layers.Layer | None = None,
    ):
        refuse_after_fork()
        note_runtime(BACKEND_NAMES[keras.backend.backend()])
        precision = choose_precision(precision)
        inputs, outputs = connect(spec, implementation, precision, augment)
        super().__init__(inputs, outputs, name=name or spec.architecture)
        self.spec = spec
        self.implementation = implementation
        self.precision = precision
        self.augment = augment
        self.dtype_policy = POLICIES[precision]  # tells `compile` that float16 needs loss scaling
        # Keras's "auto" would compile with XLA, which on a CPU has 0.7 of the speed of a plain graph
        self.supports_jit = keras.backend.backend() != "tensorflow" or _sees_a_gpu()
        object.__setattr__(self, "_runners", {})  # bypasses Keras's tracking: these are not part of the model

    @property
    def vocabulary(self) -> Vocabulary | None:
        """The tags, in the order of the outputs; None without a head."""
        return self.spec.vocabulary

    @property
    def chunking(self) -> Chunking:
        """How a track is cut into chunks."""
        return self.spec.chunking

    def _run_for_scores(self) -> RunBatch:
        return self.runner()

    def _run_for_layer(self, layer: str | None) -> RunBatch:
        return self.runner(layer or self.embedding_layer)

    def chunk_outputs(self, batch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        self._check_head()
        if BOTH not in self._runners:
            with own_settings():
                scores, embedding = self._up_to(None), self._up_to(self.embedding_layer)
                both = keras.Model(self.inputs[0], [scores.outputs[0], embedding.outputs[0]])
                self._runners[BOTH] = _compile(both)
        return tuple(self._runners[BOTH](batch))

    @property
    def embedding_layer(self) -> str:
        """Name of the penultimate layer, the last one before the head."""
        embedding = self.outputs[0] if self.vocabulary is None else self.get_layer(HEAD[0]).input
        return embedding._keras_history.operation.name

    def with_augment(self, layer: keras.layers.Layer | None) -> "Tagger":
        """Copies the tagger for training with features that a layer alters on their way into the network.

        In inference the layer does nothing: scores are equal to the bit. Weights, their names and their order are the
        same as without it. `save` and `copy.deepcopy` keep it, so that training can resume; what is published (the spec
        and the weights) does not contain it.

        Args:
            layer: `SpecAugment`, or another layer without weights that keeps the shape of the features and acts only in
                training; None for a tagger without such a layer.

        Returns:
            A new `Tagger` with its own copy of the weights. It has to be compiled.

        Raises:
            ValueError: If the layer does not accept the front end's features, or has weights.

        Example:
            >>> import keras_musictag as kmt
            >>> from keras_musictag.layers import SpecAugment
            >>> kmt.build("musicnn", tags=["calm", "wild"]).with_augment(SpecAugment()).augment.name
            'spec_augment'
        """
        tagger = Tagger(self.spec, self.implementation, self.precision, self.name, layer)
        if layer is not None and layer.weights:
            raise ValueError(
                f"`layer` must have no weights, so that other taggers can take the weights of this one. Received: "
                f"{layer.name!r} with {len(layer.weights)}."
            )
        tagger.set_weights(self.get_weights())
        return tagger._freeze_as(self.get_config())

    def decode_predictions(self, scores: np.ndarray, top: int = 5) -> list[list[tuple[str, float]]]:
        """Names the highest scores of each chunk.

        Args:
            scores: Float (batch, tags), as `predict` returns them.
            top: Number of tags per chunk.

        Returns:
            For each row, pairs `(tag, score)`, highest score first.

        Raises:
            ValueError: If there is not one score per tag, or the model has no head.
        """
        scores = np.asarray(scores)
        tags = 0 if self.vocabulary is None else len(self.vocabulary)
        if scores.ndim != 2 or scores.shape[1] != tags or tags == 0:
            raise ValueError(f"`scores` must have shape (batch, {tags}), one score per tag. Received: {scores.shape}.")
        best = np.argsort(-scores, axis=1, kind="stable")[:, :top]
        return [[(self.vocabulary[i], float(row[i])) for i in order] for row, order in zip(scores, best, strict=True)]

    def runner(self, layer: str | None = None) -> RunBatch:
        """The compiled function that `tag`, `taggram` and `embed` use: float32 (chunks, chunk_samples) -> NumPy array.

        Args:
            layer: The layer whose output to return; None for scores (also for a model that ends in logits).

        Raises:
            UnknownNameError: If the model has no such layer.
        """
        refuse_after_fork()
        if layer not in self._runners:
            with own_settings():
                self._runners[layer] = _compile(self._up_to(layer))
        return self._runners[layer]

    def _up_to(self, layer: str | None) -> keras.Model:
        if layer is None:
            if self.spec.classifier_activation is not None:
                return self
            return keras.Model(self.inputs[0], keras.ops.sigmoid(self.outputs[0]))
        names = [known.name for known in self.layers if not isinstance(known, keras.layers.InputLayer)]
        if layer not in names:
            raise UnknownNameError.of("layer", layer, names)
        return keras.Model(self.inputs[0], self.get_layer(layer).output)

    # Keras's methods that run a model. In a forked process each of them would hang
    def __call__(self, *args, **kwargs):
        refuse_after_fork()
        return super().__call__(*args, **kwargs)

    def fit(self, *args, **kwargs):
        refuse_after_fork()
        return super().fit(*args, **kwargs)

    def evaluate(self, *args, **kwargs):
        refuse_after_fork()
        return super().evaluate(*args, **kwargs)

    def predict(self, *args, **kwargs):
        refuse_after_fork()
        return super().predict(*args, **kwargs)

    def predict_on_batch(self, *args, **kwargs):
        refuse_after_fork()
        return super().predict_on_batch(*args, **kwargs)

    def train_on_batch(self, *args, **kwargs):
        refuse_after_fork()
        return super().train_on_batch(*args, **kwargs)

    def test_on_batch(self, *args, **kwargs):
        refuse_after_fork()
        return super().test_on_batch(*args, **kwargs)

    def get_config(self) -> dict:
        frozen = [layer.name for layer in self.layers if layer.weights and not layer.trainable]
        trainable = {"trainable": self.trainable, "frozen_layers": frozen}
        config = {"name": self.name, "spec": self.spec.to_dict(), "precision": self.precision, **trainable}
        if self.augment is not None:
            config["augment"] = keras.saving.serialize_keras_object(self.augment)
        return config

    @classmethod
    def from_config(cls, config: dict, custom_objects=None) -> "Tagger":
        augment = config.get("augment")
        if augment is not None:
            augment = keras.saving.deserialize_keras_object(augment, custom_objects)
        spec = TaggerSpec.from_dict(config["spec"])
        tagger = cls(spec, precision=config["precision"], name=config["name"], augment=augment)
        return tagger._freeze_as(config)

    @classmethod
    def _unpickle_model(cls, content):
        try:
            refuse_after_fork()
        except MusicTagError as error:  # raised here, it would end a pool's worker, and the pool would wait forever
            return _ForkedTagger(error)
        return super()._unpickle_model(content)

    def _freeze_as(self, config: dict) -> "Tagger":
        self.trainable = config["trainable"]  # sets all layers, so the layers' own settings come after it
        for layer in self.layers:
            layer.trainable = layer.name not in config["frozen_layers"]
        return self


class _ForkedTagger:
    """Replaces a tagger that was unpickled in a forked process, as by `pool.map(tagger.tag, paths)`: it only raises."""

    def __init__(self, error: MusicTagError):
        self._error = error

    def tag(self, *args, **kwargs):
        raise self._error

    taggram = embed = runner = __call__ = tag
    fit = evaluate = predict = predict_on_batch = train_on_batch = test_on_batch = tag

    def __getattr__(self, name: str):  # any other attribute that a worker uses, such as `vocabulary`
        raise AttributeError(name) if name.startswith("_") else self._error


def _compile(model: keras.Model):
    """Makes the fastest function for one batch after another; `predict` takes 1.5 times as long and leaks memory.

    The function returns an array, or a list of arrays if the model has several outputs.
    """
    if keras.backend.backend() != "tensorflow":

        def predict(batch: np.ndarray) -> np.ndarray:
            refuse_after_fork()
            with own_settings():
                return keras.tree.map_structure(lambda x: np.asarray(x, np.float32), model.predict_on_batch(batch))

        return predict
    import tensorflow as tf

    model = fold_normalisation(model)

    def run(batch):
        # inner layers may compute in lower precision
        return tf.nest.map_structure(lambda x: tf.cast(x, tf.float32), model(batch, training=False))

    signature = [tf.TensorSpec((None, *model.inputs[0].shape[1:]), tf.float32)]
    concrete = tf.function(run, input_signature=signature).get_concrete_function()

    def compute(batch: np.ndarray) -> np.ndarray:
        refuse_after_fork()
        return tf.nest.map_structure(lambda x: x.numpy(), concrete(tf.convert_to_tensor(batch)))

    return compute


def _sees_a_gpu() -> bool:
    import tensorflow as tf

    return bool(tf.config.list_physical_devices("GPU"))
