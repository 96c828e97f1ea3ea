"""Fetches the scripts of others that the page of the server uses, or checks that ours are the same files.

    python scripts/vendor_page.py            # fetch with npm, write the files and their hashes
    python scripts/vendor_page.py --check    # fetch with npm, compare with what is here

The page loads nothing from another host, so these files are in the repository, each with its licence and its hash.
"""

import hashlib
import json
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Package:
    """A package on npm, and which of its files go where (the licence first)."""

    name: str
    version: str
    licence: str
    files: dict[str, str]

    @property
    def address(self) -> str:
        return f"npm:{self.name}@{self.version}"


FOLDERS = {
    "keras_musictag/web/static/vendor": [
        Package(
            "wavesurfer.js",
            "8.0.1",
            "BSD-3-Clause",
            {
                "LICENSE": "wavesurfer.LICENSE.txt",
                "dist/wavesurfer.esm.js": "wavesurfer.esm.js",
                "dist/plugins/regions.esm.js": "wavesurfer.regions.esm.js",
                "dist/plugins/timeline.esm.js": "wavesurfer.timeline.esm.js",
            },
        ),
        Package(
            "uplot",
            "1.6.32",
            "MIT",
            {
                "LICENSE": "uPlot.LICENSE.txt",
                "dist/uPlot.iife.min.js": "uPlot.iife.min.js",
                "dist/uPlot.min.css": "uPlot.min.css",
            },
        ),
    ],
    "tests/web/vendor": [
        Package("axe-core", "4.14.1", "MPL-2.0", {"LICENSE": "axe.LICENSE.txt", "axe.min.js": "axe.min.js"}),
    ],
}


def fetch(package: Package) -> dict[str, bytes]:
    """The files of a package, by the names that they have here."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["npm", "pack", "--silent", f"{package.name}@{package.version}", f"--pack-destination={folder}"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        (archive,) = Path(folder).glob("*.tgz")
        with tarfile.open(archive) as tar:
            return {ours: tar.extractfile(f"package/{theirs}").read() for theirs, ours in package.files.items()}


def describe(packages: list[Package], contents: dict[str, bytes]) -> dict:
    """What vendor.json says."""
    rows = [
        {
            "name": package.name,
            "version": package.version,
            "licence": package.licence,
            "address": package.address,
            "files": {name: hashlib.sha256(contents[name]).hexdigest() for name in package.files.values()},
        }
        for package in packages
    ]
    return {"packages": rows}


def main() -> int:
    check, wrong = "--check" in sys.argv[1:], []
    for name, packages in FOLDERS.items():
        contents = {file: data for package in packages for file, data in fetch(package).items()}
        contents["vendor.json"] = (json.dumps(describe(packages, contents), indent=1) + "\n").encode()
        for file, data in contents.items():
            path = ROOT / name / file
            if not check:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
            elif not path.is_file() or path.read_bytes() != data:
                wrong.append(path.relative_to(ROOT))
    for path in wrong:
        print(f"{path} is missing or differs from the published file: run scripts/vendor_page.py.", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
