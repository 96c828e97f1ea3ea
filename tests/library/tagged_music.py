"""Music files of every format whose tags can be written, with tags and pictures of a person; made once per process."""

import functools
import io
import os
import struct
import tempfile
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import mutagen
import numpy as np
import taglib
from mutagen.apev2 import APEValue
from mutagen.asf import ASFByteArrayAttribute
from mutagen.flac import Picture
from mutagen.id3 import APIC, PRIV, TIT2, TPE1, TXXX
from mutagen.mp4 import MP4Cover

from keras_musictag.library import Database, FileTags, write_tags

# name -> codec, container, options of the container
ENCODED = {
    "a.mp3": ("libmp3lame", "mp3", {}),
    "b.flac": ("flac", "flac", {}),
    "c.ogg": ("vorbis", "ogg", {}),
    "d.opus": ("libopus", "ogg", {}),
    "e.oga": ("flac", "ogg", {}),
    "f.m4a": ("aac", "ipod", {}),
    "g.m4a": ("alac", "ipod", {"movflags": "faststart"}),  # the tags are before the audio
    "h.wma": ("wmav2", "asf", {}),
    "i.wv": ("wavpack", "wv", {}),
    "j.aiff": ("pcm_s16be", "aiff", {}),
    "k.wav": ("pcm_s16le", "wav", {}),
    "l.tta": ("tta", "tta", {}),
}
NAMES = (*ENCODED, "m.dsf")
TITLE, ARTIST = "Ein Titel", "Künstlerin"
WANTED = FileTags(("Techno", "Drum & Bass"), ("Calm", "Fröhlich"))


@functools.cache
def music(name: str) -> bytes:
    """A file of 2 s with title, artist and a picture, but without genre and mood."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        if name in ENCODED:
            _encode(path, *ENCODED[name])
        else:
            path.write_bytes(_dsf())
        _add_tags(path)
        return path.read_bytes()


@functools.cache
def picture() -> bytes:
    """A PNG image of 40 KB, which does not fit into the padding of a tag."""
    file = io.BytesIO()
    with av.open(file, "w", format="image2pipe") as out:
        stream = out.add_stream("png", rate=1)
        stream.width = stream.height = 120
        stream.pix_fmt = "rgb24"
        noise = np.random.default_rng(1).integers(0, 256, (120, 120, 3), np.uint8)
        for packet in [*stream.encode(av.VideoFrame.from_ndarray(noise, format="rgb24")), *stream.encode(None)]:
            out.mux(packet)
    return file.getvalue()


def make_library(folder: Path, files: dict[str, bytes]) -> Database:
    """Files in `folder/music`, and an open database that has scanned them."""
    (folder / "music").mkdir(parents=True, exist_ok=True)
    database = Database(folder / "library.db", create=True)
    for name, content in files.items():
        path = folder / "music" / name
        path.write_bytes(content)
        remember(database, path)
    return database


def remember(database: Database, path: Path) -> None:
    state = os.stat(path)
    database.put_file(str(path), state.st_size, state.st_mtime_ns, problem="no scores")


def write(database: Database, names: Iterable[str] | None = None, wanted: FileTags = WANTED, **options) -> dict:
    """Writes tags into files of such a library, and returns the reports by name."""
    folder = database.path.parent / "music"
    names = sorted(path.name for path in folder.iterdir()) if names is None else names
    options = {"dry_run": False, **options}
    return {Path(r.path).name: r for r in write_tags(database, [(str(folder / n), wanted) for n in names], **options)}


def taglib_tags(path: Path) -> dict[str, list[str]]:
    """The tags of a file as TagLib reads them, and so do Navidrome and many players: a reader that is not mutagen."""
    with taglib.File(str(path)) as file:
        return {key: sorted(values) for key, values in file.tags.items()}


def ffmpeg_view(path: Path) -> tuple[dict, dict]:
    """A file's tags as FFmpeg reads them, and the bytes of its streams: the audio and the picture."""
    with av.open(str(path)) as container:
        streams = {stream.index: b"" for stream in container.streams}
        for packet in container.demux():
            streams[packet.stream.index] += bytes(packet)
        tags = {**container.metadata, **container.streams.audio[0].metadata}
        return {key.lower(): value for key, value in tags.items()}, streams


def _encode(path: Path, codec: str, container: str, options: dict) -> None:
    rate = 48000 if codec == "libopus" else 44100
    layout = "stereo" if codec == "vorbis" else "mono"  # FFmpeg's own encoder has nothing else
    samples = np.random.default_rng(0).normal(0, 0.05, (1, 2 * rate * (2 if layout == "stereo" else 1)))
    with av.open(str(path), "w", format=container, container_options=options) as out:
        stream = out.add_stream(codec, rate=rate, layout=layout, options={"strict": "experimental"})
        stream.bit_rate = 64000
        context = stream.codec_context
        context.open()
        shaper = av.AudioResampler(context.format.name, layout, rate, frame_size=context.frame_size or 1024)
        frame = av.AudioFrame.from_ndarray(samples.astype(np.float32), format="flt", layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
        for piece in [*shaper.resample(frame), *shaper.resample(None)]:
            out.mux(stream.encode(piece))
        out.mux(stream.encode(None))


def _dsf() -> bytes:
    data = np.random.default_rng(0).bytes(4096 * 20)
    form = struct.pack("<4sQIIIIIIQII", b"fmt ", 52, 1, 0, 1, 1, 2822400, 1, len(data) * 8, 4096, 0)
    head = struct.pack("<4sQQQ", b"DSD ", 28, 92 + len(data), 0)
    return head + form + struct.pack("<4sQ", b"data", 12 + len(data)) + data


def _add_tags(path: Path) -> None:
    file = mutagen.File(path)
    if file.tags is None:
        file.add_tags()
    kind = type(file).__name__
    if kind in ("MP3", "AIFF", "WAVE", "TrueAudio", "DSF"):
        texts = {"encoding": 3}
        file.tags.add(TIT2(text=TITLE, **texts))
        file.tags.add(TPE1(text=ARTIST, **texts))
        file.tags.add(TXXX(desc="MOODY", text="not ours", **texts))
        file.tags.add(PRIV(owner="someone", data=bytes(range(256))))
        file.tags.add(APIC(encoding=3, mime="image/png", type=3, desc="", data=picture()))
    elif kind == "MP4":
        file.tags.update({"\xa9nam": [TITLE], "\xa9ART": [ARTIST], "cpil": True, "trkn": [(3, 9)]})
        file.tags["covr"] = [MP4Cover(picture(), MP4Cover.FORMAT_PNG)]
    elif kind == "ASF":
        file.tags["Title"], file.tags["Author"] = [TITLE], [ARTIST]
        head = struct.pack("<BI", 3, len(picture())) + "image/png\0\0".encode("utf-16-le")
        file.tags["WM/Picture"] = [ASFByteArrayAttribute(head + picture())]
    elif kind == "WavPack":
        file.tags["Title"], file.tags["Artist"] = TITLE, ARTIST
        file.tags["Cover Art (Front)"] = APEValue(b"cover.png\0" + picture(), 1)
    else:
        file.tags["TITLE"], file.tags["ARTIST"] = [TITLE], [ARTIST]
        image = Picture()
        image.type, image.mime, image.data = 3, "image/png", picture()
        if kind == "FLAC":
            file.add_picture(image)
        else:
            import base64

            file.tags["METADATA_BLOCK_PICTURE"] = [base64.b64encode(image.write()).decode()]
    file.save()
