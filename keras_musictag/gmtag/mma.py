"""Runs MMA (Musical MIDI Accompaniment): grooves and chords -> the MIDI file of an accompaniment."""

import os
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from keras_musictag.errors import DatasetError

if TYPE_CHECKING:
    import mido

    from keras_musictag.gmtag.plan import Plan

_LONGEST_RUN_SECONDS = 120  # a run takes a tenth of a second


def accompaniment(plan: "Plan", program: str) -> "mido.MidiFile":
    """Lets MMA play the grooves of a plan over its chords.

    Args:
        plan: What to play.
        program: The `mma` program, as a command or a path.

    Raises:
        DatasetError: If MMA fails; the message quotes what it printed.
    """
    return _play(program, plan, plan.groove, lambda bar: plan.chord(bar).symbol)


def drums(plan: "Plan", program: str) -> "mido.MidiFile":
    """Lets MMA play the drums that replace those of the accompaniment: `plan.drum_groove`, on any chord."""
    return _play(program, plan, lambda bar: plan.drum_groove, lambda bar: "C")


def mma_source(plan: "Plan", groove: Callable[[int], str], chord: Callable[[int], str]) -> str:
    """Returns the text that MMA reads: a seed, a tempo, one line per bar, and a line before each change of groove."""
    lines = [f"RndSeed {plan.mma_seed}", f"Tempo {plan.bpm}"]
    for bar in range(plan.bars):
        if bar == 0 or groove(bar) != groove(bar - 1):
            lines.append(f"Groove {groove(bar)}")
        lines.append(f"{bar + 1} {chord(bar)}")
    return "\n".join(lines) + "\n"


def _play(program: str, plan: "Plan", groove: Callable[[int], str], chord: Callable[[int], str]) -> "mido.MidiFile":
    import mido  # part of the extra `gmtag`, which `version` does without

    with tempfile.TemporaryDirectory(prefix="gmtag-") as folder:
        song, midi, settings = (Path(folder, name) for name in ("song.mma", "song.mid", "settings"))
        song.write_text(mma_source(plan, groove, chord), encoding="ascii")
        settings.write_text("", encoding="ascii")  # replaces the `mmarc` of the user or the machine
        done = _run(program, folder, "-i", settings, song, "-f", midi)
        if done.returncode or not midi.is_file():
            output = " ".join((done.stdout + done.stderr).split()) or "it printed nothing."
            output = output[max(output.find("Error"), 0) :]  # warnings may come before it
            raise DatasetError(f"MMA failed (exit code {done.returncode}) on the groove {groove(0)!r}: {output}")
        return mido.MidiFile(midi)


def version(program: str) -> str:
    """Returns the version that the `mma` program states."""
    with tempfile.TemporaryDirectory(prefix="gmtag-") as folder:
        return (_run(program, folder, "-v").stdout.split() or ["unknown"])[-1]


def _run(program: str, home: str, *arguments: str | Path) -> subprocess.CompletedProcess:
    """Runs MMA without the user's settings, and with a fixed order of sets, on which its notes depend."""
    return subprocess.run(
        [program, "-w", *arguments],
        cwd=home,
        env={"PATH": os.environ.get("PATH", os.defpath), "HOME": home, "PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=_LONGEST_RUN_SECONDS,
    )
