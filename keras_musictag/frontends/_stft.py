"""What the spectral front ends share: framing, power and decibels, with Kapre or portable.

Kapre has no centred framing, no power before the filterbank, and clamps decibels to 80 dB below the loudest value of a
chunk. This is why padding and power are layers of this package, and the dynamic range is practically unlimited.
"""

import keras

from keras_musictag.layers.spectrogram import Decibel, PadSamples, Power, PowerSpectrogram

NO_CLAMP_DB = 1e6  # Kapre's `dynamic_range`: reaches far below any floor


def power_spectrogram(waveform, config, implementation: str, prefix: str):
    """Computes the power of the STFT: (batch, samples) -> (batch, frames, bins, 1), float32 under every policy.

    Args:
        waveform: Float tensor (batch, samples).
        config: A config with `window_samples`, `hop_samples` and `padding` ("reflect", "zero" or "none").
        implementation: "kapre" or "portable".
        prefix: Prefix of the layer names.
    """
    if config.padding != "none":
        waveform = PadSamples(config.window_samples // 2, config.padding, dtype="float32", name=f"{prefix}_pad")(
            waveform
        )
    if implementation == "portable":
        return PowerSpectrogram(config.window_samples, config.hop_samples, dtype="float32", name=f"{prefix}_power")(
            waveform
        )
    import kapre  # loads TensorFlow, which the portable implementation does not need

    waveform = keras.layers.Reshape((-1, 1), dtype="float32", name=f"{prefix}_channel")(waveform)
    spectrum = kapre.STFT(
        n_fft=config.window_samples,
        win_length=config.window_samples,
        hop_length=config.hop_samples,
        input_data_format="channels_last",
        output_data_format="channels_last",
        dtype="float32",
        name=f"{prefix}_stft",
    )(waveform)
    return Power(dtype="float32", name=f"{prefix}_power")(spectrum)


def decibel(power, floor_power: float, implementation: str, name: str):
    """Computes 10 log10(max(power, floor_power)) for any shape, float32 under every policy."""
    if implementation == "portable":
        return Decibel(floor_power, dtype="float32", name=name)(power)
    import kapre

    return kapre.MagnitudeToDecibel(amin=floor_power, dynamic_range=NO_CLAMP_DB, dtype="float32", name=name)(power)
