"""A difference gives back the old version to the byte, and holds little more than what is only in it."""

import io
import zlib

import numpy as np
import pytest

from keras_musictag import MusicTagError
from keras_musictag.library.binary_difference import difference, restore

AUDIO = np.random.default_rng(0).bytes(300_000)
TAG = np.random.default_rng(1).bytes(3000)
PICTURE = np.random.default_rng(2).bytes(100_000)


def recipe_of(old: bytes, new: bytes) -> bytes:
    recipe, restored = difference(io.BytesIO(old), io.BytesIO(new)), io.BytesIO()
    restore(recipe, io.BytesIO(new), restored)
    assert restored.getvalue() == old
    return recipe


def with_page_numbers(audio: bytes, first: int) -> bytes:
    """Audio in pages of 4,000 bytes whose headers hold a number and a checksum, as in Ogg."""
    pages = [audio[at : at + 4000] for at in range(0, len(audio), 4000)]
    heads = [b"OggS" + bytes(14) + (first + n).to_bytes(4, "little") for n in range(len(pages))]
    return b"".join(h + zlib.crc32(h + p).to_bytes(4, "little") + p for h, p in zip(heads, pages, strict=True))


@pytest.mark.parametrize(
    "old, new, largest",
    [
        (AUDIO, AUDIO, 100),
        (AUDIO, TAG + AUDIO, 100),  # a tag before the audio, where there was none
        (TAG + AUDIO, AUDIO, 3100),
        (b"\1" + AUDIO, b"\2" + AUDIO + TAG, 100),  # a size at the head, and a tag at the end
        (AUDIO + TAG, AUDIO + b"more" + TAG, 100),
        (b"id" + PICTURE + bytes(500) + AUDIO, b"id+grown" + PICTURE + bytes(494) + AUDIO, 200),  # within the padding
        (b"a" * 90 + PICTURE + AUDIO, b"b" * 40_000 + PICTURE + b"c" * 999 + AUDIO, 200),  # two different shifts
        (with_page_numbers(AUDIO, 1), bytes(4027) + with_page_numbers(AUDIO, 2), 76 * 20),
        (b"", AUDIO, 100),
        (AUDIO, b"", 301_000),
        (bytes(100_000) + AUDIO, bytes(50_000) + AUDIO, 200),
        (b"short", b"other", 100),
    ],
)
def test_the_old_version_comes_back(old, new, largest):
    assert len(recipe_of(old, new)) <= largest


def test_random_edits_come_back():
    rng = np.random.default_rng(3)
    for _ in range(60):
        old = new = AUDIO[: int(rng.integers(1, 20_000))]
        for _ in range(int(rng.integers(1, 6))):
            at, length = rng.integers(0, len(new) + 1), int(rng.integers(0, 200))
            new = new[:at] + rng.bytes(int(rng.integers(0, 200))) + new[at + length :]
        recipe_of(old, new)


def test_a_table_of_shifted_numbers_takes_little_time():
    """Like the offsets in an MP4: no entry stays, so nothing in the table is shared."""
    table = np.arange(0, 4 * 100_000, 4, dtype=">u4")
    old, new = table.tobytes() + AUDIO, (table + 1_000_001).tobytes() + b"grown" + AUDIO
    assert len(recipe_of(old, new)) < 250_000


def test_a_damaged_recipe_is_an_error():
    recipe = difference(io.BytesIO(AUDIO), io.BytesIO(TAG + AUDIO))
    for damaged, new in ((recipe[:-4], TAG + AUDIO), (recipe, TAG), (b"", TAG + AUDIO)):
        with pytest.raises(MusicTagError, match="the stored difference is damaged"):
            restore(damaged, io.BytesIO(new), io.BytesIO())
