"""Break it: each switch takes away what it says, and the untouched agent adapts."""

from __future__ import annotations

import itertools
import time

import pytest
import torch

from rl2lib.lab.explorables.base import Choice, Toggle
from rl2lib.lab.explorables.break_it import HALF, KEPT, LAST, WHOLE, WIPED, BreakIt, Broken
from rl2lib.types import StepInput


class Spy:
    """A policy that writes down what it is fed."""

    def acting(self, mode: str) -> Spy:
        return self

    def initial_state(self, batch_size: int) -> torch.Tensor:
        return torch.ones(batch_size, 4)

    def act(
        self, state: torch.Tensor, inputs: StepInput, generator: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        self.seen = state, inputs
        return inputs.prev_action, state


INPUTS = StepInput(torch.zeros(2, 1), torch.tensor([3, 4]), torch.tensor([1.0, 1.0]), torch.ones(2))


@pytest.mark.parametrize("off, column", [("action", "prev_action"), ("reward", "prev_reward"), ("flag", "prev_end")])
def test_a_switch_holds_one_column_at_zero_and_no_other(off: str, column: str) -> None:
    spy = Spy()
    Broken(spy, **{off: False}).act(torch.ones(2, 4), INPUTS, torch.Generator())  # type: ignore[arg-type]
    for name in StepInput._fields:
        seen, right = getattr(spy.seen[1], name), getattr(INPUTS, name)
        assert torch.equal(seen, torch.zeros_like(right) if name == column else right)


@pytest.mark.parametrize("memory, left", [(KEPT, 4), (HALF, 2), (WIPED, 0)])
def test_the_state_is_wiped_in_part(memory: str, left: int) -> None:
    spy = Spy()
    Broken(spy, memory=memory).act(torch.ones(2, 4), INPUTS, torch.Generator())  # type: ignore[arg-type]
    assert spy.seen[0].sum(dim=1).tolist() == [left, left]


def test_every_combination_of_controls_has_a_state() -> None:
    game = BreakIt()
    kinds = {name: type(control) for name, control in game.controls().items()}
    assert list(kinds.values()) == [Toggle, Toggle, Toggle, Choice, Choice]
    for action, reward, flag in itertools.product((True, False), repeat=3):
        state = game.state(action=action, reward=reward, flag=flag)
        assert len(state["broken"]) == 10 and len(state["off"]) == [action, reward, flag].count(False)
    for memory, trained in itertools.product((KEPT, HALF, WIPED), (WHOLE, LAST)):
        assert game.state(memory=memory, trained=trained)["trained"] == trained


def test_the_whole_agent_adapts_and_the_blind_one_does_not() -> None:
    game = BreakIt()
    whole, blind = game.state(), game.state(reward=False)
    assert whole["broken"] == whole["whole"] and whole["broken"][-1] > 0.68 > 0.55 > whole["broken"][0]
    assert blind["broken"] == pytest.approx([0.5] * 10)  # with mirrored bandits, luck has no part in it
    wiped, half, unflagged = game.state(memory=WIPED), game.state(memory=HALF), game.state(flag=False)
    assert wiped["broken"] == pytest.approx([0.5] * 10)
    assert 6.0 < half["total"] < unflagged["total"] < whole["total"]


def test_the_agent_of_the_last_pull_spends_the_others_on_finding_out() -> None:
    game = BreakIt()
    whole, last = game.state(), game.state(trained=LAST)
    assert last["total"] < whole["total"] - 0.2
    assert last["broken"][-1] == pytest.approx(whole["broken"][-1], abs=0.02)


def test_it_draws_quickly_and_says_what_it_shows() -> None:
    game = BreakIt()
    game.render()
    begin = time.process_time()
    state = game.state(action=False, memory=HALF)
    figure = game.draw(state)
    assert time.process_time() - begin < 2  # the aim is 0.2 s; a busy machine takes three times that
    assert len(figure.axes[0].get_lines()) == 4
    assert "previous action, state half of it wiped" in game.describe(state)
