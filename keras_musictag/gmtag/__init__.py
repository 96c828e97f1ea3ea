"""GM-Tag: a tagged corpus that anyone can build with MMA (grooves -> MIDI) and FluidSynth (MIDI -> audio).

How a clip is made: `plan` draws genre, groove, key, chords and `sound`; `mma` plays the accompaniment;
`arrangement` chooses its parts and instruments, and adds a melody; `truth` takes the tags from the notes that sound;
`rendering` makes audio and MP3. `clips` makes clips, `corpus` all of them. A clip depends on (version, part, index)
and nothing else.
"""

from keras_musictag.keras_start import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
