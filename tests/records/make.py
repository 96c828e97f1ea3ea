"""Small datasets for tests: generated tracks as files, their manifest, and a finished folder of records of them."""

from pathlib import Path

import numpy as np
import soundfile

from keras_musictag.records import Manifest, Records, Track
from keras_musictag.tags import Vocabulary

TAGS = Vocabulary(("rock", "jazz", "piano", "calm"), ("genre", "genre", "instrument", "mood"))


def make_samples(index: int, seconds: float, sample_rate_hz: int, channels: int = 1) -> np.ndarray:
    """Two tones and noise, int16 (samples,) or (samples, channels); each index sounds different."""
    random = np.random.default_rng(index)
    time = np.arange(round(seconds * sample_rate_hz)) / sample_rate_hz
    tones = sum(0.2 * np.sin(2 * np.pi * hz * time) for hz in random.uniform(100, 2000, 2))
    samples = tones[:, None] + random.normal(0, 0.05, (len(time), channels))
    return np.round(samples.clip(-1, 1) * 32767).astype(np.int16).squeeze()


def part_of(index: int) -> str:
    """Of ten tracks, six are in train, two each in valid and test."""
    return ("train", "train", "train", "valid", "test")[index % 5]


def make_manifest(folder: Path, num_tracks: int = 10, seconds: float = 2.0, **changes) -> Manifest:
    """Writes tracks below `folder` and returns their manifest.

    Every third is FLAC, the others WAV; every fourth is 44.1 kHz stereo, the others 16 kHz mono. The length grows by
    1 % from one to the next. Track i has the tag i % 4, and also "rock" if i % 5 == 1.

    Args:
        folder: Folder for the audio.
        num_tracks: How many.
        seconds: Length of the first.
        changes: Other values of the `Manifest`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tracks = []
    for index in range(num_tracks):
        rate_hz, channels = (44100, 2) if index % 4 == 3 else (16000, 1)
        name = f"{index:03d}.{'flac' if index % 3 == 0 else 'wav'}"
        samples = make_samples(index, seconds * (1 + index / 100), rate_hz, channels)
        soundfile.write(folder / name, samples, rate_hz, subtype="PCM_16")
        tags = {TAGS[index % 4]} | ({"rock"} if index % 5 == 1 else set())
        tracks.append(Track(f"track-{index:03d}", name, tuple(t for t in TAGS if t in tags), part_of(index)))
    facts = {
        "dataset": "made",
        "dataset_version": "1",
        "split": "fixed",
        "vocabulary": TAGS,
        "audio_folder": folder,
        "tracks": tuple(tracks),
        "licence": "None: generated.",
        "citation": "None.",
    }
    return Manifest(**{**facts, **changes})


def make_records(folder: Path, num_tracks: int = 10, seconds: float = 2.0, **options) -> Records:
    """A finished folder of records of such tracks, `folder/records`; the audio is in `folder/audio`.

    Args:
        folder: Folder for both.
        num_tracks: How many tracks.
        seconds: Length of the first.
        options: Of `prepare`, such as storage="source" or tracks_per_shard=3.
    """
    from keras_musictag.records import prepare

    manifest = make_manifest(folder / "audio", num_tracks, seconds)
    return prepare(manifest, folder / "records", **{"jobs": 1, "tracks_per_shard": 4, **options})
