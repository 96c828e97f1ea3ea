from .artefact import Artefact as Artefact, read_artefact as read_artefact
from .engine_tagger import EngineTagger as EngineTagger
from .exporting import export as export

__all__ = [
    "Artefact",
    "EngineTagger",
    "export",
    "read_artefact",
]
