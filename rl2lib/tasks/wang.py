"""The tasks of "Learning to reinforcement learn" (Wang et al. 2016) beyond the bandits of tasks/bandit.py.

That paper calls a trial an *episode* and an episode a *trial*; here as everywhere, a trial holds episodes.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from rl2lib.tasks import sampling
from rl2lib.tasks.episodes import EpisodicEnv, expect_counts, expect_finite, expect_probabilities, expect_tasks
from rl2lib.types import Step

NUM_CANDIDATES = 10


@dataclass(frozen=True)
class InformativeBandits:
    """Eleven arms that always pay the same: one target 5, nine others 1, the last a tenth of the target's number.

    The target, number 1 to 10, is any of the first ten arms, equally likely (Wang et al. 2016, section 3.1.3, whose
    agents see the reward as one-hot; ours see it as it is). Pulling the last arm first costs reward, .55 on average
    for 1.4, and buys the task: 0.55 + 4 × 5 = 20.55 in five pulls is optimal.
    """

    def sample(self, num_tasks: int, generator: torch.Generator) -> Tensor:
        """Draw what the arms pay, [num_tasks, 11] float32."""
        expect_counts(num_tasks=num_tasks)
        target = sampling.integers(NUM_CANDIDATES, num_tasks, generator)
        payouts = 1 + 4 * one_hot(target, NUM_CANDIDATES).to(torch.float32)
        return torch.cat([payouts, (target[:, None] + 1) / 10], dim=1)


class InformativeBanditEnv(EpisodicEnv):
    """A trial of `num_pulls` pulls of arms that always pay the same; every pull ends an episode.

    Args:
        num_pulls: n, the paper's is 5.
    """

    def __init__(self, num_pulls: int = 5) -> None:
        expect_counts(num_pulls=num_pulls)
        super().__init__(NUM_CANDIDATES + 1, (1,), horizon=1, episodes_per_trial=num_pulls)
        self.num_pulls = num_pulls

    def reset(self, tasks: Tensor, generator: torch.Generator) -> Tensor:
        """Start a trial on each row of `tasks`, payouts [B, 11]; return zeros [B, 1].

        Raises:
            TypeError: if the tasks are no tensor.
            ValueError: if they are not [B, 11] finite float32.
        """
        expect_tasks("tasks", tasks, "payouts [B, 11]", (self.num_actions,), generator)
        self._start(len(tasks), generator)
        self._payouts = tasks
        self._nothing = tasks.new_zeros(len(tasks), 1)
        return self._nothing

    def step(self, actions: Tensor) -> Step:
        """Pull arm `actions` [B] of each bandit."""
        self._begin_step(actions)
        payout = self._payouts.gather(1, actions[:, None]).squeeze(1)
        return Step(self._nothing, payout, *self._end_step(torch.ones_like(actions, dtype=torch.bool)), payout)


@dataclass(frozen=True)
class TwoStepTasks:
    """Which second-stage state pays often is drawn once a trial (Wang et al. 2016, section 3.2.1).

    The paper's reset rule: the better state is assigned at random for each of its *episodes*, our trials, and stays;
    the transitions are the same in all of them. It does not switch within a trial.

    Attributes:
        often: the probability of a reward in the better state.
        rarely: the probability of a reward in the other.
    """

    often: float = 0.9
    rarely: float = 0.1

    def __post_init__(self) -> None:
        expect_probabilities(often=self.often, rarely=self.rarely)

    def sample(self, num_tasks: int, generator: torch.Generator) -> Tensor:
        """Draw the second-stage states' reward probabilities, [num_tasks, 2] float32."""
        expect_counts(num_tasks=num_tasks)
        values = torch.tensor([self.often, self.rarely], dtype=torch.float32, device=generator.device)
        better = sampling.integers(2, num_tasks, generator)
        return values[torch.stack([better, 1 - better], dim=1)]


class TwoStepEnv(EpisodicEnv):
    """Episodes of two steps: a choice at the first stage, then a reward at one of two second stages.

    The observation is the state as one-hot, [B, 3]: the first stage, then the two second stages. Action 0 leads to
    the first of these with probability `common`, action 1 to the second; at the second stage any action draws the
    reward, 0 or 1, and ends the episode.

    Args:
        episodes_per_trial: n, two steps each.
        common: the probability of an action's common transition, the paper's is .75.
    """

    def __init__(self, episodes_per_trial: int = 100, *, common: float = 0.75) -> None:
        expect_probabilities(common=common)
        super().__init__(2, (3,), horizon=2, episodes_per_trial=episodes_per_trial)
        self.common = common

    def reset(self, tasks: Tensor, generator: torch.Generator) -> Tensor:
        """Start a trial for each pair of reward probabilities [B, 2]; return the first stage as one-hot [B, 3].

        Raises:
            TypeError: if the tasks are no tensor.
            ValueError: if they are not [B, 2] float32 probabilities.
        """
        expect_tasks("tasks", tasks, "reward probabilities [B, 2]", (2,), generator, low=0, high=1)
        self._start(len(tasks), generator)
        self._tasks = tasks
        self._state = torch.zeros(len(tasks), dtype=torch.int64, device=tasks.device)
        return self._observe()

    def step(self, actions: Tensor) -> Step:
        """Choose at the first stage, draw at the second: actions [B]."""
        generator = self._begin_step(actions)
        second_stage = self._state > 0
        probability = self._tasks.gather(1, (self._state - 1).clamp(min=0)[:, None]).squeeze(1)
        expected = torch.where(second_stage, probability, 0.0)
        reward = sampling.bernoulli(expected, generator)
        common = sampling.bernoulli(torch.full_like(expected, self.common), generator).long()
        # states 1 and 2 are the second stages: action a leads commonly to 1 + a, rarely to the other
        chosen = torch.where(common == 1, 1 + actions, 2 - actions)
        self._state = torch.where(second_stage, 0, chosen)
        return Step(self._observe(), reward, *self._end_step(second_stage), expected)

    def _observe(self) -> Tensor:
        return one_hot(self._state, 3).to(torch.float32)


@dataclass(frozen=True)
class HarlowTasks:
    """Two images never seen before, vectors of N(0, 1), the first of which is the rewarded one.

    Attributes:
        image_size: D, the numbers of an image.
    """

    image_size: int = 8

    def __post_init__(self) -> None:
        expect_counts(image_size=self.image_size)

    def sample(self, num_tasks: int, generator: torch.Generator) -> Tensor:
        """Draw pairs of images, [num_tasks, 2, D] float32: the rewarded one, then the other."""
        expect_counts(num_tasks=num_tasks)
        zeros = torch.zeros(num_tasks, 2, self.image_size, device=generator.device)
        return sampling.normal(zeros, zeros.new_ones(()), generator)


class HarlowEnv(EpisodicEnv):
    """Choose the left or the right image; the sides are drawn anew each time (Wang et al. 2016, section 3.2.2).

    The observation is the left image and the right one, [B, 2, D]; action 0 chooses the left, 1 the right; each
    choice ends an episode. Who knows the rule must guess once and never errs again: 9.5 of ten. The abstract
    structure of the paper's task alone: no fixation, no saccades, no pixels.

    Args:
        image_size: D.
        episodes_per_trial: n, the paper's is 10.
        wrong_reward: paid for the wrong image; the paper pays −1, and its optimum is 9 then. The right one pays 1.
    """

    def __init__(self, image_size: int = 8, episodes_per_trial: int = 10, *, wrong_reward: float = 0.0) -> None:
        expect_counts(image_size=image_size)
        expect_finite(wrong_reward=wrong_reward)
        super().__init__(2, (2, image_size), horizon=1, episodes_per_trial=episodes_per_trial)
        self.wrong_reward = wrong_reward

    def reset(self, tasks: Tensor, generator: torch.Generator) -> Tensor:
        """Start a trial with each pair of images [B, 2, D]; return them, left and right [B, 2, D].

        Raises:
            TypeError: if the tasks are no tensor.
            ValueError: if they are not [B, 2, D] finite float32.
        """
        expect_tasks("tasks", tasks, "images [B, 2, D]", self.observation_shape, generator)
        self._start(len(tasks), generator)
        self._images = tasks
        return self._present(generator)

    def step(self, actions: Tensor) -> Step:
        """Choose an image: actions [B], 0 left, 1 right."""
        generator = self._begin_step(actions)
        right = actions == self._rewarded_side
        reward = torch.where(right, 1.0, self.wrong_reward)
        ends = self._end_step(torch.ones_like(right))
        return Step(self._present(generator), reward, *ends, reward)

    def _present(self, generator: torch.Generator) -> Tensor:
        """Draw the rewarded image's side and show both."""
        self._rewarded_side = sampling.integers(2, len(self._images), generator)
        swapped = self._rewarded_side.bool()[:, None, None]
        return torch.where(swapped, self._images.flip(1), self._images)
