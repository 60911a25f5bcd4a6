"""What an author, an instructor and a learner wait for: build, grading, the command line, the exact optimum."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.measure import Benchmark, Figure, Measurement, Settings, median_seconds
from rl2lib.agents.bayes_optimal import BayesOptimalPlan
from rl2lib.training.loop import torch_threads

ROOT = Path(__file__).resolve().parent.parent

OPTIMUM = Figure("exact optimum, k=50, n=10", "s", 0.2, lower_is_better=True)
BUILD = Figure("build, all notebooks", "s", 5.0, lower_is_better=True)
PROGRESS = Figure("rl2 progress", "s", 2.0, lower_is_better=True)
GRADES = {
    "00": Figure("grade one 00_start_here", "s", 5.0, lower_is_better=True),
    "02": Figure("grade one 02_input_embedding", "s", 5.0, lower_is_better=True),
}


def course(settings: Settings) -> list[Measurement]:
    """Measure all of it with one thread."""
    from autograder.build import generated_files

    once, repeats = not settings.quick, settings.repeats
    with torch_threads(1):
        (optimum,) = median_seconds(lambda: BayesOptimalPlan(50, 10).value, repeats=repeats, warm_up=once)
        (build,) = median_seconds(lambda: generated_files(ROOT), repeats=repeats, warm_up=once)
        (progress,) = median_seconds(_progress, repeats=repeats, warm_up=once)
        grades = [_grading(number, settings) for number in GRADES]
    return [
        OPTIMUM.measured(optimum),
        BUILD.measured(build),
        PROGRESS.measured(progress, "interpreter and all"),
        *grades,
    ]


def _progress() -> None:
    """Ask for the progress of a learner who has none yet."""
    environment = {**os.environ, "RL2_WORK": tempfile.gettempdir(), "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-m", "rl2lib.cli", "progress"], capture_output=True, check=True, env=environment)


def _grading(number: str, settings: Settings) -> Measurement:
    """Grade a whole submission of right answers, one exercise after the other."""
    from autograder.grade import grade_file
    from autograder.samples import filled, reference_answers, write_submission
    from autograder.source import load_course

    notebook = next(item for item in load_course() if item.number == number)
    with tempfile.TemporaryDirectory() as folder:
        content = filled(notebook, reference_answers(notebook))
        path = write_submission(Path(folder), "ada", notebook, content)
        (seconds,) = median_seconds(
            lambda: grade_file(path, "ada", notebook, seed=1), repeats=settings.repeats, warm_up=not settings.quick
        )
    return GRADES[number].measured(seconds, "with torch in the box" if number >= "02" else "without torch in the box")


BENCHMARKS = (
    Benchmark(
        "course",
        "exact optimum, build, start-up and grading",
        (OPTIMUM, BUILD, PROGRESS, *GRADES.values()),
        course,
    ),
)
