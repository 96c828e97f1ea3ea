"""Speed of every architecture on whole chunks, including the front end, and of a matrix product in the same run.

    python scripts/bench_inference.py [--batch 16] [--seconds 4] [NAME...]

Prints for float32 and bfloat16: chunks per second, speed relative to real time, arithmetic of the network (counted from
its layers), GFLOP/s, the share of the matrix product's GFLOP/s, and the ratio to the reference. docs/performance.md
contains the output.
"""

import argparse
import functools
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

import keras_musictag as kmt
from keras_musictag import architectures
from keras_musictag.evaluation.predicting import multiply_adds

# chunks/s of the PyTorch implementations of the 2020 evaluation, two threads, batch 16, including the front end; a
# matrix product of size 2048 ran at 137 GFLOP/s in float32 at the same time
REFERENCE = {
    "fcn": 6.0,
    "musicnn_2020": 26.0,
    "crnn": 4.0,
    "sample_cnn": 13.0,
    "sample_cnn_se": 4.4,
    "short_chunk_cnn": 12.9,
    "short_chunk_cnn_res": 22.0,
    "self_attention": 3.6,
    "harmonic_cnn": 7.8,
}
REFERENCE_PRODUCT = 137.0
PRODUCT_SIZE = 2048


def count_flops(model: keras.Model) -> float:
    """Multiplications and additions of one chunk, front end excluded."""
    return 2.0 * multiply_adds(model)


def matrix_product_gflops(dtype: str, seconds: float) -> float:
    """Speed of a matrix product of size 2048 in this process: the median of several runs."""
    import tensorflow as tf

    a = tf.cast(tf.random.normal((PRODUCT_SIZE, PRODUCT_SIZE)), dtype)
    product = tf.function(lambda: tf.matmul(a, a)[0, 0])
    return 2e-9 * PRODUCT_SIZE**3 / median_seconds(lambda: product().numpy(), seconds)


def beside_products(precision: str, measure) -> tuple[float, float, float]:
    """Calls `measure` between two measurements of the products, because the machine's speed varies.

    Returns:
        The measurement, GFLOP/s of the product in the precision, and the speed of the product in float32 relative to
        the reference machine.
    """
    before = [matrix_product_gflops(dtype, 1.0) for dtype in ("float32", precision)]
    measured = measure()
    after = [matrix_product_gflops(dtype, 1.0) for dtype in ("float32", precision)]
    float32, own = np.mean([before, after], axis=0)
    return measured, float(own), float(float32) / REFERENCE_PRODUCT


def median_seconds(call, seconds: float) -> float:
    """Median duration of a call, after two calls that are not counted."""
    call(), call()
    durations, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end or len(durations) < 3:
        begin = time.perf_counter()
        call()
        durations.append(time.perf_counter() - begin)
    return float(np.median(durations))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=4.0, help="for each measurement [%(default)s]")
    arguments = parser.parse_args()
    print(
        "| network | precision | GFLOP per chunk | chunks/s | real time | GFLOP/s | of the product | of the reference |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for name in arguments.names or architectures.names():
        for precision in ("float32", "bfloat16"):
            tagger = kmt.build(name, tags=[f"tag{i}" for i in range(50)], precision=precision)
            shape = (arguments.batch, *tagger.input_shape[1:])
            batch = np.random.default_rng(0).normal(0, 0.1, shape).astype("float32")
            call = functools.partial(tagger.runner(), batch)
            seconds, product, scale = beside_products(precision, lambda c=call: median_seconds(c, arguments.seconds))
            speed = arguments.batch / seconds
            gflop = 1e-9 * count_flops(tagger)
            ratio = f"{speed / (REFERENCE[name] * scale):.2f}" if name in REFERENCE else ""
            print(
                f"| {name} | {precision} | {gflop:.2f} | {speed:.1f} | {speed * tagger.chunk_seconds:.0f} | "
                f"{speed * gflop:.0f} | {speed * gflop / product:.0%} of {product:.0f} | {ratio} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
