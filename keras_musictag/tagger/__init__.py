"""A waveform or file -> the scores of a track.

`tagging`, `track` and `results` are shared with exported models, which do not need Keras. So each public name is
imported when it is first used.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
