"""`example.py` of an exported folder: tags a file by the folder alone, without this package.

What lies in an exported folder beside the model: settings, tags, an example; the mel matrix where it is needed.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from keras_musictag.files import write_csv, write_text
from keras_musictag.frontends.log_mel import Config
from keras_musictag.layers.filterbanks import mel_matrix
from keras_musictag.runtimes.artefact import Artefact, sha256_of, versions, write_artefact
from keras_musictag.runtimes.engine_tagger import BANDS_FILE
from keras_musictag.runtimes.export_network import INPUT_NAMES, exported_spec, input_shape
from keras_musictag.runtimes.formats.openvino import FRONT_END_FILE
from keras_musictag.tagger import Tagger
from keras_musictag.tags.vocabulary import Vocabulary

FILE_NAME = "example.py"

HEAD = '''\
"""Tags a music file with the model in this folder: python example.py song.wav

Needs: pip install {packages}
"""

import json
import sys
from pathlib import Path

{imports}

folder = Path(__file__).parent
settings = json.loads((folder / "artefact.json").read_text("utf-8"))["model"]
chunking = settings["chunking"]
size, hop, context = (chunking[f"{{part}}_samples"] for part in ("chunk", "hop", "context"))
samples, file_rate = soundfile.read(sys.argv[1], dtype="float32", always_2d=True)
track = np.pad(soxr.resample(samples.mean(axis=1), file_rate, chunking["sample_rate_hz"]), context)  # zeros around it
track = np.pad(track, (0, max(0, size - len(track))))
starts = list(range(0, len(track) - size + 1, hop))
if starts[-1] + size < len(track) - context:
    starts.append(len(track) - size)  # the last chunk ends where the track ends
chunks = [track[start : start + size] for start in starts]
'''

LOG_MEL = """
# the front end: power of each frame's Fourier transform, summed into mel bands, and its logarithm
frontend, bands = settings["frontend"]["config"], np.load(folder / "mel_bands.npy")
window = frontend["window_samples"]
if frontend["padding"] != "none":
    mode = {"reflect": "reflect", "zero": "constant"}[frontend["padding"]]
    chunks = [np.pad(chunk, window // 2, mode=mode) for chunk in chunks]
frames = np.lib.stride_tricks.sliding_window_view(chunks, window, axis=1)[:, :: frontend["hop_samples"]]
hann = np.hanning(window + 1)[:-1].astype("float32")
mels = (np.abs(np.fft.rfft(frames * hann)) ** 2).astype("float32") @ bands
if frontend["compression"] == "decibel":
    chunks = 10 * np.log10(np.maximum(mels, frontend["floor_power"]))[..., None]
else:
    chunks = np.log10(1 + frontend["gain"] * mels)[..., None].astype("float32")
"""

TAIL = """
{opening}
scores = np.mean([{run}[0] for chunk in chunks], axis=0)
for index in np.argsort(-scores, kind="stable")[:10]:
    print(f"{{scores[index]:.4f}} {{settings['tags'][index]['name']}}")
"""

KERAS = '''\
"""Tags a music file with the model in this folder: python example.py song.mp3

Needs: pip install keras-musictag
"""

import sys
from pathlib import Path

import keras_musictag as kmt

tagger = kmt.load(Path(__file__).parent / "model.keras")
for tag, score in tagger.tag(sys.argv[1]).tags:
    print(f"{score:.4f} {tag}")
'''


@dataclass(frozen=True)
class Runtime:
    """What an example does with a format: `{version}`, `{input}` and `{hint}` are filled in.

    Attributes:
        package: To install.
        imports: The line that imports it.
        opening: Opens the model.
        run: An expression that gives the scores (1, tags) of `chunk[None]`.
    """

    package: str
    imports: str
    opening: str
    run: str


RUNTIMES = {
    "savedmodel": Runtime(
        "tensorflow",
        "import tensorflow as tf",
        'run = tf.saved_model.load(str(folder / "{version}")).signatures["serving_default"]',
        'run({input}=tf.constant(chunk[None]))["scores"].numpy()',
    ),
    "litert": Runtime(
        "ai-edge-litert",
        "from ai_edge_litert.interpreter import Interpreter",
        'run = Interpreter(str(folder / "model.tflite")).get_signature_runner()',
        'run({input}=chunk[None])["scores"]',
    ),
    "onnx": Runtime(
        "onnxruntime",
        "import onnxruntime",
        'session = onnxruntime.InferenceSession(str(folder / "model.onnx"), providers=["CPUExecutionProvider"])',
        'session.run(["scores"], {{"{input}": chunk[None]}})[0]',
    ),
    "openvino": Runtime(
        "openvino",
        "import openvino",
        # by itself it would take bfloat16 where the processor has it, and move scores
        'run = openvino.Core().compile_model(folder / "model.xml", "CPU", {{"INFERENCE_PRECISION_HINT": "{hint}"}})',
        'run({{"{input}": chunk[None]}})["scores"]',
    ),
}
IN_TWO_FILES = Runtime(
    "openvino",
    "import openvino",
    """core = openvino.Core()
front_end = core.compile_model(folder / "front_end.xml", "CPU", {{"INFERENCE_PRECISION_HINT": "f32"}})
run = core.compile_model(folder / "model.xml", "CPU", {{"INFERENCE_PRECISION_HINT": "{hint}"}})""",
    'run([front_end([chunk[None]])["features"]])["scores"]',
)


def example(artefact: Artefact) -> str:
    """The program: the format's own runtime, NumPy, soundfile and soxr, and nothing else.

    Args:
        artefact: Of the folder.
    """
    if artefact.format == "keras":
        return KERAS
    runtime = IN_TWO_FILES if FRONT_END_FILE in artefact.files else RUNTIMES[artefact.format]
    lines = ["import numpy as np", "import soundfile", "import soxr", runtime.imports]
    names = {
        "version": next(iter(artefact.files)).partition("/")[0],  # a SavedModel lies in a folder of its own
        "input": INPUT_NAMES[artefact.input],
        "hint": "bf16" if artefact.precision == "bfloat16" else "f32",
    }
    head = HEAD.format(
        packages=f"numpy soundfile soxr {runtime.package}",
        imports="\n".join(sorted(lines, key=lambda line: (line.split()[0] == "from", line))),
    )
    tail = TAIL.format(opening=runtime.opening.format(**names), run=runtime.run.format(**names))
    return head + (LOG_MEL if artefact.input == "log-mel" else "") + tail


TAGS_FILE = "tags.csv"
EXTRA = "assets.extra"  # in a SavedModel: requests to warm up by, which people may remove


def complete_folder(
    tagger: Tagger,
    folder: Path,
    format: str,
    precision: str,
    input: str,
    batch: int | None,
    tolerance: float,
    licences: dict[str, str] | None,
) -> Artefact:
    """Adds to a model's files what makes an exported folder of them.

    Args:
        tagger: That was exported.
        folder: With the model's files and no others.
        format, precision, input, batch, tolerance, licences: See `Artefact`.

    Returns:
        The `Artefact` that was written; it has no checks yet.
    """
    if input == "log-mel":
        np.save(folder / BANDS_FILE, mel_bands(tagger.spec.frontend_config))
    files = {path.relative_to(folder): path for path in sorted(folder.rglob("*")) if path.is_file()}
    # a `.keras` file is the tagger as it was; the other formats end in scores, whatever it ended in
    spec = tagger.spec if format == "keras" else exported_spec(tagger)
    artefact = Artefact(
        name=tagger.name,
        format=format,
        precision=precision,
        input=input,
        input_shape=input_shape(tagger, input),
        batch=batch,
        outputs={
            "scores": (len(tagger.vocabulary),),
            "embedding": tuple(tagger.get_layer(tagger.embedding_layer).output.shape[1:]),
        },
        model=spec.to_dict(),
        files={name.as_posix(): sha256_of(path) for name, path in files.items() if EXTRA not in name.parts},
        checks={},
        tolerance=tolerance,
        licences=dict(licences or {}),
        versions=versions(format),
    )
    write_artefact(artefact, folder)
    write_tags(tagger.vocabulary, folder / TAGS_FILE)
    write_text(folder / FILE_NAME, example(artefact))
    return artefact


def write_tags(vocabulary: Vocabulary, path: Path) -> None:
    """A CSV with a row a tag, in the order of the scores: index, tag, group."""
    rows = ((i, row["name"], row["group"]) for i, row in enumerate(vocabulary.to_list()))
    write_csv(path, ["index", "tag", "group"], rows)


def mel_bands(config: Config) -> np.ndarray:
    """The mel matrix of a front end, float32 (bins, mels)."""
    return mel_matrix(
        config.sample_rate_hz,
        config.window_samples,
        config.num_mels,
        config.fmin_hz,
        config.fmax_hz,
        htk=config.mel_scale == "htk",
        norm=config.mel_norm,
    )
