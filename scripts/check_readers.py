"""Compares what `audio.read` decodes with sox, flac, mpg123, opusdec and oggdec, which share no code with FFmpeg.

    python scripts/check_readers.py

Needs the programs of the Debian packages sox, flac, mpg123, opus-tools and vorbis-tools. Each file is generated, read
by `audio.read` and by each program that supports it, and compared sample by sample after the mean over the channels.
The table is written to docs/reliability.md, below `<!-- readers -->`. If a program differs, libsndfile decides: the
column `other reader alone` counts the files where libsndfile agrees with us. The exit code is 1 if any file gives other
samples without a note.
"""

import io
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import av
import numpy as np
import soundfile

from keras_musictag.audio import read
from keras_musictag.errors import AudioError

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # for the encoder of the tests

from tests.audio.audio_files import encode

PAGE = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- readers -->", "<!-- end of readers -->"
LAYOUTS = {1: "mono", 2: "stereo", 3: "3.0", 4: "quad", 5: "5.0", 6: "5.1", 8: "7.1"}
COMMANDS = {  # each writes float or 16-bit samples, as a WAV or raw, to its standard output
    "sox": ["sox", "-V1", "{}", "-t", "wav", "-e", "float", "-b", "32", "-"],
    "flac": ["flac", "-s", "-d", "-c", "{}"],
    "flac --ogg": ["flac", "--ogg", "-s", "-d", "-c", "{}"],
    "mpg123": ["mpg123", "-q", "-e", "f32", "-w", "-", "{}"],
    "opusdec": ["opusdec", "--quiet", "--rate", "48000", "--float", "--force-wav", "{}", "-"],
    "oggdec": ["oggdec", "-Q", "-b", "16", "-o", "-", "{}"],
}
# The largest difference that rounding explains: in the format, or in the program's 16-bit output.
TOLERANCES = {"sox": 2e-4, "flac": 1e-6, "flac --ogg": 1e-6, "mpg123": 2e-4, "opusdec": 2e-3, "oggdec": 1e-4}
ADPCM = 0.05  # 4 bits per sample: each decoder rounds and clips differently
MOST_APART = 2 * 1152  # readers may keep this many samples of an encoder's padding


@dataclass
class Row:
    """Outcomes of the files of one kind with one reader."""

    equal: int = 0
    rejected: int = 0
    noted: int = 0
    other_cannot: int = 0
    other_alone: int = 0
    difference: float = 0.0
    samples_apart: int = 0
    different: list[str] = field(default_factory=list)


def tones(channels: int, rate_hz: int, seconds=1.5) -> np.ndarray:
    """Float32 (samples, channels), a tone and some noise; more than two channels are all equal."""
    rng = np.random.default_rng(channels)
    at = np.arange(int(rate_hz * seconds)) / rate_hz
    columns = [0.3 * np.sin(2 * np.pi * freq * at) + 0.01 * rng.standard_normal(len(at)) for freq in (311, 557)]
    return np.stack(columns[:channels] if channels <= 2 else columns[:1] * channels, axis=1).astype(np.float32)


def files() -> Iterator[tuple[str, tuple[str, ...], str, bytes]]:
    """Yields kind, readers, case and content."""
    for name, readers in (
        *((name, ("sox",)) for name in ("WAV", "WAVEX", "RF64", "AIFF", "AU", "CAF", "W64")),
        ("FLAC", ("flac", "sox")),
        ("OGG", ("oggdec", "opusdec", "sox")),
    ):
        for subtype in soundfile.available_subtypes(name):
            rates_hz = (48000,) if subtype == "OPUS" else (8000, 44100, 96000)
            for rate_hz, channels, endian in (
                (r, c, e) for r in rates_hz for c in (1, 2, 6) for e in ("LITTLE", "BIG", "FILE")
            ):
                file = io.BytesIO()
                try:
                    soundfile.write(file, tones(channels, rate_hz), rate_hz, subtype, endian, name)
                except (soundfile.LibsndfileError, ValueError):
                    continue
                kept = {"OPUS": ("opusdec",), "VORBIS": ("oggdec", "sox")}.get(subtype, readers)
                yield f"{name} by libsndfile", kept, f"{subtype} {endian} {rate_hz} Hz {channels}", file.getvalue()
    for kind, codec, container, readers, rates_hz in (
        ("MP3 by LAME", "libmp3lame", "mp3", ("mpg123",), (8000, 11025, 16000, 22050, 32000, 44100, 48000)),
        ("MP2 by FFmpeg", "mp2", "mp2", ("mpg123",), (16000, 22050, 32000, 44100, 48000)),
        ("Opus by libopus", "libopus", "ogg", ("opusdec",), (8000, 16000, 48000)),
        ("FLAC by FFmpeg", "flac", "flac", ("flac",), (8000, 44100, 96000, 192000)),
        ("FLAC in Ogg by FFmpeg", "flac", "ogg", ("flac --ogg",), (8000, 44100, 96000)),
        ("WAV by FFmpeg", "pcm_s24le", "wav", ("sox",), (8000, 44100, 192000)),
        ("AIFF by FFmpeg", "pcm_s24be", "aiff", ("sox",), (8000, 44100, 192000)),
        ("WAV by FFmpeg", "pcm_f64le", "wav", ("sox",), (8000, 44100, 192000)),
        ("CAF by FFmpeg", "pcm_s16be", "caf", ("sox",), (8000, 44100, 192000)),
        ("Vorbis by FFmpeg", "vorbis", "ogg", ("oggdec",), (22050, 44100, 48000)),
    ):
        for rate_hz in rates_hz:
            for channels, layout in LAYOUTS.items():
                try:
                    data = encode(tones(channels, rate_hz), codec, container, rate_hz, layout)
                except (av.FFmpegError, ValueError):
                    continue
                yield kind, readers, f"{codec} {rate_hz} Hz {layout}", data
                if container == "mp3":
                    tag = b"ID3\3\0\0\0\0\0\x40" + bytes(64)
                    yield f"{kind}, two tags", readers, f"{rate_hz} Hz {layout}", tag + tag + data


def samples_of_other(reader: str, path: Path) -> np.ndarray | None:
    """Float64 (samples,), the mean of the channels; None if the program cannot read the file."""
    done = subprocess.run([part.format(path) for part in COMMANDS[reader]], capture_output=True)
    wav = bytearray(done.stdout)
    if done.returncode or len(wav) < 100 or wav[:4] != b"RIFF":
        return None
    at = wav.index(b"data")
    wav[at + 4 : at + 8] = (len(wav) - at - 8).to_bytes(
        4, "little"
    )  # the program could not know the length, as it wrote to a pipe
    wav[4:8] = (len(wav) - 8).to_bytes(4, "little")
    return soundfile.read(io.BytesIO(bytes(wav)), always_2d=True)[0].mean(axis=1)


def difference_and_excess(expected: np.ndarray, samples: np.ndarray) -> tuple[float, int]:
    """The largest difference between two (samples,), and the difference of their lengths."""
    shared = min(len(expected), len(samples))
    return float(np.abs(expected[:shared] - samples[:shared]).max()), abs(len(expected) - len(samples))


def libsndfile_agrees_with_us(path: Path, samples: np.ndarray, limit: float) -> bool:
    try:
        expected = soundfile.read(path, always_2d=True)[0].mean(axis=1)
    except soundfile.LibsndfileError:
        return False
    difference, apart = difference_and_excess(expected, samples)
    return difference <= limit and apart <= MOST_APART


def compare(row: Row, reader: str, case: str, path: Path) -> None:
    expected = samples_of_other(reader, path)
    try:
        audio = read(path)
    except AudioError:
        row.rejected += 1
        return
    if audio.notes:
        row.noted += 1
    elif expected is None:
        row.other_cannot += 1
    else:
        limit = ADPCM if "ADPCM" in case else TOLERANCES[reader]
        difference, apart = difference_and_excess(expected, audio.samples)
        if difference > limit or apart > MOST_APART:
            if libsndfile_agrees_with_us(path, audio.samples, limit):
                row.other_alone += 1
                return
            row.different.append(f"{case}: {difference:.2g}, {apart} samples apart")
        else:
            row.equal += 1
            row.difference, row.samples_apart = max(row.difference, difference), max(row.samples_apart, apart)


def main() -> int:
    rows: dict[tuple[str, str], Row] = {}
    with tempfile.TemporaryDirectory() as folder:
        for kind, readers, case, data in files():
            # sox recognises formats by the file's extension
            path = Path(folder) / f"file.{kind.split()[0].lower().replace('wavex', 'wav').replace('rf64', 'wav')}"
            path.write_bytes(data)
            for reader in readers:
                compare(rows.setdefault((kind, reader), Row()), reader, case, path)
    lines = [
        "| files | other reader | equal | largest difference | most samples apart | rejected by us | with a note | "
        "not read by the other | other reader alone | different |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for (kind, reader), row in rows.items():
        lines.append(
            f"| {kind} | {reader} | {row.equal} | {row.difference:.1e} | {row.samples_apart} | {row.rejected} | "
            f"{row.noted} | {row.other_cannot} | {row.other_alone} | {len(row.different)} |"
        )
        for case in row.different:
            print(f"different: {kind}, {reader}: {case}", file=sys.stderr)
    table = "\n".join(lines)
    print(table)
    page = PAGE.read_text()
    before, after = page.split(BEGIN)[0], page.split(END)[1]
    PAGE.write_text(f"{before}{BEGIN}\n\n{table}\n\n{END}{after}")
    return 1 if any(row.different for row in rows.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
