"""Prepares in a separate process that a test can kill or limit: `python -m tests.records.prepare_in_process ...`."""

import pickle
import resource
import sys
from pathlib import Path

from keras_musictag.records import prepare


def main(manifest_file: str, out: str, jobs: str, largest_file: str = "0") -> None:
    """Prepares a pickled manifest; `largest_file` is the system's limit for files, bytes; 0 for no limit."""
    if int(largest_file):
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(largest_file), int(largest_file)))
    manifest = pickle.loads(Path(manifest_file).read_bytes())
    prepare(manifest, out, jobs=int(jobs), tracks_per_shard=4)


if __name__ == "__main__":
    main(*sys.argv[1:])
