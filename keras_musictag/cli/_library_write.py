"""`keras-musictag library write` and `undo`: tags into files, and back."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

import click

from keras_musictag.choices import WRITE_MODES
from keras_musictag.cli._library_options import database_option, open_database
from keras_musictag.cli._messages import print_to_stderr
from keras_musictag.cli._progress import resumable, track_progress
from keras_musictag.errors import printable, quantity

hard_links_option = click.option(
    "--hard-links",
    is_flag=True,
    help="Also change files that have several names (hard links). The name in the library gets its own content; the "
    "other names keep the old content.",
)


@click.command()
@click.argument("paths", metavar="[PATH]...", nargs=-1, type=click.Path())
@database_option
@click.option("--model", help="Model whose scores to use.  [default: the one that was added last]")
@click.option(
    "--rules",
    "rules_path",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File of rules: which tags are written, and under which names (see `library rules`).  [default: the built-in "
    "rules]",
)
@click.option(
    "--mode",
    type=click.Choice(WRITE_MODES),
    default="add",
    help="Add to what a file has, fill only what is empty, or replace genres and moods.",
)
@click.option("--scores", is_flag=True, help="Also write the score of each tag, as KMT:tag.")
@click.option(
    "--yes", is_flag=True, help="Change the files. Without this option, the command only prints what it would change."
)
@click.option(
    "--sidecar",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write everything into this file (.json or .csv), and leave the music files alone.",
)
@hard_links_option
@click.option("--keep-mtime", is_flag=True, help="Keep the modification times of the files.")
def write(paths, database_path, model, rules_path, mode, scores, yes, sidecar, hard_links, keep_mtime):
    """Write genres and moods into the music files.

    Changes all files of the library, or only those in each PATH. Without --yes, only prints what would change. Genres
    and moods that a file already has are kept, unless you pass --mode replace. To take everything back, use
    `library undo`.
    """
    if sidecar and yes:
        raise click.UsageError("--sidecar leaves the music files alone. Leave out --yes, or --sidecar.")
    # writing must not disturb the reading
    with open_database(database_path) as database, open_database(database_path) as reading:
        wanted = wanted_tags(reading, model, rules_path, scores, paths)
        if sidecar:
            from keras_musictag.library.tables import write_sidecar

            click.echo(f"Wrote the tags of {quantity(write_sidecar(sidecar, wanted), 'file')} to {sidecar}.")
            return
        from keras_musictag.library.writing import write_tags

        options = {"mode": mode, "dry_run": not yes, "hard_links": hard_links, "keep_mtime": keep_mtime}
        if not yes:
            with resumable():
                problems = print_changes(write_tags(database, wanted, **options), yes)
        else:
            with database.writing(), track_progress() as progress:
                total = sum(1 for _ in files_inside(reading, reading.find_model(model), paths)) if progress else 0
                problems = print_changes(counted(write_tags(database, wanted, **options), total, progress), yes)
    if problems:
        raise SystemExit(1)


def wanted_tags(database, model_name: str | None, rules_path: Path | None, scores: bool, paths: tuple[str, ...]):
    """Yields the path of each file of the library, in order, with what the rules say about it."""
    from keras_musictag.library.presence import presence_thresholds
    from keras_musictag.library.rules import default_rules, read_rules, tags_for_file

    model = database.find_model(model_name)
    rules = read_rules(rules_path, model) if rules_path else default_rules(model.vocabulary)
    thresholds, found = presence_thresholds(model), set()
    for file, inside in files_inside(database, model, paths):
        found |= inside
        yield file.path, tags_for_file(file, model, rules, thresholds, scores)
    for path in dict.fromkeys(paths):
        if path not in found:
            print_to_stderr(
                f"Note: the library has no tagged file in {printable(path)}. To add it, scan its folder first."
            )


def files_inside(database, model, paths: tuple[str, ...]) -> Iterator[tuple]:
    """The tagged files in some paths, or all without paths; each with the set of the paths that it is in."""
    from keras_musictag.library.music_files import absolute_path

    places = {path: absolute_path(path) for path in paths}
    for file in database.scored_files(model):
        inside = {path for path, place in places.items() if is_inside(file.path, place)}
        if inside or not places:
            yield file, inside


def is_inside(path: str, place: str) -> bool:
    """Whether a path is a place, or in a folder that is."""
    return path == place or path.startswith(os.path.join(place, ""))


def counted(reports: Iterable, total: int, progress) -> Iterator:
    """The reports, with a progress bar if a person is watching."""
    if progress:
        progress(0, total)
    for done, report in enumerate(reports, 1):
        yield report
        if progress:
            progress(done, total)


def print_changes(reports: Iterable, written: bool) -> int:
    """Prints the changes of each file, and the totals. Returns how many files have a problem."""
    files, values = Counter(), Counter()
    for report in reports:
        if report.problem:
            files["problem"] += 1
            print_to_stderr(f"Not written: {printable(report.path)}: {report.problem}.")
            continue
        files["changed" if report.changes else "same"] += 1
        if report.changes:
            click.echo(printable(report.path))
        scores = Counter()
        for change in report.changes:
            if change.field in ("genre", "mood"):
                click.echo(f"  {'+' if change.is_added else '-'} {change.field}: {printable(change.value)}")
                values[change.field, change.is_added] += 1
            else:
                scores[change.is_added] += 1
        for is_added, count in scores.items():  # one by one, they would hide the rest
            click.echo(f"  {'+' if is_added else '-'} {quantity(count, 'score')}")
            values["score", is_added] += count
    click.echo(totals(files, values, written))
    return files["problem"]


def totals(files: Counter, values: Counter, written: bool) -> str:
    """The last lines of `write`."""
    parts = []
    for added, verb in ((True, "added"), (False, "removed")):
        counts = [quantity(values[kind, added], kind) for kind in ("genre", "mood", "score") if values[kind, added]]
        parts += [f"{', '.join(counts)} {verb}"] if counts else []
    changed = f"{quantity(files['changed'], 'file')} {'changed' if written else 'would change'}"
    lines = [f"{changed}{': ' if parts else ''}{'; '.join(parts)}. Unchanged: {files['same']:,}."]
    if files["problem"]:
        lines.append(f"{quantity(files['problem'], 'file')} cannot be written; see the reasons above.")
    if files["changed"] and not written:
        lines.append("Nothing was written. To write, add --yes.")
    elif files["changed"]:
        lines.append("To take this back: keras-musictag library undo")
    elif files["same"]:
        lines.append(
            "The rules found no tag in these files, or the files already have it. `keras-musictag library rules` shows "
            "the tags and thresholds."
        )
    return "\n".join(lines)


@click.command()
@click.argument("run", required=False)
@database_option
@click.option("--list", "show_list", is_flag=True, help="List the runs, without undoing any.")
@hard_links_option
def undo(run, database_path, show_list, hard_links):
    """Restore the files that `library write` changed.

    Each file that the RUN changed becomes what it was before, to the byte. Without RUN, the newest run that is not
    yet undone is taken back. A file that has changed since is left alone. If the command is interrupted, run it again
    to resume.
    """
    from keras_musictag.library.database import default_database
    from keras_musictag.library.journal import find_run, list_runs
    from keras_musictag.library.undoing import undo_run

    path = database_path or default_database()
    if show_list:
        print_runs(list_runs(path))
        return
    found, files = find_run(path, run), Counter()
    runs = list_runs(path)
    later = runs[runs.index(found) + 1 :]
    with resumable(), ExitStack() as stack:
        database = None  # the journal is enough
        if path.is_file():
            database = stack.enter_context(open_database(path))
            stack.enter_context(database.writing())
        for report in undo_run(found, database, later=later, hard_links=hard_links):
            files[report.problem is None] += 1
            if report.problem:
                print_to_stderr(f"Left alone: {printable(report.path)}: {report.problem}.")
    click.echo(f"{found.name}: {quantity(files[True], 'file')} restored, {files[False]:,} left alone.")
    if files[False]:
        raise SystemExit(1)


def print_runs(runs: list) -> None:
    """Prints a line per run."""
    if not runs:
        print_to_stderr("No run of `library write` has changed a file.")
    for run in runs:
        flags = [f"--{name.replace('_', '-')}" for name, value in run.options.items() if value is True]
        options = ", ".join([f"--mode {run.options['mode']}", *flags])
        undone = ", undone" if run.is_undone else ""
        click.echo(f"{run.name}: {quantity(sum(1 for _ in run.entries()), 'file')}{undone} ({options})")
