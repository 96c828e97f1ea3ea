"""MMA's groove library: which grooves a file defines, and how many beats its bars have."""

import re
from functools import cache
from pathlib import Path

BEATS_PER_BAR = 4  # MMA's own default, for files that do not say
_NOT_A_BODY = re.compile("(?i)intro|end|fill")  # these last a bar or two and then stop or repeat a break


@cache
def _text(library: Path, file: str) -> str:
    return (library / f"{file}.mma").read_text(encoding="latin-1")


def grooves_in(library: Path, file: str) -> tuple[str, ...]:
    """The grooves of a file that a whole clip can be played with: no introductions, endings or fills.

    Args:
        library: MMA's folder of libraries, such as /usr/share/mma/lib.
        file: A file in it without `.mma`, such as "stdlib/march".
    """
    names = re.findall(r"(?im)^\s*DefGroove\s+(\S+)", _text(library, file))
    return tuple(name for name in names if not _NOT_A_BODY.search(name) and not name.endswith("E"))


def beats_per_bar(library: Path, file: str) -> int:
    """How many beats (quarter notes, as MMA counts) a bar of a groove file has."""
    found = re.search(r"(?im)^\s*Time\s+(\d+)", _text(library, file))
    return int(found.group(1)) if found else BEATS_PER_BAR
