"""Paths of the files that come with the package: inside it in a wheel, elsewhere in a checkout."""

from pathlib import Path

PACKAGE = Path(__file__).parent
IN_CHECKOUT = {"results": "docs/results"}  # others are at the top level


def bundled(folder: str) -> Path:
    """The path of a bundled folder: "zoo", "tfrecords" or "results"."""
    installed = PACKAGE / "_data" / folder
    return installed if installed.is_dir() else PACKAGE.parent / IN_CHECKOUT.get(folder, folder)


def demo_clip() -> Path:
    """The path of the demo clip: 29.2 s of synthetic music, MP3, 16 kHz, mono, free to use (see NOTICE).

    Example:
        >>> demo_clip().name
        'demo.mp3'
    """
    return PACKAGE / "assets" / "demo.mp3"
