"""The pages in a real browser: readable at every width and in both themes, drawn, usable by keyboard, and closed: no
error, no request, nothing of a user's text that becomes more than text. Screenshots are kept in .rehearsal/pages/."""

import itertools
import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import sample_reports as samples

from trainwright_runtime import page as pages

pytestmark = pytest.mark.more
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

# A browser that the machine has comes before one that playwright may have fetched.
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Root has no sandbox in Chromium; the rest keeps it from asking the network for anything of its own.
ARGUMENTS = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"]
ROOT = Path(__file__).parents[2]
LAST, KEPT = ROOT / ".rehearsal" / "last", ROOT / ".rehearsal" / "pages"
WITH_CHARTS = ("succeeded", "pending", "long")
PAGES: dict[str, Callable[[], str]] = {
    **{name: lambda name=name: pages.html(samples.REPORTS[name](), charts_of(name)) for name in samples.REPORTS},
    "runs": lambda: pages.runs_html("vision", samples.lines()),
}
WATCH = """
window.__violations = [];
addEventListener("securitypolicyviolation", (event) => window.__violations.push(event.violatedDirective));
"""


def charts_of(name: str) -> dict[str, Any] | None:
    return samples.charts() if name in WITH_CHARTS else None


@dataclass
class Opened:
    """A page in the browser, and what it said and asked for."""

    page: Any
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def is_clean(self) -> None:
        """It threw nothing, asked nothing of the network and broke no rule of its own policy."""
        assert [each for each in self.said if "getImageData" not in each] == [], (
            "but for what these tests ask themselves"
        )
        assert [url for url in self.asked if not url.startswith(("file:", "data:"))] == []
        assert self.page.evaluate("window.__violations") == []

    def fits(self) -> None:
        assert self.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "wider than the window"

    def drawn(self, chart: str) -> int:
        """How many pixels of a chart's canvas have the colour of its first line."""
        return self.page.evaluate(
            """(id) => {
              const canvas = document.querySelector(`#${id} canvas`);
              if (!canvas) return 0;
              const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
              const hex = getComputedStyle(document.documentElement).getPropertyValue("--productive").trim();
              const [r, g, b] = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
              let found = 0;
              for (let at = 0; at < data.length; at += 4) {
                const far = Math.abs(data[at] - r) + Math.abs(data[at + 1] - g) + Math.abs(data[at + 2] - b);
                found += far < 12 && data[at + 3] > 200;
              }
              return found;
            }""",
            chart,
        )

    def plot(self, chart: str) -> Any:
        plot = self.page.locator(f"#{chart} .plot")
        plot.scroll_into_view_if_needed()
        self.page.wait_for_selector(f"#{chart} .plot[data-drawn]")
        return plot

    def at(self, chart: str) -> str:
        return self.page.locator(f"#{chart} .at").inner_text()


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as driver:
        try:
            browser = driver.chromium.launch(
                executable_path=next(filter(None, map(shutil.which, BROWSERS)), None),
                args=ARGUMENTS + (["--no-sandbox"] if os.geteuid() == 0 else []),
            )
        except playwright.Error as error:
            pytest.skip(f"no browser: {str(error).splitlines()[0]}")
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser, tmp_path: Path):
    contexts = []

    def opened(html: str | Path, width: int = 1200, theme: str = "light", init: str = "", **options: Any) -> Opened:
        path = html if isinstance(html, Path) else tmp_path / "page.html"
        if isinstance(html, str):
            path.write_text(html, encoding="utf-8")
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme, **options)
        contexts.append(context)
        context.set_default_timeout(20_000)
        page = context.new_page()
        page.add_init_script(WATCH + init)
        found = Opened(page)
        page.on("console", lambda message: found.said.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: found.said.append(str(error)))
        page.on("request", lambda request: found.asked.append(request.url))
        page.goto(path.as_uri())
        return found

    yield opened
    for context in contexts:
        context.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1200, 1600])
@pytest.mark.parametrize("name", PAGES)
def test_every_page_fits_and_is_closed(open_page, name: str, width: int, theme: str) -> None:
    opened = open_page(PAGES[name](), width, theme)
    opened.fits()
    if name in WITH_CHARTS:
        assert opened.plot("chart-0")
        opened.page.evaluate("scrollTo(0, 0)")
    KEPT.mkdir(parents=True, exist_ok=True)
    opened.page.screenshot(path=KEPT / f"{name}-{theme}-{width}.png", full_page=True)
    opened.is_clean()


def test_the_first_screen_fits_one_screen(open_page) -> None:
    opened = open_page(PAGES["succeeded"]())
    box = opened.page.locator("header").bounding_box()
    assert box["y"] + box["height"] <= 900
    narrow = open_page(PAGES["succeeded"](), 400)
    for text in ("The run succeeded: validation:accuracy 0.9889.", "1.06 USD", "1 h 12 min"):
        assert narrow.page.get_by_text(text).first.bounding_box()["y"] < 900, text


def test_a_restart_from_zero_and_the_cost_are_on_the_first_screen_however_narrow(open_page) -> None:
    for width in (1200, 400):
        opened = open_page(PAGES["long"](), width)
        for text in (
            "It cost 1.06 USD after spot saved",
            "Attempt 22 began at step 0 although a checkpoint of step 800",
        ):
            assert opened.page.get_by_text(text).first.bounding_box()["y"] < 900, text
        assert opened.page.get_by_text("waited 20 times, 5 h 0 min, for a free quota").count() == 1


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_chart_is_drawn_when_it_is_looked_at(open_page, theme: str) -> None:
    opened = open_page(PAGES["succeeded"](), theme=theme)
    charts = opened.page.eval_on_selector_all("figure[id]", "all => all.map((each) => each.id)")
    assert len(charts) == 2 + 2 * 4
    for chart in charts:
        opened.plot(chart)
        assert opened.drawn(chart) > 100, chart
    opened.is_clean()


def test_charts_change_their_colours_with_the_theme(open_page) -> None:
    opened = open_page(PAGES["succeeded"]())
    opened.plot("chart-0")
    assert opened.drawn("chart-0") > 100
    opened.page.emulate_media(color_scheme="dark")
    opened.page.wait_for_timeout(100)
    assert opened.drawn("chart-0") > 100, "the line has the colour of the dark theme"
    opened.is_clean()


def test_a_single_value_is_drawn_as_the_whole_of_what_there_is(open_page) -> None:
    opened = open_page(pages.html(samples.succeeded(), samples.charts(buckets=1)))
    plot = opened.plot("chart-2")
    assert opened.drawn("chart-2") > 5
    assert not opened.page.locator("#chart-2 .all").is_visible()
    plot.press("ArrowRight")
    assert opened.at("chart-2") == "20 Nov 09:01:40 UTC"
    opened.is_clean()


def test_pointing_at_a_chart_shows_time_and_values_with_their_units_on_all_charts_of_the_host(open_page) -> None:
    opened = open_page(PAGES["succeeded"]())
    network, processor = opened.plot("chart-5"), "chart-2"
    opened.plot(processor)
    before = network.bounding_box()
    network.hover(position={"x": 300, "y": 60})
    assert opened.at("chart-5").endswith(" UTC")
    first, second = opened.page.locator("#chart-5 .now").all_inner_texts()
    assert "MB/s" in first and "MB/s" in second
    assert opened.page.locator(f"#{processor} .now").first.inner_text().count("%") == 3, "mean, lowest and highest"
    assert opened.at(processor) == opened.at("chart-5")
    assert opened.at("chart-6") == "", "another host's charts stay as they are"
    assert network.bounding_box()["height"] == before["height"]


def test_dragging_zooms_all_charts_of_a_host_and_a_double_click_shows_all_again(open_page) -> None:
    opened = open_page(PAGES["succeeded"]())
    opened.plot("chart-3")
    plot = opened.plot("chart-2")
    plot.press("Home")
    first = opened.at("chart-2")
    box = plot.bounding_box()
    opened.page.mouse.move(box["x"] + 200, box["y"] + 60)
    opened.page.mouse.down()
    opened.page.mouse.move(box["x"] + 320, box["y"] + 60, steps=5)
    opened.page.mouse.up()
    assert opened.page.locator("#chart-2 .all").is_visible()
    assert opened.page.locator("#chart-3 .all").is_visible(), "the host's other chart looks at the same time"
    plot.press("Home")
    assert opened.at("chart-2") > first
    opened.page.mouse.dblclick(box["x"] + 250, box["y"] + 60)
    assert not opened.page.locator("#chart-2 .all").is_visible()
    plot.press("Home")
    assert opened.at("chart-2") == first
    opened.is_clean()


def test_a_chart_is_used_by_keyboard_alone(open_page) -> None:
    opened = open_page(PAGES["succeeded"]())
    opened.plot("chart-3")
    plot = opened.plot("chart-2")
    plot.focus()
    plot.press("Home")
    start = opened.at("chart-2")
    plot.press("ArrowRight")
    second = opened.at("chart-2")
    assert second > start
    plot.press("Shift+ArrowRight")
    assert opened.at("chart-2") > second
    spoken = opened.page.locator("#chart-2 .spoken").inner_text()
    assert "CPU use" in spoken and "%" in spoken and "UTC" in spoken
    plot.press("+")
    plot.press("+")
    plot.press("End")
    assert opened.page.locator("#chart-2 .all").is_visible()
    assert opened.page.locator("#chart-3 .all").is_visible(), "the host's other chart follows"
    assert opened.at("chart-3") == opened.at("chart-2")
    zoomed = opened.at("chart-2")
    plot.press("-")
    plot.press("Escape")
    plot.press("End")
    assert opened.at("chart-2") > zoomed
    assert not opened.page.locator("#chart-2 .all").is_visible()
    label = plot.get_attribute("aria-label")
    assert label.startswith("Processor of algo-1. CPU use: ")
    opened.is_clean()


def test_the_keyboard_walks_the_page_from_top_to_bottom_and_shows_where_it_is(open_page) -> None:
    opened = open_page(PAGES["succeeded"]())
    walked, places = [], []
    for _ in range(60):
        opened.page.keyboard.press("Tab")
        found = opened.page.evaluate(
            """() => {
              const at = document.activeElement;
              if (!at || at === document.body) return null;
              const style = getComputedStyle(at);
              const all = [...document.querySelectorAll("*")];
              const seen = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
              return { place: all.indexOf(at), tag: at.tagName, seen };
            }"""
        )
        if found is None:
            break
        walked.append(found)
        places.append(found["place"])
    assert places == sorted(places)
    assert all(each["seen"] for each in walked), [each for each in walked if not each["seen"]]
    tags = [each["tag"] for each in walked]
    assert tags[0] == "BUTTON", "the command's copy button comes first"
    assert tags.count("DIV") == 10, "every chart can be reached"
    assert tags[-1] == "A"


def test_the_command_is_copied(open_page) -> None:
    opened = open_page(PAGES["succeeded"](), permissions=["clipboard-read", "clipboard-write"])
    opened.page.get_by_role("button", name="Copy the command").click()
    opened.page.get_by_text("Copied.").wait_for()
    assert opened.page.evaluate("navigator.clipboard.readText()") == "trainwright run --team vision digits.yaml"


def test_without_a_clipboard_the_command_is_selected(open_page) -> None:
    gone = "Object.defineProperty(navigator, 'clipboard', { value: undefined });"
    opened = open_page(PAGES["succeeded"](), init=gone)
    opened.page.get_by_role("button", name="Copy the command").click()
    opened.page.get_by_text("Selected: copy it with").wait_for()
    assert opened.page.evaluate("getSelection().toString()") == "trainwright run --team vision digits.yaml"
    opened.is_clean()


def test_without_javascript_everything_but_the_charts_is_there(open_page) -> None:
    opened = open_page(PAGES["succeeded"](), java_script_enabled=False)
    page = opened.page
    assert page.locator("noscript .note").count() == 2
    assert page.locator("noscript .note").first.is_visible()
    assert page.get_by_text("Goodput").first.is_visible()
    assert not page.get_by_role("button", name="Copy the command").is_visible()
    page.get_by_text("All machines in a table").click()
    assert page.get_by_role("cell", name="Waiting for I/O").first.is_visible()


def test_paper_has_all_of_it(open_page, tmp_path: Path) -> None:
    opened = open_page(PAGES["succeeded"](), theme="dark")
    opened.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert opened.page.locator("details:not([open])").count() == 0
    assert opened.page.locator(".plot:not([data-drawn])").count() == 0
    ground = "getComputedStyle(document.documentElement).getPropertyValue('--page').trim()"
    assert opened.page.evaluate(ground) == "#ffffff", "paper is white"
    opened.page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert opened.page.locator("details:not([open])").count() > 0
    assert opened.page.evaluate(ground) != "#ffffff"
    opened.page.pdf(path=tmp_path / "report.pdf")
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")
    opened.is_clean()


def test_a_day_on_eight_hosts_opens_and_is_drawn(open_page) -> None:
    opened = open_page(pages.html(samples.succeeded(), samples.long_charts()))
    assert opened.page.locator("figure[id]").count() == 10 + 8 * 4
    assert opened.page.locator(".plot[data-drawn]").count() < 12, "what nobody looks at is not drawn"
    opened.page.evaluate("document.querySelectorAll('details').forEach((each) => (each.open = true))")
    for chart in ("chart-0", "chart-10", "chart-25", "chart-41"):
        opened.plot(chart)
        assert opened.drawn(chart) > 100, chart
    opened.fits()
    opened.is_clean()


def test_runs_are_sorted_by_click_and_by_key_and_filtered(open_page) -> None:
    opened = open_page(PAGES["runs"]())
    page = opened.page

    def column(number: int) -> list[str]:
        cells = f"table.runs tbody tr:not([hidden]) td:nth-child({number})"
        return page.eval_on_selector_all(cells, "all => all.map((each) => each.dataset.value ?? each.textContent)")

    cost = page.locator("th", has=page.get_by_role("button", name="Cost"))
    cost.get_by_role("button").click()
    assert cost.get_attribute("aria-sort") == "descending"
    values = [float(each) for each in column(5) if each]
    assert values == sorted(values, reverse=True)
    assert column(5)[-1] == "", "what is not known comes last"
    cost.get_by_role("button").press("Enter")
    assert cost.get_attribute("aria-sort") == "ascending"
    assert [float(each) for each in column(5) if each] == sorted(values)
    assert column(5)[-1] == ""
    name = page.locator("th", has=page.get_by_role("button", name="Name"))
    name.get_by_role("button").press("Space")
    assert column(2) == sorted(column(2))
    assert page.locator("th[aria-sort]").count() == 1
    page.get_by_label("Filter").fill("FAILED digits")
    assert set(column(3)) == {"failed"} and set(column(2)) == {"digits"}
    assert page.locator("#shown").inner_text() == f"{len(column(2))} of 60 runs"
    assert page.get_by_role("link", name="digits").first.get_attribute("href").startswith("runs/vision-")
    opened.is_clean()


def test_two_thousand_runs_can_be_sorted_and_filtered(open_page) -> None:
    opened = open_page(pages.runs_html("vision", samples.lines(2000)))
    opened.page.get_by_role("button", name="Time").click()
    opened.page.get_by_label("Filter").fill("failed")
    assert opened.page.locator("#shown").inner_text().endswith("of 2,000 runs")
    opened.is_clean()


SHAPE = """() => [...document.querySelectorAll("*")]
  .filter((each) => !(each.tagName === "CODE" && each.attributes.length === 0))
  .map((each) => `${each.tagName} ${[...each.attributes].map((one) => one.name).sort()}`)"""


@pytest.mark.parametrize("kind", ["failed", "pending", "runs"])
def test_hostile_text_becomes_no_element_and_runs_no_script(open_page, kind: str) -> None:
    """Every field holds another of the texts, a few times over; tests/unit/test_page_shell.py puts each text into every
    field."""
    texts = [text for text in samples.HOSTILE if text.strip()]

    def made(texts: Iterator[str]) -> str:
        if kind == "runs":
            return pages.runs_html(next(texts), samples.poisoned(samples.lines(20), texts))
        charts = samples.poisoned(samples.charts(buckets=30), texts) if kind == "pending" else None
        return pages.html(samples.poisoned(samples.REPORTS[kind](), texts), charts)

    opened = open_page(made(f"words of user {number}" for number in itertools.count()), width=400)
    harmless = sorted(set(opened.page.evaluate(SHAPE)))
    path = opened.page.url
    for begin in range(0, len(texts), 29):
        turned = itertools.cycle(texts[begin:] + texts[:begin])
        Path(path.removeprefix("file://")).write_text(made(turned), encoding="utf-8")
        opened.page.goto(path)
        assert opened.page.evaluate("window.__owned") is None
        assert sorted(set(opened.page.evaluate(SHAPE))) == harmless
        opened.fits()
        opened.is_clean()


def test_the_report_of_the_last_rehearsal_is_readable(open_page) -> None:
    if not (LAST / "report.html").is_file():
        pytest.skip("there is no .rehearsal/last/report.html: run `make rehearse` first")
    opened = open_page(LAST / "report.html")
    report = json.loads((LAST / "report.json").read_text())
    text = opened.page.inner_text("body")
    assert report["run"] in text and report["status"].lower() in text.lower()
    opened.fits()
    opened.is_clean()
    opened.page.screenshot(path=LAST / "report.png", full_page=True)
    assert (LAST / "report.png").stat().st_size > 10_000
