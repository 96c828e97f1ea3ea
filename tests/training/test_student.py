"""Losses on values worked out by hand, statistics, the moving average, and which part of a crop the teachers take."""

import keras
import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

import keras_musictag as kmt
from keras_musictag.errors import TrainingError
from keras_musictag.tagger import Tagger
from keras_musictag.training import Teaching
from keras_musictag.training.fidelity import divergence, rank_correlation
from keras_musictag.training.student import Statistics, Student, cross_entropy, huber, standardised
from keras_musictag.training.teachers import Teachers
from keras_musictag.zoo import arrays_of, assign_weights

TAGS = ["calm", "wild"]


def build(tags=TAGS, name="short_chunk_cnn", seed=0, **options):
    keras.utils.set_random_seed(seed)
    if name == "short_chunk_cnn":
        options = {"config": {"filters": [4] * 7, "units": 8}, **options}
    return kmt.build(name, tags, **options)


def panel(*taggers):
    return Teachers(taggers, tuple({"model": f"teacher {i}", "sha256": ""} for i in range(len(taggers))))


@pytest.fixture(scope="module")
def teacher():
    return build(seed=1)


def make_student(teacher, **settings):
    tagger, average = build(), build(seed=3)
    assign_weights(average, arrays_of(tagger), "it")
    function = panel(teacher).function(tagger.spec.chunking.chunk_samples)
    student = Student(tagger, average, function, Teaching(**settings))
    student.compile(keras.optimizers.SGD(0.1), jit_compile=False)
    student.optimizer.build(student.trainable_variables)
    return student, tagger, average


def crops(tagger, rows=4):
    return np.random.default_rng(0).normal(0, 0.1, (rows, tagger.spec.chunking.chunk_samples)).astype(np.float32)


def test_huber_is_half_the_square_up_to_one_and_linear_beyond():
    assert float(huber(tf.constant([[0.5, -1.0, 3.0]]))) == pytest.approx((0.125 + 0.5 + 2.5) / 3)


def test_cross_entropy_takes_the_teachers_scores_as_labels():
    # label 0.5 against a score of 0.75: -0.5 ln 0.75 - 0.5 ln 0.25
    wanted, logits = tf.constant([[0.0]]), tf.constant([[np.log(3.0)]], tf.float32)
    assert float(cross_entropy(wanted, logits)) == pytest.approx(0.8369882)


def test_statistics_cover_all_rows_while_measuring():
    rows = np.random.default_rng(0).normal(5, 2, (48, 3)).astype(np.float32)
    statistics = Statistics(3, name="statistics")
    for batch in np.split(rows, [16, 40]):
        statistics.update(tf.constant(batch), True)
    statistics.update(tf.constant(rows + 100), False)
    np.testing.assert_allclose(statistics.mean, rows.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(statistics.deviation(), rows.std(axis=0), rtol=1e-5)


def test_a_nearly_constant_feature_does_not_dominate_the_loss():
    statistics = Statistics(3, name="statistics")
    statistics.update(tf.constant([[-1.0, 0.0, -10.0], [1.0, 0.0, 10.0]]), True)
    # two teachers, of two features and one: the second feature counts as of 0.05 * sqrt(1 / 2)
    found = standardised(tf.constant([[2.0, 0.1, 500.0]]), statistics, (2, 1)).numpy()
    np.testing.assert_allclose(found, [[2.0, 0.1 / (0.05 * 0.5**0.5), 10.0]], rtol=1e-4)


def test_the_loss_is_the_weighted_sum_of_the_three(teacher):
    student, _, _ = make_student(teacher, logits=2.0, embeddings=0.5, labels=3.0)
    student.logit_statistics.update(tf.constant([[-2.0, -4.0], [2.0, 4.0]]), True)
    student.embedding_statistics.update(tf.constant([[-1.0] * 8, [1.0] * 8]), True)
    wanted, logits = tf.constant([[0.0, 0.0]]), tf.constant([[1.0, 2.0]])  # half a deviation off
    loss = student.compute_loss(y=(wanted, tf.ones((1, 8))), y_pred=(logits, tf.zeros((1, 8))))
    assert float(loss) == pytest.approx(2.0 * 0.125 + 0.5 * 1.0 + 3.0 * float(cross_entropy(wanted, logits)), rel=1e-5)


def test_the_average_follows_weights_and_moving_statistics(teacher):
    student, tagger, average = make_student(teacher, average=0.15)
    before = arrays_of(tagger)
    student.train_on_batch(crops(tagger), np.zeros((4, 0)))
    after, followed = arrays_of(tagger), arrays_of(average)
    assert np.abs(after["logits/kernel"] - before["logits/kernel"]).max() > 0
    assert np.abs(after["layer1_norm/moving_mean"] - before["layer1_norm/moving_mean"]).max() > 0
    for name, array in followed.items():  # the first share is 1 / 10
        np.testing.assert_allclose(array, 0.1 * before[name] + 0.9 * after[name], atol=1e-5, err_msg=name)
    student.train_on_batch(crops(tagger), np.zeros((4, 0)))  # the second is 2 / 11, above the requested 0.15
    for name, array in arrays_of(average).items():
        np.testing.assert_allclose(array, 0.15 * followed[name] + 0.85 * arrays_of(tagger)[name], atol=1e-5)


def test_a_student_learns_and_the_teacher_stays_unchanged(teacher):
    student, tagger, _ = make_student(teacher, statistics_steps=3)
    before = arrays_of(teacher)
    names = {variable.path for variable in student.trainable_variables}
    assert names == {v.path for v in tagger.trainable_variables} | {"guess/kernel", "guess/bias"}
    losses = [float(student.train_on_batch(crops(tagger), np.zeros((4, 0)))) for _ in range(8)]
    assert losses[-1] < 0.7 * losses[0]
    for name, array in arrays_of(teacher).items():
        np.testing.assert_array_equal(array, before[name])
    assert float(student.logit_statistics.count) == 12  # of three batches


def test_the_target_is_the_mean_of_the_teachers(teacher):
    other = build(tags=TAGS[::-1], seed=2)
    logits, embeddings = panel(teacher, other).function(59049)(tf.constant(crops(teacher)))
    first, second = (Tagger.get_layer(t, "logits").output for t in (teacher, other))
    own = [
        keras.Model(t.inputs[0], out)(crops(t), training=False).numpy()
        for t, out in ((teacher, first), (other, second))
    ]
    np.testing.assert_allclose(logits, (own[0] + own[1][:, ::-1]) / 2, atol=1e-4)
    wanted = [t.runner(t.embedding_layer)(crops(t)) for t in (teacher, other)]
    np.testing.assert_allclose(embeddings, np.concatenate(wanted, axis=1), atol=1e-4)


def test_a_teacher_of_shorter_chunks_gets_the_middle_of_the_crop(teacher):
    function, size = panel(teacher).function(2 * 59049 + 1000), 59049
    long = np.random.default_rng(1).normal(0, 0.1, (2, 2 * size + 1000)).astype(np.float32)
    found = function(tf.constant(long))[0].numpy()
    single = panel(teacher).function(size)
    halves = [single(tf.constant(long[:, start : start + size]))[0].numpy() for start in (500, 500 + size)]
    np.testing.assert_allclose(found, (halves[0] + halves[1]) / 2, atol=1e-4)


def test_teachers_with_other_tags_or_longer_chunks_are_refused(teacher):
    with pytest.raises(
        TrainingError, match=r"same tags. 'teacher 1' \(2 tags\) has no tag 'wild', unlike 'teacher 0' \(2 tags"
    ):
        panel(teacher, build(tags=["calm", "loud"]))
    with pytest.raises(TrainingError, match=r"'teacher 1' \(3 tags\) has the extra tag 'loud', unlike 'teacher 0'"):
        panel(teacher, build(tags=[*TAGS, "loud"]))
    with pytest.raises(TrainingError, match=r"'teacher 0' needs 3.69\d* s of audio, and the student takes 3 s"):
        panel(teacher).function(48000)


def test_fidelity_matches_scipy_and_is_perfect_for_the_teacher():
    random = np.random.default_rng(0)
    targets, scores = random.random((50, 3)), random.random((50, 3))
    targets[:, 2] = 0.5  # a tag with constant logits is left out
    wanted = np.mean([scipy.stats.spearmanr(targets[:, i], scores[:, i]).statistic for i in range(2)])
    assert rank_correlation(targets, scores) == pytest.approx(wanted)
    assert divergence(targets, targets) == pytest.approx(0, abs=1e-12)
    by_hand = np.mean(targets * np.log(targets / scores) + (1 - targets) * np.log((1 - targets) / (1 - scores)))
    assert divergence(targets, scores) == pytest.approx(by_hand)
