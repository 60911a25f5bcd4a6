# %% [markdown] title="Bandits: a learned algorithm among the classics" reading=55 needs="01 02 03 04"
# # 05 · Bandits: a learned algorithm among the classics
#
# You have built an input ([02](02_input_embedding.ipynb)), a policy with a memory
# ([03](03_recurrent_policy.ipynb)) and a slow learner ([04](04_reinforce_with_baseline.ipynb)). Now you put them
# together and let the result play against ninety years of bandit algorithms, all on the same bandits.
#
# A bandit is the smallest task in which an agent must explore, and the only one where almost everything is
# known: the exact optimum of short trials, the best known rule for long ones. So nothing has to be taken on
# trust. You can say *how far* a learned algorithm is from the best, *which part* of that is its memory, its
# architecture or its training, and *where* training fails for good, whatever its length.
#
# **You will be able to**
#
# - train an agent from your own pieces, and score it without fooling yourself;
# - put any agent on one scale with random play and the best known agent, and read that scale;
# - say what a symmetry in the architecture buys, and what no amount of training bought;
# - imitate an algorithm, and tell a limit of the network from a limit of its training;
# - explain why plain training never pays for information, and get around it.
#
# **You need** [01](01_tasks_and_trials.ipynb) (posterior, Thompson, UCB1, the optimum),
# [02](02_input_embedding.ipynb), [03](03_recurrent_policy.ipynb), [04](04_reinforce_with_baseline.ipynb).
#
# **Time:** about {minutes} minutes. All cells together run for about a minute on two CPU cores; the agents that
# take longer were trained beforehand, and you can train them again.

# %% setup=true
from functools import partial

import matplotlib.pyplot as plt
import torch
from torch import Tensor, nn

from rl2lib.agents.bandit import (
    UCB1,
    CountingAgent,
    EpsilonGreedy,
    Greedy,
    Oracle,
    Random,
    Thompson,
)
from rl2lib.agents.bayes_optimal import BayesOptimal
from rl2lib.agents.eleven_arms import INFORMATIVE_ARM, PaysForInformation
from rl2lib.agents.gittins import FiniteHorizonGittins, Gittins
from rl2lib.agents.recurrent import RecurrentBaseline, RecurrentPolicy
from rl2lib.agents.softmax_policy import SoftmaxPolicy
from rl2lib.evaluation.curves import regret_curve
from rl2lib.evaluation.evaluate import evaluate, play
from rl2lib.evaluation.figures import PALETTE, band, plot_regret, show, style
from rl2lib.experiments.bundled import load_or_train
from rl2lib.experiments.papers.dependent_bandits.trained import TWO_ARMS
from rl2lib.experiments.papers.eleven_arms.trained import IMITATES, LEARNER
from rl2lib.experiments.papers.table1.trained import ROUNDS
from rl2lib.lab import check, hint, progress, quiz, solution, submit
from rl2lib.lab import learner_from_answers
from rl2lib.lab.answers_so_far import own
from rl2lib.lab.explorables.break_it import BreakIt
from rl2lib.lab.explorables.five_arms import FiveArms
from rl2lib.lab.explorables.lie_to_it import LieToIt
from rl2lib.rollout import rollout
from rl2lib.tasks.bandit import BanditEnv, IndependentBandits
from rl2lib.tasks.sampling import make_generators
from rl2lib.tasks.wang import InformativeBanditEnv, InformativeBandits
from rl2lib.training import losses, probes
from rl2lib.training.imitation import Imitation
from rl2lib.training.loop import TrainingConfig, train
from rl2lib.training.ppo import PPO
from rl2lib.types import StepInput, Trajectory

torch.set_num_threads(1)  # small networks: more threads stand in each other's way

# %% [markdown]
# ## 5.1 Put it together
#
# The task that stays with us: **five arms, ten pulls**. Each arm's mean is drawn from U[0, 1] when the trial
# begins. What there is to earn can be computed without playing once. For an agent that counts, and never draws
# lots, every pull has two outcomes, and the posterior mean gives their odds: ten pulls have $2^{10}$ together, few
# enough to go through all of them.


# %% given=true
def exact_return(agent, num_pulls):
    """Return a counting agent's mean trial return, exactly; its choices depend on nothing but the counts."""
    counts, weight = agent.initial_state(1), torch.ones(1, dtype=torch.float64)
    total, unused = 0.0, torch.Generator()
    for _ in range(num_pulls):
        arm = agent.choose(counts, unused)[:, None]
        pays = counts.mean.double().gather(1, arm)[:, 0]
        total += (weight * pays).sum().item()
        pulled = torch.zeros_like(counts.successes).scatter(1, arm, 1.0)
        # each outcome so far goes on in two: it paid, it did not
        counts = counts._replace(
            successes=torch.cat([counts.successes + pulled, counts.successes]),
            failures=torch.cat([counts.failures, counts.failures + pulled]),
        )
        weight = torch.cat([weight * pays, weight * (1 - pays)])
    return total


exact = {
    "Bayes-optimal": exact_return(BayesOptimal(5, 10), 10),
    "greedy": exact_return(Greedy(5), 10),
    "random": 10 * 0.5,  # an arm picked blindly pays every second time
}
for name, value in exact.items():
    print(f"{name:16}{value:.4f}")

# %% [markdown]
# *Greedy* pulls the arm of the highest posterior mean; the *Bayes-optimal* agent plans all ten pulls (01). Nobody
# who is not told the means can expect more than it does.
#
# The next cell fetches the pieces. It asks `own(...)` for three of your answers: `embed_bandit` from 02,
# `RecurrentPolicy` from 03, `train_step` from 04. Where your answer in `work/` passes its check you get **yours**;
# elsewhere the library's takes its place, and the cell says so. Either way the parts fit, since both keep to the
# same contract.


# %% given=true
embed = own("embed_bandit", learner_from_answers.embed_bandit)


class Embedding(nn.Module):
    """Your function as the module that a policy wants in its first place."""

    def __init__(self, observation_shape, num_actions):
        super().__init__()
        self.num_actions, self.size = num_actions, 1 + num_actions + 2

    def forward(self, inputs):
        return embed(*inputs, self.num_actions)


make_policy = own(
    "RecurrentPolicy",
    learner_from_answers.recurrent_policy(Embedding),
    StepEmbedding=Embedding,
)
take_step = own("train_step", learner_from_answers.train_step)

# %% [markdown]
# Now the three in one object; the library's `rl2lib.lab.learner_from_answers` does it. `AssembledPolicy` gives your
# policy the two methods that the library's loop and learners call: `act` (inherited: it draws from the softmax; your
# log-probabilities serve as logits) and `unroll`, your `step` from the trial's start, over and over:
#
# ```python
# state, columns = network.initial_state(num_trials), []
# for t in range(num_steps):
#     logits, state = network.step(state, inputs_of_step[t])
#     columns.append(logits)
# return torch.stack(columns, dim=1), state
# ```
#
# `AssembledLearner` is that policy, a recurrent baseline, an optimiser for each, and your `train_step`. To learn
# from a batch of trials is one line: `take_step(policy, baseline, optimisers, trajectory)`. Nothing else happens to
# your pieces; `learner_from_answers.AssembledLearner??` in a cell of its own shows all of it.

# %%
assemble = partial(learner_from_answers.AssembledLearner, make_policy, take_step)

# %% [markdown]
# ### First the ladder, then the climb
#
# From 04 you know what to do *before* you train on the task you care about: climb the probe ladder. Rungs 2 and
# 3 show the agent a bit, and the bandit embedding shows nothing (its first column is always 0). So we climb the
# two rungs that a bandit agent can pass: constant reward, and the two-point bandit.

# %%
for rung in probes.climb(assemble, [probes.LADDER[0], probes.LADDER[3]], threads=1):
    print(rung)

# %% [markdown]
# ## Exercise 5.1: train, then score
#
# The loop that holds everything together is short, and yet it is the place where most published numbers go
# wrong. Not because anything crashes: because the score is made on the wrong tasks, or in the wrong state.
#
# 1. `num_iterations` times: draw `trials_per_iteration` **fresh** tasks, play one trial on each, hand the trajectory
#    to `update`, and note the mean trial return of these trials.
# 2. Then draw `num_test_tasks` tasks which no update has seen, play one trial on each, **from a fresh state**, and
#    return their mean trial return as the score. Nothing is learned from them.
#
# Score by the *expected* reward of the arms pulled, `trajectory.trial_return(expected=True)`: the environment
# knows the means, and the score should not pay for the coins' luck.
#
# `rollout(policy, env, tasks, policy_generator=..., env_generator=...)` plays one trial on every task, side by side,
# each from a fresh state, and returns a `Trajectory`. Four generators come in a dictionary: `"policy"` and `"env"`
# go to every rollout, `"tasks"` draws the tasks of step 1, `"test tasks"` those of step 2. The test tasks have a
# stream of their own, so that they stay the same however long you train.
#
# *By hand*, 2 iterations of 2 trials whose expected returns are (4, 6) and (5, 7), and three test trials with (6,
# 6, 7): the curve is **(5, 6)**, the score **6.333**. The score is not 6, the curve's last entry: that one
# belongs to trials from which the weights have learned, and to weights of one step ago.


# %% exercise="train_bandit_agent" minutes=20 difficulty=3
def train_bandit_agent(
    policy,
    update,
    distribution,
    env,
    num_iterations: int,
    trials_per_iteration: int,
    num_test_tasks: int,
    generators: dict[str, torch.Generator],
) -> tuple[Tensor, float]:
    """Train a bandit agent, then score it on tasks that it has never met.

    Args:
        policy: the fast learner; `rollout` plays it.
        update: `update(trajectory)` improves its weights.
        distribution: `distribution.sample(num_tasks, generator)` draws tasks.
        env: what they are played in.
        num_iterations: how often to draw, play and update.
        trials_per_iteration: fresh tasks for each.
        num_test_tasks: tasks for the score.
        generators: "tasks", "test tasks", "policy" and "env".

    Returns:
        the curve [num_iterations] float32, mean expected trial return of each iteration's trials, and the score,
        the same over the test tasks.
    """
    ### BEGIN SOLUTION
    streams = {
        "policy_generator": generators["policy"],
        "env_generator": generators["env"],
    }
    curve = []
    for _ in range(num_iterations):
        tasks = distribution.sample(trials_per_iteration, generators["tasks"])
        trajectory = rollout(policy, env, tasks, **streams)
        curve.append(trajectory.trial_return(expected=True).mean())
        update(trajectory)
    tasks = distribution.sample(num_test_tasks, generators["test tasks"])
    tested = rollout(policy, env, tasks, **streams)
    return torch.stack(curve), tested.trial_return(expected=True).mean().item()
    ### END SOLUTION


# %% check="train_bandit_agent" points=5
check("train_bandit_agent")

# %% [markdown] hint="train_bandit_agent"
# Three calls make an iteration: `distribution.sample`, `rollout`, `update`. Which two of them does the scoring need
# as well, and with which generator?

# %% [markdown] hint="train_bandit_agent"
# `rollout` makes the policy's state anew and plays all trials of a batch side by side: you never touch a state
# yourself, and there is no loop over tasks. Its two generators must be named: `policy_generator=generators["policy"]`.

# %% [markdown] hint="train_bandit_agent"
# Collect `trajectory.trial_return(expected=True).mean()` of each iteration in a list and `torch.stack` it. After the
# loop: sample with `generators["test tasks"]`, one more `rollout`, `.mean().item()`, and no `update`.

# %% [markdown]
# Three seeds of your agent, 250 iterations of 256 trials each: about twenty seconds.

# %%
five_arms, ten_pulls = IndependentBandits(5), BanditEnv(num_arms=5, num_pulls=10)
runs = []
for seed in range(3):
    streams = make_generators(seed, "weights", "tasks", "test tasks", "policy", "env")
    learner = assemble((1,), 5, streams["weights"])
    curve, score = train_bandit_agent(
        learner.policy, learner.learn, five_arms, ten_pulls, 250, 256, 5_000, streams
    )
    runs.append((learner.policy, curve))
    print(
        f"seed {seed}: first iteration {curve[0]:.2f}, last {curve[-1]:.2f}, score on fresh bandits {score:.3f}"
    )
yours = [policy for policy, _ in runs]
your_curves = torch.stack([curve for _, curve in runs])

# %% [markdown]
# A network that nobody told to count now plays bandits. How well, section 5.2 will say. First: is it what should
# have come?
#
# | your numbers | suspect |
# |---|---|
# | flat at **5.0** from the start | nothing is learned: the loss's sign, or an optimiser that holds other weights. Then the ladder's bandit failed too |
# | rise, then fall back to **5.0** | one arm for ever: the policy has become nearly deterministic, and its trials no longer tell it of other arms. Step too large, too few trials an iteration. A seed may come back by luck, after a hundred iterations; do not count on it |
# | flat at about **5.5** | "stay after a win, move after a loss", which needs no memory: is the state wiped, or made afresh, inside the trial? |
# | **6.1 to 6.4** | nothing is broken; it is what REINFORCE reaches in so few trials (04) |
# | a score well below the curve's end | test trials that do not begin in a fresh state, or weights from before training |
# | a score above **6.7** | a bug in the score: sampled rewards, too few tasks, or tasks it has trained on |
#
# The next figure shows the whole curves. Look how far the band of your three seeds reaches down: if it touches 5.0
# in the middle, one of them had lost its way for a while, and its last value alone would not have told you.
#
# ### A stronger slow learner, given
#
# 09 opens clipped **PPO**; here we take it as it is. What matters now is what it buys: several steps for every
# batch of trials, none of them too large. (It is also told what each pull pays *on average*, and its baseline sees the
# bandit; the policy sees neither.) The cell loads three agents that were trained with it beforehand, one
# a seed: a GRU of 64 units, 150 iterations of 1,024 trials. With them come all the agents of this notebook whose
# training takes more than a few seconds.

# %%
trained = load_or_train("bandits")
# They are runs of tables in results/. Train some yourself, in a terminal:  rl2 reproduce eleven-arms --out mine
# A five-armed agent, about a minute:  from rl2lib.experiments import quickstart; quickstart.run()


# %%
def smooth(curves, width=10):
    """Return the running mean over `width` iterations, [seeds, iterations - width + 1]."""
    width = min(width, curves.shape[1])
    return curves.unfold(1, width, 1).mean(dim=-1)


def draw_curves(ax, curves, trials, **line):
    """Draw the seeds' mean and range against the number of trials played, [iterations]."""
    curve = smooth(curves)
    x = trials[-curve.shape[1] :]
    band(ax, x, curve.amin(0), curve.mean(0), curve.amax(0), **line)
    return curve[:, -1]


with style():
    fig, ax = plt.subplots()
    ends = {
        "your REINFORCE": draw_curves(
            ax,
            your_curves,
            256 * torch.arange(1, your_curves.shape[1] + 1),
            label="your pieces, REINFORCE",
            linestyle="--",
            color=PALETTE[1],
        ),
        "PPO": draw_curves(
            ax,
            trained.curves("table1/gru-n10_k5"),
            trained.trials("table1/gru-n10_k5"),
            label="PPO",
            linestyle="-",
            color=PALETTE[0],
        ),
    }
    for (name, value), line in zip(
        exact.items(), (":", (0, (5, 1)), "-."), strict=True
    ):
        label = f"{name}, {value:.2f}"
        ax.axhline(value, color="black", linestyle=line, label=label, linewidth=1.2)
    ax.set(
        xlabel="trials played",
        ylabel="mean trial return, sampled actions",
        ylim=(4.8, 6.8),
        xscale="log",
    )
    ax.legend(loc="center left", fontsize=9)
    words = ", ".join(
        f"{name} ends at {end.mean():.2f} (from {end.min():.2f} to {end.max():.2f})"
        for name, end in ends.items()
    )
    bounds = ", ".join(f"{name} {value:.2f}" for name, value in exact.items())
    show(
        fig,
        alt="Five arms, ten pulls: mean trial return against trials played, logarithmic, mean and range of three "
        f"seeds. {words}. Lines: {bounds}.",
    )

# %% [markdown]
# ## 5.2 One scale for all
#
# "6.61" says little. Of how much? A bandit pays 5 to somebody who plays blindly, and nobody gets more than 6.66,
# so all that agents can differ in lies between. The **normalised score** puts random play at 0 and a reference at
# 1:
#
# $$\text{score}(x) = \frac{\bar x - \bar x_\text{random}}{\bar x_\text{reference} - \bar x_\text{random}}$$
#
# with means over the *same* tasks. Three things are easy to get wrong.
#
# - **The reference is a decision, not the best row of the table.** For ten pulls it is the Bayes-optimal agent:
#   the best that an agent *without the task* can do. If the table also has somebody who is *told* the means (the
#   library calls it `Oracle`), he has the highest row, and against him everybody looks poor for lack of a
#   present they never got.
# - **It is a ratio of means, not a mean of ratios.** On a single bandit the reference may earn no more than
#   random, by bad luck. Dividing there gives anything.
# - **It is not clipped.** Somebody worse than random is below 0, and somebody above 1 is worth knowing about.
#
# ## Exercise 5.2: the normalised score
#
# *By hand*, two tasks:
#
# | | task 0 | task 1 | mean | normalised by random and optimal |
# |---|---|---|---|---|
# | random | 4 | 6 | 5 | 0 |
# | RL² | 5 | 7.5 | 6.25 | 1.25 / 2 = **0.625** |
# | greedy | 6 | 7 | 6.5 | **0.75** |
# | optimal | 6.5 | 7.5 | 7 | 1 |
# | told the task | 9 | 8 | 8.5 | **1.75** |
#
# Now take *greedy* in random's place. The same formula then says which part of what exploration can earn an
# agent gets: for RL², (6.25 - 6.5) / (7 - 6.5) = **-0.5**.


# %% exercise="normalised_score" minutes=8 difficulty=2
def normalised_score(
    scores: dict[str, Tensor], random: str, reference: str
) -> dict[str, float]:
    """Return every agent's normalised score.

    Args:
        scores: by agent, [N] float32, trial returns on the same N tasks.
        random: the agent that scores 0.
        reference: the agent that scores 1.

    Returns:
        by agent, one number each.
    """
    ### BEGIN SOLUTION
    means = {name: values.mean().item() for name, values in scores.items()}
    low, high = means[random], means[reference]
    return {name: (mean - low) / (high - low) for name, mean in means.items()}
    ### END SOLUTION


# %% check="normalised_score" points=3
check("normalised_score")

# %% [markdown] hint="normalised_score"
# First one mean for every agent. Then the two that the arguments name.

# %% [markdown] hint="normalised_score"
# A dictionary comprehension over the means: subtract random's mean, divide by (reference's mean - random's mean).
# `.item()` turns a tensor of one number into a float.

# %% [markdown]
# ### The contest
#
# 10,000 fresh bandits, the same for everybody, scored by expected reward. RL² acts by its likeliest action
# ("greedy actions": not to be confused with the greedy *agent*). The Gittins index appears twice: with the
# calibrated discount of the classics, and for a trial that ends after ten pulls.

# %%
contestants = {
    "random": Random(5),
    "ε-greedy, ε = 0.1": EpsilonGreedy(5),
    "greedy": Greedy(5),
    "Thompson": Thompson(5),
    "UCB1, c = 0.1": UCB1(5, c=0.1),
    "Gittins, γ = 0.9": Gittins(5, 10, discount=0.9),
    "Gittins, finite horizon": FiniteHorizonGittins(5, 10),
    "Bayes-optimal": BayesOptimal(5, 10),
    "told the task": Oracle(),
}
for seed, policy in enumerate(yours):
    contestants[f"RL², your pieces, seed {seed}"] = policy.acting("greedy")
for seed, policy in enumerate(trained.policies("table1/gru-n10_k5")):
    contestants[f"RL² by PPO, seed {seed}"] = policy.acting("greedy")

test_tasks = five_arms.sample(10_000, make_generators(5, "test tasks")["test tasks"])
contest = evaluate(contestants, ten_pulls, test_tasks, seed=5)
scale = normalised_score(contest.scores, "random", "Bayes-optimal")
exploring = normalised_score(contest.scores, "greedy", "Bayes-optimal")
print(f"{'':28}{'trial return':>16}{'normalised':>12}{'of exploration':>16}")
for row in contest.rows:
    print(
        f"{row.agent:28}{row.score.format(3):>16}{scale[row.agent]:>12.3f}{exploring[row.agent]:>16.2f}"
    )

# %% [markdown]
# Read it in three steps.
#
# - **The scale.** Somebody who is told the task is far above 1, and that is no failure of anybody else's: it is
#   the price of not knowing. Ten pulls are few.
# - **The middle column** says that the PPO agents are, like the classics, nearly optimal. (A score a hair above 1
#   does not beat the optimum: 6.66 is exact, the table's means are over 10,000 bandits.)
# - **The right column** says how little that means: at ten pulls, greedy already gets 94% of everything. What
#   exploration adds is the last 6%, and of *that* part the agents get very different shares. Thompson sampling,
#   often named as what RL² resembles, is far below greedy here: it explores as if the trial went on for ever.
#
# The same as a picture: **regret**, what the chosen arms' means fall short of the best arm's, pull by pull.

# %%
shown = {
    "RL² by PPO": "RL² by PPO, seed 0",
    "Thompson": "Thompson",
    "greedy": "greedy",
    "UCB1, c = 0.1": "UCB1, c = 0.1",
    "Bayes-optimal": "Bayes-optimal",
}
best = test_tasks.amax(dim=1)
regrets = {
    label: regret_curve(play(contestants[name], ten_pulls, test_tasks, seed=5), best)
    for label, name in shown.items()
}
with style():
    fig, ax = plt.subplots()
    plot_regret(ax, regrets)
    words = ", ".join(f"{name} {curve.mean[-1]:.2f}" for name, curve in regrets.items())
    show(
        fig,
        alt="Cumulative regret over ten pulls on the same 10,000 bandits, 95% intervals no wider than the lines. "
        f"After ten pulls: {words}. Thompson sampling loses most throughout; the others lie close together.",
    )

# %% [markdown]
# ### The same arms, all of them
#
# One bandit at a time shows more than an average. Choose a bandit and how many pulls to show. Every agent meets
# the same arms with the same luck: if two of them make the same pull at the same time, it pays the same.

# %%
FiveArms().show()

# %% [markdown]
# Try some bandits. RL², UCB1, Gittins and the optimum mostly do the same: stay with an arm as long as it pays,
# leave it after a failure or two, and do not look back. Nobody programmed that into RL². Where it goes on to
# *another* fresh arm than they do, look twice: arms that nobody has tried are all alike, so its own order is as
# good as theirs, and whether it wins or loses by it is luck.

# %% [markdown]
# ## 5.3 Longer trials: what structure buys
#
# Ten arms, 100 pulls. Now there is something to explore for, and now the plain recurrent network is in trouble:
# a hundred steps of backpropagation, and ten arms about which it must learn the same thing ten times.
#
# For that is what it does. The GRU reads the previous action as one of ten columns. Nothing in it knows that
# arm 3 is to the bandit what arm 7 is. If you rename the arms, a sensible agent's choices are renamed with them;
# the network has to learn this from examples, for every arm and for all of their histories.
#
# You can build it in instead. The **arm-equivariant** policy has one small GRU *for every arm*, all with the
# same weights. Arm $k$'s GRU moves only when arm $k$ was pulled, and reads what it paid. Arm $k$'s logit is computed
# from its own state, the mean of all states and what part of the trial is over, by the same small network for every
# arm. Rename the arms, and the logits are renamed: by construction, before any training.
#
# Both below have the *same* slow learner (PPO), the same baseline and about as many trials, some 26,000. What differs
# is the policy, and that the equivariant one took turns: ten arms, then five, then fifty, and again, with one set of
# weights for all. (They are those of `results/table1`; the plain GRU has 128 units. The figure shows the turns on ten
# arms; between them the line is straight.)

# %%
PLAIN, EQUIVARIANT = "table1/gru-n100_k10", "table1/equivariant-n100"
plain = trained.policies(PLAIN)
equivariant = [policy.for_actions(10) for policy in trained.policies(EQUIVARIANT)]
num_pulls = 100
inputs = play(
    Random(10),
    BanditEnv(10, num_pulls),
    IndependentBandits(10).sample(4, make_generators(0, "t")["t"]),
    seed=0,
).step_inputs()
renamed = torch.randperm(
    10, generator=torch.Generator().manual_seed(1)
)  # arm a is now called renamed[a]
moved = inputs._replace(
    prev_action=torch.where(torch.arange(num_pulls) > 0, renamed[inputs.prev_action], 0)
)
for name, policy in (("plain", plain[0]), ("arm-equivariant", equivariant[0])):
    with torch.no_grad():
        before, after = (
            policy.unroll(inputs)[0].softmax(-1),
            policy.unroll(moved)[0].softmax(-1),
        )
    gap = (after[..., renamed] - before).abs().max()
    count = sum(parameter.numel() for parameter in policy.parameters())
    print(
        f"{name:16} {count:6,} weights; rename the arms: probabilities change by up to {gap:.6f}"
    )

# %%
with style():
    fig, ax = plt.subplots()
    turns = torch.tensor([turn.num_arms for turn in ROUNDS[num_pulls]])
    trials = trained.trials(EQUIVARIANT)
    on_ten = turns.repeat_interleave(len(trials) // len(turns)) == 10
    ends = {
        label: draw_curves(
            ax, curves, trials, label=label, linestyle=line, color=PALETTE[number]
        )
        for number, (label, curves, trials, line) in enumerate(
            (
                (
                    "arm-equivariant",
                    trained.curves(EQUIVARIANT)[:, on_ten],
                    trials[on_ten],
                    "-",
                ),
                ("plain GRU", trained.curves(PLAIN), trained.trials(PLAIN), "--"),
            )
        )
    }
    long_tasks = IndependentBandits(10).sample(
        2_000, make_generators(5, "long")["long"]
    )
    long_env = BanditEnv(10, num_pulls)
    best_known = FiniteHorizonGittins(10, num_pulls)
    long_contest = evaluate(
        {
            "random": Random(10),
            "greedy": Greedy(10),
            "Thompson": Thompson(10),
            "UCB1, c = 0.2": UCB1(10),
            "Gittins, finite horizon": best_known,
            **{
                f"arm-equivariant, seed {seed}": policy.acting("greedy")
                for seed, policy in enumerate(equivariant)
            },
            **{
                f"plain GRU, seed {seed}": policy.acting("greedy")
                for seed, policy in enumerate(plain)
            },
        },
        long_env,
        long_tasks,
        seed=5,
    )
    for name, line in (
        ("Gittins, finite horizon", ":"),
        ("greedy", (0, (5, 1))),
        ("random", "-."),
    ):
        value = long_contest[name].score.mean
        ax.axhline(
            value,
            color="black",
            linestyle=line,
            label=f"{name}, {value:.1f}",
            linewidth=1.2,
        )
    ax.set(xlabel="trials played", ylabel="mean trial return, sampled actions")
    ax.legend(loc="lower right", fontsize=9)
    words = ", ".join(f"{name} ends at {end.mean():.1f}" for name, end in ends.items())
    show(
        fig,
        alt="Ten arms, 100 pulls: mean trial return against trials played, mean and range of three seeds. "
        f"{words}; lines for the finite-horizon Gittins index, greedy and random play.",
    )

# %%
scale = normalised_score(long_contest.scores, "random", "Gittins, finite horizon")
for row in long_contest.rows:
    print(
        f"{row.agent:28}{row.score.format(2):>16}    normalised {scale[row.agent]:.3f}"
    )

# %% [markdown]
# As many trials, the same slow learner: one is level with the best known algorithm, the other well behind it. (It
# would get there, or nearly: Duan et al. report 83.5 for a plain GRU, after training that was far longer.)
#
# And there is a present on top. No weight of the equivariant policy belongs to an arm. That is why it could take
# turns, and why it plays *twenty* arms, a number that it never met. The plain network cannot even read the eleventh
# arm's column.

# %%
twenty_tasks = IndependentBandits(20).sample(1_000, make_generators(5, "more")["more"])
twenty = evaluate(
    {
        "random": Random(20),
        "greedy": Greedy(20),
        "UCB1, c = 0.2": UCB1(20),
        "Gittins, finite horizon": FiniteHorizonGittins(20, num_pulls),
        "arm-equivariant, never met 20 arms": equivariant[0]
        .for_actions(20)
        .acting("greedy"),
    },
    BanditEnv(20, num_pulls),
    twenty_tasks,
    seed=5,
)
scale = normalised_score(twenty.scores, "random", "Gittins, finite horizon")
for row in twenty.rows:
    print(
        f"{row.agent:38}{row.score.format(2):>16}    normalised {scale[row.agent]:.3f}"
    )

# %% [markdown]
# Keep the two kinds of rows apart when you read papers, and when you write one. "RL²" is the plain recurrent
# policy and outer-loop reinforcement learning alone. A policy into which somebody has built what bandits are
# like is a different, and often the better, thing; it deserves a line of its own.

# %% [markdown]
# ## 5.4 Is it the network, or its training?
#
# Go back to your own agent of section 5.1. A GRU of 32 units and 64,000 trials of REINFORCE brought it about three
# quarters of the way. Two explanations, and they ask for different remedies:
#
# - the **architecture** cannot hold the algorithm (then no training helps);
# - the **slow learner** does not find it (then a better one, or a teacher, would).
#
# One experiment decides. Take reinforcement learning away. Let a good algorithm say what *it* would do at every
# step, and train the same network to say the same: ordinary classification, with the teacher's action as the
# label. If the network can now play, it could all along. Duan et al. did this with the Gittins index in their
# hardest cell, and you will do it now.
#
# ## Exercise 5.3: imitate an algorithm
#
# Somebody has played B trials (the student, or anybody). At each step $t$ you need
#
# - **the label**: what the teacher would do after the same pulls. The teacher is a policy like any other, with a
#   state (counts, say). Replay it over the trial's step inputs: at step t hand it input t, keep its action as
#   the label, carry its state on. Its choice is *not* played; at the next step it is told what really was. (A
#   teacher that you feed its own choices soon talks about another trial.)
# - **the student's prediction**: its logits after the same step inputs, from `policy.unroll(inputs)`.
#
# The loss is the cross-entropy, minus the student's log-probability of the label, averaged over the steps that
# belong to a trial. One trap deserves its own sentence: **the student reads the step inputs as they are, $a_{t-1}$
# at step t, and nothing of the teacher's choice at step t.** With the answer among its inputs the loss falls to
# zero, and what it has learned is to copy a column that will not be there when it plays.
#
# *By hand*, one trial of three pulls on two arms; the teacher is greedy (lowest index on ties).
#
# | t | input: $a_{t-1}$, $r_{t-1}$ | teacher's means after it | label | student: π(label) | log |
# |---|---|---|---|---|---|
# | 0 | (start) | ½, ½ | 0 | 0.5 | -0.693 |
# | 1 | 1, 1 | ½, ⅔ | 1 | 0.8 | -0.223 |
# | 2 | 1, 0 | ½, ½ | 0 | 0.2 | -1.609 |
#
# The loss is (0.693 + 0.223 + 1.609) / 3 = **0.842**. Note row 1: the teacher said 0, arm 1 was pulled, and
# arm 1 is what the teacher is told.


# %% exercise="imitate" minutes=20 difficulty=4
def imitate(
    policy: SoftmaxPolicy,
    teacher,
    trajectory: Trajectory,
    generator: torch.Generator,
) -> Tensor:
    """Return the cross-entropy of the student's choices with what a teacher would have done.

    Args:
        policy: the student; `.unroll(inputs)` -> (logits [B, T, A], last state).
        teacher: `.initial_state(batch_size)` and `.act(state, inputs, generator) -> (actions [B], state)`.
        trajectory: B trials of up to T steps, whoever played them.
        generator: the teacher's randomness.

    Returns:
        a scalar tensor, averaged over the steps that belong to a trial; gradient flows into the student.
    """
    ### BEGIN SOLUTION
    inputs = trajectory.step_inputs()
    state = teacher.initial_state(len(trajectory.mask))
    labels = []
    for t in range(trajectory.mask.shape[1]):
        told = StepInput(*(column[:, t] for column in inputs))
        action, state = teacher.act(state, told, generator)
        labels.append(action)
    logits, _ = policy.unroll(inputs)
    log_prob = losses.action_log_probs(logits, torch.stack(labels, dim=1))
    return -losses.masked_mean(log_prob, trajectory.mask)
    ### END SOLUTION


# %% check="imitate" points=5
check("imitate")

# %% [markdown] hint="imitate"
# `trajectory.step_inputs()` serves teacher and student alike. The teacher goes through it step by step, as in 03's
# loop, only that its actions are collected and not played. The student unrolls it at once.

# %% [markdown] hint="imitate"
# One step's inputs are `StepInput(*(column[:, t] for column in inputs))`. Collect the actions and
# `torch.stack(labels, dim=1)`: `[B, T]`.

# %% [markdown] hint="imitate"
# `losses.action_log_probs(logits, labels)` is `[B, T]`; `losses.masked_mean(values, trajectory.mask)` averages over
# the steps that count. Which sign has a loss?

# %% [markdown]
# Who should play the trials? If the *teacher* plays, the student sees only what perfect pupils see, never where its
# own mistakes lead. So the student plays, and the teacher says what it would have done there (Ross et al. 2011 call
# this DAgger).
#
# First the ladder again. Imitation has no baseline and no returns, so one rung is left: the two-point bandit, with
# the greedy counting agent for a teacher.


# %% given=true
class ImitatingLearner:
    """Your loss, as the library's loop wants a slow learner; the student plays."""

    def __init__(self, observation_shape, num_actions, generator, teacher=None):
        self.policy = RecurrentPolicy(
            observation_shape, num_actions, 32, generator=generator
        )
        self.teacher = Greedy(num_actions) if teacher is None else teacher
        self.modules = {"policy": self.policy}
        optimiser = torch.optim.Adam(self.policy.parameters(), lr=0.01)
        self.optimisers = {"policy": optimiser}

    def update(self, trajectory, tasks, *, progress, generator):
        loss = imitate(self.policy, self.teacher, trajectory, generator)
        self.optimisers["policy"].zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.policy.parameters(), 1.0)
        self.optimisers["policy"].step()
        return {"cross_entropy": loss.item()}


for rung in probes.climb(ImitatingLearner, [probes.LADDER[3]], threads=1):
    print(rung)

# %% [markdown]
# Now five arms, ten pulls, a fresh GRU of 32 units, the step size of 5.1 and 64,000 trials: all as in 5.1, except
# that the finite-horizon Gittins index says at every step what it would do. About five seconds.

# %%
weights = make_generators(0, "weights")["weights"]
imitator = ImitatingLearner((1,), 5, weights, teacher=FiniteHorizonGittins(5, 10))
history = train(
    imitator, five_arms, ten_pulls, TrainingConfig(250, 256), threads=1
).history
student, cross_entropy = imitator.policy, history["cross_entropy"]
imitated = evaluate(
    {
        "student": student.acting("greedy"),
        **{
            name: contestants[name]
            for name in ("random", "greedy", "Gittins, finite horizon", "Bayes-optimal")
        },
    },
    ten_pulls,
    test_tasks,
    seed=5,
)
scale = normalised_score(imitated.scores, "random", "Bayes-optimal")
for iteration in (1, 50, 250):
    print(f"cross-entropy, iteration {iteration:3}: {cross_entropy[iteration - 1]:.3f}")
for row in imitated.rows:
    print(
        f"{row.agent:28}{row.score.format(3):>16}    normalised {scale[row.agent]:.3f}"
    )

# %% [markdown]
# With this loss a low number proves little: only the *score*, of trials that the student plays alone, tells whether
# it has learned the game. If yours is not level with its teacher:
#
# | cross-entropy | score | suspect |
# |---|---|---|
# | stays near **1.6** (= log 5) | 5.0 | no weight moves: a gradient that was cut, an optimiser that holds other weights |
# | near **0** within fifty iterations | **5.0** | too easy: the student has the label in its input, or the teacher starts afresh at every step and always says the same |
# | above 1 at fifty, near 0 at the end | **5.0** | the labels are what was played: the student has learned to repeat itself, one arm for ever |
# | nothing strange | **6.0** | the student reads $a_t$ and $r_t$ at step t; when it plays they come one step later |
# | stops near a half | 6.5 | the teacher reads $a_t$ and $r_t$ at step t, and answers for the step after |
# | below 0 | 5.0 | the sign |
#
# The same network, as many trials, and nearly all of what is possible. So a GRU of 32 units *can* play this game;
# what stopped your agent in 5.1 was the search for it. (That is one half of the answer. PPO is the other: a better
# slow learner finds it without a teacher.)
#
# And at ten arms and 100 pulls, where the plain GRU was behind? The same loss as yours, trained beforehand, on some
# fewer trials than PPO had:

# %%
decided = {
    "plain GRU, PPO": plain,
    "plain GRU, imitation": trained.policies("table1/imitation-n100_k10"),
    "arm-equivariant, PPO": equivariant,
}
rows = evaluate(
    {
        "random": Random(10),
        "Gittins, finite horizon (the teacher)": best_known,
        **{
            f"{name}, seed {seed}": policy.acting("greedy")
            for name, policies in decided.items()
            for seed, policy in enumerate(policies)
        },
    },
    long_env,
    long_tasks,
    seed=5,
)
scale = normalised_score(rows.scores, "random", "Gittins, finite horizon (the teacher)")
for row in rows.rows:
    print(
        f"{row.agent:40}{row.score.format(2):>16}    normalised {scale[row.agent]:.3f}"
    )

# %% [markdown]
# Here the answer is: both. The teacher saves the search, and brings the plain GRU most of the way that PPO left; but it
# still has to learn ten arms one by one, whoever teaches, and with these trials it is not done. The policy with the
# structure needs no teacher at all. (With fifty arms, in `results/table1`, a teacher is not nearly enough. Duan et al.
# had very many more trials. In their hardest cell, 500 pulls of 50 arms, RL² stopped some percent
# short of the Gittins index, and the same network, trained to imitate it, came level. So with trials enough the
# network holds the algorithm, and there, too, it is the slow learner that falls short.)

# %% [markdown]
# ## 5.5 When one pull tells about both arms
#
# Until now arms were independent: what one pays says nothing about the others. Wang et al. (2016) take two arms
# whose means are $p$ and $1 - p$. Now every pull is about *both*. A success of arm 1 speaks against arm 0, and
# you need not pull an arm to know it.
#
# Nothing has to be explored in such a bandit: each pull teaches the same, whichever arm it is. The best agent
# pulls the arm that looks better, always. But what looks better must be computed by somebody who *knows* that
# the arms are tied.
#
# ## Exercise 5.4: two arms, one unknown
#
# $p$ is drawn from U[0, 1]; arm 0 pays with probability $p$, arm 1 with $1 - p$. You are given each arm's
# successes and failures. Return the posterior means of both arms.
#
# *By hand*: arm 0 has 3 successes and 1 failure, arm 1 none and 2. Which pulls speak for a large $p$? Successes of
# arm 0 **and failures of arm 1**: 3 + 2 = 5 of 6 pulls. The posterior of $p$ is Beta(1 + 5, 1 + 1) with mean 6 / 8:
# the means are **(0.75, 0.25)**. Somebody who takes the arms for independent would say (4/6, 1/4): less than he
# could know.


# %% exercise="dependent_bandit" minutes=10 difficulty=2
def dependent_bandit(successes: Tensor, failures: Tensor) -> Tensor:
    """Return both arms' posterior means, if they are p and 1 - p with p from U[0, 1].

    Args:
        successes: [B, 2] float32, pulls that paid, of arm 0 and of arm 1.
        failures: [B, 2] float32, pulls that did not.

    Returns:
        [B, 2] float32, the posterior means of p and of 1 - p.
    """
    ### BEGIN SOLUTION
    for_p = successes[:, 0] + failures[:, 1]
    against = failures[:, 0] + successes[:, 1]
    p = (for_p + 1) / (for_p + against + 2)
    return torch.stack([p, 1 - p], dim=1)
    ### END SOLUTION


# %% check="dependent_bandit" points=4
check("dependent_bandit")

# %% [markdown] hint="dependent_bandit"
# There is one unknown, not two. Sort all pulls of a trial into two heaps: those that are likelier when $p$ is
# large, and the others.

# %% [markdown] hint="dependent_bandit"
# With $h$ of $n$ pulls for $p$, the posterior is Beta(1 + h, 1 + n - h), whose mean is (h + 1) / (n + 2). And the other
# arm?


# %% [markdown]
# Two agents, both greedy, on the same counts. One knows that the arms are tied, the other does not; nor do Thompson
# sampling and Gittins, the best known rule for independent arms. Beside them RL² agents, one trained on each of
# five distributions: independent arms, and four where the arms are tied
# ($p$ from U[0, 1]; easy: .1 or .9; medium: .25 or .75; hard: .4 or .6). Every one is tested on all five, 100
# pulls. The numbers are regret: less is better.


# %%
class TiedGreedy(CountingAgent):
    """Greedy on your posterior means."""

    def choose(self, counts, generator):
        return dependent_bandit(counts.successes, counts.failures).argmax(dim=1)


two_armed = {
    "greedy, arms independent": Greedy(2),
    "greedy, arms tied": TiedGreedy(2),
    "Thompson": Thompson(2),
    "Gittins, finite horizon": FiniteHorizonGittins(2, num_pulls),
}
for name in TWO_ARMS:
    policy = trained.policy(f"dependent-bandits/gru-{name}")
    two_armed[f"RL², trained: {name}"] = policy.acting("greedy")
table = {agent: [] for agent in two_armed}
for name, distribution in TWO_ARMS.items():
    tasks = distribution.sample(1_000, make_generators(5, name)[name])
    found = evaluate(two_armed, BanditEnv(2, num_pulls), tasks, seed=5)
    told = num_pulls * tasks.amax(dim=1)  # what knowing the better arm would earn
    for agent, scores in found.scores.items():
        table[agent].append((told - scores).mean().item())
print(f"{'regret, tested on:':28}" + "".join(f"{name:>13}" for name in TWO_ARMS))
for agent, row in table.items():
    print(f"{agent:28}" + "".join(f"{value:13.2f}" for value in row))
short = trained.training("dependent-bandits/gru-easy")
print(
    f"RL²'s training: {short.iterations} iterations of {short.trials_per_iteration} trials, seed 0"
)

# %% [markdown]
# Read the columns first. Where arms are tied, your agent of the exercise loses least, everywhere: less than Gittins,
# which explores far better and does not know about the tie. On independent arms it is wrong about the world, and
# yet no worse than plain greedy: a failure of arm 1 makes it try arm 0, for a bad reason, and trying is what greedy
# lacks.
#
# Now RL²'s rows. Nobody told these agents which kind of arms they would meet; they had only their tasks to learn it
# from, and it shows in both directions. On independent arms the one raised there loses least of the five, less than
# Thompson sampling and than greedy, though more than Gittins. On tied arms it is the worst of the five. Those raised
# on tied arms lose less than Gittins there, all but one, which would be hard to do for anybody who did not know about
# the tie. (The easy column proves little: there a pull or two settle everything, and plain greedy is as good as any.)
#
# Among the four that were raised on tied arms no one leads at home by much, and that is as it should be: on all tied
# arms *one* rule is optimal, your exercise's, so they have learned nearly the same. One of them falls short: the one
# raised on easy arms is the worst of the four on hard ones and on uniform ones, and no better than Gittins there. In
# its tasks a pull or two settle everything, and the ninety that follow have nothing to teach. **An agent learns what its tasks can teach
# it**, and its prior is the distribution it was trained on. Nobody wrote either down.
#
# These numbers are of one seed and 1,000 bandits; `results/dependent-bandits` has three and 20,000, with intervals
# and with what Wang et al. claim of them.

# %% [markdown]
# ## 5.6 Eleven arms: paying for information
#
# A bandit without any luck. Eleven arms, five pulls. One of the first ten arms is the **target** and pays 5; the
# other nine pay 1. The eleventh arm is a poor one: it pays a *tenth of the target's number*, 0.1 to 1.0. Which
# arm is the target changes from trial to trial (Wang et al. 2016, section 3.1.3).
#
# You see the trick at once. Pull the eleventh arm, and be paid 0.7: the target is number 7. From then on, 5, 5, 5,
# 5. On average that is .55 + 4 · 5 = **20.55**.
#
# Or search: pull the candidates one after the other until one pays 5, and stay. Found at the first pull (one
# time in ten) that earns 25, at the second 21, then 17, 13, 9; and with probability ½ five pulls do not find it,
# and earn 5. On average (25 + 21 + 17 + 13 + 9) / 10 + ½ · 5 = **11**.
#
# Twenty against eleven. A strong incentive, surely.

# %%
eleven_env, eleven_tasks = (
    InformativeBanditEnv(),
    InformativeBandits().sample(1_000, make_generators(5, "eleven")["eleven"]),
)
never = trained.policies("eleven-arms/number")
for seed, policy in enumerate(never):
    trial = play(policy.acting("greedy"), eleven_env, eleven_tasks, seed=5)
    pays = (trial.action == INFORMATIVE_ARM).any(dim=1).float().mean()
    print(
        f"plain training, seed {seed}: trial return {trial.trial_return().mean():.2f}, pays for information in {pays:.1%} of all trials"
    )

# %% [markdown]
# After 100,000 trials, all three search. None pays. A larger entropy bonus does not help: fifty times the usual one
# ends at the same search (`results/eleven-arms`). Why?
#
# Put yourself into the place of a fresh policy. It pulls at random, and a random candidate pays 1.4 on average.
# The eleventh arm pays .55. And the *information*? It is worth something only to somebody who **reads** it:
# who pulls number 7 after being paid 0.7. The fresh policy reads at chance, one time in ten. So the eleventh arm
# is, *at that moment*, simply the worst arm, and the gradient says: never again. Reading would have to be learned
# from trials in which it paid. Soon there are none.
#
# ## Exercise 5.5: the value of paying, before you can read
#
# Put it in two numbers. An agent pays at the first pull with probability $q$ (`pay`). When it has paid, it pulls
# one candidate for all the remaining $n - 1$ pulls: the target with probability $c$ (`read`), otherwise one that
# pays 1. When it has not paid, it searches as above: new candidates in a fixed order, until the target is found,
# and then it stays. Return the expected trial return
#
# $$J(q, c) = q \cdot V_\text{pay}(c) + (1 - q) \cdot V_\text{search}$$
#
# for any $n$, also beyond ten pulls (by then the search has found it), as a tensor that can be differentiated.
#
# *By hand*, $n = 5$: $V_\text{pay}(1) = .55 + 4 · 5 = 20.55$; $V_\text{pay}(0.1) = .55 + 4 · 1.4 = 6.15$;
# $V_\text{search} = 11$. So $J(½, 0.1) = 8.575$.
#
# Work out on paper at which $c$ paying begins to be worth it.


# %% exercise="eleven_arms" minutes=15 difficulty=3
def eleven_arms(pay: Tensor, read: Tensor, num_pulls: int = 5) -> Tensor:
    """Return the expected trial return on the eleven-armed bandit.

    Args:
        pay: [...] float32 in [0, 1], the probability that the first pull is the informative arm.
        read: [...] float32 in [0, 1], the probability that after paying it pulls the target from then on.
        num_pulls: n, at least 1.

    Returns:
        [...] float32; gradient flows into `pay` and `read`.
    """
    ### BEGIN SOLUTION
    paid = 0.55 + (num_pulls - 1) * (1 + 4 * read)
    search = 0.0
    for place in range(1, 11):  # of the target in the order of the search
        misses = min(place - 1, num_pulls)
        search += (misses + 5 * (num_pulls - misses)) / 10
    return pay * paid + (1 - pay) * search
    ### END SOLUTION


# %% check="eleven_arms" points=4
check("eleven_arms")

# %% [markdown] hint="eleven_arms"
# Paying: the first pull earns the mean of 0.1, 0.2, ..., 1.0, and each of the other n - 1 earns 5 with probability
# `read`, else 1.

# %% [markdown] hint="eleven_arms"
# Searching: the target is at place 1 to 10 of your order, equally likely. At place j there are j - 1 misses before
# it (but no more than n), which earn 1 each; all later pulls earn 5.

# %% [markdown]
# Paying is worth more than searching where .55 + 4(1 + 4c) > 11, that is $c > 0.403$; even against pulling at
# random (7 in all) it takes $c > 0.153$. A fresh policy has $c = 0.1$.
#
# And the two slopes: $\partial J / \partial q = V_\text{pay}(c) - 11$ is *negative* until the agent can read;
# $\partial J / \partial c = 16 q$ is *small* while it hardly ever pays. Each skill waits for the other. Below,
# every arrow is the gradient of **your** $J$, in the agent's own terms (logits of $q$ and $c$), and the two lines
# follow it from two starting points, in steps of equal size. Dots mark every 200th step.


# %%
def follow(pay, read, steps=1600, rate=0.05):
    """Follow the gradient of J in the logits of q and c; return the logits [steps, 2]."""
    logits, path = torch.logit(torch.tensor([pay, read])), []
    for _ in range(steps):
        path.append(logits)
        leaf = logits.clone().requires_grad_()
        (slope,) = torch.autograd.grad(eleven_arms(*leaf.sigmoid()), leaf)
        logits = logits + rate * slope
    return torch.stack(path)


axis = torch.linspace(-4.8, 3.2, 17)
grid = torch.stack(torch.meshgrid(axis, axis[4:], indexing="xy")).requires_grad_()
(arrows,) = torch.autograd.grad(eleven_arms(*grid.sigmoid()).sum(), grid)
arrows = arrows / arrows.norm(dim=0)
# the corners of your J: it pays and reads, pays and misreads, never pays
one, zero = torch.ones(()), torch.zeros(())
optimum = eleven_arms(one, one).item()
misread = eleven_arms(one, zero).item()
search = eleven_arms(zero, zero).item()
break_even = (search - misread) / (optimum - misread)
starts = {
    "a fresh policy": (1 / 11, 0.1, "-", PALETTE[5]),
    "after a short imitation": (0.6, 0.35, "--", PALETTE[0]),
}
arrived, fewest = {}, {}
with style():
    fig, ax = plt.subplots(figsize=(6.8, 4.4))
    ax.quiver(*grid.detach(), *arrows, color="#999999", angles="xy", width=0.003)
    ax.axhline(
        torch.logit(torch.tensor(break_even)),
        color="black",
        linestyle=":",
        label=f"paying breaks even: c = {break_even:.3f}",
    )
    for name, (pay, read, line, color) in starts.items():
        path = follow(pay, read)
        settled = path[:, 0].sigmoid() > 0.95
        arrived[name] = int(settled.nonzero()[0]) if settled.any() else len(path)
        fewest[name] = path[:, 0].sigmoid().min().item()
        path = path[(path < 3.4).all(dim=1)]
        ax.plot(*path.T, linestyle=line, color=color, label=name, linewidth=2)
        ax.plot(*path[::200].T, color=color, marker="o", linestyle="none")
    ticks = torch.tensor([0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9])
    ax.set_xticks(torch.logit(ticks).tolist(), [f"{tick:g}" for tick in ticks.tolist()])
    ax.set_yticks(
        torch.logit(ticks[1:]).tolist(), [f"{tick:g}" for tick in ticks[1:].tolist()]
    )
    ax.set(
        xlabel="q: pays for information",
        ylabel="c: reads it rightly",
        xlim=(-5.2, 3.6),
        ylim=(-3.2, 3.6),
    )
    ax.legend(loc="lower right", fontsize=9, frameon=True)
    words = "; ".join(
        f"{name} comes down to q = {fewest[name]:.3f} and passes q = 0.95 after {steps} steps"
        for name, steps in arrived.items()
    )
    show(
        fig,
        alt=f"The gradient of J as arrows over q (pays) and c (reads). Below c = {break_even:.3f} they point towards paying less, "
        f"above it towards paying more. Following them: {words}.",
    )
for name, steps in arrived.items():
    print(
        f"{name:24} lowest q {fewest[name]:.3f}, pays nearly always after {steps} steps"
    )

# %% [markdown]
# The fresh policy walks *away* from paying first, down to one trial in a hundred. There it hangs, while c creeps
# up, because now and then it still pays. The exact gradient does come round in the end, after some twenty times
# as many steps as the other start needs: a valley, not a wall.
#
# But a slow learner does not have the exact gradient. It has a batch of trials. At $q = .01$ five trials of 512
# pay, spread over ten different targets, each of which has to be learned, and drowned in the noise of the
# others. Ours never came back. There is nothing wrong with the optimiser: *in the fresh policy's neighbourhood
# paying is really bad*. What is missing is an agent that can already read.
#
# ### The escape
#
# Then let it learn to read *before* it is asked whether paying is worth it. We imitate for a hundred iterations
# an agent that pays and reads (`PaysForInformation`, six lines), and then go on with exactly the plain training
# from before. Nothing keeps it from unlearning what it was shown.
#
# Return over the whole training comes with the notebook, of three seeds. What happens at its beginning you can watch:
# forty iterations of one seed, and note at each who pays first, and who of these then reads. About twenty seconds.


# %%
def watch(trial, tasks, iteration):
    """Note who pays for information first, and who of these then pulls the target."""
    pays = trial.action[:, 0] == INFORMATIVE_ARM
    reads = pays & (trial.action[:, 1] == tasks[:, :10].argmax(dim=1))
    share = reads.sum() / pays.sum().clamp(min=1)
    return {"pays": pays.float().mean().item(), "reads": share.item()}


beginnings = {}
for label in ("plain", "after a warm start"):
    weights = make_generators(0, "weights")["weights"]
    policy, baseline = (
        network((1,), 11, 32, generator=weights)
        for network in (RecurrentPolicy, RecurrentBaseline)
    )
    setting = InformativeBandits(), eleven_env
    if label != "plain":
        teaching = Imitation(policy, PaysForInformation(), IMITATES)
        train(teaching, *setting, TrainingConfig(100, 512), threads=1)
    learner = PPO(policy, baseline, LEARNER)
    run = train(learner, *setting, TrainingConfig(40, 512), threads=1, watch=watch)
    beginnings[label] = run.history

# %%
lines = {
    "plain": ("eleven-arms/number", "-", PALETTE[5]),
    "after a warm start": ("eleven-arms/imitation", "--", PALETTE[0]),
}
with style():
    fig, panels = plt.subplots(1, 3, figsize=(10.5, 3.4), constrained_layout=True)
    ends = {}
    for label, (run, line, color) in lines.items():
        look = {"label": label, "linestyle": line, "color": color}
        ppo = trained.training(run)  # the last stage; imitation, if any, was before
        trials = trained.trials(run)
        trials = trials - (trials[-1] - ppo.iterations * ppo.trials_per_iteration)
        curves = trained.curves(run)[:, trials > 0]
        ends["trial return", label] = draw_curves(
            panels[0], curves, trials[trials > 0], **look
        ).mean()
        for ax, metric in zip(panels[1:], ("pays", "reads"), strict=True):
            shares = beginnings[label][metric]
            if (metric, label) == ("reads", "plain"):
                shares = shares[:10]  # later there is hardly a trial that pays
            ax.plot(512 * torch.arange(1, len(shares) + 1), shares, **look)
            ends[metric, label] = shares[-1]
    for ax, title in zip(
        panels,
        ("trial return", "pays first (q)", "then reads rightly (c)"),
        strict=True,
    ):
        ax.set(xlabel="trials of PPO", title=title)
        ax.ticklabel_format(axis="x", style="sci", scilimits=(0, 3))
    for name, value, line in (("optimum", optimum, ":"), ("search", search, "-.")):
        label = f"{name}, {value:.4g}"
        panels[0].axhline(value, color="black", linestyle=line, label=label)
    panels[0].legend(fontsize=8, loc="center right")
    for ax in panels[1:]:
        ax.set_ylim(-0.03, 1.03)
    words = "; ".join(
        f"{title}, {label}: {end:.2f}" for (title, label), end in ends.items()
    )
    show(
        fig,
        alt="Eleven arms, over PPO's trials: return, mean and range of three seeds; at the beginning, of one seed, the "
        f"shares that pay and read. At the end: {words}. Plain training's share of paying trials falls to 0 at once.",
    )

# %% [markdown]
# The middle panel is the whole story. Plain training's willingness to pay is gone within the first few thousand
# trials, long before anything could have been learned from paying. (In the right panel its line is therefore
# short: there are no trials left to read in.) The warmed agent starts where paying is already worth it, and the
# same PPO makes it *better* at reading.
#
# ### Lie to it
#
# Here they are, with frozen weights. Choose the target. The agent that pays is told the truth by the eleventh arm,
# and 5, 5, 5, 5 follow. Now **lie**: let the eleventh arm name another number.

# %%
LieToIt().show()

# %% [markdown]
# Never in its life has the information been wrong. So it believes it, pulls the arm that it was told, is paid 1, and
# what it does next was never trained: mostly it stays, sometimes it wanders from one wrong arm to the next, and
# either way it is nearly always 1, 1, 1, 1. The plain agent, which asks nobody, cannot be
# lied to. An agent's trust is part of its prior, and the prior came from its tasks: if some tasks had lied, it would
# have learned to check.

# %% [markdown]
# ## 5.7 Break it
#
# What does the adaptation hang on? Take the five-armed agent from 5.2, freeze it, and switch off parts of it: the
# previous action, the previous reward, the flag, or the state itself (wiped before every pull, or half of its
# units). The curves show the expected reward of its choice, pull by pull. An agent that does not adapt stays at
# 0.5.
#
# There is also an agent that was trained for the **last pull only**: same network, same sizes, but nothing that it
# earns before counts. What will it do with the first nine pulls?

# %%
BreakIt().show()

# %% [markdown]
# Four things to find:
#
# - Without the **reward** the agent is blind. Without the **action** it knows that something paid, but not what.
# - The **flag** is 1 at every pull but the first: in a bandit it says nothing that the agent could not count for
#   itself. And yet the trained network leans on it a little. (Where episodes are longer, the flag matters: 06.)
# - Wipe the **state**, and nothing is left, although the last action and reward still stand in the input. "Stay
#   after a win" needs no memory; but this network was never trained without one, and to it an empty memory means
#   *first pull*. Wipe *half* of it, and most of the adaptation survives: what it knows is spread over many units.
# - The agent of the **last pull only** looks poor on the way, since it does not care what finding out costs. At its
#   last pull it is level with the other, and not ahead. That is what "total reward over *all* episodes" buys:
#   finding out *while* earning, here at no price.

# %% [markdown]
# ## Quiz

# %% [markdown] quiz="flat_at_five"
# Your agent's curve on five arms and ten pulls rose to 6.0 and then fell back to 5.0, where it has stayed for a
# hundred iterations. What happened, most probably?
# - [ ] It has forgotten the state between pulls. :: Then it would be at about 5.5: to stay after a win needs no
#   memory.
# - [ ] It has converged to the optimum. :: The optimum is 6.66; 5.0 is what blind play earns.
# - [x] A large step made the policy nearly deterministic: it pulls one arm for ever, and then nothing in its trials
#   tells it that others exist. :: Yes. Smaller steps or more trials an iteration prevent it; PPO's clipping was
#   made for it.
# - [ ] The test tasks are harder than the training tasks. :: The curve is of training trials, and all come from the
#   same distribution.

# %% [markdown] quiz="which_reference"
# A paper normalises by the agent that is told the arms' means, and finds its agent at 0.60, "far from optimal". What
# do you answer?
# - [ ] The agent is bad. :: It may be optimal: at ten pulls and five arms the Bayes-optimal agent itself is only at
#   about half on that scale.
# - [x] No agent can reach 1 on that scale without being told; the reference should be the best that is possible
#   without the task. :: Yes. Where it can be computed, the Bayes-optimal value; for long trials the best known
#   agent, and say so.
# - [ ] Normalised scores should not be used. :: They are what makes settings comparable, if both ends mean something.
# - [ ] They should divide by random's score. :: Then an agent that earns twice as much as random gets 2 whatever is
#   possible.

# %% [markdown] quiz="what_equivariance_buys"
# Why does the arm-equivariant policy learn ten arms from so much fewer trials than the plain GRU?
# - [ ] It has more weights. :: It has fewer.
# - [ ] It sees the arms' means. :: It sees what the plain one sees: action, reward, time.
# - [x] What it learns about one arm's history holds for every arm at once, because all arms share their weights. ::
#   Yes, and for the same reason it plays twenty arms, which it never met.
# - [ ] PPO works better with small networks. :: It is not the size. A plain GRU as small would still have to learn
#   each arm by itself.

# %% [markdown] quiz="imitation_settles"
# On 500 pulls of 50 arms, Duan et al.'s RL² stays behind the Gittins index. The same network, trained to imitate the
# index, comes level with it. What follows?
# - [x] The network can hold the algorithm; the reinforcement learning did not find it. :: Yes. It is the question
#   for which they ran the experiment, and the same answer as yours at ten pulls.
# - [ ] Imitation is better than reinforcement learning. :: Where there is a teacher. It cannot surpass the teacher,
#   and most tasks have none.
# - [ ] The network is too small. :: The same network came level, by imitation.
# - [ ] The Gittins index is optimal for 500 pulls. :: It is the best known, not proven optimal, and the experiment
#   says nothing about it.

# %% [markdown] quiz="why_it_never_pays"
# Why does plain training never pull the informative arm, although paying is worth 20.55 and searching 11?
# - [ ] The learning rate is too small. :: A larger one gives up paying faster.
# - [ ] The network has no memory. :: It has, and uses it for the search.
# - [ ] Five pulls are too few to find out. :: Five pulls are what makes paying worth 20.55.
# - [x] Information is worth something only to an agent that can already read it, and reading is learned only from
#   trials that paid: each skill waits for the other. :: Yes. Near the fresh policy the gradient away from paying is
#   correct. A short imitation carries it to where paying is worth it.

# %% [markdown] quiz="what_makes_it_competitive"
# What makes RL² competitive with algorithms like the Gittins index, in bandits of a few arms?
# - [ ] It computes indices inside. :: Perhaps something like it; nobody has looked yet. 11 measures instead of
#   guessing.
# - [x] It is trained for the total reward of a whole trial on the very distribution of bandits it is tested on, so its
#   weights hold both a prior and a trade-off between finding out and earning. :: Yes. And where the tasks are others
#   the prior is wrong: the agent of section 5.6 believes a lie, since nothing had ever lied to it.
# - [ ] It updates its weights during the trial. :: They are frozen. The state changes.
# - [ ] It explores at random early on. :: Its exploration is what training made of it, not noise; acting by the
#   likeliest action it explores as well.

# %% [markdown]
# ## Summary
#
# - **Your own pieces learn** five arms, ten pulls. The loop's one duty: score on tasks that were never trained on,
#   from fresh states.
# - **Normalised score**: ratio of means on the same tasks, between random play and a reference that did not know the
#   task. At ten pulls greedy is at 94%; look at the part that exploration earns.
# - **Structure**: with one shared memory for every arm, the same slow learner is level with the best known algorithm,
#   after as many trials as leave the plain GRU far behind; and it plays fifty arms untrained.
# - **Imitation** tells a limit of the network from a limit of its training. Feed the student what it will see when it
#   plays, never the answer.
# - **The tasks make the agent.** What it was raised on decides how it plays elsewhere, be it what it believes (it trusts
#   an arm that never lied) or how far it got in the time; a table tells the two apart only if each is good at home.
# - **Plain training never pays for information**: reading and paying wait for each other. Teach reading first.
#
# **Next:** 06, the hidden goal in a gridworld, where episodes last longer than one step. **To read:** Duan et al.
# 2016, sections 3.1 and 5; Wang et al. 2016, sections 3.1.1 to 3.1.3; Lattimore and Szepesvári, *Bandit Algorithms*,
# chapters 7, 35 and 36; Ross, Gordon and Bagnell, "A reduction of imitation learning and structured prediction to
# no-regret online learning" (2011).

# %%
progress()
