"""`load` like keras.applications: other tags, no head, logits, other lengths, files of weights."""

import functools

import numpy as np
import pytest

from keras_musictag import UnknownNameError, build, demo_clip, load
from keras_musictag.zoo import arrays_of, save_weights
from tests.checks import signals
from tests.small_sizes import SMALL

CHUNK = 48128


@pytest.fixture(scope="module")
def pretrained():
    return load("vgg")


def test_other_tags_give_a_new_head_on_the_pretrained_body(pretrained):
    tagger = load("vgg", tags=["calm", "wild"])
    assert list(tagger.vocabulary) == ["calm", "wild"]
    assert tagger.output_shape == (None, 2)
    batch = signals(CHUNK)
    np.testing.assert_array_equal(tagger.runner("flatten")(batch), pretrained.runner("flatten")(batch))
    assert len(tagger.tag(demo_clip()).tags) == 2


def test_the_pretrained_tags_by_name_keep_head_and_groups(pretrained):
    tagger = load("vgg", tags=list(pretrained.vocabulary))
    assert tagger.vocabulary == pretrained.vocabulary
    np.testing.assert_array_equal(tagger.runner()(signals(CHUNK)), pretrained.runner()(signals(CHUNK)))


def test_the_pretrained_tags_in_another_order_are_other_tags(pretrained):
    tagger = load("vgg", tags=list(pretrained.vocabulary)[::-1])
    kernel = "logits/kernel"
    assert np.abs(arrays_of(tagger)[kernel] - arrays_of(pretrained)[kernel][:, ::-1]).max() > 0.01


def test_without_a_head_the_output_is_the_embedding(pretrained, tmp_path):
    extractor = load("vgg", include_top=False)
    embedding = pretrained.embed(demo_clip())
    assert extractor.output_shape == (None, 256)
    np.testing.assert_array_equal(extractor.embed(demo_clip()), embedding)
    for call in (extractor.tag, extractor.taggram):
        with pytest.raises(ValueError, match="include_top=False: it has no tags"):
            call(demo_clip())
    with pytest.raises(ValueError, match="`scores` must have shape"):
        extractor.decode_predictions(np.zeros((1, 50)))
    extractor.save(tmp_path / "extractor.keras")
    again = load(tmp_path / "extractor.keras")
    assert again.vocabulary is None
    np.testing.assert_array_equal(again.embed(demo_clip()), embedding)


def test_a_model_of_logits_tags_with_scores(pretrained):
    logits = load("vgg", classifier_activation=None)
    batch = signals(CHUNK)
    np.testing.assert_array_equal(logits.runner("logits")(batch), pretrained.runner("logits")(batch))
    assert np.abs(np.asarray(logits(batch))).max() > 1
    # float32 sigmoid, computed in two places
    np.testing.assert_allclose(logits.tag(demo_clip()).scores, pretrained.tag(demo_clip()).scores, atol=1e-6)


def test_contradictions_name_both_values():
    with pytest.raises(ValueError, match=r"include_top=False with tags=\['calm'\]"):
        load("vgg", tags=["calm"], include_top=False)
    with pytest.raises(ValueError, match=r"'vgg-mtat-v1'.*'mtat'.*weights='msd'"):
        load("vgg-mtat-v1", weights="msd")
    with pytest.raises(ValueError, match=r"`classifier_activation` must be 'sigmoid' or None\. Received: 'softmax'"):
        load("vgg", classifier_activation="softmax")


def test_another_length_of_chunks_on_pretrained_weights():
    """The frames of uncentred chunks remain those of the whole track: a hop has as many frames as a chunk."""
    short, longer = load("musicnn"), load("musicnn", chunk_seconds=6)
    assert longer.chunk_seconds == pytest.approx(6, abs=0.02)
    chunking = longer.spec.chunking
    assert chunking.chunk_samples - chunking.hop_samples == 256 and chunking.hop_samples % 256 == 0
    scores, expected = longer.tag(demo_clip()).scores, short.tag(demo_clip()).scores
    assert np.abs(scores - expected).max() < 0.3  # another context, the same song
    assert scores.argmax() == expected.argmax()


def test_lengths_that_cannot_be_built_are_refused():
    with pytest.raises(ValueError, match=r"'fcn' takes only chunks of 29 s.*chunk_seconds=10.*short_chunk_cnn"):
        build("fcn", ["a"], chunk_seconds=10)
    with pytest.raises(ValueError, match=r"Chunks of 0\.5 s are too short for 'harmonic_cnn'"):
        build("harmonic_cnn", ["a"], chunk_seconds=0.5)
    with pytest.raises(ValueError, match=r"Chunks of 0\.5 s are too short for 'crnn'"):
        build("crnn", ["a"], chunk_seconds=0.5)
    for seconds in (0, -1, float("nan"), 1e9):
        with pytest.raises(ValueError, match="`chunk_seconds` must be above 0"):
            build("crnn", ["a"], chunk_seconds=seconds)


@pytest.mark.parametrize(
    "name", ["crnn", "harmonic_cnn", "musicnn_2020", "self_attention", "short_chunk_cnn", "short_chunk_cnn_res"]
)
def test_other_lengths_are_built_where_the_docstring_says_so(name):
    tagger = build(name, ["a", "b"], chunk_seconds=6.5, config=SMALL[name][1])
    assert tagger.chunk_seconds == 6.5
    assert tagger.taggram(demo_clip()).scores.shape == (5, 2)  # 29.2 s, the last chunk anchored


@functools.cache
def untrained(name):
    return build(name, ["a", "b"])


@pytest.mark.parametrize("name", ["fcn", "crnn"])
@pytest.mark.parametrize("seconds, chunks", [(3, 1), (29, 1), (40, 2)])
def test_song_level_networks_take_shorter_and_longer_audio(name, seconds, chunks):
    audio = signals(int(seconds * 16000))[1]
    assert untrained(name).taggram(audio, 16000).scores.shape == (chunks, 2)


@pytest.mark.parametrize("ending", [".safetensors", ".weights.h5"])
def test_a_file_of_weights(ending, tmp_path):
    tagger = build("crnn", ["a", "b"])
    path = tmp_path / f"mine{ending}"
    save_weights(tagger, path) if ending == ".safetensors" else tagger.save_weights(path)
    again = load("crnn", weights=path, tags=["a", "b"])
    np.testing.assert_array_equal(again.get_weights()[-1], tagger.get_weights()[-1])
    assert load("crnn", weights=str(path), tags=["a", "b"]).name == "crnn"
    with pytest.raises(FileNotFoundError, match="There are no weights at"):
        load("crnn", weights=tmp_path / f"gone{ending}", tags=["a", "b"])


def test_a_saved_tagger_takes_another_head_or_precision(tmp_path):
    tagger = build("vgg", ["a", "b"])
    tagger.compile(optimizer="sgd", loss="binary_crossentropy")
    tagger.save(tmp_path / "mine.keras")
    assert load(tmp_path / "mine.keras").optimizer is not None
    other = load(tmp_path / "mine.keras", tags=["c", "d", "e"], precision="bfloat16")
    assert (other.output_shape, other.precision) == ((None, 3), "bfloat16")
    np.testing.assert_array_equal(other.get_layer("conv3").get_weights()[0], tagger.get_layer("conv3").get_weights()[0])


def test_an_unknown_precision_is_named():
    with pytest.raises(UnknownNameError, match="no precision 'int8'. .*Known: float32, bfloat16, float16"):
        load("vgg", precision="int8")


def test_weights_without_a_head_fit_and_others_are_refused(tmp_path):
    tagger = build("crnn", ["a", "b"])
    save_weights(tagger, tmp_path / "mine.safetensors")
    tagger.save_weights(tmp_path / "mine.weights.h5")
    for name in ("mine.safetensors", "mine.weights.h5"):
        extractor = load("crnn", weights=tmp_path / name, include_top=False)
        np.testing.assert_array_equal(extractor.get_weights()[-1], arrays_of(tagger)["gru2/gru_cell/bias"])
    (tmp_path / "damaged.weights.h5").write_bytes(b"no weights")
    for name in ("damaged.weights.h5", "mine.weights.h5"):
        with pytest.raises(ValueError, match=rf"{name} does not fit vgg") as caught:
            load("vgg", weights=tmp_path / name, tags=["a", "b"])
        assert "\n" not in str(caught.value)


def test_frozen_layers_stay_frozen_under_another_head(tmp_path):
    tagger = build("vgg", ["a", "b"])
    tagger.get_layer("conv3").trainable = False
    tagger.get_layer("logits").trainable = False
    tagger.save(tmp_path / "mine.keras")
    other = load(tmp_path / "mine.keras", tags=["c", "d", "e"])
    assert not other.get_layer("conv3").trainable
    assert other.get_layer("logits").trainable  # it is new


def test_float16_scales_the_loss():
    tagger = build("vgg", ["a", "b"], precision="float16")
    tagger.compile(optimizer="adam", loss="binary_crossentropy")
    assert "LossScale" in type(tagger.optimizer).__name__
