"""The run report in a real browser: readable, without an error and without asking the network for anything."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from trainwright_runtime import page as pages
from trainwright_runtime import record as records
from trainwright_runtime import report as reports
from trainwright_runtime.attempts import Planned, Seen, row
from trainwright_runtime.facts import Run
from trainwright_runtime.money import with_cost
from trainwright_runtime.progress import Progress

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


def a_row(number: int, job: dict[str, Any] | None, seen: Seen, **more: Any) -> dict[str, Any]:
    planned = Planned(number, f"vision-0123456789-{number}", "spot", {}, "/aws/sagemaker/TrainingJobs")
    return {**with_cost(row(planned, job, seen), 5.6), "decision": "It goes on with the next machines.", **more}


def a_long_run() -> dict[str, Any]:
    job = {
        "TrainingJobArn": "arn",
        "TrainingJobStatus": "Failed",
        "ResourceConfig": {"InstanceType": "ml.g5.12xlarge", "InstanceCount": 4, "VolumeSizeInGB": 500},
        "TrainingTimeInSeconds": 36_000,
        "BillableTimeInSeconds": 9_000,
    }
    refused = Seen("quota_busy", refusal="ResourceLimitExceeded: " + "the quota is in use " * 20)
    first = a_row(1, job, Seen("service_failed", Progress(80, 100, None)), diagnosis={"summary": "AWS failed. " * 10})
    waits = [a_row(number, None, refused, then_wait_seconds=600) for number in range(2, 20)]
    last = a_row(20, job, Seen("failed", Progress(3, 100, None), checkpoint_step=80, earlier_processes=1))
    item = records.new(Run("vision-0123456789", "vision", "long"), "arn:aws:states:x", None, "2026-11-21T04:22:13Z")
    item["attempts"] = {str(each["number"]): each for each in (first, *waits, last)}
    item["money"] = {"worst_usd": 1234.5, "best_assumption": "it goes well " * 20, "cap_usd": 900.0}
    return reports.build({**item, "status": "FAILED"}, reports.Sources({"name": "long"}))


@pytest.mark.parametrize("width", [1200, 400])
def test_a_long_run_fits_and_says_the_cost_and_the_lost_progress_on_the_first_screen(
    page, tmp_path: Path, width: int
) -> None:
    written = tmp_path / "report.html"
    written.write_text(pages.html(a_long_run()), encoding="utf-8")
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(written.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "it is wider than the window"
    for text in ("It cost 28.00 USD after spot saved", "Attempt 20 began at step 0 although a checkpoint of step 80"):
        assert page.get_by_text(text).first.bounding_box()["y"] < 900, text
    assert page.get_by_text("waited 18 times, 3 h 0 min, for a free quota").count() == 1
    page.screenshot(path=tmp_path / "report.png", full_page=True)
    page.set_viewport_size({"width": 1200, "height": 900})


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
