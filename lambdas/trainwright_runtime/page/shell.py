"""The shell of every page: one file with its own style and scripts, and a policy that lets nothing else in."""

import base64
import hashlib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import resources
from typing import Any

import jinja2
from markupsafe import Markup

from trainwright_runtime import summary
from trainwright_runtime.page import figures, text

_DATA_POLICY = {"json.dumps_kwargs": {"sort_keys": False, "separators": (",", ":"), "allow_nan": False}}


def render(template: str, *, styles: Iterable[str], scripts: Iterable[str], **view: Any) -> str:
    """A page of `templates/` with the named files of `assets/` and `vendor/` in it. All of `view` is escaped."""
    style_texts, script_texts = [asset(name) for name in styles], [asset(name) for name in scripts]
    return (
        _environment()
        .get_template(template)
        .render(
            # Markup is the library's own constant text, never anything of a run
            styles=[Markup(each) for each in style_texts],  # noqa: S704
            scripts=[Markup(each) for each in script_texts],  # noqa: S704
            policy=policy(style_texts, script_texts),
            **view,
        )
    )


def policy(styles: Iterable[str], scripts: Iterable[str]) -> str:
    """The Content-Security-Policy of a page: these styles and scripts by their very text, the empty icon, nothing else:
    no request, no `eval`, no attribute that is code."""
    allowed = {
        "default-src": ["'none'"],
        "script-src": [source_hash(each) for each in scripts] or ["'none'"],
        "style-src": [source_hash(each) for each in styles] or ["'none'"],
        # the empty icon: a browser asks the page's host for one where none is named
        "img-src": ["data:"],
        "base-uri": ["'none'"],
        "form-action": ["'none'"],
    }
    return "; ".join(f"{name} {' '.join(sources)}" for name, sources in allowed.items())


def source_hash(content: str) -> str:
    """How a Content-Security-Policy names an inline script or style (CSP level 3, hash-source)."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"


@cache
def asset(name: str) -> str:
    """A file of this package: `assets/page.css`."""
    return resources.files("trainwright_runtime.page").joinpath(name).read_text("utf-8")


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("trainwright_runtime.page", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies.update(_DATA_POLICY)
    environment.filters |= _filters()
    return environment


def _filters() -> Mapping[str, Any]:
    return {
        "duration": summary.duration_words,
        "usd": summary.usd_words,
        "seconds": figures.seconds,
        "percent": figures.percent,
        "number": figures.number,
        "signed": figures.signed,
        "size": figures.size,
        "moment": figures.moment,
        "epoch": figures.epoch,
        "took": figures.took,
        "cut": text.cut,
        "parts": text.parts,
    }
