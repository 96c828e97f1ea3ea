"""Words of messages: how many of something, and what to do about a file that is damaged."""

ANEW = "run the same `keras-musictag prepare` command: what is missing is made anew."
REPAIR = f"Copy the file again, or delete it and {ANEW}"


def many(count: int, noun: str) -> str:
    """A number and a noun in the right form.

    Example:
        >>> many(1, "track"), many(0, "error"), many(1200, "warning")
        ('1 track', '0 errors', '1,200 warnings')
    """
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
