"""The instructor's view: counted right, safe whatever is in it, of use with a few lines or three hundred students."""

import csv
import io
import json
import math

import numpy as np
import pytest
from msgspec.structs import replace
from scipy import stats
from typer.testing import CliRunner

from autograder.class_report import NothingToReport, overview, table, write_report
from autograder.class_report.charts import STATUS, histogram_chart, outcome_bar
from autograder.class_report.reading import read_results
from autograder.class_report.statistics import histogram, quartiles, wilson_interval
from autograder.class_report.summary import summarise
from autograder.cli import app
from autograder.result import MAX_STUDENT, ExerciseResult, Result
from rl2lib.lab import course
from rl2lib.lab.messages import HEADINGS
from tests.autograder.pages import Page
from tests.autograder.synthetic_class import SANDBOX, synthetic_class, write_class
from tests.autograder.test_feedback import HOSTILE

NOTEBOOK = course.load().notebook("01")
NAMES = ("pull", "regret")


def line(student, statuses, notebook=NOTEBOOK.name, misconception=None, **fields):
    exercises = [
        {
            "name": name,
            "points": 3.0 if status == "passed" else 0.0,
            "max_points": 3.0,
            "status": status,
            "reason": "" if status == "passed" else f"because {status}",
            "misconception": misconception if status == "failed" else None,
            "diagnosis": "You did so (section 1.1). Do not." if misconception and status == "failed" else "",
        }
        for name, status in zip(NAMES, statuses, strict=True)
    ]
    known = {"course_version": "0.1.0", "submission_sha256": "ab" * 32, "grader_version": "0.1.0", "seed": 7}
    known |= {"flags": [], "isolation": SANDBOX, "schema_version": 1}
    return {"student": student, "notebook": notebook, **known, "exercises": exercises, **fields}


# Eight students; by hand: pull 5 of 7 graded pass, regret 3 of 7; ada's first file is replaced by her second.
SMALL = [
    line("ada", ("failed", "failed"), misconception="inverted", submission_sha256="cd" * 32),
    line("ada", ("passed", "passed")),
    line("bob", ("passed", "passed")),
    line("Cy", ("passed", "passed"), flags=["pull-check: locked cell edited", "setup: cell deleted"]),
    line("dee", ("passed", "failed"), misconception="inverted"),
    line("eli", ("passed", "failed"), misconception="thresholded"),
    line("fay", ("failed", "failed"), misconception="inverted"),
    line("gus", ("not_attempted", "failed")),
    line("hal", ("ungradable", "ungradable"), submission_sha256="", isolation=""),
]


@pytest.fixture
def small(tmp_path):
    write_class(SMALL, tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def big(tmp_path_factory):
    out = tmp_path_factory.mktemp("big")
    write_class(synthetic_class(300), out)
    write_report(out)
    return out


# --------------------------------------------------------------------------------------- figures


@pytest.mark.parametrize("trials", [1, 2, 7, 50, 300])
def test_the_interval_is_wilsons(trials):
    for successes in range(0, trials + 1, max(1, trials // 7)):
        expected = stats.binomtest(successes, trials).proportion_ci(method="wilson")
        assert wilson_interval(successes, trials) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_of_nothing_the_interval_is_everything():
    assert wilson_interval(0, 0) == (0.0, 1.0)


def test_a_histogram_has_bins_of_whole_points_and_one_width():
    assert histogram([0, 0.5, 1, 3, 3], 3) == [("0", 2), ("1", 1), ("2", 0), ("3", 2)]
    bins = histogram([0, 1, 2, 99, 100], 100)
    assert [bins[0], bins[1], bins[-1]] == [("0–2", 3), ("3–5", 0), ("99–101", 2)] and len(bins) == 34
    assert histogram([], 0) == [("0", 0)]


def test_quartiles_are_numpys():
    values = sorted([3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.5])
    for many in range(1, 8):
        assert quartiles(values[:many]) == pytest.approx(tuple(np.quantile(values[:many], [0.25, 0.5, 0.75])))
    assert all(map(math.isnan, quartiles([])))


def test_every_status_has_its_mark():
    assert set(STATUS) == set(HEADINGS) and len({mark for mark, _ in STATUS.values()}) == len(STATUS)
    page = outcome_bar(dict.fromkeys(HEADINGS, 2))
    assert all(f"2 {word}" in page for _, word in STATUS.values())
    assert "nan" not in histogram_chart([("0", 0)], "nothing").lower()


# --------------------------------------------------------------------------------------- counting


def test_a_small_class_counted_by_hand(small):
    summary = summarise(read_results(small))
    (notebook,) = summary.notebooks
    assert [student.name for student in summary.students] == ["ada", "bob", "Cy", "dee", "eli", "fay", "gus", "hal"]
    assert (summary.num_graded, len(summary.results)) == (7, 8)
    assert notebook.points == [0, 0, 3, 3, 6, 6, 6] and notebook.full_marks == 3 and notebook.max_points == 6
    assert notebook.quartiles == (1.5, 3, 6) and dict(notebook.histogram) == {
        "0": 2, "1": 0, "2": 0, "3": 2, "4": 0, "5": 0, "6": 3,
    }  # fmt: skip
    pull, regret = notebook.exercises
    assert pull.counts == {"passed": 5, "failed": 1, "not_attempted": 1}
    assert (pull.graded, pull.attempted, pull.passed, pull.number, pull.title) == (7, 6, 5, "1.1", "pull an arm")
    assert pull.pass_rate == 5 / 7 and regret.pass_rate == 3 / 7
    assert [(item.name, item.students) for item in regret.misconceptions] == [
        ("inverted", ("dee", "fay")),
        ("thresholded", ("eli",)),
    ]
    assert (regret.unexplained, pull.unexplained) == (1, 0)
    assert [(item.exercise, len(item.students)) for item in summary.misconceptions] == [
        ("regret", 2), ("pull", 1), ("regret", 1),
    ]  # fmt: skip
    (group,) = summary.ungraded
    assert group.text == "because ungradable" and [item.student for item in group.results] == ["hal"]
    (group,) = summary.flagged
    assert group.text == "pull-check: locked cell edited\nsetup: cell deleted" and group.size == 1
    assert summary.without_sandbox == () and summary.share == 24 / 42


@pytest.mark.parametrize("isolation, alarm", [(SANDBOX, False), ("", True), ("none", True)])
def test_a_result_without_a_sandbox_is_stamped(tmp_path, isolation, alarm):
    results = [line("ada", ("passed", "failed"), isolation=isolation), line("bob", ("passed", "failed"))]
    write_class(results, tmp_path)
    summary = write_report(tmp_path)
    page = Page((tmp_path / "report.html").read_text())
    assert page.problems == [] and bool(summary.without_sandbox) == alarm
    assert ("Graded without a sandbox: 1 of 2 results" in page.words) == alarm and ("⚠ 3" in page.words) == alarm
    rows = {row["student"]: row["sandbox"] for row in csv.DictReader((tmp_path / "report_submissions.csv").open())}
    assert rows["ada"].startswith("NONE") == alarm and rows["bob"] == SANDBOX


def test_a_result_from_before_isolation_was_recorded_is_stamped_too(tmp_path):
    old = line("ada", ("passed", "failed"))
    del old["isolation"], old["flags"]
    write_class([old], tmp_path)
    (group,) = summarise(read_results(tmp_path)).without_sandbox
    assert "not recorded" in group.text


# --------------------------------------------------------------------------------------- the files


def test_the_page_says_what_was_counted(small):
    write_report(small)
    page = Page((small / "report.html").read_text())
    assert page.problems == []
    for words in (
        "8 students", "7 submissions graded", "1 not graded", "57% of all points", "1 submissions flagged",
        "5 of 7 pass: 71% (36% to 92%); worth 3", "2 × inverted", "You did so (section 1.1). Do not.",
        "Read “1.1 · One task that you do not know” in 01_tasks_and_trials.ipynb",
        "1 × wrong in a way of its own", "because ungradable hal (01)",
        "pull-check: locked cell edited setup: cell deleted Cy (01)", "⚑ 6",
    ):  # fmt: skip
        assert words in page.words, words
    assert "5 passed, 1 wrong answer, 1 left empty" in page.labels
    assert [text for level, text in page.headings if level == 2][:2] == ["Notebooks", "What to talk about in class"]
    assert any(
        link.endswith("notebooks/01_tasks_and_trials.ipynb#1.1-%C2%B7-One-task-that-you-do-not-know")
        for link in page.links
    )


def test_the_page_links_the_feedback_that_is_there(small):
    (small / "feedback" / "Cy").mkdir(parents=True)
    (small / "feedback" / "Cy" / f"{NOTEBOOK.name}.html").write_text("x")
    for to, address in ((small, "feedback/Cy"), (small / "deep" / "er", "../../feedback/Cy")):
        write_report(small, to)
        links = [link for link in Page((to / "report.html").read_text()).links if "feedback" in link]
        assert links == [f"{address}/{NOTEBOOK.name}.html"]


def test_the_tables_and_the_data_agree_with_the_page(small):
    write_report(small)
    rows = {row["student"]: row for row in csv.DictReader((small / "report_students.csv").open())}
    assert rows["ada"] == {"student": "ada", NOTEBOOK.name: "6.0", "points": "6.0", "max_points": "6.0"}
    rows = list(csv.DictReader((small / "report_submissions.csv").open()))
    assert len(rows) == 8 and {row["student"]: row["graded"] for row in rows}["hal"] == "no"
    pull, regret = csv.DictReader((small / "report_exercises.csv").open())
    assert (pull["passed"], pull["graded"], pull["pass_rate"]) == ("5", "7", "0.7143")
    assert (regret["misconception_1"], regret["misconception_1_count"]) == ("inverted", "2")
    assert (regret["misconception_2"], regret["misconception_3"]) == ("thresholded", "")
    data = json.loads((small / "report.json").read_text())
    assert (data["num_students"], data["num_graded"], data["num_not_graded"]) == (8, 7, 1)
    assert data["notebooks"][0]["exercises"][1]["misconceptions"][0]["students"] == ["dee", "fay"]
    assert data["not_graded"][0]["reason"] == "because ungradable"


def test_a_class_of_three_hundred_fits_into_two_megabytes(big):
    source = (big / "report.html").read_bytes()
    assert len(source) < 1_000_000
    page = Page(source.decode())
    assert page.problems == [] and "300 students" in page.words
    results = read_results(big).results
    data = json.loads((big / "report.json").read_text())
    counted = {(item.student, item.notebook): item for item in results}
    passed = sum(mark.status == "passed" for item in counted.values() for mark in item.exercises)
    assert passed == sum(item["passed"] for notebook in data["notebooks"] for item in notebook["exercises"])
    assert passed == sum(student["passed"] for student in data["students"])
    totals = [float(row["points"]) for row in csv.DictReader((big / "report_students.csv").open())]
    assert sum(totals) == sum(item.points for item in counted.values())


def test_the_report_is_the_same_when_written_again(big):
    before = {path.name: path.read_bytes() for path in big.glob("report*")}
    write_report(big)
    assert before == {path.name: path.read_bytes() for path in big.glob("report*")} and len(before) == 5


# --------------------------------------------------------------------------------------- bad input


def hostile_class(num_students):
    """Every text that a student or a broken editor may have chosen is hostile, and different for each."""
    for number in range(num_students):
        for notebook in course.load().notebooks:
            name = "".join(c for c in f"{HOSTILE}{number}" if c.isprintable() and c not in "/\\").strip()[-MAX_STUDENT:]
            marks = tuple(
                ExerciseResult(each, 0.0, 3.0, "failed", f"{number}{HOSTILE * (500 if number < 5 else 5)}", "inverted")
                for each in NAMES
            )
            if number % 3 == 0:
                marks = tuple(replace(item, status="ungradable", misconception=None) for item in marks)
            hostile = f"{number}{HOSTILE}"
            yield Result(name, notebook.name, "0.1.0", "ab" * 32, "0.1.0", 7, marks, (hostile,) * 50, "none")


@pytest.mark.slow
def test_hostile_text_is_shown_and_does_nothing(tmp_path):
    (tmp_path / "results.jsonl").write_bytes(b"\n".join(result.to_json() for result in hostile_class(300)))
    summary = write_report(tmp_path)
    source = (tmp_path / "report.html").read_bytes()
    assert len(source) < 2_000_000
    page = Page(source.decode())
    assert page.problems == [] and "<img src=x onerror=alert(2)>" in page.words
    for path in tmp_path.glob("report*"):
        shown = path.read_text()
        assert not {"\x1b", "\u202e", "\x00", "\ud800"} & set(shown), path
    for path in tmp_path.glob("report*.csv"):
        rows = list(csv.reader(io.StringIO(path.read_text())))
        assert len({len(row) for row in rows}) == 1
        assert not [cell for row in rows for cell in row if cell[:1] in tuple("=+-@\t\r")]
    for shown in (overview(summary), table(summary.results[:50])):
        assert "\x1b" not in shown and max(map(len, shown.splitlines())) <= 110
    shown.encode()


@pytest.mark.parametrize("name", ["[red]x", "[/b] unbalanced", "[link=http://x]y[/link]", "\x1b[2Jz", "a\nb"])
def test_the_terminal_takes_a_name_for_a_name(name):
    shown = table([Result(name, NOTEBOOK.name, "1", "", "1", 1, (ExerciseResult("pull", 0, 1, "failed", "x"),))])
    assert name.replace("\x1b", "␛").replace("\n", " ") in shown and "pull: failed" in shown


GOOD = json.dumps(line("ada", ("passed", "failed")))
BROKEN = {
    "torn": (GOOD[:200], "result: input data was truncated"),
    "not text": ("\xff\xfe", "result: JSON is malformed"),
    "deep": ("[" * 100_000, "result: expected `object`"),
    "a list": ("[]", "result: expected `object`"),
    "from the future": (
        GOOD.replace('"schema_version": 1', '"schema_version": 99'),
        "result: expected `int` <= 2 - at `$.schema_version`",
    ),
    "no version": (GOOD.replace("schema_version", "scheme"), "result: object contains unknown field `scheme`"),
    "no such status": (GOOD.replace('"failed"', '"brilliant"'), "result: expected `str` matching regex"),
    "more than all": (GOOD.replace('"points": 3.0', '"points": 4.0'), "pull: points: expected 0 to 3"),
    "not a number": (GOOD.replace('"points": 3.0', '"points": NaN'), "result: JSON is malformed"),
    "endless": (GOOD.replace('"points": 3.0', f'"points": 1{"0" * 400}'), "result: number out of range"),
    "true": (GOOD.replace('"points": 3.0', '"points": true'), "result: expected `float`"),
    "no student": (GOOD.replace('"ada"', '""'), "result: expected `str` of length >= 1 - at `$.student`"),
    "a student who is a path": (GOOD.replace('"ada"', '"../../etc"'), "student: a student's name neither"),
    "student is a list": (GOOD.replace('"ada"', '["ada"]'), "result: expected `str`"),
    "flags is a text": (GOOD.replace('"flags": []', '"flags": "x"'), "result: expected `array`"),
    "an exercise is null": (json.dumps(json.loads(GOOD) | {"exercises": [None]}), "result: expected `object`"),
    "misconception is 5": (
        GOOD.replace('"misconception": null', '"misconception": 5', 1),
        "result: expected `str",
    ),
}


@pytest.mark.parametrize("broken, words", BROKEN.values(), ids=BROKEN)
def test_a_broken_line_is_named_and_the_rest_reported(tmp_path, broken, words):
    good = json.dumps(line("zoe", ("passed", "passed")))
    (tmp_path / "results.jsonl").write_bytes(f"{good}\n\n".encode() + broken.encode("latin-1") + b"\n")
    run = CliRunner().invoke(app, ["report", str(tmp_path)])
    assert run.exit_code == 1 and f"results.jsonl, line 3: {words}" in run.stderr, run.output
    page = Page((tmp_path / "report.html").read_text())
    assert page.problems == [] and "1 line of results.jsonl could not be read" in page.words and "zoe" in page.words
    assert words.split(",")[0] in page.words
    (tmp_path / "results.jsonl").write_bytes(broken.encode("latin-1"))
    with pytest.raises(NothingToReport, match="none of its 1 lines can be read; line 1"):
        write_report(tmp_path)


@pytest.mark.parametrize("content", [None, b"", b"\n \n"])
def test_without_results_there_is_one_line_and_code_2(tmp_path, content):
    if content is not None:
        (tmp_path / "results.jsonl").write_bytes(content)
    run = CliRunner().invoke(app, ["report", str(tmp_path)])
    assert run.exit_code == 2 and run.stderr.count("\n") == 1 and "results.jsonl" in run.stderr
    assert ("is empty" in run.stderr) == (content is not None) and not list(tmp_path.glob("report*"))


def test_a_class_of_which_nothing_could_be_graded_is_reported(tmp_path):
    write_class(
        [line("hal", ("ungradable", "ungradable"), exercises=exercises) for exercises in ([], SMALL[-1]["exercises"])],
        tmp_path,
    )
    write_report(tmp_path)
    page = Page((tmp_path / "report.html").read_text())
    assert page.problems == [] and "0 submissions graded" in page.words and "nan" not in page.words


def test_exercises_and_notebooks_that_the_course_no_longer_has_are_reported(tmp_path):
    old = line("ada", ("passed", "failed"), notebook="99_withdrawn", misconception="inverted")
    old["exercises"][1]["name"] = "no_such_exercise"
    write_class([old, *SMALL], tmp_path)
    summary = write_report(tmp_path)
    assert [notebook.name for notebook in summary.notebooks] == [NOTEBOOK.name, "99_withdrawn"]
    page = Page((tmp_path / "report.html").read_text())
    assert page.problems == [] and "99 · 99_withdrawn" in page.words


def test_versions_that_are_mixed_are_said_to_be(tmp_path):
    write_class([*SMALL, line("ivy", ("passed", "passed"), course_version="0.2.0")], tmp_path)
    write_report(tmp_path)
    assert "2 different versions of course and grader" in Page((tmp_path / "report.html").read_text()).words


# --------------------------------------------------------------------------------------- the command


def test_the_command_prints_the_class_and_where_it_went(small):
    run = CliRunner().invoke(app, ["report", str(small), "--to", str(small / "to")])
    assert run.exit_code == 0 and "01_tasks_and_trials" in run.stdout and "regret (43%)" in run.stdout
    assert sorted(path.name for path in (small / "to").iterdir()) == [
        "report.html", "report.json", "report_exercises.csv", "report_students.csv", "report_submissions.csv",
    ]  # fmt: skip


def test_the_command_warns_of_a_missing_sandbox(tmp_path):
    write_class([line("ada", ("passed", "passed"), isolation="none")], tmp_path)
    run = CliRunner().invoke(app, ["report", str(tmp_path)])
    assert run.exit_code == 0 and "1 of 1 results were graded without a sandbox" in run.stderr
