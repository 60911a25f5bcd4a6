"""A new exercise in all its places, everything in it still to be filled in: `autograder new`.

Each line that waits for its author holds `UNFILLED`, and `autograder lint` lists them; until the placeholders are
replaced, the audit marks the reference, the alternative and the mutants.
"""

from __future__ import annotations

import ast
import keyword
import re
from collections.abc import Iterator
from pathlib import Path

from autograder.source import Notebook, load_course
from rl2lib.files import write_whole

UNFILLED = "FILL IN"
NUMBERED = re.compile(r"^# ##+ Exercise \d+\.(\d+):", re.MULTILINE)
WIDTH = 120

TITLE = """
# %% [markdown] title="FILL IN its title" reading=30 needs="00"
# # @NUMBER · FILL IN its title
#
# FILL IN where the reader comes from, what this notebook adds, and what they will be able to do after it.
#
# **Time:** about {minutes} minutes.

# %% setup=true
from rl2lib.lab import check, hint, progress, quiz, solution, submit
""".lstrip()
EXERCISE = '''
# %% [markdown]
# ## Exercise @CHAPTER.@POSITION: FILL IN its title
#
# FILL IN what is asked, why it matters, the shapes ([B, T], batch first), and one example worked by hand.


# %% exercise="@NAME" minutes=10 difficulty=2
def @NAME(x):
    """FILL IN the arguments and what is returned, with shapes and units."""
    ### BEGIN SOLUTION
    raise NotImplementedError("FILL IN the answer")
    ### END SOLUTION


# %% check="@NAME" points=2
check("@NAME")

# %% [markdown] hint="@NAME"
# FILL IN a question that leads to the answer.

# %% [markdown] hint="@NAME"
# FILL IN a hint that all but gives it.
'''
CLOSING = """
# %%
progress()
"""
VISIBLE_HEAD = '''
"""Visible checks of notebook @NUMBER: hand numbers, edge cases and identities."""

from __future__ import annotations

from rl2lib.lab.handle import Handle
from rl2lib.lab.report import Report
'''.lstrip()
VISIBLE = '''

def @NAME(student: Handle, report: Report) -> None:
    """FILL IN hand numbers, edge cases and identities, on inputs that tell the mutants apart."""
    what = "@NAME(2.0)"  # FILL IN a call whose answer is worked by hand
    got = report.number(what, student.call("@NAME", 2.0))
    report.close(what, got, float("nan"))  # FILL IN that answer
'''
HIDDEN_HEAD = '''
"""Hidden checks of notebook @NUMBER: the learner's answer against the reference on fresh random inputs."""

from __future__ import annotations

import numpy as np

from rl2lib.lab.handle import Handle
from rl2lib.lab.report import Report
'''.lstrip()
HIDDEN = '''

def @NAME@ARGUMENTS -> None:
    """FILL IN what the inputs cover: the general case first, then the edges."""
    for x in rng.normal(size=8).tolist():
        what = f"@NAME({x:g})"
        got = report.number(what, student.call("@NAME", x))
        expected = float(reference.call("@NAME", x))
        report.close(what, got, expected, atol=1e-8)  # FILL IN why this tolerance is right
'''
ARGUMENTS = "student: Handle, reference: Handle, rng: np.random.Generator, report: Report"
VARIANT = """
def @NAME(x):
    raise NotImplementedError("@NAME: write your answer here")  # FILL IN @WHAT
"""
DIAGNOSIS = "FILL IN what the learner did, why it is wrong here, and where to look (exercise @CHAPTER.@POSITION)."
MUTANTS = 3
LONGEST = 50  # characters of a name: its cells are called by it, and a cell id has 64


class ScaffoldError(ValueError):
    """There is no room for an exercise of this name; the message says why."""


def places(number: str) -> dict[str, str]:
    """Return where an exercise of notebook `number` lives beside solutions/: what it is -> path below the root."""
    return {
        "visible check": f"rl2lib/lab/checks/nb{number}.py",
        "hidden check": f"autograder/checks/nb{number}.py",
        "mutants and an alternative": f"autograder/mutants/nb{number}.py",
    }


def scaffold(root: Path, notebook: str, name: str) -> list[tuple[Path, int, str]]:
    """Write an exercise to be filled in, and its notebook where there is none.

    Args:
        root: the checkout.
        notebook: "08", or with the slug that a new notebook's files shall have, "08_adaptation".
        name: the exercise's, an identifier that nothing in the course is called yet.

    Returns:
        What was written: file, line, what it is.

    Raises:
        ScaffoldError: the notebook or the name is not to be had; nothing was written.
    """
    course = load_course(root)
    number, slug = _notebook(course, notebook, name)
    _refuse_name(root, course, number, name)
    source = root / "solutions" / f"{number}_{slug}.py"
    text = source.read_text(encoding="utf-8") if source.exists() else ""
    position = max((int(found) for found in NUMBERED.findall(text)), default=0) + 1
    words = {"NUMBER": number, "CHAPTER": str(int(number)), "POSITION": str(position), "NAME": name}
    line = f"def {name}({ARGUMENTS}) -> None:"
    words["ARGUMENTS"] = f"({ARGUMENTS})" if len(line) <= WIDTH else f"(\n    {ARGUMENTS}\n)"

    parts = [(source, "exercise, check and two hints", *_into_source(text, words))]
    for what, place in places(number).items():
        path = root / place
        before = path.read_text(encoding="utf-8") if path.exists() else _filled(HEADS[what], words)
        parts.append((path, what, before.rstrip("\n") + "\n" + _filled(BODIES[what], words), _lines(before) + 2))
    for path, _, whole, _ in parts:
        write_whole(path, whole.lstrip("\n"))
    return [(path, line, what) for path, what, _, line in parts]


def unfilled(root: Path, notebook: Notebook) -> Iterator[str]:
    """Yield path:line: text of every line of a notebook's files that still waits for its author."""
    for path in [notebook.path, *(root / place for place in places(notebook.number).values())]:
        if path.exists():
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                _, found, rest = line.partition(UNFILLED)
                if found:
                    told = rest.partition('"')[0].rstrip(".")
                    yield f"{path.relative_to(root)}:{number}: still to {UNFILLED.lower()}{told}"


def _notebook(course: list[Notebook], notebook: str, name: str) -> tuple[str, str]:
    """Return number and slug, of the notebook that is there or of the one to make."""
    match = re.fullmatch(r"(\d\d)(?:_([a-z0-9_]+))?", notebook)
    if not match:
        raise ScaffoldError(f"notebook: expected two digits, or with a slug, like 08_adaptation; got {notebook!r}")
    number, slug = match.groups()
    for known in course:
        if known.number == number:
            if slug not in (None, known.slug):
                raise ScaffoldError(f"notebook {number} is {known.name} already, not {notebook}")
            return number, known.slug
    return number, slug or name.lower()


def _refuse_name(root: Path, course: list[Notebook], number: str, name: str) -> None:
    if not name.isidentifier() or not name.isascii() or keyword.iskeyword(name) or len(name) > LONGEST:
        raise ScaffoldError(
            f"name: expected an identifier, no keyword, at most {LONGEST} of a-z, A-Z, 0-9, _; got {name!r}"
        )
    for known in course:
        if any(exercise.name == name for exercise in known.exercises):
            raise ScaffoldError(f"there is an exercise {name} already, in {known.path.relative_to(root)}")
        if known.number == number and any(name in _defined(cell.source) for cell in known.setup()):
            raise ScaffoldError(f"the set-up cells of {known.name} call something {name} already")
    for place in places(number).values():
        if (root / place).exists() and name in _defined((root / place).read_text(encoding="utf-8")):
            raise ScaffoldError(f"{place} calls something {name} already")


def _defined(source: str) -> set[str]:
    """Names that a module binds at its top level."""
    found: set[str] = set()
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
        else:
            found |= {item.id for item in ast.walk(node) if isinstance(item, ast.Name) and not _read(item)}
    return found


def _read(name: ast.Name) -> bool:
    return isinstance(name.ctx, ast.Load)


def _into_source(text: str, words: dict[str, str]) -> tuple[str, int]:
    """Put the exercise behind the last one's hints, or into a notebook of its own; return the text and the line."""
    block = _filled(EXERCISE, words)
    if not text:
        text = _filled(TITLE, words)
        return text + block + CLOSING, _lines(text) + 2
    lines = text.splitlines(keepends=True)
    headers = [index for index, line in enumerate(lines) if line.startswith("# %%")] + [len(lines)]
    own = re.compile(r"# %% (\[markdown\] )?(exercise|check|hint)=")
    last = max((at for at, index in enumerate(headers[:-1]) if own.match(lines[index])), default=len(headers) - 2)
    before, after = "".join(lines[: headers[last + 1]]), "".join(lines[headers[last + 1] :])
    before = before.rstrip("\n") + "\n"
    return before + block + ("\n" + after if after else ""), _lines(before) + 2


def _filled(template: str, words: dict[str, str]) -> str:
    for word, value in words.items():
        template = template.replace(f"@{word}", value)
    return template


def _lines(text: str) -> int:
    return len(text.rstrip("\n").splitlines())


def _variants() -> str:
    mutants = [
        f'\n\n# %% mutant="@NAME" name="unnamed_{index}" diagnosis="{DIAGNOSIS}"{VARIANT.replace("@WHAT", "this one")}'
        for index in range(1, MUTANTS + 1)
    ]
    another = VARIANT.replace("@WHAT", "a right answer, written another way")
    return "".join(mutants) + f'\n\n# %% alternative="@NAME" name="unnamed"{another}'


HEADS = {"visible check": VISIBLE_HEAD, "hidden check": HIDDEN_HEAD, "mutants and an alternative": ""}
BODIES = {"visible check": VISIBLE, "hidden check": HIDDEN, "mutants and an alternative": _variants()}
