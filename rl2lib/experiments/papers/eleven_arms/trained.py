"""What is trained on eleven arms: two networks by PPO, with two entropy bonuses; one again after imitation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

from torch import nn

from rl2lib.agents.eleven_arms import NUM_ARMS, PAYOUTS, OneHotBaseline, OneHotPolicy, PaysForInformation
from rl2lib.agents.recurrent import RecurrentBaseline, RecurrentPolicy
from rl2lib.agents.softmax_policy import SoftmaxPolicy
from rl2lib.evaluation.choice import TaskCounts
from rl2lib.experiments.plan import Run, Scale, Stage
from rl2lib.tasks.catalogue import Setting
from rl2lib.tasks.sampling import make_generator
from rl2lib.tasks.wang import InformativeBanditEnv, InformativeBandits
from rl2lib.training.imitation import Imitation, ImitationConfig
from rl2lib.training.loop import TrainingConfig
from rl2lib.training.ppo import PPO, PPOConfig

ID = "eleven-arms"
RETURN, PAYS = "trial-return", "pays"
CELLS = (RETURN, PAYS)
SETTING = Setting(InformativeBandits(), InformativeBanditEnv())
RL2, WARM = "RL²", "RL² + imitation"
LARGE = 0.5  # the entropy bonus at the start of training, in the place of .01
LEARNER = PPOConfig(discount=1.0, trace=0.95, epochs=4, learning_rate=3e-3, baseline_learning_rate=3e-3)
IMITATES = ImitationConfig(player="teacher", epochs=2, learning_rate=2e-2)


class Form(NamedTuple):
    """One way of training.

    Attributes:
        run: its name.
        agent: and the variant, what it is called in the table.
        variant: how it reads the reward, and how it was trained.
        one_hot: how it reads the reward.
        entropy_bonus: of PPO, at the start; it falls to zero.
        imitates: whether a short imitation comes first.
    """

    run: str
    agent: str
    variant: str
    one_hot: bool
    entropy_bonus: float
    imitates: bool = False

    @property
    def line(self) -> str:
        """Its learning curve's name."""
        return f"learning: {self.agent} ({self.variant})"


USUAL = 0.01
FORMS = (
    Form("number", RL2, "reward as a number", False, USUAL),
    Form("number-entropy", RL2, "reward as a number, large entropy bonus", False, LARGE),
    Form("one-hot", RL2, "reward as one-hot", True, USUAL),
    Form("one-hot-entropy", RL2, "reward as one-hot, large entropy bonus", True, LARGE),
    Form("imitation", WARM, "reward as a number", False, USUAL, imitates=True),
)
NUMBER, NUMBER_ENTROPY, ONE_HOT, PAPERS, IMITATED = FORMS


@dataclass(frozen=True)
class Size(TaskCounts):
    """How much is computed at a scale.

    Attributes:
        hidden_size: of the GRU.
        iterations: of PPO.
        trials: of an iteration.
        imitation: iterations of it, before.
    """

    hidden_size: int
    iterations: int
    trials: int
    imitation: int


LAPTOP = Size(hidden_size=32, iterations=200, trials=512, imitation=100)
SIZES: dict[Scale, Size] = {
    "smoke": Size(4, 2, 8, 1, test_tasks=64, validation_tasks=16),
    "laptop": LAPTOP,
    "paper": replace(LAPTOP, hidden_size=48, iterations=3 * LAPTOP.iterations),
}


# --------------------------------------------------------------------------------------- what is trained


def runs(scale: Scale) -> list[Run]:
    """Return every form once."""
    return [Run(ID, form.run, CELLS, partial(_policy, form, scale), partial(_stages, form, scale)) for form in FORMS]


def _policy(form: Form, scale: Scale, seed: int) -> SoftmaxPolicy:
    return _network((RecurrentPolicy, OneHotPolicy), form, scale, make_generator(seed, "weights"))


def _network(classes: tuple[type[nn.Module], type[nn.Module]], form: Form, scale: Scale, generator: Any) -> Any:
    shape = (len(PAYOUTS),) if form.one_hot else SETTING.env.observation_shape
    return classes[form.one_hot](shape, NUM_ARMS, SIZES[scale].hidden_size, generator=generator)


def _stages(form: Form, scale: Scale, policy: SoftmaxPolicy, seed: int) -> Iterator[Stage]:
    size = SIZES[scale]
    if form.imitates:
        learner = Imitation(policy, PaysForInformation(), IMITATES)
        yield Stage(learner, SETTING, TrainingConfig(size.imitation, size.trials, seed, checkpoint_every=500))
    generator = make_generator(seed, "baseline")
    baseline = _network((RecurrentBaseline, OneHotBaseline), form, scale, generator)
    config = replace(LEARNER, entropy_bonus=form.entropy_bonus)
    training = TrainingConfig(size.iterations, size.trials, seed, checkpoint_every=200)
    yield Stage(PPO(policy, baseline, config), SETTING, training)
