"""The choices and defaults that commands show: `--help` needs them without NumPy, the library when it runs."""

TAILS = ("anchor", "pad", "drop")  # the ends of tracks: audio.chunking
AGGREGATES = ("mean", "median", "max")  # NumPy's functions, over chunks: tags.aggregation
METRICS = ("roc_auc", "pr_auc", "average_precision", "mcc", "f1")
CRITERIA = METRICS[3:]  # of thresholds: metrics.decisions
PRECISIONS = ("float32", "bfloat16", "float16")  # of training and tagging: tagger.network
EXPORT_PRECISIONS = ("float32", "float16", "bfloat16", "int8")  # each runtime has some of them
INPUTS = ("waveform", "log-mel")  # of exported models
EXAMPLE_LEVELS = ("chunk", "song")  # of training: its own chunks, or 29 s at once

STORAGES = ("pcm", "source")  # of records: samples, or the compressed file
FRACTIONS = (0.8, 0.1, 0.1)  # train, valid, test
FINETUNE_FRACTIONS = (0.7, 0.15, 0.15)  # of a few hundred tracks, a tenth is too little to choose thresholds by
UNLABELLED_FRACTIONS = (0.9, 0.1, 0.0)  # without labels there is nothing to test
JAMENDO_SPLITS = ("0", "1", "2", "3", "4")
JAMENDO_TAGS = ("top50", "genre", "instrument", "moodtheme", "all")
# of GM-Tag: clips per part
TIERS = {
    "tiny": {"train": 40, "valid": 8, "test": 12},
    "small": {"train": 200, "valid": 40, "test": 60},
    "full": {"train": 2400, "valid": 200, "test": 400},
}
