"""Settings that change the sound of training audio: `Deform` for whole tracks, `Alteration` for batches of crops.

`Deform` runs on the CPU before chunks are cut. Which deformation a track gets is drawn by a generator that is seeded
with (seed, epoch, track_index).

`Alteration` is cheap arithmetic on a batch of crops (`tf_data.alteration`): speed, equalisation, noise, gain, mixing in
pairs. It may change what a crop sounds like, so it suits labels that teachers compute afterwards, not those of a track.
"""

import math
from dataclasses import dataclass, fields
from numbers import Real

import numpy as np
from scipy.fft import next_fast_len

from keras_musictag.audio.deform import PRESETS, dynamic_range, pitch_shift, time_stretch, white_noise
from keras_musictag.errors import UnknownNameError
from keras_musictag.records.crops import DEFORM, stateless_hash


@dataclass(frozen=True)
class Alteration:
    """How crops are altered. Each range is (low, high), and all values in it are equally likely.

    Attributes:
        speed_probability: Share of the crops that are played faster or slower, which also moves their pitch.
        speed_semitones: Largest change of speed, up or down, as the semitones by which it moves the pitch.
        equalise_probability: Share of the crops that get a low and a high shelf.
        shelf_db: Gain of each shelf, up or down.
        band_probability: Share of the crops that lose treble to a one-pole filter; the same share loses bass.
        noise_probability: Share of the crops with noise, between white and pink.
        noise_snr_db: Level of the crop above that of the noise, dB.
        gain_db: Gain of each crop. A crop that would clip is turned down to full scale.
        mix_probability: Share of the crops that another crop of the batch is added to.
        mix_db: Level of the added crop relative to the first one, dB.

    Raises:
        ValueError: If a probability is not from 0 to 1, a range is not (low, high), or a size is negative.

    Example:
        >>> Alteration(speed_semitones=12.0).crop_samples(16000) >= 32000
        True
    """

    speed_probability: float = 0.5
    speed_semitones: float = 4.0
    equalise_probability: float = 0.5
    shelf_db: float = 10.0
    band_probability: float = 0.1
    noise_probability: float = 0.25
    noise_snr_db: tuple[float, float] = (8.0, 40.0)
    gain_db: tuple[float, float] = (-20.0, 6.0)
    mix_probability: float = 0.3
    mix_db: tuple[float, float] = (-10.0, 6.0)

    def __post_init__(self):
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(field.default, tuple):
                if not (isinstance(value, list | tuple) and len(value) == 2 and value[0] <= value[1]):
                    raise ValueError(f"`{field.name}` of an alteration must be (low, high). Received: {value!r}.")
                object.__setattr__(self, field.name, tuple(map(float, value)))
                continue
            limit, expected = (1, "from 0 to 1") if field.name.endswith("_probability") else (math.inf, "0 or more")
            if not (isinstance(value, Real) and 0 <= value <= limit):
                raise ValueError(f"`{field.name}` of an alteration must be {expected}. Received: {value!r}.")

    def crop_samples(self, chunk_samples: int) -> int:
        """Length of the crop that becomes a chunk: enough for the highest speed, and fast to transform."""
        if self.speed_probability == 0 or self.speed_semitones == 0:
            return next_fast_len(chunk_samples, real=True)
        return next_fast_len(int(chunk_samples * 2 ** (self.speed_semitones / 12)) + 2, real=True)


@dataclass(frozen=True)
class Deform:
    """How whole tracks are deformed before chunks are cut. The default ranges are those of the 2020 evaluation.

    Attributes:
        probability: Share of the tracks that are deformed in an epoch, each in one of the ways below.
        stretch_rate: Lowest and highest speed of a time stretch, where 1 is the original; None for no stretching.
        pitch_semitones: Lowest and highest pitch shift; None for no shifting.
        dynamic_range: Presets of `audio.dynamic_range`, all equally likely; () for none.
        noise_rate: Lowest and highest share of white noise; None for no noise.

    Raises:
        ValueError: If the probability is not from 0 to 1, a range is not (low, high), or no kind is left.
        UnknownNameError: If there is no such preset.

    Example:
        >>> Deform(stretch_rate=None, pitch_semitones=None).kinds
        ('dynamic_range', 'noise_rate')
    """

    probability: float = 0.5
    stretch_rate: tuple[float, float] | None = (2**-0.5, 2**0.5)
    pitch_semitones: tuple[float, float] | None = (-1.0, 1.0)
    dynamic_range: tuple[str, ...] = ("music standard", "speech")
    noise_rate: tuple[float, float] | None = (0.1, 0.4)

    def __post_init__(self):
        if not 0 <= self.probability <= 1:
            raise ValueError(f"`probability` must be from 0 to 1. Received: {self.probability}.")
        for name in ("stretch_rate", "pitch_semitones", "noise_rate"):
            limits = getattr(self, name)
            if limits is not None and not (len(limits) == 2 and limits[0] <= limits[1]):
                raise ValueError(f"`{name}` must be (low, high) or None. Received: {limits}.")
        if self.stretch_rate and self.stretch_rate[0] <= 0:
            raise ValueError(
                f"`stretch_rate` must be above 0, where 1 is the original speed. Received: {self.stretch_rate}."
            )
        for preset in self.dynamic_range:
            if preset not in PRESETS:
                raise UnknownNameError.of("preset", preset, PRESETS)
        if not self.kinds:
            raise ValueError(
                "`Deform` must allow at least one kind of deformation. Received: none. Pass deform=None instead."
            )

    @property
    def kinds(self) -> tuple[str, ...]:
        """Names of the attributes that may be applied."""
        return tuple(
            name for name in ("stretch_rate", "pitch_semitones", "dynamic_range", "noise_rate") if getattr(self, name)
        )


def deform_track(
    samples: np.ndarray, sample_rate_hz: int, settings: Deform, *, seed: int, epoch: int, track_index: int
) -> np.ndarray:
    """Deforms a track, or leaves it unchanged: always the same for the same (seed, epoch, track_index).

    Args:
        samples: Float32 (samples,).
        sample_rate_hz: Its sample rate, Hz.
        settings: A `Deform`.
        seed: Seed of the training run.
        epoch: From 0.
        track_index: Position of the track in the dataset.

    Returns:
        Float32 (samples,), of another length after a time stretch.

    Example:
        >>> noisy = Deform(probability=1.0, stretch_rate=None, pitch_semitones=None, dynamic_range=())
        >>> samples = np.full(16000, 0.1, np.float32)
        >>> deformed = deform_track(samples, 16000, noisy, seed=0, epoch=0, track_index=0)
        >>> deformed.shape, bool(np.array_equal(deformed, samples))
        ((16000,), False)
    """
    random = np.random.default_rng(int(stateless_hash(DEFORM, seed, epoch, track_index)))
    if random.random() >= settings.probability:
        return samples
    kind = settings.kinds[random.integers(len(settings.kinds))]
    if kind == "stretch_rate":
        # uniform in the logarithm: half as fast is as likely as twice as fast
        low, high = np.log(settings.stretch_rate)
        return time_stretch(samples, float(np.exp(random.uniform(low, high))))
    if kind == "pitch_semitones":
        return pitch_shift(samples, sample_rate_hz, random.uniform(*settings.pitch_semitones))
    if kind == "dynamic_range":
        preset = settings.dynamic_range[random.integers(len(settings.dynamic_range))]
        return dynamic_range(samples, sample_rate_hz, preset)
    return white_noise(samples, random.uniform(*settings.noise_rate), random)
