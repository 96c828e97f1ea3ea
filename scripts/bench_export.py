"""Size, speed and difference of every export of every architecture, beside Keras in the same minutes.

    python scripts/bench_export.py [--formats onnx,litert] [--precisions float32] [--inputs waveform] [--seconds 4]
                                   [--again] [NAME...]

NAME is an architecture, or whatever `keras_musictag.load` takes; all architectures by default. An architecture with
weights on this machine has these (bundled, or `keras-musictag zoo import`ed); another has random ones, with
normalisations that fit what it hears: then an export may exceed its tolerance, and its row says so. Each export is
written, compared and timed by a process of its own. What it found is kept in `state/bench_export.json`: what is there
is not measured again without `--again`. The tables go into docs/export_table.md, behind its `<!-- tables -->`.

Engine and Keras each run in a process of their own and take turns. `--seconds 0` measures no speed.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from keras_musictag import architectures, demo_clip
from keras_musictag.audio import read
from keras_musictag.files import write_json, write_text
from keras_musictag.frontends import log_mel
from keras_musictag.runtimes import formats

ROOT = Path(__file__).parents[1]
STATE = ROOT / "state" / "bench_export.json"
TABLE = ROOT / "docs" / "export_table.md"
BEGIN, END = "<!-- tables -->", "<!-- end of tables -->"
PRECISIONS = {  # by format, as each module's `PRECISIONS` has them; a test compares
    "savedmodel": ("float32", "bfloat16", "float16"),
    "litert": ("float32", "float16", "int8"),
    "onnx": ("float32", "float16"),
    "openvino": ("float32", "float16", "bfloat16"),
    "keras": ("float32", "bfloat16", "float16"),
}
WARM_UPS = 2  # calls at the begin of each turn
MIN_CALLS = 3
TURN_SECONDS = 0.4
REST_SECONDS = 0.1  # after which the threads of the one before wait no more by spinning
TIMEOUT_SECONDS = 3600
INPUTS = ("waveform", "log-mel")
WITH_LOG_MEL = ("litert", "onnx", "openvino")  # formats that take it
COLUMNS = (
    "format",
    "precision",
    "input",
    "batch",
    "MB",
    "difference on music",
    "largest difference",
    "one chunk, ms",
    "of Keras's speed",
    "29 s, ms",
    "of Keras's speed",
)


SUMMARY_COLUMNS = (
    "format",
    "precision",
    "input",
    "networks exported",
    "one chunk, of Keras's speed",
    "29 s, of Keras's speed",
    "largest difference, released weights",
    "random weights",
)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--formats", type=lambda text: text.split(","), default=formats.names())
    parser.add_argument("--precisions", type=lambda text: text.split(","))
    parser.add_argument("--inputs", type=lambda text: text.split(","), default=list(INPUTS))
    parser.add_argument("--seconds", type=float, default=4.0, help="of turns for each measurement [%(default)s]")
    parser.add_argument("--song", help="the check's music [the demo clip]")
    parser.add_argument("--again", action="store_true", help="measure what is there, too")
    parser.add_argument("--state", type=Path, default=STATE)
    parser.add_argument("--table", type=Path, default=TABLE)
    parser.add_argument("--row", nargs=4, help=argparse.SUPPRESS)
    parser.add_argument("--clock", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.row:
        print(json.dumps(measure(*options.row, options.song, options.seconds)))
    elif options.clock:
        keep_time(options.clock)
    else:
        run(options)


def run(options) -> None:
    """Measures what lacks, one row after another, and then writes the tables."""
    rows = json.loads(options.state.read_text("utf-8")) if options.state.is_file() else {}
    for name in options.names or architectures.names():
        for artefact in artefacts(name, options):
            key = " ".join((name, *artefact))
            if key in rows and not options.again:
                continue
            rows[key] = in_a_process(name, *artefact, options.song, options.seconds)
            print(f"{name} {rows[key].get('weights', '')}: {row_of(key, rows[key])}", flush=True)
            options.state.parent.mkdir(parents=True, exist_ok=True)
            write_json(options.state, rows)
    write_tables(rows, options.table)


def artefacts(name: str, options) -> list[tuple[str, str, str]]:
    """`(format, precision, input)` of each export of a network that is asked for."""
    found = []
    for format in options.formats:
        for precision in PRECISIONS[format]:
            if options.precisions is None or precision in options.precisions:
                inputs = INPUTS if format in WITH_LOG_MEL and has_log_mel(name) else INPUTS[:1]
                found += [(format, precision, input) for input in inputs if input in options.inputs]
    return found


def has_log_mel(name: str) -> bool:
    """Whether a network has a log-mel front end; so has whatever is no architecture, until its row says otherwise."""
    if name not in architectures.names():
        return True

    return isinstance(architectures.get(name).FRONTEND, log_mel.Config)


def in_a_process(name: str, format: str, precision: str, input: str, song: str | None, seconds: float) -> dict:
    """`measure`, whose process may end early: then the row says why."""
    command = [sys.executable, __file__, "--seconds", str(seconds), "--row", name, format, precision, input]
    command += ["--song", song] if song else []
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired:
        return {"refused": f"It did not end within {TIMEOUT_SECONDS} s."}
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["It said nothing."])[-1]
        return {"refused": f"Its process ended with code {done.returncode}: {last}"}
    return json.loads(done.stdout.splitlines()[-1])


def measure(name: str, format: str, precision: str, input: str, song: str | None, seconds: float) -> dict:
    """Exports a tagger, and times it against Keras. Where that fails, `{"refused": why}`."""
    from keras_musictag.errors import ExportError
    from keras_musictag.runtimes import export

    tagger, weights = tagger_of(name)
    tolerances = formats.get(format).PRECISIONS
    tolerance = tolerances[precision]
    if weights == "random":  # which magnify rounding as no trained ones do: the row marks what would be refused
        tolerances[precision] = 1.0
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "exported"
        try:
            artefact = export(tagger, format, folder, precision, input, audio=song)
        except ExportError as error:
            return {"weights": weights, "refused": str(error)}
        found = {
            "weights": weights,
            "batch": artefact.batch,
            "bytes": sum((folder / file).stat().st_size for file in artefact.files),
            "checks": artefact.checks,
            "tolerance": tolerance,
            "versions": artefact.versions,
        }
        return found | (speed(tagger, folder, seconds) if seconds > 0 else {})


def tagger_of(name: str):
    """`(tagger, "released", "random" or "its own")`."""
    import keras_musictag as kmt

    if name not in architectures.names():
        return kmt.load(name), "its own"
    return (kmt.load(name), "released") if has_weights(name) else (random_tagger(name), "random")


def has_weights(name: str) -> bool:
    """Whether the weights that `load` would take lie on this machine: nothing is downloaded."""
    from keras_musictag.zoo.catalog import cards, entries

    own = cards(name)
    return bool(own) and bool(list(entries()[own[0].name].glob("*.safetensors")))


def random_tagger(name: str):
    """Random weights, whose normalisations fit what the check hears: features and scores are of a usual size."""
    import keras
    import numpy as np

    import keras_musictag as kmt
    from keras_musictag.runtimes.check_signals import signals

    keras.utils.set_random_seed(0)
    tagger = kmt.build(name, tags=[f"tag{i}" for i in range(50)])
    chunks = np.concatenate(list(signals(tagger).values()))  # a batch too alike would be blown up by its normalisation
    norms = [layer for layer in tagger.layers if isinstance(layer, keras.layers.BatchNormalization)]
    for norm in norms:
        norm.momentum = 0.5  # the moving statistics of a few steps are then those of the batch
    for _ in range(8):
        tagger(chunks, training=True)
    return tagger


# Speed


def speed(tagger, folder: Path, seconds: float) -> dict:
    """Median seconds of an engine and of Keras, which take turns: of a single chunk, and of the demo clip."""
    command = [sys.executable, __file__, "--clock", str(folder)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as clock:

        def engine(signal):
            clock.stdin.write(f"{signal}\n")
            clock.stdin.flush()
            line = clock.stdout.readline()
            return float(line) if line else sys.exit("The engine's process ended while it was timed.")

        audio = signals_of(tagger.spec.chunking)
        found = {s: take_turns(engine, lambda signal: duration(tagger, audio[signal]), s, seconds) for s in audio}
        clock.stdin.close()
    return {"seconds": found}


def take_turns(engine, keras_, signal: str, seconds: float) -> dict:
    """The median of each one's calls. A turn is many calls: between single ones the other's threads still spin."""
    found, end = {"engine": [], "keras": []}, time.perf_counter() + seconds
    while time.perf_counter() < end or not found["keras"]:
        found["engine"] += turn(engine, signal, min(TURN_SECONDS, seconds))
        found["keras"] += turn(keras_, signal, min(TURN_SECONDS, seconds))
    return {name: statistics.median(durations) for name, durations in found.items()}


def turn(run, signal: str, seconds: float) -> list[float]:
    """Durations of calls in a row, but for the first ones."""
    time.sleep(REST_SECONDS)
    for _ in range(WARM_UPS):
        run(signal)
    durations = []
    while len(durations) < MIN_CALLS or sum(durations) < seconds:
        durations.append(run(signal))
    return durations


def keep_time(folder: str) -> None:
    """The engine's process: reads the name of a signal from each line, and prints how long it took."""
    from keras_musictag.runtimes import EngineTagger

    tagger = EngineTagger(folder)
    audio = signals_of(tagger.artefact.chunking)
    for line in sys.stdin:
        print(duration(tagger, audio[line.strip()]), flush=True)


def duration(tagger, samples) -> float:
    begin = time.perf_counter()
    tagger.taggram(samples, sample_rate=tagger.sample_rate)
    return time.perf_counter() - begin


def signals_of(chunking) -> dict:
    """The demo clip, decoded, and as much of it as fills one chunk."""
    clip = read(demo_clip(), chunking.sample_rate_hz).samples
    return {"chunk": clip[: chunking.chunk_samples - 2 * chunking.context_samples], "track": clip}


# Table


def write_tables(rows: dict, path: Path) -> None:
    """Puts a summary and a table for each network between two marks of a document; the second is written if it lacks.

    Raises:
        SystemExit: If the document has not the first mark.
    """
    text = path.read_text("utf-8")
    if BEGIN not in text:
        sys.exit(f"{path} has no line {BEGIN!r}, behind which the tables would go.")
    head, _, tail = text.partition(BEGIN)
    tail = tail.partition(END)[2] if END in tail else tail
    names = sorted(set(map(name_of, rows)))
    tables = "\n\n".join([versions(rows), summary(rows), *(table_of(name, rows) for name in names)])
    write_text(path, f"{head}{BEGIN}\n\n{tables}\n\n{END}{tail}")


def versions(rows: dict) -> str:
    """What the rows were measured with."""
    found = {item for row in rows.values() for item in row.get("versions", {}).items()}
    return f"Measured with {', '.join(f'{package} {version}' for package, version in sorted(found))}."


def summary(rows: dict) -> str:
    """A line for each kind of export: how many networks are exported, their speed in Keras's, and their differences.

    Architectures count, and nothing else that may have been measured, such as a tagger of one's own.
    """
    rows = {key: row for key, row in rows.items() if name_of(key) in architectures.names()}
    lines = ["## In short\n", line_of(SUMMARY_COLUMNS), line_of("---" for _ in SUMMARY_COLUMNS)]
    for kind in sorted({kind_of(key) for key in rows}, key=place):
        of_kind = [row for key, row in rows.items() if kind_of(key) == kind]
        there = [row for row in of_kind if "refused" not in row]
        cells = [*kind, f"{len(there)} of {len(of_kind)}"]
        for signal in ("chunk", "track"):
            times = [row["seconds"][signal] for row in there if "seconds" in row]
            speeds = sorted(time["keras"] / time["engine"] for time in times)
            cells += [f"{statistics.median(speeds):.2f} ({speeds[0]:.2f} to {speeds[-1]:.2f})" if speeds else ""]
        for weights in ("released", "random"):
            worst = [max(row["checks"].values()) for row in there if row["weights"] == weights]
            cells += [f"{max(worst):.0e}" if worst else ""]
        lines.append(line_of(cells))
    return "\n".join(lines)


def name_of(key: str) -> str:
    """The network of the key of a row, whose name may hold blanks."""
    return key.rsplit(" ", 3)[0]


def kind_of(key: str) -> tuple[str, str, str]:
    """`(format, precision, input)` of the key of a row."""
    return tuple(key.rsplit(" ", 3)[1:])


def place(kind: tuple[str, str, str]) -> tuple[int, int, int]:
    """Where a kind of export stands: as they are listed above."""
    format, precision, input = kind
    return list(PRECISIONS).index(format), INPUTS.index(input), PRECISIONS[format].index(precision)


def table_of(name: str, rows: dict) -> str:
    """The rows of a network."""
    keys = sorted((key for key in rows if name_of(key) == name), key=lambda key: place(kind_of(key)))
    weights = next((rows[key]["weights"] for key in keys if "weights" in rows[key]), "no")
    lines = [f"## {name} ({weights} weights)\n", line_of(COLUMNS), line_of("---" for _ in COLUMNS)]
    return "\n".join(lines + [row_of(key, rows[key]) for key in keys])


def row_of(key: str, row: dict) -> str:
    cells = list(kind_of(key))
    if "refused" in row:
        reason = re.sub(r"\s+", " ", row["refused"]).replace("|", "\\|")
        return line_of([*cells, f"refused: {reason}", *[""] * (len(COLUMNS) - len(cells) - 1)])
    checks = row["checks"]
    cells += [str(row["batch"] or "any"), f"{row['bytes'] / 1e6:.1f}", f"{checks['music']:.0e}"]
    worst = max(checks.values())
    cells += [f"{worst:.0e}{' (too large)' if worst > row['tolerance'] else ''}"]
    for signal in ("chunk", "track"):
        times = row.get("seconds", {}).get(signal)
        cells += [f"{1e3 * times['engine']:.1f}", f"{times['keras'] / times['engine']:.2f}"] if times else ["", ""]
    return line_of(cells)


def line_of(cells) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
