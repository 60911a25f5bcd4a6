"""What a student reads: the check's message, where to read, one hint; nothing of the grader, nothing active."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.feedback import Told, feedback_html, feedback_markdown
from autograder.result import ExerciseResult, Result
from autograder.templates import prose
from rl2lib.lab import course
from rl2lib.lab.checking import STUB, Outcome
from rl2lib.lab.messages import HEADINGS
from tests.autograder.pages import Page

NOTEBOOK, EXERCISE = course.load().exercise("embed_bandit")
SEED = 918273645546372819
HOSTILE = (
    "</p></section><script>alert(1)</script><img src=x onerror=alert(2)><style>*{display:none}</style>"
    '"><a href="javascript:alert(3)">x</a>&lt;b&gt; {{ 7*7 }} {% raw %} \x1b]0;title\x07 \u202e evil \ud800 \x00'
)


def result(*items: ExerciseResult, student: str = "ada", **fields) -> Result:
    return Result(student, NOTEBOOK.name, "0.1.0", "ab" * 32, "9.9.9", SEED, items, **fields)


def failed(name: str = "embed_bandit", misconception: str = "reward_before_action", **fields) -> ExerciseResult:
    diagnosis = course.load().exercise(name)[1].diagnoses.get(misconception, "Because (section 2.1).")
    outcome = Outcome(name, "failed", f"{name}(x)", "[[1, 0]]", "[[0, 1]]", diagnosis, misconception)
    return ExerciseResult(name, 0.0, 4.0, "failed", outcome.reason, misconception, diagnosis, **fields)


def test_a_wrong_answer_is_told_with_message_cause_section_and_first_hint():
    page = Page(feedback_html(result(failed())))
    assert page.problems == []
    for words in (
        "0 of 4 points, 0 of 1 exercises right",
        "looked at embed_bandit(x) expected [[1, 0]] got [[0, 1]] likely cause Because (section 2.1).",
        "Read “2.1 Four columns” in 02_input_embedding.ipynb .",
        'hint("embed_bandit")',
    ):
        assert words in page.words, words
    assert page.words.count("Because (section 2.1)") == 1
    assert "02_input_embedding.ipynb#2.1-Four-columns" in page.links
    assert [level for level, _ in page.headings][:2] == [1, 2]
    first, *later = (str(prose(hint)) for hint in EXERCISE.hints)
    source = feedback_html(result(failed()))
    assert first in source[source.index("<details>") : source.index("</details>")]
    assert not [hint for hint in later if hint in source]


def test_a_right_answer_needs_no_hint_and_no_reading():
    item = ExerciseResult("embed_bandit", 4.0, 4.0, "passed", "")
    page = Page(feedback_html(result(item)))
    assert page.problems == [] and page.tags["details"] == 0 and "Read" not in page.words
    assert "4 of 4 points, 1 of 1 exercises right" in page.words and "All right." in page.words


@pytest.mark.parametrize("status", sorted(HEADINGS))
def test_every_status_is_said_in_words_and_by_a_sign(status):
    item = ExerciseResult("embed_bandit", 4.0 if status == "passed" else 0.0, 4.0, status, "because of this")
    other = ExerciseResult("embed_tabular", 4.0, 4.0, "passed", "")
    page = Page(feedback_html(result(item, other)))
    assert page.problems == [] and HEADINGS[status] in page.words
    assert page.words.count({"passed": "✓", "not_attempted": "○"}.get(status, "✗")) >= 2
    assert (page.tags["details"] == 1) == (status not in ("passed", "ungradable"))
    assert HEADINGS[status] in feedback_markdown(result(item, other))


def test_the_stub_is_not_quoted_back():
    item = ExerciseResult("embed_bandit", 0.0, 4.0, "not_attempted", STUB.format(name="embed_bandit"))
    assert "write your answer here" not in feedback_html(result(item)) + feedback_markdown(result(item))


def test_nothing_of_the_grader_is_told():
    fault = ExerciseResult("embed_bandit", 0, 4, "ungradable", "the grader failed on it (KeyError: 'canary-secret')")
    told = result(fault, failed("embed_tabular"), flags=("embed_bandit-check: locked cell edited",))
    whole = result(fault)
    for page in (feedback_html(told), feedback_markdown(told), feedback_html(whole), feedback_markdown(whole)):
        assert "canary-secret" not in page and "KeyError" not in page and "no mistake of yours" in page
        assert str(SEED) not in page and "locked cell" not in page and "9.9.9" not in page
        assert "reward_before_action" not in page  # the mutant's name is ours, the diagnosis is the student's
    assert ("abab" in feedback_html(told)) and ("could not be graded" in feedback_html(whole))


def test_what_could_not_be_read_says_why_once():
    reason = "02_input_embedding.ipynb: not a notebook (its JSON is broken: x)"
    items = [ExerciseResult(item.name, 0.0, 1.0, "ungradable", reason) for item in NOTEBOOK.exercises]
    page = Page(feedback_html(result(*items)))
    assert page.problems == [] and page.words.count(reason) == 1 and page.tags["section"] == 0
    assert feedback_markdown(result(*items)).count(reason) == 1


def test_hostile_text_is_shown_and_does_nothing():
    items = [
        ExerciseResult("embed_bandit", 0.0, 4.0, "error", HOSTILE * 1000, None, ""),
        ExerciseResult(f"e{HOSTILE}", 0.0, 4.0, "failed", f"x: expected {HOSTILE}, got {HOSTILE}", HOSTILE, HOSTILE),
    ]
    told = result(*items, student=HOSTILE)
    source = feedback_html(told)
    page = Page(source)
    assert page.problems == [] and "<script>alert(1)" in page.words and "⟨U+202E⟩ evil ⟨U+D800⟩" in page.words
    assert "{{ 7*7 }}" in page.words and len(source.encode()) < 100_000
    markdown = feedback_markdown(told)
    assert len(markdown.encode()) < 100_000 and "\x1b" not in markdown + source and "\u202e" not in markdown + source
    outside_code = [line for line in markdown.splitlines() if "<script>" in line and not line.startswith("    ")]
    assert len(outside_code) == 3 and all(
        "`" in line.split("<script>")[0] or "\\<script>" in line for line in outside_code
    )


def test_a_page_stays_small_whatever_is_in_it():
    items = [ExerciseResult(f"e{n}", 0.0, 1.0, "failed", "&" * 200_000, "m", "\u202e" * 200_000) for n in range(12)]
    source = feedback_html(result(*items, student="\u202e" * 100_000))
    assert len(source.encode()) < 1_000_000 and Page(source).problems == []


@given(
    what=st.text("abc()[], 12", min_size=1),
    expected=st.text("[]., 01e", min_size=1),
    got=st.text("[]., 01egot expected:"),
    cause=st.sampled_from(["", "You did this (section 2.1)."]),
)
def test_the_message_is_taken_apart_where_the_check_put_it_together(what, expected, got, cause):
    what, expected, got = what.strip() or "f", expected.strip() or "1", got.strip()
    reason = Outcome("embed_bandit", "failed", what, expected, got, cause).reason
    message = Told(ExerciseResult("embed_bandit", 0.0, 1.0, "failed", reason, None, cause)).message
    assert [label for label, _ in message] == ["looked at", "expected", "got"]
    assert [text.rstrip(".").strip() for _, text in message] == [
        part.rstrip(".").strip() for part in (what, expected, got)
    ]


def test_prose_marks_code_and_formulas_and_escapes_the_rest():
    assert prose("a `x < *y*` and $a_t$, *all* of **them**, 2 * 3 * 4") == (
        "a <code>x &lt; *y*</code> and <code>a_t</code>, <em>all</em> of <em>them</em>, 2 * 3 * 4"
    )
