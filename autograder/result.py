"""What is known about one graded submission, and the bytes that a worker sends for it: read back, trusting nothing."""

from __future__ import annotations

import re
from typing import Annotated, NamedTuple

from msgspec import Meta, Struct
from msgspec.structs import force_setattr

from rl2lib import codec
from rl2lib.codec import CodecError
from rl2lib.lab.messages import HEADINGS

SCHEMA_VERSION = 2
MAX_BYTES = 8_000_000
MAX_EXERCISES = 64
MAX_FLAGS = 200
MAX_STUDENT = 100
MAX_WORD = 200
MAX_TEXT = 4000
# Control characters but tab and line break, lone surrogates, and what turns the direction of writing: no file, terminal
# or database should be asked to hold them.
_UNPRINTABLE = r"\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff"
UNPRINTABLE = re.compile(f"[{_UNPRINTABLE}]")
_PRINTABLE = rf"\A[^{_UNPRINTABLE}]*\Z"

Name = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9_]{1,100}\Z")]
Word = Annotated[str, Meta(max_length=MAX_WORD, pattern=_PRINTABLE)]
Text = Annotated[str, Meta(max_length=MAX_TEXT, pattern=_PRINTABLE)]
Points = Annotated[float, Meta(ge=0, le=1e6)]
Status = Annotated[str, Meta(pattern=rf"\A({'|'.join(HEADINGS)})\Z")]


class ResultError(Exception):
    """Bytes that are not a proper result; the message says which field is wrong."""


class Key(NamedTuple):
    """What makes two gradings the same: on it rest resume, receipts and appeals."""

    student: str
    notebook: str
    submission_sha256: str
    grader_version: str
    course_version: str


class ExerciseResult(Struct, frozen=True, forbid_unknown_fields=True):
    """What one exercise earned and why; texts are made plain and short on the way in."""

    name: Name
    points: Points
    max_points: Points
    status: Status
    reason: Text
    misconception: Word | None = None
    diagnosis: Text = ""

    def __post_init__(self) -> None:
        force_setattr(self, "reason", plain(self.reason))
        force_setattr(self, "diagnosis", plain(self.diagnosis))


class Result(Struct, frozen=True, forbid_unknown_fields=True):
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

    student: Annotated[str, Meta(min_length=1, max_length=MAX_STUDENT)]
    notebook: Name
    course_version: Word
    submission_sha256: Annotated[str, Meta(pattern=r"\A([0-9a-f]{64}|)\Z")]
    grader_version: Word
    seed: Annotated[int, Meta(ge=0, le=2**63 - 1)]
    exercises: Annotated[tuple[ExerciseResult, ...], Meta(max_length=MAX_EXERCISES)]
    flags: Annotated[tuple[Word, ...], Meta(max_length=MAX_FLAGS)] = ()
    isolation: Word = ""
    schema_version: Annotated[int, Meta(ge=1, le=SCHEMA_VERSION)] = SCHEMA_VERSION

    def __post_init__(self) -> None:
        force_setattr(self, "flags", tuple(plain(flag, MAX_WORD) for flag in self.flags[:MAX_FLAGS]))

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

    def to_json(self) -> bytes:
        """Return one line of ASCII, without its line break."""
        return codec.to_line(self)

    @classmethod
    def from_json(cls, data: bytes, oldest: int = SCHEMA_VERSION) -> Result:
        """Read what `to_json` wrote, checking every field.

        Args:
            data: from anybody.
            oldest: the first version of the fields that will do; the first of all lacks some, which are then empty.

        Raises:
            ResultError: something is missing, unknown, of the wrong type or out of range.
        """
        if not isinstance(data, bytes) or len(data) > MAX_BYTES:
            size = f"{len(data)} bytes" if isinstance(data, bytes) else type(data).__name__
            raise ResultError(f"result: expected at most {MAX_BYTES} bytes, got {size}")
        try:
            found = codec.decode(data, cls, "result")
        except CodecError as error:
            words = str(error).replace(f"matching regex {_PRINTABLE!r}", "that can be printed")
            raise ResultError(plain(words, 300)) from None
        if found.schema_version < oldest:
            raise ResultError(f"schema_version: expected {oldest} at least, got {found.schema_version}")
        if problem := student_problem(found.student):
            raise ResultError(f"student: {problem}")
        for item in found.exercises:
            if item.points > item.max_points:
                raise ResultError(f"{item.name}: points: expected 0 to {item.max_points:g}, got {item.points:g}")
        return found


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
