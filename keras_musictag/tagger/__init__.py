"""A waveform or file -> a track's scores.

A folder rather than one file: the Keras model, what it says of a track, and the plot are three ideas, and the
engines (row 6 of docs/LAYOUT.md) share the second and the third. They do without Keras: so each name is imported when
it is first used.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
