"""nbgrader's configuration for this course: `cd` here and run `nbgrader ...`."""

import os

from nbgrader.preprocessors import (
    AssignLatePenalties,
    CheckCellMetadata,
    ClearMarkScheme,
    ClearOutput,
    ComputeChecksums,
    Execute,
    IncludeHeaderFooter,
    LimitOutput,
    LockCells,
    SaveAutoGrades,
    SaveCells,
)

from autograder.preprocessors import (
    ClearNamedSolutions,
    ClearPlainHiddenTests,
    ForgiveStandardError,
    RunOnlyWhatIsGraded,
)
from autograder.source import course_root

c = get_config()  # noqa: F821

# A kernel that grades keeps no learner's progress and takes no window; nor may it find another Python first.
os.environ["RL2_PROGRESS"] = "off"
os.environ["MPLBACKEND"] = "agg"

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

# Only set-up, answers, added cells and checks run; a warning or a progress bar on stderr is no mistake.
c.Autograde.autograde_preprocessors = [
    RunOnlyWhatIsGraded,
    Execute,
    ForgiveStandardError,
    LimitOutput,
    SaveAutoGrades,
    AssignLatePenalties,
    CheckCellMetadata,
]
c.ExecutePreprocessor.timeout = 120
c.Execute.timeout = 120
