"""The error classes that a caller may catch separately, with "Did you mean ...?", and names that can be printed."""

import difflib
from collections.abc import Iterable


class MusicTagError(Exception):
    """Base of every error that this package defines; `except MusicTagError` catches them all."""


class AudioError(MusicTagError, ValueError):
    """A file or array that cannot be used as audio. The message says which and why."""


class UnknownNameError(MusicTagError, LookupError):
    """A name that is not known: of an architecture, a zoo entry, a layer or a tag, for example."""

    @classmethod
    def of(cls, kind: str, name: str, known: Iterable[str]) -> "UnknownNameError":
        """Makes the error for one unknown name.

        Args:
            kind: What the name should be, in the singular, such as "tag".
            name: The name that was received.
            known: The names that exist.

        Example:
            >>> print(UnknownNameError.of("tag", "gitar", ["guitar", "piano"]))
            There is no tag 'gitar'. Did you mean 'guitar'? Known: guitar, piano.
        """
        known = list(known)
        near = difflib.get_close_matches(str(name).lower(), [k.lower() for k in known], n=1)
        guess = next((f" Did you mean {k!r}?" for k in known if near and k.lower() == near[0]), "")
        return cls(f"There is no {kind} {name!r}.{guess} Known: {', '.join(known) or 'none'}.")


class ChecksumError(MusicTagError):
    """A file whose SHA-256 differs from the one its card states: it is damaged, truncated or replaced."""


class RecordsError(MusicTagError):
    """A folder of records that cannot be read: it is damaged, truncated, unfinished or of another version."""


class DatasetError(MusicTagError):
    """A raw dataset that differs from its published form, such as missing files or other counts."""


class TrainingError(MusicTagError):
    """A training run that cannot continue; its last good checkpoint is kept."""


class ExportError(MusicTagError):
    """A model that cannot be exported: an operator does not convert, a package is missing, or scores differ."""


def printable(text: str) -> str:
    """Escapes what a terminal, file or figure cannot show: names of files may contain line breaks and invalid UTF-8.

    Different names stay different.

    Example:
        >>> printable("a\\nb") == "a\\\\nb"
        True
    """
    text = text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def quantity(count: int, noun: str) -> str:
    """A number and a noun in the right form.

    Example:
        >>> quantity(1, "track"), quantity(0, "error"), quantity(1200, "warning")
        ('1 track', '0 errors', '1,200 warnings')
    """
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
