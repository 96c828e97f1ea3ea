"""The Python behind scripts/demo: two calls a song. A song that fails is told, and the rest go on."""

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


def work(song):
    taggram = tagger.taggram(song)
    taggram.plot(pictures[song])
    return song, taggram


for song, taggram in _options.each_track(songs, work):
    write_table([(song, taggram.merge(top=10))])
    print(f"The taggram, tag by tag over time: {pictures[song].resolve()}\n")
