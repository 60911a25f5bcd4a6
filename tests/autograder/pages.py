"""What must hold for every page that the grader writes: nothing runs, nothing is loaded, it is one well-formed tree."""

from __future__ import annotations

from collections import Counter
from html.parser import HTMLParser

VOID = {"meta", "br", "rect", "line", "circle"}
BLOCKS = {"html", "head", "title", "style", "body", "nav", "section", "article", "div", "footer", "details", "summary"}
LISTS = {"ul", "li", "dl", "dt", "dd", "table", "caption", "thead", "tbody", "tr", "th", "td"}
ALLOWED = VOID | BLOCKS | LISTS | {"h1", "h2", "h3", "h4", "p", "a", "b", "em", "code", "span", "bdi", "svg", "text"}
SCHEMES = ("http:", "https:", "javascript:", "data:", "file:", "vbscript:", "//")


class Page(HTMLParser):
    """A parsed page, with what is wrong with it.

    Args:
        source: its HTML.

    Attributes:
        problems: what no page may hold.
        headings: (level, text).
        texts: every piece of text outside <style>.
        labels: every aria-label and title.
        links: every href.
        ids: every id.
    """

    def __init__(self, source: str):
        super().__init__(convert_charrefs=True)
        self.problems: list[str] = []
        self.headings: list[tuple[int, str]] = []
        self.texts: list[str] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.tags: Counter[str] = Counter()
        self.labels: list[str] = []
        self.policy = ""
        self._open: list[str] = []
        self.feed(source)
        self.close()
        if self._open:
            self.problems.append(f"never closed: {self._open}")
        self.problems += [
            f"no place for #{link[1:]}" for link in self.links if link[:1] == "#" and link[1:] not in self.ids
        ]
        self.problems += [f"id {name} twice" for name, count in Counter(self.ids).items() if count > 1]
        if "default-src 'none'" not in self.policy or "script-src" in self.policy:
            self.problems.append(f"policy {self.policy!r}")

    @property
    def words(self) -> str:
        """All text, blanks collapsed."""
        return " ".join(" ".join(self.texts).split())

    def handle_starttag(self, tag, attrs):
        self.tags[tag] += 1
        if tag not in ALLOWED:
            self.problems.append(f"<{tag}>")
        for name, value in attrs:
            if name.startswith("on") or name in ("src", "srcset", "style", "srcdoc", "action", "xlink:href"):
                self.problems.append(f"{tag} {name}={value!r}")
            if name == "href":
                self.links.append(value or "")
                if (value or "").strip().lower().startswith(SCHEMES):
                    self.problems.append(f"{tag} {name}={value!r}")
            if name == "id":
                self.ids.append(value or "")
            if name in ("aria-label", "title"):
                self.labels.append(value or "")
            if name == "http-equiv" and value == "Content-Security-Policy":
                self.policy = dict(attrs)["content"] or ""
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self._open.pop()

    def handle_endtag(self, tag):
        if not self._open or self._open[-1] != tag:
            self.problems.append(f"</{tag}> closes {self._open[-1:]}")
        else:
            self._open.pop()

    def handle_data(self, data):
        inside = self._open[-1] if self._open else ""
        if inside == "style":
            if "url(" in data or "@import" in data:
                self.problems.append("a style that loads")
            return
        self.texts.append(data)
        for level in range(1, 5):
            if f"h{level}" in self._open:
                self.headings.append((level, data.strip()))

    def handle_comment(self, data):
        self.problems.append(f"comment {data[:40]!r}")
