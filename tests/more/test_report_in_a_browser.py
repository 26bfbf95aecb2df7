"""The run report in a real browser: readable, without an error and without asking the network for anything."""

import json
import os
import shutil
from pathlib import Path

import pytest

pytestmark = pytest.mark.more
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

# A browser that the machine has comes before one that playwright may have fetched.
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Root has no sandbox in Chromium; the rest keeps it from asking the network for anything of its own.
ARGUMENTS = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"]
LAST = Path(__file__).parents[2] / ".rehearsal" / "last"


@pytest.fixture(scope="module")
def page():
    with playwright.sync_playwright() as driver:
        try:
            browser = driver.chromium.launch(
                executable_path=next(filter(None, map(shutil.which, BROWSERS)), None),
                args=ARGUMENTS + (["--no-sandbox"] if os.geteuid() == 0 else []),
            )
        except playwright.Error as error:
            pytest.skip(f"no browser: {str(error).splitlines()[0]}")
        page = browser.new_page(viewport={"width": 1200, "height": 900})
        yield page
        browser.close()


def test_the_report_of_the_last_rehearsal_is_readable(page, tmp_path: Path) -> None:
    if not (LAST / "report.html").is_file():
        pytest.skip("there is no .rehearsal/last/report.html: run `make rehearse` first")
    errors: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("request", lambda request: asked.append(request.url))
    page.goto((LAST / "report.html").as_uri())
    report = json.loads((LAST / "report.json").read_text())
    text = page.inner_text("body")
    assert report["run"] in text and report["status"].lower() in text.lower()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "it is wider than the window"
    assert [url for url in asked if not url.startswith("file:")] == []
    assert errors == []
    page.screenshot(path=LAST / "report.png", full_page=True)
    assert (LAST / "report.png").stat().st_size > 10_000
