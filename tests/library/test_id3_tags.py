"""ID3 tags keep their version, and every frame that is not ours, to the byte."""

import pytest

from keras_musictag.library import FileTags
from tests.library.tagged_music import ffmpeg_view, make_library, music, picture, remember, taglib_tags, write

WANTED = FileTags(("Techno", "House"), ("Calm", "Fröhlich"))


def synchsafe(size: int) -> bytes:
    return bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))


def size_of(head: bytes) -> int:
    return sum(byte << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True))


def sound() -> bytes:
    """MPEG frames without tags."""
    file = music("a.mp3")
    return file[10 + size_of(file) :]


def frame(name: bytes, content: bytes, version=3, flags=b"\0\0") -> bytes:
    size = synchsafe(len(content)) if version == 4 else len(content).to_bytes(4, "big")
    return name + size + flags + content


def tag(version: int, frames: bytes, padding=100, flags=0) -> bytes:
    return b"ID3" + bytes([version, 0, flags]) + synchsafe(len(frames) + padding) + frames + bytes(padding)


def frames_of(file: bytes) -> list[bytes]:
    """The frames of an ID3v2.3 or ID3v2.4 tag, as bytes."""
    version, at, end, found = file[3], 10, 10 + size_of(file), []
    while at < end and file[at]:
        size = file[at + 4 : at + 8]
        size = sum(b << s for b, s in zip(size, (21, 14, 7, 0), strict=True)) if version == 4 else int.from_bytes(size)
        found.append(file[at : at + 10 + size])
        at += 10 + size
    return found


# what another program may not touch: among them frames that mutagen would merge, change or drop
FOREIGN = (
    frame(b"TIT2", b"\0Title\0\0"),
    frame(b"TPE1", b"\1\xff\xfeA\0B\0\0\0C\0"),  # two values, which ID3v2.3 has no room for
    frame(b"TYER", b"\0001999"),
    frame(b"TDAT", b"\0003112"),
    frame(b"COMM", b"\0eng\0first"),
    frame(b"COMM", b"\0eng\0second"),  # the same description
    frame(b"TXXX", b"\0MOODY\0not ours"),
    frame(b"TXXX", b"\3utf\0\xc3\xbc"),  # an encoding that ID3v2.3 does not have
    frame(b"PRIV", b"someone\0" + bytes(range(256))),
    frame(b"XYZW", b"unknown"),
    frame(b"RVAD", b"\3\x10" + bytes(8)),
    frame(b"APIC", b"\0image/png\0\3\0" + bytes(3000)),
    frame(b"APIC", b"\0image/png\0\4\0" + bytes(2000)),  # the same description
)


@pytest.fixture
def retag(tmp_path):
    """A function that writes tags into an MP3 file, and returns the path."""

    def write_into(content: bytes, wanted=WANTED, **options):
        with make_library(tmp_path, {"a.mp3": content}) as database:
            report = write(database, ["a.mp3"], wanted, **options)["a.mp3"]
            assert report.problem is None, report
        return tmp_path / "music" / "a.mp3"

    return write_into


def test_version_3_stays_and_all_other_frames_too(retag):
    ours = frame(b"TCON", b"\0Rock") + frame(b"TXXX", b"\0mood\0Sad")  # as Picard writes it
    path = retag(tag(3, ours + b"".join(FOREIGN)) + sound())
    new = path.read_bytes()
    assert new[:4] == b"ID3\3" and new.endswith(sound())
    frames = frames_of(new)
    assert [found for found in frames if found in FOREIGN] == list(FOREIGN)
    mood = "Sad/Calm/Fröhlich".encode("utf-16")
    assert sorted(found for found in frames if found not in FOREIGN) == [
        frame(b"TCON", b"\0Rock/Techno/House\0"),
        frame(b"TXXX", b"\1" + "MOOD\0".encode("utf-16") + mood + b"\0\0"),
    ]
    tags = taglib_tags(path)
    assert (tags["GENRE"], tags["MOOD"]) == (["Rock/Techno/House"], ["Sad/Calm/Fröhlich"])


def test_version_3_separated_by_nulls_stays_so(retag):
    path = retag(tag(3, frame(b"TCON", b"\0Rock\0Pop/Rock")) + sound())
    assert taglib_tags(path)["GENRE"] == ["House", "Pop/Rock", "Rock", "Techno"]


def test_genres_with_a_slash_are_written_once(retag):
    path = retag(tag(3, FOREIGN[0]) + sound(), FileTags(("Pop/Rock",)))
    assert taglib_tags(path)["GENRE"] == ["Pop/Rock"]
    once = path.read_bytes()
    assert retag(once, FileTags(("Pop/Rock", "pop"))).read_bytes() == once


def test_numbers_of_genres_are_names(retag):
    path = retag(tag(3, frame(b"TCON", b"\0(17)(13)")) + sound(), FileTags(("rock", "Techno")))
    assert taglib_tags(path)["GENRE"] == ["Rock/Pop/Techno"]


def test_version_4_has_tmoo_only(retag):
    ours = frame(b"TMOO", b"\3Sad", 4) + frame(b"TXXX", b"\3MOOD\0Dark", 4)
    path = retag(tag(4, ours + frame(b"TIT2", b"\3Title", 4)) + sound())
    frames = frames_of(path.read_bytes())
    assert path.read_bytes()[3] == 4
    assert frame(b"TIT2", b"\3Title", 4) in frames
    moods = [found for found in frames if b"Sad" in found or b"Dark" in found]
    assert moods == [frame(b"TMOO", "\3Sad\0Dark\0Calm\0Fröhlich\0".encode(), 4)]


def test_moods_move_from_tmoo_in_version_3(retag):
    path = retag(tag(3, frame(b"TMOO", b"\0Sad")) + sound(), FileTags((), ("Calm",)))
    assert frames_of(path.read_bytes()) == [frame(b"TXXX", b"\0MOOD\0Sad/Calm\0")]


def test_frames_with_wrong_sizes_of_itunes_stay(retag):
    """Old versions of iTunes wrote ID3v2.4 with the sizes of ID3v2.3."""
    picture = b"\0image/png\0\3\0" + bytes(range(256)) * 3
    path = retag(tag(4, frame(b"TIT2", b"\3Title", 4) + frame(b"APIC", picture, 3)) + sound())
    assert frame(b"APIC", picture, 4) in frames_of(path.read_bytes())


def test_unsynchronised_frames_stay_readable(retag):
    picture = b"\0image/png\0\3\0" + b"\xff\x00\xe0\xff\x00\x00" * 20  # with a zero after each 0xFF
    frames = frame(b"TIT2", b"\3Title", 4) + frame(b"APIC", picture, 4)
    before = tag(4, frames, flags=0x80) + sound()
    path = retag(before)
    assert frame(b"APIC", picture, 4, b"\0\2") in frames_of(path.read_bytes())
    assert taglib_tags(path)["TITLE"] == ["Title"]


def test_version_2_becomes_version_3(retag):
    image = b"\0PNG\3\0" + picture()
    content = b"TT2\0\0\6\0Title" + b"PIC" + len(image).to_bytes(3, "big") + image + b"TYE\0\0\5\x001999"
    path = retag(tag(2, content) + sound())
    assert path.read_bytes()[3] == 3
    tags = taglib_tags(path)
    assert (tags["TITLE"], tags["DATE"], tags["GENRE"]) == (["Title"], ["1999"], ["Techno/House"])
    assert picture() in path.read_bytes()


def test_version_2_with_unknown_frames_is_left_alone(tmp_path):
    with make_library(tmp_path, {"a.mp3": tag(2, b"XYZ\0\0\3abc" + b"TT2\0\0\6\0Title") + sound()}) as database:
        assert "ID3v2.2 with frames" in write(database, wanted=WANTED)["a.mp3"].problem


def id3v1(title: bytes, genre=17) -> bytes:
    fields = title.ljust(30, b"\0") + b"Somebody".ljust(30, b"\0") + bytes(30) + b"1999" + b"hello".ljust(30, b"\0")
    return b"TAG" + fields + bytes([genre])


def test_an_id3v1_tag_stays_to_the_byte(retag):
    path = retag(tag(4, frame(b"TIT2", b"\3Another title", 4)) + sound() + id3v1(b"Title"))
    assert path.read_bytes().endswith(sound() + id3v1(b"Title"))


def test_what_only_id3v1_says_is_in_the_new_tag_too(retag):
    """A player that finds ID3v2 does not look further."""
    path = retag(sound() + id3v1(b"Title"))
    assert path.read_bytes().endswith(sound() + id3v1(b"Title"))
    tags = taglib_tags(path)
    assert (tags["TITLE"], tags["ARTIST"], tags["DATE"]) == (["Title"], ["Somebody"], ["1999"])
    assert tags["GENRE"] == ["House", "Rock", "Techno"]


def test_sound_that_looks_like_id3v1_stays(retag):
    ending = b"TAG" + bytes(range(100, 220))
    content = tag(4, frame(b"TIT2", b"\3Title", 4)) + sound() + ending
    assert retag(content).read_bytes().endswith(sound() + ending)


@pytest.mark.parametrize("name", ["j.aiff", "k.wav", "l.tta", "m.dsf"])
def test_other_containers_keep_version_3(tmp_path, name):
    import mutagen

    with make_library(tmp_path, {name: music(name)}) as database:
        path = tmp_path / "music" / name
        file = mutagen.File(path)
        file.tags.update_to_v23()
        file.tags.save(path, v2_version=3)
        remember(database, path)
        before = path.read_bytes()
        assert write(database, wanted=WANTED)[name].problem is None
        content = path.read_bytes()
        at = content.index(b"ID3\3")
        assert [f for f in frames_of(before[before.index(b"ID3\3") :]) if f not in frames_of(content[at:])] == []
        assert taglib_tags(path)["GENRE"] == ["Techno/House"]
        if name != "l.tta":
            assert ffmpeg_view(path)[0]["genre"] == "Techno/House"
