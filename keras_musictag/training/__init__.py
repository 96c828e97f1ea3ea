"""Training: records and a recipe -> weights."""
