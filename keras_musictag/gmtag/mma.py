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

_LONGEST_RUN_SECONDS = 120  # one takes a tenth of a second


def accompaniment(plan: "Plan", program: str) -> "mido.MidiFile":
    """Has MMA play a plan's grooves over its chords.

    Args:
        plan: What to play.
        program: The `mma` program, as a command or a path.

    Raises:
        DatasetError: If MMA fails; the message has its last lines.
    """
    return _play(program, plan, plan.groove, lambda bar: plan.chord(bar).symbol)


def drums(plan: "Plan", program: str) -> "mido.MidiFile":
    """Has MMA play the drums that replace the accompaniment's: `plan.drum_groove`, on any chord."""
    return _play(program, plan, lambda bar: plan.drum_groove, lambda bar: "C")


def source(plan: "Plan", groove: Callable[[int], str], chord: Callable[[int], str]) -> str:
    """What MMA reads: a seed, a tempo, and a line a bar, with a line before it where the groove changes."""
    lines = [f"RndSeed {plan.mma_seed}", f"Tempo {plan.bpm}"]
    for bar in range(plan.bars):
        if bar == 0 or groove(bar) != groove(bar - 1):
            lines.append(f"Groove {groove(bar)}")
        lines.append(f"{bar + 1} {chord(bar)}")
    return "\n".join(lines) + "\n"


def _play(program: str, plan: "Plan", groove: Callable[[int], str], chord: Callable[[int], str]) -> "mido.MidiFile":
    import mido  # an extra, which whoever asks for the version alone may lack

    with tempfile.TemporaryDirectory(prefix="gmtag-") as folder:
        song, midi, settings = (Path(folder, name) for name in ("song.mma", "song.mid", "settings"))
        song.write_text(source(plan, groove, chord), encoding="ascii")
        settings.write_text("", encoding="ascii")  # instead of what a user's or the machine's `mmarc` says
        done = _run(program, folder, "-i", settings, song, "-f", midi)
        if done.returncode or not midi.is_file():
            told = " ".join((done.stdout + done.stderr).split()) or "it said nothing."
            told = told[max(told.find("Error"), 0) :]  # before it there may be warnings
            raise DatasetError(f"MMA failed (exit code {done.returncode}) on the groove {groove(0)!r}: {told}")
        return mido.MidiFile(midi)


def version(program: str) -> str:
    """What the `mma` program says of itself."""
    with tempfile.TemporaryDirectory(prefix="gmtag-") as folder:
        return (_run(program, folder, "-v").stdout.split() or ["unknown"])[-1]


def _run(program: str, home: str, *arguments: str | Path) -> subprocess.CompletedProcess:
    """With nothing of the user's settings; and sets in one order, which MMA's notes depend on."""
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
