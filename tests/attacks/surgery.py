"""Notebooks that were cut up: cells deleted, doubled, edited, retyped, renamed; files of any kind in their place."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from attacks.entry import Attack, added_cell

FULL_MARKS = "assert True  # full marks"
BLANK = "def NAME(*args, **kwargs):\n    return 17.25"


def _checks(content: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in content.cells if cell.metadata.get("nbgrader", {}).get("grade")]


def _each_check(change: Callable[[NotebookNode], object]) -> Callable[[NotebookNode], None]:
    def surgery(content: NotebookNode) -> None:
        for cell in _checks(content):
            change(cell)

    return surgery


def _grading(**fields: Any) -> Callable[[NotebookNode], None]:
    return _each_check(lambda cell: cell.metadata["nbgrader"].update(fields))


def _delete_checks(content: NotebookNode) -> None:
    content.cells = [cell for cell in content.cells if cell not in _checks(content)]


def _double_checks(content: NotebookNode) -> None:
    content.cells += [NotebookNode(**{**cell, "source": FULL_MARKS}) for cell in _checks(content)]


def _double_answers(content: NotebookNode) -> None:
    """Lay an unanswered copy of each answer behind it, as copying and pasting does."""
    for cell in list(content.cells):
        grading = cell.metadata.get("nbgrader", {})
        if grading.get("solution"):
            stub = f'raise NotImplementedError("{grading["grade_id"]}: write your answer here")'
            content.cells.append(NotebookNode(**{**cell, "source": stub}))


def _no_metadata(content: NotebookNode) -> None:
    for cell in content.cells:
        cell.metadata = NotebookNode()
        cell.pop("id", None)


def _skip_all(content: NotebookNode) -> None:
    for cell in content.cells:
        cell.metadata["tags"] = ["skip-execution"]


def _one_id(content: NotebookNode) -> None:
    for cell in content.cells:
        cell["id"] = "same"


def _edit_setup(content: NotebookNode) -> None:
    for cell in content.cells:
        if "setup" in cell.metadata.get("tags", []):
            cell.source = "raise SystemExit('no set-up')"


def _many_cells(count: int) -> Callable[[NotebookNode], None]:
    return lambda content: content.cells.extend(added_cell(f"x{number} = 1") for number in range(count))


def _json(change: Callable[[dict[str, Any]], object]) -> Callable[[str], bytes]:
    def raw(text: str) -> bytes:
        data = json.loads(text)
        change(data)
        return json.dumps(data).encode()

    return raw


def _odd_cells(data: dict[str, Any]) -> None:
    code = {"cell_type": "code", "metadata": {}, "outputs": [], "source": ""}
    data["cells"] += [None, 3, [], "cell", {}, {**code, "id": []}, {**code, "id": {}}, {**code, "metadata": None}]
    data["cells"] += [
        {**code, "source": {"a": 1}},
        {**code, "source": [1, None, []]},
        {**code, "metadata": {"nbgrader": 7}},
    ]
    data["cells"] += [{**code, "metadata": {"nbgrader": {"grade_id": ["x"]}, "tags": 4}}, {"cell_type": ["code"]}]


def _deep_metadata(text: str) -> bytes:
    return text.replace('"metadata": {}', '"metadata": {"deep": ' + "[" * 400 + "]" * 400 + "}", 1).encode()


def _version_3(text: str) -> bytes:
    return nbformat.writes(nbformat.convert(nbformat.reads(text, 4), 3), 3).encode()


SURGERY = [
    Attack("checks_deleted", "no check cells", answer=BLANK, surgery=_delete_checks, flag="deleted"),
    Attack(
        "checks_doubled", "check cells twice, the second empty", answer=BLANK, surgery=_double_checks, flag="2 cells"
    ),
    Attack(
        "checks_edited",
        "check cells that assert True",
        answer=BLANK,
        surgery=_each_check(lambda cell: cell.update(source=FULL_MARKS)),
        flag="edited",
    ),
    Attack("cells_reordered", "all cells in reverse", answer=BLANK, surgery=lambda content: content.cells.reverse()),
    Attack(
        "checks_retyped",
        "check cells turned into prose",
        answer=BLANK,
        surgery=_each_check(
            lambda cell: (cell.update(cell_type="markdown"), cell.pop("outputs"), cell.pop("execution_count"))
        ),
    ),
    Attack("grade_ids_changed", "check cells renamed", answer=BLANK, surgery=_grading(grade_id="mine"), flag="deleted"),
    Attack("points_changed", "a thousand points a check", answer=BLANK, surgery=_grading(points=1000)),
    Attack("schema_changed", "schema_version 99", answer=BLANK, surgery=_grading(schema_version=99)),
    Attack("unlocked", "check cells declared answers", answer=BLANK, surgery=_grading(locked=False, solution=True)),
    Attack("ids_changed", "the same id for every cell", answer=BLANK, surgery=_one_id),
    Attack("skip_execution", "the tag skip-execution on every cell", answer=BLANK, surgery=_skip_all),
    Attack("setup_edited", "set-up cells that end the process", answer=BLANK, surgery=_edit_setup, flag="edited"),
    Attack(
        "metadata_dropped",
        "an editor that dropped all metadata and ids",
        "passed",
        surgery=_no_metadata,
        flag="deleted",
    ),
    Attack(
        "answers_doubled", "an unanswered copy behind every answer", "passed", surgery=_double_answers, flag="2 cells"
    ),
    Attack("odd_cells", "cells that are no cells", "passed", raw=_json(_odd_cells)),
    Attack("deep_metadata", "metadata nested 400 deep", "passed", raw=_deep_metadata),
    Attack("version_3", "an old format", "passed", raw=_version_3),
    Attack(
        "ten_thousand_cells",
        "ten thousand added cells",
        "ungradable",
        surgery=_many_cells(10_000),
        stock=False,
        says="cells",
    ),
    Attack(
        "huge_cell",
        "one cell of 16 MB, which takes a parser three minutes and 9 GB",
        "ungradable",
        surgery=lambda content: content.cells.append(added_cell("a=1\n" * 3_900_000)),
        says="characters of code",
        stock=False,
    ),
]


def _link(path: Path, text: str) -> None:
    secret = path.parent / "elsewhere.ipynb"
    secret.write_text(text)
    path.symlink_to(secret)


def _beside(path: Path, text: str) -> None:
    path.write_text(text)
    for name in ("numpy.py", "rl2lib.py", "sitecustomize.py", "conftest.py", "torch.py"):
        (path.parent / name).write_text("raise SystemExit('shadowed')")
    (path.parent / "copy of it.ipynb").write_text(text.replace("return", "return 17.25 #"))


def _sparse(path: Path, text: str) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 35)


FILES = [
    Attack("corrupt", "half a notebook", "ungradable", raw=lambda text: text[: len(text) // 2].encode(), says="JSON"),
    Attack("empty", "an empty file", "ungradable", raw=lambda text: b"", says="JSON"),
    Attack("binary", "bytes that are no text", "ungradable", raw=lambda text: bytes(range(256)) * 99, says="JSON"),
    Attack("utf16", "another encoding", "ungradable", raw=lambda text: text.encode("utf-16"), says="JSON"),
    Attack("future", "format 9", "ungradable", raw=_json(lambda data: data.update(nbformat=9)), says="format 9"),
    Attack("no_cells", "a notebook without cells", "not_attempted", raw=_json(lambda data: data.update(cells=[]))),
    Attack(
        "cells_no_list", "cells that are no list", "ungradable", raw=_json(lambda data: data.update(cells={"a": 1}))
    ),
    Attack("just_a_list", "JSON that is no notebook", "ungradable", raw=lambda text: b"[1, 2]", says="no nbformat"),
    Attack("deep_json", "JSON nested a million deep", "ungradable", raw=lambda text: b"[" * 10**6, says="JSON"),
    Attack("many_digits", "a number of a million digits", "ungradable", raw=lambda text: b"9" * 10**6, says="JSON"),
    Attack(
        "wrong_name",
        "another file name",
        "ungradable",
        place=lambda path, text: path.with_name("hw.ipynb").write_text(text),
        says="no file",
    ),
    Attack(
        "folder", "a folder in the file's place", "ungradable", place=lambda path, _: path.mkdir(), says="plain file"
    ),
    Attack("symbolic_link", "a link to another's file", "ungradable", place=_link, says="links"),
    Attack(
        "pipe",
        "a named pipe that nobody writes to",
        "ungradable",
        place=lambda path, _: os.mkfifo(path),
        says="plain file",
        stock=False,
    ),
    Attack("sparse", "32 GB of nothing", "ungradable", place=_sparse, says="bytes", stock=False),
    Attack("files_beside", "numpy.py, sitecustomize.py and another notebook beside it", "passed", place=_beside),
]
