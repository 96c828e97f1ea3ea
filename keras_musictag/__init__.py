"""Automatic music tagging with Keras: models, their weights, and the tools to train, evaluate and export them.

    import keras_musictag as kmt

    tagger = kmt.load("musicnn")
    print(tagger.tag("song.mp3"))

Every name is imported when it is first used: `import keras_musictag` alone loads no TensorFlow and no NumPy. The public
names are listed in `__init__.pyi`, here and in each subpackage.
"""

from keras_musictag import processes  # noqa: F401 - it must notice every fork
from keras_musictag.keras_start import attach_stub

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
