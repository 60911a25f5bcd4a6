"""Every command and code block of the pages for contributors is run in a copy of the tree; the map names what is there.

The first line of a Python block says what it is::

    # new file: PATH        is written there
    # PATH, at the end      is added to that file
    # PATH, before: LINE    is put before the lines that begin so, two empty lines between
    # PATH, after: LINE     is put behind them
    # from PATH             stands in that file, word for word

and any other is run as a script. A shell line may end with `# exit 1`: it has to fail so.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = [*sorted((ROOT / "docs").glob("add_*.md")), ROOT / "docs" / "reading.md"]
FENCED = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
READING_LIMIT = 3000
MARGIN = 20  # of the map's second column
IGNORED = ("work/", "course/", "demo/")  # by git: they are made


@pytest.fixture
def tree(tmp_path):
    """A copy of what a contributor works in; a build selects the notebooks' bundles out of results/."""
    for folder in ("autograder", "notebooks", "results", "rl2lib", "solutions", "tests"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def run(tree: Path, command: list[str], status: int = 0) -> None:
    environment = os.environ | {"PYTHONPATH": str(tree), "PATH": f"{sys.prefix}/bin:{os.environ['PATH']}"}
    done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == status, f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}"


def carry_out(tree: Path, code: str) -> None:
    """Do with a Python block what its first line says."""
    first, _, rest = code.partition("\n")
    if match := re.fullmatch(r"# new file: (\S+)", first):
        assert not (tree / match[1]).exists(), match[1]
        (tree / match[1]).parent.mkdir(parents=True, exist_ok=True)
        (tree / match[1]).write_text(rest)
    elif match := re.fullmatch(r"# (\S+), at the end", first):
        (tree / match[1]).write_text((tree / match[1]).read_text() + "\n\n" + rest)
    elif match := re.fullmatch(r"# (\S+), (before|after): (.+)", first):
        lines = (tree / match[1]).read_text().splitlines(keepends=True)
        assert any(line.startswith(match[3]) for line in lines), first
        for at, line in enumerate(lines):
            if line.startswith(match[3]):
                lines[at] = line + rest if match[2] == "after" else f"{rest}\n\n{line}"
        (tree / match[1]).write_text("".join(lines))
    elif match := re.fullmatch(r"# from (\S+)", first):
        assert rest in (tree / match[1]).read_text(), f"{match[1]} does not hold\n{rest}"
    else:
        run(tree, [sys.executable, "-c", code])


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_a_page_tells_you_to_do_works(page, tree):
    blocks = FENCED.findall(page.read_text())
    assert len(blocks) == page.read_text().count("```") / 2 >= 1
    for indent, language, text in blocks:
        code = "".join(line.removeprefix(indent) for line in text.splitlines(keepends=True))
        if language == "python":
            carry_out(tree, code)
            continue
        assert language == "sh", f"{page.name}: a block in {language!r} would not be run"
        for line in code.splitlines():
            status = re.search(r"# exit (\d)", line)
            run(tree, shlex.split(line, comments=True), int(status[1]) if status else 0)
    changed = [path for path in tree.rglob("*.py") if is_new(path, tree)]
    for command in (["check"], ["format", "--check"]) if changed else ():
        run(tree, [sys.executable, "-m", "ruff", *command, "--force-exclude", *map(str, changed)])


def is_new(path: Path, tree: Path) -> bool:
    before = ROOT / path.relative_to(tree)
    return not before.exists() or before.read_bytes() != path.read_bytes()


def test_the_library_is_read_in_an_afternoon():
    page = (ROOT / "docs" / "reading.md").read_text()
    listed = re.findall(r"^\| \[`([\w/.]+)`\]\(\.\./([\w/.]+)\) \|", page, re.MULTILINE)
    assert len(listed) > 10 and len(set(listed)) == len(listed) and all(name == link for name, link in listed)
    lines = sum(len((ROOT / name).read_text().splitlines()) for name, _ in listed)
    assert 1000 < lines <= READING_LIMIT, f"the reading list has {lines} lines"


def test_the_map_names_what_is_there():
    text = (ROOT / "ARCHITECTURE.md").read_text()
    house = FENCED.search(text[text.index("## The house") :])[3]
    folders, found = {0: ""}, []
    for line in house.splitlines():
        depth = len(line) - len(line.lstrip())
        if depth >= MARGIN:  # the second line of what is said of an entry
            continue
        names = re.split("  +", line.strip())[0].split(", ")
        found += [folders[depth] + name for name in names]
        folders[depth + 2] = folders[depth] + names[0]
    assert len(found) > 40
    missing = [name for name in found if not list(ROOT.glob(name.replace("NN_slug", "*"))) and name not in IGNORED]
    assert not missing
