"""A folder of music -> a database of tags and embeddings -> tags in files, playlists, tables and a report.

Every public name is imported when it is first used.
"""

from keras_musictag.keras_start import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
