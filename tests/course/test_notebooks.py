"""The released notebooks give nothing away and fail as a stub should; the executed ones are for reading."""

import ast
import copy
import json
import re

import nbformat
import pytest

from autograder.execute import execute
from autograder.source import BEGIN, load_course
from rl2lib.lab import course

NOTEBOOKS = load_course()
BY_NAME = pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda notebook: notebook.name)
NOT_ATTEMPTED = re.compile(r"○ (\w+): not attempted yet\n\s+(\w+): write your answer here")
UNKNOWN = re.compile(r"^name '(\w+)' is not defined$")
STUB = re.compile(r"^(\w+): write your answer here$")


def defined_names(source: str) -> set[str]:
    nodes = list(ast.walk(ast.parse(source)))
    stored = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    return stored | {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)}


def read(path):
    return nbformat.read(path, as_version=4)


def answer_lines(notebook) -> set[str]:
    """The lines of the reference answers that are long enough to be telling."""
    lines: set[str] = set()
    for exercise in notebook.exercises:
        inside = False
        for line in exercise.answer.source.splitlines():
            if "SOLUTION" in line:
                inside = line.strip() == BEGIN
            elif inside and len(line.strip()) > 25 and not line.strip().startswith(("#", '"""')):
                lines.add(line.strip())
    return lines


@BY_NAME
def test_a_released_notebook_holds_no_answer_no_hidden_test_no_output(notebook, root):
    released = read(root / "notebooks" / f"{notebook.name}.ipynb")
    nbformat.validate(released)
    answers = answer_lines(notebook)
    assert answers
    for cell in released.cells:
        assert not cell.get("outputs") and cell.get("execution_count") is None
        for word in ("SOLUTION", "HIDDEN TESTS", "kernel_check"):
            assert word not in cell.source
        if cell.metadata.get("nbgrader", {}).get("solution"):
            assert not answers & {line.strip() for line in cell.source.splitlines()}
            assert "NotImplementedError" in cell.source


@pytest.mark.slow
@BY_NAME
def test_a_released_notebook_fails_with_the_stubs_message_and_nothing_else(notebook, root, tmp_path):
    released = copy.deepcopy(read(root / "notebooks" / f"{notebook.name}.ipynb"))
    executed = execute(released, root / "notebooks", str(tmp_path), allow_errors=True)
    names = {exercise.name for exercise in notebook.exercises}
    checked: set[str] = set()
    lost: set[str] = set()  # names that a cell stopped by a stub did not get to define
    for cell in executed.cells:
        for output in cell.get("outputs", []):
            assert output.get("name") != "stderr", output
            if output.output_type == "error":
                stub, unknown = STUB.match(output.evalue), UNKNOWN.match(output.evalue)
                assert (stub and stub[1] in names) or (unknown and unknown[1] in lost), output.evalue
                lost |= defined_names(cell.source)
            if cell.id.endswith("-check"):
                found = NOT_ATTEMPTED.search(output["data"]["text/plain"])
                assert found, output
                checked.add(found[1])
    assert checked == names


@BY_NAME
def test_an_executed_solution_passes_its_checks_and_every_picture_has_words(notebook, root):
    executed = read(root / "solutions" / f"{notebook.name}.ipynb")
    passed = 0
    for cell in executed.cells:
        for output in cell.get("outputs", []):
            assert output.output_type != "error" and output.get("name") != "stderr"
            data = output.get("data", {})
            if "image/png" in data:
                alt = output.metadata.get("image/png", {}).get("alt", output.metadata.get("alt", ""))
                assert len(alt) > 20, (cell.id, output.metadata)
            passed += cell.id.endswith("-check") and "✓" in data["text/plain"]
    assert passed == len(notebook.exercises)


@BY_NAME
def test_links_between_notebooks_lead_somewhere(notebook, root):
    text = (root / "notebooks" / f"{notebook.name}.ipynb").read_text()
    for target in re.findall(r"\]\(([\w./]+\.ipynb)", text):
        assert (root / "notebooks" / target).exists(), target


def test_hints_do_not_hold_the_answer_whole():
    for notebook in NOTEBOOKS:
        for exercise in notebook.exercises:
            answer = "".join(exercise.answer.source.split())
            for hint in exercise.hints:
                assert "".join(hint.source.split()) not in answer


def test_quiz_texts_are_plain_because_they_are_shown_as_text():
    for notebook in course.load().notebooks:
        for quiz in notebook.quizzes:
            for option in quiz.options:
                assert "$" not in option.text + option.why and "**" not in option.text + option.why, quiz.name


def test_course_json_agrees_with_the_notebooks(root):
    data = json.loads((root / "rl2lib" / "lab" / "course.json").read_text())
    assert [item["slug"] for item in data["notebooks"]] == [notebook.slug for notebook in NOTEBOOKS]
    numbers = [item["number"] for item in data["notebooks"]]
    assert numbers == sorted(set(numbers)) == [notebook.number for notebook in NOTEBOOKS]
