"""A report as Markdown, and as a CSV with one row per tag."""

from keras_musictag.evaluation.measuring import TITLES, VALUE_AND_INTERVAL
from keras_musictag.evaluation.reporting import WHOLE, Group, Report
from keras_musictag.evaluation.tables import NO_VALUE, Table, heading, number, with_interval

LEVEL_TITLES = {"track": "Track level (song level)", "chunk": "Chunk level"}
AVERAGE_PRECISION_NOTE = (
    "PR-AUC is the area by trapezoids; AP (average precision) is the sum of steps. What the 2020 evaluation (Won et "
    "al.) prints as PR-AUC is AP, so compare it only with AP."
)


def to_markdown(report: Report) -> str:
    """The report as Markdown: what was measured, one table per level and group, the tags, and how to read them."""
    tables = [_group_table(report, level, name) for level in report.levels for name in report.levels[level].groups]
    parts = [heading(report.model), _about(report), *(table.to_markdown() for table in tables)]
    parts += [_tag_table(report).to_markdown(), "![Each tag's PR-AUC and ROC-AUC](per_tag.png)\n"]
    parts.append(Table("How to read this", (), (), tuple(_notes(report))).to_markdown())
    return "\n".join(part if part.endswith("\n") else f"{part}\n" for part in parts)


def _about(report: Report) -> str:
    source = report.source
    rows = [
        ("dataset", f"{source.dataset}, {source.dataset_version}"),
        ("split", f"{source.split}, SHA-256 {source.split_sha256}"),
        ("part", source.part),
        ("deformation", source.deformation or "none"),
        *((name, _fact(value)) for name, value in report.facts.items()),
    ]
    return Table("What was measured", ("", "value"), tuple(rows)).to_markdown()


def _fact(value) -> str:
    return f"{value:,.10g}" if isinstance(value, (int, float)) and not isinstance(value, bool) else str(value)


def _group_table(report: Report, level: str, name: str) -> Table:
    group = report.levels[level].groups[name]
    rows = tuple(
        (TITLES[metric], with_interval(measured.macro), with_interval(measured.micro))
        for metric, measured in group.metrics.items()
    )
    where = "" if name == WHOLE else f", subset {name}"
    return Table(
        f"{LEVEL_TITLES[level]}{where}", ("metric", "macro", "micro"), rows, tuple(_group_notes(report, level, group))
    )


def _group_notes(report: Report, level: str, group: Group):
    chunks = f", {group.rows:,} chunks" if level == "chunk" else ""
    left_out = group.metrics["roc_auc"].left_out
    yield f"{group.tracks:,} tracks{chunks}."
    if left_out:
        yield (
            f"Macro leaves out {left_out} of {len(report.vocabulary)} tags, which apply to all or none of these rows."
        )
    if group.incomplete_resamples:
        yield (
            f"On {group.incomplete_resamples:,} of {report.resampling.resamples:,} resamples, a tag had one class "
            "only; their macro mean is over fewer tags."
        )


def _tag_table(report: Report) -> Table:
    level, group = report.levels["track"], report.group()
    rows = []
    for i, tag in enumerate(report.vocabulary):
        threshold = NO_VALUE if level.thresholds is None else number(level.thresholds.values[i])
        cells = (with_interval(measured.per_tag[i]) for measured in group.metrics.values())
        rows.append((tag, f"{group.positives[i]:,}", threshold, *cells))
    header = ("tag", "positives", "threshold", *(TITLES[metric] for metric in group.metrics))
    return Table("Each tag, track level", header, tuple(rows))


def _notes(report: Report):
    resampling = report.resampling
    yield (
        f"In parentheses: {resampling.level:.0%} percentile intervals over {resampling.resamples:,} bootstrap "
        f"resamples of the tracks (seed {resampling.seed}), moved so that their median is the value. They state how "
        "much the value could change with other test tracks, not with other training."
    )
    yield "Macro is the mean over tags. Micro treats all pairs of track (or chunk) and tag as one list."
    yield AVERAGE_PRECISION_NOTE
    thresholds = report.levels["track"].thresholds
    if thresholds is None:
        yield "MCC and F1 are missing, because there were no validation scores to choose thresholds on."
        return
    yield (
        f"MCC and F1 use one threshold per tag, which maximises {TITLES[thresholds.criterion]} on the validation part "
        f"({report.valid_tracks:,} tracks), separately at each level. The test part had no influence on it."
    )
    if not thresholds.chosen.all():
        tags = [tag for tag, chosen in zip(report.vocabulary, thresholds.chosen, strict=True) if not chosen]
        yield f"These tags have one class only in the validation part, so their threshold is 0.5: {', '.join(tags)}."


def tag_rows(report: Report) -> tuple[list[str], list[list]]:
    """Header and rows of the CSV: one row per level, group and tag."""
    metrics = list(report.group().metrics)
    names = [f"{metric}{'' if part == 'value' else f'_{part}'}" for metric in metrics for part in VALUE_AND_INTERVAL]
    header = ["level", "subset", "tag", "group", "rows", "positives", "threshold", "threshold_chosen", *names]
    rows = []
    for level_name, level in report.levels.items():
        for group_name, group in level.groups.items():
            for i, (tag, kind) in enumerate(zip(report.vocabulary.names, report.vocabulary.groups, strict=True)):
                found = level.thresholds
                threshold = ["", ""] if found is None else [float(found.values[i]), int(found.chosen[i])]
                numbers = [value for metric in metrics for value in group.metrics[metric].per_tag[i]]
                rows.append([level_name, group_name, tag, kind, group.rows, group.positives[i], *threshold, *numbers])
    return header, rows
