"""`example.py` of an exported folder: a program that tags a file with the folder alone, without this package.

It needs the format's own runtime, NumPy, soundfile and soxr, and nothing else. Each format fills in how its model is
opened and run.
"""

from keras_musictag.runtimes.artefact import Artefact

PROGRAM_START = '''\
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

PROGRAM_END = """
{opening}
scores = np.mean([{run}[0] for chunk in chunks], axis=0)
for index in np.argsort(-scores, kind="stable")[:10]:
    print(f"{{scores[index]:.4f}} {{settings['tags'][index]['name']}}")
"""


def fill_example(artefact: Artefact, package: str, imports: str, opening: str, run: str) -> str:
    """Fills in the program.

    Args:
        artefact: Of the folder.
        package: The runtime's package, to be installed.
        imports: The line that imports it.
        opening: The lines that open the model.
        run: An expression for the scores, (1, tags), of `chunk[None]`.

    Returns:
        Python source.
    """
    lines = ["import numpy as np", "import soundfile", "import soxr", imports]
    head = PROGRAM_START.format(
        packages=f"numpy soundfile soxr {package}",
        imports="\n".join(sorted(lines, key=lambda line: (line.split()[0] == "from", line))),
    )
    return head + (LOG_MEL if artefact.input == "log-mel" else "") + PROGRAM_END.format(opening=opening, run=run)
