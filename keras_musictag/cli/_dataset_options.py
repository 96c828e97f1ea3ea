"""What the commands that read a dataset share: the options for tables, and reports on tags, parts and records."""

from collections import Counter

import click

from keras_musictag.cli._messages import print_to_stderr

SHOWN_TAGS, SHOWN_REASONS = 12, 5
PART_NEEDS = {"train": "training", "valid": "training", "test": "evaluation"}
# their names are those of the arguments of `datasets.csv.manifest`
TABLE_OPTIONS = (
    click.option(
        "--separator",
        help="Separator between the tags of a track in a table, such as ';'.  [default: detected]",
    ),
    click.option(
        "--encoding", help="Encoding of a table, such as cp1252.  [default: UTF-8, or what its first bytes state]"
    ),
    click.option(
        "--part-column",
        help="Column of a table that states each track's part (train, valid or test), or `none` for a random split.  "
        "[default: detected by its name: part, split, fold, set, subset, ...]",
    ),
    click.option(
        "--test-fold", "test_folds", multiple=True, help="Value in the part column that means test; can be repeated."
    ),
    click.option(
        "--valid-fold",
        "valid_folds",
        multiple=True,
        help="Value in the part column that means valid; can be repeated. All other values mean train.",
    ),
)


def table_options(command):
    """Adds the options that say how to read a table; every command that takes one has the same."""
    for option in reversed(TABLE_OPTIONS):
        command = option(command)
    return command


def print_dataset(manifest) -> None:
    """Prints the tags with their counts, which shows a wrong separator, and the parts with their source."""
    counts = Counter(tag for track in manifest.tracks for tag in track.tags)
    tags = sorted(manifest.vocabulary, key=lambda tag: -counts[tag])
    click.echo(f"{manifest.dataset}: {len(manifest.tracks):,} tracks, {f'{len(tags):,} tags' if tags else 'no labels'}")
    if tags:
        more = f", and {len(tags) - SHOWN_TAGS:,} more" if len(tags) > SHOWN_TAGS else ""
        click.echo(f"  tags: {', '.join(f'{tag} {counts[tag]:,}' for tag in tags[:SHOWN_TAGS])}{more}")
        if untagged := sum(not track.tags for track in manifest.tracks):
            click.echo(f"  without a tag: {untagged:,}")
    parts = ", ".join(f"{part} {count:,}" for part, count in manifest.counts.items())
    click.echo(f"  parts ({manifest.split}): {parts}")


def print_records(records) -> None:
    """Prints what was prepared, and what was skipped and why; warns about problems in training and evaluation."""
    from keras_musictag.records.folder import top_reasons

    info = records.info
    click.echo(f"{len(records):,} tracks are in {records.folder}, as {info['storage']}:")
    for part, facts in info["parts"].items():
        click.echo(f"  {part:5}  {facts['tracks']:9,} tracks  {facts['seconds'] / 3600:9,.2f} h")
    if records.skipped:
        click.echo(f"  {len(records.skipped):,} skipped (skipped.csv):")
        reasons = top_reasons(records.skipped)
        for reason, count in reasons[:SHOWN_REASONS]:
            click.echo(f"    {count:,} x {reason}")
        if len(reasons) > SHOWN_REASONS:
            click.echo(f"    and {len(reasons) - SHOWN_REASONS} more: see skipped.csv")
    warn_about_parts(records)


def warn_about_parts(records) -> None:
    """Warns of parts without tracks, of the same audio in two of them, and of tags without a track."""
    from keras_musictag.errors import printable
    from keras_musictag.records.checking import same_audio

    parts = records.info["parts"]
    for part, need in PART_NEEDS.items():
        if not parts[part]["tracks"] and (records.vocabulary or need == "training"):
            print_to_stderr(f"Warning: {part} has no tracks, but {need} needs some.")
    leaks = [(first, other) for first, other in same_audio(records) if first.part != other.part]
    if leaks:
        first, other = sorted(leaks[0], key=lambda track: list(parts).index(track.part))
        more = f" (and {len(leaks) - 1:,} more)" if len(leaks) > 1 else ""
        print_to_stderr(
            f"Warning: The same audio is in {first.part} and {other.part}: {printable(first.track_id)!r} and "
            f"{printable(other.track_id)!r}{more}. Results on {other.part} will be too good."
        )
    for part, facts in parts.items():
        absent = [tag for tag, count in zip(records.vocabulary, facts["positives"], strict=True) if count == 0]
        if facts["tracks"] and absent:
            more = f" and {len(absent) - 10} more" if len(absent) > 10 else ""
            print_to_stderr(f"Warning: No track of {part} has these tags: {', '.join(absent[:10])}{more}.")
