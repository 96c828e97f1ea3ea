"""What of a report goes into a zoo entry's card."""

import numpy as np

from keras_musictag.evaluation.report import Report
from keras_musictag.zoo.card import Metric

LEVEL = 0.95  # of a card's intervals


def card_metrics(report: Report) -> tuple[Metric, ...]:
    """The macro values at track level; those that have no value are left out.

    Args:
        report: On an undeformed part.

    Returns:
        A `Metric` each, named as in the report: "roc_auc", "pr_auc", "average_precision", "mcc", "f1". Intervals of
        another level than 95 % are left out.

    Raises:
        ValueError: If the report is on deformed audio: a card holds none of these.
    """
    source, group = report.source, report.group()
    if source.deformation:
        raise ValueError(f"A card holds metrics on undeformed audio. Received: {source.deformation!r}.")
    of_card = report.resampling.level == LEVEL
    return tuple(
        Metric(
            dataset=source.dataset,
            split=f"{source.split}, {source.part}",
            metric=name,
            value=float(measured.macro[0]),
            interval=tuple(map(float, measured.macro[1:])) if of_card and not np.isnan(measured.macro[1]) else None,
            tracks=group.tracks,
        )
        for name, measured in group.metrics.items()
        if not np.isnan(measured.macro[0])
    )
