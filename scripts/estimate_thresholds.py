"""Estimates the thresholds of zoo entries: keras_musictag/library/estimated_thresholds/<entry>.json.

    python scripts/estimate_thresholds.py MUSIC SPEECH [--entry NAME]... [--scores FOLDER]

MUSIC is the folder `game_music` that `scripts/teaching_audio.py` makes: music of Debian's game packages without
labels, and some sounds of nature. SPEECH contains the unpacked Debian packages
asterisk-core-sounds-{en,es,fr,it,ru}-g722: recordings of four people. `tag_shares.json` has the share of each tag in
the datasets that the entries were trained on. docs/decisions/0012 explains the method. Scores are kept in FOLDER, so
that a second run, for example with another margin, takes seconds.
"""

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from random import Random

import av
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

import keras_musictag as kmt
from keras_musictag.audio import read
from keras_musictag.files import whole_file, write_json
from keras_musictag.library.presence import ESTIMATED_FOLDER
from keras_musictag.zoo import read_card
from keras_musictag.zoo.catalog import entries
from scripts.teaching.game_music import refuse_excluded
from scripts.teaching.noises import KINDS
from scripts.teaching.recording import coloured
from scripts.teaching.speech import LANGUAGES, spoken

ENTRIES = ("musicnn-mtat-v1", "musicnn-msd-v1", "vgg-mtat-v1", "vgg-msd-v1")
SAMPLE_RATE_HZ = 16000
TRACKS_PER_PACKAGE, EXCERPT_SECONDS = 7, 60.0  # by default
NATURE_SECONDS = 60.0
NOISE_SECONDS, SPEECH_SECONDS, SPEECH_CLIPS = 10.0, 20.0, 8
NOISES = {"estimate": 30, "held out": 15}  # clips per kind
HELD_OUT_VOICES = ("fr", "ru")  # people who do not speak in the other recordings
LEVELS = (0.9, 0.1, 0.01)  # peaks
SHARE = 0.5  # a tag may be present in this part of its share of the training set
MARGIN = 2.0  # the odds of a threshold, divided by those of the highest score of what is not music
LOWEST = 0.3  # no threshold is lower


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("music", type=Path)
    parser.add_argument("speech", type=Path)
    parser.add_argument("--entry", action="append", help=f"Default: {', '.join(ENTRIES)}.")
    parser.add_argument("--scores", type=Path, default=Path("build/thresholds"), help="Folder of scores to keep.")
    parser.add_argument("--tracks", type=int, default=TRACKS_PER_PACKAGE, help="Tracks per package, at most.")
    parser.add_argument("--seconds", type=float, default=EXCERPT_SECONDS, help="Of each track.")
    options = parser.parse_args()
    shares = json.loads(Path(__file__).with_name("tag_shares.json").read_text(encoding="utf-8"))
    for name in options.entry or ENTRIES:
        card = read_card(entries()[name])
        scores = {
            "music": kept_scores(options, name, "music", lambda: music(options)),
            **{part: kept_scores(options, name, part, lambda part=part: not_music(options, part)) for part in NOISES},
        }
        estimate = estimated(card, scores, shares[card.trained_on.dataset])
        write_json(ESTIMATED_FOLDER / f"{name}.json", estimate, ensure_ascii=False)
        print(name, json.dumps(estimate["check"]))


def kept_scores(options, entry: str, part: str, clips) -> dict[str, np.ndarray]:
    """`{"names": (clips,), "scores": (clips, tags)}`, from the folder of scores, or computed."""
    path = options.scores / f"{entry} {part}.npz"
    if not path.is_file():
        tagger, names, scores = kmt.load(entry), [], []
        for name, samples in clips():
            names.append(name)
            scores.append(tagger.tag(samples, SAMPLE_RATE_HZ, top=None).scores)
        with whole_file(path) as scratch:
            np.savez(scratch, names=names, scores=np.stack(scores), seconds=options.seconds)
    with np.load(path) as arrays:
        return dict(arrays)


def is_music(folder: Path) -> bool:
    return "__ambient__" not in folder.name


def music(options) -> Iterator[tuple[str, np.ndarray]]:
    """An excerpt from the middle of some tracks of each package."""
    by_package = defaultdict(list)
    for track in sorted(filter(is_music, options.music.iterdir())):
        package = track.name.partition("__")[0]
        refuse_excluded(package)
        by_package[package].append(track)
    for tracks in by_package.values():
        count = min(options.tracks, len(tracks))
        for index in np.unique(np.linspace(0, len(tracks) - 1, count).round().astype(int)):
            yield tracks[index].name, excerpt(tracks[index], options.seconds)


def excerpt(folder: Path, seconds: float) -> np.ndarray:
    files = sorted(folder.glob("*.flac"))
    first = max(0, len(files) // 2 - 1)
    samples = np.concatenate([read(file, SAMPLE_RATE_HZ).samples for file in files[first : first + 2]])
    return samples[: int(seconds * SAMPLE_RATE_HZ)]


def not_music(options, part: str) -> Iterator[tuple[str, np.ndarray]]:
    """Noises, silence, speech and sounds of nature; those of one part are not in the other."""
    count = int(NOISE_SECONDS * SAMPLE_RATE_HZ)
    for kind in ("noise", "hum", "clicks", "applause", "wind", "silence"):
        for number in range(NOISES[part]):
            rng = Random(f"{part} {kind} {number}")
            samples = KINDS[kind](rng, count)
            if kind != "silence":
                samples = samples / np.abs(samples).max() * 10 ** rng.uniform(-2, 0)
            yield f"{kind} {number}", samples.astype(np.float32)
    for exponent, colour in enumerate(("white", "pink", "brown")):
        for level in LEVELS:
            generator = np.random.default_rng([exponent, list(NOISES).index(part)])
            samples = coloured(generator, count, exponent)
            yield f"{colour} {level}", (samples / np.abs(samples).max() * level).astype(np.float32)
    for voice in sorted(options.speech.glob("*asterisk-core-sounds-*")):
        language = voice.name.partition("sounds-")[2][:2]
        if (language in HELD_OUT_VOICES) == (part == "held out"):
            yield from speech(voice, language)
    sounds = sorted(track for track in options.music.iterdir() if not is_music(track))
    for track in sounds[list(NOISES).index(part) :: 2]:
        yield track.name, excerpt(track, NATURE_SECONDS)
    for language in LANGUAGES[list(NOISES).index(part) :: 2]:
        for number in range(2):
            samples = spoken(Random(f"{part} {language} {number}"), language, NOISE_SECONDS)
            yield f"synthetic speech {language} {number}", samples


def speech(folder: Path, language: str) -> Iterator[tuple[str, np.ndarray]]:
    """Clips of sentences that one person says, one after the other."""
    files = sorted(path for path in folder.rglob("*.g722") if "silence" not in path.parts)
    Random(0).shuffle(files)
    wanted, parts, made = int(SPEECH_SECONDS * SAMPLE_RATE_HZ), [], 0
    for file in files:
        with av.open(str(file), format="g722") as container:
            parts += [frame.to_ndarray().ravel() for frame in container.decode(audio=0)]
        if sum(map(len, parts)) >= wanted and made < SPEECH_CLIPS:
            yield f"speech {language} {made}", np.concatenate(parts)[:wanted].astype(np.float32) / 2**15
            parts, made = [], made + 1


def estimated(card, scores: dict[str, dict[str, np.ndarray]], shares: dict) -> dict:
    """The content of the file of an entry."""
    tags = [tag["name"] for tag in card.model["tags"]]
    music, other = scores["music"]["scores"], scores["estimate"]["scores"]
    rows = {}
    for index, tag in enumerate(tags):
        share = shares["tags"][tag]
        candidates = {
            "music": float(np.quantile(music[:, index], 1 - SHARE * share, method="higher")),
            "not music": with_margin(float(other[:, index].max())),
            "lowest": LOWEST,
        }
        reason = max(candidates, key=candidates.get)
        threshold = np.ceil(candidates[reason] * 1e4) / 1e4
        rows[tag] = {"threshold": float(threshold), "share": share, "set_by": reason}
    thresholds = np.array([row["threshold"] for row in rows.values()])
    present = music >= thresholds
    return {
        "name": card.name,
        "weights_sha256": card.weights.sha256,
        "status": "estimated: on music without labels, so that nothing is known about precision and recall",
        "method": (
            f"The highest of three: the score that {SHARE:g} times the tag's share of the training set exceeds in the "
            f"music; the highest score of what is not music, with its odds times {MARGIN:g}; {LOWEST:g}."
        ),
        "shares": shares["source"],
        "music": f"{len(music)} tracks of {len({n.partition('__')[0] for n in scores['music']['names']})} Debian "
        f"packages of games, {scores['music']['seconds']:g} s each",
        "not_music": f"{len(other)} clips: noises, hum, clicks, applause, wind, silence, recorded and synthetic "
        "speech, sounds of nature",
        "check": {
            "held_out_clips_of_no_music": len(scores["held out"]["scores"]),
            "of_these_with_a_tag": int((scores["held out"]["scores"] >= thresholds).any(axis=1).sum()),
            "share_of_music_with_a_tag": round(float(present.any(axis=1).mean()), 3),
            "tags_per_track_of_music": round(float(present.sum(axis=1).mean()), 2),
        },
        "tags": rows,
    }


def with_margin(score: float) -> float:
    odds = MARGIN * score / (1 - score)
    return odds / (1 + odds)


if __name__ == "__main__":
    main()
