"""The tags, in the order of a model's outputs."""

from functools import cache

from keras_musictag.data import bundled
from keras_musictag.tags.read_tags import read_tags
from keras_musictag.tags.vocabulary import Vocabulary


@cache
def vocabulary() -> Vocabulary:
    """The 50 tags in groups: `tfrecords/gmtag/tags.txt`.

    Example:
        >>> len(vocabulary()), vocabulary().group("rhythm")
        (50, ('fast', 'slow'))
    """
    return read_tags(bundled("tfrecords") / "gmtag" / "tags.txt")
