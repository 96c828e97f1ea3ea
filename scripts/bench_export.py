"""Size, speed and difference of every export of every architecture, compared with Keras in the same run.

    python scripts/bench_export.py [--formats onnx,litert] [--precisions float32] [--inputs waveform] [--seconds 4]
                                   [--again] [NAME...]

NAME is an architecture, or anything that `keras_musictag.load` takes; the default is all architectures. An architecture
uses the weights on this machine, if any (bundled, or imported with `keras-musictag zoo import`). Otherwise its weights
are random, with normalisations that fit its input; an export may then exceed its tolerance, and its row says so. Each
export is written, compared and timed in a separate process. The results are kept in `state/bench_export.json` and are
not measured again without `--again`. The tables are written to docs/export_table.md, after its `<!-- tables -->`.

Engine and Keras run in separate processes and take turns. With `--seconds 0`, no speed is measured.
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
PRECISIONS = {  # by format, in the order of the tables; a test compares them with each format's `PRECISIONS`
    "savedmodel": ("float32", "bfloat16", "float16"),
    "litert": ("float32", "float16", "int8"),
    "onnx": ("float32", "float16"),
    "openvino": ("float32", "float16", "bfloat16"),
    "keras": ("float32", "bfloat16", "float16"),
}
WARM_UPS = 2  # calls at the start of each turn
MIN_CALLS = 3
TURN_SECONDS = 0.4
REST_SECONDS = 0.1  # after that time, the threads of the other process have stopped spinning
TIMEOUT_SECONDS = 3600
INPUTS = ("waveform", "log-mel")
WITH_LOG_MEL = ("litert", "onnx", "openvino")  # formats that can take log-mel input
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
    parser.add_argument(
        "--seconds", type=float, default=4.0, help="seconds of turns for each measurement [%(default)s]"
    )
    parser.add_argument("--song", help="music for the comparison with Keras [the demo clip]")
    parser.add_argument("--again", action="store_true", help="measure existing rows again")
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
    """Measures the missing rows, one after another, and then writes the tables."""
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
    """`(format, precision, input)` of each requested export of a network."""
    found = []
    for format in options.formats:
        for precision in PRECISIONS[format]:
            if options.precisions is None or precision in options.precisions:
                inputs = INPUTS if format in WITH_LOG_MEL and has_log_mel(name) else INPUTS[:1]
                found += [(format, precision, input) for input in inputs if input in options.inputs]
    return found


def has_log_mel(name: str) -> bool:
    """Whether a network has a log-mel front end; assumed for other models, whose row then shows an error."""
    if name not in architectures.names():
        return True

    return isinstance(architectures.get(name).FRONTEND, log_mel.Config)


def in_a_process(name: str, format: str, precision: str, input: str, song: str | None, seconds: float) -> dict:
    """Runs `measure` in a process; if that ends early, the row says why."""
    command = [sys.executable, __file__, "--seconds", str(seconds), "--row", name, format, precision, input]
    command += ["--song", song] if song else []
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired:
        return {"refused": f"Its process did not end within {TIMEOUT_SECONDS} s."}
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["It printed no message."])[-1]
        return {"refused": f"Its process ended with code {done.returncode}: {last}"}
    return json.loads(done.stdout.splitlines()[-1])


def measure(name: str, format: str, precision: str, input: str, song: str | None, seconds: float) -> dict:
    """Exports a tagger, and compares its speed with Keras; `{"refused": reason}` if the export fails."""
    from keras_musictag.errors import ExportError
    from keras_musictag.runtimes import export

    tagger, weights = tagger_of(name)
    tolerances = formats.get(format).PRECISIONS
    tolerance = tolerances[precision]
    if weights == "random":  # they magnify rounding more than trained ones: the row marks what would be rejected
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
    """Whether the weights that `load` would take are on this machine; downloads nothing."""
    from keras_musictag.zoo.catalog import cards, entries

    own = cards(name)
    return bool(own) and bool(list(entries()[own[0].name].glob("*.safetensors")))


def random_tagger(name: str):
    """A tagger with random weights, whose normalisations fit the check's signals: its outputs have a usual size."""
    import keras
    import numpy as np

    import keras_musictag as kmt
    from keras_musictag.runtimes.check_signals import signals

    keras.utils.set_random_seed(0)
    tagger = kmt.build(name, tags=[f"tag{i}" for i in range(50)])
    chunks = np.concatenate(list(signals(tagger).values()))  # normalisation would magnify a batch of similar chunks
    norms = [layer for layer in tagger.layers if isinstance(layer, keras.layers.BatchNormalization)]
    for norm in norms:
        norm.momentum = 0.5  # after a few steps, the moving statistics are then those of the batch
    for _ in range(8):
        tagger(chunks, training=True)
    return tagger


# Speed


def speed(tagger, folder: Path, seconds: float) -> dict:
    """Median seconds of an engine and of Keras, which take turns, for a single chunk and for the demo clip."""
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
    """The median of each one's calls. A turn has many calls, because the other's threads spin for a while after it."""
    found, end = {"engine": [], "keras": []}, time.perf_counter() + seconds
    while time.perf_counter() < end or not found["keras"]:
        found["engine"] += turn(engine, signal, min(TURN_SECONDS, seconds))
        found["keras"] += turn(keras_, signal, min(TURN_SECONDS, seconds))
    return {name: statistics.median(durations) for name, durations in found.items()}


def turn(run, signal: str, seconds: float) -> list[float]:
    """Durations of consecutive calls, without the first ones."""
    time.sleep(REST_SECONDS)
    for _ in range(WARM_UPS):
        run(signal)
    durations = []
    while len(durations) < MIN_CALLS or sum(durations) < seconds:
        durations.append(run(signal))
    return durations


def keep_time(folder: str) -> None:
    """The engine's process: reads the name of a signal from each line, and prints how long tagging it took."""
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
    """The samples of the demo clip, and of the part of it that fills one chunk."""
    clip = read(demo_clip(), chunking.sample_rate_hz).samples
    return {"chunk": clip[: chunking.chunk_samples - 2 * chunking.context_samples], "track": clip}


# Table


def write_tables(rows: dict, path: Path) -> None:
    """Writes a summary and one table per network between two marks in a document; the second mark is added if missing.

    Raises:
        SystemExit: If the first mark is missing in the document.
    """
    text = path.read_text("utf-8")
    if BEGIN not in text:
        sys.exit(f"{path} has no line {BEGIN!r}, which marks where to write the tables. Add it.")
    head, _, tail = text.partition(BEGIN)
    tail = tail.partition(END)[2] if END in tail else tail
    names = sorted(set(map(name_of, rows)))
    tables = "\n\n".join([versions(rows), summary(rows), *(table_of(name, rows) for name in names)])
    write_text(path, f"{head}{BEGIN}\n\n{tables}\n\n{END}{tail}")


def versions(rows: dict) -> str:
    """The versions with which the rows were measured."""
    found = {item for row in rows.values() for item in row.get("versions", {}).items()}
    return f"Measured with {', '.join(f'{package} {version}' for package, version in sorted(found))}."


def summary(rows: dict) -> str:
    """One line per kind of export: the number of exported networks, their speed relative to Keras, and differences.

    Only architectures count, not other models that were measured.
    """
    rows = {key: row for key, row in rows.items() if name_of(key) in architectures.names()}
    lines = ["## In short\n", line_of(SUMMARY_COLUMNS), line_of("---" for _ in SUMMARY_COLUMNS)]
    for kind in sorted({kind_of(key) for key in rows}, key=sort_key):
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
    """The network in the key of a row; its name may contain spaces."""
    return key.rsplit(" ", 3)[0]


def kind_of(key: str) -> tuple[str, str, str]:
    """`(format, precision, input)` in the key of a row."""
    return tuple(key.rsplit(" ", 3)[1:])


def sort_key(kind: tuple[str, str, str]) -> tuple[int, int, int]:
    """The sort key of a kind of export: the order in `PRECISIONS` and `INPUTS`."""
    format, precision, input = kind
    return list(PRECISIONS).index(format), INPUTS.index(input), PRECISIONS[format].index(precision)


def table_of(name: str, rows: dict) -> str:
    """The table of a network."""
    keys = sorted((key for key in rows if name_of(key) == name), key=lambda key: sort_key(kind_of(key)))
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
