"""Everything in `records` that needs TensorFlow: pipelines of batches, and alterations on the graph."""
