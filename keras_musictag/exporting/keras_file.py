"""Export to Keras's own file: for this package, and to go on training."""

from pathlib import Path

from keras_musictag.engines.keras_file import FILE_NAME
from keras_musictag.tagger import Tagger

# precision -> largest difference of a score from Keras float32
PRECISIONS = {
    "float32": 1e-5,  # the same layers on the same weights: other threads may sum in another order
    "bfloat16": 2e-2,  # what `Tagger` states for `musicnn` and `vgg`
    "float16": 5e-3,  # three more bits than bfloat16
}
INPUTS = ("waveform",)


def write(tagger: Tagger, folder: Path, precision: str, form: str) -> None:
    """Writes `model.keras`: network, weights, tags and settings, without the state of a training.

    Args:
        tagger: With its weights.
        folder: An empty one.
        precision: What the network computes in; the weights are float32.
        form: "waveform".

    Returns:
        None: the model takes any batch size.
    """
    plain = Tagger(tagger.spec, precision=precision, name=tagger.name)
    plain.set_weights(tagger.get_weights())
    plain.save(folder / FILE_NAME)
