"""`keras-musictag compare`: one table of several evaluated models."""

from pathlib import Path

import click

from keras_musictag.choices import METRICS


@click.command()
@click.argument("runs", metavar="RUN...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="Folder to write to; created if it does not exist.",
)
@click.option(
    "--metric",
    type=click.Choice(METRICS),
    default="pr_auc",
    help="Metric to rank by: its macro average at track level.",
)
def command(runs, out, metric):
    """Compare evaluated models in tables, tests and plots.

    RUN... are folders that `evaluate` wrote, all on the same tracks. The models are ranked, and each is tested against
    the next one. compare.html in the folder --out shows everything on one page. If tables were published for the
    dataset, they are shown as well, marked as reported elsewhere.
    """
    from keras_musictag.evaluation.comparing import compare_runs
    from keras_musictag.evaluation.comparison_files import write_comparison
    from keras_musictag.evaluation.run_folder import read_run

    comparison = compare_runs([read_run(run) for run in runs], metric)
    for rank, (name, run) in enumerate(zip(comparison.names, comparison.runs, strict=True), start=1):
        value, low, high = run.report.group().metrics[metric].macro
        click.echo(f"{rank}. {name}: {metric} {value:.4f} ({low:.4f} to {high:.4f})")
    for path in write_comparison(comparison, out):
        click.echo(f"Wrote {path}")
