"""The Python behind scripts/demo: two calls a song."""

import sys
from pathlib import Path

import keras_musictag as kmt
from keras_musictag.cli.tag import write_table

tagger = kmt.load("musicnn")
out = Path("output")
out.mkdir(exist_ok=True)
for song in sys.argv[1:]:
    taggram = tagger.taggram(song)
    write_table([(song, taggram.merge(top=10))])
    picture = out / f"{Path(song).stem}.taggram.png"
    taggram.plot(picture)
    print(f"The taggram, tag by tag over time: {picture.resolve()}\n")
