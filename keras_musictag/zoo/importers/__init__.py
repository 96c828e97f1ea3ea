"""Other projects' checkpoints -> zoo entries."""
