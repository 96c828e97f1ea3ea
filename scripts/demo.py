"""The Python program of scripts/demo. If a song fails, this is reported and the other songs are tagged."""

import sys
from pathlib import Path

import click

from keras_musictag.cli import _options
from keras_musictag.cli.tag import write_table

songs = tuple(sys.argv[1:])
try:
    pictures = _options.output_files(songs, Path("output"), ".taggram.png")
except click.UsageError as error:
    sys.exit(f"Error: {error.message}")

import keras_musictag as kmt

tagger = kmt.load("musicnn")


def process(song):
    taggram = tagger.taggram(song)
    taggram.plot(pictures[song])
    return song, taggram


for song, taggram in _options.each_track(songs, process):
    write_table([(song, taggram.merge(top=10))])
    print(f"The taggram, tag by tag over time: {pictures[song].resolve()}\n")
print(f"To hear a song and watch its scores on a page: {Path(sys.executable).parent / 'keras-musictag'} serve")
