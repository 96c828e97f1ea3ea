"""Scores -> reports: predictions kept as files, measured, compared. Needs no TensorFlow."""
