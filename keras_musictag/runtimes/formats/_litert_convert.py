"""SavedModel -> `.tflite`. It runs as a separate process, because TensorFlow's converter can crash its process.

`python -m keras_musictag.runtimes.formats._litert_convert FOLDER` reads the SavedModel in FOLDER and writes
FOLDER/model.tflite or, with the converter's message, FOLDER/error.txt.
"""

import sys
from pathlib import Path

RESULT, ERROR = "model.tflite", "error.txt"


def convert(saved_model: Path) -> bytes:
    """Converts a SavedModel to float32, with LiteRT's builtin operators only.

    Args:
        saved_model: The folder of a SavedModel with one signature.

    Returns:
        The content of the `.tflite` file.

    Raises:
        Exception: Of various classes, if an operator cannot be converted.
    """
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_saved_model(str(saved_model))
    converter.target_spec.supported_ops = [
        tf.lite.OpsSet.TFLITE_BUILTINS
    ]  # no interpreter that we know runs Flex models
    return converter.convert()


if __name__ == "__main__":
    sys.modules["keras"] = (
        None  # as if it were not installed: else TensorFlow would import it, half of its start-up time, for nothing
    )
    folder = Path(sys.argv[1])
    try:
        (folder / RESULT).write_bytes(convert(folder))
    except Exception as error:  # the converter raises many classes; the parent process makes one error of them
        (folder / ERROR).write_text(f"{type(error).__name__}: {error}", encoding="utf-8")
