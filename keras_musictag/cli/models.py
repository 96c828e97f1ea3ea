"""`keras-musictag models`: the list of models."""

import csv
import dataclasses
import json
import sys

import click


@click.command()
@click.argument("pattern", default="*")
@click.option("--dataset", help="List only models that were trained on this dataset, such as mtat.")
@click.option("--format", "form", type=click.Choice(["table", "json", "csv"]), default="table", help="Output format.")
def command(pattern, dataset, form):
    """List the zoo: models with weights that you can load by name.

    PATTERN selects names, such as '*cnn*'. Weights are bundled with this package, fetched from their authors on first
    use, or yours, from the command `zoo`.
    """
    from keras_musictag.zoo.catalog import ModelInfo, list_models

    rows = [dataclasses.asdict(model) for model in list_models(pattern, dataset)]
    if form == "json":
        click.echo(json.dumps(rows, indent=1, ensure_ascii=False))
    elif form == "csv":
        writer = csv.DictWriter(
            sys.stdout, fieldnames=[f.name for f in dataclasses.fields(ModelInfo)], lineterminator="\n"
        )
        writer.writeheader()
        writer.writerows(rows)
    else:
        write_table(rows, pattern)


def write_table(rows, pattern) -> None:
    from rich.console import Console
    from rich.table import Table

    if not rows:
        click.echo(f"No model matches {pattern!r}. `keras-musictag models` lists all.")
        return
    table = Table()
    # no column for the dataset: it is part of the name
    for heading, justify in (("name", "left"), ("tags", "right"), ("parameters", "right"), ("weights", "left")):
        table.add_column(heading, justify=justify, no_wrap=True)
    table.add_column("licence")
    for row in rows:
        table.add_row(row["name"], str(row["num_tags"]), f"{row['parameters']:,}", row["weights"], row["licence"])
    Console().print(table)
