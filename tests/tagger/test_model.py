"""Tagger: a Keras model that knows its tags and reads tracks."""

import io

import keras
import numpy as np
import pytest
import soxr

import keras_musictag as kmt
from keras_musictag.tagger import TaggerSpec
from tests.checks import signals

CHUNK = 48128
HOP = 47872


def test_tags_are_ordered_and_come_with_the_tracks_facts(tagger):
    result = tagger.tag(kmt.demo_clip(), top=5)
    scores = [score for _, score in result.tags]
    assert len(result.tags) == 5
    assert scores == sorted(scores, reverse=True)
    assert result.tags[0][0] == "flute"  # which plays the melody
    assert result.duration_seconds == pytest.approx(29.196, abs=0.05)  # decoders differ by an MP3 frame
    assert (result.bad_packets, result.notes, result.num_chunks) == (0, (), 10)
    assert result.scores[tagger.vocabulary.index("flute")] == np.float32(scores[0])


def test_a_path_a_file_and_an_array_give_the_same(tagger, clip):
    from_path = tagger.taggram(str(kmt.demo_clip())).scores
    from_file = tagger.taggram(io.BytesIO(kmt.demo_clip().read_bytes())).scores
    np.testing.assert_array_equal(from_path, from_file)
    np.testing.assert_array_equal(from_path, tagger.taggram(clip, 16000).scores)


def test_integers_and_stereo_give_the_same(tagger, clip):
    clip = clip[: 2 * CHUNK]
    expected = tagger.taggram(clip, 16000).scores
    int16 = np.round(clip * 32768).clip(-32768, 32767).astype(np.int16)
    # tolerance: 16-bit rounding of the samples
    np.testing.assert_allclose(tagger.taggram(int16, 16000).scores, expected, rtol=0, atol=2e-3)
    np.testing.assert_array_equal(tagger.taggram(np.stack([clip, clip]), 16000).scores, expected)


def test_another_sample_rate_is_resampled(tagger, clip):
    clip = clip[: 3 * CHUNK]
    at_44100 = soxr.resample(clip, 16000, 44100)
    expected = tagger.taggram(clip, 16000).scores
    # tolerance: the octave end below 8 kHz is filtered twice; taking the rate for 16 kHz moves a score by 0.5
    np.testing.assert_allclose(tagger.taggram(at_44100, 44100).scores, expected, rtol=0, atol=0.02)
    assert np.abs(tagger.taggram(at_44100, 16000).scores[:3] - expected[:3]).max() > 0.2


def test_an_array_needs_a_rate_and_a_file_takes_none(tagger):
    with pytest.raises(ValueError, match="sample_rate"):
        tagger.tag(np.zeros(16000, np.float32))
    with pytest.raises(ValueError, match="a file states its own"):
        tagger.tag(kmt.demo_clip(), sample_rate=16000)


def test_taggram_spans_touch_up_to_the_end_of_the_track(tagger, clip):
    taggram = tagger.taggram(clip[: 3 * HOP - 5000], 16000)
    np.testing.assert_allclose(taggram.start_seconds[:2], [0, (HOP - 256) / 16000])
    np.testing.assert_allclose(taggram.end_seconds[:2], [HOP / 16000, 2 * HOP / 16000])
    assert taggram.end_seconds[-1] == (3 * HOP - 5000) / 16000
    assert taggram.scores.shape == (3, 50)


@pytest.mark.parametrize("tail, chunks", [("anchor", 3), ("pad", 3), ("drop", 2)])
def test_tails(tagger, clip, tail, chunks):
    assert tagger.taggram(clip[: 2 * HOP + 9000], 16000, tail=tail).scores.shape == (chunks, 50)


def test_the_anchored_chunk_covers_the_end_of_the_track(tagger, clip):
    track = clip[: 2 * HOP + 9000]
    last = tagger.taggram(track, 16000).scores[-1]
    end = np.pad(track, 256)[-CHUNK:]
    # tolerance: another batch size
    np.testing.assert_allclose(tagger.runner()(end[None])[0], last, rtol=0, atol=2e-6)


def test_a_track_shorter_than_a_chunk_is_tagged_and_noted(tagger, clip):
    result = tagger.tag(clip[:8000], 16000)
    assert result.num_chunks == 1
    assert "0.50 s long, shorter than the model's chunk of 2.98 s" in result.notes[0]


def test_overlapping_chunks(tagger, clip):
    taggram = tagger.taggram(clip, 16000, hop_seconds=0.5)
    np.testing.assert_allclose(np.diff(taggram.start_seconds)[1:-1], 0.5)
    np.testing.assert_array_equal(taggram.merge("max").scores, taggram.scores.max(axis=0))
    with pytest.raises(ValueError, match="hop_seconds"):
        tagger.taggram(clip, 16000, hop_seconds=0)


def test_aggregates(tagger, clip):
    scores = tagger.taggram(clip, 16000).scores
    for name, function in (("mean", np.mean), ("median", np.median), ("max", np.max)):
        found = tagger.tag(clip, 16000, top=None, aggregate=name)
        assert len(found.tags) == 50
        # float32 of the same numbers
        np.testing.assert_allclose(found.scores, function(scores, axis=0), rtol=1e-6)
    with pytest.raises(kmt.UnknownNameError, match="Did you mean 'mean'"):
        tagger.tag(clip, 16000, aggregate="meen")
    with pytest.raises(ValueError, match="`top` must be a whole number of 1 or more"):
        tagger.tag(clip, 16000, top=0)


def test_embedding_is_the_penultimate_layer_or_the_one_asked_for(tagger, clip):
    track = clip[: 2 * CHUNK]
    assert tagger.embedding_layer == "dense_norm"
    assert tagger.embed(track, 16000).shape == (3, 200)
    np.testing.assert_array_equal(tagger.embed(track, 16000, layer="dense_norm"), tagger.embed(track, 16000))
    assert tagger.embed(track, 16000, layer="front").shape == (3, 187, 561)
    logits = tagger.embed(track, 16000, layer="logits").astype(np.float64)
    # float32 sigmoid
    np.testing.assert_allclose(1 / (1 + np.exp(-logits)), tagger.taggram(track, 16000).scores, atol=1e-6)
    with pytest.raises(kmt.UnknownNameError, match="no layer 'dense_nrom'. Did you mean 'dense_norm'"):
        tagger.embed(track, 16000, layer="dense_nrom")


def test_a_model_that_ends_in_logits_still_gives_scores(tagger, clip):
    spec = TaggerSpec.from_dict({**tagger.spec.to_dict(), "classifier_activation": None})
    logits = kmt.Tagger(spec)
    logits.set_weights(tagger.get_weights())
    assert logits.predict(signals(CHUNK), verbose=0).min() < 0
    # float32 sigmoid, computed in two places
    np.testing.assert_allclose(
        logits.taggram(clip, 16000).scores, tagger.taggram(clip, 16000).scores, rtol=0, atol=1e-6
    )


def test_predict_gives_what_the_runner_gives(tagger):
    batch = signals(CHUNK)
    # tolerance: `predict` normalises separately, the runner folds the normalisation into the convolutions
    np.testing.assert_allclose(tagger.predict(batch, verbose=0), tagger.runner()(batch), rtol=0, atol=1e-5)


def test_scores_follow_the_weights(clip):
    """The function is compiled once, and training changes its result."""
    tagger = kmt.build("vgg", tags=["a", "b"])
    before = tagger.taggram(clip[:CHUNK], 16000).scores
    tagger.set_weights([w + 0.1 for w in tagger.get_weights()])
    assert (tagger.taggram(clip[:CHUNK], 16000).scores != before).all()


def test_the_saved_file_does_not_name_an_implementation(tagger, tmp_path):
    config = str(tagger.get_config())
    assert "'log_mel'" in config
    assert "kapre" not in config.lower() and "STFT" not in config
    tagger.save(tmp_path / "tagger.keras")
    again = kmt.load(tmp_path / "tagger.keras")
    assert type(again) is kmt.Tagger
    assert again.vocabulary == tagger.vocabulary
    assert again.vocabulary.groups == tagger.vocabulary.groups
    np.testing.assert_array_equal(again.predict(signals(CHUNK), verbose=0), tagger.predict(signals(CHUNK), verbose=0))


def test_a_kapre_file_loads_into_the_portable_front_end(tagger):
    portable = kmt.Tagger(tagger.spec, implementation="portable")
    portable.set_weights(tagger.get_weights())
    # tolerance: the two front ends differ by float32 round-off
    np.testing.assert_allclose(
        portable.runner("logits")(signals(CHUNK)), tagger.runner("logits")(signals(CHUNK)), rtol=0, atol=1e-4
    )


def test_frozen_layers_and_training_settings_survive_saving(tmp_path):
    tagger = kmt.build("vgg", tags=["a", "b"])
    tagger.get_layer("conv1").trainable = False
    tagger.compile(optimizer=keras.optimizers.SGD(0.25), loss="binary_crossentropy")
    tagger.save(tmp_path / "frozen.keras")
    again = keras.saving.load_model(tmp_path / "frozen.keras")
    assert not again.get_layer("conv1").trainable and again.get_layer("conv2").trainable
    assert float(again.optimizer.learning_rate) == 0.25


def test_a_frozen_model_with_a_trainable_head_stays_so(tmp_path):
    tagger = kmt.build("vgg", tags=["a", "b"])
    tagger.trainable = False
    tagger.save(tmp_path / "frozen.keras")
    assert keras.saving.load_model(tmp_path / "frozen.keras").trainable_weights == []
    tagger.trainable = True
    for layer in tagger.layers:
        layer.trainable = layer.name == "logits"
    tagger.save(tmp_path / "head.keras")
    again = keras.saving.load_model(tmp_path / "head.keras")
    assert [weight.path for weight in again.trainable_weights] == ["logits/kernel", "logits/bias"]


def test_invalid_merges_fail_before_the_track_is_read(tagger):
    with pytest.raises(ValueError, match=r"`top` must be a whole number.*Received: 2.5"):
        tagger.tag("no such file.mp3", top=2.5)
    with pytest.raises(kmt.UnknownNameError, match="no aggregate 'avg'"):
        tagger.tag("no such file.mp3", aggregate="avg")


def test_decode_predictions_names_the_highest_scores(tagger):
    scores = tagger.predict(signals(CHUNK), verbose=0)
    first, second = tagger.decode_predictions(scores, top=2)
    assert [score for _, score in first] == sorted(scores[0], reverse=True)[:2]
    assert second[0] == (tagger.vocabulary[int(scores[1].argmax())], scores[1].max())
    with pytest.raises(ValueError, match=r"shape \(batch, 50\).*Received: \(2, 7\)"):
        tagger.decode_predictions(scores[:, :7])


@pytest.mark.parametrize("name, bound", [("musicnn", 5e-3), ("vgg", 5e-3)])
def test_bfloat16_moves_scores_by_little_and_survives_saving(name, bound, clip, tmp_path):
    exact, fast = kmt.load(name), kmt.load(name, precision="bfloat16")
    scores, expected = fast.taggram(clip, 16000).scores, exact.taggram(clip, 16000).scores
    assert scores.dtype == np.float32
    assert np.abs(scores - expected).max() > 1e-6
    assert np.abs(scores.mean(axis=0) - expected.mean(axis=0)).max() < bound  # a chunk's may move by 2e-2
    fast.save(tmp_path / "fast.keras")
    again = kmt.load(tmp_path / "fast.keras")
    assert again.precision == "bfloat16"
    np.testing.assert_array_equal(again.taggram(clip, 16000).scores, scores)
    with pytest.raises(kmt.UnknownNameError, match="no precision 'bf16'"):
        kmt.Tagger(exact.spec, precision="bf16")


def test_summary_names_the_front_end_and_the_head(tagger):
    lines = []
    tagger.summary(print_fn=lines.append)
    assert "log_mel_stft" in "".join(lines) and "scores" in "".join(lines)


def test_the_exported_model_gives_the_same_scores(tagger, tmp_path):
    import tensorflow as tf

    tagger.export(tmp_path / "exported", verbose=False)
    served = tf.saved_model.load(tmp_path / "exported")
    batch = signals(CHUNK)
    # tolerance: the same operations in another graph
    np.testing.assert_allclose(served.serve(batch).numpy(), tagger.runner()(batch), rtol=0, atol=1e-6)


def test_kapre_needs_tensorflow_and_unknown_names_fail(tagger):
    with pytest.raises(kmt.UnknownNameError, match="front end implementation 'kaper'. Did you mean 'kapre'"):
        kmt.Tagger(tagger.spec, implementation="kaper")
    broken = tagger.spec.to_dict()
    broken["frontend"]["name"] = "logmel"
    with pytest.raises(kmt.UnknownNameError, match="Did you mean 'log_mel'"):
        TaggerSpec.from_dict(broken)
    lacking = tagger.spec.to_dict()
    del lacking["chunking"]["hop_samples"]
    with pytest.raises(ValueError, match="is missing the settings: hop_samples"):
        TaggerSpec.from_dict(lacking)
