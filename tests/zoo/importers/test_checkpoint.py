import hashlib
import json
import re

import numpy as np
import pytest

from keras_musictag import UnknownNameError, demo_clip, list_models, load
from keras_musictag.bundled_files import bundled
from keras_musictag.zoo import import_checkpoint, publish, read_card, read_weights
from keras_musictag.zoo.importers.sota2020 import convert
from tests import shared
from tests.architectures import reference_2020
from tests.zoo.importers import torch_writer
from tests.zoo.importers.test_sota2020 import tagger_of

REAL = {"fcn": "mtat_fcn", "crnn": "mtat_crnn", "musicnn_2020": "mtat_musicnn"}
NORM = ("weight", "bias", "running_mean", "running_var")


def fcn_state(tags: int = 50) -> dict[str, np.ndarray]:
    """Random weights under the original's keys, in its order."""
    random = np.random.default_rng(0)
    sizes, shapes = [1, 64, 128, 128, 128, 64], {f"spec_bn.{leaf}": (1,) for leaf in NORM}
    for index in range(1, 6):
        inside, outside = sizes[index - 1], sizes[index]
        shapes |= {f"layer{index}.conv.weight": (outside, inside, 3, 3), f"layer{index}.conv.bias": (outside,)}
        shapes |= {f"layer{index}.bn.{leaf}": (outside,) for leaf in NORM}
    shapes |= {"dense.weight": (tags, 64), "dense.bias": (tags,)}
    state = {key: random.uniform(0.01, 0.1, shape).astype(np.float32) for key, shape in shapes.items()}
    return state | {"layer1.bn.num_batches_tracked": np.array(7)}


def write(path, state):
    """A PyTorch file in the format since 1.6; the published files have the format before that."""
    path.write_bytes(torch_writer.zipped(*torch_writer.parts(state)))
    return path


@pytest.fixture
def out(tmp_path):
    return tmp_path / "entries"


@pytest.fixture
def checkpoint(tmp_path):
    return write(tmp_path / "best_model.pth", fcn_state())


def assert_same_weights(tagger, arrays):
    assert {variable.path for variable in tagger.weights} == arrays.keys()
    for variable in tagger.weights:
        np.testing.assert_array_equal(variable.numpy(), arrays[variable.path], err_msg=variable.path)


# What is written


@pytest.mark.needs("shared")
@pytest.mark.parametrize("architecture", REAL)
@pytest.mark.parametrize("form", ["published", "zip"])
def test_published_checkpoints_become_entries_with_equal_scores(architecture, form, tmp_path, user_zoo):
    path = shared.FOLDER / "reference" / "upstream" / f"{REAL[architecture]}.pth"
    if form == "zip":
        path = write(tmp_path / "best_model.pth", shared.load("weights", "sota", f"{REAL[architecture]}.npz"))
    folder = import_checkpoint(path, architecture, "mtat")
    assert folder == user_zoo / f"{architecture}-mtat-v2"  # v1 is bundled
    expected = tagger_of(architecture, "mtat")
    for tagger in (load(folder), load(folder.name), load(architecture, weights="mtat")):
        assert (tagger.name, tagger.spec) == (folder.name, expected.spec)
    np.testing.assert_array_equal(tagger.taggram(demo_clip()).scores, expected.taggram(demo_clip()).scores)


@pytest.mark.needs("shared")
def test_the_card_of_a_published_checkpoint_states_its_facts(out):
    path = shared.FOLDER / "reference" / "upstream" / "mtat_fcn.pth"
    card, known = read_card(import_checkpoint(path, "fcn", "mtat", out)), read_card(bundled("zoo") / "fcn-mtat-v1")
    assert (card.reference, card.licences, card.trained_on) == (known.reference, known.licences, known.trained_on)
    assert (card.licences.weights, card.reference.reported) == ("MIT", {"roc_auc": 0.9005, "pr_auc": 0.4295})
    assert (card.model, card.weights.parameters) == (known.model, known.weights.parameters)
    assert (card.weights.file, card.weights.url) == ("weights.safetensors", None)


@pytest.mark.needs("shared")
@pytest.mark.parametrize("dataset, architecture", [("msd", "fcn"), ("mtat", "crnn"), ("mtg-jamendo", "musicnn_2020")])
def test_a_published_checkpoint_is_not_taken_for_another(dataset, architecture, out):
    path = shared.FOLDER / "reference" / "upstream" / "mtat_fcn.pth"
    with pytest.raises(
        ValueError, match=rf"published checkpoint of 'fcn-mtat-v1'.*{architecture}.*dataset='{dataset}'"
    ):
        import_checkpoint(path, architecture, dataset, out)
    assert not out.exists()


@pytest.mark.needs("shared")
@pytest.mark.parametrize("architecture", reference_2020.NAMES)
def test_a_checkpoint_of_any_of_the_nine_is_imported(architecture, tmp_path, out):
    state = reference_2020.filled_state(architecture)
    path = write(tmp_path / "best_model.pth", state)
    folder = import_checkpoint(path, architecture, "msd", out)
    tagger = load(folder)
    assert_same_weights(tagger, convert(state))
    expected = reference_2020.recorded(architecture)["logits"]
    np.testing.assert_allclose(
        tagger.runner("logits")(reference_2020.inputs(architecture)), expected, rtol=0, atol=1e-4
    )


@pytest.mark.needs("shared")
def test_the_sizes_of_musicnn_are_read_off_the_weights(tmp_path, out):
    """The published one for the Million Song Dataset has 512 filters and 500 units."""
    larger = {64: 512, 200: 500, 753 * 2: (561 + 3 * 512) * 2}
    state = {}
    for entry in reference_2020.description("musicnn_2020")["state_dict"]:
        if not entry["key"].endswith((".window", ".fb")):
            state[entry["key"]] = np.full([larger.get(n, n) for n in entry["shape"]], 0.01, np.float32)
    card = read_card(import_checkpoint(write(tmp_path / "x.pth", state), "musicnn_2020", "msd", out))
    assert card.model == read_card(bundled("zoo") / "musicnn_2020-msd-v1").model
    assert card.model["architecture"]["config"]["midend_filters"] == 512


def test_of_an_unknown_checkpoint_the_card_claims_nothing(checkpoint, out):
    folder = import_checkpoint(checkpoint, "fcn", "mtg-jamendo", out)
    card, source = read_card(folder), "unknown: imported from best_model.pth"
    assert (card.reference, card.metrics, card.trained_on.split_sha256) == (None, (), None)
    assert {card.licences.code, card.licences.weights, card.licences.training_data, card.trained_on.split} == {source}
    content = checkpoint.read_bytes()
    assert hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest() in card.trained_on.version
    assert str(checkpoint.parent) not in (folder / "card.json").read_text()
    assert sorted(path.name for path in folder.iterdir()) == ["card.json", "weights.safetensors"]


def test_an_unknown_checkpoint_gets_the_tags_of_its_dataset(checkpoint, user_zoo):
    folder = import_checkpoint(checkpoint, "fcn", "mtg-jamendo")
    assert (folder.parent, folder.name) == (user_zoo, "fcn-mtg-jamendo-v2")
    tagger = load("fcn", weights="mtg-jamendo")
    assert (tagger.name, tagger.vocabulary[0], tagger.vocabulary[-1]) == (folder.name, "alternative", "relaxing")
    assert_same_weights(tagger, convert(fcn_state()))
    assert folder.name in [model.name for model in list_models("fcn*")]


def test_a_file_name_of_no_encoding_is_written_all_the_same(tmp_path, out):
    path = write(tmp_path / "a\udce9\nb.pth", fcn_state())
    card = read_card(import_checkpoint(path, "fcn", "mtat", out))
    assert "\n" not in card.summary and card.summary.endswith("b.pth")


def test_the_same_file_gives_the_same_bytes(checkpoint, tmp_path):
    first, second = (import_checkpoint(checkpoint, "fcn", "mtat", tmp_path / run) for run in "ab")
    for file in ("card.json", "weights.safetensors"):
        assert (first / file).read_bytes() == (second / file).read_bytes()


# Names


def test_each_import_takes_the_next_free_name(checkpoint, out):
    names = [import_checkpoint(checkpoint, "fcn", "mtat", out).name for _ in range(2)]
    assert names == ["fcn-mtat-v2", "fcn-mtat-v3"]  # v1 is bundled


def test_a_name_that_anything_in_the_folder_has_is_not_free(checkpoint, out):
    out.mkdir()
    (out / "fcn-mtat-v2").write_text("a file")
    assert import_checkpoint(checkpoint, "fcn", "mtat", out).name == "fcn-mtat-v3"


@pytest.mark.parametrize("version", [1, 5])
def test_an_existing_name_is_refused(checkpoint, out, version):
    assert import_checkpoint(checkpoint, "fcn", "mtat", out, version=5).name == "fcn-mtat-v5"
    before = (out / "fcn-mtat-v5" / "card.json").stat()
    with pytest.raises(ValueError, match=f"The entry 'fcn-mtat-v{version}' already exists"):
        import_checkpoint(checkpoint, "fcn", "mtat", out, version=version)
    assert (out / "fcn-mtat-v5" / "card.json").stat() == before


@pytest.mark.parametrize("fault", [OSError(28, "No space left on device"), KeyboardInterrupt()], ids=["disk", "ctrl-c"])
@pytest.mark.parametrize("step", ["save_weights", "write_card"])
def test_an_interrupted_write_leaves_nothing(checkpoint, out, monkeypatch, fault, step):
    done = getattr(publish, step)

    def half(*arguments, **options):
        done(*arguments, **options)
        raise fault

    monkeypatch.setattr(publish, step, half)
    with pytest.raises(type(fault)):
        import_checkpoint(checkpoint, "fcn", "mtat", out)
    assert list(out.iterdir()) == []


# What is refused


def refused(path, said, architecture="fcn", dataset="mtat"):
    folder = path.parent / "refused"
    with pytest.raises(ValueError) as caught:
        import_checkpoint(path, architecture, dataset, folder)
    assert re.search(said, str(caught.value)), str(caught.value)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)
    assert not folder.exists()


@pytest.mark.parametrize("architecture", ["musicnn_2020", "crnn", "sample_cnn", "harmonic_cnn"])
def test_another_network_is_refused_and_the_right_one_named(checkpoint, architecture):
    refused(checkpoint, rf"does not fit {architecture}\. Missing: .*\. It fits 'fcn': pass that", architecture)


def test_a_network_of_no_kind_is_refused_without_a_guess(tmp_path):
    state = fcn_state()
    state["layer3.conv.weight"] = np.zeros((128, 128, 5, 5), np.float32)
    refused(
        write(tmp_path / "x.pth", state), r"layer3_conv/kernel has shape \(5, 5, 128, 128\), expected \(3, 3, .*\)\.$"
    )


@pytest.mark.parametrize("tags", [49, 51, 1, 188])
def test_another_number_of_tags_is_refused(tmp_path, tags):
    refused(write(tmp_path / "x.pth", fcn_state(tags)), rf"has {tags} outputs, but the dataset has 50 tags")


def test_a_missing_key_is_named(tmp_path):
    for key, variable in (("layer2.bn.running_var", "layer2_norm/moving_variance"), ("dense.bias", "logits/bias")):
        state = fcn_state()
        del state[key]
        refused(write(tmp_path / "x.pth", state), f"does not fit fcn. Missing: {variable}. Not used: nothing.")


@pytest.mark.parametrize(
    "key, said",
    [
        ("layer6.conv.bias", "Not used: layer6_conv/bias."),
        ("fc.weight", "is not a checkpoint of the 2020 evaluation.*'fc.weight', which no network"),
        ("dense2.bias", "a second key for logits/bias: 'dense2.bias'"),
    ],
)
def test_an_extra_key_is_named(tmp_path, key, said):
    refused(write(tmp_path / "x.pth", fcn_state() | {key: np.zeros(50, np.float32)}), said)


@pytest.mark.parametrize(
    "content", [b"", b"not a checkpoint", b"PK\x03\x04", b"\x80\x02cos\nsystem\nX\x01\x00\x00\x00atR."]
)
def test_what_is_no_checkpoint_is_refused(tmp_path, content):
    path = tmp_path / "x.pth"
    path.write_bytes(content)
    refused(path, "it was not loaded")


def test_a_file_of_no_tensors_is_refused(tmp_path):
    refused(write(tmp_path / "x.pth", {}), "does not fit fcn. Missing: .* Not used: nothing.")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="none.pth"):
        import_checkpoint(tmp_path / "none.pth", "fcn", "mtat")


def test_slips_in_names_are_answered_by_the_names(checkpoint):
    with pytest.raises(UnknownNameError, match="no network of the 2020 evaluation 'hcnn'.* Known: fcn, .*harmonic_cnn"):
        import_checkpoint(checkpoint, "hcnn", "mtat")
    with pytest.raises(
        UnknownNameError, match="no network of the 2020 evaluation 'musicnn'. Did you mean 'musicnn_2020'"
    ):
        import_checkpoint(checkpoint, "musicnn", "mtat")
    with pytest.raises(UnknownNameError, match="no dataset 'jamendo'. Did you mean 'mtg-jamendo'"):
        import_checkpoint(checkpoint, "fcn", "jamendo")


# The front end that a checkpoint stores with its weights


def filterbank(num_mels=96, **options):
    import librosa

    options = {"htk": True, "norm": None, **options}
    bands = librosa.filters.mel(sr=16000, n_fft=512, n_mels=num_mels, fmin=0, fmax=8000, **options)
    return np.ascontiguousarray(bands.T)  # (bins, mels)


def hann(periodic=True):
    return np.hanning(513)[:-1] if periodic else np.hanning(512)


@pytest.mark.parametrize("off", [0, 1.1e-5])
def test_the_front_end_of_the_evaluation_is_taken(tmp_path, out, off):
    kept = {"spec.mel_scale.fb": filterbank() + off, "spec.spectrogram.window": hann() + off}
    assert import_checkpoint(write(tmp_path / "x.pth", fcn_state() | kept), "fcn", "mtat", out).is_dir()


@pytest.mark.parametrize(
    "kept",
    [
        {"spec.mel_scale.fb": filterbank(128)},
        {"spec.mel_scale.fb": filterbank(htk=False)},
        {"spec.mel_scale.fb": filterbank(norm="slaney")},
        {"spec.mel_scale.fb": filterbank() + 2e-4},
        {"spec.mel_scale.fb": filterbank() * np.nan},
        {"spec.mel_scale.fb": np.ascontiguousarray(filterbank().T)},
        {"spec.spectrogram.window": hann(periodic=False)},
        {"spec.spectrogram.window": np.hamming(512)},
        {"spec.spectrogram.window": np.hanning(1025)[:-1]},
    ],
    ids=["128 mels", "slaney scale", "slaney norm", "off", "nan", "transposed", "symmetric", "hamming", "longer"],
)
def test_another_front_end_is_refused(tmp_path, kept):
    (key,) = kept
    refused(
        write(tmp_path / "x.pth", fcn_state() | kept), f"trained with another front end than that of 'fcn': its {key}"
    )


@pytest.mark.needs("shared")
def test_published_entries_state_the_hashes_of_the_reference():
    """The hash by which `import_checkpoint` recognises a published file."""
    cards = [json.loads(path.read_text()) for path in bundled("zoo").glob("*/card.json")]
    hashes = {card["weights"]["git_blob_sha1"] for card in cards} - {None}
    assert len(hashes) == 23
    if shared.FOLDER.is_dir():
        table = (shared.FOLDER / "reference" / "upstream" / "checkpoints.tsv").read_text().splitlines()[1:]
        assert {line.split("\t")[3] for line in table} == hashes


def test_what_is_written_is_what_was_read(checkpoint, out):
    folder = import_checkpoint(checkpoint, "fcn", "mtat", out)
    found, expected = read_weights(folder / "weights.safetensors"), convert(fcn_state())
    assert found.keys() == expected.keys()
    for key, array in expected.items():
        np.testing.assert_array_equal(found[key], array, err_msg=key)
