"""A headless Chromium with short commands for what the tests of the page do, and the log of what it loaded and said."""

import json
import time
from pathlib import Path
from urllib.parse import urlsplit

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

AXE = Path(__file__).parent / "vendor" / "axe.min.js"
WAIT_SECONDS = 60
FLAGS = (
    "--headless=new",
    "--no-sandbox",  # root in CI
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--autoplay-policy=no-user-gesture-required",
    "--mute-audio",
    "--force-color-profile=srgb",
)


class Browser:
    """A browser that is open at one page."""

    def __init__(self, driver_program: str, address: str):
        options = webdriver.ChromeOptions()
        for flag in FLAGS:
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service(driver_program))
        self.address = address
        self.said, self.requested = [], []
        self.hosts = {urlsplit(address).netloc}  # that it may ask

    def open(self, view: str) -> None:
        """Goes to a view by its fragment, such as "/tag?source=demo:demo", in a fresh page."""
        self.driver.get("about:blank")
        self.driver.get(f"{self.address}#{view}")

    def go(self, view: str) -> None:
        """Goes to a view as a link would, without loading the page again."""
        self.run("location.hash = arguments[0]", view)

    def run(self, script: str, *arguments):
        return self.driver.execute_script(script, *arguments)

    def all(self, css: str) -> list:
        """The elements that can be seen."""
        return [element for element in self.driver.find_elements(By.CSS_SELECTOR, css) if element.is_displayed()]

    def texts(self, css: str) -> list[str]:
        """The texts of the elements that can be seen, all read at one moment."""
        script = "return [...document.querySelectorAll(arguments[0])].filter((e) => e.checkVisibility())"
        return self.run(f"{script}.map((e) => e.innerText)", css)

    def one(self, css: str, text: str = ""):
        """Waits for the first visible element with this text in it."""

        def found(_):
            return next((element for element in self.all(css) if text in element.text), None)

        return self.wait(found, f"{css} {text!r}")

    def wait(self, condition, what: str):
        wait = WebDriverWait(self.driver, WAIT_SECONDS, 0.05, ignored_exceptions=[StaleElementReferenceException])
        return wait.until(condition, f"Waited for {what}.")

    def emulate(self, theme: str = "light", width: int = 1280, height: int = 900, reduced_motion: bool = False) -> None:
        """Sets what the page learns of the screen and of the user's wishes."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        motion = {"name": "prefers-reduced-motion", "value": "reduce" if reduced_motion else "no-preference"}
        features = [{"name": "prefers-color-scheme", "value": theme}, motion]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def violations(self) -> list[str]:
        """What axe-core objects to, one line per rule and element."""
        if not self.run("return Boolean(window.axe)"):
            self.run(AXE.read_text(encoding="utf-8"))
        found = self.driver.execute_async_script(
            "const done = arguments[arguments.length - 1];"
            # preloading adds a style element, which the page's policy blocks
            "const options = {resultTypes: ['violations'], preload: false};"
            "axe.run(document, options).then((result) => done(result.violations));"
        )
        return [f"{rule['id']}: {node['html']} {node['failureSummary']}" for rule in found for node in rule["nodes"]]

    def read_logs(self) -> None:
        """Moves what the browser has logged to `said` (warnings and errors) and `requested` (addresses)."""
        self.said += [row["message"] for row in self.driver.get_log("browser") if row["level"] in ("WARNING", "SEVERE")]
        for row in self.driver.get_log("performance"):
            message = json.loads(row["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                self.requested.append(message["params"]["request"]["url"])

    def expect_refused(self, path: str) -> None:
        """Takes out of `said` that a request was refused: Chromium itself reports it."""
        self.read_logs()
        expected = [message for message in self.said if path in message and "Failed to load resource" in message]
        assert expected, self.said
        self.said = [message for message in self.said if message not in expected]

    def settle(self) -> None:
        """Waits until nothing is being worked on and transitions have ended."""
        self.wait(lambda _: not self.all(".progress-line.running"), "the end of all jobs")
        time.sleep(0.3)
