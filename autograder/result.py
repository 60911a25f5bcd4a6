"""What is known about one graded submission, and the bytes that a worker sends for it: read back, trusting nothing."""

from __future__ import annotations

import json
import math
import re
from dataclasses import asdict, dataclass, fields
from typing import Any, NamedTuple

from rl2lib.lab.messages import HEADINGS

SCHEMA_VERSION = 2
STATUSES = frozenset(HEADINGS)
MAX_BYTES = 8_000_000
MAX_EXERCISES = 64
MAX_FLAGS = 200
MAX_STUDENT = 100
MAX_WORD = 200
MAX_TEXT = 4000
# Control characters but tab and line break, lone surrogates, and what turns the direction of writing: no file, terminal
# or database should be asked to hold them.
UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
SHA256 = re.compile(r"[0-9a-f]{64}|")


class ResultError(Exception):
    """Bytes that are not a proper result; the message says which field is wrong."""


class Key(NamedTuple):
    """What makes two gradings the same: on it rest resume, receipts and appeals."""

    student: str
    notebook: str
    submission_sha256: str
    grader_version: str
    course_version: str


@dataclass(frozen=True)
class ExerciseResult:
    """What one exercise earned and why; texts are made plain and short on the way in."""

    name: str
    points: float
    max_points: float
    status: str
    reason: str
    misconception: str | None = None
    diagnosis: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", plain(self.reason))
        object.__setattr__(self, "diagnosis", plain(self.diagnosis))


@dataclass(frozen=True)
class Result:
    """Everything known about one graded submission; CSV, HTML, gradebook and resume derive from it.

    Args:
        student: a folder's name that `student_problem` finds nothing wrong with.
        notebook: its name.
        course_version: of rl2lib.
        submission_sha256: of the file as submitted; "" where no file was graded.
        grader_version: of the autograder.
        seed: what the hidden inputs were drawn from; 0 where nothing was run.
        exercises: one each, in the notebook's order.
        flags: what was changed that should not have been; for the instructor, never a penalty.
        isolation: the layers that stood around the student's code; "" where none of it was run.
        schema_version: of these fields.
    """

    student: str
    notebook: str
    course_version: str
    submission_sha256: str
    grader_version: str
    seed: int
    exercises: tuple[ExerciseResult, ...]
    flags: tuple[str, ...] = ()
    isolation: str = ""
    schema_version: int = SCHEMA_VERSION

    def __post_init__(self) -> None:
        object.__setattr__(self, "flags", tuple(plain(flag, MAX_WORD) for flag in self.flags[:MAX_FLAGS]))

    @property
    def points(self) -> float:
        """Points earned."""
        return sum(exercise.points for exercise in self.exercises)

    @property
    def max_points(self) -> float:
        """Points to be had."""
        return sum(exercise.max_points for exercise in self.exercises)

    @property
    def key(self) -> Key:
        """What makes two gradings the same."""
        return Key(self.student, self.notebook, self.submission_sha256, self.grader_version, self.course_version)

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as JSON-able data."""
        return asdict(self)

    def to_json(self) -> bytes:
        """Return one line of ASCII, without its line break."""
        return json.dumps(self.as_dict(), allow_nan=False).encode()

    @classmethod
    def from_json(cls, data: bytes) -> Result:
        """Read what `to_json` wrote, checking every field.

        Raises:
            ResultError: something is missing, unknown, of the wrong type or out of range.
        """
        if not isinstance(data, bytes) or len(data) > MAX_BYTES:
            size = f"{len(data)} bytes" if isinstance(data, bytes) else type(data).__name__
            raise ResultError(f"result: expected at most {MAX_BYTES} bytes, got {size}")
        try:
            found = json.loads(data.decode(), parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            raise ResultError(f"result: its JSON is broken: {plain(str(error), 100)}") from None
        given = _fields(cls, found, "result")
        if given["schema_version"] != SCHEMA_VERSION or type(given["schema_version"]) is not int:
            raise ResultError(f"schema_version: expected {SCHEMA_VERSION}, got {_short(given['schema_version'])}")
        student = _text(given["student"], "student", MAX_STUDENT)
        if problem := student_problem(student):
            raise ResultError(f"student: {problem}")
        sha256 = given["submission_sha256"]
        if not isinstance(sha256, str) or not SHA256.fullmatch(sha256):
            raise ResultError(f"submission_sha256: expected 64 hexadecimal digits or nothing, got {_short(sha256)}")
        seed = given["seed"]
        if type(seed) is not int or not 0 <= seed < 2**63:
            raise ResultError(f"seed: expected an integer from 0 to 2**63 - 1, got {_short(seed)}")
        return cls(
            student=student,
            notebook=_name(given["notebook"], "notebook"),
            course_version=_text(given["course_version"], "course_version", MAX_WORD),
            submission_sha256=sha256,
            grader_version=_text(given["grader_version"], "grader_version", MAX_WORD),
            seed=seed,
            exercises=tuple(map(_exercise, _list(given["exercises"], "exercises", MAX_EXERCISES))),
            flags=tuple(_text(flag, "flags", MAX_WORD) for flag in _list(given["flags"], "flags", MAX_FLAGS)),
            isolation=_text(given["isolation"], "isolation", MAX_WORD),
        )


def plain(text: str, limit: int = MAX_TEXT) -> str:
    """Return text that every output can hold: at most `limit` characters, what cannot be printed replaced."""
    text = UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text[: limit + 1])
    return text if len(text) <= limit else text[: limit - 1] + "…"


def student_problem(name: str) -> str:
    """Say why a folder's name is not taken for a student's, "" where it is.

    The name goes into paths below the output folder, pages, spreadsheets and the gradebook: anything printable may
    stand there, in any script.
    """
    if not name or len(name) > MAX_STUDENT:
        return f"expected a student's name of 1 to {MAX_STUDENT} characters, got {len(name)}; rename the folder"
    if not name.isprintable() or name != name.strip():
        return "a student's name holds neither control characters nor spaces at its ends; rename the folder"
    if name.startswith(".") or "/" in name or "\\" in name:
        return "a student's name neither starts with a dot nor holds a slash; rename the folder"
    return ""


# --------------------------------------------------------------------------------------- reading fields


def _exercise(found: Any) -> ExerciseResult:
    given = _fields(ExerciseResult, found, "exercise")
    name = _name(given["name"], "exercise")
    points, most = (_number(given[key], f"{name}: {key}") for key in ("points", "max_points"))
    if not 0 <= points <= most:
        raise ResultError(f"{name}: points: expected 0 to {most:g}, got {points:g}")
    status = given["status"]
    if not isinstance(status, str) or status not in STATUSES:
        raise ResultError(f"{name}: status: expected one of {', '.join(sorted(STATUSES))}, got {_short(status)}")
    misconception = given["misconception"]
    return ExerciseResult(
        name=name,
        points=points,
        max_points=most,
        status=status,
        reason=_text(given["reason"], f"{name}: reason"),
        misconception=None if misconception is None else _text(misconception, f"{name}: misconception", MAX_WORD),
        diagnosis=_text(given["diagnosis"], f"{name}: diagnosis"),
    )


def _fields(kind: type, found: Any, what: str) -> dict[str, Any]:
    names = {field.name for field in fields(kind)}
    if not isinstance(found, dict) or found.keys() != names:
        wrong = ", ".join(sorted(names.symmetric_difference(found))) if isinstance(found, dict) else found
        raise ResultError(
            f"{what}: expected exactly the fields of {kind.__name__}, missing or unknown: {_short(wrong)}"
        )
    return found


def _list(found: Any, what: str, most: int) -> list[Any]:
    if not isinstance(found, list) or len(found) > most:
        raise ResultError(f"{what}: expected a list of at most {most}, got {_short(found)}")
    return found


def _text(found: Any, what: str, limit: int = MAX_TEXT) -> str:
    if not isinstance(found, str) or plain(found, limit) != found:
        raise ResultError(f"{what}: expected printable text of at most {limit} characters, got {_short(found)}")
    return found


def _name(found: Any, what: str) -> str:
    if not isinstance(found, str) or not re.fullmatch(r"[A-Za-z0-9_]{1,100}", found):
        raise ResultError(f"{what}: expected a name of letters, digits and underscores, got {_short(found)}")
    return found


def _number(found: Any, what: str) -> float:
    if type(found) not in (int, float) or abs(found) > 1e6 or not math.isfinite(found):
        raise ResultError(f"{what}: expected a finite number, got {_short(found)}")
    return float(found)


def _short(found: Any) -> str:
    return f"a {type(found).__name__} of {len(found)}" if isinstance(found, dict | list) else ascii(found)[:80]


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no number")
