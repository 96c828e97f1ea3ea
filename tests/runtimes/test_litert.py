"""LiteRT files give Keras's scores in `ai-edge-litert`, contain only builtin operators, and name their tags."""

import contextlib
import io
import json
import re
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import keras
import numpy as np
import pytest
from ai_edge_litert.compiled_model import CompiledModel
from ai_edge_litert.interpreter import Interpreter
from click.testing import CliRunner
from flatbuffers import encode
from flatbuffers.number_types import Int8Flags, Uint8Flags, Uint32Flags, UOffsetTFlags
from flatbuffers.table import Table

import keras_musictag as kmt
from keras_musictag.cli.export import command as export_command
from keras_musictag.errors import ExportError
from keras_musictag.runtimes import export_network, read_artefact
from keras_musictag.runtimes.check_signals import keras_outputs, signals
from keras_musictag.runtimes.formats import _litert_convert, _litert_file, litert
from keras_musictag.runtimes.formats._conversion import OUTPUTS
from keras_musictag.runtimes.formats._litert_file import BUFFER_NAME, metadata_buffer, with_tags
from keras_musictag.runtimes.formats.litert import MODEL_FILE, open_model
from tests.runtimes.networks import (
    PROBE,
    check_threads_share,
    convert_in_this_process,
    largest_differences,
    written,
)
from tests.tagger.test_fold import with_statistics

ROOT = Path(__file__).parents[2]
MOBILE = (ROOT / "docs" / "mobile.md").read_text(encoding="utf-8")


def model_of(folder):
    return _litert_file.read_model((folder / MODEL_FILE).read_bytes())


@pytest.fixture(scope="module", autouse=True)
def each_network_is_converted_once():
    """The converter gives the same in every precision and takes most of the time: each network is converted once."""
    kept, convert = {}, litert._converted

    def converted(network, name):
        key = name, network.inputs[0].name
        if key == ("mine", "waveform"):  # of the tests of failures
            return convert(network, name)
        if key not in kept:
            make = convert if key == ("musicnn-mtat-v1", "waveform") else convert_in_this_process
            kept[key] = _litert_file.write_model(make(network, name))
        return _litert_file.read_model(kept[key])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(litert, "_converted", converted)
        yield


@pytest.fixture(scope="module")
def float32(musicnn, tmp_path_factory):
    return written(musicnn, tmp_path_factory.mktemp("float32"), "litert")


@pytest.fixture(scope="module")
def int8(musicnn, tmp_path_factory):
    return written(musicnn, tmp_path_factory.mktemp("int8"), "litert", "int8")


@pytest.fixture(scope="module")
def guide(tmp_path_factory):
    """A folder in which every command and every Python block of the guide was run; and the lines that they printed."""
    folder = tmp_path_factory.mktemp("guide")
    blocks = re.findall(r"^```(console|python)\n(.*?)^```$", MOBILE, flags=re.MULTILINE | re.DOTALL)
    assert "".join(kind[0] for kind, _ in blocks) == "cppppcp"
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
def float16(guide):
    return guide[0] / "phone", read_artefact(guide[0] / "phone")


def test_float32_gives_keras_scores_and_embeddings(float32, musicnn_expected):
    assert tuple(musicnn_expected) == ("music", "silence", "noise", "full scale")
    scores, embeddings = largest_differences(float32, musicnn_expected)
    assert scores < 1e-5 and embeddings < 1e-4  # round-off; the tolerance leaves room for decibels of silent bands


def test_float16_is_half_as_large_and_close(float32, float16, musicnn_expected):
    scores, embeddings = largest_differences(float16, musicnn_expected)
    assert 1e-6 < scores < litert.PRECISIONS["float16"]
    assert embeddings < 2e-3
    assert size(float16) < 0.55 * size(float32)


def test_int8_is_a_third_as_large_and_close(float32, int8, musicnn_expected):
    scores, embeddings = largest_differences(int8, musicnn_expected)
    # 0.56 with the mel matrix in int8, too; 0.26 with one scale per unit of the dense layer
    assert 1e-4 < scores < litert.PRECISIONS["int8"]
    assert embeddings < 0.1
    assert size(int8) < 0.33 * size(float32)


def size(exported):
    return (exported[0] / MODEL_FILE).stat().st_size


@pytest.mark.parametrize("precision, closest, furthest", [("float16", 1e-6, 3e-3), ("int8", 1e-4, 6e-2)])
def test_log_mel_in_is_rounded_as_behind_a_front_end(
    musicnn, musicnn_of_log_mel, tmp_path, precision, closest, furthest
):
    exported = written(musicnn, tmp_path, "litert", precision, "log-mel")
    scores, _ = largest_differences(exported, musicnn_of_log_mel)
    assert closest < scores < furthest


def test_log_mel_in_gives_what_the_waveform_gives(musicnn_of_log_mel, guide):
    folder = guide[0] / "phone-log-mel"
    assert "RFFT2D" not in _litert_file.operators(model_of(folder))
    scores, _ = largest_differences((folder, read_artefact(folder)), musicnn_of_log_mel)
    assert scores < 1e-5


# loops of GRUs, and reflected ends and decibels; no spectrogram. Statistics are drawn, so that scores spread
@pytest.mark.parametrize("name", ["crnn", "sample_cnn"])
def test_other_kinds_of_network_convert_in_every_precision(name, tmp_path):
    tagger = with_statistics(name)
    chunks = signals(tagger)
    wanted = keras_outputs(tagger, "waveform", {name: chunks[name] for name in ("music", "silence")})
    for precision, tolerance in litert.PRECISIONS.items():
        folder = tmp_path / precision
        folder.mkdir()
        scores, embeddings = largest_differences(written(tagger, folder, "litert", precision), wanted)
        assert scores < tolerance
        assert embeddings < 1e-3 if precision == "float32" else 1e-6 < embeddings < 2 * tolerance
    assert ("WHILE" in _litert_file.operators(model_of(tmp_path / "float32"))) == (name == "crnn")


def test_all_operators_are_builtin(float32, int8):
    for folder, _ in (float32, int8):
        names = _litert_file.operators(model_of(folder))
        assert {"RFFT2D", "LOG", "CONV_2D", "FULLY_CONNECTED"} <= names
        assert not any(name.startswith("custom") for name in names)


def test_the_front_end_stays_float32(int8):
    """The mel matrix is not rounded; every large weight after it is."""
    from tensorflow.lite.python.schema_py_generated import TensorType

    model = model_of(int8[0])
    held = [t for t in model.subgraphs[0].tensors if model.buffers[t.buffer].data is not None and len(t.shape) > 1]
    large = {tuple(tensor.shape): tensor.type for tensor in held if np.prod(tensor.shape) >= 1024}
    assert large.pop((96, 257)) == TensorType.FLOAT32
    assert len(large) == 9 and set(large.values()) == {TensorType.INT8}  # two of the ten have the same shape


def test_arrays_are_aligned_as_the_schema_asks(int8):
    from tensorflow.lite.python import schema_py_generated as schema

    content = (int8[0] / MODEL_FILE).read_bytes()
    model = schema.Model.GetRootAs(content, 0)
    buffers = [model.Buffers(i).DataAsNumpy() for i in range(model.BuffersLength())]
    whole = np.frombuffer(content, np.uint8).ctypes.data
    starts = [data.ctypes.data - whole for data in buffers if isinstance(data, np.ndarray)]
    assert len(starts) > 20 and all(start % 16 == 0 for start in starts)


def test_vectors_stay_float32(float16):
    """This includes the normalisation of 1506 channels, whose numbers may be large or tiny."""
    from tensorflow.lite.python.schema_py_generated import TensorType

    model = model_of(float16[0])
    held = [t for t in model.subgraphs[0].tensors if model.buffers[t.buffer].data is not None]
    vectors = {tensor.type for tensor in held if np.prod(tensor.shape) == max([*tensor.shape, 1])}
    assert TensorType.FLOAT32 in vectors and TensorType.FLOAT16 not in vectors


def test_an_operator_that_is_not_builtin_is_named_and_refused(tiny, tmp_path, monkeypatch):
    from tensorflow.lite.python import schema_py_generated as schema

    code, graph, model = schema.OperatorCodeT(), schema.SubGraphT(), schema.ModelT()
    code.builtinCode, code.customCode = 32, b"FlexErf"
    graph.operators, model.subgraphs, model.operatorCodes = [schema.OperatorT()], [graph], [code]
    assert _litert_file.operators(model) == {"custom FlexErf"}
    monkeypatch.setattr(litert, "_converted", lambda *_: model)
    with pytest.raises(ExportError, match="'vgg' needs operators that LiteRT does not have: custom FlexErf"):
        litert.write(tiny, tmp_path, "float32", "waveform")


def test_outputs_have_the_numbers_by_which_phones_ask_for_them(float16, musicnn_expected):
    """As docs/mobile.md says, output 0 is the scores and output 1 the embedding, in both runtimes of LiteRT."""
    path, music = str(float16[0] / MODEL_FILE), musicnn_expected["music"]
    described = Interpreter(path).get_output_details()
    assert [tuple(output["shape"]) for output in described] == [(1, 50), (1, 200)]
    model = CompiledModel.from_file(path)
    inputs, outputs = model.create_input_buffers(0), model.create_output_buffers(0)
    inputs[0].write(music.inputs[:1])
    model.run_by_index(0, inputs, outputs)
    scores = outputs[0].read(50, np.float32)
    np.testing.assert_allclose(scores, music.scores[0], rtol=0, atol=litert.PRECISIONS["float16"])


def test_a_batch_of_any_size_gives_what_one_by_one_gives(int8, musicnn_expected):
    run = open_model(*int8)
    chunks = musicnn_expected["music"].inputs
    together, apart = run(chunks), [run(chunk[None]) for chunk in chunks]
    assert len(chunks) > 2
    for name in ("scores", "embedding"):
        np.testing.assert_array_equal(together[name], np.concatenate([one[name] for one in apart]))
    none = run(chunks[:0])
    assert {name: (array.shape, array.dtype) for name, array in none.items()} == {
        "scores": ((0, 50), np.float32),
        "embedding": ((0, 200), np.float32),
    }


def test_a_resized_model_refuses_a_batch(float32, musicnn_expected):
    """As docs/mobile.md says."""
    interpreter = Interpreter(str(float32[0] / MODEL_FILE))
    (taken,) = interpreter.get_input_details()
    interpreter.resize_tensor_input(taken["index"], (2, *taken["shape"][1:]))
    with pytest.raises(RuntimeError, match="failed to prepare"):
        interpreter.allocate_tensors()


def test_threads_may_share_an_engine(float32, musicnn_expected):
    check_threads_share(float32, musicnn_expected["music"].inputs[:6])


def test_an_engine_tags_as_keras_does_in_two_threads_at_once(musicnn, float32):
    engine, song = kmt.EngineTagger(float32[0], threads=1), kmt.demo_clip()
    with ThreadPoolExecutor() as pool:
        both, embeddings = [pool.submit(engine.tag, song) for _ in range(2)], pool.submit(engine.embed, song)
        tags, taggram = musicnn.tag(song), musicnn.taggram(song)
        for found in both:
            assert [tag for tag, _ in found.result().tags] == [tag for tag, _ in tags.tags]
            np.testing.assert_allclose(found.result().scores, tags.scores, rtol=0, atol=1e-5)
    found = engine.taggram(song)
    assert len(found.scores) == 10
    np.testing.assert_allclose(found.scores, taggram.scores, rtol=0, atol=1e-5)
    np.testing.assert_array_equal(found.start_seconds, taggram.start_seconds)
    np.testing.assert_allclose(embeddings.result(), musicnn.embed(song), rtol=1e-3, atol=1e-4)


def test_the_file_names_its_tags_and_describes_its_tensors(musicnn, int8):
    path = int8[0] / MODEL_FILE
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert archive.read("tags.txt").decode().split("\n") == list(musicnn.vocabulary)
    model = model_of(int8[0])
    (entry,) = (entry for entry in model.metadata if entry.name == BUFFER_NAME.encode())
    described = bytes(model.buffers[entry.buffer].data)
    assert described[4:8] == b"M001"
    for text in (b"waveform", b"embedding", b"16000 Hz"):
        assert text in described
    (runtime,) = (entry for entry in model.metadata if entry.name == b"min_runtime_version")
    assert bytes(model.buffers[runtime.buffer].data).rstrip(b"\0") == b"2.7.0"  # for int8 with one scale per feature
    assert [output.name.decode() for output in model.signatureDefs[0].outputs] == list(OUTPUTS)


def slot_of(table, number):
    """The position of a field in a flatbuffer's table, from the start of the table."""
    offset = table.Offset(4 + 2 * number)
    assert offset, f"slot {number} is empty"
    return offset


def table_in(table, number, item=None):
    """The table that a slot refers to, or one item of the vector of tables that it refers to."""
    at = table.Pos + slot_of(table, number) if item is None else table.Vector(slot_of(table, number)) + 4 * item
    return Table(table.Bytes, table.Indirect(at))


def text_in(table, number):
    return table.String(table.Pos + slot_of(table, number)).decode()


def number_in(table, number, kind):
    return table.Get(kind, table.Pos + slot_of(table, number))


def test_metadata_are_found_in_the_slots_of_the_schema():
    """By the numbers of `metadata_schema.fbs`: a field's place among those of its table; a union takes two of them."""
    outputs = {"scores": "One score per tag.", "embedding": "Features."}
    buffer = metadata_buffer("tiny", "A tagger.", {"waveform": "Mono."}, outputs, 16000)
    model = Table(buffer, encode.Get(UOffsetTFlags.packer_type, buffer, 0))
    assert [text_in(model, number) for number in (0, 1, 7)] == ["tiny", "A tagger.", "1.3.0"]
    graph = table_in(model, 3, 0)
    waveform, scores, embedding = table_in(graph, 2, 0), table_in(graph, 3, 0), table_in(graph, 3, 1)
    assert [text_in(tensor, 0) for tensor in (waveform, scores, embedding)] == ["waveform", "scores", "embedding"]
    content = table_in(waveform, 3)
    assert number_in(content, 0, Uint8Flags) == 4  # AudioProperties
    audio = table_in(content, 1)
    assert [number_in(audio, number, Uint32Flags) for number in (0, 1)] == [16000, 1]  # Hz, channels
    assert [number_in(table_in(tensor, 3), 0, Uint8Flags) for tensor in (scores, embedding)] == [1, 1]  # features
    labels = table_in(scores, 6, 0)
    assert (text_in(labels, 0), number_in(labels, 2, Int8Flags)) == ("tags.txt", 2)  # TENSOR_AXIS_LABELS
    assert not embedding.Offset(4 + 2 * 6)  # which has no labels


def test_tags_may_hold_any_letter_but_no_line_break():
    content = with_tags(b"model", ["música", "r&b", "lo\u2028fi"])
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.read("tags.txt").decode().split("\n") == ["música", "r&b", "lo\u2028fi"]
    with pytest.raises(ExportError, match="contains a line break"):
        with_tags(b"model", ["rock\nroll"])


def test_an_operator_that_does_not_convert_is_named():
    inputs = keras.Input((3, 3), name="waveform")
    network = keras.Model(inputs, {"scores": keras.ops.det(inputs), "embedding": inputs})
    with pytest.raises(ExportError, match="'mine' needs operators that LiteRT does not have: MatrixDeterminant"):
        litert._converted(network, "mine")


def test_what_the_converter_says_of_python_names_no_operator():
    said = "Could not translate MLIR. Call tf.lite.TFLiteConverter on a tf.function.\nSee above."
    refusal = litert._refusal("mine", said)
    assert str(refusal) == f"LiteRT's converter refuses 'mine': {' '.join(said.split())}"


def test_a_converter_that_hangs_is_ended(tmp_path, monkeypatch):
    (tmp_path / "hang.py").write_text("import time\ntime.sleep(60)\n", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(_litert_convert, "__name__", "hang")
    monkeypatch.setattr(litert, "TIMEOUT_SECONDS", 0.1)
    inputs = keras.Input((2,), name="waveform")
    with pytest.raises(ExportError, match=r"LiteRT's converter did not end on 'mine' within 0.1 s: it hangs."):
        litert._converted(keras.Model(inputs, {"scores": inputs * 2}), "mine")


def test_a_converter_that_crashes_is_an_error_of_ours(tmp_path, monkeypatch):
    (tmp_path / "crash.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(_litert_convert, "__name__", "crash")
    inputs = keras.Input((2,), name="waveform")
    with pytest.raises(ExportError, match=r"LiteRT's converter crashed on 'mine' \(SIGSEGV\)"):
        litert._converted(keras.Model(inputs, {"scores": inputs * 2}), "mine")


def test_a_missing_runtime_is_named_before_the_conversion(tiny, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ai_edge_litert", None)  # which Python treats as "not installed"
    monkeypatch.setattr(export_network, "exported_network", None)
    with pytest.raises(
        ExportError,
        match=r'needs the package ai-edge-litert, .*pip install "keras-musictag\[export\]"',
    ):
        litert.write(tiny, tmp_path, "float32", "waveform")


@pytest.mark.needs("linux")  # counts threads and binds them
def test_the_engine_uses_its_threads_and_no_tensorflow(float32):
    command = [sys.executable, "-c", PROBE, str(float32[0]), "[1, 3, null]"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert json.loads(done.stdout) == [[0, 2, 0], []]


def test_the_guide_can_be_followed_and_prints_what_keras_says(musicnn, guide):
    best, tagged, tags, shape = guide[1]
    index, score = best.split()
    chunk = musicnn.taggram(kmt.demo_clip()).scores[0]
    # the guide's first chunk has no context before the track, half a window of zeros: the same music 16 ms later
    assert int(index) == chunk.argmax() and abs(float(score) - chunk.max()) < 0.1
    assert re.findall("'(.+?)'", tagged)[0] == musicnn.tag(kmt.demo_clip()).tags[0][0]
    assert tags == str(list(musicnn.vocabulary[:3]))
    assert shape == "(1, 50)"


def test_the_guides_table_is_what_exports_are(float32, float16, int8, musicnn_expected):
    head, _, *rows = re.findall(r"^\| (.+) \|$", MOBILE[MOBILE.index("| `--precision` |") :].partition("\n\n")[0], re.M)
    columns = ["size of `musicnn`", "its largest difference of a score on the demo clip", "allowed"]
    assert head.split(" | ")[3:] == columns
    stated = {precision.strip("`"): others for precision, _, _, *others in (row.split(" | ") for row in rows)}
    assert {precision: float(allowed) for precision, (_, _, allowed) in stated.items()} == litert.PRECISIONS
    for precision, exported in (("float32", float32), ("float16", float16), ("int8", int8)):
        megabytes, difference, _ = stated[precision]
        assert is_shown_as(size(exported) / 1e6, megabytes.removesuffix(" MB"))
        found, _ = largest_differences(exported, {"music": musicnn_expected["music"]})
        if difference.startswith("below "):
            assert found < float(difference.removeprefix("below "))
        else:
            assert is_shown_as(found, difference)


def is_shown_as(value: float, text: str) -> bool:
    """Whether a number is a text such as "0.95" or "3e-4", when rounded to as many digits."""
    digits = len(text.partition("e")[0].partition(".")[2])
    return float(f"{value:.{digits}{'e' if 'e' in text else 'f'}}") == float(text)
