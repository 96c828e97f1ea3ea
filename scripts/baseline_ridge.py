"""Evaluates ridge regression on log-mel statistics, a baseline for any network, on a folder of records.

    python scripts/baseline_ridge.py RECORDS OUT

Writes OUT as `keras-musictag evaluate` does, for `keras-musictag compare`. Needs the extra `baseline`.
"""

import argparse

from keras_musictag.evaluation import ridge_predictions, write_run
from keras_musictag.records import Records


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("records")
    parser.add_argument("out")
    arguments = parser.parse_args()
    test, valid = ridge_predictions(Records(arguments.records))
    report = write_run(arguments.out, test, valid)
    for metric, measured in report.group().metrics.items():
        value, low, high = measured.macro
        print(f"{metric:18} {value:.4f} ({low:.4f} to {high:.4f})")


if __name__ == "__main__":
    main()
