"""Batches for training as tf.data pipelines: everything in `records` that needs TensorFlow."""
