"""Every architecture in a small size, for what does not depend on its size."""

from keras_musictag import architectures

# the shortest chunk, if the architecture allows other lengths, and a narrow network
SMALL = {
    "crnn": (1.7, {"filters": (8,) * 4, "units": 8}),
    "fcn": (None, {"filters": (8,) * 5}),
    "harmonic_cnn": (4.7, {"lower_filters": 8, "upper_filters": 8, "units": 8}),
    "musicnn": (1, {"timbral_filters": 8, "temporal_filters": 4, "midend_filters": 8, "units": 8}),
    "musicnn_2020": (1, {"timbral_filters": 8, "temporal_filters": 4, "midend_filters": 8, "units": 8}),
    "sample_cnn": (None, {"filters": (8,) * 10, "last_filters": 8}),
    "sample_cnn_se": (None, {"filters": (8,) * 10, "last_filters": 8, "units": 8}),
    "self_attention": (2, {"filters": (16,) * 7, "heads": 2, "encoder_layers": 1, "units": 32}),
    "short_chunk_cnn": (2.1, {"filters": (8,) * 7, "units": 8}),
    "short_chunk_cnn_res": (1, {"filters": (8,) * 7, "units": 8}),
    "vgg": (None, {"filters": 8}),
}


def small_sizes(name: str) -> tuple[float | None, object]:
    """The seconds of a chunk (None: the architecture's own length) and the `Config` of a narrow network."""
    chunk_seconds, sizes = SMALL.get(name, (None, {}))
    return chunk_seconds, architectures.get(name).Config(**sizes)
