"""The pages' templates, and how they are filled: everything escaped, nothing invisible, nothing endless."""

from __future__ import annotations

import functools
import re
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from autograder.shown_text import visible, visible_line

PROSE = re.compile(r"`([^`]+)`|\$([^$\n]+)\$|\*\*([^*\n]+)\*\*|(?<![\w*])\*(\S(?:[^*\n]*\S)?)\*(?![\w*])")


@functools.cache
def environment() -> Environment:
    """Return what fills the templates of this folder."""
    loader = FileSystemLoader(Path(__file__).parent)
    page = Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined)
    page.filters |= {"visible": visible, "line": visible_line, "prose": prose}
    page.filters |= {"number": "{:g}".format, "percent": "{:.0%}".format}
    return page


def prose(text: str) -> Markup:
    """Return the course's own prose (a hint, a diagnosis) as HTML: code, formulas by their source, emphasis."""

    def marked(match: re.Match[str]) -> str:
        code, formula, strong, emphasis = match.groups()
        return f"<code>{code or formula}</code>" if code or formula else f"<em>{strong or emphasis}</em>"

    return Markup(PROSE.sub(marked, str(escape(visible(text)))))
