"""Waveforms: read a file, resample, cut into chunks. No TensorFlow."""
