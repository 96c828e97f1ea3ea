"""Tags in files: as other programs read them, with everything else as it was; and files that are left alone."""

import os
import stat

import pytest

from keras_musictag import MusicTagError
from keras_musictag.library import FileTags, find_run, list_runs, undo_run
from tests.library import tagged_music
from tests.library.tagged_music import (
    ARTIST,
    NAMES,
    TITLE,
    WANTED,
    ffmpeg_view,
    make_library,
    music,
    taglib_tags,
    write,
)


@pytest.fixture
def library(tmp_path):
    with make_library(tmp_path, {name: music(name) for name in NAMES}) as database:
        yield database


def folder_of(database):
    return database.path.parent / "music"


def journal_of(database):
    return database.path.with_name("library.db.journal")


def states(database):
    found = {path.name: path.stat() for path in folder_of(database).iterdir()}
    return {name: (state.st_ino, state.st_size, state.st_mtime_ns) for name, state in found.items()}


def scores_in(path):
    tags, _ = ffmpeg_view(path)
    if path.suffix == ".tta":  # where FFmpeg reads no ID3v2; and TagLib shows no names of ASF that it does not know
        tags = {key.lower(): ", ".join(values) for key, values in taglib_tags(path).items()}
    return {key: value for key, value in tags.items() if key.startswith("kmt:")}


def only(tmp_path, content, name="a.mp3"):
    return make_library(tmp_path, {name: content})


def test_other_programs_read_several_values(library):
    reports = write(library)
    for name in NAMES:
        assert reports[name].problem is None, (name, reports[name])
        tags = taglib_tags(folder_of(library) / name)
        assert tags["GENRE"] == ["Drum & Bass", "Techno"], name
        assert tags["MOOD"] == ["Calm", "Fröhlich"], name
        assert tags["TITLE"] == [TITLE] and tags["ARTIST"] == [ARTIST], name


def test_audio_pictures_and_other_tags_stay(library):
    before = {name: ffmpeg_view(folder_of(library) / name) for name in NAMES}
    foreign = {name: taglib_tags(folder_of(library) / name) for name in NAMES}
    write(library, wanted=FileTags(WANTED.genres, WANTED.moods, {"techno": 0.9126}))
    for name in NAMES:
        path = folder_of(library) / name
        tags, streams = ffmpeg_view(path)
        assert streams == before[name][1], name
        ours = {"genre", "mood", "tmoo", "wm/mood", "kmt:techno"}
        assert {key: value for key, value in tags.items() if key not in ours} == before[name][0], name
        now = taglib_tags(path)
        assert {key: now[key] for key in foreign[name]} == foreign[name], name
        assert tagged_music.picture() in path.read_bytes() or name in ("c.ogg", "d.opus", "e.oga"), name


def test_scores_are_written_when_asked(library):
    scores = {"techno": 0.9126, "hip hop": 0.01, "a=b~ж": 1.0}
    write(library, wanted=FileTags(scores=scores))
    for name in NAMES:
        found = scores_in(folder_of(library) / name)
        assert found == {"kmt:techno": "0.913", "kmt:hip hop": "0.010", "kmt:a%3db%7e%d0%b6": "1.000"}, name
        assert "genre" not in ffmpeg_view(folder_of(library) / name)[0]
    # the scores of another model replace them, without the tags that it does not have
    write(library, wanted=FileTags(scores={"techno": 0.5}))
    for name in NAMES:
        assert scores_in(folder_of(library) / name) == {"kmt:techno": "0.500"}, name


def test_a_second_run_has_nothing_to_write(library):
    write(library)
    reports = write(library, wanted=FileTags(("TECHNO",), ("calm",)))  # in other letters
    assert not any(report.changes or report.problem for report in reports.values())
    assert len(list_runs(library.path)) == 1


def test_add_keeps_fill_fills_replace_replaces(library):
    write(library, wanted=FileTags(("Rock",)))
    added = FileTags(("Pop",), ("Calm",))
    for mode, genres in (("fill", ["Rock"]), ("add", ["Pop", "Rock"]), ("replace", ["Pop"])):
        write(library, wanted=added, mode=mode)
        for name in NAMES:
            tags = taglib_tags(folder_of(library) / name)
            assert (tags["GENRE"], tags["MOOD"]) == (genres, ["Calm"]), (mode, name)
    write(library, wanted=FileTags(), mode="replace")  # nothing to write is no reason to remove
    assert taglib_tags(folder_of(library) / "a.mp3")["GENRE"] == ["Pop"]


def test_a_dry_run_reports_and_changes_nothing(library):
    before = states(library)
    reports = write(library, dry_run=True)
    assert {(c.field, c.value, c.is_added) for c in reports["b.flac"].changes} == {
        ("genre", "Techno", True),
        ("genre", "Drum & Bass", True),
        ("mood", "Calm", True),
        ("mood", "Fröhlich", True),
    }
    assert states(library) == before
    assert not journal_of(library).exists()


def test_a_scan_has_nothing_to_do_after_a_write(library):
    write(library)
    for name in NAMES:
        state = os.stat(folder_of(library) / name)
        assert library.file_state(str(folder_of(library) / name)) == (state.st_size, state.st_mtime_ns)


def test_a_kill_before_the_database_is_updated_is_noticed(tmp_path):
    with make_library(tmp_path, {name: music(name) for name in ("a.mp3", "b.flac")}) as database:
        path = folder_of(database) / "b.flac"
        before = database.file_state(str(path))
        write(database)
        database.update_file_state(str(path), *before)  # all that such a kill leaves
        reports = write(database, wanted=FileTags(("Pop",)))
        assert all(report.changes and report.problem is None for report in reports.values())

        before = database.file_state(str(path))
        write(database, wanted=FileTags(("Rock",)))
        database.update_file_state(str(path), *before)
        path.write_bytes(path.read_bytes() + b"more")  # by another program
        assert "changed since it was scanned" in write(database, ["b.flac"])["b.flac"].problem


@pytest.mark.needs("posix")
def test_a_date_after_2262_is_no_obstacle(tmp_path):
    with only(tmp_path, music("a.mp3")) as database:
        path = folder_of(database) / "a.mp3"
        os.utime(path, ns=(10**19, 10**19))
        database.put_file(str(path), path.stat().st_size, 2**63 - 1)
        assert write(database, keep_mtime=True)["a.mp3"].problem is None
        assert [report.problem for report in undo_run(find_run(database.path), database)] == [None]
        assert path.stat().st_mtime_ns == 10**19


def test_a_change_right_after_the_write_is_noticed(tmp_path, monkeypatch):
    real = os.replace

    def replace_and_edit(old, new):
        real(old, new)
        if os.fspath(new).endswith(".mp3"):
            with open(new, "ab") as file:
                file.write(b"by another program")

    with only(tmp_path, music("a.mp3")) as database:
        monkeypatch.setattr(os, "replace", replace_and_edit)
        write(database)
        path = folder_of(database) / "a.mp3"
        assert database.file_state(str(path))[0] == path.stat().st_size - len(b"by another program")


def test_mode_and_mtime_are_kept(library):
    path = folder_of(library) / "a.mp3"
    path.chmod(0o640)
    os.utime(path, ns=(10**18, 10**18))
    tagged_music.remember(library, path)
    write(library, ["a.mp3", "b.flac"], keep_mtime=True)
    state = path.stat()
    assert (stat.S_IMODE(state.st_mode), state.st_mtime_ns) == (0o640, 10**18)
    write(library, ["a.mp3"], wanted=FileTags(("Pop",)))
    assert path.stat().st_mtime_ns > 10**18


@pytest.mark.needs("attributes")
def test_extended_attributes_are_kept(tmp_path):
    with only(tmp_path, music("a.mp3")) as database:
        path = folder_of(database) / "a.mp3"
        os.setxattr(path, "user.comment", b"mine")
        write(database)
        assert os.getxattr(path, "user.comment") == b"mine"


def test_names_of_any_bytes_are_written(tmp_path):
    with make_library(tmp_path, {"a\n=;?.mp3": music("a.mp3"), "x" * 251 + ".mp3": music("a.mp3")}) as database:
        assert all(report.changes for report in write(database).values())


@pytest.mark.needs("any_file_name")
def test_names_that_are_not_utf8_are_written(tmp_path):
    with only(tmp_path, music("b.flac"), os.fsdecode(b"caf\xe9.flac")) as database:
        (report,) = write(database).values()
        assert report.changes and report.problem is None


def refused(database, reason, **options):
    """Checks that the only file is left alone for a reason, and that nothing is left behind."""
    (path,) = folder_of(database).iterdir()
    before = (path.read_bytes(), path.stat())
    (report,) = write(database, **options).values()
    assert report.problem and reason in report.problem, report
    assert (path.read_bytes(), path.stat().st_mtime_ns) == (before[0], before[1].st_mtime_ns)
    assert list(folder_of(database).iterdir()) == [path]
    assert list_runs(database.path) == []


def id3(size: int) -> bytes:
    return b"ID3\4\0\0" + bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))


HOSTILE = {
    "empty.mp3": (b"", "mutagen cannot read its tags"),
    "nulls.mp3": (bytes(10**7), "mutagen cannot read its tags"),
    "size.mp3": (id3(2**27) + b"TIT2" + bytes(1000), "mutagen cannot read its tags"),
    "text.mp3": (b"just words " * 500, "mutagen cannot read its tags"),
    "cut.m4a": (None, "mutagen cannot read its tags"),
    "not.flac": (b"fLaC" + bytes(5000), "mutagen cannot read its tags"),
    "shifted.dsf": (None, "there is none"),
    "other.mka": (b"\x1aE\xdf\xa3" + bytes(500), "has no tags that can be written"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_left_alone_with_a_reason(tmp_path, name):
    content, reason = HOSTILE[name]
    if content is None:
        content = music("g.m4a")[:300] if name == "cut.m4a" else music("m.dsf")[:5000] + b"x" + music("m.dsf")[5000:]
    with only(tmp_path, content, name) as database:
        refused(database, reason)


def test_ten_megabytes_of_nulls_as_a_tag_are_kept(tmp_path):
    sound = music("a.mp3")
    sound = sound[10 + sum(byte << shift for byte, shift in zip(sound[6:10], (21, 14, 7, 0), strict=True)) :]
    with only(tmp_path, id3(10**7) + bytes(10**7) + sound) as database:
        report = write(database)["a.mp3"]
        assert report.problem is None
        path = folder_of(database) / "a.mp3"
        assert taglib_tags(path)["GENRE"] == ["Drum & Bass", "Techno"]
        assert path.read_bytes().endswith(sound)


def test_a_codec_that_ffmpeg_does_not_know_is_no_obstacle(tmp_path):
    wav = music("k.wav").replace(b"fmt \x10\0\0\0\1\0", b"fmt \x10\0\0\0\x34\x12")
    with only(tmp_path, wav, "k.wav") as database:
        assert write(database)["k.wav"].problem is None
        assert taglib_tags(folder_of(database) / "k.wav")["GENRE"] == ["Drum & Bass", "Techno"]


def test_tags_that_are_not_utf8_are_not_replaced(tmp_path):
    """mutagen would write a question mark for the letter."""
    flac = music("b.flac").replace(ARTIST.encode(), b"K\xfc\xfcnstlerin")
    with only(tmp_path, flac, "b.flac") as database:
        refused(database, "would change")


def test_a_file_that_changed_since_the_scan_is_left_alone(tmp_path):
    with only(tmp_path, music("a.mp3")) as database:
        os.utime(folder_of(database) / "a.mp3", ns=(1, 1))
        refused(database, "changed since it was scanned")


def test_a_read_only_file_is_left_alone(tmp_path):
    with only(tmp_path, music("a.mp3")) as database:
        (folder_of(database) / "a.mp3").chmod(0o444)
        refused(database, "it is read-only")


@pytest.mark.needs("posix")
def test_a_full_disk_leaves_the_file_alone(tmp_path):
    """A limit on the size of files stands in for the disk."""
    import resource
    import signal

    with only(tmp_path, music("k.wav"), "k.wav") as database:
        before = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (len(music("k.wav")) - 1, before[0][1]))
            refused(database, "ile too large")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before[0])
            signal.signal(signal.SIGXFSZ, before[1])


@pytest.mark.needs("posix")
def test_no_file_is_touched_without_a_journal(tmp_path):
    with only(tmp_path, music("a.mp3")) as database:
        journal_of(database).write_text("in the way")
        with pytest.raises(MusicTagError, match="The journal in .* cannot be written"):
            write(database)
        path = folder_of(database) / "a.mp3"
        assert path.read_bytes() == music("a.mp3") and list(path.parent.iterdir()) == [path]


@pytest.mark.needs("posix")
def test_hard_links_are_written_only_when_asked(tmp_path):
    with only(tmp_path, music("a.mp3")) as database:
        path, other = folder_of(database) / "a.mp3", tmp_path / "other.mp3"
        os.link(path, other)
        refused(database, "it has 2 names (hard links)")
        assert write(database, hard_links=True)["a.mp3"].changes
        assert other.read_bytes() == music("a.mp3") != path.read_bytes()


@pytest.mark.needs("posix")
def test_the_target_of_links_is_written_once(tmp_path):
    with make_library(tmp_path, {"b.mp3": music("a.mp3")}) as database:
        path, link = folder_of(database) / "b.mp3", folder_of(database) / "a.mp3"
        link.symlink_to(path)
        tagged_music.remember(database, link)
        reports = write(database)
        assert list(reports) == ["a.mp3"] and reports["a.mp3"].changes
        assert link.is_symlink() and taglib_tags(path)["GENRE"] == ["Drum & Bass", "Techno"]
        assert len(list(find_run(database.path).entries())) == 1
        state = os.stat(path)
        for name in (path, link):
            assert database.file_state(str(name)) == (state.st_size, state.st_mtime_ns)
        assert [report.problem for report in undo_run(find_run(database.path), database)] == [None]
        state = os.stat(path)
        assert database.file_state(str(link)) == (state.st_size, state.st_mtime_ns)


def test_old_scratch_files_are_removed(tmp_path):
    with only(tmp_path, music("a.mp3")) as database:
        old, new = (folder_of(database) / f".keras_musictag-{name}.part" for name in ("old", "new"))
        old.write_bytes(b"x"), new.write_bytes(b"x")
        os.utime(old, (1, 1))
        write(database, ["a.mp3"])
        assert not old.exists() and new.exists()


def test_an_mp3_with_only_apev2_gets_no_id3(tmp_path):
    """With ID3v2 beside it, TagLib would no longer read the title."""
    from mutagen.apev2 import APEv2

    sound = music("a.mp3")
    sound = sound[10 + sum(byte << shift for byte, shift in zip(sound[6:10], (21, 14, 7, 0), strict=True)) :]
    with only(tmp_path, sound) as database:
        path = folder_of(database) / "a.mp3"
        tags = APEv2()
        tags["Title"] = TITLE
        tags.save(path)
        tagged_music.remember(database, path)
        assert write(database)["a.mp3"].problem is None
        assert path.read_bytes().startswith(sound)
        assert taglib_tags(path)["GENRE"] == ["Drum & Bass", "Techno"] and taglib_tags(path)["TITLE"] == [TITLE]


def test_an_unknown_mode_is_an_error(library):
    with pytest.raises(ValueError, match="`mode` must be one of add, fill, replace"):
        write(library, mode="append")
