"""`keras-musictag gmtag`: the tagged corpus that anyone can build."""

from pathlib import Path

import click

from keras_musictag.choices import TIERS
from keras_musictag.cli._progress import track_progress


@click.group()
def command():
    """Build GM-Tag, a tagged corpus that is generated from code."""


@command.command()
@click.argument("out", type=click.Path(file_okay=False, path_type=Path))
@click.option("--tier", type=click.Choice(TIERS), help="Size of the corpus: 60, 300 or 3000 clips.  [default: full]")
@click.option(
    "--clips",
    type=int,
    help="Number of clips, instead of --tier: 4 or more, of which 80 % train, 7 % valid, 13 % test.",
)
@click.option("--jobs", type=int, help="Number of processes.  [default: one per core]")
@click.option(
    "--sounds",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("/usr/share/sounds"),
    help="Folder that contains the soundfonts in sf2/ and sf3/.",
)
@click.option("--mma", default="mma", help="The program MMA: a command or a path.")
def build(out, tier, clips, jobs, sounds, mma):
    """Build the corpus in the folder OUT: MP3 clips and their tags.

    The clips are in OUT/audio, and their tags in OUT/metadata.jsonl. `prepare gmtag` makes records of them. The command
    needs MMA, FluidSynth, soundfonts, and the extra `gmtag` of this package; it reports what is missing. If it is
    interrupted, run it again to resume.
    """
    if tier and clips is not None:
        raise click.UsageError("Use --tier or --clips, not both.")
    from keras_musictag.gmtag.corpus import build_corpus, compare_corpus, load_spec, parts_of, tier_parts
    from keras_musictag.gmtag.packages import Installation

    parts = tier_parts(tier or "full") if clips is None else parts_of(clips)
    with track_progress() as report:
        corpus = build_corpus(out, parts, jobs=jobs, installation=Installation(mma=mma, sounds=sounds), report=report)
    counts = ", ".join(f"{count} {part}" for part, count in corpus["parts"].items())
    click.echo(f"Wrote {corpus['clips']} clips to {out} ({counts}).")
    click.echo(compare_corpus(corpus, load_spec()))
