import io
import sys

import pytest

from keras_musictag.terminal import progress_bar


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def usual_terminal(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    for name in ("FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)


def use_bar(monkeypatch, stdout, stderr, **options) -> None:
    monkeypatch.setattr(sys, "stdout", stdout)
    monkeypatch.setattr(sys, "stderr", stderr)
    with progress_bar(**options) as bar:
        bar.update(bar.add_task("reading", total=3000), completed=1500)
        bar.refresh()
        print("a line")


@pytest.mark.parametrize("in_bytes, count", [(False, "1500/3000"), (True, "1.5/3.0 kB")])
def test_a_terminal_shows_the_bar_and_a_file_gets_the_lines(monkeypatch, in_bytes, count):
    file, terminal = io.StringIO(), Terminal()
    use_bar(monkeypatch, file, terminal, in_bytes=in_bytes)
    assert file.getvalue() == "a line\n"
    assert "reading" in terminal.getvalue() and count in terminal.getvalue()


def test_lines_for_the_same_terminal_go_above_the_bar(monkeypatch):
    own, terminal = Terminal(), Terminal()
    use_bar(monkeypatch, own, terminal)
    assert own.getvalue() == "" and "a line" in terminal.getvalue()


def test_nothing_is_drawn_without_a_terminal(monkeypatch):
    file, errors = io.StringIO(), io.StringIO()
    use_bar(monkeypatch, file, errors)
    assert (file.getvalue(), errors.getvalue()) == ("a line\n", "")
