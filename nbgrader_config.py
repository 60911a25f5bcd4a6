"""nbgrader's configuration for this course: `cd` here and run `nbgrader ...`."""

import os

from nbgrader.preprocessors import (
    AssignLatePenalties,
    CheckCellMetadata,
    ClearMarkScheme,
    ClearOutput,
    ComputeChecksums,
    IncludeHeaderFooter,
    LockCells,
    SaveCells,
)

from autograder.preprocessors import GradeInBox, SaveBoxGrades
from autograder.release import ClearNamedSolutions, ClearPlainHiddenTests
from autograder.source import course_root

c = get_config()  # noqa: F821

c.CourseDirectory.course_id = "rl2"
c.CourseDirectory.root = os.environ.get("RL2_COURSE", str(course_root() / "course"))
c.IncludeHeaderFooter.header = ""

# Stubs name their exercise.
c.GenerateAssignment.preprocessors = [
    IncludeHeaderFooter,
    LockCells,
    ClearNamedSolutions,
    ClearOutput,
    CheckCellMetadata,
    ComputeChecksums,
    SaveCells,
    ClearPlainHiddenTests,
    ClearMarkScheme,
    ComputeChecksums,
    CheckCellMetadata,
]

# A submission is graded in a box, from the text of the learner's own cells; no kernel runs it.
c.Autograde.sanitize_preprocessors = [GradeInBox]
c.Autograde.autograde_preprocessors = [SaveBoxGrades, AssignLatePenalties]
