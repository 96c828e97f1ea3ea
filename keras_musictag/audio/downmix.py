"""Mixes the channels of a track into one, and notes when the mix loses most of their sound.

One or two channels are averaged. So are channels whose positions are not known. With three or more known positions,
the centre counts 1, left and right 0.7071, the channels at the sides, behind and above 0.5, and low-frequency effects
(LFE) 0; the sum of these weights is then scaled to 1.

Source: ITU-R BS.775 (coefficients from 5.1 to mono); FFmpeg's names of positions.
"""

from functools import cache

import numpy as np

SILENCE_PEAK = 0.001  # -60 dB of full scale: a track that is never louder is silent
SILENT = "The track is silent"  # how the note on such a track begins
# Shares of the energy that a mix of unrelated channels would have. Real stereo keeps 1.3 to 2 times that energy; 0.2
# means a correlation of -0.8, and 0.02 a correlation of -0.98.
_CANCELLED, _CANCELLED_SECOND = 0.2, 0.02
_SHORTEST_CANCELLED_SECONDS = 3  # in a track, for which there is a note

_FRONT, _CENTRE, _LFE, _AROUND = 0.5**0.5, 1.0, 0.0, 0.5
_WEIGHTS = {
    **dict.fromkeys("FL FR FLC FRC WL WR".split(), _FRONT),
    **dict.fromkeys(["FC"], _CENTRE),
    **dict.fromkeys(["LFE", "LFE2"], _LFE),
    **dict.fromkeys("BL BR BC SL SR TC TFL TFC TFR TBL TBC TBR TSL TSR BFC BFL BFR SSL SSR TTL TTR".split(), _AROUND),
}


@cache
def weights_of(positions: tuple[str, ...]) -> np.ndarray:
    """Returns each channel's share of the mix.

    Args:
        positions: FFmpeg's names, such as "FL", or any other text if a position is not known.

    Returns:
        Float64 (channels,), each 0 or more; their sum is 1.

    Example:
        >>> weights_of(("FL", "FR", "LFE")).round(4).tolist()
        [0.5, 0.5, 0.0]
    """
    if len(positions) > 2 and all(position in _WEIGHTS for position in positions):
        weights = np.array([_WEIGHTS[position] for position in positions])
        if weights.any():
            return weights / weights.sum()
    return _mean_of(len(positions))


@cache
def weights_of_one(channel: int, num_channels: int) -> np.ndarray:
    """Returns weights that take one channel alone, or the last channel if there are fewer."""
    return np.eye(num_channels)[min(channel, num_channels - 1)]


@cache
def _mean_of(num_channels: int) -> np.ndarray:
    return np.full(num_channels, 1 / num_channels)


def mix_channels(channels: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Mixes float32 (channels, samples) to float32 (samples,), with the weights of `weights_of`."""
    if weights is _mean_of(len(channels)):  # bit-identical to how published scores were computed
        return channels[0] if len(channels) == 1 else channels.mean(axis=0)
    return (channels * weights.astype(np.float32)[:, None]).sum(axis=0)


class Levels:
    """Measures the channels of a track and their mix, second by second, to find mixes that lose the sound.

    The channels cancel each other if the mix keeps less than a fifth of the energy that it would have with unrelated
    channels (an example is a channel and its negative), or if the mix is silent and a channel is not.

    Attributes:
        seconds: How much was measured.
        cancelled_seconds: How many of these seconds are audible in the channels but almost lost in the mix.
    """

    def __init__(self):
        self.seconds = self.cancelled_seconds = 0.0
        self._energy = np.zeros((2, 0))  # of the channels that the mix includes; of all
        self._expected = self._mixed = 0.0  # energy of the mix if the channels were unrelated, and its actual energy
        self._peak = self._mixed_peak = 0.0
        self._weights = np.zeros(0)
        self._begin_second()

    def _begin_second(self) -> None:
        self._second = [0.0] * len(self._weights)  # energy of each channel since the last second was measured
        self._second_mixed, self._second_seconds, self._second_samples = 0.0, 0.0, 0

    def add(self, channels: np.ndarray, mixed: np.ndarray, weights: np.ndarray, rate_hz: float) -> None:
        """Measures float32 (channels, samples) and their mix, float32 (samples,)."""
        if self._mixed_peak < SILENCE_PEAK:  # otherwise the track is known to be audible
            self._mixed_peak = max(self._mixed_peak, float(np.abs(mixed).max(initial=0)))
            self._peak = max(self._peak, float(np.abs(channels).max(initial=0)))
        if weights is not self._weights:
            self._end_second()
            self._weights = weights
            self._begin_second()
        if len(channels) > 1:  # called for every frame of about a thousand samples, so it must be fast
            for index, channel in enumerate(channels):
                self._second[index] += float(np.dot(channel, channel))
            self._second_mixed += float(np.dot(mixed, mixed))
        self._second_samples += len(mixed)
        self._second_seconds += len(mixed) / rate_hz
        if self._second_seconds >= 1:
            self._end_second()

    def _end_second(self) -> None:
        energy, squares = np.array(self._second), self._weights**2
        more = max(0, len(energy) - self._energy.shape[1])
        self._energy = np.pad(self._energy, ((0, 0), (0, more)))
        self._energy[:, : len(energy)] += energy * (self._weights > 0), energy
        expected = float(energy @ squares)
        self._expected += expected
        self._mixed += self._second_mixed
        self.seconds += self._second_seconds
        is_audible = expected > SILENCE_PEAK**2 * self._second_samples * squares.sum()
        if is_audible and self._second_mixed < _CANCELLED_SECOND * expected:
            self.cancelled_seconds += self._second_seconds
        self._begin_second()

    def loudest_if_cancelled(self) -> int | None:
        """Returns the index of the channel to use instead of the mix if the channels cancel each other; else None.

        A channel that the mix leaves out is used only if no other channel holds sound.
        """
        self._end_second()
        mix_is_silent = self._mixed_peak < SILENCE_PEAK <= self._peak
        if self._energy.shape[1] < 2 or not (mix_is_silent or (self._cancel() and not self._is_silent())):
            return None
        energy = self._energy[0] if self._energy[0].any() else self._energy[1]
        # the first of equally loud ones, because rounding differs between a sample and its negative
        return int(np.argmax(energy >= 0.9 * energy.max()))

    def _cancel(self) -> bool:
        return self._mixed < _CANCELLED * self._expected

    def _is_silent(self) -> bool:
        return max(self._peak, self._mixed_peak) < SILENCE_PEAK

    def notes(self) -> tuple[str, ...]:
        """Returns sentences for a listener; none if the mix is as audible as the channels."""
        self._end_second()
        if self._is_silent():
            loudest = f"its loudest sample is {max(self._peak, self._mixed_peak):.2g} of full scale"
            return (f"{SILENT}: {loudest}, below {SILENCE_PEAK:g} (-60 dB). Its tags mean nothing.",)
        if (loudest := self.loudest_if_cancelled()) is not None:
            return (f"{self._what_is_lost()} The loudest is channel {loudest + 1}.",)
        if self.cancelled_seconds >= _SHORTEST_CANCELLED_SECONDS:
            where = f"{self.cancelled_seconds:.0f} s of {self.seconds:.0f} s"
            return (f"The channels cancel each other for about {where}: there the mix is silent, or nearly so.",)
        return ()

    def used_alone(self) -> str:
        """Returns the note for a track if channel `loudest_if_cancelled` was used instead of the mix."""
        return f"{self._what_is_lost()} Channel {self.loudest_if_cancelled() + 1}, the loudest, was used alone."

    def _what_is_lost(self) -> str:
        channels = f"{self._energy.shape[1]} channels"
        if self._cancel():
            return f"The {channels} cancel each other: mixed, they lose most of their sound."
        return f"The mix of the {channels} is silent, although they hold sound."  # for example, sound in LFE alone
