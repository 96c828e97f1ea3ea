"""Datasets: a raw folder -> a manifest (track, file, tags, part). The folder is the registry."""
