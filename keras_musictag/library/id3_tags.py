"""Genre, mood and scores in ID3v2 tags: MP3, True Audio, WAV, AIFF and DSF.

An ID3v2.3 tag stays one, and so does an ID3v2.4 tag. Every frame that is not ours is kept to the byte: mutagen gets no
classes for the frames, so it copies them instead of reading and writing them again. Two kinds of files have no tag that
can be kept, and get a new one with what the old one says: ID3v2.2, which mutagen cannot write, becomes ID3v2.3; and a
file that has only an ID3v1 tag gets an ID3v2.4 tag next to it, because players ignore ID3v1 if there is an ID3v2 tag.
"""

from collections.abc import Iterator
from typing import BinaryIO

from mutagen.dsf import DSF
from mutagen.id3 import ID3, TCON, TMOO, TXXX, BitPaddedInt, Frame, Frames, ID3NoHeaderError, ID3v1SaveOptions
from mutagen.mp3 import MP3
from mutagen.trueaudio import TrueAudio

from keras_musictag.errors import MusicTagError
from keras_musictag.library.file_tags import GENRE, MOOD, SCORE_PREFIX

AT_HEAD = (MP3, TrueAudio)  # files that begin with the tag; in the others it is in a chunk of its own
V23_SEPARATOR = "/"  # ID3v2.3 has one text per frame; Picard joins several with this, and Navidrome splits at it
ENCODINGS = ("latin-1", "utf-16", "utf-16-be", "utf-8")  # of a frame's text, by its first byte
UNSYNCHRONISED = 0x02  # flag of an ID3v2.4 frame


class _NamesOnly(dict):
    """Tells mutagen which frames exist, and has no class for any: so it keeps their bytes."""

    def __getitem__(self, name):
        raise KeyError(name)


class Id3Tags:
    """The ID3v2 tag of an open file.

    Args:
        kind: mutagen's class for the file.
        file: The file.

    Attributes:
        converts: Whether saving makes a new tag from an old one: its frames keep their meaning, not their bytes.
        separator: What joins several values into one text; None if they are several texts.
    """

    def __init__(self, kind: type, file: BinaryIO):
        self._at_head = issubclass(kind, AT_HEAD)
        loaded = _load(kind, file)
        self.converts = loaded.tags is not None and loaded.tags.version[1] == 2
        if loaded.tags is None:
            self._version, self._read = 4, self._new_tags(file, loaded)
            self._tags = self._read
        elif loaded.tags.version[1] == 2:
            if loaded.tags.unknown_frames:
                raise MusicTagError("its tag is ID3v2.2 with frames that a newer version cannot hold")
            self._version = 3
            self._read = self._tags = _load(kind, file, translate=True, v2_version=3).tags
        else:
            self._version, self._read = loaded.tags.version[1], loaded.tags
            self._tags = _load(kind, file, known_frames=_NamesOnly(Frames)).tags
            if self._version == 4:
                self._tags.unknown_frames = [
                    _as_plain_v24(frame, self._tags.f_unsynch) for frame in self._tags.unknown_frames
                ]
        self._changed: dict[str, tuple[str, ...]] = {}
        frames = [frame for frame in self._read.values() if _field_of(frame.FrameID, getattr(frame, "desc", ""))]
        has_nulls = any(len(frame.text) > 1 for frame in frames)  # by a program that ignores Picard's convention
        self.separator = V23_SEPARATOR if self._version == 3 and not has_nulls else None

    def _new_tags(self, file: BinaryIO, loaded) -> ID3:
        if self._at_head:
            file.seek(0)
            try:
                tags = ID3(file)  # from ID3v1
            except ID3NoHeaderError:
                return ID3()
            self.converts = True
            return tags
        if isinstance(loaded, DSF) and _dsf_tag_position(file):  # mutagen would overwrite what is there
            raise MusicTagError("its header states the position of a tag, but there is none")
        loaded.add_tags()
        return loaded.tags

    def fields(self) -> dict[str, tuple[str, ...]]:
        """The values of genre, mood and our scores, as `tag_formats.TagFile.fields`."""
        genres = self._texts([frame.genres for frame in self._read.getall("TCON")])
        moods, scores = [frame.text for frame in self._read.getall("TMOO")], {}
        for frame in self._read.getall("TXXX"):
            field = _field_of("TXXX", frame.desc)
            if field == MOOD:
                moods.append(frame.text)
            elif field:
                scores[field] = tuple(map(str, frame.text))
        return {GENRE: genres, MOOD: self._texts(moods), **scores}

    def _texts(self, frames: list[list]) -> tuple[str, ...]:
        texts = [str(text) for frame in frames for text in frame]
        if self.separator:
            texts = [part for text in texts for part in text.split(self.separator)]
        return tuple(filter(None, texts))

    def change(self, field: str, values: tuple[str, ...]) -> None:
        """Sets a field; no values remove it."""
        self._changed[field] = values

    def save(self, file: BinaryIO) -> None:
        """Writes the tag into a copy of the file."""
        tags, changed = self._tags, self._changed
        tags.unknown_frames = [frame for frame in tags.unknown_frames if _field_of_bytes(frame) not in changed]
        for key, frame in list(tags.items()):
            if _field_of(frame.FrameID, getattr(frame, "desc", "")) in changed:
                del tags[key]
        for frame in self._new_frames():
            tags.add(frame)
        options = {"v2_version": self._version, "v23_sep": None}  # None: it must not join what others separated
        if self._at_head:
            _save_at_head(tags, file, options)
        else:
            tags.save(file, **options)

    def _new_frames(self) -> Iterator[Frame]:
        for field, values in self._changed.items():
            if not values:
                continue
            if self.separator:
                values = (self.separator.join(values),)
            text = {"encoding": self._encoding("".join(values)), "text": list(values)}
            if field == GENRE:
                yield TCON(**text)
            elif field == MOOD and self._version == 4:
                yield TMOO(**text)
            else:  # ID3v2.3 has no TMOO
                yield TXXX(desc="MOOD" if field == MOOD else field, **text)

    def _encoding(self, text: str) -> int:
        if self._version == 4:
            return ENCODINGS.index("utf-8")
        return ENCODINGS.index("latin-1" if text.isascii() else "utf-16")

    def others(self, by_meaning: bool) -> list:
        """What the tag has besides our fields, to compare before and after: as bytes, or by meaning."""
        if not by_meaning:
            return sorted(bytes(frame) for frame in self._tags.unknown_frames if _field_of_bytes(frame) is None)
        frames = self._read.values()
        return sorted(repr(frame) for frame in frames if _field_of(frame.FrameID, getattr(frame, "desc", "")) is None)


def _field_of(name: str, description: str) -> str | None:
    """The field that a frame holds; None for a frame that is not ours."""
    if name == "TXXX":
        if description.casefold() == MOOD:
            return MOOD
        return description if description.startswith(SCORE_PREFIX) else None
    return {"TCON": GENRE, "TMOO": MOOD}.get(name)


def _field_of_bytes(frame: bytes) -> str | None:
    return _field_of(frame[:4].decode("latin-1"), _description(frame) if frame[:4] == b"TXXX" else "")


def _load(kind: type, file: BinaryIO, **options):
    file.seek(0)
    return kind(file, **{"translate": False, "load_v1": False, **options})


def _dsf_tag_position(file: BinaryIO) -> int:
    file.seek(20)
    return int.from_bytes(file.read(8), "little")


def _description(frame: bytes) -> str:
    """The description of a TXXX frame: its encoding, the description, a null, the text."""
    if len(frame) < 12 or frame[10] >= len(ENCODINGS):
        return ""
    return frame[11:].decode(ENCODINGS[frame[10]], "replace").partition("\0")[0]


def _as_plain_v24(frame: bytes, unsynchronised: bool) -> bytes:
    """Gives a frame its size as ID3v2.4 wants it (iTunes did not), and the flag of the tag, which mutagen clears."""
    size = BitPaddedInt.to_str(len(frame) - 10, width=4)
    flags = frame[9] | (UNSYNCHRONISED if unsynchronised else 0)
    return frame[:4] + size + frame[8:9] + bytes([flags]) + frame[10:]


def _save_at_head(tags: ID3, file: BinaryIO, options: dict) -> None:
    """Saves a tag at the head of a file, and keeps the ID3v1 tag at its end, which mutagen would make anew."""
    old_rest = _bytes_after_tag(file)
    file.seek(-min(old_rest, 1024), 2)
    tail = file.read()
    file.seek(0)
    tags.save(file, v1=ID3v1SaveOptions.REMOVE, **options)
    removed = old_rest - _bytes_after_tag(file)
    file.seek(0, 2)
    file.write(tail[len(tail) - removed :])


def _bytes_after_tag(file: BinaryIO) -> int:
    file.seek(0)
    try:
        head = ID3(file, load_v1=False, known_frames=_NamesOnly()).size
    except ID3NoHeaderError:
        head = 0
    return file.seek(0, 2) - head
