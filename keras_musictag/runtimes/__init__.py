"""Taggers in other runtimes: `exporting` writes them, `engine_tagger` runs them, one module of `formats` per format."""
