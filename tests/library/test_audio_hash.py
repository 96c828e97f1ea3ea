"""The hash of the audio is the same whatever tags and pictures surround it, and differs for different audio."""

import io

import mutagen
import pytest
from mutagen.apev2 import APEv2
from mutagen.flac import Picture
from mutagen.id3 import APIC, ID3, TIT2

from keras_musictag import AudioError
from keras_musictag.library import Labels
from keras_musictag.library.audio_hash import MusicFile, identify
from tests.library.music_folder import FORMATS, write_music

PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 400


@pytest.fixture(scope="module")
def music(tmp_path_factory):
    """A short file in each format; tests tag copies."""
    folder = tmp_path_factory.mktemp("music")
    return {suffix: write_music(folder / f"a{suffix}", 0.5) for suffix in FORMATS}


@pytest.fixture
def copy(music, tmp_path):
    def make(suffix):
        path = tmp_path / f"copy{suffix}"
        path.write_bytes(music[suffix].read_bytes())
        return path

    return make


def digest(path):
    with open(path, "rb") as file:
        return identify(file)[0]


def labels(path):
    with open(path, "rb") as file:
        return identify(file)[1]


def save_ape(path, **texts):
    tags = APEv2()
    tags.update(texts)
    tags.save(path)


def tag(path, size):
    """Tags a file as players do; `size` is the length of the longest text."""
    if path.name.endswith(".aac"):
        save_ape(path, Title="a" * size)
        return
    file = mutagen.File(path, easy=path.suffix in (".mp3", ".m4a", ".tta"))
    if file.tags is None:
        file.add_tags()
    if isinstance(file.tags, ID3):  # AIFF, WAV and DSF have no easy form
        file.tags.add(TIT2(text="a" * size))
        file.tags.add(APIC(mime="image/png", type=3, data=PICTURE))
    elif path.suffix == ".wma":
        file["Title"], file["Author"], file["WM/Year"] = "a" * size, "Somebody", "1999"
    else:
        year = "Year" if path.suffix == ".wv" else "date"
        file["title"], file["artist"], file[year] = "a" * size, "Somebody", "1999"
    file.save()


def add_picture(path):
    file = mutagen.File(path)
    picture = Picture()
    picture.data, picture.mime, picture.type = PICTURE, "image/png", 3
    if path.suffix == ".flac":
        file.add_picture(picture)
    elif path.suffix in (".ogg", ".opus"):
        import base64

        file["metadata_block_picture"] = [base64.b64encode(picture.write()).decode()]
    elif path.suffix == ".m4a":
        file["covr"] = [mutagen.mp4.MP4Cover(PICTURE, mutagen.mp4.MP4Cover.FORMAT_PNG)]
    elif path.suffix in (".mp3", ".tta"):
        file.tags.add(APIC(mime="image/png", type=3, data=PICTURE))
    else:
        return
    file.save()


@pytest.mark.parametrize("suffix", FORMATS)
def test_tags_and_pictures_do_not_change_the_hash(copy, suffix):
    path = copy(suffix)
    before, content = digest(path), path.read_bytes()
    for size in (10, 100_000, 50):
        tag(path, size)
        assert digest(path) == before
    add_picture(path)
    assert digest(path) == before
    assert path.read_bytes() != content


def test_every_format_has_another_hash(music):
    assert len({digest(path) for path in music.values()}) == len(FORMATS)


def test_one_other_byte_of_audio_is_another_track(copy):
    path = copy(".flac")
    before, content = digest(path), bytearray(path.read_bytes())
    content[-100] ^= 1
    path.write_bytes(content)
    assert digest(path) != before


@pytest.mark.parametrize("suffix", [".mp3", ".aac", ".flac"])
def test_tags_after_the_audio_do_not_count(copy, suffix):
    path = copy(suffix)
    before, content = digest(path), path.read_bytes()
    lyrics = b"LYRICSBEGIN" + b"words" * 50
    lyrics += b"%06dLYRICS200" % len(lyrics)
    id3v1 = b"TAG" + b"a title".ljust(125, b"\0")
    path.write_bytes(content)
    save_ape(path, Title="one")
    with_ape = path.read_bytes()
    for ending in (id3v1, lyrics + id3v1, lyrics):
        path.write_bytes(with_ape + ending)
        assert digest(path) == before
        path.write_bytes(content + ending)
        assert digest(path) == before


@pytest.mark.parametrize("suffix", [".mp3", ".ogg", ".opus", ".flac", ".m4a", ".wma", ".wv"])
def test_labels_are_read_in_every_format(copy, suffix):
    path = copy(suffix)
    tag(path, 3)
    assert labels(path) == Labels("Somebody", None, "aaa", 1999)


def test_no_audio_is_an_error():
    with pytest.raises(AudioError, match="The file is empty"):
        identify(io.BytesIO())
    with pytest.raises(AudioError, match="The file is not audio"):
        identify(io.BytesIO(b"TAG" + bytes(125)))


def test_a_failing_disk_is_an_error(music):
    class Failing(io.BytesIO):
        def read(self, size=-1):
            if self.tell() > 3000:
                raise OSError(5, "Input/output error")
            return super().read(size)

    with pytest.raises(OSError, match="Input/output error"):
        identify(Failing(music[".wav"].read_bytes()))


def test_a_file_that_grows_ends_where_it_ended():
    file = io.BytesIO(b"0123456789")
    part = MusicFile(file, 4)
    assert part.read(99) == b"0123" and part.read(1) == b"" and part.seek(-1, 2) == 3 and part.read() == b"3"


def test_an_impossible_place_is_no_exception(music):
    with open(music[".wav"], "rb") as file:
        part = MusicFile(file, 100)
        assert [part.seek(offset) for offset in (-5, 2**40, 2**70)] == [-1, 2**40, -1]
