"""A tagger -> the files of a zoo entry that can be computed: the weights and the card."""

import hashlib
from pathlib import Path

from keras_musictag.tagger import Tagger
from keras_musictag.zoo.card import Card, Weights, write_card
from keras_musictag.zoo.weights import save_weights

WEIGHTS_FILE = "weights.safetensors"


def write_entry(tagger: Tagger, folder: Path, half: bool, **facts) -> Card:
    """Writes `weights.safetensors` and `card.json` into the entry's folder. The folder's name becomes the entry's.

    Args:
        tagger: A tagger with the weights to publish.
        folder: The entry's folder; created if it does not exist.
        half: Store kernels as float16. Only for a network whose scores all change by less than 1e-3.
        **facts: The other fields of `Card`: all but name, model and weights.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / WEIGHTS_FILE
    save_weights(tagger, path, half=half)
    content = path.read_bytes()
    card = Card(
        name=folder.name,
        model=tagger.spec.to_dict(),
        weights=Weights(
            file=WEIGHTS_FILE,
            url=None,
            bytes=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
            git_blob_sha1=None,
            parameters=tagger.count_params(),
        ),
        **facts,
    )
    write_card(card, folder)
    return card
