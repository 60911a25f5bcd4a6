"""A learner's own embedding, recurrent policy and training step in one object, as 05, 06 and 07 train it.

`AssembledPolicy` is the network of 03 as a policy of the library's, `AssembledLearner` adds a recurrent baseline, two
optimisers and the `train_step` of 04. The functions before them are stand-ins, named after the exercises they stand in
for: `own` takes them where the learner's answer has not passed its check. They keep to the answers' contracts, so
every mixture fits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from rl2lib.agents.recurrent import RecurrentBaseline, RecurrentPolicy, StepEmbedding
from rl2lib.agents.softmax_policy import SoftmaxPolicy
from rl2lib.training import losses, returns
from rl2lib.training.learner import descend
from rl2lib.training.reinforce import ReinforceConfig
from rl2lib.types import StepInput, Trajectory

MakeNetwork = Callable[..., nn.Module]
TrainStep = Callable[..., dict[str, float]]


def embed_bandit(
    observation: Tensor, prev_action: Tensor, prev_reward: Tensor, prev_end: Tensor, num_actions: int
) -> Tensor:
    """Return φ(o, a, r, d) of a bandit, as 02 has it: [..., 1 + A + 2] float32."""
    embedding = StepEmbedding(tuple(observation.shape[-1:]), num_actions)
    return embedding(StepInput(observation, prev_action, prev_reward, prev_end))


def embed_tabular(
    observation: Tensor, prev_action: Tensor, prev_reward: Tensor, prev_end: Tensor, num_states: int, num_actions: int
) -> Tensor:
    """Return φ(o, a, r, d) of a tabular task, as 02 has it: the observation is a state's number; [..., S + A + 2]."""
    state = one_hot(observation, num_states).float()
    return StepEmbedding((num_states,), num_actions)(StepInput(state, prev_action, prev_reward, prev_end))


def recurrent_policy(embedding: Callable[[tuple[int, ...], int], Any]) -> MakeNetwork:
    """Return what stands in for 03's class: `make(observation_shape, num_actions, hidden_size)`, a GRU policy.

    Args:
        embedding: makes the policy's first module from `observation_shape` and `num_actions`; its `size` is A + 2 and
            however many numbers it makes of the observation.
    """

    def make(observation_shape: tuple[int, ...], num_actions: int, hidden_size: int = 64) -> RecurrentPolicy:
        features = embedding(observation_shape, num_actions)
        generator = torch.Generator().manual_seed(torch.initial_seed())  # 03's class is not handed a generator either
        policy = RecurrentPolicy((features.size - num_actions - 2,), num_actions, hidden_size, generator=generator)
        policy.embedding = features
        return policy

    return make


def train_step(
    policy: SoftmaxPolicy,
    baseline: nn.Module,
    optimisers: dict[str, torch.optim.Optimizer],
    trajectory: Trajectory,
    discount: float = 1.0,
    max_grad_norm: float = 1.0,
) -> dict[str, float]:
    """Take one step of REINFORCE with a baseline, as 04 has it; return the losses "policy" and "baseline"."""
    inputs, mask = trajectory.step_inputs(), trajectory.mask
    target = returns.discounted_returns(trajectory.reward, mask, discount)
    value, (logits, _) = baseline.values(inputs), policy.unroll(inputs)  # type: ignore[operator]
    log_prob = losses.action_log_probs(logits, trajectory.action)
    found = {
        "policy": losses.reinforce_loss(log_prob, target - value.detach(), mask),
        "baseline": losses.baseline_loss(value, target, mask),
    }
    for name, module in (("policy", policy), ("baseline", baseline)):
        descend(found[name], name, module, optimisers[name], max_grad_norm)
    return {name: loss.item() for name, loss in found.items()}


class AssembledPolicy(SoftmaxPolicy):
    """A network of 03's kind as a policy of the library's: `act` is inherited, `unroll` is `step` in a loop.

    Args:
        network: has `initial_state(batch_size)` and `step(state, inputs)`, which returns log-probabilities (they
            serve as logits) and the next state.
    """

    network: Any

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def initial_state(self, batch_size: int, tasks: object = None) -> Any:
        """Return the network's fresh state; the tasks are not looked at."""
        return self.network.initial_state(batch_size)

    def step(self, state: Any, inputs: StepInput) -> tuple[Tensor, Any]:
        """Return the network's log-probabilities [B, A] and the next state."""
        return self.network.step(state, inputs)

    def unroll(self, inputs: StepInput, state: Any = None) -> tuple[Tensor, Any]:
        """Return logits [B, T, A] of whole trials, one `step` after the other, and the last state."""
        state = self.initial_state(len(inputs.prev_action)) if state is None else state
        columns = []
        for t in range(inputs.prev_action.shape[1]):
            logits, state = self.step(state, StepInput(*(column[:, t] for column in inputs)))
            columns.append(logits)
        return torch.stack(columns, dim=1), state


class AssembledLearner:
    """A network and a training step, the learner's or the stand-ins, as the library's loop wants a slow learner.

    Args:
        make_network: 03's class, called with `observation_shape`, `num_actions` and `hidden_size`.
        take_step: 04's `train_step`.
        observation_shape: the shape of one observation.
        num_actions: A.
        generator: draws one seed first, then the baseline's weights. 03's class draws from torch's global generator,
            which has that seed while the network is made, and is afterwards as it was before.
        hidden_size: H, of network and baseline.
        learning_rate: of Adam, for both.
        policy_class: wraps the network.
    """

    def __init__(
        self,
        make_network: MakeNetwork,
        take_step: TrainStep,
        observation_shape: tuple[int, ...],
        num_actions: int,
        generator: torch.Generator,
        *,
        hidden_size: int = 32,
        learning_rate: float = 0.01,
        policy_class: type[AssembledPolicy] = AssembledPolicy,
    ) -> None:
        self.take_step, self.config = take_step, ReinforceConfig(1.0, learning_rate, learning_rate)
        seed = int(torch.randint(2**31, (), generator=generator))
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)  # not an accelerator's: it would not be put back
            self.policy = policy_class(make_network(observation_shape, num_actions, hidden_size))
            self.baseline = RecurrentBaseline(observation_shape, num_actions, hidden_size, generator=generator)
        self.modules: dict[str, nn.Module] = {"policy": self.policy, "baseline": self.baseline}
        self.optimisers: dict[str, torch.optim.Optimizer] = {
            name: torch.optim.Adam(module.parameters(), lr=learning_rate) for name, module in self.modules.items()
        }

    def learn(self, trajectory: Trajectory) -> dict[str, float]:
        """Take the training step on these trials; return what it returns, the losses by name."""
        return self.take_step(self.policy, self.baseline, self.optimisers, trajectory)

    def update(
        self, trajectory: Trajectory, tasks: Any, *, progress: float, generator: torch.Generator
    ) -> dict[str, float]:
        """Take the training step for `rl2lib.training.loop.train`; see `Learner.update`."""
        return {"baseline_loss": self.learn(trajectory)["baseline"]}
