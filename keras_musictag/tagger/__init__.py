"""A waveform or file -> a track's scores.

A folder rather than one file: the Keras model, what it says of a track, and the plot are three ideas, and the
engines (row 6 of docs/LAYOUT.md) share the second and the third.
"""

from keras_musictag.tagger.model import Tagger
from keras_musictag.tagger.results import Taggram, TagResult
from keras_musictag.tagger.spec import TaggerSpec

__all__ = ["TagResult", "Tagger", "TaggerSpec", "Taggram"]
