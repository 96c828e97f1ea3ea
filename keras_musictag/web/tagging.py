"""Tagging a source: chunks come from a decoding process, go to a model, and their scores become events as they come.

The tags at the end are those of `Tagger.tag`, within the rounding of float32: batches are shared with other clients.
"""

import time
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from keras_musictag.audio.downmix import SILENT
from keras_musictag.tagger.results import Taggram, TagResult, TrackFacts
from keras_musictag.tagger.track import with_hop
from keras_musictag.web.decoding import AudioFacts, Chunks, Cut, Decoded, Restarted
from keras_musictag.web.jobs import Job, OtherQueueError
from keras_musictag.web.reading_ahead import read_ahead
from keras_musictag.web.replies import refusal
from keras_musictag.web.served_models import ServedModel
from keras_musictag.web.services import Services
from keras_musictag.web.sources import Source

LONG_SECONDS, LONG_CHUNKS = 15 * 60.0, 300  # a track beyond one of them is long
MESSAGES_AHEAD = 4  # of a decoder, which then is done with a short track before the model is
DIGITS = 4  # of scores in events


@dataclass(frozen=True)
class TagOptions:
    """How a source is tagged: see `Tagger.tag`."""

    aggregate: str = "mean"
    tail: str = "anchor"
    hop_seconds: float | None = None


def start_tag_job(services: Services, source: Source, model: ServedModel, options: TagOptions) -> Job:
    """Starts the job that tags a source. Long tracks have their own queue, so that short ones do not wait for them.

    Raises:
        HTTPException: 429 if too many jobs wait, 503 if the server is ending.
    """
    tag = partial(tag_source, services=services, source=source, model=model, options=options)
    # a long track keeps its decoder: leave others to short tracks
    move = OtherQueueError("long tracks", max(1, services.settings.decoders // 2), tag)
    job = services.jobs.start("tag", partial(tag, if_long=move))
    services.sources.hold(source, job.task)
    return job


async def tag_source(
    job: Job,
    services: Services,
    source: Source,
    model: ServedModel,
    options: TagOptions,
    if_long: OtherQueueError | None = None,
) -> dict[str, Any]:
    """The work of a tag job: emits `start`, `chunks` and `progress`, and returns the data of `done`.

    `start` comes again if the channels of a track cancel each other, or if it turns out to be long although its file
    states otherwise: all chunks before it are void.

    Raises:
        OtherQueueError: `if_long`, if the track is long.
    """

    def check_stated(facts: AudioFacts | None) -> None:
        if facts is not None and facts.seconds is not None:
            check_length(facts.seconds, facts.seconds / start["hop_seconds"])

    def check_length(seconds: float, chunks: float) -> None:
        if if_long is not None and (seconds > LONG_SECONDS or chunks > LONG_CHUNKS):
            raise if_long

    began, settings = time.monotonic(), services.settings
    chunking = with_hop(model.chunking, options.hop_seconds)
    request = Cut(str(source.path), chunking, options.tail, settings.max_audio_seconds)
    scores, spans, num_chunks, seconds, decoded = [], [], 0, None, None
    start, is_admitted = _start_event(model, chunking), False
    check_stated(source.facts)  # before a decoder is taken, which would have to be ended
    async with read_ahead(services.decoders.answers(request), MESSAGES_AHEAD) as messages:
        async for message in messages:
            if isinstance(message, AudioFacts):
                seconds = message.seconds
                source.facts = source.facts or message
                check_stated(message)
                job.emit("start", {**start, "seconds": seconds})
            elif isinstance(message, Restarted):
                scores, spans, num_chunks = [], [], 0
                job.emit("start", {**start, "seconds": seconds})
            elif isinstance(message, Chunks):
                if num_chunks + len(message.samples) > settings.max_chunks_per_track:
                    raise refusal(422, too_many_chunks(settings.max_chunks_per_track, options))
                check_length(float(message.spans[-1, 1]), num_chunks + len(message.samples))
                batch = await model.run(message.samples, admitted=is_admitted)
                is_admitted = True
                job.emit("chunks", _chunks_event(num_chunks, message.spans, batch))
                scores.append(batch)
                spans.append(message.spans)
                num_chunks += len(batch)
                done = float(message.spans[-1, 1])
                job.progress = min(done / seconds, 1.0) if seconds else None
                job.emit("progress", {"done": round(done, 3), "total": seconds})
            elif isinstance(message, Decoded):
                decoded = message
    spans = np.concatenate(spans)
    facts = TrackFacts(source.name, decoded.seconds, decoded.bad_packets, decoded.notes)
    taggram = Taggram(np.concatenate(scores), spans[:, 0], spans[:, 1], model.vocabulary, facts)
    return result_of(taggram.merge(options.aggregate, top=None), model, time.monotonic() - began)


def _start_event(model: ServedModel, chunking) -> dict[str, Any]:
    vocabulary, rate_hz = model.vocabulary, chunking.sample_rate_hz
    return {
        "model": model.name,
        "tags": list(vocabulary.names),
        "groups": list(vocabulary.groups),
        "thresholds": [model.thresholds.values.get(tag) for tag in vocabulary.names],
        "chunk_seconds": chunking.chunk_samples / rate_hz,
        "hop_seconds": chunking.hop_samples / rate_hz,
    }


def _chunks_event(first: int, spans: np.ndarray, scores: np.ndarray) -> dict[str, Any]:
    return {
        "first": first,
        "start_seconds": spans[:, 0].round(DIGITS).tolist(),
        "end_seconds": spans[:, 1].round(DIGITS).tolist(),
        "scores": scores.astype(np.float64).round(DIGITS).tolist(),
    }


def result_of(result: TagResult, model: ServedModel, elapsed_seconds: float) -> dict[str, Any]:
    """The tags of a track as plain data.

    Args:
        result: Of all tags.
        model: The model, for groups and thresholds.
        elapsed_seconds: How long it took.
    """
    groups = dict(zip(model.vocabulary.names, model.vocabulary.groups, strict=True))
    damaged = (f"{result.bad_packets} damaged packets were skipped.",) if result.bad_packets else ()
    is_silent = any(note.startswith(SILENT) for note in result.notes)
    rows = []
    for tag, score in result.tags:
        threshold = model.thresholds.values.get(tag)
        present = threshold is not None and score >= threshold and not is_silent
        rows.append(
            {"tag": tag, "group": groups[tag], "score": round(score, 6), "threshold": threshold, "present": present}
        )
    return {
        "seconds": round(result.duration_seconds, 3),
        "tags": rows,
        "notes": [*damaged, *result.notes],
        "elapsed_seconds": round(elapsed_seconds, 3),
        "parameters": model.parameters,
    }


def too_many_chunks(most: int, options: TagOptions) -> str:
    """The sentence for a track that gives too many chunks."""
    if options.hop_seconds is None:
        return f"The track gives more than {most} chunks. Send a shorter one."
    return f"`hop_seconds` of {options.hop_seconds} cuts this track into more than {most} chunks. Try a larger hop."
