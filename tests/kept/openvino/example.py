"""Tags a music file with the model in this folder: python example.py song.wav

Needs: pip install numpy soundfile soxr openvino
"""

import json
import sys
from pathlib import Path

import numpy as np
import openvino
import soundfile
import soxr

folder = Path(__file__).parent
settings = json.loads((folder / "artefact.json").read_text("utf-8"))["model"]
chunking = settings["chunking"]
size, hop, context = (chunking[f"{part}_samples"] for part in ("chunk", "hop", "context"))
samples, file_rate = soundfile.read(sys.argv[1], dtype="float32", always_2d=True)
track = np.pad(soxr.resample(samples.mean(axis=1), file_rate, chunking["sample_rate_hz"]), context)  # zeros around it
track = np.pad(track, (0, max(0, size - len(track))))
starts = list(range(0, len(track) - size + 1, hop))
if starts[-1] + size < len(track) - context:
    starts.append(len(track) - size)  # the last chunk ends where the track ends
chunks = [track[start : start + size] for start in starts]

run = openvino.Core().compile_model(folder / "model.xml", "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
scores = np.mean([run({"waveform": chunk[None]})["scores"][0] for chunk in chunks], axis=0)
for index in np.argsort(-scores, kind="stable")[:10]:
    print(f"{scores[index]:.4f} {settings['tags'][index]['name']}")
