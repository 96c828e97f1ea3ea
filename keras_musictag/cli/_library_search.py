"""`keras-musictag library rules`, `search`, `export` and `report`: what is written, what is found, and open tables."""

import csv
import dataclasses
import json
import re
import sys
from contextlib import contextmanager
from pathlib import Path

import click

from keras_musictag.cli._library_options import database_option, open_database
from keras_musictag.cli._messages import print_to_stderr
from keras_musictag.errors import printable, quantity

stored_model_option = click.option(
    "--model", "model_name", help="Model whose scores to use.  [default: the one that was added last]"
)


@click.command()
@click.argument("file", required=False, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--init", is_flag=True, help="Write the default rules to FILE, or to standard output.")
@click.option("--model", "model_name", default="musicnn", help="Zoo entry or architecture that the rules apply to.")
def rules(file, init, model_name):
    """Show or create rules: which tags `write` writes.

    Shows and checks the rules in FILE, or shows the default rules. With --init, writes the default rules with comments
    to FILE, for you to edit.
    """
    from keras_musictag.files import whole_file
    from keras_musictag.library.rules import default_rules, default_rules_text, read_rules

    model = model_of_entry(model_name)
    if not init:
        print_rules(model, read_rules(file, model) if file else default_rules(model.vocabulary))
        return
    text = default_rules_text(model)
    if file is None:
        click.echo(text, nl=False)
        return
    if file.exists():
        raise click.UsageError(f"{file} already exists. Name another file, or remove this one.")
    with whole_file(file) as scratch:
        scratch.write_text(text, encoding="utf-8")
    click.echo(f"Wrote {file}")


def model_of_entry(name: str):
    """A zoo entry as a model of a library, without loading it."""
    from keras_musictag.library.database import StoredModel
    from keras_musictag.tags.vocabulary import Vocabulary
    from keras_musictag.zoo.resolving import resolve

    card = resolve(name).card
    if card is None:
        raise click.UsageError(f"{name!r} is not a zoo entry. `keras-musictag models` lists them.")
    identity = card.weights.sha256 or card.weights.git_blob_sha1
    return StoredModel(0, card.name, identity, Vocabulary.of(card.model["tags"]), 0)


def print_rules(model, rules) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from keras_musictag.library.presence import presence_thresholds
    from keras_musictag.library.rules import threshold_array

    thresholds = presence_thresholds(model)
    values = dict(zip(model.vocabulary, threshold_array(model, rules, thresholds), strict=True))
    table = Table()
    for heading, justify in (("tag", "left"), ("threshold", "right"), ("written as", "left")):
        table.add_column(heading, justify=justify)
    for kind, names in (("genre", rules.genre), ("mood", rules.mood)):
        for tag, name in names.items():
            if tag in values:
                limit = f"{values[tag]:.4f}" if values[tag] == values[tag] else "never present"
                table.add_row(Text(tag), limit, Text(f"{kind} {name}"))
    Console().print(table)
    origin = {"card": "from the model's card", "estimated": "estimated on music without labels", "none": "missing"}
    changed = rules.thresholds or rules.model_thresholds.get(model.name)
    click.echo(
        f"At most {quantity(rules.max_genres, 'genre')} and {quantity(rules.max_moods, 'mood')} per file. The "
        f"{'other ' if changed else ''}thresholds of {model.name} are {origin[thresholds.origin]}."
    )


class Years(click.ParamType):
    """A year, or a first and a last year: 1990-1999."""

    name = "YEAR[-YEAR]"

    def convert(self, value, parameter, context):
        found = re.fullmatch(r"(\d{1,4})(?:-(\d{1,4}))?", value)
        if not found or int(found[2] or found[1]) < int(found[1]):
            self.fail(f"{value!r} is not a year, such as 1999, or two, such as 1990-1999.", parameter, context)
        return int(found[1]), int(found[2] or found[1])


@click.command()
@click.argument("words", nargs=-1)
@click.option(
    "--like",
    multiple=True,
    type=click.Path(),
    help="Rank by similarity to this file. Repeat the option to name several.",
)
@database_option
@click.option(
    "--model",
    "model_name",
    help="Model to search by.  [default: for words, all models; for --like, the one that was added last]",
)
@click.option("--artist", help="Only artists whose name contains this.")
@click.option("--year", "years", type=Years(), help="Only this year, or these years, such as 1990-1999.")
@click.option("--longer", "longer_seconds", type=float, help="Only tracks of at least this many seconds.")
@click.option("--shorter", "shorter_seconds", type=float, help="Only tracks of at most this many seconds.")
@click.option("--present", "only_present", is_flag=True, help="Only tracks on which every tag you ask for is present.")
@click.option("--top", type=click.IntRange(min=1), default=20, help="Number of tracks to show.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "csv", "m3u8"]),
    help="Output format.  [default: table; m3u8 if --out ends in .m3u8]",
)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Playlist to write, such as calm.m3u8.")
def search(words, like, database_path, model_name, years, only_present, top, form, out, **limits):
    """Find tracks by tags, by example (--like), or both.

    WORDS are tags, such as 'calm piano, no vocals, not techno'. Separate them by commas or spaces; "no", "not" and
    "without" negate the next one. With --like, the words select tracks, and the similarity ranks them.
    """
    if not words and not like:
        raise click.UsageError("Name tags to search for, such as 'calm piano, no vocals', or a file with --like.")
    if out is not None and (out.suffix.lower() != ".m3u8" or form not in (None, "m3u8")):
        raise click.UsageError(
            "--out writes a playlist: its name must end in .m3u8. For other formats, redirect the output."
        )
    from keras_musictag.library.score_table import Filters
    from keras_musictag.library.searching import search_library

    with open_database(database_path) as database:
        model = database.find_model(model_name) if model_name or like else None
        track, example = find_example(database, model, like) if like else (None, None)
        found = search_library(
            database,
            " ".join(words) if words else None,
            example,
            model,
            Filters(years=years, **limits),
            top,
            only_present,
            track,
        )
    if not found:
        print_to_stderr(
            "No track was found. Ask for fewer tags, or leave out a filter."
            + (" With --like, each tag you ask for must be present." if like and words else "")
        )
    if out is not None:
        from keras_musictag.library.playlist import write_playlist

        write_playlist(out, playlist_entries(found))
        click.echo(f"Wrote {quantity(len(found), 'track')} to {out}")
    else:
        WRITERS[form or "table"](found)


def find_example(database, model, paths):
    """The track number of a single example, and the embedding of one or several."""
    from keras_musictag.library.searching import embed_example, mean_direction, stored_example

    tracks, vectors = [], []
    for path in paths:
        track, vector = stored_example(database, model, path) or (None, None)
        tracks.append(track)
        vectors.append(embed_example(path, model) if vector is None else vector)
    return tracks[0] if len(tracks) == 1 else None, mean_direction(vectors)


def describe_reasons(match) -> str:
    """Why a track was found, such as "piano 0.81, vocals 0.04"; a score below its threshold is in parentheses."""
    parts = []
    for reason in match.reasons:
        text = f"{reason.tag} {reason.score:.2f}"
        parts.append(text if reason.threshold is not None and reason.score >= reason.threshold else f"({text})")
    return ", ".join(dict.fromkeys(parts))


def write_table(found) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table()
    numbers = [name for name in ("match", "similarity") if found and getattr(found[0], name) is not None]
    for name in numbers:
        table.add_column(name, justify="right")
    table.add_column("track", overflow="fold")
    if "match" in numbers:
        table.add_column("why", overflow="fold")
    for match in found:
        why = [Text(describe_reasons(match))] if "match" in numbers else []
        table.add_row(*(f"{getattr(match, name):.2f}" for name in numbers), Text(printable(match.path)), *why)
    if found:
        Console().print(table)


def write_json(found) -> None:
    rows = [
        {
            "path": printable(match.path),
            "uri": Path(match.path).as_uri(),
            **dataclasses.asdict(match.labels),
            "seconds": round(match.duration_seconds, 3),
            "match": match.match,
            "similarity": match.similarity,
            "reasons": [dataclasses.asdict(reason) for reason in match.reasons],
        }
        for match in found
    ]
    click.echo(json.dumps(rows, indent=1, ensure_ascii=False))


def write_csv(found) -> None:
    from keras_musictag.library.tables import csv_cell

    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["path", "artist", "title", "match", "similarity", "why"])
    for match in found:
        texts = (printable(text or "") for text in (match.path, match.labels.artist, match.labels.title))
        numbers = ("" if number is None else f"{number:.6f}" for number in (match.match, match.similarity))
        writer.writerow([*map(csv_cell, texts), *numbers, describe_reasons(match)])


def write_m3u8(found) -> None:
    from keras_musictag.library.playlist import playlist_text

    click.echo(playlist_text(playlist_entries(found), Path.cwd()), nl=False)


def playlist_entries(found):
    from keras_musictag.library.playlist import PlaylistEntry

    return [PlaylistEntry(match.path, match.duration_seconds, match.labels) for match in found]


WRITERS = {"table": write_table, "json": write_json, "csv": write_csv, "m3u8": write_m3u8}


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@database_option
@stored_model_option
@click.option("--embeddings", is_flag=True, help="Also write the embeddings.")
def export(file, database_path, model_name, embeddings):
    """Write a table with one row per music file.

    The name of FILE must end in .parquet, .csv or .jsonl.
    """
    from keras_musictag.library.tables import export_table

    with open_database(database_path) as database:
        count = export_table(database, database.find_model(model_name), file, embeddings)
    click.echo(f"Wrote {quantity(count, 'row')} to {file}")


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@database_option
@stored_model_option
@click.option(
    "--top", type=click.IntRange(min=1), default=30, help="Number of near-duplicates, outliers and problems to list."
)
def report(file, database_path, model_name, top):
    """Write an HTML page about the library.

    FILE must end in .html. The page shows tags, years, near-duplicates, outliers and problems.
    """
    from keras_musictag.library.report_page import write_report_page
    from keras_musictag.library.statistics import library_statistics

    if file.suffix.lower() not in (".html", ".htm"):
        raise click.UsageError(f"The report is a page: its name must end in .html. Received: {file}.")
    with open_database(database_path) as database, comparison_progress() as progress:
        write_report_page(file, library_statistics(database, database.find_model(model_name), top, report=progress))
    click.echo(f"Wrote {file}")


@contextmanager
def comparison_progress():
    """Yields a function that takes the number of tracks compared and the total; None if no person is watching."""
    if not sys.stderr.isatty():
        yield None
        return
    from keras_musictag.terminal import progress_bar

    with progress_bar() as bar:
        task = bar.add_task("", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
