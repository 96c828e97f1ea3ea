"""How far a tagger's scores fall where the audio is deformed: docs/robustness.md.

- `conditions`: what is done to the audio, by name; `mp3`, `band` and `gain` are those beyond `audio.deform`.
- `stress`: taggers and records -> a run's folder for each model and condition.
- `drops`: these folders -> each metric's drop with its paired interval.
- `files`, `plot`: the drops as Markdown, CSV and a picture.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
