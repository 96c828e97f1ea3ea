"""The conditions: what is done to the test tracks, by the names that tables and folders use.

Source: Won et al., "Evaluation of CNN-based automatic music tagging models", SMC 2020, for the eight conditions of time
stretch, pitch shift, dynamic range and white noise; the others are ours.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version

import numpy as np

from keras_musictag.audio import deform
from keras_musictag.errors import UnknownNameError
from keras_musictag.robustness import degradations

ORIGINAL = "original"


@dataclass(frozen=True)
class Kind:
    """A kind of deformation; each condition states an amount of it.

    Attributes:
        title: Title of its panel in the figure.
        apply: A function of float32 (samples,), sample rate in Hz, random generator and the settings of a condition,
            which returns float32 (samples,).
        version: Number that increases whenever the resulting samples change.
        libraries: Distributions whose version may change the samples too.
        in_paper: Whether the 2020 evaluation has it.
        original: Label of the original sound on the axis of the figure.
        random: Whether it depends on the seed.
    """

    title: str
    apply: Callable[..., np.ndarray]
    version: int
    libraries: tuple[str, ...]
    in_paper: bool
    original: str = "original"
    random: bool = False


KINDS = {
    "time_stretch": Kind(
        "Time stretch, speed",
        lambda samples, hz, rng, rate: deform.time_stretch(samples, rate),
        deform.TIME_STRETCH_VERSION,
        ("librosa",),
        in_paper=True,
        original="1",
    ),
    "pitch_shift": Kind(
        "Pitch shift, semitones",
        lambda samples, hz, rng, semitones: deform.pitch_shift(samples, hz, semitones),
        deform.PITCH_SHIFT_VERSION,
        ("librosa", "soxr"),
        in_paper=True,
        original="0",
    ),
    "dynamic_range": Kind(
        "Dynamic range compression",
        lambda samples, hz, rng, preset: deform.dynamic_range(samples, hz, preset),
        deform.DYNAMIC_RANGE_VERSION,
        (),
        in_paper=True,
    ),
    "white_noise": Kind(
        "White noise, share",
        lambda samples, hz, rng, rate: deform.white_noise(samples, rate, rng),
        deform.WHITE_NOISE_VERSION,
        ("numpy",),
        in_paper=True,
        original="0",
        random=True,
    ),
    "mp3": Kind(
        "MP3, kbit/s",
        lambda samples, hz, rng, kbit_per_second: degradations.mp3_copy(samples, hz, kbit_per_second),
        degradations.MP3_VERSION,
        ("av",),
        in_paper=False,
    ),
    "resample": Kind(
        "Lower sample rate, kHz",
        lambda samples, hz, rng, lower_hz: degradations.there_and_back(samples, hz, lower_hz),
        degradations.BAND_VERSION,
        ("soxr",),
        in_paper=False,
        original="16",
    ),
    "low_pass": Kind(
        "Low-pass, kHz",
        lambda samples, hz, rng, cutoff_hz: degradations.low_pass(samples, hz, cutoff_hz),
        degradations.BAND_VERSION,
        ("scipy",),
        in_paper=False,
        original="none",
    ),
    "gain": Kind(
        "Gain, dB",
        lambda samples, hz, rng, decibels: degradations.gain(samples, decibels),
        degradations.GAIN_VERSION,
        (),
        in_paper=False,
        original="0",
    ),
}


@dataclass(frozen=True)
class Condition:
    """A kind of deformation with its amount.

    Attributes:
        name: Its name in tables and folders.
        kind: A name in `KINDS`, or "" for the original sound.
        settings: The settings of the kind, by name.
        label: Its label on the axis of the figure.
        position: Its position on the axis, in steps from the original sound at 0.

    Example:
        >>> Condition("noise_0.1", "white_noise", {"rate": 0.1}).in_paper
        True
    """

    name: str
    kind: str = ""
    settings: Mapping[str, float | str] | None = None
    label: str = ""
    position: int = 0

    @property
    def in_paper(self) -> bool:
        """Whether the 2020 evaluation has this condition; it also has the original sound."""
        return not self.kind or KINDS[self.kind].in_paper

    def deform(self, seed: int) -> Callable[[np.ndarray, int, int], np.ndarray] | None:
        """The function for `predict`: (samples, sample rate in Hz, track index) -> samples; None for the original.

        Random noise depends only on (seed, track index), so it is the same for all models and all amounts of noise.

        Example:
            >>> noisy = CONDITIONS["noise_0.4"].deform(seed=0)
            >>> noisy(np.ones(16000, np.float32), 16000, 7).shape
            (16000,)
        """
        if not self.kind:
            return None
        apply = KINDS[self.kind].apply
        return lambda samples, hz, index: apply(samples, hz, np.random.default_rng([seed, index]), **self.settings)

    def facts(self, seed: int) -> dict[str, str | int]:
        """Returns what the deformed samples depend on, which a run states; empty for the original sound."""
        if not self.kind:
            return {}
        kind = KINDS[self.kind]
        facts = {
            "deformation_settings": ", ".join([self.kind, *(f"{k}={v}" for k, v in self.settings.items())]),
            "deformation_version": kind.version,
            "deformation_libraries": ", ".join(f"{name} {version(name)}" for name in kind.libraries) or "-",
        }
        return facts | ({"deformation_seed": seed} if kind.random else {})


def _conditions():
    yield Condition(ORIGINAL)
    yield Condition("time_stretch_slower", "time_stretch", {"rate": 2**-0.5}, "0.71", -1)
    yield Condition("time_stretch_faster", "time_stretch", {"rate": 2**0.5}, "1.41", 1)
    yield Condition("pitch_shift_down", "pitch_shift", {"semitones": -1}, "-1", -1)
    yield Condition("pitch_shift_up", "pitch_shift", {"semitones": 1}, "+1", 1)
    yield Condition("drc_music", "dynamic_range", {"preset": "music standard"}, "music", 1)
    yield Condition("drc_speech", "dynamic_range", {"preset": "speech"}, "speech", 2)
    yield Condition("noise_0.1", "white_noise", {"rate": 0.1}, "0.1", 1)
    yield Condition("noise_0.4", "white_noise", {"rate": 0.4}, "0.4", 2)
    yield Condition("mp3_64", "mp3", {"kbit_per_second": 64}, "64", 1)
    yield Condition("mp3_32", "mp3", {"kbit_per_second": 32}, "32", 2)
    yield Condition("resample_8k", "resample", {"lower_hz": 8000}, "8", 1)
    yield Condition("low_pass_4k", "low_pass", {"cutoff_hz": 4000}, "4", 1)
    yield Condition("low_pass_2k", "low_pass", {"cutoff_hz": 2000}, "2", 2)
    yield Condition("gain_down_20", "gain", {"decibels": -20}, "-20", -1)
    yield Condition("gain_up_12", "gain", {"decibels": 12}, "+12", 1)


CONDITIONS = {condition.name: condition for condition in _conditions()}


def choose_conditions(text: str) -> tuple[str, ...]:
    """Returns the names of the chosen conditions, in the order of `CONDITIONS`; the original is always included.

    Args:
        text: "paper" (the conditions of the 2020 evaluation), "all", or names separated by commas.

    Raises:
        UnknownNameError: If a condition is unknown.

    Example:
        >>> choose_conditions("noise_0.4, drc_music")
        ('original', 'drc_music', 'noise_0.4')
    """
    if text in ("paper", "all"):
        return tuple(name for name, condition in CONDITIONS.items() if text == "all" or condition.in_paper)
    asked = [name.strip() for name in text.split(",")]
    for name in asked:
        if name not in CONDITIONS:
            raise UnknownNameError.of("condition", name, ["paper", "all", *CONDITIONS])
    return tuple(name for name in CONDITIONS if name in asked or name == ORIGINAL)
