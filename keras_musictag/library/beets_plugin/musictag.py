"""A plugin for beets (https://beets.io): the command `beet musictag`, and tags for new music during `beet import`.

It sets fields of beets' items: `genres` and `mood`, which beets writes into the files, and `musictag_<group>` for each
group of the model's tags. In the wheel, this file is `beetsplug/musictag.py`, where beets looks for plugins. It imports
nothing heavy before the first track is tagged, because beets loads its plugins for every command.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import beets
from beets import ui
from beets.dbcore import types
from beets.library import Item
from beets.plugins import BeetsPlugin
from beets.util import syspath
from mediafile import (
    ASFStorageStyle,
    ListMediaField,
    ListStorageStyle,
    MediaFile,
    MP3ListDescStorageStyle,
    MP3ListStorageStyle,
    MP4ListStorageStyle,
    UnreadableFileError,
)

if TYPE_CHECKING:
    from keras_musictag.library.scan_models import ModelChoice

    TagFile = Callable[[str], "TrackTags"]

DEFAULTS = {
    "auto": True,  # whether to tag new music during `beet import`
    "model": "musicnn",
    "engine": "keras",  # or onnx, litert, openvino: these need less memory and start faster
    "rules": None,  # a rules.toml; None for the default rules of the model's tags
    "mode": "add",  # what to do with genres and moods
    "force": False,  # whether to tag items again that this model has tagged
    "write": None,  # whether `beet musictag` writes into the files; None: as `import.write` says
}
MODES = ("add", "fill", "replace", "none")  # to what exists, only where nothing exists, all of it, leave it alone
MODEL_FIELD = "musictag_model"  # name of the model that tagged an item
DELIMITER = "; "  # beets' own between several values


class MoodField(ListMediaField):
    """The moods in a file. Writing them removes those in the other places that are read."""

    def __set__(self, mediafile, values):
        self.__delete__(mediafile)
        if values:
            super().__set__(mediafile, values)


def mood_field(id3v23: bool) -> MoodField:
    """The mappings of MusicBrainz Picard. ID3v2.3 has no TMOO: there, moods are in TXXX:MOOD."""
    return MoodField(
        MP3ListStorageStyle("TMOO", read_only=id3v23),
        MP3ListDescStorageStyle("MOOD", read_only=not id3v23),
        MP4ListStorageStyle("----:com.apple.iTunes:MOOD"),
        ListStorageStyle("MOOD"),
        ASFStorageStyle("WM/Mood"),
    )


def merged(mode: str, existing: list[str], found: tuple[str, ...]) -> list[str]:
    """The values of a field after tagging. If nothing was found, they stay as they are."""
    if not found or mode == "none" or (mode == "fill" and existing):
        return existing
    kept = existing if mode == "add" else []
    known = {value.casefold() for value in kept}
    return [*kept, *(value for value in found if value.casefold() not in known)]


class MusicTagPlugin(BeetsPlugin):
    """Tags the items of a beets library with a model of keras_musictag."""

    item_types = {"mood": types.MULTI_VALUE_DSV}  # noqa: RUF012  beets' own form

    def __init__(self):
        super().__init__()
        self.config.add(DEFAULTS)
        if "mood" not in MediaFile.fields():  # another plugin may have added it
            self.add_media_field("mood", mood_field(beets.config["id3v23"].get(bool)))
        if self.config["auto"].get(bool):
            self.register_listener("import_begin", self._begin_import)
            self.import_stages = [self._tag_imported]

    def commands(self) -> list[ui.Subcommand]:
        command = ui.Subcommand("musictag", help="tag genre, mood, instruments and voice by listening")
        add = command.parser.add_option
        add("-p", "--pretend", action="store_true", default=False, help="show the changes, but make none")
        add("-f", "--force", action="store_true", help="also tag what this model has tagged")
        add("-w", "--write", action="store_true", help="write the tags into the files")
        add("-W", "--nowrite", action="store_false", dest="write", help="do not write the tags into the files")
        command.func = self._run_command
        return [command]

    def _run_command(self, library, options, query: list[str]) -> None:
        force = options.force or self.config["force"].get(bool)
        write = ui.should_write(self.config["write"].get() if options.write is None else options.write)
        for item in self._tagged(library.items(query), force):
            ui.show_model_changes(item)
            if not options.pretend:
                item.try_sync(write=write, move=False)

    def _begin_import(self, session) -> None:
        _ = self._mode, self._tag_file  # an invalid setting must not stop an import halfway

    def _tag_imported(self, session, task) -> None:
        for item in self._tagged(task.imported_items(), self.config["force"].get(bool)):
            item.store()  # a later stage of the import writes the file

    def _tagged(self, items: Iterable[Item], force: bool) -> Iterator[Item]:
        """Sets the fields of items, and yields those that were tagged. A file that cannot be read is reported."""
        from keras_musictag.errors import MusicTagError

        for item in items:
            if item.get(MODEL_FIELD, with_album=False) == self._choice.name and not force:
                self._log.debug("{} has tagged this before: {}", self._choice.name, item)
                continue
            try:
                found = self._tag_file(os.fsdecode(item.path))
                moods = item.get("mood", with_album=False)
                if moods is None:  # imported before this plugin was enabled: beets has not read the file's moods
                    moods = MediaFile(syspath(item.path)).mood or []
            except (MusicTagError, UnreadableFileError, OSError) as error:
                self._log.error("{} was skipped: {}", item, error)
                continue
            item.update({**found.fields, MODEL_FIELD: self._choice.name})
            item.genres = merged(self._mode, item.genres, found.genres)
            item["mood"] = merged(self._mode, moods, found.moods)
            yield item

    @property
    def _mode(self) -> str:
        return self.config["mode"].as_choice(MODES)

    @cached_property
    def _choice(self) -> "ModelChoice":
        from keras_musictag.library.scan_models import choose_model

        with settings_explained():
            return choose_model(self.config["model"].as_str(), engine=self.config["engine"].as_str())

    @cached_property
    def _tag_file(self) -> "TagFile":
        """Loads the model once."""
        rules_file = self.config["rules"].get() and self.config["rules"].as_filename()
        with settings_explained():
            return load_tagging(self._choice, rules_file)


@contextmanager
def settings_explained() -> Iterator[None]:
    """Turns errors about the model and the rules into those that beets prints in one line."""
    from keras_musictag.errors import MusicTagError

    try:
        yield
    except (MusicTagError, ValueError, OSError) as error:
        raise ui.UserError(f"musictag: {error}") from error


@dataclass(frozen=True)
class TrackTags:
    """What a model finds in a track: genres and moods by the rules, and the present tags of each group as a field."""

    genres: tuple[str, ...]
    moods: tuple[str, ...]
    fields: dict[str, str]


def load_tagging(choice: "ModelChoice", rules_file: str | None) -> "TagFile":
    """Loads a model and its rules, and returns a function from a path to its tags."""
    import numpy as np

    from keras_musictag.library.database import Labels, ScoredFile, StoredModel
    from keras_musictag.library.presence import are_present, certainties, presence_thresholds
    from keras_musictag.library.rules import default_rules, read_rules, tags_for_file, threshold_array

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # hides the log lines of TensorFlow's start
    tagger = choice.open()
    model = StoredModel(0, choice.name, choice.weights_sha256, tagger.vocabulary, 0)
    rules = read_rules(rules_file, model) if rules_file else default_rules(model.vocabulary)
    thresholds = presence_thresholds(model)
    lowest = threshold_array(model, rules, thresholds)
    if np.isnan(lowest).all():
        raise ValueError(
            f"{model.name!r} has no thresholds, so none of its tags would ever be present. Write rules with "
            "`keras-musictag library rules --init`, add thresholds to them, and name the file in `musictag.rules`."
        )

    def tag_file(path: str) -> TrackTags:
        result = tagger.tag(path)
        file = ScoredFile(path, 0, result.duration_seconds, result.scores, 0, Labels(), result.notes)
        present = are_present(file, lowest)
        by_group = {group: [] for group in model.vocabulary.groups}
        for index in np.argsort(-certainties(file.scores, lowest), kind="stable"):
            if present[index]:
                by_group[model.vocabulary.groups[index]].append(model.vocabulary[index])
        tags = tags_for_file(file, model, rules, thresholds)
        fields = {f"musictag_{group}": DELIMITER.join(found) for group, found in by_group.items()}
        return TrackTags(tags.genres, tags.moods, fields)

    return tag_file
