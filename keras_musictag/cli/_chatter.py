"""What C++ libraries write to standard error by themselves is kept from the person at the command line."""

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from keras_musictag.cli._failure import tell

# what is no warning of ours: lines of absl's log, which no setting stops before TensorFlow has started it
CHATTER = re.compile(r"[IW]\d{4} [\d:.]+ +\d+ \S+\] |WARNING: All log messages before absl::InitializeLog")


@contextmanager
def without_chatter() -> Iterator[None]:
    """Holds back what the process writes to standard error; at the end, what is not chatter is told."""
    if sys.stderr is None:  # closed, or there is none, as under pythonw: nobody is to be kept from anything
        yield
        return
    with tempfile.TemporaryFile() as held:
        sys.stderr.flush()
        before = os.dup(2)
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(before, 2)
            os.close(before)
            held.seek(0)
            for line in held.read().decode("utf-8", "replace").splitlines():
                if line and not CHATTER.match(line):
                    tell(line)
