"""Records: a dataset as TFRecord shards, written once, read by tf.data or by any Keras backend."""
