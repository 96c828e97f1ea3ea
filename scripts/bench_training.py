"""Speed of every architecture's training step, including the front end, and of a matrix product in the same run.

    python scripts/bench_training.py [--batch 16] [--seconds 6] [NAME...]

Prints for float32 and bfloat16: steps per second, arithmetic (three times that of inference: once forward, twice
backward), GFLOP/s, the share of the matrix product's GFLOP/s, and the ratio to the reference. docs/performance.md
contains the output.
"""

import argparse
import functools
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).parent))

import keras
import numpy as np
from bench_inference import beside_products, count_flops, median_seconds

import keras_musictag as kmt
from keras_musictag import architectures

# steps/s of the PyTorch implementations, two threads, batch 16, with a matrix product at 137 GFLOP/s
REFERENCE = {
    "fcn": 0.107,
    "musicnn_2020": 0.237,
    "crnn": 0.073,
    "sample_cnn": 0.268,
    "sample_cnn_se": 0.076,
    "short_chunk_cnn": 0.322,
    "short_chunk_cnn_res": 0.374,
    "self_attention": 0.065,
    "harmonic_cnn": 0.185,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=6.0, help="for each measurement [%(default)s]")
    arguments = parser.parse_args()
    print("| network | precision | GFLOP per step | steps/s | GFLOP/s | of the product | of the reference |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for name in arguments.names or architectures.names():
        for precision in ("float32", "bfloat16"):
            tagger = kmt.build(name, tags=[f"tag{i}" for i in range(50)], precision=precision)
            tagger.compile(optimizer=keras.optimizers.Adam(1e-4), loss="binary_crossentropy")
            random = np.random.default_rng(0)
            waveforms = random.normal(0, 0.1, (arguments.batch, *tagger.input_shape[1:])).astype("float32")
            labels = (random.random((arguments.batch, 50)) < 0.06).astype("float32")
            step = functools.partial(tagger.train_on_batch, waveforms, labels)
            seconds, product, scale = beside_products(precision, lambda s=step: median_seconds(s, arguments.seconds))
            speed = 1 / seconds
            gflop = 3e-9 * arguments.batch * count_flops(tagger)
            ratio = f"{speed / (REFERENCE[name] * scale):.2f}" if name in REFERENCE else ""
            print(
                f"| {name} | {precision} | {gflop:.0f} | {speed:.3f} | {speed * gflop:.0f} | "
                f"{speed * gflop / product:.0%} of {product:.0f} | {ratio} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
