"""Versions of the Debian packages that were used."""

import shutil
import subprocess


def versions(*names: str) -> dict[str, str]:
    """Installed packages and their versions; "unknown" if a package is not installed or the system is not Debian.

    Example:
        >>> versions("no-such-package")
        {'no-such-package': 'unknown'}
    """
    return {name: _version(name) for name in names}


def _version(name: str) -> str:
    if shutil.which("dpkg-query") is None:
        return "unknown"
    command = ["dpkg-query", "--show", "--showformat", "${Version}", name]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip() or "unknown"
