"""Result -> what a student reads: HTML and Markdown without active content, everything of theirs escaped."""

from __future__ import annotations

from jinja2 import Environment

from autograder.grade import Result
from rl2lib.lab.messages import HEADINGS

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{{ result.notebook }}: {{ result.student }}</title>
<style>
 body { font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; }
 section { border-left: 4px solid #D55E00; padding: .2rem 1rem; margin: 1rem 0; }
 section.passed { border-color: #009E73; } section.not_attempted { border-color: #777; }
 h2 { font-size: 1rem; margin: .3rem 0; } p { margin: .3rem 0; white-space: pre-wrap; }
 footer { color: #666; font-size: .85rem; }
 @media (prefers-color-scheme: dark) { body { background: #181818; color: #ddd; } footer { color: #aaa; } }
</style>
</head>
<body>
<h1>{{ result.notebook }}</h1>
<p><b>{{ result.student }}</b>: {{ number(result.points) }} of {{ number(result.max_points) }} points</p>
{% for item in result.exercises %}
<section class="{{ item.status }}">
<h2>{{ item.name }}: {{ headings[item.status] }} ({{ number(item.points) }} of {{ number(item.max_points) }})</h2>
{% if item.reason %}<p>{{ item.reason }}</p>{% endif %}
{% if item.diagnosis and item.diagnosis not in item.reason %}<p><b>Likely cause:</b> {{ item.diagnosis }}</p>{% endif %}
{% if item.status not in ("passed", "ungradable") %}<p>Next: <code>hint("{{ item.name }}")</code></p>{% endif %}
</section>
{% endfor %}
<footer>course {{ result.course_version }}, grader {{ result.grader_version }}, seed {{ result.seed }},
submission {{ result.submission_sha256[:12] or "none" }}</footer>
</body>
</html>
"""


def feedback_html(result: Result) -> str:
    """Return a page that opens offline."""
    template = Environment(autoescape=True).from_string(PAGE)
    return template.render(result=result, headings=HEADINGS, number=_number)


def feedback_markdown(result: Result) -> str:
    """Return the same as Markdown."""
    lines = [f"# {result.notebook}: {result.student}", ""]
    lines += [f"{_number(result.points)} of {_number(result.max_points)} points", ""]
    for item in result.exercises:
        lines.append(f"## {item.name}: {HEADINGS[item.status]} ({_number(item.points)} of {_number(item.max_points)})")
        lines += ["", *(f"    {line}" for line in item.reason.splitlines()), ""]
        if item.diagnosis and item.diagnosis not in item.reason:
            lines += [f"Likely cause: {item.diagnosis}", ""]
    return "\n".join(lines)


def _number(value: float) -> str:
    return f"{value:g}"
