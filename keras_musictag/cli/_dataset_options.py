"""What the commands that read a dataset share: the options of a table, and what they report on tags and parts."""

from collections import Counter

import click

from keras_musictag.cli._messages import tell

SHOWN_TAGS, SHOWN_REASONS = 12, 5
PART_NEEDS = {"train": "training", "valid": "training", "test": "evaluation"}
# the names that `datasets.csv.manifest` has for them
TABLE_OPTIONS = (
    click.option(
        "--separator",
        help="Separator between the tags of a track in a table.  [default: found: ; | , a line break, or a list]",
    ),
    click.option(
        "--encoding", help="Encoding of a table, such as cp1252.  [default: UTF-8, or what its first bytes say]"
    ),
    click.option(
        "--part-column",
        help="Column of a table that states the parts, or `none` to draw them.  [default: found: part, split, fold, "
        "set, subset, ...]",
    ),
    click.option("--test-fold", "test_folds", multiple=True, help="Value of that column that means test; repeatable."),
    click.option("--valid-fold", "valid_folds", multiple=True, help="Value that means valid; the rest means train."),
)


def table_options(command):
    """How a table is to be read; the same for every command that takes one."""
    for option in reversed(TABLE_OPTIONS):
        command = option(command)
    return command


def tell_dataset(manifest) -> None:
    """Prints the tags with their counts, so that a wrong separator is seen, and where the parts come from."""
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


def tell_records(records) -> None:
    """Prints what was prepared, what was skipped and why; and as warnings what will trouble those who use it."""
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
    warn_of_parts(records)


def warn_of_parts(records) -> None:
    """Warns of parts without tracks, of the same audio in two of them, and of tags without a track."""
    from keras_musictag.errors import printable
    from keras_musictag.records.checking import same_audio

    parts = records.info["parts"]
    for part, need in PART_NEEDS.items():
        if not parts[part]["tracks"] and (records.vocabulary or need == "training"):
            tell(f"Warning: No tracks in {part}: {need} needs some.")
    leaks = [(first, other) for first, other in same_audio(records) if first.part != other.part]
    if leaks:
        first, other = sorted(leaks[0], key=lambda track: list(parts).index(track.part))
        more = f", and so on for {len(leaks) - 1:,} more" if len(leaks) > 1 else ""
        tell(
            f"Warning: The same audio is in {first.part} and {other.part}: {printable(first.track_id)!r} and "
            f"{printable(other.track_id)!r}{more}; results on {other.part} would be too good."
        )
    for part, facts in parts.items():
        absent = [tag for tag, count in zip(records.vocabulary, facts["positives"], strict=True) if count == 0]
        if facts["tracks"] and absent:
            more = f" and {len(absent) - 10} more" if len(absent) > 10 else ""
            tell(f"Warning: no track of {part} has: {', '.join(absent[:10])}{more}.")
