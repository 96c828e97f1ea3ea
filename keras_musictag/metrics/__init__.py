"""How good scores are: one metric a file, and the bootstrap over tracks. No TensorFlow.

Conventions, stated once:

- `targets` (rows, tags) say where a tag applies; `scores` (rows, tags) grow with the belief that it does. A row is a
  track, or a chunk; `tracks` then says which track each chunk belongs to.
- *Per tag* is one value a tag, *macro* their mean, *micro* the metric over all pairs of row and tag as one list.
- A tag of which the rows have one class only (always or never) has no value: NaN. It is counted, and left out of the
  macro mean. Micro has all pairs.
- `weights` count each track as often as they say. A bootstrap resample is such a weighting, by whole numbers.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
