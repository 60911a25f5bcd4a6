"""Small charts as inline SVG: shapes and numbers that we computed, coloured by the page, readable without colour."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup, escape

# status -> its mark in a chart and its word in a legend; the order is the order in a bar
STATUS = {
    "passed": ("✓", "passed"),
    "failed": ("✗", "wrong answer"),
    "error": ("E", "raised an exception"),
    "timeout": ("T", "ran too long"),
    "memory": ("M", "ran out of memory"),
    "crashed": ("C", "ended the process"),
    "tampered": ("P", "broke the protocol"),
    "not_attempted": ("○", "left empty"),
    "ungradable": ("?", "could not be graded"),
}
BAR_WIDTH, BAR_HEIGHT = 260, 20
RATE_WIDTH = 160


def outcome_bar(counts: dict[str, int]) -> Markup:
    """One bar cut by status, with mark and count in every segment that has room."""
    total = sum(counts.values())
    shapes, words, left = [], [], 0.0
    for status, (mark, word) in STATUS.items():
        count = counts.get(status, 0)
        if not count:
            continue
        width = BAR_WIDTH * count / total
        words.append(f"{count} {word}")
        shapes.append(f'<rect class="{status}" x="{left:.1f}" width="{width:.1f}" height="{BAR_HEIGHT}"/>')
        if width >= 20 + 8 * len(str(count)):
            shapes.append(f'<text class="on-{status}" x="{left + width / 2:.1f}" y="14">{mark} {count}</text>')
        left += width
    return _svg("bar", BAR_WIDTH, BAR_HEIGHT, ", ".join(words), shapes)


def rate_whisker(rate: float, interval: tuple[float, float]) -> Markup:
    """A rate between 0 and 1 as a dot, its interval as a line."""
    low, high = (8 + end * (RATE_WIDTH - 16) for end in interval)
    place = 8 + rate * (RATE_WIDTH - 16)
    shapes = [
        f'<line class="axis" x1="8" x2="{RATE_WIDTH - 8}" y1="10" y2="10"/>',
        *(f'<line class="axis" x1="{x}" x2="{x}" y1="6" y2="14"/>' for x in (8, RATE_WIDTH / 2, RATE_WIDTH - 8)),
        f'<line class="interval" x1="{low:.1f}" x2="{high:.1f}" y1="10" y2="10"/>',
        f'<circle class="dot" cx="{place:.1f}" cy="10" r="4.5"/>',
    ]
    words = f"{rate:.0%}, 95% interval {interval[0]:.0%} to {interval[1]:.0%}"
    return _svg("rate", RATE_WIDTH, 20, words, shapes)


def histogram_chart(bins: Sequence[tuple[str, int]], what: str) -> Markup:
    """Bars with their counts on top and their points below."""
    width, height, base, top = 560, 176, 140, 22
    step = width / len(bins)
    most = max((count for _, count in bins), default=0) or 1
    room = 12 + 6 * max(len(label) for label, _ in bins)
    every = next(number for number in (1, 2, 5, 10, 20) if number * step >= room)
    shapes = [f'<line class="axis" x1="0" x2="{width}" y1="{base}" y2="{base}"/>']
    for index, (label, count) in enumerate(bins):
        tall = (base - top) * count / most
        middle = (index + 0.5) * step
        bar = min(step * 0.86, 60)
        if count:
            y = base - tall
            shapes.append(
                f'<rect class="column" x="{middle - bar / 2:.1f}" y="{y:.1f}" width="{bar:.1f}" height="{tall:.1f}"/>'
            )
            shapes.append(f'<text x="{middle:.1f}" y="{y - 4:.1f}">{count}</text>')
        if index % every == 0 or (index == len(bins) - 1 and index % every > every / 2):
            shapes.append(f'<text class="tick" x="{middle:.1f}" y="{base + 15}">{label}</text>')
    shapes.append(f'<text class="tick" x="{width / 2}" y="{height - 5}">points</text>')
    words = "; ".join(f"{label}: {count}" for label, count in bins if count)
    return _svg("histogram", width, height, f"{what}. Submissions by points: {words or 'none'}", shapes)


def sparkline(bins: Sequence[tuple[str, int]]) -> Markup:
    """The same bars, small and without words."""
    width, height = 120, 26
    step = width / len(bins)
    most = max((count for _, count in bins), default=0) or 1
    shapes = [
        f'<rect class="column" x="{index * step:.1f}" y="{height - height * count / most:.1f}"'
        f' width="{min(step * 0.86, 24):.1f}" height="{height * count / most:.1f}"/>'
        for index, (_, count) in enumerate(bins)
        if count
    ]
    words = "; ".join(f"{label}: {count}" for label, count in bins if count)
    return _svg("spark", width, height, f"Submissions by points: {words or 'none'}", shapes)


def share_bar(share: float) -> Markup:
    """A share between 0 and 1 as a filled bar; the number stands beside it in the page."""
    filled = f'<rect class="column" width="{80 * share:.1f}" height="10"/>'
    return _svg("share", 80, 10, f"{share:.0%}", ['<rect class="empty" width="80" height="10"/>', filled])


def _svg(kind: str, width: int, height: int, words: str, shapes: list[str]) -> Markup:
    head = f'<svg class="{kind}" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img"'
    return Markup(f'{head} aria-label="{escape(words)}">{"".join(shapes)}</svg>')
