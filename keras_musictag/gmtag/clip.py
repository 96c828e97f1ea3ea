"""Makes one clip: its MP3 file and what is known about it."""

import hashlib
from typing import Any

from keras_musictag.errors import DatasetError
from keras_musictag.gmtag.compose import compose
from keras_musictag.gmtag.encode import to_mp3
from keras_musictag.gmtag.midi import to_bytes
from keras_musictag.gmtag.packages import Installation
from keras_musictag.gmtag.render import render
from keras_musictag.gmtag.sound import subset_of
from keras_musictag.gmtag.store import clip_id, clip_path
from keras_musictag.gmtag.truth import tags_of


def make_clip(part: str, index: int, installation: Installation) -> tuple[dict[str, Any], bytes]:
    """Makes a clip; the same whichever were made before.

    Args:
        part: "train", "valid" or "test".
        index: Of the clip in its part, from 0.
        installation: Where MMA and the soundfonts lie.

    Returns:
        Its row of `metadata.jsonl`, and the MP3 file.

    Raises:
        DatasetError: If MMA or FluidSynth fails, or nothing is heard. The message names the clip.
    """
    try:
        piece = compose(part, index, installation)
        plan, heard = piece.plan, piece.heard
        pcm = render(piece.music, plan.sound, installation)
    except DatasetError as error:
        raise DatasetError(f"Clip {clip_id(part, index)} cannot be made. {error}") from error
    mp3 = to_mp3(pcm)
    return {
        "id": clip_id(part, index),
        "part": part,
        "index": index,
        "path": clip_path(part, index),
        "tags": list(tags_of(heard, plan.genre_tags, plan.bpm, plan.key.minor)),
        "subset": subset_of(part, plan.sound.soundfont),
        "genre": plan.genre,
        "groove_file": plan.groove_file,
        "grooves": list(plan.grooves),
        "drum_groove": plan.drum_groove,
        "bpm": plan.bpm,
        "key": str(plan.key),
        "programs": list(heard.programs),
        "drum_hits": heard.drum_hits,
        "notes": heard.notes,
        "attempt": piece.attempt,
        **vars(plan.sound),
        "midi_sha256": hashlib.sha256(to_bytes(piece.music)).hexdigest(),
        "pcm_sha256": hashlib.sha256(pcm.astype("<i2").tobytes()).hexdigest(),
        "mp3_sha256": hashlib.sha256(mp3).hexdigest(),
    }, mp3
