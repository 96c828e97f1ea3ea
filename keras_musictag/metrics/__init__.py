"""Metrics of scores, and bootstrap intervals over tracks. Needs no TensorFlow.

Conventions of all metrics:

- `targets` (rows, tags) say where a tag applies. `scores` (rows, tags) are higher where a model is more confident that
  it does. A row is a track, or a chunk if `tracks` says which track each row belongs to.
- *Per tag* means one value for each tag. *Macro* is the mean of these values. *Micro* is the metric over all pairs of
  row and tag, taken as one list.
- A tag that applies to all rows or to none has no value: NaN. It is counted and left out of the macro mean. Micro
  includes all pairs.
- `weights` say how often each track counts. A bootstrap resample is such a weighting, with whole numbers.
"""

from keras_musictag.keras_start import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
