"""A scanned music library with odd names: two recordings, a copy, the demo clip, silence, and a file without music."""

import os
import shutil
from pathlib import Path

import mutagen
import numpy as np
import soundfile

from keras_musictag import demo_clip
from keras_musictag.library import Database, scan
from tests.library.music_folder import write_music

MODEL = "vgg-mtat-v1"


def scan_music(folder: Path) -> Path:
    """Writes `music` and scans it into `library.db`."""
    music = folder / "music"
    (music / "deep" / "er" / "est").mkdir(parents=True)
    shutil.copy(demo_clip(), music / "demo.mp3")
    write_music(music / "tagged.flac", 4.0, 1)
    labels = mutagen.File(music / "tagged.flac")
    labels.update({"title": "<b>Nö\n1</b>", "artist": "The Band", "date": "1999"})
    labels.save()
    shutil.copy(music / "tagged.flac", music / "deep" / "copy.flac")
    write_music(music / "deep" / "er" / "est" / "noise.ogg", 4.0, 2)
    os.rename(music / "deep" / "er" / "est" / "noise.ogg", music / "deep" / "er" / "est" / os.fsdecode(b"\xff\n.ogg"))
    soundfile.write(music / "silence.wav", np.zeros(64000, np.int16), 16000)
    (music / "text.mp3").write_text("words")
    with Database(folder / "library.db", create=True) as database:
        scan([music], database, [MODEL], jobs=1)
    return folder
