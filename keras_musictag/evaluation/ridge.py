"""A baseline that a network must beat: ridge regression on statistics of a track's log-mel spectrogram."""

from collections.abc import Callable

import numpy as np

from keras_musictag.audio.samples import to_floats
from keras_musictag.evaluation.predictions import Predictions, Source
from keras_musictag.metrics.ranking import roc_auc
from keras_musictag.records.examples import StoredAudio
from keras_musictag.records.folder import Records

ALPHAS = tuple(10.0**power for power in range(0, 7))
PARTS = ("train", "valid", "test")


def ridge_predictions(
    records: Records, progress: Callable[[int, int], None] | None = None
) -> tuple[Predictions, Predictions]:
    """Fits one ridge regression for all tags on the part "train"; ROC-AUC on "valid" decides its strength.

    Args:
        records: An open folder of records with all three parts.
        progress: Called with the number of tracks done and the total.

    Returns:
        Predictions of "test" and of "valid".
    """
    from sklearn.linear_model import Ridge
    from sklearn.preprocessing import StandardScaler

    total, done, features = len(records), 0, {}
    for part in PARTS:
        rows = []
        for track in records.part(part):
            record = records.read(track)
            rows.append(statistics(to_floats(StoredAudio.of(record).pcm()), record.sample_rate_hz))
            done += 1
            if progress:
                progress(done, total)
        features[part] = np.stack(rows)
    scaler = StandardScaler().fit(features["train"])
    features = {part: scaler.transform(rows) for part, rows in features.items()}
    labels = {part: records.labels(part) for part in PARTS}
    models = [Ridge(alpha=alpha).fit(features["train"], labels["train"]) for alpha in ALPHAS]
    best = max(models, key=lambda model: roc_auc(labels["valid"] > 0, model.predict(features["valid"])).macro)
    return tuple(
        Predictions(
            model="ridge on log-mel statistics",
            source=Source.of(records.info, part),
            vocabulary=records.vocabulary,
            track_ids=tuple(track.track_id for track in records.part(part)),
            targets=labels[part],
            scores=best.predict(features[part]),
            subsets=tuple(track.subset for track in records.part(part)),
            facts={"alpha": best.alpha, "parameters": int(best.coef_.size + best.intercept_.size)},
        )
        for part in ("test", "valid")
    )


def statistics(samples: np.ndarray, sample_rate_hz: int) -> np.ndarray:
    """Describes a track by numbers that do not depend on its length.

    Args:
        samples: Float32 (samples,).
        sample_rate_hz: Its sample rate, Hz.

    Returns:
        Float64 (480,): for each of 96 mel bands in dB the mean, the standard deviation, the 10th and 90th percentile,
        and the mean change from frame to frame.

    Example:
        >>> statistics(np.zeros(16000, np.float32), 16000).shape
        (480,)
    """
    import librosa

    power = librosa.feature.melspectrogram(y=samples, sr=sample_rate_hz, n_fft=512, hop_length=256, n_mels=96)
    decibels = 10 * np.log10(np.maximum(power, 1e-10))
    low, high = np.percentile(decibels, (10, 90), axis=1)
    change = np.abs(np.diff(decibels, axis=1, append=decibels[:, -1:])).mean(axis=1)
    return np.concatenate([decibels.mean(axis=1), decibels.std(axis=1), low, high, change]).astype(np.float64)
