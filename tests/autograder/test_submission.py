"""Every entry of a folder ends as a job or with a reason; every file as bytes or with a reason; and bytes as cells."""

import json
import os
import socket
import time

import pytest

from autograder import submission
from autograder.release import to_text
from autograder.samples import filled, reference_answers, write_submission
from autograder.source import load_course
from autograder.submission import TWIN, Ungradable, find_jobs, read_submission, take_file

NOTEBOOK = next(item for item in load_course() if item.number == "00")
NAME = NOTEBOOK.name
OTHER = next(item for item in load_course() if item.number == "01")
ANSWER = reference_answers(NOTEBOOK)["mean_trial_return"]


def place(folder, student="ada", name=NAME):
    path = folder / student / name / f"{name}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


# --------------------------------------------------------------------------------------- taking


def test_a_plain_file_is_taken_as_it_is(tmp_path):
    place(tmp_path).write_bytes(b"\xff\x00 anything")
    assert take_file(place(tmp_path)) == b"\xff\x00 anything"


def test_no_link_below_the_submissions_is_followed(tmp_path):
    secret = tmp_path / "secret" / NAME / f"{NAME}.ipynb"
    secret.parent.mkdir(parents=True)
    secret.write_text("{}")
    folder = tmp_path / "submitted"
    place(folder, "file").symlink_to(secret)
    (folder / "notebook").mkdir()
    (folder / "notebook" / NAME).symlink_to(secret.parent)
    (folder / "student").symlink_to(secret.parent.parent)
    place(folder, "dangling").symlink_to(tmp_path / "nowhere")
    for student in ("file", "notebook", "student", "dangling"):
        with pytest.raises(Ungradable, match="links are not followed"):
            take_file(folder / student / NAME / f"{NAME}.ipynb")
    (tmp_path / "elsewhere").symlink_to(folder)  # the instructor's own link to all submissions is theirs to make
    place(folder, "plain").write_text("{}")
    assert take_file(tmp_path / "elsewhere" / "plain" / NAME / f"{NAME}.ipynb") == b"{}"


def test_what_is_no_file_holds_up_nobody(tmp_path, monkeypatch):
    os.mkfifo(place(tmp_path, "pipe"))
    place(tmp_path, "folder").mkdir()
    with socket.socket(socket.AF_UNIX) as listening:
        monkeypatch.chdir(place(tmp_path, "socket").parent)  # a socket's path may be a hundred bytes long, no more
        listening.bind(f"{NAME}.ipynb")
    (tmp_path / "flat").mkdir()
    (tmp_path / "flat" / NAME).write_text("{}")
    began = time.process_time()
    for student, words in {
        "pipe": "not a plain file",
        "folder": "not a plain file",
        "socket": "cannot be read",
        "flat": "no file",
        "nobody": "no file",
    }.items():
        with pytest.raises(Ungradable, match=words):
            take_file(tmp_path / student / NAME / f"{NAME}.ipynb")
    assert time.process_time() - began < 1


def test_a_file_without_end_is_read_to_the_limit_alone(tmp_path, monkeypatch):
    with open(place(tmp_path), "wb") as file:
        file.truncate(2**40)
    with pytest.raises(Ungradable, match="more than 20000000 bytes"):
        take_file(place(tmp_path))
    monkeypatch.setattr(submission, "MAX_BYTES", 5)
    place(tmp_path, "eve").write_bytes(b"12345")
    assert take_file(place(tmp_path, "eve")) == b"12345"


# --------------------------------------------------------------------------------------- finding


def test_every_entry_is_a_job_or_has_its_reason(tmp_path):
    for student in ("ada", "Zoë Núñez", "=HYPERLINK(1)", "<script>"):
        place(tmp_path, student).write_text("{}")
    for student in ("new\nline", ".hidden", "back\\slash", "x" * 200, "turned\u202e", os.fsdecode(b"\xff\xfe")):
        place(tmp_path, student).write_text("{}")
    (tmp_path / "notes.txt").write_text("")
    (tmp_path / "link").symlink_to(tmp_path / "ada")
    (tmp_path / "ada" / "99_unknown").mkdir()
    (tmp_path / "ada" / "loose\n.ipynb").write_text("")
    (tmp_path / "ada" / OTHER.name).mkdir()
    (tmp_path / "empty").mkdir()
    jobs, left_out = find_jobs(tmp_path, [NOTEBOOK], [NAME, OTHER.name])
    assert {(job.student, job.notebook) for job in jobs} == {
        (student, NAME) for student in ("ada", "Zoë Núñez", "=HYPERLINK(1)", "<script>")
    }
    assert len(left_out) == 10 and all(line.isprintable() and len(line) < 250 for line in left_out)
    for words in (
        "notes.txt: not a folder",
        "link: not a folder",
        "99_unknown: there is no",
        "'loose\\n.ipynb': there is",
    ):
        assert any(words in line for line in left_out)
    assert sum("rename the folder" in line for line in left_out) == 6
    both, _ = find_jobs(tmp_path, [NOTEBOOK, OTHER])
    assert ("ada", OTHER.name) in {(job.student, job.notebook) for job in both}


def test_names_that_some_file_systems_take_for_one_are_flagged(tmp_path):
    for student in ("Ada", "ada", "Zoë", "Zoe\u0308", "eve"):
        place(tmp_path, student).write_text("{}")
    jobs, left_out = find_jobs(tmp_path, [NOTEBOOK])
    assert {job.student for job in jobs if TWIN in job.flags} == {"Ada", "ada", "Zoë", "Zoe\u0308"}
    assert len(jobs) == 5 and left_out == []


def test_notebooks_beside_the_graded_one_are_flagged(tmp_path):
    place(tmp_path)
    for number in range(9):
        (place(tmp_path).parent / f"{number}\n.ipynb").write_text("")
    (place(tmp_path).parent / "timestamp.txt").write_text("")
    ((job,), _) = find_jobs(tmp_path, [NOTEBOOK])
    assert len(job.flags) == 5 and job.flags[0] == r"also submitted: '0\n.ipynb'"


def test_nothing_to_grade_is_said_with_reasons(tmp_path):
    (tmp_path / "ada" / "01_wrong").mkdir(parents=True)
    with pytest.raises(FileNotFoundError, match=f"no submission of {NAME} in it\n  ada/01_wrong: there is no notebook"):
        find_jobs(tmp_path, [NOTEBOOK])
    with pytest.raises(FileNotFoundError, match="expected a folder of submissions"):
        find_jobs(tmp_path / "nowhere", [NOTEBOOK])


# --------------------------------------------------------------------------------------- reading


def read(content):
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    return read_submission(data, "it.ipynb", NOTEBOOK)


def cells(*sources, **fields):
    return {
        "nbformat": 4,
        "cells": [{"cell_type": "code", "source": source, "metadata": {}, **fields} for source in sources],
    }


def nested(depth):
    return ("[" * depth + "]" * depth).encode()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "JSON is broken"),
        (b"{", "JSON is broken"),
        (b"\x00" * 100, "JSON is broken"),
        ('{"nbformat": 4, "cells": []}'.encode("utf-16"), "JSON is broken"),
        (b'{"nbformat": 4, "cells": ["\xff"]}', "JSON is broken"),
        (nested(100_000), "JSON is broken"),
        (b'{"nbformat": ' + b"9" * 5000 + b"}", "JSON is broken"),
        (b"[]", "no nbformat number"),
        (b"null", "no nbformat number"),
        (b'{"nbformat": true, "cells": []}', "no nbformat number"),
        (b'{"nbformat": 5, "cells": []}', "format 5"),
        (b'{"nbformat": 4}', "format 4, expected 4"),
        (b'{"nbformat": 4, "cells": {}}', "format 4, expected 4"),
        (b'{"nbformat": 3, "worksheets": 7}', "format 3 could not be read"),
        (b'{"nbformat": -1}', "format -1 could not be read"),
        (json.dumps({"nbformat": 4, "cells": [{}] * 2001}).encode(), "2001 cells"),
        (json.dumps(cells("x" * 150_000, "y" * 60_000)).encode(), "210000 characters of code"),
    ],
)
def test_what_is_no_notebook_has_its_reason(data, words):
    with pytest.raises(Ungradable) as refused:
        read(data)
    assert words in str(refused.value) and str(refused.value).startswith("it.ipynb: ") and len(str(refused.value)) < 300


def test_deep_sources_are_named_or_harmless():
    source = nested(900).decode()
    deep = b'{"nbformat": 4, "cells": [{"cell_type": "code", "source": [' + source.encode() + b"]}]}"
    try:
        assert read(deep).cells[0].exercise == ""
    except Ungradable as error:
        assert "nested too deeply" in str(error) or "JSON is broken" in str(error)


@pytest.mark.parametrize("strange", [None, 7, [], {}, ["a", 3, None], {"a": []}, "\ud800", True])
def test_fields_of_strange_types_cost_nobody_anything(strange):
    odd = [
        strange,
        {"cell_type": strange, "source": "x = 1"},
        {"cell_type": "code", "source": strange, "id": strange, "metadata": strange},
        {"cell_type": "code", "source": "z = 1", "metadata": {"nbgrader": strange, "tags": strange}},
        {"cell_type": "code", "source": "y = 1", "metadata": {"nbgrader": {"grade_id": strange}}, "outputs": strange},
        {"cell_type": "code", "source": ANSWER, "metadata": {}},
    ]
    found = read({"nbformat": 4, "nbformat_minor": strange, "metadata": strange, "cells": odd})
    assert [cell.source for cell in found.cells if cell.exercise] == [ANSWER]
    for cell in found.cells:
        cell.source.encode()


@pytest.mark.parametrize(
    "source",
    [
        "\n" * 194_998 + "(",
        "%x\n" * 60_000 + "(",
        " " * 194_998 + "(",
        "(" * 194_999,
        "-" * 194_998 + "1",
        "1+" * 97_000 + "1",
        "a" + ".b" * 97_000,
        "a;" * 20_000,
        "\x00" * 100,
        "def mean_trial_return(" * 9_000,
    ],
)
def test_source_that_is_hard_to_parse_takes_bounded_time(source):
    began = time.process_time()
    assert len(read(cells(source, ANSWER)).cells) == 2
    assert time.process_time() - began < 30  # seconds here; a quadratic pattern took minutes


def test_an_old_format_a_byte_order_mark_lists_of_lines_and_texts_are_read():
    import nbformat

    new = filled(NOTEBOOK, {"mean_trial_return": ANSWER})
    old = nbformat.writes(nbformat.convert(new, 3), version=3).encode()
    texts = json.loads(to_text(new))
    for cell in texts["cells"]:
        cell["source"] = "".join(cell["source"])
    for data in (to_text(new).encode(), b"\xef\xbb\xbf" + to_text(new).encode(), json.dumps(texts).encode(), old):
        (answer,) = [cell.source for cell in read(data).cells if cell.exercise]
        assert answer.strip() == ANSWER.strip()


def test_a_check_cell_that_became_text_is_flagged():
    content = filled(NOTEBOOK, {})
    check = next(cell for cell in content.cells if cell.id == "mean_trial_return-check")
    check.cell_type = "markdown"
    found = read(json.loads(json.dumps(content)))
    assert found.flags == ("mean_trial_return-check: cell deleted or retyped",)


def test_what_is_taken_is_what_was_written(tmp_path):
    path = write_submission(tmp_path, "ada", NOTEBOOK, filled(NOTEBOOK, reference_answers(NOTEBOOK)))
    found = read(take_file(path))
    assert [(cell.exercise, cell.source) for cell in found.cells] == [("mean_trial_return", ANSWER)]
    assert found.flags == () and len(found.sha256) == 64
