"""GM-Tag: a tagged corpus that anyone can build, by MMA (grooves -> MIDI) and FluidSynth (MIDI -> audio).

The way of a clip: `seeds` -> `plan` (genre, groove, key, chords, sound) -> `mma` (accompaniment) -> `arrange`
(which parts sound, on which instruments) -> `melody` -> `truth` (tags, from the notes that sound) -> `render` ->
`encode`. `clip` makes one, `build` all of them. A clip depends on (version, part, index) and nothing else.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
