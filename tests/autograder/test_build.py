"""The build: repeatable, executing nothing, and giving no answer away."""

import json
import subprocess
import sys

import nbformat
import pytest
from msgspec.structs import replace

from autograder import build as building
from autograder.lint import lint
from autograder.quotes import write_quotes, wrong_quotes
from rl2lib.evaluation import rows
from rl2lib.evaluation.rows import Measured, Row


def test_two_builds_are_byte_identical_and_the_second_writes_nothing(tiny):
    first = {path: path.read_bytes() for path in building.build(tiny)}
    assert {path.name for path in first} == {"course.json", "07_doubling.ipynb"} and len(first) == 4
    assert building.build(tiny) == []
    for path in first:
        path.unlink()
    building.build(tiny)
    assert {path: path.read_bytes() for path in first} == first


def test_the_release_has_stub_check_and_question_and_no_answer(tiny):
    building.build(tiny)
    text = (tiny / "notebooks" / "07_doubling.ipynb").read_text()
    notebook = nbformat.reads(text, as_version=4)
    nbformat.validate(notebook)
    cells = {cell.id: cell for cell in notebook.cells}
    assert 'raise NotImplementedError("double: write your answer here")' in cells["double"].source
    assert "8 minutes, 2 points" in notebook.cells[0].source
    assert cells["double-check"].source == 'check("double")'
    assert "**B** four" in cells["quiz-what_is_doubling"].source
    assert cells["quiz-what_is_doubling-ask"].source == 'quiz("what_is_doubling")'
    for word in ("secret", "HIDDEN", "kernel_check", "Add it to itself", "as the sum"):
        assert word not in text
    assert cells["double"].metadata.nbgrader.solution and cells["double-check"].metadata.nbgrader.points == 2
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)


def test_the_grading_source_has_the_hidden_line_between_nbgraders_markers(tiny):
    building.build(tiny)
    notebook = nbformat.read(tiny / "course" / "source" / "07_doubling" / "07_doubling.ipynb", as_version=4)
    check = next(cell for cell in notebook.cells if cell.id == "double-check").source.splitlines()
    assert check[1] == "### BEGIN HIDDEN TESTS" and check[-1] == "### END HIDDEN TESTS"
    assert 'autograder.kernel.kernel_check("double")' in check[2]


def test_course_json_holds_hints_and_quizzes_but_no_answer(tiny):
    building.build(tiny)
    text = (tiny / "rl2lib" / "lab" / "course.json").read_text()
    entry = json.loads(text)["notebooks"][0]
    assert entry["exercises"][0]["hints"] == ["What is twice three?", "Add it to itself."]
    assert "secret" not in text


def test_a_hand_edit_an_orphan_and_a_missing_file_are_stale(tiny):
    building.build(tiny)
    assert building.stale_files(tiny) == []
    path = tiny / "notebooks" / "07_doubling.ipynb"
    text = path.read_text()
    path.write_text(text.replace("write your answer", "write YOUR answer"))
    orphan = tiny / "notebooks" / "08_gone.ipynb"
    orphan.write_text("{}")
    (tiny / "rl2lib" / "lab" / "course.json").unlink()
    assert building.stale_files(tiny) == [tiny / "rl2lib" / "lab" / "course.json", path, orphan]


def test_building_executes_nothing(tiny):
    path = tiny / "solutions" / "07_doubling.py"
    path.write_text(path.read_text().replace('print("a demonstration")', 'raise SystemExit("executed")'))
    building.build(tiny)


def test_what_is_committed_is_what_the_source_builds(root):
    assert building.stale_files(root) == []


def test_the_linter_lists_everything_an_exercise_lacks(tiny):
    path = tiny / "solutions" / "07_doubling.py"
    path.write_text(path.read_text().replace("difficulty=1", "difficulty=9").replace("## Exercise 7.1: twice", "hm"))
    problems = "\n".join(lint(tiny))
    for words in (
        "solutions/07_doubling.py:1: 1 quiz questions",
        "solutions/07_doubling.py:12: exercise double has 0 mutants",
        "no alternative",
        "difficulty 9",
        "no heading",
        "no visible check",
        "no hidden check",
    ):
        assert words in problems


def test_the_linter_refuses_an_answer_that_uses_anothers(tiny):
    path = tiny / "solutions" / "07_doubling.py"
    text = path.read_text()
    more = text[text.index("# %% exercise") : text.index("# %% [markdown] hint")].replace("double", "quadruple")
    path.write_text(text + "\n" + more.replace("2 * x", "double(double(x))"))
    assert any("quadruple uses double, another exercise's answer" in line for line in lint(tiny))


def test_the_course_itself_is_clean(root):
    assert lint(root) == []


def test_a_quoted_number_must_be_what_its_file_says(tmp_path):
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "x.json").write_text('{"a": [{"b": 0.12345}]}')
    readme = tmp_path / "README.md"
    readme.write_text("It is <!-- quote results/x.json a.0.b .2f -->0.13<!-- /quote --> at most.\n")
    (line,) = wrong_quotes(tmp_path)
    assert line.startswith("README.md:1: says 0.13, results/x.json says 0.12")
    assert write_quotes(tmp_path) == [readme] and wrong_quotes(tmp_path) == []
    assert "-->0.12<!--" in readme.read_text()
    readme.write_text("It is <!-- quote results/none.json a .2f -->1<!-- /quote -->")
    assert len(wrong_quotes(tmp_path)) == 1
    readme.write_text("It is at most\n<!-- quote results/x.json a.0.b .2f -->0.12<!-- /quote -->.\n")
    (line,) = wrong_quotes(tmp_path)
    assert line.startswith("README.md:2: a comment that begins a line")


def test_a_number_quoted_from_a_table_is_named_by_cell_agent_and_column(tmp_path):
    ours = Row("t", "n10", "RL², arm by arm", "PPO", mean=6.654, se=0.01, normalised_mean=0.993)
    rows.write(tmp_path / "results" / "t.csv", Measured([ours, replace(ours, variant="imitation", mean=6.6)]))
    readme = tmp_path / "README.md"
    readme.write_text("It is <!-- quote results/t.csv n10/RL²,_arm_by_arm/PPO/mean .2f -->0<!-- /quote -->")
    assert len(wrong_quotes(tmp_path)) == 1
    assert write_quotes(tmp_path) == [readme] and ">6.65<" in readme.read_text()
    readme.write_text("It is <!-- quote results/t.csv n10/RL²,_arm_by_arm/PPO/normalised .2f -->0.99<!-- /quote -->")
    assert wrong_quotes(tmp_path) == []
    for place in ("n10/RL²,_arm_by_arm/mean", "n11/RL²,_arm_by_arm/PPO/mean"):  # two of them, and none
        readme.write_text(f"It is <!-- quote results/t.csv {place} .2f -->6.65<!-- /quote -->")
        assert len(wrong_quotes(tmp_path)) == 1


@pytest.mark.slow
def test_a_header_typo_is_one_line_and_exit_code_two(tiny, root, monkeypatch):
    path = tiny / "solutions" / "07_doubling.py"
    path.write_text(path.read_text().replace("minutes=3", "minuets=3"))
    code = (
        "import sys, autograder.source as s; from pathlib import Path; "
        f"s.course_root = lambda: Path({str(tiny)!r}); "
        "sys.argv = ['autograder', 'build']; from autograder.cli import run; run()"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root)
    assert found.returncode == 2 and "07_doubling.py:12: exercise: unknown key 'minuets'" in found.stderr
    assert len(found.stderr.strip().splitlines()) == 1
    assert not (tiny / "notebooks").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments", [["grade", "nowhere", "--out", "x"], ["grade", ".", "--out", "x", "--notebook", "99"]]
)
def test_the_graders_mistakes_are_one_line(arguments, tmp_path):
    found = subprocess.run(
        [sys.executable, "-m", "autograder.cli", *arguments], capture_output=True, text=True, cwd=tmp_path
    )
    assert found.returncode == 2 and len(found.stderr.strip().splitlines()) == 1 and list(tmp_path.iterdir()) == []
