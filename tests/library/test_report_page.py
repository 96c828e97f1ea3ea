"""The report counts right, stands alone, and escapes names."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest

from keras_musictag import Vocabulary
from keras_musictag.library import (
    Database,
    Labels,
    PresenceThresholds,
    library_statistics,
)
from keras_musictag.library.report_page import report_page_text
from tests.library.synthetic import add_scores, random_library

TAGS = Vocabulary(("rock", "new <age>"), ("genre", "genre"))
SCORES = np.array([[0.9, 0.1], [0.6, 0.2], [0.1, 0.95], [0.2, 0.1]])
VECTORS = np.array([[1, 0, 0], [2, 0.001, 0], [0, 1, 0], [0, 1, 1]], np.float32)
EVIL = "<script>alert('1')</script>\"&\n"
LABELS = (Labels(EVIL, title="One", year=1991), Labels("B", title="Two", year=1999), Labels(year=2004), Labels(year=73))
PATHS = ("/m/a.mp3", f"/m/{EVIL.replace('/', '')}.mp3", "/m/\udcff.mp3", "/m/d.mp3")


@pytest.fixture
def statistics(tmp_path):
    with Database(tmp_path / "library.db", create=True) as database:
        model = add_scores(database, PATHS, SCORES, TAGS, vectors=VECTORS, labels=LABELS, seconds=[3600, 60, 60, 60])
        database.put_file("/m/copy.mp3", 1, 2, 1)
        database.put_file("/m/bad.mp3", 1, 2, problem="It is <not> audio.")
        database.put_file("/m/bad2.mp3", 1, 2, problem="It is <not> audio.")
        database.put_file("/m/gone.mp3", 1, 2, 2)
        database.connection.execute("UPDATE files SET missing_since = '2026' WHERE path = ?", (b"/m/gone.mp3",))
        yield library_statistics(
            database, model, thresholds=PresenceThresholds({"rock": 0.5, "new <age>": 0.9}, "card")
        )


def test_the_numbers_are_right(statistics):
    assert (statistics.files, statistics.missing, statistics.problem_files, statistics.copies) == (7, 1, 2, 1)
    assert statistics.tracks == 4 and statistics.hours == pytest.approx(1.05)
    assert statistics.decades == {1990: 2, 2000: 1}
    rock, new_age = statistics.tags
    assert (rock.tracks, rock.by_decade) == (2, {1990: 1.0, 2000: 0.0})
    assert new_age.typical[0].path == "/m/\udcff.mp3" and new_age.typical[1] == pytest.approx(0.95)
    assert statistics.problems == [("It is <not> audio.", 2, "/m/bad.mp3")]


def test_near_duplicates_and_outliers(statistics):
    ((one, other, cosine),) = statistics.near_duplicates
    assert {one.path, other.path} == set(PATHS[:2]) and cosine == pytest.approx(1)
    assert [track.path for track, _ in statistics.outliers[:2]] == ["/m/\udcff.mp3", "/m/d.mp3"]
    assert statistics.outliers[0][1] == pytest.approx(0.5**0.5)


class Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.open, self.attributes, self.text = set(), [], [], ""

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.attributes += attributes
        if tag not in ("meta", "rect"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert tag == "rect" or self.open.pop() == tag

    def handle_startendtag(self, tag, attributes):
        self.tags.add(tag)

    def handle_data(self, data):
        self.text += data


def test_the_page_escapes_names_and_stands_alone(statistics):
    text = report_page_text(statistics)
    page = Page()
    page.feed(text)
    assert page.open == [] and page.tags.isdisjoint({"script", "link", "img", "iframe", "a", "age"})
    assert not [name for name, _ in page.attributes if name.startswith("on") or name in ("src", "href")]
    assert "url(" not in text and "http" not in re.sub("http-equiv", "", text)
    assert "<script>alert('1')</script>\"&\\n" in page.text and "\\xff.mp3" in page.text and "new <age>" in page.text
    assert "prefers-color-scheme: dark" in text and "viewport" in text
    text.encode("utf-8")


def test_an_empty_library_has_a_page(tmp_path):
    with Database(tmp_path / "library.db", create=True) as database:
        statistics = library_statistics(database, database.add_model("my-own-v1", "ab", TAGS, 3))
    assert "None." in report_page_text(statistics) and statistics.tracks == 0


def test_progress_ends_with_all_tracks(tmp_path):
    seen = []
    with random_library(tmp_path, 30, features=4) as database:
        library_statistics(database, database.find_model(), report=lambda done, total: seen.append((done, total)))
    assert seen == [(30, 30)]
