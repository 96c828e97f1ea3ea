"""`keras-musictag records`: checks and describes folders of records."""

from collections import Counter
from pathlib import Path

import click

from keras_musictag.cli._progress import track_progress
from keras_musictag.errors import printable

SHOWN_PER_KIND = 10  # findings of one kind that are listed one by one
FOLDER = click.Path(file_okay=False, path_type=Path)


@click.group()
def command():
    """Check or describe records that `prepare` wrote."""


@command.command("check")
@click.argument("folder", metavar="DIR", type=FOLDER)
@click.option("--decode", is_flag=True, help="Also decode compressed files, to check length and silence.")
def check(folder, decode):
    """Read every record in the folder DIR and check it.

    Checks file sizes, checksums, counts, labels, lengths, the audio's hash, silence (no sample louder than -60 dB) and
    whether the same audio occurs twice. Prints what it finds, and changes nothing. The exit code is 1 if there are
    errors.
    """
    from keras_musictag.errors import quantity
    from keras_musictag.records.checking import ERROR, check_records
    from keras_musictag.records.folder import read_info

    with track_progress() as report:
        findings = check_records(folder, decode_audio=decode, report=report)
    print_findings(findings)
    tracks = sum(facts["tracks"] for facts in read_info(folder)["parts"].values())
    errors = sum(finding.level == ERROR for finding in findings)
    click.echo(
        f"{quantity(tracks, 'track')}: {quantity(errors, 'error')}, {quantity(len(findings) - errors, 'warning')}."
    )
    if errors:
        raise SystemExit(1)


def print_findings(findings) -> None:
    """Prints a table with the number of findings of each kind, then the first findings of each kind."""
    if not findings:
        return
    kinds: dict[tuple[str, str], list] = {}
    for finding in findings:
        kinds.setdefault((finding.level, finding.kind), []).append(finding)
    table = make_table("level", "check", "found")
    for (level, kind), found in kinds.items():
        table.add_row(level, kind, f"{len(found):,}")
    print_table(table)
    for found in kinds.values():
        for finding in found[:SHOWN_PER_KIND]:
            where = [finding.shard] if finding.shard else []
            where += [f"byte {finding.offset}"] if finding.offset is not None else []
            where += [f"track {printable(finding.track_id)}"] if finding.track_id else []
            click.echo(f"{finding.level}, {finding.kind}: {', '.join(where)}{': ' if where else ''}{finding.message}")
        if len(found) > SHOWN_PER_KIND:
            click.echo(f"... and {len(found) - SHOWN_PER_KIND:,} more of {found[0].kind}")


@command.command("info")
@click.argument("folder", metavar="DIR", type=FOLDER)
@click.option(
    "--plot",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File for a plot of how frequent the tags are: .png, .svg or .pdf.",
)
def info(folder, plot):
    """Print the parts, hours, tags and tag counts of the folder DIR."""
    from keras_musictag.errors import quantity
    from keras_musictag.records.folder import Records
    from keras_musictag.records.planning import features_of

    records = Records(folder)
    facts = records.info
    features = features_of(facts["features"])
    if features != "none":
        features = f"{facts['features']['name']} as of {features}"
    click.echo(f"{facts['dataset']} {facts['dataset_version']}, split {facts['split']} ({facts['split_sha256'][:12]})")
    click.echo(f"storage {facts['storage']}, features {features}, {quantity(facts['skipped'], 'track')} skipped")
    click.echo(f"licence: {facts['licence']}")
    if facts["citation"] not in ("", "None."):
        click.echo(f"cite: {facts['citation']}")
    parts = facts["parts"]
    table = make_table("part", "tracks", "hours", "shards")
    for part, own in parts.items():
        shards = sum(shard["part"] == part for shard in facts["shards"].values())
        table.add_row(part, f"{own['tracks']:,}", f"{own['seconds'] / 3600:,.2f}", str(shards))
    print_table(table)
    print_subsets(records)
    if not facts["tags"]:
        click.echo("no labels: for `train --teacher`")
        if plot is not None:
            raise ValueError(f"There are no tags to plot in {str(folder)!r}. Omit --plot.")
        return
    table = make_table("tag", *parts, "group", left=("tag", "group"))
    for row, tag in enumerate(facts["tags"]):
        table.add_row(tag["name"], *(f"{own['positives'][row]:,}" for own in parts.values()), tag["group"])
    print_table(table)
    if plot is not None:
        from keras_musictag.records.plots import plot_tags

        plot_tags(facts, plot)
        click.echo(f"Wrote {plot}")


def print_subsets(records) -> None:
    """Prints how many tracks the subsets of each part have, if there are subsets."""
    counts = Counter((track.part, track.subset) for track in records)
    if any(subset for _, subset in counts):
        table = make_table("part", "subset", "tracks")
        for part in records.info["parts"]:
            for subset in sorted(subset for of_part, subset in counts if of_part == part):
                table.add_row(part, subset or "-", f"{counts[part, subset]:,}")
        print_table(table)


def make_table(*headings, left=("level", "check", "part", "subset")):
    """An empty table; columns that are not in `left` hold numbers and are aligned to the right."""
    from rich.table import Table

    table = Table()
    for heading in headings:
        table.add_column(heading, justify="left" if heading in left else "right", no_wrap=True)
    return table


def print_table(table) -> None:
    """Prints a table in its full width: truncated to 80 columns, it would be useless in a file."""
    from rich.console import Console

    console = Console(markup=False, emoji=False)  # a tag may be called "[live]"
    console.print(table, width=None if console.is_terminal else 200)
