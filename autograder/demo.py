"""`make demo`: the whole path once, on real input. Builds, works a notebook, grades a class, trains an agent."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from autograder.batch import grade_folder
from autograder.build import build
from autograder.class_report import table
from autograder.release import to_text
from autograder.samples import filled, reference_answers, sample_students, write_submission
from autograder.source import Notebook, course_root, find_notebook, load_course
from rl2lib.files import write_if_changed
from rl2lib.lab.terminal import check_notebook

NOTEBOOK = "02"
RECORD = "results/demo.json"
ENDLESS = "def {name}(*args, **kwargs):\n    while True:\n        pass"


def run_demo(record: bool = False) -> None:
    """Run the demo below `demo/`; with `record`, keep its figures in results/demo.json."""
    root = course_root()
    folder = root / "demo"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    figures: dict[str, Any] = {}
    began = time.perf_counter()
    with _step("1. Build the course from solutions/*.py", figures, "build_seconds"):
        changed = build(root)
        print(f"{len(load_course(root))} notebooks, {len(changed)} generated files changed")
    notebook = find_notebook(NOTEBOOK, root)
    with _step(f"2. Work {notebook.name} as a learner", figures, "learn_seconds"):
        _learn(notebook, folder)
    with _step("3. Grade a class", figures, "grade_seconds"):
        figures["submissions"] = _grade(notebook, folder)
    with _step("4. Train a recurrent agent: five arms, ten pulls", figures, "train_seconds"):
        figures["training"] = _train(folder)
    figures["total_seconds"] = time.perf_counter() - began
    print(f"\nAll of it took {figures['total_seconds']:.0f} s. Next: `make learn`, or open README.md.")
    if record:
        write_if_changed(root / RECORD, json.dumps(figures, indent=1, ensure_ascii=False) + "\n")
        print(f"recorded in {RECORD}")


@contextmanager
def _step(title: str, figures: dict[str, Any], name: str) -> Iterator[None]:
    print(f"\n── {title}", flush=True)
    began = time.perf_counter()
    yield
    figures[name] = round(time.perf_counter() - began, 1)
    print(f"   ({figures[name]:.1f} s)", flush=True)


def _learn(notebook: Notebook, folder: Path) -> None:
    path = folder / f"{notebook.name}.ipynb"
    for who, answers in (("the blank release", {}), ("with the reference answers", reference_answers(notebook))):
        write_if_changed(path, to_text(filled(notebook, answers)))
        outcomes = check_notebook(notebook.number, path)
        passed = sum(outcome.passed for outcome in outcomes)
        print(f"{who + ':':<28}{passed} of {len(outcomes)} checks pass; {outcomes[0].exercise}: {outcomes[0].status}")


def _grade(notebook: Notebook, folder: Path) -> int:
    from nbgrader.api import Gradebook

    submitted = folder / "submitted"
    for student, content, _ in sample_students(notebook, rounds=4):
        write_submission(submitted, student, notebook, content)
    name = notebook.exercises[1].name
    looping = filled(notebook, {**reference_answers(notebook), name: ENDLESS.format(name=name)})
    write_submission(submitted, "endless-loop", notebook, looping)
    write_submission(submitted, "corrupt-file", notebook, '{"nbformat": 4, "cells": [')
    results = grade_folder(submitted, folder / "grades", workers=os.cpu_count() or 1)
    print(table(results))
    with Gradebook(f"sqlite:///{folder / 'grades' / 'gradebook.db'}") as gradebook:
        kept = gradebook.submission_dicts(notebook.name)
        mean = sum(entry["score"] for entry in kept) / len(kept)
        print(f"nbgrader's gradebook holds {len(kept)} submissions, mean score {mean:.1f} of {notebook.points}")
    return len(results)


def _train(folder: Path) -> dict[str, Any]:
    from rl2lib.experiments.quickstart import QuickstartConfig, run

    result = run(QuickstartConfig(), folder=folder / "checkpoint")
    print(result.table())
    return {
        "normalised": result.normalised_score,
        "optimal_value": result.optimal_value,
        "env_steps": result.training.env_steps,
        "seconds": result.training.seconds,
    }
