"""Compares a corpus that was built here with what was measured elsewhere: `tfrecords/gmtag/spec.json`."""

import json
from collections.abc import Mapping
from typing import Any

from keras_musictag.data import bundled
from keras_musictag.gmtag.build import LEVELS
from keras_musictag.gmtag.packages import told_versions

_NAMES = {"midi": "MIDI", "pcm": "PCM", "mp3": "MP3"}


def load_spec() -> dict[str, Any]:
    """What `tfrecords/gmtag/spec.json` says of the corpus."""
    return json.loads((bundled("tfrecords") / "gmtag" / "spec.json").read_text(encoding="utf-8"))


def compare(corpus: Mapping[str, Any], spec: Mapping[str, Any]) -> str:
    """Says in a sentence whether a corpus has the bytes that were measured.

    Args:
        corpus: The content of `corpus.json`.
        spec: The content of `spec.json`.
    """
    measured = spec["measured"].get(corpus["tier"])
    if measured is None:
        return "No hashes were measured for a corpus of this size: there is nothing to compare with."
    equal = [_NAMES[level] for level in LEVELS if measured[f"{level}_sha256"] == corpus[f"{level}_sha256"]]
    differ = [_NAMES[level] for level in LEVELS if _NAMES[level] not in equal]
    if not differ:
        return f"The same {', '.join(equal)} as measured with {told_versions(spec['packages'], spec['packages'])}."
    other = [name for name in spec["packages"] if spec["packages"][name] != corpus["packages"].get(name)]
    why = (
        f"here is {told_versions(other, corpus['packages'])}, measured was {told_versions(other, spec['packages'])}"
        if other
        else "although the packages are the same ones"
    )
    same = f"The same {', '.join(equal)}" if equal else "Nothing is the same"
    return f"{same}; other {', '.join(differ)} than measured: {why}."
