"""What Keras and TensorFlow leave on a disk and `load` does not take as it is: what it is, and what to do with it."""

from pathlib import Path

WEIGHTS_ONLY = (".safetensors", ".weights.h5", ".weights.json")  # the last: Keras's index of several .weights.h5


def explain(path: Path) -> str | None:
    """One sentence on what a path is, and one on what to do; None where it is nothing of the kind.

    Args:
        path: A file, a folder, or the stem that TensorFlow's checkpoints are named by.
    """
    if path.is_file() and path.name.endswith(WEIGHTS_ONLY):
        return f"{path} holds weights alone. Name architecture and tags: load('vgg', weights={str(path)!r}, tags=...)."
    if (path / "latest.weights.h5").is_file():
        return (
            f"{path} is a folder of Keras's BackupAndRestore. Name the architecture and its tags: load('vgg', "
            f"weights={str(path / 'latest.weights.h5')!r}, tags=...)."
        )
    if (path / "saved_model.pb").is_file() or path.name == "saved_model.pb":
        return (
            f"{path} is a SavedModel, which holds no Keras model. Load what it was made from and save that by "
            "tagger.save('model.keras'); for inference alone, write it by kmt.export."
        )
    if _is_checkpoint(path):
        return (
            f"{path} is a checkpoint of TensorFlow, which does not say what network it is of. Build the network by "
            "kmt.build, read the checkpoint by tf.train.Checkpoint(model=tagger).restore(...), and save the tagger by "
            "tagger.save('model.keras')."
        )
    if (path / "model.keras").is_file():
        return f"{path} holds a tagger: load {path / 'model.keras'}."
    return None


def _is_checkpoint(path: Path) -> bool:
    if path.is_dir():
        return any(path.glob("*.index"))
    of_one = path.suffix == ".index" or path.suffix.startswith(".data-")  # the two files of a checkpoint
    return (path.with_suffix(".index") if of_one else path.with_name(f"{path.name}.index")).is_file()
