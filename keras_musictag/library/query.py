"""The words of a search -> terms: "calm piano, no vocals" means the tags of calm, those of piano, none of vocals.

Terms are separated by commas or spaces. `no`, `not` and `without` negate the term that follows. A name of several words
may be in quotation marks; without them, the longest name is taken. Capital letters, spaces and hyphens in names do not
count. A name is a tag of any stored model, or one of `SYNONYMS`, which stands for several tags.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from keras_musictag.errors import UnknownNameError

NEGATIONS = ("no", "not", "without")
IGNORED = ("and", "with")
_FEMALE = ("female", "woman", "female vocal", "female voice", "female vocalist", "female vocalists", "female singer")
_MALE = ("male", "man", "male vocal", "male voice", "male vocalist", "male vocalists", "male singer")
_VOCALS = ("vocal", "vocals", "voice", "singing", "choir", "choral", "opera", *_FEMALE, *_MALE)
_INSTRUMENTAL = ("instrumental", "no vocals", "no vocal", "no voice")
_CALM = ("quiet", "soft", "chill", "chillout", "mellow", "relaxing", "calm")
# a search word -> the tags that it means, in any vocabulary
SYNONYMS = {
    **dict.fromkeys(("vocals", "vocal", "voice", "singing"), _VOCALS),
    **dict.fromkeys(("female vocals", *_FEMALE), _FEMALE),
    **dict.fromkeys(("male vocals", *_MALE), _MALE),
    **dict.fromkeys(("calm", "relaxed", "relaxing"), _CALM),
    **dict.fromkeys(("quiet", "soft"), ("quiet", "soft")),
    **dict.fromkeys(("chill", "chillout"), ("chill", "chillout")),
    **dict.fromkeys(("choir", "choral"), ("choir", "choral")),
    **dict.fromkeys(("classical", "classic"), ("classical", "classic")),
    **dict.fromkeys(("beat", "beats"), ("beat", "beats")),
    **dict.fromkeys(("synth", "synthesizer", "synthesiser"), ("synth", "synthesizer")),
    **dict.fromkeys(("rnb", "r&b"), ("rnb",)),
    "guitar": ("guitar", "acoustic guitar", "electric guitar"),
}
# each of two opposite words also counts the other's tags, against it
OPPOSITES = {
    **dict.fromkeys(("vocals", "vocal", "voice", "singing"), _INSTRUMENTAL),
    "fast": ("slow",),
    "slow": ("fast",),
    "loud": ("quiet", "soft"),
    "quiet": ("loud",),
    "soft": ("loud",),
    "happy": ("sad",),
    "sad": ("happy",),
}


@dataclass(frozen=True)
class Term:
    """One term of a query.

    Attributes:
        text: As it was written, such as "no vocals".
        tags: The tags that it is about. A track has the term's quality if it has any of them.
        opposites: Tags of which each says that a track does not have it.
        negated: Whether tracks without the quality are wanted.
    """

    text: str
    tags: frozenset[str]
    opposites: frozenset[str] = frozenset()
    negated: bool = False


def parse_query(text: str, tags: Iterable[str]) -> list[Term]:
    """Reads the words of a search.

    Args:
        text: Such as "calm piano, no vocals, not techno".
        tags: The tags of all models that can be searched.

    Raises:
        UnknownNameError: If a word is not a tag and means none of these tags.
        ValueError: If there are no words, or none after a negation.

    Example:
        >>> [(term.text, term.negated) for term in parse_query("new age, without drums", ["new age", "drums"])]
        [('new age', False), ('without drums', True)]
    """
    meanings = _meanings(tags)
    terms = []
    for part in _parts(text):
        words, negations = list(part), []
        while words:
            word, quoted = words[0]
            if not quoted and word.lower() in NEGATIONS:
                negations.append(word)
                words.pop(0)
                continue
            if not quoted and word.lower() in IGNORED and _key(word) not in meanings:
                words.pop(0)
                continue
            length, name = _longest_name(words, meanings)
            found, opposites, inverted = meanings[_key(name)]
            negated = (len(negations) % 2 == 1) != inverted
            terms.append(Term(" ".join([*negations, name]), found, opposites, negated))
            words, negations = words[length:], []
        if negations:
            raise ValueError(f"A negation must be followed by a tag. Received: {text!r}.")
    if not terms:
        raise ValueError(f'The search must name at least one tag, such as "calm piano, no vocals". Received: {text!r}.')
    return terms


def _meanings(tags: Iterable[str]) -> dict[str, tuple[frozenset[str], frozenset[str], bool]]:
    """Key of a search word -> (tags, opposites, whether it means their absence)."""
    by_key = {}
    for tag in tags:
        by_key.setdefault(_key(tag), set()).add(tag)  # spelling differs between vocabularies: "hiphop" and "Hip-Hop"

    def existing(names):
        return frozenset(tag for name in names for tag in by_key.get(_key(name), ()))

    found = {}
    for key, same in by_key.items():
        found[key] = (frozenset(same), frozenset(), False)
    for word, names in SYNONYMS.items():
        if existing(names):
            found[_key(word)] = (existing(names), frozenset(), False)
    for word, names in OPPOSITES.items():
        if _key(word) in found:
            found[_key(word)] = (found[_key(word)][0], existing(names), False)
    for word in _INSTRUMENTAL:  # the absence of vocals, also in a vocabulary that has no tag for it
        if existing(_VOCALS):
            found[_key(word)] = (existing(_VOCALS), existing(_INSTRUMENTAL), True)
    return found


def _parts(text: str) -> list[list[tuple[str, bool]]]:
    """Splits at commas, then into words and quoted names: (word, whether it is quoted)."""
    parts = [[]]
    for quoted, comma, word in re.findall(r'"([^"]*)"|([,;])|([^\s,;"]+)', text):
        if comma:
            parts.append([])
        elif word or quoted.strip():
            parts[-1].append((word or quoted, not word))
    return parts


def _longest_name(words: list[tuple[str, bool]], meanings: dict) -> tuple[int, str]:
    """How many of the first words are a name, and the name."""
    if words[0][1]:
        candidates = [1]
    else:
        unquoted = next((i for i, (_, quoted) in enumerate(words) if quoted), len(words))
        candidates = range(min(unquoted, 4), 0, -1)
    for length in candidates:
        name = " ".join(word for word, _ in words[:length])
        if _key(name) in meanings:
            return length, name
    raise UnknownNameError.of("tag", words[0][0], _known_words(meanings))


def _known_words(meanings: dict) -> list[str]:
    tags = {tag for found, opposites, _ in meanings.values() for tag in found | opposites}
    return sorted(tags | {word for word in SYNONYMS if _key(word) in meanings}, key=str.lower)


def _key(name: str) -> str:
    return "".join(c for c in name.casefold() if c.isalnum()) or name.casefold()
