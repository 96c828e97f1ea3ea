"""The report of a library as one HTML page that loads nothing: tables whose cells are the plots, light and dark."""

import os
from collections.abc import Iterable
from html import escape
from pathlib import Path

from keras_musictag.errors import printable, quantity
from keras_musictag.files import write_text
from keras_musictag.library.statistics import LibraryStatistics, ShownTrack, TagStatistics

ORIGINS = {
    "card": "A tag is present if its score reaches the threshold of the model's card.",
    "estimated": "A tag is present if its score reaches a threshold that was estimated on music without labels: expect "
    "few wrong tags and many missing ones.",
    "none": "This model has no thresholds, so no tag counts as present.",
}
SHOWN_BY_DECADE = 15
STYLE = """
:root { color-scheme: light dark; --text: #1c1e21; --soft: #5b6068; --line: #d9dce1; --back: #fff; --bar: 51 102 187 }
@media (prefers-color-scheme: dark) {
  :root { --text: #e8eaed; --soft: #a3a9b3; --line: #3a3f47; --back: #17191c; --bar: 110 160 240 }
}
body { font: 16px/1.5 system-ui, sans-serif; color: var(--text); background: var(--back); margin: 0 auto;
  max-width: 60rem; padding: 1rem }
h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin-top: 2.5rem }
p, caption { color: var(--soft) } caption { text-align: left }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(8rem, 1fr)); gap: 1rem }
dt { color: var(--soft); font-size: .85rem } dd { font-size: 1.5rem; margin: 0 }
.scroll { overflow-x: auto }
table { border-collapse: collapse; width: 100% } th { text-align: left; color: var(--soft); font-weight: 500 }
th, td { padding: .25rem .5rem; border-bottom: 1px solid var(--line); vertical-align: top }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
@media (max-width: 32rem) { .wide { display: none } }
td.bar { width: 45%; min-width: 4rem } td.bar svg { display: block; width: 100%; height: 1.2rem }
rect { fill: rgb(var(--bar)) }
td.heat { background: rgb(var(--bar) / var(--share)); text-align: right; font-variant-numeric: tabular-nums }
.path { overflow-wrap: anywhere; font-size: .85rem; color: var(--soft) }
"""
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Music library</title>
<style>{style}</style>
</head>
<body>
<h1>Music library</h1>
{body}
</body>
</html>
"""


def write_report_page(path: str | os.PathLike, statistics: LibraryStatistics) -> None:
    """Writes the page."""
    write_text(Path(path), report_page_text(statistics))


def report_page_text(statistics: LibraryStatistics) -> str:
    """The page as text. All names are escaped; the page runs no script and loads nothing."""
    parts = [
        _numbers(statistics),
        _section("Tags", f"Tracks on which each tag is present. {ORIGINS[statistics.origin]}", _shares(statistics)),
        _section("Years", "Tracks by the year in their own tags.", _years(statistics)),
        _section("Tags by decade", "Share of the decade's tracks.", _by_decade(statistics)),
        _section("The most typical track of each tag", "The one with the highest score.", _typical(statistics.tags)),
        _section(
            "Near-duplicates",
            "Different recordings whose embeddings are nearly the same: other versions of a file, remasters, remixes, "
            "or music made in the same way. Files with exactly the same audio count as one track: this library has "
            f"{quantity(statistics.copies, 'additional file')} of this kind.",
            _pairs(statistics),
        ),
        _section(
            "Outliers", "Tracks that resemble no other: look here for noise, speech and damage.", _outliers(statistics)
        ),
        _section("Problems", "Files that could not be tagged, by reason.", _problems(statistics)),
    ]
    return PAGE.format(style=STYLE, body="\n".join(parts))


def _text(text: str) -> str:
    return escape(printable(text))


def _numbers(statistics: LibraryStatistics) -> str:
    rows = {
        "tracks with tags": f"{statistics.tracks:,}",
        "hours": f"{statistics.hours:,.1f}",
        "files": f"{statistics.files:,}",
        "files with a problem": f"{statistics.problem_files:,}",
        "missing files": f"{statistics.missing:,}",
        "model": _text(statistics.model.name),
    }
    return "<dl>" + "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in rows.items()) + "</dl>"


def _section(title: str, explanation: str, table: str) -> str:
    content = f'<div class="scroll">{table}</div>' if table else "<p>None.</p>"
    return f"<h2>{title}</h2>\n<p>{explanation}</p>\n{content}"


def _table(headings: dict[str, str], rows: Iterable[str]) -> str:
    """A table from headings (text -> class) and rows of cells; "" without rows."""
    rows = "\n".join(f"<tr>{row}</tr>" for row in rows)
    head = "".join(f'<th scope="col" class="{kind}">{_text(text)}</th>' for text, kind in headings.items())
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody>\n</table>" if rows else ""


def _number(value: str) -> str:
    return f'<td class="number">{value}</td>'


def _bar(share: float) -> str:
    return (
        '<td class="bar"><svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect width="{100 * share:.2f}" height="10"/></svg></td>'
    )


def _shares(statistics: LibraryStatistics) -> str:
    most = max((tag.tracks for tag in statistics.tags), default=0) or 1
    return _table(
        {"tag": "", "group": "wide", "": "bar", "tracks": "number", "share": "number"},
        (
            f'<td>{_text(tag.tag)}</td><td class="wide">{_text(tag.group)}</td>{_bar(tag.tracks / most)}'
            f"{_number(f'{tag.tracks:,}')}{_number(f'{100 * tag.tracks / max(1, statistics.tracks):.1f} %')}"
            for tag in statistics.tags
        ),
    )


def _years(statistics: LibraryStatistics) -> str:
    most = max(statistics.decades.values(), default=1)
    return _table(
        {"decade": "", "": "bar", "tracks": "number"},
        (
            f"<td>{decade}s</td>{_bar(count / most)}{_number(f'{count:,}')}"
            for decade, count in statistics.decades.items()
        ),
    )


def _by_decade(statistics: LibraryStatistics) -> str:
    if not statistics.decades:
        return ""
    most = max((share for tag in statistics.tags for share in tag.by_decade.values()), default=0) or 1
    return _table(
        {"tag": "", **{f"{decade}s": "number" for decade in statistics.decades}},
        (
            f"<td>{_text(tag.tag)}</td>"
            + "".join(
                f'<td class="heat" style="--share:{0.6 * share / most:.3f}">{100 * share:.0f} %</td>'
                for share in tag.by_decade.values()
            )
            for tag in statistics.tags[:SHOWN_BY_DECADE]
        ),
    )


def _track(track: ShownTrack) -> str:
    names = " - ".join(_text(name) for name in (track.labels.artist, track.labels.title) if name)
    return f'{names}<div class="path">{_text(track.path)}</div>'


def _typical(tags: list[TagStatistics]) -> str:
    return _table(
        {"tag": "", "track": "", "score": "number"},
        (
            f"<td>{_text(tag.tag)}</td><td>{_track(tag.typical[0])}</td>{_number(f'{tag.typical[1]:.2f}')}"
            for tag in tags
            if tag.typical is not None
        ),
    )


def _pairs(statistics: LibraryStatistics) -> str:
    return _table(
        {"track": "", "and": "", "cosine": "number"},
        (
            f"<td>{_track(one)}</td><td>{_track(other)}</td>{_number(f'{cosine:.4f}')}"
            for one, other, cosine in statistics.near_duplicates
        ),
    )


def _outliers(statistics: LibraryStatistics) -> str:
    return _table(
        {"track": "", "cosine with the nearest": "number"},
        (f"<td>{_track(track)}</td>{_number(f'{cosine:.3f}')}" for track, cosine in statistics.outliers),
    )


def _problems(statistics: LibraryStatistics) -> str:
    return _table(
        {"reason": "", "files": "number", "for example": ""},
        (
            f'<td>{_text(reason)}</td>{_number(f"{count:,}")}<td class="path">{_text(path)}</td>'
            for reason, count, path in statistics.problems
        ),
    )
