"""Choices and defaults that the library and the commands share. They are here so that `--help` needs no NumPy."""

TAILS = ("anchor", "pad", "drop")  # what to do at the end of a track: audio.chunking
AGGREGATES = ("mean", "median", "max")  # NumPy's functions, over chunks: tags.aggregation
METRICS = ("roc_auc", "pr_auc", "average_precision", "mcc", "f1")
CRITERIA = METRICS[3:]  # what thresholds can maximise: metrics.decisions
PRECISIONS = ("float32", "bfloat16", "float16")  # for training and tagging: tagger.network
EXPORT_PRECISIONS = ("float32", "float16", "bfloat16", "int8")  # each format supports some of them
INPUTS = ("waveform", "log-mel")  # what an exported model takes
EXAMPLE_LEVELS = ("chunk", "song")  # length of a training example: the network's own chunk, or 29 s

WRITE_MODES = ("add", "fill", "replace")  # what writing tags does to those that a file has: library.file_tags

STORAGES = ("pcm", "source")  # what records store: samples, or the compressed file
FRACTIONS = (0.8, 0.1, 0.1)  # train, valid, test
FINETUNE_FRACTIONS = (0.7, 0.15, 0.15)  # a tenth of a few hundred tracks is too little to choose thresholds on
UNLABELLED_FRACTIONS = (0.9, 0.1, 0.0)  # without labels there is nothing to test
JAMENDO_SPLITS = ("0", "1", "2", "3", "4")
JAMENDO_TAGS = ("top50", "genre", "instrument", "moodtheme", "all")
# sizes of GM-Tag: clips per part
TIERS = {
    "tiny": {"train": 40, "valid": 8, "test": 12},
    "small": {"train": 200, "valid": 40, "test": 60},
    "full": {"train": 2400, "valid": 200, "test": 400},
}
