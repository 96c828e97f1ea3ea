"""Takes the screenshots of the page in docs/images/page: each view, light and dark, wide and narrow.

    python scripts/screenshots.py [VIEW]...

It needs Chromium and its driver. The music is the demo clip and generated sounds.
"""

import shutil
import sys
import tempfile
from io import BytesIO
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.web.browser import Browser
from tests.web.page_data import serving

OUT = ROOT / "docs" / "images" / "page"
VIEWS = {
    "tag": "/tag",
    "compare": "/compare",
    "evaluate": "/evaluate",
    "report": "/evaluate",
    "library": "/library?q=flute",
}
WIDTHS = {"wide": 1280, "narrow": 390}
MAX_HEIGHT = {"wide": 1500, "narrow": 1700}


def main(views: list[str]) -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as address:
        browser = Browser(shutil.which("chromedriver"), address)
        try:
            for view in views:
                for theme in ("light", "dark"):
                    for size in WIDTHS:
                        take(browser, view, theme, size)
        finally:
            browser.driver.quit()


def take(browser: Browser, view: str, theme: str, size: str) -> None:
    browser.emulate(theme, WIDTHS[size], reduced_motion=True)
    browser.open(VIEWS[view])
    prepare(browser, view)
    height = min(browser.run("return document.documentElement.scrollHeight"), MAX_HEIGHT[size])
    browser.emulate(theme, WIDTHS[size], height, reduced_motion=True)
    browser.settle()
    picture = Image.open(BytesIO(browser.driver.get_screenshot_as_png())).convert("RGB")
    path = OUT / f"{view}-{theme}-{size}.png"
    picture.quantize(palette=palette_of(picture), dither=Image.Dither.NONE).save(path, optimize=True)
    print(f"{path.relative_to(ROOT)}: {path.stat().st_size / 1000:.0f} kB")


def palette_of(picture: Image.Image) -> Image.Image:
    """The frequent colours that differ visibly. Pillow's own palettes blend rare ones, such as those of plots."""
    chosen = []
    for _, colour in sorted(picture.getcolors(picture.width * picture.height), reverse=True):
        if len(chosen) < 256 and all(max(abs(a - b) for a, b in zip(colour, one, strict=True)) > 5 for one in chosen):
            chosen.append(colour)
    palette = Image.new("P", (1, 1))
    palette.putpalette([channel for colour in chosen for channel in colour])
    return palette


def prepare(browser: Browser, view: str) -> None:
    """Brings a view into a state that shows what it does."""
    browser.one("h1") if view != "tag" else browser.one(".progress-text", "Tagged by")
    browser.settle()
    if view in ("tag", "compare"):
        browser.wait(lambda _: browser.one(".play").is_enabled(), "the player")
        browser.one(".tag-name").click()  # plays its strongest moment
        browser.one(".play", "Pause").click()
    if view == "compare":
        browser.wait(lambda _: browser.all(".view-compare tbody tr"), "the table of differences")
    if view == "report":
        browser.one("tbody a").click()
        browser.wait(lambda _: len(browser.all("tbody tr")) > 50, "the rows of all tags")
    if view == "library":
        browser.one(".result-actions button", "Tags").click()
        browser.one(".track-tags .chip")
    browser.run("document.activeElement.blur(); scrollTo(0, 0)")


if __name__ == "__main__":
    main(sys.argv[1:] or list(VIEWS))
