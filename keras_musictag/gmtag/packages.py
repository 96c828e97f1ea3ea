"""What a build needs besides this package: where to find it, and which versions are installed."""

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
from types import ModuleType

from keras_musictag.errors import MusicTagError
from keras_musictag.gmtag import mma
from keras_musictag.gmtag.genres import DRUM_FILES, groove_files
from keras_musictag.gmtag.sound import SOUNDFONTS

SOUNDS = Path("/usr/share/sounds")  # where Debian and Ubuntu install soundfonts
LIBRARY = Path("/usr/share/mma/lib")  # where they install MMA's grooves
MODULES = ("mido", "fluidsynth")  # fluidsynth is the package pyfluidsynth
_INSTALL_EXTRA = 'pip install "keras-musictag[gmtag]"'


@dataclass(frozen=True)
class Installation:
    """Where MMA, its grooves and the soundfonts are, and the names of programs and modules.

    Attributes:
        mma: The `mma` program: a command or a path.
        library: MMA's folder of groove files.
        sounds: The folder with `sf2/` and `sf3/`, the soundfonts.
        fluidsynth: FluidSynth's library, by the name that the system's linker knows.
        modules: Python modules, which the extra `gmtag` installs.
    """

    mma: str = "mma"
    library: Path = LIBRARY
    sounds: Path = SOUNDS
    fluidsynth: str = "fluidsynth"
    modules: tuple[str, ...] = MODULES

    def soundfont(self, name: str) -> Path:
        """The file of a soundfont in `SOUNDFONTS`."""
        return self.sounds / SOUNDFONTS[name][0]

    def require(self) -> None:
        """Checks that nothing is missing.

        Raises:
            MusicTagError: If something is missing; the message names it and the commands that install it.
        """
        missing = self._missing_debian()
        modules = [name for name in self.modules if importlib.util.find_spec(name) is None]
        if not missing and not modules:
            return
        what = [*missing, *(f"the Python module {name}" for name in modules)]
        packages = list(dict.fromkeys(missing.values()))
        how = [f"apt-get install -y --no-install-recommends {' '.join(packages)}"] if packages else []
        how += [_INSTALL_EXTRA] if modules else []
        raise MusicTagError(
            f"Building GM-Tag needs {', '.join(what)}: not found. To install on Debian or Ubuntu: {' && '.join(how)}"
        )

    def _missing_debian(self) -> dict[str, str]:
        """Maps what is missing on the system to the Debian package that contains it."""
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
        """Returns what the bytes of the corpus depend on: versions of programs and libraries, SHA-256 of data files."""
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


def list_versions(names: Iterable[str], packages: Mapping[str, str]) -> str:
    """Lists packages with their versions for a message; hashes are shortened.

    Example:
        >>> list_versions(["av", "mma"], {"av": "18.1.0"})
        'av 18.1.0, mma none'
    """
    return ", ".join(f"{name} {packages.get(name, 'none')[:12]}" for name in names)


def import_fluidsynth() -> ModuleType:
    """Imports pyfluidsynth without its output: if the variable CI is set, it prints the path of its library."""
    with contextlib.redirect_stdout(io.StringIO()):
        import fluidsynth
    return fluidsynth


def _fluidsynth_version() -> str:
    library = ctypes.CDLL(import_fluidsynth().lib)
    library.fluid_version_str.restype = ctypes.c_char_p
    return library.fluid_version_str().decode()


def _sha256(files: Iterable[Path]) -> str:
    """SHA-256 of the contents of files, one after another."""
    digest = hashlib.sha256()
    for path in files:
        with open(path, "rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()
