"""The pages that people open: report.html of a run, runs.html of a team. Text in, HTML out; all text of users and logs
is escaped, each page is one file that asks nothing of the network."""

from trainwright_runtime.page.run import Charts, Report, html
from trainwright_runtime.page.runs import html as runs_html

__all__ = ["Charts", "Report", "html", "runs_html"]
