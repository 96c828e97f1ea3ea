/**
 * The colours of the taggram: a ramp whose lightness in OKLab grows in equal steps, so that equal differences of score
 * look equal, in colour and in grey. It starts at the paper of the theme and ends far from it.
 */

const RAMPS = {
  light: { lightness: [0.965, 0.27], chroma: [0.008, 0.115, 0.1], hue: [110, 275] },
  dark: { lightness: [0.21, 0.94], chroma: [0.012, 0.115, 0.12], hue: [285, 105] },
};
const STEPS = 256;

/** @returns {Uint8ClampedArray} STEPS colours as red, green, blue */
export function ramp(theme) {
  const { lightness, chroma, hue } = RAMPS[theme];
  const colours = new Uint8ClampedArray(3 * STEPS);
  for (let step = 0; step < STEPS; step += 1) {
    const t = step / (STEPS - 1);
    const [low, middle, high] = chroma;
    const c = t < 0.5 ? mix(low, middle, 2 * t) : mix(middle, high, 2 * t - 1);
    colours.set(oklchToRgb(mix(...lightness, t), c, mix(...hue, t)), 3 * step);
  }
  return colours;
}

/** Where a score is in the ramp, from 0 to STEPS - 1. */
export function stepOf(score, top) {
  return Math.max(0, Math.min(STEPS - 1, Math.round((score / top) * (STEPS - 1))));
}

function mix(from, to, t) {
  return from + (to - from) * t;
}

// Björn Ottosson, "A perceptual color space for image processing" (2020), with the transfer function of sRGB
function oklchToRgb(lightness, chroma, degrees) {
  const a = chroma * Math.cos((degrees * Math.PI) / 180);
  const b = chroma * Math.sin((degrees * Math.PI) / 180);
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ].map((linear) => 255 * (linear <= 0.0031308 ? 12.92 * linear : 1.055 * linear ** (1 / 2.4) - 0.055));
}
