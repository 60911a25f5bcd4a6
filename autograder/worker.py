"""What a worker of a batch runs. All of it is our code: a submission is bytes here, and runs in a box alone."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from autograder import __version__
from autograder.box.sandbox import SandboxLost, SandboxMissing
from autograder.grade import course_sandbox, grade_bytes
from autograder.source import SourceError, find_notebook, load_course, load_release
from rl2lib import __version__ as course_version

TRIES = 3
VERSIONS = (__version__, course_version)


class GraderFault(Exception):
    """A worker's failure on one submission that is not the student's doing; the message is fit for everybody."""


@dataclass(frozen=True)
class Grader:
    """What a worker does.

    Args:
        sandboxed: False grades on machines that cannot lock student code away, and says so in every result.
    """

    sandboxed: bool = True

    def ready(self) -> tuple[str, str]:
        """Make ready to grade; return the versions of grader and course.

        Raises:
            SandboxMissing: this machine cannot lock student code away.
            GraderFault: a released notebook is missing or old.
        """
        try:
            for notebook in load_course():
                load_release(notebook)
        except SourceError as error:
            raise GraderFault(str(error)) from None
        course_sandbox(self.sandboxed).open().end()
        return VERSIONS

    def grade(self, data: bytes, student: str, notebook: str, seed: int) -> bytes:
        """Grade one submission: bytes in, a `Result` as bytes out.

        Raises:
            GraderFault: we failed on it, or this machine did.
        """
        import torch

        torch.set_num_threads(1)
        found = find_notebook(notebook)
        for _ in range(TRIES):
            try:
                return grade_bytes(data, student, found, seed, sandboxed=self.sandboxed).to_json()
            except SandboxLost:
                continue
            except SandboxMissing as error:
                raise GraderFault(str(error)) from None
            except Exception as error:  # what it says may be about a hidden check: for the log, not for the student
                logging.getLogger(__name__).exception("%s of %s", notebook, ascii(student))
                raise GraderFault(f"the grader failed on it: {type(error).__name__}") from None
        raise GraderFault(f"the sandbox died under it {TRIES} times")
