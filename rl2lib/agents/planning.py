"""A policy with a planner inside: what to find worth exploring is learned, how to get there is computed.

The state is a posterior over the MDP (`posterior`), which survives the episode and ends with the trial. To plan,
a learned bonus is added to the posterior's mean rewards and the mean MDP is solved by backward induction
(`value_iteration`); the logits are the values of the current state's actions over a learned temperature.
All of it is differentiable in its few weights. BEB (`optimism.BEB`) is the same with a bonus written by hand.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from rl2lib.agents.feedforward import Perceptron
from rl2lib.agents.pair_memory import time_in_episode
from rl2lib.agents.posterior import TRUE_PRIOR, Posterior, Prior
from rl2lib.agents.softmax_policy import Mode, SoftmaxPolicy
from rl2lib.agents.tabular import Update
from rl2lib.agents.value_iteration import backward_induction
from rl2lib.tasks.episodes import expect_counts
from rl2lib.types import StepInput, expect_shape


class Experience(NamedTuple):
    """What B trials have seen, summed over time.

    Attributes:
        transitions: [B, S, A, S] float32, how often a state-action led to a state.
        tries: [B, S, A] float32, how often its reward was seen.
        paid: [B, S, A] float32, the sum of its rewards.
    """

    transitions: Tensor
    tries: Tensor
    paid: Tensor


class Planned(NamedTuple):
    """What the policy remembers of its trial.

    Attributes:
        experience: of B trials.
        values: [B, T, S, A] float32, the plan in force, index i with i steps left after this one.
        position: [B] int64, the state it was in when it acted last.
        time: [B] int64, how often it has acted in this episode.
        episode: [B] int64, the episodes that have ended.
        steps: [B] int64, how often it has acted; 0 at a trial's first step, whose input tells of no action.
    """

    experience: Experience
    values: Tensor
    position: Tensor
    time: Tensor
    episode: Tensor
    steps: Tensor


class PlanningPolicy(SoftmaxPolicy):
    """Plans through the mean MDP, with learned bonuses for what is not known well.

    The bonus of a state-action is a small network's: of its mean reward's posterior standard deviation, of the
    logarithm of its tries, and of the fraction of the trial that is left. It has two parts: one as it is, one
    times the fraction of the episode that is left after the step, as knowing where an action leads pays later.

    Args:
        num_states: S; observations are one-hot, [B, S].
        num_actions: A.
        horizon: T, the steps of an episode.
        episodes_per_trial: n.
        hidden_size: of the bonus's network.
        prior: what is believed of every state-action at a trial's start.
        update: plan at each "episode"'s start, or at every "step", which costs as many times more.
        temperature: of the softmax before training, above 0, in units of reward.
        generator: draws the initial weights.
        mode: "sampled" draws from softmax(logits); "greedy" takes the likeliest action.

    Raises:
        ValueError: if a count is below 1, the prior is none, `update` is another word, or the temperature is not
            above 0.
    """

    def __init__(
        self,
        num_states: int,
        num_actions: int,
        horizon: int,
        episodes_per_trial: int,
        hidden_size: int = 16,
        *,
        prior: Prior = TRUE_PRIOR,
        update: Update = "episode",
        temperature: float = 1.0,
        generator: torch.Generator,
        mode: Mode = "sampled",
    ) -> None:
        super().__init__()
        expect_counts(
            num_states=num_states, num_actions=num_actions, horizon=horizon, episodes_per_trial=episodes_per_trial
        )
        self.num_states, self.num_actions = num_states, num_actions
        self.horizon, self.episodes_per_trial = horizon, episodes_per_trial
        if update not in ("episode", "step"):
            raise ValueError(f'update: expected "episode" or "step", got {update!r}')
        self.prior, self.update = prior, update
        prior.posterior(1, 1, 1)  # says now what is wrong with it
        self.bonus = Perceptron(3, hidden_size, 2, generator=generator)
        if not 0 < temperature < math.inf:
            raise ValueError(f"temperature: expected a number above 0, got {temperature}")
        self.log_temperature = nn.Parameter(torch.tensor(temperature).log())
        self.mode = mode

    def initial_state(self, batch_size: int, tasks: object = None) -> Planned:
        """Return a fresh trial's memory, nothing seen and no plan yet; the tasks are not looked at."""
        like = self.log_temperature
        pairs = batch_size, self.num_states, self.num_actions
        zeros = torch.zeros(batch_size, dtype=torch.int64, device=like.device)
        experience = Experience(like.new_zeros(*pairs, self.num_states), like.new_zeros(pairs), like.new_zeros(pairs))
        values = like.new_zeros(batch_size, self.horizon, *pairs[1:])
        return Planned(experience, values, zeros, zeros, zeros, zeros)

    def step(self, state: Planned, inputs: StepInput) -> tuple[Tensor, Planned]:
        """Return logits [B, A] and the next memory for one step's inputs.

        Raises:
            ValueError: if observations are not [B, S], or an episode outlasts the horizon.
        """
        # one step is an unroll of length 1: there is no second set of equations
        logits, state = self.unroll(StepInput(*(field[:, None] for field in inputs)), state)
        return logits[:, 0], state

    def unroll(self, inputs: StepInput, state: Planned | None = None) -> tuple[Tensor, Planned]:
        """Return logits [B, T, A] for whole trials' inputs, and the last memory; all plans are made at once.

        Raises:
            ValueError: as `step` does.
        """
        batch_size, num_steps = inputs.prev_action.shape
        expect_shape("inputs.observation", inputs.observation, "[B, T, S]", (batch_size, num_steps, self.num_states))
        state = self.initial_state(batch_size) if state is None else state
        position = inputs.observation.argmax(dim=-1)
        index = torch.arange(num_steps, device=position.device)
        steps = state.steps[:, None] + index
        starts = (inputs.prev_end > 0) | (steps == 0)
        plans = starts if self.update == "episode" else torch.ones_like(starts)
        plan_of = plans.cumsum(dim=1)  # [B, T]: 0 is the plan that was there, i the i-th one made here
        num_plans = int(plan_of[:, -1].max())
        time = time_in_episode(inputs.prev_end, steps, state.time)
        # rows that have ended may be stepped on, so it is an error only if all are beyond
        if bool((time.amin(dim=0) >= self.horizon).any()):
            raise ValueError(f"inputs.prev_end: expected an episode's end within {self.horizon} steps, got none")
        # the first plan to know of an input is the one made on it, or the next one; entry i is plan i + 1's
        entry = plan_of - plans.to(plan_of.dtype)
        experiences = self._experiences(inputs, position, steps, entry, num_plans, state)
        episode = state.episode[:, None] + ((inputs.prev_end > 0) & (steps > 0)).cumsum(dim=1)
        values = state.values[:, None]
        if num_plans:
            # the first step of each plan; a trial with fewer plans than another has some that are never looked at
            first = (plan_of[..., None] < torch.arange(1, num_plans + 1, device=index.device)).sum(dim=1)
            number = episode.gather(1, first.clamp(max=num_steps - 1))
            values = torch.cat([values, self._plan(experiences, number)], dim=1)
        row = torch.arange(batch_size, device=index.device)[:, None]
        left = (self.horizon - 1 - time).clamp(min=0)
        logits = values[row, plan_of, left, position] / self.log_temperature.exp()
        return logits, Planned(
            Experience(*(part[:, -1] for part in experiences)),
            values[row[:, 0], plan_of[:, -1]],
            position[:, -1],
            time[:, -1],
            episode[:, -1],
            state.steps + num_steps,
        )

    def _experiences(
        self,
        inputs: StepInput,
        position: Tensor,
        steps: Tensor,
        entry: Tensor,
        num_plans: int,
        state: Planned,
    ) -> Experience:
        """What each plan is made from, [B, plans + 1, ...]; the last entry is everything seen."""
        batch_size = len(position)
        num_pairs = self.num_states * self.num_actions
        before = torch.cat([state.position[:, None], position[:, :-1]], dim=1)
        pair = before * self.num_actions + inputs.prev_action
        told = (steps > 0).to(state.values.dtype)
        led = told * (1 - inputs.prev_end)  # after an episode's end comes a reset, not where the action led
        place = entry * num_pairs + pair
        flat = state.values.new_zeros(batch_size, (num_plans + 1) * num_pairs)
        tries = flat.scatter_add(1, place, told)
        paid = flat.scatter_add(1, place, told * inputs.prev_reward)
        flat = flat.new_zeros(batch_size, (num_plans + 1) * num_pairs * self.num_states)
        transitions = flat.scatter_add(1, place * self.num_states + position, led)
        return Experience(
            *(
                part.view(batch_size, num_plans + 1, *past.shape[1:]).cumsum(dim=1) + past[:, None]
                for part, past in zip((transitions, tries, paid), state.experience, strict=True)
            )
        )

    def _plan(self, experiences: Experience, episode: Tensor) -> Tensor:
        """Return the values [B, plans, T, S, A] of plans made in the given episodes [B, plans]."""
        batch_size, num_plans = episode.shape
        posterior = self._posterior(Experience(*(part[:, :-1].flatten(0, 1) for part in experiences)))
        tries = experiences.tries[:, :-1].flatten(0, 1)
        trial_left = 1 - episode.flatten() / self.episodes_per_trial
        features = torch.stack(
            [posterior.reward_std, tries.log1p(), trial_left[:, None, None].expand_as(tries)],
            dim=-1,
        )
        now, later = self.bonus(features).unbind(dim=-1)
        left = torch.arange(self.horizon, device=episode.device)[:, None, None] / self.horizon
        reward = (posterior.reward_mean + now)[:, None] + left * later[:, None]
        values = backward_induction(posterior.transition, reward, self.horizon)
        unfolded: Tensor = values.unflatten(0, (batch_size, num_plans))
        return unfolded

    def _posterior(self, experience: Experience) -> Posterior:
        """The prior, after all that was seen (`Posterior.observe`, for many steps at once)."""
        transitions, tries, paid = experience
        prior = self.prior.posterior(len(tries), self.num_states, self.num_actions, tries.device)
        precision = prior.reward_precision + prior.noise_precision * tries
        mean = (prior.reward_precision * prior.reward_mean + prior.noise_precision * paid) / precision
        return Posterior(prior.concentration + transitions, mean, precision, prior.noise_precision)
