"""Checkpoints of other projects -> zoo entries."""
