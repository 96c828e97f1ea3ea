"""Where each format keeps genre, mood and our scores: the mapping of MusicBrainz Picard, which Navidrome has adopted.

| format | genre | mood | scores |
| --- | --- | --- | --- |
| ID3v2.4 (MP3, TTA, WAV, AIFF, DSF) | TCON | TMOO | TXXX:KMT:tag |
| ID3v2.3 (the same files) | TCON, joined with "/" | TXXX:MOOD, joined with "/" | TXXX:KMT:tag |
| Vorbis comments (FLAC, Ogg Vorbis, Opus, Speex) | GENRE | MOOD | KMT:tag |
| MP4 | ©gen | ----:com.apple.iTunes:MOOD | ----:com.apple.iTunes:KMT:tag |
| ASF (WMA) | WM/Genre | WM/Mood | KMT:tag |
| APEv2 (WavPack, Musepack, Monkey's Audio, MP3 without ID3v2) | Genre | Mood | KMT:tag |

Several values are several entries of the field, never one text, except in ID3v2.3, which has room for only one.

Source: MusicBrainz Picard, "Appendix B: Tag Mapping" (https://picard-docs.musicbrainz.org), and `picard/formats/`;
Navidrome, `resources/mappings.yaml`.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import BinaryIO, ClassVar

import mutagen
from mutagen.aiff import AIFF
from mutagen.apev2 import APENoHeaderError, APEv2, APEv2File
from mutagen.asf import ASF
from mutagen.dsf import DSF
from mutagen.flac import FLAC
from mutagen.monkeysaudio import MonkeysAudio
from mutagen.mp3 import MP3
from mutagen.mp4 import MP4, AtomDataType, MP4FreeForm
from mutagen.musepack import Musepack
from mutagen.oggflac import OggFLAC
from mutagen.oggopus import OggOpus
from mutagen.oggspeex import OggSpeex
from mutagen.oggvorbis import OggVorbis
from mutagen.trueaudio import TrueAudio
from mutagen.wave import WAVE
from mutagen.wavpack import WavPack

from keras_musictag.errors import MusicTagError
from keras_musictag.library.file_tags import GENRE, MOOD, SCORE_PREFIX
from keras_musictag.library.id3_tags import Id3Tags


class _MutagenTags:
    """Tags of an open file that mutagen reads as a mapping from names to lists of values."""

    NAMES: ClassVar[dict[str, str]]  # of our fields, in this format
    SCORE = SCORE_PREFIX
    converts, separator = False, None

    def __init__(self, kind: type, file: BinaryIO):
        file.seek(0)
        self._file = kind(file)
        if self._file.tags is None:
            self._file.add_tags()

    def fields(self) -> dict[str, tuple[str, ...]]:
        names = {name.casefold(): field for field, name in self.NAMES.items()}
        found: dict[str, list[str]] = {field: [] for field in self.NAMES}
        for name, value in self._items():
            field = self._field(name, names)
            if field:
                found.setdefault(field, []).append(self._text(value))
        return {field: tuple(filter(None, values)) for field, values in found.items()}

    def others(self, by_meaning: bool) -> list:
        names = {name.casefold(): field for field, name in self.NAMES.items()}
        return sorted((name, repr(value)) for name, value in self._items() if not self._field(name, names))

    def _field(self, name: str, names: dict[str, str]) -> str | None:
        is_score = name.casefold().startswith(self.SCORE.casefold())
        return SCORE_PREFIX + name[len(self.SCORE) :] if is_score else names.get(name.casefold())

    def _name(self, field: str) -> str:
        return self.NAMES.get(field) or self.SCORE + field.removeprefix(SCORE_PREFIX)

    def _items(self) -> list[tuple]:
        return [(name, value) for name, values in self._file.tags.items() for value in values]

    def _text(self, value) -> str:
        return str(value)

    def change(self, field: str, values: tuple[str, ...]) -> None:
        name = self._name(field)
        for key in {key for key, _ in self._items() if key.casefold() == name.casefold()}:
            with suppress(KeyError):  # the first deletes the others, where names differ in case only
                del self._file.tags[key]
        if values:
            self._file.tags[name] = self._values(field, values)

    def _values(self, field: str, values: tuple[str, ...]) -> list:
        return list(values)

    def save(self, file: BinaryIO) -> None:
        file.seek(0)
        self._file.save(file)


class _VorbisTags(_MutagenTags):
    NAMES: ClassVar = {GENRE: "GENRE", MOOD: "MOOD"}

    def _items(self):
        return list(self._file.tags)


class _AsfTags(_MutagenTags):
    NAMES: ClassVar = {GENRE: "WM/Genre", MOOD: "WM/Mood"}

    def _items(self):
        return list(self._file.tags)


class _ApeTags(_MutagenTags):
    NAMES: ClassVar = {GENRE: "Genre", MOOD: "Mood"}

    def _items(self):
        items = self._file.tags.items()
        return [(name, text) for name, value in items for text in (value if value.kind == 0 else [value.value])]


class _Mp4Tags(_MutagenTags):
    NAMES: ClassVar = {GENRE: "\xa9gen", MOOD: "----:com.apple.iTunes:MOOD"}
    SCORE = "----:com.apple.iTunes:KMT:"

    def _items(self):
        # some values, such as `cpil`, are not lists
        items = self._file.tags.items()
        return [(name, value) for name, all_ in items for value in (all_ if isinstance(all_, list) else [all_])]

    def _text(self, value):
        return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)

    def _values(self, field, values):
        if field == GENRE:
            return list(values)
        return [MP4FreeForm(value.encode(), AtomDataType.UTF8) for value in values]


@dataclass(frozen=True)
class Format:
    """A format of files whose tags can be written.

    Attributes:
        name: What people call it.
        kind: mutagen's class.
        containers: FFmpeg's names of the container: a second opinion on what the file is.
        tags: The class that reads and writes our fields.
    """

    name: str
    kind: type
    containers: tuple[str, ...]
    tags: type


APE_IN_MP3 = Format("MP3 with an APEv2 tag", APEv2File, ("mp3",), _ApeTags)
FORMATS = (
    Format("MP3", MP3, ("mp3",), Id3Tags),
    Format("FLAC", FLAC, ("flac",), _VorbisTags),
    Format("Ogg Vorbis", OggVorbis, ("ogg",), _VorbisTags),
    Format("Opus", OggOpus, ("ogg",), _VorbisTags),
    Format("Ogg FLAC", OggFLAC, ("ogg",), _VorbisTags),
    Format("Speex", OggSpeex, ("ogg",), _VorbisTags),
    Format("MP4", MP4, ("mov",), _Mp4Tags),
    Format("ASF", ASF, ("asf",), _AsfTags),
    Format("WavPack", WavPack, ("wv",), _ApeTags),
    Format("Musepack", Musepack, ("mpc", "mpc8"), _ApeTags),
    Format("Monkey's Audio", MonkeysAudio, ("ape",), _ApeTags),
    Format("AIFF", AIFF, ("aiff",), Id3Tags),
    Format("WAV", WAVE, ("wav",), Id3Tags),
    Format("DSF", DSF, ("dsf",), Id3Tags),
    Format("True Audio", TrueAudio, ("tta",), Id3Tags),
)


class TagFile:
    """The tags of a file.

    Args:
        file: The open file.
        format: Its format; None to find out.

    Raises:
        MusicTagError: If the format has no tags that can be written, or the tags are damaged. The message is a reason
            that follows the name of the file.
    """

    def __init__(self, file: BinaryIO, format: Format | None = None):
        with _reasons("cannot read its tags"):
            self.format = format or _find_format(file)
            self._tags = self.format.tags(self.format.kind, file)

    def fields(self) -> dict[str, tuple[str, ...]]:
        """The values of "genre", "mood", and of each of our scores, such as "KMT:techno"."""
        with _reasons("cannot read its tags"):
            return self._tags.fields()

    def others(self, by_meaning: bool) -> list:
        """All other tags, to compare before and after: as bytes where the format has frames, or by meaning."""
        with _reasons("cannot read its tags"):
            return self._tags.others(by_meaning)

    @property
    def converts(self) -> bool:
        """Whether saving converts the tag to another version of ID3: others keep their meaning, not their bytes."""
        return self._tags.converts

    @property
    def separator(self) -> str | None:
        """What joins several values into one text; None if they are several texts, as everywhere but in ID3v2.3."""
        return self._tags.separator

    def save(self, file: BinaryIO, changes: dict[str, tuple[str, ...]]) -> None:
        """Changes fields in a copy of the file, open for reading and writing; no values remove a field."""
        with _reasons("cannot write its tags"):
            for field, values in changes.items():
                self._tags.change(field, values)
            self._tags.save(file)


def _find_format(file: BinaryIO) -> Format:
    file.seek(0)
    found = mutagen.File(file, options=[format.kind for format in FORMATS])
    if found is None:
        names = ", ".join(format.name for format in FORMATS)
        raise MusicTagError(f"its format has no tags that can be written; expected one of {names}")
    format = next(format for format in FORMATS if format.kind is type(found))
    if format.kind is MP3 and found.tags is None:
        file.seek(0)
        try:
            APEv2(file)
        except APENoHeaderError:
            return format
        return APE_IN_MP3  # with an ID3v2 tag beside it, players would no longer read this one
    return format


@contextmanager
def _reasons(what: str) -> Iterator[None]:
    """Turns any error of mutagen, which raises nearly every class on damaged files, into a reason."""
    try:
        yield
    except (MusicTagError, OSError):
        raise
    except Exception as error:
        detail = " ".join(str(error).split()) or type(error).__name__
        raise MusicTagError(f"mutagen {what} ({detail})") from error
