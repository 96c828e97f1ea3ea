"""A folder of music -> a database of tags and embeddings -> tags in files, playlists, tables and a report.

Every public name is imported when it is first used.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
