"""Makes clips: one clip, or many in several processes, which end when the process that started them ends."""

import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import as_completed
from pathlib import Path
from typing import Any

from keras_musictag.errors import DatasetError, MusicTagError
from keras_musictag.gmtag.corpus_folder import clip_id, clip_path, write_clip
from keras_musictag.gmtag.packages import Installation
from keras_musictag.gmtag.sound import subset_of
from keras_musictag.gmtag.truth import tags_of
from keras_musictag.processes import worker_pool


def make_clip(part: str, index: int, installation: Installation) -> tuple[dict[str, Any], bytes]:
    """Makes one clip, whose bytes do not depend on the clips made before.

    Args:
        part: "train", "valid" or "test".
        index: Index of the clip in its part, from 0.
        installation: Where MMA and the soundfonts are.

    Returns:
        Its row of `metadata.jsonl`, and the bytes of the MP3 file.

    Raises:
        DatasetError: If MMA or FluidSynth fails, or the clip is silent. The message names the clip.
    """
    # the process that starts the workers needs neither mido nor PyAV nor FluidSynth
    from keras_musictag.gmtag.arrangement import compose
    from keras_musictag.gmtag.midi import to_bytes
    from keras_musictag.gmtag.rendering import render, to_mp3

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


def make_all(out: Path, clips: Sequence[tuple[str, int]], jobs: int, installation: Installation) -> Iterator[str]:
    """Makes clips in several processes.

    Args:
        out: The corpus's folder.
        clips: Pairs of part and index.
        jobs: Number of processes.
        installation: Where MMA and the soundfonts are.

    Yields:
        The name of each clip as soon as it is done.

    Raises:
        DatasetError: If a clip cannot be made.
        MusicTagError: If a process was killed, for example because memory ran out.
    """
    if not clips:
        return
    killed = MusicTagError(
        "A process that makes clips was killed, perhaps because memory ran out: each process needs about 0.5 GB. "
        "Run the same command again with fewer jobs: it resumes where it stopped."
    )
    with worker_pool(min(jobs, len(clips)), killed) as submit:
        for future in as_completed([submit(_make, out, part, index, installation) for part, index in clips]):
            yield future.result()


def _make(out: Path, part: str, index: int, installation: Installation) -> str:
    row, mp3 = make_clip(part, index, installation)
    write_clip(out, row, mp3)
    return row["id"]
