"""Result -> what a student reads: HTML and Markdown without active content, everything of theirs escaped.

Of the grader it shows points, statuses and the messages in the result, and beside them what the course has published:
diagnoses, hints, sections. The seed, the sandbox, flags and faults of our own stay with the instructor.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from autograder.result import ExerciseResult, Result
from autograder.sections import Section, exercise_number, where_to_read
from autograder.shown_text import visible, visible_line
from autograder.templates import environment
from rl2lib.lab import course
from rl2lib.lab.checking import STUB
from rl2lib.lab.messages import HEADINGS, MARKS

# How a reason begins where our own code raised; what follows may quote it, and is for the instructor.
OUR_FAULT = ("the grader failed", "the worker")
OPENS_TAG = re.compile(r"`[^`]*`|<")
NOT_YOURS = "The grader failed on it. That is no mistake of yours: please tell your instructor, who can grade it again."


@dataclass(frozen=True)
class Told:
    """One exercise as a student reads of it."""

    item: ExerciseResult

    @property
    def mark(self) -> str:
        """A sign that needs no colour."""
        return MARKS.get(self.item.status, "✗")

    @property
    def heading(self) -> str:
        """The status in words."""
        return HEADINGS[self.item.status]

    @property
    def number(self) -> str:
        """The exercise's number in the notebook."""
        return exercise_number(self.item.name)

    @cached_property
    def _known(self) -> course.Exercise | None:
        try:
            return course.load().exercise(self.item.name)[1]
        except course.UnknownName:
            return None

    @property
    def title(self) -> str:
        """What the exercise is called."""
        return self._known.title if self._known else ""

    @cached_property
    def message(self) -> list[tuple[str, str]]:
        """The check's message as (label, text): looked at, expected and got where it compares, else one text."""
        if self.item.reason.startswith(OUR_FAULT):
            return [("", NOT_YOURS)]
        if self.item.reason == STUB.format(name=self.item.name):
            return []
        reason = self.item.reason.removesuffix(self.item.diagnosis).rstrip()
        what, compares, rest = reason.partition(": expected ")
        expected, came, got = rest.partition(", got ")
        if self.item.status == "failed" and compares and came:
            return [("looked at", what), ("expected", expected), ("got", got.removesuffix("."))]
        return [("", reason)] if reason else []

    @property
    def section(self) -> Section | None:
        """Where to read on; None where there is nothing to mend."""
        if self.item.status in ("passed", "ungradable"):
            return None
        return where_to_read(self.item.name, self.item.diagnosis)

    @property
    def hint(self) -> str:
        """The first rung of the ladder, for an answer that is not right yet."""
        wanted = self._known and self.item.status not in ("passed", "ungradable")
        return self._known.hints[0] if wanted and self._known and self._known.hints else ""

    @property
    def more_hints(self) -> int:
        """How many rungs follow it."""
        return len(self._known.hints) - 1 if self._known else 0


@dataclass(frozen=True)
class Feedback:
    """A result as a student reads it."""

    result: Result

    @property
    def title(self) -> str:
        """The notebook's number and title."""
        try:
            found = course.load().notebook(self.result.notebook)
        except course.UnknownName:
            return self.result.notebook
        return f"{found.number} · {found.title}"

    @cached_property
    def exercises(self) -> list[Told]:
        """All exercises, as in the notebook."""
        return [Told(item) for item in self.result.exercises]

    @property
    def passed(self) -> int:
        """How many are right."""
        return sum(item.status == "passed" for item in self.result.exercises)

    @property
    def next(self) -> Told | None:
        """Where to go on: the first exercise that is not right."""
        return next((told for told in self.exercises if told.item.status != "passed"), None)

    @property
    def whole(self) -> str:
        """Why nothing could be graded, "" where something was."""
        statuses = {item.status for item in self.result.exercises}
        return self.exercises[0].message[0][1] if statuses == {"ungradable"} and self.exercises[0].message else ""


def feedback_html(result: Result) -> str:
    """Return a page that opens offline."""
    return environment().get_template("feedback.html").render(feedback=Feedback(result), result=result)


def feedback_markdown(result: Result) -> str:
    """Return the same as Markdown; what a student wrote stands in code, where Markdown means nothing."""
    feedback = Feedback(result)
    lines = [f"# {feedback.title}", "", f"{_code(result.student)}: {_points(result)} points", ""]
    if feedback.whole:
        return "\n".join([*lines, "This submission could not be graded:", "", *_block(feedback.whole)])
    for told in feedback.exercises:
        item = told.item
        name = f"{told.number} {_code(item.name)}".strip()
        lines += [f"## {told.mark} {name}: {told.heading} ({_points(item)})", ""]
        for label, text in told.message:
            lines += [*([f"{label.capitalize()}:", ""] if label else []), *_block(text)]
        if item.diagnosis and item.status != "passed":
            lines += [f"**Likely cause:** {_prose(item.diagnosis)}", ""]
        if told.section:
            lines += [f"**Read:** [{told.section.heading}]({told.section.link}) in {told.section.notebook}.ipynb", ""]
        if told.hint:
            lines += ["**A hint:**", "", *(f"> {line}" for line in told.hint.splitlines()), ""]
    return "\n".join(lines)


def _points(marked: Result | ExerciseResult) -> str:
    return f"{marked.points:g} of {marked.max_points:g}"


def _code(text: str) -> str:
    return f"`{visible_line(text).replace('`', 'ˋ')}`"


def _prose(text: str) -> str:
    """Return the course's own words on one line; what would begin a tag, outside code, begins none."""
    return OPENS_TAG.sub(lambda match: "\\<" if match[0] == "<" else match[0], visible_line(text, limit=4000))


def _block(text: str) -> list[str]:
    return [*(f"    {line}" for line in visible(text).split("\n")), ""]
