"""How audio is altered that teachers label on the spot: speed, equalisation, noise, gain, mixing in pairs.

Unlike a `Deform`, which changes whole tracks on the CPU, all of it is arithmetic on a batch of crops (`alteration_tf`),
and cheap. It may change what a crop sounds like, so it suits labels that are computed after it, not those of a track.
"""

import math
from dataclasses import dataclass, fields
from numbers import Real

from scipy.fft import next_fast_len


@dataclass(frozen=True)
class Alteration:
    """What may happen to a crop. Each range is (low, high), and all of its values are equally likely.

    Attributes:
        speed_probability: Share of the crops that are played faster or slower, which also moves their pitch.
        speed_semitones: By up to so many semitones, up or down.
        equalise_probability: Share of the crops that get a low and a high shelf.
        shelf_db: Gain of each shelf, up or down.
        band_probability: Share of the crops that lose treble by a one-pole filter; as many lose bass.
        noise_probability: Share of the crops with noise, between white and pink.
        noise_snr_db: Level of the crop above that of the noise, dB.
        gain_db: Gain of each crop. One that would clip is turned down to full scale.
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
        """Length of the crop that a chunk is made of: enough for the highest speed, and quick to transform."""
        if self.speed_probability == 0 or self.speed_semitones == 0:
            return next_fast_len(chunk_samples, real=True)
        return next_fast_len(int(chunk_samples * 2 ** (self.speed_semitones / 12)) + 2, real=True)
