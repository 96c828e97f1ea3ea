"""Where the files that come with the package lie: in a wheel beside the code, in a checkout at the top level."""

from pathlib import Path

PACKAGE = Path(__file__).parent


def bundled(folder: str) -> Path:
    """A bundled folder, "zoo" or "tfrecords"."""
    installed = PACKAGE / "_data" / folder
    return installed if installed.is_dir() else PACKAGE.parent / folder


def demo_clip() -> Path:
    """The demo clip: 29.2 s of synthetic music, MP3, 16 kHz, mono, free to use (see NOTICE).

    Example:
        >>> demo_clip().name
        'demo.mp3'
    """
    return PACKAGE / "assets" / "demo.mp3"
