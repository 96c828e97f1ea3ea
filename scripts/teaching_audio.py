"""Makes the audio with which networks teach other networks: a folder of FLAC files, mono, 16 kHz.

    python scripts/teaching_audio.py OUT [--gmtag CORPUS] [--only PART] [--scale 0.01] [--jobs 2]

scripts/teaching/README.md describes the parts and what they need. The command may be interrupted at any time; the same
command resumes where it stopped. `OUT/sources.json` states what is in the folder: hours, files, licences, packages.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from keras_musictag.cli._progress import track_progress
from keras_musictag.errors import MusicTagError
from scripts.teaching import sources, store
from scripts.teaching.parts import NAMES, module_of
from scripts.teaching.workers import make_all


def main(arguments: list[str] | None = None) -> None:
    options = _options(arguments)
    try:
        for part in options.only or NAMES:
            _build(part, options)
        print(sources.write(options.out))
    except (MusicTagError, ValueError, OSError) as error:
        sys.exit(f"Error: {error}")


def _build(part: str, options: argparse.Namespace) -> None:
    module = module_of(part)
    with store.opened(options.out, part):
        wanted = module.items(options.scale, options.gmtag)
        waiting = [item for item in wanted if not module.is_done(options.out, item)]
        print(f"{part}: {len(wanted)} in all, {len(waiting)} to make.", flush=True)
        with track_progress() as report:
            report = report or (lambda done, total: None)  # nobody is watching
            done = len(wanted) - len(waiting)
            report(done, len(wanted))
            for _ in make_all(options.out, part, waiting, options.jobs):
                done += 1
                report(done, len(wanted))


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="Folder to write.")
    parser.add_argument("--gmtag", type=Path, help="A GM-Tag corpus, whose train clips are linked. Default: none.")
    parser.add_argument("--only", action="append", choices=NAMES, help="Make this part only; may be repeated.")
    parser.add_argument("--scale", type=float, default=1.0, help="Share of each part to make. Default: 1.")
    parser.add_argument("--jobs", type=int, default=1, help="Processes. Default: 1.")
    options = parser.parse_args(arguments)
    if not 0 < options.scale <= 1:
        parser.error(f"--scale must be above 0 and at most 1. Received: {options.scale}.")
    if options.jobs < 1:
        parser.error(f"--jobs must be 1 or more. Received: {options.jobs}.")
    return options


if __name__ == "__main__":
    main()
