"""Which file is damaged: tf.data says "corrupted record at 1234", and not in which shard."""

from collections.abc import Iterator
from contextlib import contextmanager

import tensorflow as tf

from keras_musictag.errors import RecordsError
from keras_musictag.records.folder import Records


@contextmanager
def naming_damage(records: Records) -> Iterator[None]:
    """Turns tf.data's error about damaged records into one that names shard, byte and track.

    Args:
        records: What is being read, such as by `model.fit`.

    Raises:
        RecordsError: Where the code inside raised because of a damaged record.
    """
    try:
        yield
    except tf.errors.DataLossError as error:
        raise find_damage(records) or RecordsError(
            f"A record of {str(records.folder)!r} could not be read, and now all of them can: is the disk failing, or "
            f"is the folder being written? TensorFlow says: {error.message}"
        ) from error
    except tf.errors.UnknownError as error:  # raised by our own reading inside tf.data, which keeps the text only
        found = find_damage(records) if RecordsError.__name__ in error.message else None
        if found is None:
            raise
        raise found from error


def find_damage(records: Records) -> RecordsError | None:
    """Reads every record until one is damaged.

    Args:
        records: An open folder of records.

    Returns:
        An error that names shard, byte and track, or None if all is well.
    """
    for track in records:
        try:
            records.read(track)
        except (RecordsError, OSError) as error:
            return RecordsError(f"Track {track.track_id!r} cannot be read: {error}")
    return None
