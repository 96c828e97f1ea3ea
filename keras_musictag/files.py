"""A file is there whole or not at all."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A path to write to that becomes `path`, in a folder made for it, when all went well; else nothing is left.

    Args:
        path: The file that is wanted; one that is there is replaced, and kept where writing fails.

    Raises:
        OSError: If it cannot be written, such as on a full disk; the message names `path`.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with whole_file(Path(folder) / "a.txt") as scratch:
        ...         _ = scratch.write_text("whole")
        ...     print((Path(folder) / "a.txt").read_text())
        whole
    """
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, "A folder stands where the file should go", str(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.stem}.part{path.suffix}")
    try:
        yield scratch
        scratch.replace(path)
    except OSError as error:
        if str(error.filename) == str(scratch):
            error.filename, error.filename2 = str(path), None  # the name that the user knows
        raise
    finally:
        scratch.unlink(missing_ok=True)
