"""Notebook 04's gradient tests on the exact oracle: each must find every mutant that bends the gradient, alone."""

import numpy as np
import pytest

from autograder.checks import nb04
from autograder.reference import answer_handle
from autograder.source import course_root, load_notebook, load_variants
from rl2lib.lab.handle import StudentError
from rl2lib.lab.report import CheckFailure, Report

NOTEBOOK = load_notebook(course_root() / "solutions" / "04_reinforce_with_baseline.py")
GRADIENT_TESTS = {
    "discounted_returns": nb04.returns_on_the_oracle,
    "reinforce_loss": nb04.gradient_on_the_oracle,
    "RecurrentBaseline": nb04.baseline_on_the_oracle,
    "train_step": nb04.step_on_the_oracle,
}
# what changes no expectation at discount 1, or no gradient at all, and is left to the comparisons
UNBIASED = {
    "discounted_returns": {
        "cut_at_time_outs",
        "exponent_restarts_each_episode",
        "no_discount_across_episodes",
        "exponent_counts_from_the_trials_start",
        "whole_return_at_every_step",
        "discount_forgotten",
    },
    "reinforce_loss": set(),
    "RecurrentBaseline": {
        "last_state_only",
        "no_memory",
        "state_reset_at_episode_ends",
        "state_survives_the_trial",
        "never_negative",
        "squashed",
        "reads_observations_only",
        "gradient_cut",
        "no_output_layer",
    },
    "train_step": {
        "baseline_not_subtracted",
        "gradients_accumulate",
        "not_clipped",
        "clipped_after_the_step",
        "clipped_together",
        "clipped_entry_by_entry",
        "advantage_not_detached",
        "baseline_never_steps",
        "discount_ignored",
    },
}
VARIANTS = [variant for variant in load_variants("04") if variant.exercise in GRADIENT_TESTS]
BENT = [v for v in VARIANTS if not v.correct and v.name not in UNBIASED[v.exercise]]


def run(exercise: str, source: str, seed: int) -> None:
    student = answer_handle(NOTEBOOK, source, seconds=10.0)
    GRADIENT_TESTS[exercise](student, np.random.default_rng(seed), Report(exercise, reveal=False))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("variant", BENT, ids=lambda v: f"{v.exercise}-{v.name}")
def test_the_gradient_test_alone_finds_it(variant, seed: int) -> None:
    with pytest.raises((CheckFailure, StudentError)):
        run(variant.exercise, variant.source, seed)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("exercise", GRADIENT_TESTS)
def test_the_reference_and_every_alternative_is_unbiased(exercise: str, seed: int) -> None:
    run(exercise, NOTEBOOK.exercise(exercise).answer.source, seed)
    for variant in VARIANTS:
        if variant.exercise == exercise and variant.correct:
            run(exercise, variant.source, seed)


def test_the_rows_own_gradient_mutants_are_among_them() -> None:
    """COURSE.md's row 04, as far as an expectation can show them."""
    names = {f"{variant.exercise}.{variant.name}" for variant in BENT}
    assert names >= {
        "discounted_returns.cut_at_episode_ends",
        "discounted_returns.reward_to_go_reversed",
        "RecurrentBaseline.sees_the_action",
        "RecurrentBaseline.sees_the_reward",
        "reinforce_loss.advantage_not_detached",
        "reinforce_loss.sign_forgotten",
        "reinforce_loss.mean_over_the_wrong_axis",
        "train_step.baseline_sees_the_action",
        "train_step.truncated",
    }
