"""What holds for every page: one file, a policy that lets in nothing but its own text, users' text that stays text."""

import base64
import hashlib
import html.parser
import json
import re
from importlib import resources

import pytest
import sample_reports as samples

from trainwright_runtime import page as pages
from trainwright_runtime.page import safe_links, text

PAGES = {
    **{name: lambda make=make: pages.html(make()) for name, make in samples.REPORTS.items()},
    "charts": lambda: pages.html(samples.succeeded(), samples.charts()),
    "runs": lambda: pages.runs_html("vision", samples.lines()),
    "no runs": lambda: pages.runs_html("vision", []),
}
VENDOR = resources.files("trainwright_runtime.page") / "vendor"
EMPTY = ("meta", "link", "input")
"""Elements of the templates that have no end tag."""


class Reader(html.parser.HTMLParser):
    """The page as a browser sees it: its elements with their attributes, its text, its scripts and styles."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.inline: dict[str, list[str]] = {"script": [], "style": []}
        self.text: list[str] = []
        self.open: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in EMPTY:
            self.open.append(tag)
        if tag in self.inline and dict(attrs).get("type") is None:
            self.inline[tag].append("")

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, f"{tag} closes something else"

    def handle_data(self, data):
        inside = self.open[-1] if self.open else ""
        if inside in self.inline:
            self.inline[inside][-1:] = [*(each + data for each in self.inline[inside][-1:])]
        else:
            self.text.append(data)

    def shape(self) -> list[tuple[str, tuple[str, ...]]]:
        """Elements and the names of their attributes. Backticks in a sentence make a bare `code`, which is harmless."""
        found = [(tag, tuple(sorted(attributes))) for tag, attributes in self.elements]
        return [each for each in found if each != ("code", ())]


def meta(page: str) -> str:
    (policy,) = [
        each["content"]
        for tag, each in Reader(page).elements
        if tag == "meta" and each.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policy
    return policy


@pytest.mark.parametrize("name", PAGES)
def test_the_policy_allows_the_pages_own_scripts_and_styles_and_nothing_else(name):
    page = PAGES[name]()
    inline = Reader(page).inline
    parts = dict(each.split(" ", 1) for each in meta(page).split("; "))
    for kind in ("script", "style"):
        hashes = [base64.b64encode(hashlib.sha256(each.encode()).digest()).decode() for each in inline[kind]]
        assert parts[f"{kind}-src"].split() == [f"'sha256-{each}'" for each in hashes]
        assert hashes
    others = {name: value for name, value in parts.items() if name not in ("script-src", "style-src")}
    assert others == {
        "default-src": "'none'",
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }


@pytest.mark.parametrize("name", PAGES)
def test_a_page_reaches_for_nothing_and_has_no_code_in_attributes(name):
    page = PAGES[name]()
    for tag, attributes in Reader(page).elements:
        assert not [each for each in attributes if each.startswith("on") or each in ("src", "srcdoc", "style")], tag
        assert tag not in ("img", "iframe", "object", "embed", "form", "base")
        if href := attributes.get("href"):
            assert href == "data:," or href.startswith(("https://", "runs/")), href
    assert "url(" not in page
    assert "@import" not in page
    assert not re.search(r"\beval\(|new Function\(|\.innerHTML", page)


@pytest.mark.parametrize("name", PAGES)
def test_pages_have_both_themes_and_paper(name):
    page = PAGES[name]()
    assert "prefers-color-scheme: dark" in page
    assert "@media print" in page
    assert '<html lang="en">' in page


def rendered(kind: str, words: str) -> str:
    if kind == "runs":
        return pages.runs_html(words, samples.poisoned(samples.lines(8), words))
    charts = samples.poisoned(samples.charts(buckets=20), words) if kind == "pending" else None
    return pages.html(samples.poisoned(samples.REPORTS[kind](), words), charts)


@pytest.mark.parametrize("kind", ["failed", "refused", "pending", "runs"])
def test_hostile_text_in_every_field_stays_text(kind):
    harmless = Reader(rendered(kind, "words of a user")).shape()
    for hostile in samples.HOSTILE:
        reader = Reader(rendered(kind, hostile))
        found = reader.shape()
        if hostile:  # without a word some parts are left out
            assert found == harmless, hostile
        for tag, attributes in reader.elements:
            assert (attributes.get("href") or "runs/").startswith(("runs/", "https://", "data:,")), (tag, hostile)
    assert len(harmless) > 40


@pytest.mark.parametrize("kind", ["failed", "runs"])
def test_names_of_fields_are_text_too(kind):
    for hostile in ("</script><script>", "<img src=x onerror=y>", "{{ 7 * 7 }}", "\ud800", "__proto__"):
        report = samples.succeeded()
        report["metrics"] = {hostile: 1.0}
        report["request"] = {"hyperparameters": {hostile: hostile}}
        charts = samples.charts(names=(hostile,))
        charts["attempts"][0]["series"]["hosts"] = {hostile: {hostile: {"unit": hostile, "mean": [1, 2]}}}
        page = pages.html(report, charts)
        assert "49" not in text.readable(hostile)
        assert "<img src" not in page
        assert page.count("</script>") == 4
        assert page.encode()


def test_the_charts_data_cannot_end_its_script():
    page = pages.html(samples.succeeded(), samples.poisoned(samples.charts(), "</script><!--\u2028&"))
    (data,) = re.findall(r'<script type="application/json" id="chart-data">(.*?)</script>', page, flags=re.DOTALL)
    assert not set(data) & set("<>&\u2028\u2029")
    assert json.loads(data)["charts"]


def test_control_characters_and_turned_text_are_shown_and_not_obeyed():
    assert text.readable("a\x00b\x1b[31m") == "a␀b␛[31m"
    assert text.readable("\u202eevil") == "[U+202E]evil"
    assert text.readable("\ud800x\uffff") == "\ufffdx\ufffd"
    assert text.readable("one\r\ntwo\rthree\tend") == "one\ntwo\nthree\tend"
    assert text.readable({"\u202ek": ["\x07", 1, None, True]}) == {"[U+202E]k": ["␇", 1, None, True]}
    for hostile in samples.HOSTILE:
        text.readable(hostile).encode()


def test_only_https_is_linked():
    assert safe_links.address("https://console.aws.amazon.com/x?y#z") == "https://console.aws.amazon.com/x?y#z"
    for refused in (*samples.HOSTILE, "http://x", "https://", "https:", "https://x y", "https://x\n", None, 3):
        assert safe_links.address(refused) is None
    assert safe_links.report_of("../../x") == "runs/..%2F..%2Fx/report.html"


def test_the_vendored_library_is_the_one_that_was_read():
    listed = re.findall(
        r"^\| (\S+) \| \S+ \| ([0-9a-f]{64}) \|$", (VENDOR / "README.md").read_text("utf-8"), re.MULTILINE
    )
    found = {name: hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() for name, _ in listed}
    assert found == dict(listed)
    assert len(found) == 3


def lightness(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((lightness(one), lightness(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_words_and_charts_stand_out_from_their_ground(theme):
    """WCAG 2.2: 4.5 for text (1.4.3), 3 for graphical objects (1.4.11)."""
    css = (resources.files("trainwright_runtime.page") / "assets" / "page.css").read_text("utf-8")
    found = [
        dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", block))
        for block in re.findall(r":root[^{]*\{([^}]*--ink[^}]*)\}", css)
    ]
    colours = found[theme]
    assert set(colours) == set(found[0])
    for ground in ("page", "panel"):
        for words in ("ink", "soft", "link", "good", "bad", "halt"):
            assert contrast(colours[words], colours[ground]) >= 4.5, (words, ground)
        for drawn in ("productive", "waiting", "start_up", "download", "lost_work", "checkpoints", "upload"):
            assert contrast(colours[drawn], colours[ground]) >= 3, (drawn, ground)
