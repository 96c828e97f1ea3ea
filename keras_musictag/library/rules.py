"""Rules: which tags are written into files, under which names, from which score on, and how many of them.

A file of rules is TOML; `default_rules_text` writes one with comments. Tags that it does not list are not written.
"""

import math
import re
import textwrap
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from numbers import Real
from os import PathLike
from pathlib import Path

import numpy as np

from keras_musictag.bundled_files import bundled
from keras_musictag.errors import UnknownNameError
from keras_musictag.library.database import ScoredFile, StoredModel
from keras_musictag.library.default_names import MAX_GENRES, MAX_MOODS, default_name
from keras_musictag.library.file_tags import FileTags
from keras_musictag.library.presence import PresenceThresholds, are_present, certainties, presence_thresholds
from keras_musictag.tags.vocabulary import Vocabulary, read_tags
from keras_musictag.zoo.catalog import entries

KEYS = ("max_genres", "max_moods", "genre", "mood", "thresholds")


@dataclass(frozen=True)
class Rules:
    """What is written into files.

    Attributes:
        genre: Tag -> the genre that is written for it. Several tags may have one name.
        mood: Tag -> the mood that is written for it.
        thresholds: Tag -> the score from which on it is present, in place of the model's own threshold.
        model_thresholds: Name of a model -> the same for this model only; takes precedence.
        max_genres, max_moods: How many are written at most, the most certain ones first.

    Example:
        >>> Rules(genre={"techno": "Techno"}).max_genres
        2
    """

    genre: Mapping[str, str] = field(default_factory=dict)
    mood: Mapping[str, str] = field(default_factory=dict)
    thresholds: Mapping[str, float] = field(default_factory=dict)
    model_thresholds: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    max_genres: int = MAX_GENRES
    max_moods: int = MAX_MOODS


def default_rules(vocabulary: Vocabulary) -> Rules:
    """The rules that apply without a file of rules.

    Example:
        >>> default_rules(Vocabulary(("techno", "no vocals"), ("genre", "voice"))).genre
        {'techno': 'Techno'}
    """
    found = {"genre": {}, "mood": {}}
    for tag, group in zip(vocabulary.names, vocabulary.groups, strict=True):
        written = default_name(tag, group)
        if written:
            found[written[0]][tag] = written[1]
    return Rules(found["genre"], found["mood"])


def read_rules(path: str | PathLike, model: StoredModel) -> Rules:
    """Reads a file of rules.

    Args:
        path: The file, in TOML.
        model: The model whose scores are used. The file may also list tags of the bundled datasets, so that it can
            serve several models.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not TOML, or a value is not valid.
        UnknownNameError: If it has an unknown key or tag.
    """
    try:
        data = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise FileNotFoundError(
            f"There is no file of rules {str(path)!r}. Make one with `keras-musictag library rules --init FILE`."
        ) from None
    except ValueError as error:  # also UnicodeDecodeError
        raise ValueError(f"{str(path)!r} is not valid TOML: {error}.") from error
    try:
        return _parse(data, model)
    except (ValueError, UnknownNameError) as error:
        raise type(error)(f"{path}: {error}") from None


def tags_for_file(
    file: ScoredFile,
    model: StoredModel,
    rules: Rules,
    thresholds: PresenceThresholds | None = None,
    include_scores: bool = False,
) -> FileTags:
    """Decides what is to be written into a file.

    Args:
        file: The file, with its scores.
        model: The model that they are of.
        rules: Which tags are written.
        thresholds: The result of `presence_thresholds(model)`; None to look them up, which reads files.
        include_scores: Whether the scores are to be written as well.

    Returns:
        The genres and moods that are present, the most certain first. A silent track has none.

    Example:
        >>> model = StoredModel(1, "my-own-v1", "", Vocabulary(("techno", "calm"), ("genre", "mood")), 200)
        >>> from keras_musictag.library.database import Labels
        >>> file = ScoredFile("/a.mp3", 1, 60.0, np.array([0.9, 0.1]), 0, Labels(), ())
        >>> tags_for_file(file, model, default_rules(model.vocabulary), PresenceThresholds({"techno": 0.5}))
        FileTags(genres=('Techno',), moods=(), scores={})
    """
    names = model.vocabulary.names
    scores = dict(zip(names, file.scores.tolist(), strict=True)) if include_scores else {}
    values = threshold_array(model, rules, thresholds or presence_thresholds(model))
    present = are_present(file, values)
    by_certainty = np.argsort(-certainties(file.scores, values), kind="stable")
    found = [names[i] for i in by_certainty if present[i]]
    genres = dict.fromkeys(rules.genre[tag] for tag in found if tag in rules.genre)
    moods = dict.fromkeys(rules.mood[tag] for tag in found if tag in rules.mood)
    return FileTags(tuple(genres)[: rules.max_genres], tuple(moods)[: rules.max_moods], scores)


def threshold_array(model: StoredModel, rules: Rules | None, thresholds: PresenceThresholds) -> np.ndarray:
    """The thresholds that apply to a model's tags, float64 (tags,); NaN for a tag that is never present."""
    values = dict(thresholds.values)
    if rules is not None:
        values |= {**rules.thresholds, **rules.model_thresholds.get(model.name, {})}
    return np.array([values.get(tag, math.nan) for tag in model.vocabulary])


def _parse(data: dict, model: StoredModel) -> Rules:
    for key in data:
        if key not in KEYS:
            raise UnknownNameError.of("key of the rules", key, KEYS)
    known = _known_tags(model)
    thresholds, model_thresholds = {}, {}
    for key, value in _table(data, "thresholds").items():
        if isinstance(value, dict):
            if key not in (model.name, *entries()):
                raise UnknownNameError.of("model", key, [model.name, *entries()])
            model_thresholds[key] = {tag: _threshold(tag, number, known) for tag, number in value.items()}
        else:
            thresholds[key] = _threshold(key, value, known)
    return Rules(
        genre=_names(data, "genre", known),
        mood=_names(data, "mood", known),
        thresholds=thresholds,
        model_thresholds=model_thresholds,
        max_genres=_count(data, "max_genres", MAX_GENRES),
        max_moods=_count(data, "max_moods", MAX_MOODS),
    )


def _known_tags(model: StoredModel) -> list[str]:
    """The tags of the model and of the bundled datasets."""
    others = [tag for path in sorted(bundled("tfrecords").glob("*/tags.txt")) for tag in read_tags(path)]
    return list(dict.fromkeys([*model.vocabulary, *others]))


def _table(data: dict, key: str) -> dict:
    table = data.get(key, {})
    if not isinstance(table, dict):
        raise ValueError(f"`{key}` must be a table with one line per tag. Received: {table!r}.")
    return table


def _names(data: dict, key: str, known: list[str]) -> dict[str, str]:
    table = _table(data, key)
    for tag, name in table.items():
        if tag not in known:
            raise UnknownNameError.of("tag", tag, known)
        if not isinstance(name, str) or not name.strip() or not name.isprintable():
            raise ValueError(f'`{key}.{tag}` must be the name to write, such as "Drum & Bass". Received: {name!r}.')
    return table


def _threshold(tag: str, value, known: list[str]) -> float:
    if tag not in known:
        raise UnknownNameError.of("tag", tag, known)
    if not isinstance(value, Real) or isinstance(value, bool) or not 0 < value <= 1:
        raise ValueError(f"The threshold of {tag!r} must be a number above 0 and at most 1. Received: {value!r}.")
    return float(value)


def _count(data: dict, key: str, default: int) -> int:
    value = data.get(key, default)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"`{key}` must be a whole number of 0 or more. Received: {value!r}.")
    return value


HEADER = """\
# Which tags are written into files, for {model}.
# `keras-musictag library rules FILE` checks this file; `library write --rules FILE` uses it.

# How many genres and moods a file gets at most. The most certain ones are written first.
max_genres = {max_genres}
max_moods = {max_moods}

# The name that is written for a tag. Tags that are not listed are not written, so these two tables are a whitelist.
# Several tags may have the same name.
"""
THRESHOLDS = """
# A tag is present if the score of the track is at least its threshold.
# {origin}
# To use other thresholds, remove the # and change the number: a higher one gives fewer tags, and fewer wrong ones.
# A table [thresholds."NAME OF A MODEL"] applies to that model only.
[thresholds]
"""
ORIGINS = {
    "card": "These are the thresholds of the model's card, which were chosen on labelled music.",
    "estimated": "These are estimated on music without labels.",
    "none": "This model has no thresholds: nothing is written unless you set some here.",
}


def default_rules_text(model: StoredModel) -> str:
    """The default rules as TOML with comments, which `read_rules` reads as exactly the default.

    Example:
        >>> model = StoredModel(1, "my-own-v1", "", Vocabulary(("techno", "no vocals"), ("genre", "voice")), 200)
        >>> "techno = \\"Techno\\"" in default_rules_text(model)
        True
    """
    rules, thresholds = default_rules(model.vocabulary), presence_thresholds(model)
    lines = [HEADER.format(model=model.name, max_genres=rules.max_genres, max_moods=rules.max_moods)]
    groups = dict(zip(model.vocabulary.names, model.vocabulary.groups, strict=True))
    for key in ("genre", "mood"):
        names = getattr(rules, key)
        lines.append(f"[{key}]\n" + "".join(f"{_key(tag)} = {_quoted(name)}\n" for tag, name in names.items()))
        unwritten = [tag for tag in groups if groups[tag] == key and tag not in rules.genre and tag not in rules.mood]
        lines.append("".join(f"# {_key(tag)} = {_quoted(tag.title())}\n" for tag in unwritten) + "\n")
    rest = [tag for tag in groups if groups[tag] not in ("genre", "mood")]
    if rest:
        text = f"Not listed, because they are neither genres nor moods: {', '.join(map(_quoted, rest))}."
        lines.append(textwrap.fill(text, 110, initial_indent="# ", subsequent_indent="# ") + "\n")
    lines.append(THRESHOLDS.format(origin=ORIGINS[thresholds.origin]))
    written = [*rules.genre, *rules.mood]
    lines += [f"# {_key(tag)} = {thresholds.values.get(tag, '1.0  # has no threshold')}\n" for tag in written]
    return "".join(lines)


def _key(tag: str) -> str:
    return tag if re.fullmatch("[A-Za-z0-9_-]+", tag) else _quoted(tag)


def _quoted(text: str) -> str:
    escaped = "".join(c if c.isprintable() and c not in '\\"' else f"\\U{ord(c):08X}" for c in text)
    return f'"{escaped}"'
