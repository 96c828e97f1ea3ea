"""The plugin in the real beets, as `beetsplug/musictag.py` in another folder than beets' own plugins."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import av
import mutagen
import pytest
import soundfile

from keras_musictag import demo_clip
from keras_musictag.audio import read
from tests.library.music_folder import write_music

PLUGIN = Path(__file__).parents[2] / "keras_musictag" / "library" / "beets_plugin" / "musictag.py"
pytestmark = pytest.mark.needs("beets")
# With these thresholds, each tag but techno is present in the demo clip.
RULES = """
genre = {rock = "Rock", techno = "Techno"}
mood = {quiet = "Quiet", soft = "Soft", loud = "Loud"}
thresholds = {rock = 0.001, techno = 0.999, quiet = 0.001, soft = 0.001, guitar = 0.001}
"""
CONFIG = """
directory: music
library: library.db
plugins: [info, {plugins}]
id3v23: {id3v23}
musictag: {{model: {model}, engine: onnx, rules: rules.toml, {settings}}}
"""


class Beets:
    """A beets library in an empty folder. Each command is a process of its own, in which beets finds the plugin."""

    def __init__(self, folder: Path, model: Path):
        self.folder, self.model = folder, model
        (folder / "site" / "beetsplug").mkdir(parents=True)
        shutil.copy(PLUGIN, folder / "site" / "beetsplug")
        (folder / "rules.toml").write_text(RULES)
        self.configure()

    def configure(self, settings: str = "auto: no", plugins: str = "musictag", id3v23: str = "no") -> None:
        text = CONFIG.format(model=self.model, settings=settings, plugins=plugins, id3v23=id3v23)
        (self.folder / "config.yaml").write_text(text)

    def run(self, *arguments: str, code: int = 0) -> str:
        environment = {**os.environ, "BEETSDIR": str(self.folder), "PYTHONPATH": str(self.folder / "site")}
        command = [sys.executable, "-m", "beets", *arguments]
        done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stderr
        return done.stdout + done.stderr

    def list(self, *fields: str) -> set[str]:
        return set(self.run("list", "--format", "|".join(f"${field}" for field in fields)).splitlines())

    def files(self) -> dict[str, dict[str, str]]:
        """The tags in the files of the library, as FFmpeg reads them."""
        found = {}
        for path in (self.folder / "music").rglob("*.*"):
            with av.open(path) as container:
                found[path.suffix] = {name.upper(): text for name, text in container.metadata.items()}
        return found


@pytest.fixture
def beets(tmp_path, exported_vgg_onnx) -> Beets:
    """With an MP3, and a FLAC to which a person has given a genre and a mood."""
    beets = Beets(tmp_path, exported_vgg_onnx)
    source = tmp_path / "source"
    source.mkdir()
    for name in ("one.mp3", "two.flac"):
        if name.endswith(".mp3"):
            shutil.copy(demo_clip(), source / name)
        else:
            clip = read(demo_clip(), 16000)
            soundfile.write(source / name, clip.samples, 16000)
        file = mutagen.File(source / name, easy=name.endswith(".mp3"))
        file["title"] = name
        if name == "two.flac":
            file["genre"], file["mood"] = "Shoegaze", "quiet"
        file.save()
    return beets


@pytest.fixture
def imported(beets) -> Beets:
    """After an import without the plugin."""
    beets.configure(plugins="")
    beets.run("import", "-qA", "source")
    beets.configure()
    return beets


def test_tags_are_set_and_written(imported):
    before = imported.files()
    assert "+ Rock" in imported.run("musictag", "--pretend")
    assert imported.files() == before and imported.list("musictag_model") == {"$musictag_model"}
    imported.run("musictag")
    assert imported.list("title", "genres", "mood", "musictag_genre", "musictag_instrument", "musictag_voice") == {
        "one.mp3|Rock|Soft; Quiet|rock|guitar|",
        "two.flac|Shoegaze; Rock|quiet; Soft|rock|guitar|",  # what a person wrote comes first, and is there once
    }
    files = imported.files()
    assert (files[".mp3"]["GENRE"], files[".mp3"]["TMOO"]) == ("Rock", "Soft") and "MOOD" not in files[".mp3"]
    assert (files[".flac"]["GENRE"], files[".flac"]["MOOD"]) == ("Shoegaze;Rock", "quiet;Soft")
    assert "+" not in imported.run("musictag"), "this model has already tagged everything"


def test_other_formats_hold_the_same_tags(beets):
    for name in ("a.m4a", "b.wma", "c.wv", "d.opus"):
        write_music(beets.folder / "source" / name, 4.0)
    (beets.folder / "rules.toml").write_text(RULES.replace("0.001", "0.000001"))
    beets.configure(plugins="")
    beets.run("import", "-qA", "source")
    beets.configure()
    beets.run("musictag")
    places = {
        ".m4a": ("\xa9gen", "----:com.apple.iTunes:MOOD"),
        ".wma": ("WM/Genre", "WM/Mood"),
        ".wv": ("Genre", "Mood"),
        ".opus": ("genre", "mood"),
    }
    for suffix, (genre, mood) in places.items():
        (path,) = (beets.folder / "music").rglob(f"*{suffix}")
        tags = mutagen.File(path).tags
        genres, moods = (
            [each.decode() if isinstance(each, bytes) else str(each) for each in tags[key]] for key in (genre, mood)
        )
        assert (genres, sorted(moods)) == (["Rock"], ["Quiet", "Soft"]), suffix
    assert "+" not in beets.run("musictag")


def test_a_file_that_cannot_be_read_is_reported_and_skipped(imported):
    next((imported.folder / "music").rglob("*.mp3")).write_text("no music at all")
    assert "one.mp3 was skipped" in imported.run("musictag", "--nowrite")
    assert imported.list("title", "genres") == {"one.mp3|", "two.flac|Shoegaze; Rock"}
    assert mutagen.File(next((imported.folder / "music").rglob("*.flac")))["genre"] == ["Shoegaze"], "--nowrite"


def test_new_music_is_tagged_during_an_import(beets):
    beets.configure("auto: yes")
    beets.run("import", "-qA", "source")
    assert beets.list("title", "genres", "mood") == {"one.mp3|Rock|Soft; Quiet", "two.flac|Shoegaze; Rock|quiet; Soft"}


def test_replace_replaces_what_a_person_wrote(imported):
    imported.configure("auto: no, mode: replace")
    imported.run("musictag", "title:two")
    assert imported.list("title", "genres", "mood") >= {"two.flac|Rock|Soft; Quiet"}


@pytest.mark.parametrize(
    "mode, existing, found, expected",
    [
        ("add", ["rock", "Jazz"], ("Rock", "Pop"), ["rock", "Jazz", "Pop"]),
        ("fill", ["Jazz"], ("Pop",), ["Jazz"]),
        ("fill", [], ("Pop",), ["Pop"]),
        ("replace", ["Jazz"], ("Pop",), ["Pop"]),
        ("replace", ["Jazz"], (), ["Jazz"]),
        ("none", [], ("Pop",), []),
    ],
)
def test_values_are_merged_by_the_mode(mode, existing, found, expected):
    spec = importlib.util.spec_from_file_location("musictag", PLUGIN)
    plugin = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(plugin)
    assert plugin.merged(mode, existing, found) == expected


def test_moods_of_id3v23_are_in_a_txxx_frame(imported):
    imported.run("musictag", "title:one")
    imported.configure(id3v23="yes")
    imported.run("write", "--force")
    tags = mutagen.File(next((imported.folder / "music").rglob("*.mp3"))).tags
    assert tags.version == (2, 3, 0) and "TMOO" not in tags and tags["TXXX:MOOD"].text == ["Soft/Quiet"]


@pytest.mark.parametrize("settings", ["model: missing, engine: keras", "mode: ad"])
def test_an_invalid_setting_stops_an_import_before_it_begins(beets, settings):
    beets.configure(settings)
    assert "musi" in beets.run("import", "-qA", "source", code=1)
    assert beets.list("title") == set()


def test_the_plugin_loads_nothing_heavy(beets):
    program = "import sys, beetsplug.musictag; print({'keras_musictag', 'onnxruntime', 'av'} & set(sys.modules))"
    environment = {**os.environ, "PYTHONPATH": str(beets.folder / "site")}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
