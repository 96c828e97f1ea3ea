"""Deformations of a waveform: seeded pure functions."""
