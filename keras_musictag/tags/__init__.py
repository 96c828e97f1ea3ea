"""Tag lists, and chunk scores -> a track's score. No TensorFlow."""
