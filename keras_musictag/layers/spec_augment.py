"""SpecAugment: masks over time and over mel bands, during training only."""

from numbers import Integral, Real

import keras


@keras.saving.register_keras_serializable(package="keras_musictag")
class SpecAugment(keras.layers.Layer):
    """Hides stretches of time and of mel bands: (batch, frames, mels, channels) -> the same shape.

    Every example has its own masks. The width of a mask is drawn uniformly from 0 to the maximum, and its position
    uniformly from those where it fits completely. Masks may overlap, and cover all channels. In inference the layer
    returns its input.

    Source: Park et al., "SpecAugment: A simple data augmentation method for automatic speech recognition",
    Interspeech 2019. The defaults are its policy "LB": 27 bands of 80, and 1 s, which is 62 frames of 16 ms here.
    Differs from its source: no time warping, which the source found least important. Kapre has such a layer for
    TensorFlow; this one runs on every backend.

    Args:
        num_time_masks: Number of masks over time.
        max_time_frames: Largest width of a mask over time, in frames.
        num_mel_masks: Number of masks over mel bands.
        max_mel_bands: Largest width of a mask over mel bands.
        mask_value: Value inside the masks, in the units of the input (such as dB); None for the mean of the example.
        seed: Seed of the masks; None for one that Keras draws (`keras.utils.set_random_seed` determines it).

    Example:
        >>> import keras, numpy as np
        >>> layer = SpecAugment(num_time_masks=1, num_mel_masks=0, mask_value=0.0, seed=0)
        >>> features = np.ones((4, 187, 96, 1), np.float32)
        >>> bool(keras.ops.all(layer(features) == 1)), bool(keras.ops.all(layer(features, training=True) == 1))
        (True, False)
    """

    def __init__(
        self,
        num_time_masks: int = 1,
        max_time_frames: int = 62,
        num_mel_masks: int = 1,
        max_mel_bands: int = 27,
        mask_value: float | None = None,
        seed: int | None = None,
        name: str = "spec_augment",
        **kwargs,
    ):
        super().__init__(name=name, autocast=False, **kwargs)  # a mixed policy must not round the features
        self.num_time_masks = _whole(num_time_masks, "num_time_masks")
        self.max_time_frames = _whole(max_time_frames, "max_time_frames")
        self.num_mel_masks = _whole(num_mel_masks, "num_mel_masks")
        self.max_mel_bands = _whole(max_mel_bands, "max_mel_bands")
        if not (mask_value is None or isinstance(mask_value, Real)):
            raise TypeError(f"`mask_value` must be a number, or None for the mean. Received: {mask_value!r}.")
        self.mask_value = mask_value
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def build(self, input_shape):
        if len(input_shape) != 4:
            raise ValueError(
                "SpecAugment needs features of a spectral front end, shape (batch, frames, mels, channels). Received: "
                f"shape {tuple(input_shape)}, as from the waveform front end. To deform the waveform instead, see "
                "keras_musictag.audio.deform."
            )

    def call(self, x, training=False):
        if not training:
            return x
        ops = keras.ops
        time = self._hidden(x, 1, self.num_time_masks, self.max_time_frames)  # (batch, frames)
        mels = self._hidden(x, 2, self.num_mel_masks, self.max_mel_bands)  # (batch, mels)
        hidden = ops.logical_or(time[:, :, None, None], mels[:, None, :, None])
        if self.mask_value is None:
            value = ops.mean(ops.cast(x, "float32"), axis=(1, 2, 3), keepdims=True)
            value = ops.cast(ops.stop_gradient(value), x.dtype)  # nothing is learnt from masked values
        else:
            value = ops.cast(self.mask_value, x.dtype)
        return ops.where(hidden, value, x)

    def _hidden(self, x, axis: int, num_masks: int, widest: int):
        """Draws masks along an axis: bool (batch, size of the axis), True inside a mask."""
        ops = keras.ops
        batch, size = ops.shape(x)[0], ops.shape(x)[axis]
        draws = keras.random.uniform((2, batch, num_masks, 1), dtype="float32", seed=self.seed_generator)
        size_float = ops.cast(size, "float32")
        width = ops.floor(draws[0] * (ops.minimum(float(widest), size_float) + 1))
        start = ops.floor(draws[1] * (size_float - width + 1))
        position = ops.cast(ops.arange(size), "float32")  # float32 is exact up to 16 million frames
        return ops.any(ops.logical_and(position >= start, position < start + width), axis=1)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "num_time_masks": self.num_time_masks,
            "max_time_frames": self.max_time_frames,
            "num_mel_masks": self.num_mel_masks,
            "max_mel_bands": self.max_mel_bands,
            "mask_value": self.mask_value,
            "seed": self.seed,
        }


def _whole(number: int, name: str) -> int:
    if not isinstance(number, Integral) or isinstance(number, bool) or number < 0:
        raise ValueError(f"`{name}` must be a whole number, 0 or above. Received: {number!r}.")
    return int(number)
