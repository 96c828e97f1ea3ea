"""How far a tagger's scores drop when the audio is deformed: docs/robustness.md.

- `conditions`: the deformations by name; `degradations` has those that are not in `audio.deform`.
- `condition_runs`: taggers and records -> one run folder per model and condition.
- `drops`: these folders -> the drop of each metric, with its paired interval.
- `drop_files`: the drops as Markdown, CSV and a figure.
"""

from keras_musictag.keras_start import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
