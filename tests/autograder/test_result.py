"""A worker's bytes are a result only if every field is what it should be."""

import json
import math
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.result import (
    MAX_EXERCISES,
    MAX_FLAGS,
    MAX_STUDENT,
    MAX_TEXT,
    ExerciseResult,
    Result,
    ResultError,
    plain,
    student_problem,
)


def result(**changes) -> Result:
    exercises = (
        ExerciseResult("embed", 4.0, 4.0, "passed", ""),
        ExerciseResult("decode", 0.0, 2.5, "failed", "expected 1, got\n2", "off_by_one", "It counts from one."),
    )
    fields = {"flags": ("setup-00-1: locked cell edited",), "isolation": "bubblewrap, seccomp, limits"} | changes
    return Result("Żółć, Anna", "00_start_here", "0.1", "ab" * 32, "0.2", 2**63 - 1, exercises, **fields)


def test_a_result_survives_the_wire_on_one_line_of_ascii():
    line = result().to_json()
    assert Result.from_json(line) == result()
    assert line.isascii() and b"\n" not in line
    assert result().key == ("Żółć, Anna", "00_start_here", "ab" * 32, "0.2", "0.1")
    assert (result().points, result().max_points) == (4.0, 6.5)


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet=st.characters(exclude_categories=()), max_size=50), st.text(max_size=MAX_TEXT + 50))
def test_whatever_student_code_says_comes_through_plain(odd, long):
    item = ExerciseResult("embed", 0.0, 1.0, "error", odd + long, None, odd)
    there = Result("ada", "00_x", "1", "", "1", 0, (item,), (odd + long,))
    back = Result.from_json(there.to_json())
    assert back == there
    back.exercises[0].reason.encode()
    assert len(back.exercises[0].reason) <= MAX_TEXT and "\x00" not in back.exercises[0].reason


def test_plain_text_is_cut_where_it_says_so():
    assert plain("x" * 10, 10) == "x" * 10 and plain("x" * 11, 10) == "x" * 9 + "…"
    assert plain("a\tb\nc\x1b[31m\r\ud800\u202e") == "a\tb\nc\ufffd[31m\ufffd\ufffd\ufffd"


def changed(path: str, value: object) -> bytes:
    """Return a result's bytes with one field replaced; an Ellipsis takes it out."""
    found = json.loads(result().to_json())
    place, *inner = found, *path.split(".")
    for key in inner[:-1]:
        place = place[int(key)] if isinstance(place, list) else place[key]
    if value is ...:
        del place[inner[-1]]
    else:
        place[inner[-1]] = value
    return json.dumps(found).encode()


LIES = {
    "points above the maximum": ("exercises.0.points", 4.5),
    "negative points": ("exercises.1.points", -0.5),
    "points that are no number": ("exercises.0.points", "4"),
    "points that are a truth": ("exercises.0.points", True),
    "infinite points": ("exercises.0.max_points", math.inf),
    "NaN": ("exercises.0.points", math.nan),
    "an integer without end": ("exercises.0.max_points", 10**400),
    "an unknown status": ("exercises.0.status", "excellent"),
    "a status that is a list": ("exercises.0.status", []),
    "a name that is a path": ("exercises.0.name", "../x"),
    "a reason too long": ("exercises.0.reason", "x" * (MAX_TEXT + 1)),
    "a reason with an escape sequence": ("exercises.0.reason", "\x1b]0;x"),
    "a lone surrogate": ("exercises.0.reason", "\ud800"),
    "a reason that is no text": ("exercises.0.reason", {"a": 1}),
    "a misconception that is a number": ("exercises.1.misconception", 3),
    "an exercise that is none": ("exercises", [3]),
    "exercises that are none": ("exercises", {"0": {}}),
    "too many exercises": ("exercises", [{}] * 1000),
    "a field more": ("exercises.0.bonus", 3),
    "a field less": ("seed", ...),
    "a student who is a path": ("student", "../../etc"),
    "a student with a line break": ("student", "ada\neve"),
    "a student who is nobody": ("student", ""),
    "a notebook that is a path": ("notebook", "/etc/passwd"),
    "a hash that is none": ("submission_sha256", "AB" * 32),
    "a seed out of range": ("seed", 2**63),
    "a seed that is a truth": ("seed", True),
    "flags that are text": ("flags", "all"),
    "a flag that is none": ("flags", [None]),
    "an isolation that is none": ("isolation", None),
    "another schema": ("schema_version", 1),
    "a schema that is a truth": ("schema_version", True),
}
OTHERWISE = {
    "points above the maximum": "embed: points: expected 0 to 4, got 4.5",
    "infinite points": "JSON is malformed",
    "NaN": "JSON is malformed",
    "a lone surrogate": "JSON is malformed",
    "an exercise that is none": "expected `object`, got `int` - at `$.exercises[0]`",
    "a reason with an escape sequence": "expected `str` that can be printed - at `$.exercises[0].reason`",
    "too many exercises": "`$.exercises[0]`",
    "a field more": "unknown field `bonus` - at `$.exercises[0]`",
    "a field less": "missing required field `seed`",
    "a student who is a path": "student: a student's name neither",
    "a student with a line break": "student: a student's name holds neither",
    "a flag that is none": "`$.flags[0]`",
    "another schema": "schema_version: expected 2 at least, got 1",
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_is_refused_with_its_field(lie):
    path, value = LIES[lie]
    with pytest.raises(ResultError) as refused:
        Result.from_json(changed(path, value))
    named = OTHERWISE.get(lie, " - at `$." + re.sub(r"\.(\d)\.", r"[\1].", path) + "`")
    assert named in str(refused.value) and len(str(refused.value)) < 400


def test_too_many_are_refused_however_good_they_are():
    item = ExerciseResult("embed", 4.0, 4.0, "passed", "")
    many = Result("ada", "00_x", "1", "", "1", 0, (item,) * (MAX_EXERCISES + 1))
    with pytest.raises(ResultError, match=r"length <= 64 - at `.*exercises`"):
        Result.from_json(many.to_json())
    found = json.loads(result().to_json()) | {"flags": ["x"] * (MAX_FLAGS + 1)}
    with pytest.raises(ResultError, match=r"length <= 200 - at `.*flags`"):
        Result.from_json(json.dumps(found).encode())


def test_a_result_of_the_first_form_is_read_where_that_will_do():
    found = json.loads(result().to_json()) | {"schema_version": 1}
    del found["isolation"], found["exercises"][0]["diagnosis"]
    old = Result.from_json(json.dumps(found).encode(), oldest=1)
    assert (old.isolation, old.exercises[0].diagnosis, old.key) == ("", "", result().key)


NO_RESULTS = [b"", b"{", b"null", b"[" * 200_000, b"\xff\xfe", "{}", b" " * 9_000_000]


@pytest.mark.parametrize("data", [*NO_RESULTS, b'{"a": ' * 900 + b"1" + b"}" * 900])
def test_bytes_that_are_no_result_are_refused(data):
    with pytest.raises(ResultError, match="result: "):
        Result.from_json(data)


def test_any_printable_name_is_a_students():
    for name in (
        "ada",
        "Müller, Anna",
        "ada@uni.edu",
        "=SUM(A1)",
        "<img src=x>",
        "-rf",
        "~",
        "李 明",
        "a" * MAX_STUDENT,
    ):
        assert student_problem(name) == "", name


def test_no_other_name_is():
    odd = ("", " a", "a ", "a\nb", "a\x00", "a\u202eb", "a\u200b", "\udcff", "x" * (MAX_STUDENT + 1))
    for name in (*odd, ".", "..", ".git", "a/b", "a\\b"):
        assert student_problem(name), name
