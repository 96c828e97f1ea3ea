"""`load(..., engine=...)`: exported once, cached, and opened from then on."""

import dataclasses
import shutil
import subprocess
import sys
from decimal import Decimal

import numpy as np
import pytest

import keras_musictag as kmt
from keras_musictag.audio import read
from keras_musictag.bundled_files import bundled
from keras_musictag.runtimes.formats import litert
from keras_musictag.user_folders import HOME_VARIABLE
from keras_musictag.zoo import engine_cache as engines, keras_loading
from keras_musictag.zoo.resolving import Source, resolve
from tests.runtimes.networks import convert_in_this_process
from tests.runtimes.test_example import check_example

VGG = bundled("zoo") / "vgg-mtat-v1"
TOLERANCE = 1e-4  # float32 in another runtime; LiteRT's STFT moves a score of trained weights by 3.3e-5


@pytest.fixture
def unfilled(monkeypatch):
    """Fails the test if anything is exported."""

    def refuse(*arguments):
        raise AssertionError(f"exported again: {arguments}")

    monkeypatch.setattr(engines, "_export_to_cache", refuse)


@pytest.fixture
def cached(exported_vgg_onnx, tmp_path, unfilled):
    """The one folder in a user's cache."""
    folder = tmp_path / "home" / "exports" / engines.cache_name(resolve(VGG), "onnx", "float32", None)
    shutil.copytree(exported_vgg_onnx, folder)
    return folder


@pytest.mark.parametrize("model", ["vgg", "vgg-mtat-v1", VGG, str(VGG)])
def test_every_way_to_say_the_same_model_finds_it(cached, model):
    engine = kmt.load(model, engine="onnx")
    assert isinstance(engine, kmt.EngineTagger)
    assert (engine.name, engine.folder) == ("vgg-mtat-v1", cached)
    assert kmt.load(model, engine="onnx", precision="float32").folder == cached


def test_what_makes_another_model_makes_another_name(monkeypatch):
    entry = resolve(VGG)

    def name(source=entry, engine="onnx", precision="float32", chunk_seconds=None, **card):
        changed = dataclasses.replace(source, card=dataclasses.replace(source.card, **card))
        return engines.cache_name(changed, engine, precision, chunk_seconds)

    first = name()
    assert first.startswith("vgg-mtat-v1-onnx-float32-") and first == name()
    others = {
        name(engine="openvino"),
        name(precision="float16"),
        name(chunk_seconds=5),
        name(weights=dataclasses.replace(entry.card.weights, sha256="0" * 64)),
        name(model={**entry.card.model, "classifier_activation": None}),
        name(licences=dataclasses.replace(entry.card.licences, weights="another")),
        name(resolve("vgg", "msd")),
    }
    assert len(others) == 7
    assert name(chunk_seconds=5) == name(chunk_seconds=5.0) == name(chunk_seconds=np.float32(5))
    with monkeypatch.context() as patch:
        patch.setattr(engines, "EXPORT_VERSION", engines.EXPORT_VERSION + 1)
        others.add(name())
    monkeypatch.setattr(engines, "versions", lambda format: {"tensorflow": "99"})
    others.add(name())
    assert len(others - {first}) == 9


def test_a_changed_file_gets_another_name_and_no_licences(tmp_path):
    entry = resolve(VGG)
    file = Source(entry.architecture, entry.card, tmp_path / "mine.safetensors")
    names = set()
    for content in (b"one", b"two"):
        file.weights.write_bytes(content)
        names.add(engines.cache_name(file, "onnx", "float32", None))
    assert len(names) == 2
    assert engines.licences_of(file) is None
    assert engines.licences_of(entry) == vars(entry.card.licences)


def test_a_name_is_a_single_one_that_a_disk_takes(tmp_path):
    entry = resolve(VGG)
    file = Source(entry.architecture, entry.card, tmp_path / ("long " * 48 + ".keras"))
    file.weights.write_bytes(b"weights")
    for name in (engines.cache_name(file, "onnx", "float32", None), engines.cache_name(entry, "onnx", "a/b", None)):
        (tmp_path / name).mkdir()
    names = {
        engines.cache_name(entry, "onnx", "float32", seconds) for seconds in (Decimal(5), np.array([5]), "5", None)
    }
    assert len(names) == 4


@pytest.mark.parametrize("damaged", ["model.onnx", "artefact.json"])
@pytest.mark.parametrize("damage", ["changed", "removed"])
def test_a_damaged_export_is_detected_and_removed(cached, damaged, damage):
    (cached / damaged).unlink()
    if damage == "changed":
        (cached / damaged).write_bytes(b"damaged")
    with pytest.raises(AssertionError, match="exported again"):
        kmt.load("vgg", engine="onnx")
    assert list(cached.parent.iterdir()) == []


@pytest.mark.needs("permissions")
def test_a_damaged_export_that_cannot_be_removed_is_reported(cached):
    (cached / "model.onnx").write_bytes(b"damaged")
    cached.parent.chmod(0o500)
    with pytest.raises(kmt.MusicTagError, match=r"cannot be kept in .*Permission denied.* Set KERAS_MUSICTAG_HOME"):
        kmt.load("vgg", engine="onnx")
    assert list(cached.parent.iterdir()) == [cached]


def test_another_process_may_remove_a_damaged_export(tmp_path):
    engines._remove_export(tmp_path / "gone")


@pytest.mark.needs("permissions")
def test_a_read_only_export_is_opened(cached):
    for path in (*cached.iterdir(), cached, cached.parent):
        path.chmod(0o500)
    for model in ("vgg", cached):  # from the cache, and as an exported folder
        assert kmt.load(model, engine="onnx").folder == cached


def test_a_folder_without_settings_is_exported_again(tiny, tmp_path):
    tiny.save(tmp_path / "mine.keras")
    folder = (
        tmp_path / "home" / "exports" / engines.cache_name(resolve(tmp_path / "mine.keras"), "onnx", "float32", None)
    )
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(b"cut short")
    engine = kmt.load(tmp_path / "mine.keras", engine="onnx")
    assert engine.folder == folder and folder.name.startswith("mine-onnx-float32-")
    assert list(folder.parent.iterdir()) == [folder]
    assert (engine.vocabulary, engine.artefact.licences) == (tiny.vocabulary, {})
    np.testing.assert_allclose(engine.tag(kmt.demo_clip()).scores, tiny.tag(kmt.demo_clip()).scores, atol=TOLERANCE)


# test_litert.py tests the converter's own process, and test_savedmodel.py the example of a SavedModel
@pytest.mark.parametrize("engine", ["litert", "openvino", pytest.param("savedmodel", marks=pytest.mark.slow)])
def test_each_engine_and_example_tags_as_the_tagger_does(vgg, tmp_path, monkeypatch, engine):
    monkeypatch.setattr(litert, "_converted", convert_in_this_process)
    found = kmt.load("vgg", engine=engine)
    (folder,) = (tmp_path / "home" / "exports").iterdir()
    assert found.folder == folder and found.artefact.format == engine
    assert found.artefact.licences == vars(resolve(VGG).card.licences)
    result, wanted = found.tag(kmt.demo_clip(), top=None), vgg.tag(kmt.demo_clip(), top=None)
    for tag, score in result.tags:
        assert score == pytest.approx(dict(wanted.tags)[tag], abs=TOLERANCE)
    samples = read(kmt.demo_clip(), 22050).samples[:200_000]
    found_chunks, wanted_chunks = found.taggram(samples, 22050), vgg.taggram(samples, 22050)
    np.testing.assert_allclose(found_chunks.scores, wanted_chunks.scores, atol=TOLERANCE)
    np.testing.assert_array_equal(found_chunks.start_seconds, wanted_chunks.start_seconds)
    embedding = vgg.embed(samples, 22050)
    np.testing.assert_allclose(found.embed(samples, 22050), embedding, atol=1e-3 * np.abs(embedding).max())
    if engine != "savedmodel":
        check_example(vgg, folder)


PROGRAM = """
import os, sys
import kapre, keras, tensorflow, tf2onnx  # once for both: TensorFlow that has not run yet survives a fork
import keras_musictag as kmt

for _ in range(2):
    if os.fork() == 0:
        print(kmt.load(sys.argv[1], engine="onnx").folder, flush=True)
        os._exit(0)
sys.exit(any([os.wait()[1] for _ in range(2)]))
"""


@pytest.mark.slow
@pytest.mark.needs("posix")  # which forks
def test_two_processes_that_ask_at_once_get_one_export(tiny, tmp_path):
    tiny.save(tmp_path / "mine.keras")
    done = subprocess.run([sys.executable, "-c", PROGRAM, tmp_path / "mine.keras"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (folder,) = (tmp_path / "home" / "exports").iterdir()
    assert done.stdout == f"{folder}\n" * 2


def test_an_exported_folder_is_opened(exported_vgg_onnx):
    for precision in (None, "float32"):
        engine = kmt.load(exported_vgg_onnx, engine="onnx", precision=precision)
        assert engine.folder == exported_vgg_onnx
    with pytest.raises(ValueError, match="is an export to 'onnx' in float32"):
        kmt.load(exported_vgg_onnx, engine="litert")
    with pytest.raises(ValueError, match="is an export to 'onnx' in float32"):
        kmt.load(exported_vgg_onnx, engine="onnx", precision="float16")
    with pytest.raises(ValueError, match="An exported model cannot be changed"):
        kmt.load(exported_vgg_onnx, weights="msd", engine="onnx")
    with pytest.raises(ValueError, match=r"is an exported model, .* Name its engine, as in load\(..., engine='onnx'\)"):
        kmt.load(exported_vgg_onnx)


@pytest.mark.parametrize("arguments", [{"tags": ["a"]}, {"include_top": False}, {"classifier_activation": None}])
def test_another_head_is_refused(arguments):
    with pytest.raises(ValueError, match="An engine runs a model as it is"):
        kmt.load("vgg", engine="onnx", **arguments)


def test_what_does_not_exist_is_reported(tmp_path):
    with pytest.raises(kmt.UnknownNameError, match="Did you mean 'onnx'"):
        kmt.load("vgg", engine="onx")
    with pytest.raises(kmt.UnknownNameError, match="Did you mean 'vgg'"):
        kmt.load("vg", engine="onnx")
    with pytest.raises(kmt.UnknownNameError, match="precision of onnx"):
        kmt.load("vgg", engine="onnx", precision="int3")
    with pytest.raises(ValueError, match="trained weights"):
        kmt.load("vgg", weights=None, engine="onnx")
    with pytest.raises(ValueError, match="`chunk_seconds` must be|takes only chunks of"):
        kmt.load("vgg", engine="onnx", chunk_seconds="long")
    with pytest.raises(ValueError, match="`chunk_seconds` must be|takes only chunks of"):
        kmt.load("vgg", engine="onnx", chunk_seconds=Decimal(5))
    with pytest.raises(kmt.UnknownNameError, match="precision of onnx 'a/b'"):
        kmt.load("vgg", engine="onnx", precision="a/b")
    assert list((tmp_path / "home" / "exports").iterdir()) == []
    with pytest.raises(FileNotFoundError):
        kmt.load(tmp_path / "gone.keras", engine="onnx")


def test_a_home_that_cannot_be_written_is_reported(tiny, tmp_path, monkeypatch):
    tiny.save(tmp_path / "mine.keras")
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "file"))
    with pytest.raises(kmt.MusicTagError, match="KERAS_MUSICTAG_HOME"):
        kmt.load(tmp_path / "mine.keras", engine="onnx")


def test_the_cache_is_blamed_for_its_own_failures_alone(tiny, tmp_path, monkeypatch):
    def fail(name):
        def export(*arguments, **options):
            raise OSError(28, "No space left on device", name)

        monkeypatch.setattr(engines, "export", export)

    monkeypatch.setattr(keras_loading, "load_tagger", lambda *_, **options: tiny)
    fail(str(tmp_path / "home" / "exports" / "vgg"))
    with pytest.raises(kmt.MusicTagError, match=r"\(No space left on device\)\. Set KERAS_MUSICTAG_HOME"):
        kmt.load("vgg", engine="onnx")
    for elsewhere in ("/tmp/signals.npz", None):
        fail(elsewhere)
        with pytest.raises(OSError, match="No space left on device"):
            kmt.load("vgg", engine="onnx")


def test_a_model_that_cannot_be_read_is_no_fault_of_the_cache(monkeypatch):
    def break_off(*arguments, **options):
        raise OSError(5, "The disk of the weights is broken")

    monkeypatch.setattr(keras_loading, "load_tagger", break_off)
    with pytest.raises(OSError, match="The disk of the weights is broken"):
        kmt.load("vgg", engine="onnx")
