"""SavedModel -> `.tflite`, to be run as a process of its own: TensorFlow's converter can end the process it runs in.

`python -m keras_musictag.runtimes.formats._litert_convert FOLDER` reads the SavedModel in FOLDER, and writes
FOLDER/model.tflite or, with the converter's words, FOLDER/error.txt.
"""

import sys
from pathlib import Path

RESULT, ERROR = "model.tflite", "error.txt"


def convert(saved_model: Path) -> bytes:
    """Converts to float32, with LiteRT's builtin operators only.

    Args:
        saved_model: Folder of a SavedModel with one signature.

    Returns:
        The file's content.

    Raises:
        Exception: Of several kinds, where an operator does not convert.
    """
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_saved_model(str(saved_model))
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]  # Flex models run in no interpreter we know
    return converter.convert()


if __name__ == "__main__":
    sys.modules["keras"] = None  # as if it were not installed: TensorFlow would load it, half of its start, for nothing
    folder = Path(sys.argv[1])
    try:
        (folder / RESULT).write_bytes(convert(folder))
    except Exception as error:  # of whatever kind, as the converter raises many: the parent makes one of them
        (folder / ERROR).write_text(f"{type(error).__name__}: {error}", encoding="utf-8")
