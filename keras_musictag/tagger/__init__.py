"""A waveform or file -> the scores of a track.

`tagging`, `track` and `results` are shared with exported models, which do not need Keras. So each public name is
imported when it is first used.
"""

from keras_musictag.keras_start import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
