"""Runs exported models: one module a format, each with `open_model`; `tagger` makes an `EngineTagger` of them."""
