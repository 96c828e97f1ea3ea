"""LiteRT files: they give Keras's scores in `ai-edge-litert`, hold builtin operators only, and name their tags."""

import contextlib
import io
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
from click.testing import CliRunner

import keras_musictag as kmt
from keras_musictag.cli.export import command as export_command
from keras_musictag.engines.artefact import read_artefact
from keras_musictag.engines.litert import MODEL_FILE, open_model
from keras_musictag.errors import ExportError
from keras_musictag.exporting import litert, litert_convert, litert_file
from keras_musictag.exporting.folder import complete_folder
from keras_musictag.exporting.litert_metadata import BUFFER_NAME, with_tags
from keras_musictag.exporting.litert_quantise import quantise
from keras_musictag.exporting.signals import expected
from tests.tagger.test_fold import with_statistics

MOBILE = Path(__file__).parents[2] / "docs" / "mobile.md"
SIGNALS = ("music", "silence", "noise", "full scale")


def artefact_of(tagger, folder, precision="float32", form="waveform"):
    settings = {"licences": None, "tolerance": 1.0, "batch": 1}
    return complete_folder(tagger, folder, format="litert", precision=precision, input=form, **settings)


def written(tagger, folder, precision="float32", form="waveform"):
    """An exported folder and its artefact, without the comparison."""
    assert litert.write(tagger, folder, precision, form) == 1
    return folder, artefact_of(tagger, folder, precision, form)


def rounded(exported, folder, precision):
    """The float32 export in another precision, as `write` makes it; saves a conversion."""
    model = litert_file.read_model((exported[0] / MODEL_FILE).read_bytes())
    quantise(model, precision)
    (folder / MODEL_FILE).write_bytes(litert_file.write_model(model))
    return folder, exported[1]


def model_of(folder):
    return litert_file.read_model((folder / MODEL_FILE).read_bytes())


def largest_differences(exported, wanted):
    """Of scores, and of embeddings as a share of the largest value, over all signals."""
    run = open_model(*exported)
    scores, embeddings = [], []
    for signal in wanted.values():
        outputs = run(signal.inputs)
        assert outputs["scores"].dtype == outputs["embedding"].dtype == np.float32
        scores.append(np.abs(outputs["scores"] - signal.scores).max())
        embeddings.append(np.abs(outputs["embedding"] - signal.embedding).max() / np.abs(signal.embedding).max())
    return max(scores), max(embeddings)


@pytest.fixture(scope="module")
def musicnn():
    return kmt.load("musicnn")


@pytest.fixture(scope="module")
def music(musicnn):
    found = expected(musicnn, "waveform")
    assert tuple(found) == SIGNALS
    return found


@pytest.fixture(scope="module")
def float32(musicnn, tmp_path_factory):
    return written(musicnn, tmp_path_factory.mktemp("float32"))


@pytest.fixture(scope="module")
def guide(tmp_path_factory):
    """A folder in which the guide was followed, every command and every block of Python; and the lines they print."""
    folder, text = tmp_path_factory.mktemp("guide"), MOBILE.read_text(encoding="utf-8")
    shutil.copy(kmt.demo_clip(), folder / "song.mp3")
    blocks = re.findall(r"^```(console|python)\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    assert [kind for kind, _ in blocks] == ["console", "python", "python", "console", "python"]
    printed = io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stdout(printed):
        for kind, block in blocks:
            if kind == "python":
                exec(compile(block, "mobile.md", "exec"), {})
                continue
            assert block.startswith("keras-musictag export ")
            done = CliRunner().invoke(export_command, block.split()[2:])
            assert done.exit_code == 0, done.output
    return folder, printed.getvalue().splitlines()


@pytest.fixture(scope="module")
def int8(guide):
    return guide[0] / "phone", read_artefact(guide[0] / "phone")


def test_float32_gives_keras_scores_and_embeddings(float32, music):
    scores, embeddings = largest_differences(float32, music)
    assert scores < 1e-5 and embeddings < 1e-4  # round-off; the tolerance leaves room for decibels of silent bands


def test_float16_is_half_as_large_and_close(float32, music, tmp_path):
    half = rounded(float32, tmp_path, "float16")
    scores, embeddings = largest_differences(half, music)
    assert 1e-6 < scores < litert.PRECISIONS["float16"]
    assert embeddings < 2e-3
    assert size(half) < 0.55 * size(float32)


def test_int8_is_a_third_as_large_and_close(float32, int8, music):
    scores, embeddings = largest_differences(int8, music)
    # 0.56 with the mel matrix in int8 as well, 0.26 with one scale a unit of the dense layer
    assert 1e-4 < scores < litert.PRECISIONS["int8"]
    assert embeddings < 0.1
    assert size(int8) < 0.33 * size(float32)


def size(exported):
    return (exported[0] / MODEL_FILE).stat().st_size


def test_log_mel_in_gives_what_the_waveform_gives(musicnn, guide):
    folder = guide[0] / "phone-log-mel"
    assert "RFFT2D" not in litert_file.operators(model_of(folder))
    scores, _ = largest_differences((folder, read_artefact(folder)), expected(musicnn, "log-mel"))
    assert scores < 1e-5


# loops of GRUs, and reflected ends and decibels; no spectrogram. Statistics are drawn, so that scores spread
@pytest.mark.parametrize("name", ["crnn", "sample_cnn"])
def test_other_kinds_of_network_convert_in_every_precision(name, tmp_path):
    tagger = with_statistics(name)
    wanted = {key: signal for key, signal in expected(tagger, "waveform").items() if key in ("music", "silence")}
    exported = written(tagger, tmp_path)
    scores, embeddings = largest_differences(exported, wanted)
    assert scores < litert.PRECISIONS["float32"] and embeddings < 1e-3
    for precision in ("float16", "int8"):
        folder = tmp_path / precision
        folder.mkdir()
        scores, embeddings = largest_differences(rounded(exported, folder, precision), wanted)
        assert scores < litert.PRECISIONS[precision]
        assert 1e-6 < embeddings < 2 * litert.PRECISIONS[precision]
    assert ("WHILE" in litert_file.operators(model_of(tmp_path))) == (name == "crnn")


def test_all_operators_are_builtin(float32, int8):
    for folder, _ in (float32, int8):
        names = litert_file.operators(model_of(folder))
        assert {"RFFT2D", "LOG", "CONV_2D", "FULLY_CONNECTED"} <= names
        assert not any(name.startswith("custom") for name in names)


def test_the_front_end_stays_float32(int8):
    """Of the mel matrix, no number is rounded; of every large weight behind it, all are."""
    from tensorflow.lite.python.schema_py_generated import TensorType

    model = model_of(int8[0])
    held = [t for t in model.subgraphs[0].tensors if model.buffers[t.buffer].data is not None and len(t.shape) > 1]
    large = {tuple(tensor.shape): tensor.type for tensor in held if np.prod(tensor.shape) >= 1024}
    assert large.pop((96, 257)) == TensorType.FLOAT32
    assert len(large) == 9 and set(large.values()) == {TensorType.INT8}  # two of the ten have one shape


def test_arrays_are_aligned_as_the_schema_asks(int8):
    from tensorflow.lite.python import schema_py_generated as schema

    content = (int8[0] / MODEL_FILE).read_bytes()
    model = schema.Model.GetRootAs(content, 0)
    buffers = [model.Buffers(i).DataAsNumpy() for i in range(model.BuffersLength())]
    whole = np.frombuffer(content, np.uint8).ctypes.data
    starts = [data.ctypes.data - whole for data in buffers if isinstance(data, np.ndarray)]
    assert len(starts) > 20 and all(start % 16 == 0 for start in starts)


def test_a_batch_of_any_size_gives_what_one_by_one_gives(int8, music):
    run = open_model(*int8)
    chunks = music["music"].inputs
    together, apart = run(chunks), [run(chunk[None]) for chunk in chunks]
    assert len(chunks) > 2
    for name in ("scores", "embedding"):
        np.testing.assert_array_equal(together[name], np.concatenate([one[name] for one in apart]))
    assert run(chunks[:0])["scores"].shape == (0, 50)


def test_the_file_names_its_tags_and_describes_its_tensors(musicnn, int8):
    path = int8[0] / MODEL_FILE
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert archive.read("tags.txt").decode().split("\n") == list(musicnn.vocabulary)
    model = model_of(int8[0])
    (entry,) = (entry for entry in model.metadata if entry.name == BUFFER_NAME.encode())
    described = bytes(model.buffers[entry.buffer].data)
    assert described[4:8] == b"M001"
    for text in (b"waveform", b"scores", b"embedding", b"tags.txt", b"16000 Hz"):
        assert text in described
    (runtime,) = (entry for entry in model.metadata if entry.name == b"min_runtime_version")
    assert bytes(model.buffers[runtime.buffer].data).rstrip(b"\0") == b"2.7.0"  # of int8 with a scale a feature
    assert [output.name for output in model.signatureDefs[0].outputs] == [b"scores", b"embedding"]


def test_tags_may_hold_any_letter_but_no_line_break():
    content = with_tags(b"model", ["música", "r&b", "lo\u2028fi"])
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.read("tags.txt").decode().split("\n") == ["música", "r&b", "lo\u2028fi"]
    with pytest.raises(ExportError, match="holds a line break"):
        with_tags(b"model", ["rock\nroll"])


def test_an_operator_that_does_not_convert_is_named():
    inputs = keras.Input((3, 3), name="waveform")
    network = keras.Model(inputs, {"scores": keras.ops.det(inputs), "embedding": inputs})
    with pytest.raises(ExportError, match="MatrixDeterminant"):
        litert._converted(network)


def test_a_converter_that_crashes_is_an_error_of_ours(tmp_path, monkeypatch):
    script = tmp_path / "crash.py"
    script.write_text("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n", encoding="utf-8")
    monkeypatch.setattr(litert_convert, "__file__", str(script))
    inputs = keras.Input((2,), name="waveform")
    with pytest.raises(ExportError, match="SIGSEGV"):
        litert._converted(keras.Model(inputs, {"scores": inputs * 2}))


PROBE = """
import sys
from pathlib import Path
import numpy as np
from keras_musictag.engines.artefact import read_artefact
from keras_musictag.engines.artefact import read_artefact
from keras_musictag.engines.litert import open_model

def threads():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("Threads"))

artefact = read_artefact(Path(sys.argv[1]))
before, counts = threads(), []
for wanted in (1, 3):
    run = open_model(Path(sys.argv[1]), artefact, threads=wanted)
    run(np.zeros((1, *artefact.input_shape), np.float32))
    counts.append(threads() - before)
    del run
print(counts, sorted({"tensorflow", "keras", "librosa"} & set(sys.modules)))
"""


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="counts threads as Linux shows them")
def test_the_engine_uses_the_threads_it_is_given_and_no_tensorflow(float32):
    command = [sys.executable, "-c", PROBE, str(float32[0])]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=MOBILE.parents[1])
    assert done.stdout.strip() == "[0, 2] []"


def test_the_guide_can_be_followed_and_prints_what_keras_says(musicnn, guide):
    best, tags, shape = guide[1]
    index, score = best.split()
    chunk = musicnn.taggram(kmt.demo_clip()).scores[0]
    # the guide's first chunk lacks the context before the track, half a window of zeros: the same music 16 ms later
    assert int(index) == chunk.argmax() and abs(float(score) - chunk.max()) < 0.1
    assert tags == str(list(musicnn.vocabulary[:3]))
    assert shape == "(1, 50)"
