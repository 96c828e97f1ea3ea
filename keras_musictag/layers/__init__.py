"""Keras layers that two or more parts use. On `keras.ops` alone, so they run on every backend."""
