"""Tags a music file with the model in this folder: python example.py song.mp3

Needs: pip install keras-musictag
"""

import sys
from pathlib import Path

import keras_musictag as kmt

tagger = kmt.load(Path(__file__).parent / "model.keras")
for tag, score in tagger.tag(sys.argv[1]).tags:
    print(f"{score:.4f} {tag}")
