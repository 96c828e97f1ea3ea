"""Music of Debian's game packages: downloads a package, converts its music, deletes the package.

`packages.tsv` lists the packages. Some hold a zip or a pk3 file, which is opened; tracker modules are played by
openmpt123. Each track is cut to six minutes, and these into pieces in a folder of the track's name: training takes the
same number of crops from each file, so a long track has to be several files. `prepare audio` keeps the files of such a
folder in one part.
"""

import csv
import fnmatch
import json
import math
import os
import subprocess
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

import numpy as np

from keras_musictag.audio import open_audio
from keras_musictag.errors import AudioError, MusicTagError
from keras_musictag.files import write_bytes, write_json
from scripts.teaching import store

PART = "game_music"
LIST = Path(__file__).with_name("packages.tsv")
# The weights are tested on the music of these packages, so it must never be used for teaching.
EXCLUDED = (
    "wesnoth*",
    "singularity*",
    "fretsonfire*",
    "openclonk*",
    "noiz2sa*",
    "tumiki-fighters*",
    "torus-trooper*",
    "parsec47*",
    "mu-cade*",
    "gunroar*",
    "titanion*",
    "rrootage*",
)
SHORTEST_SECONDS, LONGEST_SECONDS = 29.1, 360.0  # per track
PIECE_SECONDS = 45.0  # longest piece
_DECODED = {".ogg", ".oga", ".opus", ".mp3", ".flac", ".wav", ".m4a"}
_MODULES = {".xm", ".it", ".mod", ".s3m"}
_ARCHIVES = {".zip", ".pk3", ".pk4"}


@dataclass(frozen=True)
class Package:
    """A row of `packages.tsv`: facts about a package at the time when the list was written.

    Attributes:
        name: Name of the package.
        version: Its version.
        licence: Licences of its music, as its copyright file gives them.
        tracks: How many tracks of 29.1 s or longer it holds.
        seconds: Their duration, each cut to six minutes.
    """

    name: str
    version: str
    licence: str
    tracks: int
    seconds: float


def packages(path: Path = LIST) -> list[Package]:
    """The packages of a list.

    Raises:
        ValueError: If the list names a package that must not teach.
    """
    with open(path, encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t")
        found = [Package(r["package"], r["version"], r["licence"], int(r["tracks"]), float(r["seconds"])) for r in rows]
    for package in found:
        refuse_excluded(package.name)
    return found


def refuse_excluded(name: str) -> None:
    """Raises a ValueError if a package is one of the test set.

    Example:
        >>> refuse_excluded("hedgewars-data")
    """
    if any(fnmatch.fnmatch(name.lower(), pattern) for pattern in EXCLUDED):
        raise ValueError(
            f"The package {name!r} is part of the music on which the weights are tested, and must not teach them. "
            "Remove it from the list of packages."
        )


def items(scale: float, gmtag: Path | None = None) -> list[Package]:
    """The packages to convert: the first of them, from the shortest music to the longest."""
    found = sorted(packages(), key=lambda package: package.seconds)
    return found[: math.ceil(len(found) * scale)]


def is_done(out: Path, package: Package) -> bool:
    """Whether all tracks of a package are in the folder."""
    record = _record_path(out, package.name)
    return record.is_file() and all((out / PART / name).is_file() for name in json.loads(record.read_text())["files"])


def facts(out: Path) -> dict:
    """The packages that are done: version, licence, tracks, seconds, and notes on what differs from the list."""
    listed = {package.name: package.licence for package in packages()}
    found = {}
    for path in sorted(_record_path(out, "").parent.glob("*.json")):
        record = json.loads(path.read_text(encoding="utf-8"))
        found[path.stem] = {"licence": listed.get(path.stem, "unknown"), **record, "files": len(record["files"])}
    return {"licences": "by package; their copyright files are in licences/", "packages": found}


def make(out: Path, package: Package) -> None:
    """Downloads a package and converts its music. Tracks that exist are kept.

    Raises:
        ValueError: If the package must not teach.
        MusicTagError: If it cannot be downloaded.
    """
    refuse_excluded(package.name)
    with store.scratch_folder(out, PART) as folder:
        convert(out, package, _download(package.name, folder))


def convert(out: Path, package: Package, deb: Path) -> None:
    """Converts the music of a downloaded package, which is unpacked next to its file."""
    tracks, notes = [], []
    members = dict(_members(deb, deb.parent))
    for member, name in _names(package.name, sorted(members)).items():
        folder = out / PART / name
        try:
            if folder.is_dir() or _write_pieces(members[member], folder):
                tracks.append(folder)
        except AudioError as error:
            notes.append(f"{member} was skipped: {str(error).replace(f'{deb.parent}/', '')}")
    version = subprocess.run(
        ["dpkg-deb", "-f", deb, "Version"], capture_output=True, text=True, check=True
    ).stdout.strip()
    if version != package.version:
        notes.append(f"The version is {version}; the list was written for {package.version}.")
    if len(tracks) != package.tracks:
        notes.append(f"{len(tracks)} tracks were found; the list states {package.tracks}.")
    files = [path for folder in tracks for path in sorted(folder.iterdir())]
    record = {
        "version": version,
        "tracks": len(tracks),
        "seconds": round(sum(map(store.seconds_of, files)), 1),
        "notes": notes,
        "files": [str(path.relative_to(out / PART)) for path in files],
    }
    _keep_licence(deb, package.name, out)
    write_json(_record_path(out, package.name), record)


def _record_path(out: Path, name: str) -> Path:
    return out / store.WORK / PART / f"{name}.json"


def _download(name: str, folder: Path) -> Path:
    command = ["apt-get", "download", "--quiet", "-o", "APT::Sandbox::User=root", name]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    found = list(folder.glob("*.deb"))
    if done.returncode or len(found) != 1:
        raise MusicTagError(
            f"The package {name!r} cannot be downloaded: {done.stderr.strip()[-300:]} Run `apt-get update`, then this "
            "command again: it resumes where it stopped."
        )
    return found[0]


def _keep_licence(deb: Path, name: str, out: Path) -> None:
    """Copies the package's copyright file to `licences/`."""
    members = subprocess.Popen(["dpkg-deb", "--fsys-tarfile", deb], stdout=subprocess.PIPE)
    with members, tarfile.open(fileobj=members.stdout, mode="r|") as tar:
        for entry in tar:
            if entry.isfile() and entry.name.startswith("./usr/share/doc/") and entry.name.endswith("/copyright"):
                write_bytes(out / "licences" / f"{name}.txt", tar.extractfile(entry).read())


def _members(deb: Path, scratch: Path) -> Iterator[tuple[str, Path]]:
    """Unpacks what may be music, also from archives in the package; yields names in the package and unpacked files."""
    count = 0
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", deb], stdout=subprocess.PIPE) as process:
        with tarfile.open(fileobj=process.stdout, mode="r|") as tar:
            for entry in tar:
                suffix = PurePosixPath(entry.name).suffix.lower()
                if not entry.isfile() or suffix not in _DECODED | _MODULES | _ARCHIVES:
                    continue
                count += 1
                path = _copy(tar.extractfile(entry), scratch / f"{count:06d}{suffix}")
                if suffix in _ARCHIVES:
                    yield from _zipped(path, entry.name)
                    path.unlink()
                else:
                    yield entry.name.removeprefix("./"), path


def _zipped(archive: Path, name: str) -> Iterator[tuple[str, Path]]:
    if not zipfile.is_zipfile(archive):
        return
    with zipfile.ZipFile(archive) as opened:
        for count, entry in enumerate(opened.namelist()):
            suffix = PurePosixPath(entry).suffix.lower()
            if suffix in _DECODED | _MODULES:
                with opened.open(entry) as file:
                    path = _copy(file, archive.with_name(f"{archive.stem}_{count:06d}{suffix}"))
                yield f"{name.removeprefix('./')}/{entry}", path


def _copy(source: BinaryIO, path: Path) -> Path:
    with open(path, "wb") as file:
        while block := source.read(1 << 20):
            file.write(block)
    return path


def _names(package: str, members: list[str]) -> dict[str, str]:
    """Maps the members of a package to the folders of their pieces; what all paths have in common is left out.

    Example:
        >>> _names("game", ["usr/music/a/1.ogg", "usr/music/b/1.ogg"])
        {'usr/music/a/1.ogg': 'game__a__1.ogg', 'usr/music/b/1.ogg': 'game__b__1.ogg'}
    """
    common = os.path.commonpath([os.path.dirname(member) for member in members]) if members else ""
    return {member: f"{package}__{os.path.relpath(member, common or '.').replace('/', '__')}" for member in members}


def _write_pieces(source: Path, folder: Path) -> bool:
    """Writes the first six minutes of a track in pieces of equal length, or nothing if it is too short to be music."""
    if source.suffix in _MODULES:
        source = _play_module(source)
    samples = _first_minutes(source)
    if len(samples) < SHORTEST_SECONDS * store.SAMPLE_RATE_HZ:
        return False
    with store.whole_folder(folder) as scratch:
        count = math.ceil(len(samples) / (PIECE_SECONDS * store.SAMPLE_RATE_HZ))
        for number, piece in enumerate(np.array_split(samples, count)):
            store.write_flac(scratch / f"{number:02d}.flac", piece)
    return True


def _play_module(path: Path) -> Path:
    """A tracker module, played once through."""
    command = ["openmpt123", "--quiet", "--batch", "--render", "--samplerate", "44100", "--repeat", "0", path]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wave = path.with_name(path.name + ".wav")
    if done.returncode or not wave.is_file():
        raise AudioError(f"openmpt123 cannot play {str(path)!r}: {(done.stderr or done.stdout).strip()[-200:]}")
    return wave


def _first_minutes(path: Path) -> np.ndarray:
    """Float32 (samples,) of the first six minutes; none of a file whose header states that it is short."""
    with open_audio(path, store.SAMPLE_RATE_HZ) as stream:
        if stream.header_seconds is not None and stream.header_seconds < SHORTEST_SECONDS:
            return np.zeros(0, np.float32)
        wanted, blocks, have = int(LONGEST_SECONDS * store.SAMPLE_RATE_HZ), [], 0
        for block in stream:
            blocks.append(block)
            have += len(block)
            if have >= wanted:
                break
    return np.concatenate(blocks)[:wanted] if blocks else np.zeros(0, np.float32)
