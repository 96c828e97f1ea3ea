"""How a clip is to sound: soundfont, room, loudness, and where in the music it begins.

What building needs beside this package, where it lies, and which versions were found.
"""

import contextlib
import ctypes.util
import hashlib
import importlib.metadata
import importlib.util
import io
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from types import ModuleType

from keras_musictag.errors import MusicTagError
from keras_musictag.gmtag import mma
from keras_musictag.gmtag.genres import DRUM_FILES, groove_files

SAMPLE_RATE_HZ = 16000
CLIP_SECONDS = 29.1  # as a clip of MagnaTagATune

# soundfont -> (its file below /usr/share/sounds, the Debian package that brings it)
SOUNDFONTS = {
    "FluidR3": ("sf2/FluidR3_GM.sf2", "fluid-soundfont-gm"),
    "MuseScore General": ("sf3/MuseScore_General_Lite.sf3", "musescore-general-soundfont-small"),
    "TimGM6mb": ("sf2/TimGM6mb.sf2", "timgm6mb-soundfont"),
}
UNSEEN_SOUNDFONT = "TimGM6mb"  # half of test, and nothing else: reported apart
_HEARD = ("FluidR3", "MuseScore General")
_SOUNDFONTS_OF = {"train": _HEARD, "valid": _HEARD, "test": (*_HEARD, UNSEEN_SOUNDFONT, UNSEEN_SOUNDFONT)}
LONGEST_OFFSET_SECONDS = 3.0


@dataclass(frozen=True)
class Sound:
    """The settings of a rendering.

    Attributes:
        soundfont: A name of `SOUNDFONTS`.
        offset_seconds: How much of the music comes before the clip: most clips begin within a bar.
        reverb: Whether the room is heard.
        room_size: 0 to 1, of FluidSynth's reverb.
        reverb_level: 0 to 1.
        chorus: Whether FluidSynth's chorus is on.
        loudness_db: Root mean square of the clip in dB of full scale.
    """

    soundfont: str
    offset_seconds: float
    reverb: bool
    room_size: float
    reverb_level: float
    chorus: bool
    loudness_db: float

    @property
    def window(self) -> tuple[float, float]:
        """Where the clip begins and ends in the music, seconds."""
        return self.offset_seconds, self.offset_seconds + CLIP_SECONDS


def draw_sound(rng: Random, part: str) -> Sound:
    """Draws how a clip of a part sounds."""
    return Sound(
        soundfont=rng.choice(_SOUNDFONTS_OF[part]),
        offset_seconds=round(rng.uniform(0, LONGEST_OFFSET_SECONDS), 3),
        reverb=rng.random() < 0.8,
        room_size=round(rng.uniform(0.1, 0.9), 3),
        reverb_level=round(rng.uniform(0.05, 0.5), 3),
        chorus=rng.random() < 0.5,
        loudness_db=round(rng.uniform(-24, -15), 2),
    )


def subset_of(part: str, soundfont: str) -> str:
    """Which half of test a clip is in; "" in the other parts.

    Example:
        >>> subset_of("test", "TimGM6mb"), subset_of("test", "FluidR3"), subset_of("train", "FluidR3")
        ('unseen', 'seen', '')
    """
    if part != "test":
        return ""
    return "unseen" if soundfont == UNSEEN_SOUNDFONT else "seen"


SOUNDS = Path("/usr/share/sounds")  # where Debian and Ubuntu put soundfonts
LIBRARY = Path("/usr/share/mma/lib")  # and MMA's grooves
MODULES = ("mido", "fluidsynth")  # fluidsynth is the package pyfluidsynth
_EXTRA = 'pip install "keras-musictag[gmtag]"'


@dataclass(frozen=True)
class Installation:
    """Where MMA, its grooves and the soundfonts lie, and what programs and modules are called.

    Attributes:
        mma: The `mma` program: a command or a path.
        library: MMA's folder of groove files.
        sounds: The folder with `sf2/` and `sf3/`, the soundfonts.
        fluidsynth: FluidSynth's library, as the system's linker knows it.
        modules: Python modules, which the extra `gmtag` brings.
    """

    mma: str = "mma"
    library: Path = LIBRARY
    sounds: Path = SOUNDS
    fluidsynth: str = "fluidsynth"
    modules: tuple[str, ...] = MODULES

    def soundfont(self, name: str) -> Path:
        """The file of a soundfont of `SOUNDFONTS`."""
        return self.sounds / SOUNDFONTS[name][0]

    def require(self) -> None:
        """Checks that everything is there.

        Raises:
            MusicTagError: If something is missing; the message names it, and the commands that install it.
        """
        missing = self._missing_debian()
        modules = [name for name in self.modules if importlib.util.find_spec(name) is None]
        if not missing and not modules:
            return
        what = [*missing, *(f"the Python module {name}" for name in modules)]
        packages = list(dict.fromkeys(missing.values()))
        how = [f"apt-get install -y --no-install-recommends {' '.join(packages)}"] if packages else []
        how += [_EXTRA] if modules else []
        raise MusicTagError(
            f"Building GM-Tag needs what was not found: {', '.join(what)}. On Debian or Ubuntu: {' && '.join(how)}"
        )

    def _missing_debian(self) -> dict[str, str]:
        """What is missing of the system -> the Debian package that has it."""
        wanted = {
            f"the program {self.mma!r}": ("mma", shutil.which(self.mma)),
            f"MMA's grooves in {str(self.library)!r}": ("mma", (self.library / "stdlib").is_dir()),
            "the library FluidSynth": ("libfluidsynth3", ctypes.util.find_library(self.fluidsynth)),
        }
        for name, (_, package) in SOUNDFONTS.items():
            path = self.soundfont(name)
            wanted[f"the soundfont {str(path)!r}"] = (package, path.is_file())
        return {what: package for what, (package, found) in wanted.items() if not found}

    def versions(self) -> dict[str, str]:
        """What the bytes of the corpus depend on: versions of programs and libraries, SHA-256 of what they read."""
        import av

        files = [self.library / f"{file}.mma" for file in (*groove_files(), *sorted(DRUM_FILES))]
        return {
            "mma": mma.version(self.mma),
            "grooves": _sha256(files),
            "fluidsynth": _fluidsynth_version(),
            **{name: _sha256([self.soundfont(name)]) for name in SOUNDFONTS},
            "mido": importlib.metadata.version("mido"),
            "av": importlib.metadata.version("av"),
            "libavcodec": ".".join(map(str, av.library_versions["libavcodec"])),
        }


def told_versions(names: Iterable[str], packages: Mapping[str, str]) -> str:
    """Names of packages with their versions, for a message; of hashes the beginning.

    Example:
        >>> told_versions(["av", "mma"], {"av": "18.1.0"})
        'av 18.1.0, mma none'
    """
    return ", ".join(f"{name} {packages.get(name, 'none')[:12]}" for name in names)


def import_fluidsynth() -> ModuleType:
    """pyfluidsynth's module. Where the variable CI is set, it prints where its library lies: that is swallowed."""
    with contextlib.redirect_stdout(io.StringIO()):
        import fluidsynth
    return fluidsynth


def _fluidsynth_version() -> str:
    library = ctypes.CDLL(import_fluidsynth().lib)
    library.fluid_version_str.restype = ctypes.c_char_p
    return library.fluid_version_str().decode()


def _sha256(files: Iterable[Path]) -> str:
    """Of the contents of some files, one after the other."""
    digest = hashlib.sha256()
    for path in files:
        with open(path, "rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()
