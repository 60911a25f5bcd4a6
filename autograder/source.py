"""The single source: py:percent with short headers -> Notebook, Exercise, Cell. Every error names file and line."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rl2lib.lab import course
from rl2lib.lab.course import Option, Quiz
from rl2lib.lab.workbook import setup_cells

if TYPE_CHECKING:
    from nbformat import NotebookNode

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
HEADER = re.compile(r"^# %%(.*)$")
EXERCISE_TITLE = re.compile(r"^##+ Exercise \d+\.\d+: *(.+)$", re.MULTILINE)
FILE_NAME = re.compile(r"^(\d\d)_([a-z0-9_]+)\.py$")
OPTION = re.compile(r"^- \[([ x])\] (.+?)\s::\s(.+)$", re.DOTALL)

# header key -> (kind of cell, keys that must or may stand beside it)
ROLES: dict[str, tuple[str, set[str]]] = {
    "title": ("markdown", {"reading", "needs"}),
    "setup": ("code", set()),
    "exercise": ("code", {"minutes", "difficulty"}),
    "check": ("code", {"points"}),
    "hint": ("markdown", set()),
    "quiz": ("markdown", set()),
    "given": ("code", set()),
    "mutant": ("code", {"name", "diagnosis", "unseen"}),
    "alternative": ("code", {"name"}),
}


class SourceError(Exception):
    """A mistake in a source file. `str()` is one line: path:line: what is wrong."""

    def __init__(self, path: Path, line: int, message: str):
        super().__init__(f"{path}:{line}: {message}")


@dataclass(frozen=True)
class Cell:
    """One cell of a source file.

    Args:
        kind: "code" or "markdown".
        role: a key of `ROLES`, or "" for prose and demonstrations.
        name: the value of the role's key (an exercise's or quiz's name).
        options: the header's other keys.
        source: the cell's text.
        line: the line of its header.
    """

    kind: str
    role: str
    name: str
    options: dict[str, Any]
    source: str
    line: int


@dataclass(frozen=True)
class Exercise:
    """One exercise, gathered from its cells."""

    name: str
    title: str
    answer: Cell
    check: Cell
    hints: tuple[Cell, ...]

    @property
    def minutes(self) -> int:
        """Minutes a learner should need."""
        return int(self.answer.options["minutes"])

    @property
    def difficulty(self) -> int:
        """From 1 to 5."""
        return int(self.answer.options["difficulty"])

    @property
    def points(self) -> int:
        """What the check is worth."""
        return int(self.check.options["points"])


@dataclass(frozen=True)
class Notebook:
    """One notebook's source, parsed and checked."""

    path: Path
    number: str
    slug: str
    cells: tuple[Cell, ...]
    exercises: tuple[Exercise, ...]
    quizzes: tuple[Quiz, ...]

    @property
    def name(self) -> str:
        """File name without its ending."""
        return f"{self.number}_{self.slug}"

    @property
    def release(self) -> Path:
        """The released notebook, which the build makes of this source."""
        return self.path.parent.parent / "notebooks" / f"{self.name}.ipynb"

    @property
    def title(self) -> str:
        """What the notebook is called."""
        return self.cells[0].name

    @property
    def needs(self) -> tuple[str, ...]:
        """Numbers of the notebooks it builds on."""
        return tuple(str(self.cells[0].options.get("needs", "")).split())

    @property
    def minutes(self) -> int:
        """Reading and exercises together."""
        return int(self.cells[0].options["reading"]) + sum(exercise.minutes for exercise in self.exercises)

    @property
    def points(self) -> int:
        """All checks together."""
        return sum(exercise.points for exercise in self.exercises)

    def setup(self) -> list[Cell]:
        """Our cells that answers may rely on, in order."""
        return [cell for cell in self.cells if cell.role == "setup"]

    def exercise(self, name: str) -> Exercise:
        """Find an exercise by name."""
        return next(exercise for exercise in self.exercises if exercise.name == name)


@dataclass(frozen=True)
class Variant:
    """A wrong answer with its diagnosis, or another right one; `unseen` says why a visible check may let it pass."""

    exercise: str
    name: str
    correct: bool
    diagnosis: str
    source: str
    line: int = field(compare=False, default=0)
    unseen: str = ""


def course_root() -> Path:
    """Return the checkout that holds the course's source: the one this package lies in, or the current folder.

    Raises:
        FileNotFoundError: neither holds `solutions/`.
    """
    for folder in (Path(__file__).resolve().parent.parent, Path.cwd()):
        if (folder / "solutions").is_dir():
            return folder
    raise FileNotFoundError(f"no solutions/ in {Path.cwd()}: run autograder in a checkout of the course")


def load_course(root: Path | None = None) -> list[Notebook]:
    """Read every notebook source below `root`/solutions, in order."""
    folder = (root or course_root()) / "solutions"
    return [load_notebook(path) for path in sorted(folder.glob("[0-9][0-9]_*.py"))]


def find_notebook(key: str, root: Path | None = None) -> Notebook:
    """Read the notebook source that has this number, slug or name.

    Raises:
        UnknownName: there is none.
    """
    return course.find_notebook(key, load_course(root))


def load_notebook(path: Path) -> Notebook:
    """Parse one source file.

    Raises:
        SourceError: a header, a marker or a quiz is wrong, or an exercise lacks its check.
    """
    match = FILE_NAME.match(path.name)
    if not match:
        raise SourceError(path, 1, "expected a file name like 02_input_embedding.py")
    cells = parse_cells(path)
    if not cells or cells[0].role != "title" or "reading" not in cells[0].options:
        raise SourceError(path, 1, 'the first cell should be  # %% [markdown] title="..." reading=30 needs="00"')
    return Notebook(path, match[1], match[2], cells, _exercises(path, cells), _quizzes(path, cells))


def load_release(notebook: Notebook) -> NotebookNode:
    """Read the released notebook: what learners were given, and what their files are compared with.

    It is read once for all; whoever changes it, changes a copy.

    Raises:
        SourceError: it is missing, broken, or older than the source's exercises and set-up cells.
    """
    path = notebook.release
    try:
        release = _released(path, path.stat().st_mtime_ns)
    except (OSError, ValueError) as error:
        raise SourceError(path, 1, f"the released notebook cannot be read ({error}); run `make build`") from None
    graded = [cell.metadata.nbgrader for cell in release.cells if "nbgrader" in cell.metadata]
    exercises = [item["grade_id"] for item in graded if item["solution"]]
    wanted = [exercise.name for exercise in notebook.exercises]
    if exercises != wanted or setup_cells(release) != [cell.source for cell in notebook.setup()]:
        raise SourceError(path, 1, f"other exercises or set-up cells than {notebook.path.name} has; run `make build`")
    return release


@functools.lru_cache(maxsize=32)
def _released(path: Path, modified: int) -> NotebookNode:
    import nbformat

    return nbformat.read(path, as_version=4)


def load_variants(number: str, root: Path | None = None) -> list[Variant]:
    """Read the mutants and alternatives of a notebook."""
    path = (root or course_root()) / "autograder" / "mutants" / f"nb{number}.py"
    if not path.exists():
        return []
    variants = []
    for cell in parse_cells(path):
        if cell.role in ("mutant", "alternative"):
            if "name" not in cell.options or (cell.role == "mutant" and not cell.options.get("diagnosis")):
                raise SourceError(path, cell.line, f"a {cell.role} needs a name, and a mutant a diagnosis")
            correct = cell.role == "alternative"
            diagnosis = "" if correct else str(cell.options["diagnosis"])
            name, unseen = str(cell.options["name"]), str(cell.options.get("unseen", ""))
            variants.append(Variant(cell.name, name, correct, diagnosis, cell.source, cell.line, unseen))
    return variants


def parse_cells(path: Path) -> tuple[Cell, ...]:
    """Read a py:percent file and check every header; a file that has not changed is read once.

    Raises:
        SourceError: a header has an unknown or missing key, or a solution marker is unbalanced.
    """
    return _parsed(path, path.stat().st_mtime_ns)


@functools.lru_cache(maxsize=64)
def _parsed(path: Path, modified: int) -> tuple[Cell, ...]:
    return tuple(_cells(path))


def _cells(path: Path) -> Iterator[Cell]:
    import jupytext

    text = path.read_text(encoding="utf-8")
    lines = [number for number, line in enumerate(text.splitlines(), 1) if HEADER.match(line)]
    cells = jupytext.reads(text, fmt="py:percent").cells
    if cells and lines and not text.startswith("# %%"):
        lines = [1, *lines]
    if len(cells) != len(lines):
        raise SourceError(path, 1, f"expected {len(lines)} cells for as many '# %%' headers, read {len(cells)}")
    for cell, line in zip(cells, lines, strict=True):
        yield _cell(path, line, cell.cell_type, dict(cell.metadata), cell.source)


def _cell(path: Path, line: int, kind: str, header: dict[str, Any], source: str) -> Cell:
    header.pop("lines_to_next_cell", None)
    found = [role for role in ROLES if role in header]
    if not found:
        if header:
            raise SourceError(path, line, f"unknown header key {sorted(header)[0]!r}; known: {', '.join(ROLES)}")
        _check_markers(path, line, source, allowed=False)
        return Cell(kind, "", "", {}, source, line)
    role = found[0]
    wanted_kind, options = ROLES[role]
    name = str(header.pop(role))
    unknown = set(header) - options
    if unknown:
        raise SourceError(
            path, line, f"{role}: unknown key {sorted(unknown)[0]!r}; known: {', '.join(sorted(options))}"
        )
    if kind != wanted_kind:
        raise SourceError(path, line, f"{role}: expected a {wanted_kind} cell, got a {kind} cell")
    if role in ("exercise", "check", "hint", "quiz", "mutant", "alternative") and not name.isidentifier():
        raise SourceError(path, line, f"{role}: {name!r} should be an identifier")
    _check_markers(path, line, source, allowed=role == "exercise")
    if role == "exercise" and BEGIN not in source:
        raise SourceError(path, line, f"{name}: no {BEGIN} ... {END} in the answer cell")
    return Cell(kind, role, name, header, source, line)


def _check_markers(path: Path, line: int, source: str, *, allowed: bool) -> None:
    inside = False
    for offset, text in enumerate(source.splitlines(), 1):
        stripped = text.strip()
        if BEGIN in text or END in text:
            if not allowed:
                raise SourceError(path, line + offset, "a solution marker outside an exercise cell")
            if stripped not in (BEGIN, END):
                raise SourceError(path, line + offset, f"a marker stands alone on its line: {BEGIN} or {END}")
            if (stripped == BEGIN) == inside:
                raise SourceError(path, line + offset, f"{stripped} without its partner")
            inside = stripped == BEGIN
    if inside:
        raise SourceError(path, line, f"{BEGIN} without {END}")


def _exercises(path: Path, cells: tuple[Cell, ...]) -> tuple[Exercise, ...]:
    answers: dict[str, Cell] = {}
    checks: dict[str, Cell] = {}
    hints: dict[str, list[Cell]] = {}
    titles: dict[str, str] = {}
    heading = ""
    for cell in cells:
        if cell.kind == "markdown" and cell.role == "":
            heading = (EXERCISE_TITLE.findall(cell.source) or [heading])[-1]
        elif cell.role == "exercise":
            if cell.name in answers:
                raise SourceError(path, cell.line, f"exercise {cell.name} stands here a second time")
            for key in ("minutes", "difficulty"):
                if not isinstance(cell.options.get(key), int):
                    raise SourceError(path, cell.line, f"exercise {cell.name}: {key}=<number> is missing")
            answers[cell.name], titles[cell.name] = cell, heading
        elif cell.role == "check":
            if not isinstance(cell.options.get("points"), int):
                raise SourceError(path, cell.line, f"check {cell.name}: points=<number> is missing")
            if cell.source.strip() != f'check("{cell.name}")':
                raise SourceError(path, cell.line, f'a check cell holds exactly  check("{cell.name}")')
            checks[cell.name] = cell
        elif cell.role == "hint":
            hints.setdefault(cell.name, []).append(cell)
    for kind, named in (("check", checks), ("hint", {name: rungs[0] for name, rungs in hints.items()})):
        for name, cell in named.items():
            if name not in answers:
                raise SourceError(
                    path, cell.line, f"{kind} for {name!r}, but there is no such exercise in this notebook"
                )
    for name, cell in answers.items():
        if name not in checks:
            raise SourceError(path, cell.line, f"exercise {name} has no check cell")
    return tuple(
        Exercise(name, titles[name] or name, cell, checks[name], tuple(hints.get(name, ())))
        for name, cell in answers.items()
    )


def _quizzes(path: Path, cells: tuple[Cell, ...]) -> tuple[Quiz, ...]:
    quizzes: list[Quiz] = []
    for cell in cells:
        if cell.role != "quiz":
            continue
        question, *rest = re.split(r"^(?=- \[[ x]\] )", cell.source, flags=re.MULTILINE)
        options = []
        for text in rest:
            match = OPTION.match(text.strip())
            if not match:
                raise SourceError(path, cell.line, f"quiz {cell.name}: an option reads  - [ ] text :: explanation")
            joined = [" ".join(part.split()) for part in match.groups()[1:]]
            options.append(Option(joined[0], match[1] == "x", joined[1]))
        if len(options) < 2 or sum(option.correct for option in options) != 1:
            raise SourceError(path, cell.line, f"quiz {cell.name}: expected two options or more, one of them right")
        if any(quiz.name == cell.name for quiz in quizzes):
            raise SourceError(path, cell.line, f"quiz {cell.name} stands here a second time")
        quizzes.append(Quiz(cell.name, question.strip(), tuple(options)))
    return tuple(quizzes)
