"""runs.html: the table of a team's runs."""

import re

import pytest
import sample_reports as samples

from trainwright_runtime import page as pages
from trainwright_runtime.page import runs


def rows(page: str) -> list[str]:
    return re.findall(r"<tr><td.*?</tr>", page, flags=re.DOTALL)


def test_each_run_is_a_line_with_a_link_to_its_page_the_latest_first():
    lines = samples.lines(12)
    found = rows(pages.runs_html("vision", list(reversed(lines))))
    assert len(found) == 12
    for line, row in zip(lines, found, strict=True):
        assert f'href="runs/{line["run"]}/report.html"' in row
        assert line["name"] in row
        assert line["status"].lower() in row


def test_totals_count_what_started_and_sum_what_is_known():
    lines = [
        {"status": "SUCCEEDED", "cost_usd": 2.0, "saved_usd": 1.5, "seconds": 60.0},
        {"status": "FAILED", "cost_usd": None, "saved_usd": None, "seconds": None},
        {"status": "STOPPED", "cost_usd": 0.5, "saved_usd": float("nan"), "seconds": 10},
        {"status": "REFUSED", "cost_usd": None},
    ]
    found = runs.totals(lines)
    assert (found["runs"], found["started"], found["succeeded"], found["refused"]) == (4, 3, 1, 1)
    assert (found["success"], found["cost_usd"], found["saved_usd"], found["seconds"]) == (1 / 3, 2.5, 1.5, 70.0)
    assert runs.totals([])["success"] is None
    page = pages.runs_html("vision", lines)
    assert "<b>33 %</b><span>succeeded, 1 of 3 that started</span>" in page
    assert "<b>2.50 USD</b>" in page


def test_a_line_of_which_nothing_is_known_is_still_a_line():
    (row,) = rows(pages.runs_html("vision", [{"run": "x"}]))
    assert "(no name)" in row
    assert row.count("—") >= 5


def test_figures_sort_by_their_values_and_not_by_their_words():
    (row,) = rows(pages.runs_html("vision", [{**samples.lines(1)[0], "seconds": 3700.5, "cost_usd": 1234.5}]))
    assert '<td class="number" data-value="3700.5">1 h 1 min</td>' in row
    assert '<td class="number" data-value="1234.5">1,234.50 USD</td>' in row


def test_no_run_is_said():
    assert "No run of this team has ended yet." in pages.runs_html("vision", [])


@pytest.mark.parametrize("count", [2000])
def test_two_thousand_lines_stay_below_two_megabytes(count):
    page = pages.runs_html("vision", samples.lines(count))
    assert len(rows(page)) == count
    assert len(page.encode()) < 2_000_000
    assert f"<b>{count:,}</b>" in page
