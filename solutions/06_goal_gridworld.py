# %% [markdown] title="A hidden goal in a grid" reading=45 needs="02 03 04"
# # 06 · A hidden goal in a grid
#
# Until now a task was a row of arms. Now it is a **place**. An agent stands in the corner of a 5 × 5 grid, and
# somewhere in the grid there is a goal that it cannot see. It has three episodes. In the first it must search;
# in the second it should remember.
#
# A well-known exercise asks for exactly this: *a gridworld with three goal positions, one drawn for each trial
# and not shown; input = position, previous action, previous reward, flag; train with REINFORCE on 1,000
# episodes; test on held-out goals; compare with a policy that has no recurrence.* You will do it to the letter.
# Then you will look at what came out as you would look at somebody else's paper, and three things will turn out
# to be other than they seemed: what 1,000 episodes buy, what the memory is good for, and what "test on held-out
# goals" can show.
#
# **You will be able to**
#
# - write a batched gridworld with a hidden goal, and keep the goal hidden;
# - split goals into training and test so that the test means something;
# - measure return, steps and success **by episode** of the trial, which is where adaptation shows;
# - say by hand what the best agent, a forgetful one and a broken one would earn, before you train any;
# - say why an agent trained on three goals does not find a fourth, and whether 18 goals are enough.
#
# **You need** [02](02_input_embedding.ipynb) (the step input), [03](03_recurrent_policy.ipynb) (the recurrent
# policy) and [04](04_reinforce_with_baseline.ipynb) (REINFORCE and the probe ladder). What you wrote there is
# used here, in section 6.5, if your copy in `work/` passes its check; elsewhere the library's version takes its
# place, and the cell says so.
#
# **Time:** about {minutes} minutes. One cell trains for about half a minute, the others take a few seconds;
# what takes longer was trained beforehand.

# %% setup=true
from collections.abc import Callable, Sequence
from functools import partial

import matplotlib.pyplot as plt
import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from rl2lib.agents.bandit import Random
from rl2lib.agents.feedforward import FeedForwardPolicy
from rl2lib.agents.recurrent import RecurrentBaseline, RecurrentPolicy
from rl2lib.evaluation.evaluate import play
from rl2lib.evaluation.figures import MARKERS, PALETTE, band, show, style
from rl2lib.experiments.bundled import load_or_train
from rl2lib.experiments.papers.goal_generalisation import (
    NUM_GOALS,
    NUM_HELD_OUT,
    order_of,
)
from rl2lib.experiments.papers.goal_gridworld.trained import (
    ALL_CELLS,
    CORNERS,
    PPO_SETTINGS,
    REINFORCE_SETTINGS,
    networks,
)
from rl2lib.lab import check, hint, progress, quiz, solution, submit
from rl2lib.lab import learner_from_answers
from rl2lib.lab.answers_so_far import own
from rl2lib.lab.explorables.patrol import Patrol
from rl2lib.tasks.gridworld import GoalGrids, GridEnv, GridTasks
from rl2lib.tasks.sampling import make_generators
from rl2lib.training import probes
from rl2lib.training.loop import TrainingConfig, train
from rl2lib.training.ppo import PPO
from rl2lib.training.reinforce import Reinforce
from rl2lib.types import Step, Trajectory

torch.set_num_threads(1)  # small networks: more threads stand in each other's way

UP, RIGHT, DOWN, LEFT = 0, 1, 2, 3


def grid_tasks(goals: Sequence[int], copies: int = 1) -> GridTasks:
    """Return plain grids with these goals, each of them `copies` times."""
    goal = torch.tensor(list(goals)).repeat_interleave(copies)
    return GridTasks(goal, torch.arange(4).expand(len(goal), 4), torch.zeros(len(goal)))


# %% [markdown]
# ## 6.1 A place with a secret
#
# The cells of the grid are numbered row by row:
#
# |   |   |   |   |   |
# |---|---|---|---|---|
# | **0** start | 1 | 2 | 3 | **4** |
# | 5 | 6 | 7 | 8 | 9 |
# | 10 | 11 | 12 | 13 | 14 |
# | 15 | 16 | 17 | 18 | 19 |
# | **20** | 21 | 22 | 23 | **24** |
#
# - The agent starts in cell 0 and moves up, right, down or left: actions 0, 1, 2, 3. A step against a wall stays
#   where it is.
# - Every step costs 0.04. The step that arrives at the goal pays 1 in addition: 0.96.
# - An **episode** ends at the goal, or after 30 steps without it: a **time-out**. The agent is then put back to
#   cell 0.
# - A **trial** is three episodes with *one and the same* goal. The task is the goal.
#
# (The exercise above says "each episode sample one goal". What it calls an episode is our *trial*. If the goal
# really moved at every episode there would be nothing to remember, and no need for a recurrent policy.)
#
# ## Exercise 6.1: one step
#
# Write the step for B grids side by side. `state` is a dictionary of three tensors `[B]`: the agent's `cell`,
# the `goal`, and `steps`, how many steps of this episode have been taken *before* this one. Return four things:
#
# - the state afterwards, with the same three entries. Where the episode ended, the next one starts by itself:
#   cell 0, steps 0, the **same** goal;
# - `reward` `[B]`;
# - `episode_end` `[B]` bool: the goal was reached, **or** time is up. This is the flag $d$ that the policy is
#   fed;
# - `timed_out` `[B]` bool: time was up *and* the goal was not reached.
#
# *By hand*, size 5, horizon 30:
#
# | cell, goal, steps | action | arrives in | reward | episode_end, timed_out | state afterwards |
# |---|---|---|---|---|---|
# | 12, 24, 3 | up | 7 | -0.04 | no, no | 7, 24, 4 |
# | 9, 24, 7 | right (a wall) | 9 | -0.04 | no, no | 9, 24, 8 |
# | 23, 24, 7 | right | 24 | 0.96 | **yes**, no | **0, 24, 0** |
# | 12, 24, 29 | up | 7 | -0.04 | **yes, yes** | **0, 24, 0** |
# | 23, 24, 29 | right | 24 | 0.96 | **yes**, no | **0, 24, 0** |


# %% exercise="gridworld_step" minutes=15 difficulty=3
def gridworld_step(
    state: dict[str, Tensor], action: Tensor, size: int = 5, horizon: int = 30
) -> tuple[dict[str, Tensor], Tensor, Tensor, Tensor]:
    """Move B agents by one step.

    Args:
        state: "cell", "goal" and "steps", each [B] int64.
        action: [B] int64, 0 up, 1 right, 2 down, 3 left.
        size: the side of the grid.
        horizon: the steps after which an episode times out.

    Returns:
        the state afterwards; reward [B] float32; episode_end [B] bool; timed_out [B] bool.
    """
    ### BEGIN SOLUTION
    row, column = state["cell"] // size, state["cell"] % size
    row = (row + (action == DOWN).long() - (action == UP).long()).clamp(0, size - 1)
    column = column + (action == RIGHT).long() - (action == LEFT).long()
    cell = row * size + column.clamp(0, size - 1)
    steps = state["steps"] + 1
    arrived = cell == state["goal"]
    timed_out = (steps >= horizon) & ~arrived
    episode_end = arrived | timed_out
    after = {
        "cell": torch.where(episode_end, 0, cell),
        "goal": state["goal"],
        "steps": torch.where(episode_end, 0, steps),
    }
    return after, torch.where(arrived, 0.96, -0.04), episode_end, timed_out
    ### END SOLUTION


# %% check="gridworld_step" points=5
check("gridworld_step")

# %% [markdown] hint="gridworld_step"
# Take the cell apart (`row = cell // size`, `column = cell % size`), move, keep both between 0 and `size - 1`,
# put it together again. What a wall does is a `clamp`.

# %% [markdown] hint="gridworld_step"
# No loop over B and no `if`: `(action == DOWN).long()` is 1 for the rows that go down and 0 elsewhere, and
# `torch.where(condition, this, that)` chooses row by row. Work out `arrived` first, then `timed_out`, then
# `episode_end`.

# %% [markdown] hint="gridworld_step"
# `steps = state["steps"] + 1`; `timed_out = (steps >= horizon) & ~arrived`; `episode_end = arrived | timed_out`.
# Cell and steps become 0 where `episode_end`; the goal is handed on as it came.

# %% [markdown]
# ## 6.2 What is seen, and what is not
#
# The whole exercise stands or falls with what the policy is shown. It is fed $(o_t, a_{t-1}, r_{t-1},
# d_{t-1})$, and $o_t$ is the agent's own cell. The goal is in the state. It must not be in the observation, in
# no form: not as a second map, not as a distance, not as a direction.
#
# ## Exercise 6.2: the observation
#
# Return the agent's cell as a one-hot vector `[B, size²]`, float32. Why not simply the number 7, or row and
# column? Because to a network the number 24 is *more* than the number 2. A one-hot vector gives every cell a
# weight of its own, and no cell is more than another.
#
# *By hand*, size 5, agent in cell 7: 25 numbers, all 0 but number 7, which is 1. The same whatever the goal is.


# %% exercise="gridworld_observe" minutes=5 difficulty=1
def gridworld_observe(state: dict[str, Tensor], size: int = 5) -> Tensor:
    """Return what B agents see: their own cell, and nothing of the goal.

    Args:
        state: "cell", "goal" and "steps", each [B] int64.
        size: the side of the grid.

    Returns:
        [B, size * size] float32, one-hot.
    """
    ### BEGIN SOLUTION
    return one_hot(state["cell"], size * size).float()
    ### END SOLUTION


# %% check="gridworld_observe" points=3
check("gridworld_observe")

# %% [markdown] hint="gridworld_observe"
# One place in `size * size` is 1. Which of the state's three entries says which?

# %% [markdown] hint="gridworld_observe"
# `torch.nn.functional.one_hot(indices, num_classes)` is there as `one_hot`. It returns integers.

# %% [markdown]
# ### Your grid, played
#
# Around your two functions goes a thin shell that starts trials and counts episodes. It has the two methods of
# every environment in this course, `reset` and `step`, so the loop that plays trials takes it as it is. The
# library has the same grid. The same agent with the same luck must live through the same trials in both:


# %% given=true
class YourGrid:
    """Your step and your observation as an environment."""

    num_actions, observation_shape = 4, (25,)

    def __init__(self, size=5, horizon=30, episodes_per_trial=3):
        self.size, self.horizon = size, horizon
        self.episodes_per_trial = episodes_per_trial

    def reset(self, tasks, generator):
        start = torch.zeros_like(tasks.goal)
        self.state = {
            "cell": start.clone(),
            "goal": tasks.goal.clone(),
            "steps": start.clone(),
        }
        self.episodes = start
        return gridworld_observe(self.state, self.size)

    def step(self, actions):
        self.state, reward, episode_end, timed_out = gridworld_step(
            self.state, actions, self.size, self.horizon
        )
        self.episodes = self.episodes + episode_end
        trial_end = episode_end & (self.episodes >= self.episodes_per_trial)
        observation = gridworld_observe(self.state, self.size)
        return Step(observation, reward, episode_end, timed_out, trial_end)


# %%
yours, theirs = (
    play(Random(4), env, grid_tasks(ALL_CELLS, 10), seed=0)
    for env in (YourGrid(), GridEnv())
)
for name in ("observation", "action", "reward", "episode_end", "timed_out", "mask"):
    same = torch.equal(getattr(yours, name), getattr(theirs, name))
    print(f"{name:12} {'the same' if same else 'DIFFERENT'}")
print(
    f"240 trials of a random agent: mean trial return {yours.trial_return().mean():.2f}"
)

# %% [markdown]
# From here on we use the library's, `GridEnv`, so that nothing below depends on your answer.
#
# ## 6.3 Which goals
#
# Three sets of goals will appear, and the library's catalogue has a name for each: `three-goals-grid` (the
# corners 4, 20 and 24), `held-out-goals-grid` (the 21 cells that are neither start nor corner), and `goal-grid`
# (all 24).
#
# ## Exercise 6.3: draw goals for training
#
# Given candidate cells and held-out cells, draw one goal for each of `num_trials` trials: **evenly** (each with the
# same probability), **independently** (a goal may come twice running), with the generator that is handed in, and
# **never** one that is held out. A held-out cell may also be none of the candidates; then it changes nothing. You
# return cells, not positions in a list.
#
# *By hand*: candidates `[4, 20, 24, 12]`, held out `[12]`. Six trials might get `[20, 4, 4, 24, 20, 4]`. In the
# long run 4, 20 and 24 come up a third of the time each, and 12 never.


# %% exercise="sample_goals" minutes=8 difficulty=2
def sample_goals(
    candidates: list[int],
    held_out: list[int],
    num_trials: int,
    generator: torch.Generator,
) -> Tensor:
    """Draw a training goal for every trial.

    Args:
        candidates: cells that a goal may be in, none of them twice.
        held_out: cells that are kept for the test.
        num_trials: N.
        generator: the randomness.

    Returns:
        [N] int64, cells.
    """
    ### BEGIN SOLUTION
    allowed = torch.tensor([cell for cell in candidates if cell not in held_out])
    return allowed[torch.randint(len(allowed), (num_trials,), generator=generator)]
    ### END SOLUTION


# %% check="sample_goals" points=4
check("sample_goals")

# %% [markdown] hint="sample_goals"
# Two steps: first the list of cells that are allowed, then N draws from that list.

# %% [markdown] hint="sample_goals"
# `torch.randint(high, (N,), generator=generator)` draws N positions from 0 to high - 1. Index a tensor of the
# allowed cells with them.

# %% [markdown]
# ## 6.4 Episode by episode
#
# A trial's return is one number, and it hides what matters here. An agent that earns 2 may have searched
# quickly three times, or slowly once and then remembered. So we look at the **first**, the **second** and the
# **third** episode of the trial apart, averaged over trials. If an agent adapts, episode 2 is better than
# episode 1, with the weights untouched.
#
# ## Exercise 6.4: evaluate by episode
#
# Given B recorded trials of exactly `num_episodes` episodes each, return three curves `[num_episodes]`, each a
# mean over the trials:
#
# - `"return"`: the reward summed over that episode;
# - `"steps"`: its length, time-outs included;
# - `"success"`: the share of trials in which that episode found its goal, that is, ended without `timed_out`. (Do not
#   read it off the rewards: your function should serve grids that pay otherwise.)
#
# Trials have different lengths, so the record is padded (`mask` is false there), and episode 2 starts at another
# step in every trial. A step's episode is the number of episodes that ended **before** it.
#
# *By hand*, two trials with a horizon of 4:
#
# | | trial 0 | trial 1 | return | steps | success |
# |---|---|---|---|---|---|
# | episode 1 | found in 3 steps: 0.88 | not found in 4 steps: -0.16 | **0.36** | **3.5** | **0.5** |
# | episode 2 | found in 2 steps: 0.92 | found in 1 step: 0.96 | **0.94** | **1.5** | **1** |


# %% exercise="evaluate_by_episode" minutes=20 difficulty=3
def evaluate_by_episode(trajectory: Trajectory, num_episodes: int) -> dict[str, Tensor]:
    """Return mean return, steps and success of the first, second, ... episode of the trial.

    Args:
        trajectory: B trials of `num_episodes` whole episodes; fields [B, T], padded.
        num_episodes: E.

    Returns:
        "return", "steps" and "success", each [E] float32.
    """
    ### BEGIN SOLUTION
    ends = trajectory.episode_end & trajectory.mask
    number = ends.long().cumsum(dim=1) - ends.long()  # ends before this step
    found = {"return": [], "steps": [], "success": []}
    for episode in range(num_episodes):
        inside = (number == episode) & trajectory.mask
        arrived = inside & ends & ~trajectory.timed_out
        found["return"].append((trajectory.reward * inside).sum(dim=1).mean())
        found["steps"].append(inside.sum(dim=1).float().mean())
        found["success"].append(arrived.any(dim=1).float().mean())
    return {name: torch.stack(values) for name, values in found.items()}
    ### END SOLUTION


# %% check="evaluate_by_episode" points=5
check("evaluate_by_episode")

# %% [markdown] hint="evaluate_by_episode"
# First give every step the number of its episode, `[B, T]`: 0, 0, 0, 1, 1, 2, ... A running sum of
# `episode_end` along time nearly does it. Where is it off by one?

# %% [markdown] hint="evaluate_by_episode"
# `ends.long().cumsum(dim=1)` counts an end at its own step already; the step that ends an episode still belongs
# to it. So subtract: `cumsum - ends`. Then for each episode: `inside = (number == episode) & mask`.

# %% [markdown] hint="evaluate_by_episode"
# Sum over time (dimension 1) what is inside: the rewards; the mask itself, for steps; `ends & ~timed_out`, for
# success. Then the mean over trials. Do not read success off the return: a goal found late has a negative one.

# %% [markdown]
# Around your function go three given ones, used from here to the end: `by_episode` plays several agents on the same
# goals, `say` prints what it found, and `draw_by_episode` draws it, on training goals and on held-out ones. (After a
# restart of the kernel, run the first cell, your answer of 6.4 and this one.)


# %% given=true
OTHER_CELLS = [cell for cell in ALL_CELLS if cell not in CORNERS]


def by_episode(agents, goals, copies=100):
    """Return evaluate_by_episode of several agents on the same goals, each curve [agents, 3]."""
    found = [
        evaluate_by_episode(
            play(agent, GridEnv(), grid_tasks(goals, copies), seed=2), 3
        )
        for agent in agents
    ]
    return {name: torch.stack([one[name] for one in found]) for name in found[0]}


def say(name, found):
    """Print three curves, each averaged over the agents."""
    parts = [
        f"{key} {'  '.join(f'{x:6.2f}' for x in found[key].mean(dim=0).tolist())}"
        for key in ("return", "steps", "success")
    ]
    print(f"{name:26}" + "   |  ".join(parts))


def draw_by_episode(groups, title):
    """Draw return and steps by episode of groups of agents that know the corners; bands: the range in a group."""
    shapes = [(PALETTE[0], "-"), (PALETTE[5], "--"), ("black", ":")]
    told = []
    with style():
        fig, axes = plt.subplots(
            2, 2, figsize=(8.4, 5), sharex=True, sharey="row", constrained_layout=True
        )
        for column, name, goals, copies in (
            (0, "training goals", CORNERS, 100),
            (1, "held-out goals", OTHER_CELLS, 20),
        ):
            for (label, agents), (color, line), marker in zip(
                groups.items(), shapes, MARKERS, strict=False
            ):
                found = by_episode(agents, goals, copies)
                shape = {"color": color, "linestyle": line, "marker": marker}
                for ax, key in zip(axes[:, column], ("return", "steps"), strict=True):
                    low, high = found[key].amin(dim=0), found[key].amax(dim=0)
                    middle = found[key].mean(dim=0)
                    band(ax, [1, 2, 3], low, middle, high, label=label, **shape)
                    values = ", ".join(f"{x:.2f}" for x in middle.tolist())
                    told.append(f"{label}, {name}: {key} {values}")
                say(f"{label}, {name.split()[0]}", found)
            axes[0, column].set_title(name)
            axes[1, column].set(xlabel="episode of the trial", xticks=[1, 2, 3])
        axes[0, 0].set_ylabel("return")
        axes[1, 0].set_ylabel("steps")
        axes[1, 1].legend(loc="lower left")
        alt = f"{title}, by episode of the trial, mean and range of the seeds. "
        show(fig, alt=alt + "; ".join(told) + ".")


# %% [markdown]
# ### Before any training: what can be expected?
#
# Here is an agent made by hand. It walks a tour of the corners: along the upper edge (corner 4 after 4 steps),
# down the right edge (24 after 8), along the lower edge (20 after 12). On average that is 8 steps, a return of
# $1 - 8 \cdot 0.04 = 0.68$, in every episode.
#
# Its twin remembers. But note *what* there is to remember. For corners 4 and 24 the tour is the shortest way
# already. Only corner 20 is worth a thought: 4 steps straight down instead of 12. So from the second episode on
# the average is $(4 + 8 + 4) / 3 = 16/3$ steps, a return of $0.787$. Searching faster than in 8 steps is
# impossible, and so is walking faster than the shortest way: **0.68 + 2 · 0.787 = 2.253 is the optimum.**

# %%
TOUR = torch.full((25,), UP)
TOUR[0:4], TOUR[4:24:5], TOUR[21:25] = RIGHT, DOWN, LEFT


class Tourist:
    """Tours the corners; if it remembers, it goes straight down when the goal was corner 20."""

    def __init__(self, remembers):
        self.remembers = remembers

    def initial_state(self, batch_size, tasks=None):
        return torch.zeros(batch_size, 2, dtype=torch.long)  # cell before; 1 = go down

    def act(self, state, inputs, generator):
        before, down = state.unbind(dim=1)
        cell = inputs.observation.argmax(dim=-1)
        found = (inputs.prev_end == 1) & (inputs.prev_reward > 0)
        down = torch.where(found & (before == 21), 1, down) * int(self.remembers)
        return torch.where(down == 1, DOWN, TOUR[cell]), torch.stack(
            [cell, down], dim=1
        )


for name, agent in {
    "random": Random(4),
    "tourist": Tourist(remembers=False),
    "tourist who remembers": Tourist(remembers=True),
}.items():
    found = evaluate_by_episode(
        play(agent, GridEnv(), grid_tasks(CORNERS, 200), seed=1), 3
    )
    print(
        f"{name:22} return {[round(x, 3) for x in found['return'].tolist()]}"
        f"   steps {[round(x, 1) for x in found['steps'].tolist()]}"
        f"   sum of returns {found['return'].sum():.3f}"
    )

# %% [markdown]
# (The library's versions of your three curves are in `rl2lib.evaluation.curves`, with confidence intervals.)
#
# Such numbers are worth more than a tuned learning rate. A learning curve on the three corners can rest at only
# a few heights, and each has a name:
#
# | the curve is flat at | what the agent does | suspect |
# |---|---|---|
# | -3.60 = 3 · 30 · (-0.04) | it never reaches the goal | the goal does not pay or does not end the episode; the sign of the loss |
# | about -2.6 (printed above) | it walks at random | nothing is learned: the learning rate is too small; the optimiser holds no weights |
# | -1.56 = (3 · 0.84 - 2 · 3.6) / 3, or -1.72 with the far corner | it runs to one corner, always | it grew sure too early: the learning rate is too high, an iteration has too few trials; or all trials of a batch share their goal |
# | 1.68 = (0.84 + 0.68 - 1.2) / 3 + 2 · 0.787 | it tries two corners and then gives up; afterwards it knows | too little exploration: it hardly ever saw the third corner in episode 1 |
# | 2.04 = 3 · 0.68 | the tourist: a good search, repeated | *everything* from before is wiped at an episode's end: the state, and the previous action, reward and flag too (to wipe the state alone would not cost this; 6.6 shows why) |
# | 2.25 | searches once, remembers | nothing |
# | 2.36 = 3 · 0.787 | it knows the goal in episode 1 | the goal leaks into the observation; or there is a single goal |
#
# Read the last line again. A curve can be **too good**. Whoever has not worked out the optimum would celebrate.

# %% [markdown]
# ## 6.5 The exercise, to the letter
#
# *Input = position, previous action, previous reward, flag. Train with REINFORCE on 1,000 episodes.* What it calls
# an episode is our trial (6.1), so that makes 1,000 trials. Whoever counts *our* episodes stops after 333 trials;
# the figure below marks that place.
#
# ### The parts
#
# The next cell asks `own(...)` for three of your answers: `embed_tabular` from 02 (a cell's number is the state of
# a tabular task), `RecurrentPolicy` from 03, `train_step` from 04. You get **yours** where it passes its check,
# and the library's elsewhere; both keep to the same contract. `assemble` puts them together with a recurrent baseline
# and two optimisers (05 shows how, and so does `learner_from_answers.AssembledLearner??` in a cell of its own).


# %% given=true
embed = own("embed_tabular", learner_from_answers.embed_tabular)


class Embedding(nn.Module):
    """Your function as the module that a policy wants in its first place."""

    def __init__(self, observation_shape, num_actions):
        super().__init__()
        self.num_states = max(observation_shape[0], 2)  # one number alone is a bit
        self.num_actions, self.size = num_actions, self.num_states + num_actions + 2

    def forward(self, inputs):
        seen = inputs.observation
        state = seen.argmax(dim=-1) if seen.shape[-1] > 1 else seen[..., 0].long()
        return embed(state, *inputs[1:], self.num_states, self.num_actions)


make_policy = own(
    "RecurrentPolicy",
    learner_from_answers.recurrent_policy(Embedding),
    StepEmbedding=Embedding,
)
take_step = own("train_step", learner_from_answers.train_step)
assemble = partial(learner_from_answers.AssembledLearner, make_policy, take_step)

# %% [markdown]
# What exactly is the policy fed? Put the tourist into a trial whose goal is corner 4, and look at the first six
# inputs, embedded: 25 + 4 + 1 + 1 = **31 numbers** a step. At step 4 the agent stands in cell 0 again, and reward
# and flag say why. The goal is nowhere.

# %%
trial = play(Tourist(remembers=True), GridEnv(), grid_tasks([4]), seed=0)
fed = Embedding((25,), 4)(trial.step_inputs())[0]
for step, row in enumerate(fed[:6]):
    print(
        f"step {step}: {len(row)} numbers: position {row[:25].argmax():2}, previous action "
        f"{row[25:29].int().tolist()}, previous reward {row[29]:5.2f}, flag {row[30]:.0f}"
    )

# %% [markdown]
# ### First the ladder
#
# Four of 04's five rungs take a few seconds (the fifth is about rewards that come by chance, and here none do). A
# rung of this task's own goes on top: a 3 × 3 grid with **one** goal, in the far corner. It needs no memory. If it
# fails, the fault is in the grid, not in the learning to learn. Its best return is $3 \cdot (1 - 4 \cdot 0.04) =
# 2.52$.

# %%
small = probes.Probe(
    name="a goal in a small grid",
    proves="the grid pays at the goal, and the policy reads where it stands",
    suspects="the grid: does the goal pay, end the episode, and put the agent back? Then the observation.",
    distribution=GoalGrids(3, (8,)),
    env=GridEnv(3, horizon=10),
    config=TrainingConfig(60, 32),
    target=2.2,
    best=2.52,
)
for rung in probes.climb(assemble, [*probes.LADDER[:4], small], threads=1):
    print(rung)

# %% [markdown]
# ### Then the thousand
#
# 50 iterations of 20 trials, three seeds, learning rate 0.003: first your agent, then its **twin without a memory**,
# `FeedForwardPolicy`, which is fed the same 31 numbers and has practically as many weights, but no state. All that
# it knows of the past is the previous action, reward and flag. About half a minute.
#
# Before you look: the curve begins at the random walk's -2.6. If it **stays** there, suspect the learning rate or
# the optimiser's weights; if it **drops** to -3.6, the sign of the loss; if it **jumps** to about -1.6 and lies flat,
# a learning rate too high. If it passes 2.25 within 1,000 trials, do not rejoice: look for the goal in the input.

# %%
rate, trials = REINFORCE_SETTINGS.learning_rate, 20
after_1000, curves_1000 = {"recurrent": [], "twin": []}, {"recurrent": [], "twin": []}
for seed in (0, 1, 2):
    generator = make_generators(seed, "weights")["weights"]
    learner = assemble((25,), 4, generator, learning_rate=rate)
    run = train(
        learner, GoalGrids(5, CORNERS), GridEnv(), TrainingConfig(50, trials, seed)
    )
    after_1000["recurrent"].append(learner.policy)
    curves_1000["recurrent"].append(run.history["trial_return"])
    twin, baseline = networks("feedforward", 32, seed)
    learner = Reinforce(twin, baseline, REINFORCE_SETTINGS)
    run = train(
        learner, GoalGrids(5, CORNERS), GridEnv(), TrainingConfig(50, trials, seed)
    )
    after_1000["twin"].append(twin)
    curves_1000["twin"].append(run.history["trial_return"])
for label, agents in after_1000.items():
    sizes = sum(weight.numel() for weight in agents[0].parameters())
    print(f"{label:12}{sizes} weights")

# %%
with style():
    fig, ax = plt.subplots()
    told = []
    for (label, curves), color, line in zip(
        curves_1000.items(), (PALETTE[0], PALETTE[5]), ("-", "--"), strict=True
    ):
        smooth = torch.tensor(curves).unfold(1, 5, 1).mean(dim=-1)  # over 100 trials
        x = trials * torch.arange(5, 51)
        low, high, middle = smooth.amin(dim=0), smooth.amax(dim=0), smooth.mean(dim=0)
        band(ax, x, low, middle, high, label=label, color=color, linestyle=line)
        at_333 = middle[x.tolist().index(340)]
        told.append(
            f"{label}: {middle[0]:.2f} at first, {at_333:.2f} after a third, {middle[-1]:.2f} at the end"
        )
    for height, name in ((2.253, "optimum"), (2.04, "tourist"), (-2.6, "random walk")):
        ax.axhline(height, color="black", linestyle=":", linewidth=1)
        below = {"va": "top"} if name == "tourist" else {"va": "bottom"}
        ax.annotate(name, (0.01, height), xycoords=("axes fraction", "data"), **below)
    ax.axvline(333, color="black", linewidth=1)
    ax.annotate(" 1,000 episodes of ours", (333, 1.2))
    ax.set(xlabel="training trials", ylabel="mean trial return", ylim=(-3.1, 2.6))
    ax.legend(loc=(0.76, 0.72))
    show(
        fig,
        alt="Mean trial return on the three corners over 1,000 trials of REINFORCE, running means over 100 trials, "
        f"mean and range of three seeds. {'; '.join(told)}. Random walk -2.6, optimum 2.25.",
    )
print(*told, sep="\n")

# %% [markdown]
# *Test on held-out goals*, episode by episode, and *compare with a policy that has no recurrence*:

# %%
draw_by_episode(
    {**after_1000, "random": [Random(4)]}, "After 1,000 trials of REINFORCE"
)

# %% [markdown]
# (Marks: mean of three seeds; bands: their range.) This is the exercise, done to the letter, and this is what 1,000
# trials buy:
#
# - On its training goals the recurrent agent is **better than random and far from good**. It misses its goal in about
#   half of the episodes, and episodes 2 and 3 are hardly better than episode 1: no sign of a memory to speak of.
# - The twin without a memory is **ahead**: from the same few trials it has learned more.
# - On held-out goals **neither beats a random walk**.
#
# If you stopped here, as the exercise does, you could write three conclusions: "RL² hardly adapts", "recurrence does
# harm", "it does not generalise". The first two do not follow: the curves are still rising, and a comparison of two
# half-trained agents compares how fast they *begin*. The third is true, but not for the reason that one thinks of
# (6.7). And after 333 trials you would have seen little of anything.
#
# ### More of the same
#
# So let it go on, ten times as long, and beside it a stronger slow learner: PPO, given here and opened in 09.
# A new slow learner climbs first, however well known it is; the two highest rungs will do, since they need what the
# others need. If one failed, suspect the settings: the parts are the same. A few seconds.


# %%
def ppo(observation_shape, num_actions, generator):
    """Make the PPO that trained the agents below."""
    policy, baseline = (
        network(observation_shape, num_actions, 32, generator=generator)
        for network in (RecurrentPolicy, RecurrentBaseline)
    )
    return PPO(policy, baseline, PPO_SETTINGS)


for rung in probes.climb(ppo, [probes.LADDER[3], small], threads=1):
    print(rung)

# %% [markdown]
# The long training takes up to a minute for each agent, so it was done beforehand, with three seeds, with the
# library's parts. One line loads it. If you train one yourself, hold its curve against the table of heights: PPO
# should pass 1.68 before 2,500 trials. A curve that stays near -2.6 says that the learning rate is too small; one
# near -1.6, that it is too high.

# %%
trained = load_or_train("goals")
# They are runs of two tables in results/. Train them yourself, in a terminal, up to a minute for each agent:
# rl2 reproduce goal-gridworld --fresh; rl2 reproduce goal-generalisation --fresh
LONG = "goal-gridworld/3_goals_reinforce_long"
THREE, EVERY = "goal-gridworld/3_goals_ppo", "goal-gridworld/24_goals_ppo"
seeds = range(len(trained.policies(f"{THREE}-recurrent")))


# %%
def plot_training(ax, run, label, **line):
    """Draw a training curve against trials: mean and range of the seeds; return where each seed ended."""
    curves, trials = trained.curves(run), trained.trials(run)
    # running means over 400 trials
    width = min(round(400 * len(trials) / trials[-1].item()), len(trials))
    smooth = curves.unfold(1, width, 1).mean(dim=-1)
    x = trials[width - 1 :]
    low, high = smooth.amin(dim=0), smooth.amax(dim=0)
    band(ax, x, low, smooth.mean(dim=0), high, label=label, **line)
    ax.plot(x, smooth.T, color=line["color"], linestyle="-", linewidth=0.6)
    ax.set(xlabel="training trials", xticks=range(0, 20001, 5000))
    return smooth[:, -1]


with style():
    fig, ax = plt.subplots()
    arrived = {
        label: plot_training(ax, f"{run}-recurrent", label, color=color, linestyle=line)
        for run, label, color, line in (
            (THREE, "PPO", PALETTE[0], "-"),
            (LONG, "REINFORCE", PALETTE[5], "--"),
        )
    }
    ax.axvline(1000, color="black", linewidth=1)
    ax.annotate(" 1,000 trials", (1000, -2.3))
    for height, told in ((2.253, "optimum, 2.25"), (1.68, "two corners, 1.68")):
        ax.axhline(height, color="black", linestyle=":", linewidth=1)
        ax.annotate(told, (1, height), xycoords=("axes fraction", "data"), va="center")
    ax.set(ylabel="mean trial return", ylim=(-2.8, 2.6))
    ax.legend(loc="lower right")
    told = "; ".join(
        f"{label} ends at {end.mean():.2f} (from {end.min():.2f} to {end.max():.2f})"
        for label, end in arrived.items()
    )
    show(
        fig,
        alt="Mean trial return on the three corners against training trials, mean and range of three seeds; the "
        f"optimum is 2.25. At 1,000 trials both are far below it. {told}.",
    )
print("REINFORCE after 10,000 trials, by episode 1, 2, 3")
for seed, end in zip(seeds, arrived["REINFORCE"].tolist(), strict=True):
    agent = trained.policy(f"{LONG}-recurrent", seed)
    say(f"seed {seed}, return {end:.2f}", by_episode([agent], CORNERS))

# %% [markdown]
# (Thick lines: mean of three seeds; thin ones: each seed; bands: their range; running means over 400 trials.)
#
# With PPO all three seeds arrive at the optimum. The band of REINFORCE is as wide as the figure, so look at its seeds
# one by one, beside the table of heights:
#
# - One seed arrives, near **2.25**.
# - One rests near **1.68**: two goals of three in episode 1, and *all* of them in episode 2. We will look at it below.
# - One rose like the others, fell within a few hundred trials, and lies near **-1.6**: to one corner, always. Nothing
#   holds REINFORCE back: it takes a full step on every batch, a lucky one or an unlucky one, and once the policy is
#   sure of itself it tries nothing that could teach it better.
#
# Same code, same settings, three seeds, three heights. PPO's bonus for entropy keeps it trying, and its clipped steps
# keep it from falling; 09 opens it. (We could have chosen the settings, or the seeds, until REINFORCE looked better.
# That is a way to write papers and no way to learn anything.)
#
# So, what do 1,000 trials say? At that point nobody could have told which seed would end where.
#
# Now the one at 1.68, acting greedily, with the goal in the corner that it does not find in episode 1:

# %%
odd = min(seeds, key=lambda seed: abs(arrived["REINFORCE"][seed].item() - 1.68))
agent = trained.policy(f"{LONG}-recurrent", odd).acting("greedy")
for goal in CORNERS:
    trial = play(agent, GridEnv(), grid_tasks([goal]), seed=0)
    cells = trial.observation[0].argmax(dim=-1).tolist()
    first, second = trial.episode_end[0].nonzero().flatten().tolist()[:2]
    if trial.timed_out[0, first]:
        print(f"goal {goal}, episode 1, cells {cells[: first + 1]}: not found")
        print(
            f"         episode 2, cells {cells[first + 1 : second + 1]} and then {goal}"
        )

# %% [markdown]
# It tries two corners, finds nothing, and then *gives up*: it goes on among the places that it knows until time is up.
# In episode 2 it walks straight to the third corner. It was never there! It inferred it: **no reward is evidence
# too.** (You will read that in sparse-reward tasks "the belief cannot be updated until a reward comes". Here it
# plainly is.) Why, then, does it not go there in episode 1? As it got surer of the first two corners it stopped
# trying anything else, and what is never tried is never reinforced.

# %% [markdown]
# ## 6.6 What is the memory good for?
#
# *Compare with a non-recurrent policy.* After 1,000 trials the twin was ahead of the recurrent policy. Was that
# luck, or haste? Here are the two of them after the long training: the same step input, practically as many weights,
# the same slow learner, the same baseline; only the state is missing. Before you run the next cell, write down what
# you expect on the three corners.

# %%
print("PPO, three corners, by episode 1, 2, 3, mean of three seeds")
for kind in ("recurrent", "feedforward"):
    say(kind, by_episode(trained.policies(f"{THREE}-{kind}"), CORNERS))
print("\nREINFORCE, three corners, mean return of the last 1,000 of 10,000 trials")
for kind in ("recurrent", "feedforward"):
    curves, trials = trained.curves(f"{LONG}-{kind}"), trained.trials(f"{LONG}-{kind}")
    ends = curves[:, trials > trials[-1] - 1000].mean(dim=1)
    print(f"{kind:24}" + "   ".join(f"seed {r}: {x:5.2f}" for r, x in enumerate(ends)))

# %% [markdown]
# The twin without a memory is **as good**, with PPO and with REINFORCE. Episode 2 is better than episode 1, it
# "adapts", and yet there is nothing in it that could hold anything for longer than a step. How? Watch one:

# %%
twin = trained.policy(f"{THREE}-feedforward").acting("greedy")
names = ("up", "right", "down", "left")
for goal in CORNERS:
    trial = play(twin, GridEnv(), grid_tasks([goal]), seed=0)
    cells = trial.observation[0].argmax(dim=-1).tolist()
    first, second = trial.episode_end[0].nonzero().flatten().tolist()[:2]
    print(f"goal {goal:2}, episode 1 from {cells[: first + 1]}")
    print(f"         its last action there is {names[int(trial.action[0, first])]!r}")
    print(f"         episode 2 from {cells[first + 1 : second + 1]}")

# %% [markdown]
# At the first step of episode 2 the twin is fed cell 0, the flag, and its *previous action*. And each corner was
# entered by an action of its own! So the previous action **names the goal**, for one step, and that is the step
# at which the ways part. From then on the edge along which it walks says where it is going. **The memory is in
# the world**: in the action just taken and in the place where it stands.
#
# So on three corners the comparison that the exercise asks for shows *nothing* about memory, however carefully
# it is done. A task can be solved without the faculty that it was made to test. That is worth checking whenever
# somebody, you included, reports that an agent "uses its memory".
#
# What to do? Make the secret too large for the world to hold. With the goal in any of the 24 cells:
#
# - a search must sweep the grid. In the best case every step enters a new cell, so the goal is found after 1, 2,
#   ..., 24 steps, on average 12.5: a return of 0.5;
# - from then on the shortest way: its mean length over the 24 cells is $100 / 24 = 4.17$, a return of 0.833;
# - the optimum is $0.5 + 2 \cdot 0.833 = 2.167$, and a perfect sweeper without memory earns $3 \cdot 0.5 =
#   1.5$.

# %%
with style():
    fig, axes = plt.subplots(1, 2, figsize=(9.2, 3.6), constrained_layout=True)
    ends = {}
    for kind, color, line in (
        ("recurrent", PALETTE[0], "-"),
        ("feedforward", PALETTE[5], "--"),
    ):
        for ax, goals, run in zip(
            axes, ("three goals", "all goals"), (THREE, EVERY), strict=True
        ):
            ends[kind, goals] = plot_training(
                ax, f"{run}-{kind}", kind, color=color, linestyle=line
            )
    for ax, title, marks in (
        (axes[0], "three corners", ((2.253, "optimum"), (2.04, "tourist"))),
        (axes[1], "all 24 cells", ((2.167, "optimum"), (1.5, "sweeper"))),
    ):
        for height, told in marks:
            ax.axhline(height, color="black", linestyle=":", linewidth=1)
            above = {"va": "bottom"} if told != "tourist" else {"va": "top"}
            ax.annotate(
                told, (0.01, height), xycoords=("axes fraction", "data"), **above
            )
        ax.set(title=title, ylim=(-2.8, 2.6))
    axes[0].set(ylabel="mean trial return")
    axes[1].legend(loc="lower right")
    told = "; ".join(
        f"{kind} on {goals} ends at {end.mean():.2f} (from {end.min():.2f} to {end.max():.2f})"
        for (kind, goals), end in ends.items()
    )
    show(
        fig,
        alt="Mean trial return against training trials, recurrent policy and feedforward twin, mean and range of "
        f"three seeds. The optimum is 2.25 on three corners and 2.17 on all cells. {told}.",
    )
print("all 24 cells, by episode 1, 2, 3, mean of three seeds")
for kind in ("recurrent", "feedforward"):
    say(kind, by_episode(trained.policies(f"{EVERY}-{kind}"), ALL_CELLS, copies=20))

# %% [markdown]
# There it is, the twin's plateau. On the right the recurrent policy searches once and then walks straight. The
# twin sweeps the grid in every episode anew, and settles near what a sweeper earns. Only now does "episode 2 is
# better than episode 1" say something about memory, since the alternative was tried and fails.

# %% [markdown]
# ## 6.7 A fourth goal
#
# *Test on held-out goals.* The agents that PPO trained on three corners, perfect there, meet the 21 other cells.
# What would you suspect if they found them all? That a held-out cell was a training goal, or that the goal shows.

# %%
draw_by_episode(
    {
        "recurrent": trained.policies(f"{THREE}-recurrent"),
        "twin": trained.policies(f"{THREE}-feedforward"),
        "random": [Random(4)],
    },
    "Trained on three corners with PPO",
)

# %% [markdown]
# (On the training goals recurrent policy and twin lie on each other.) On held-out goals the agent is no better than a
# random walk, and where it does find one, the reason is boring. The
# tour passes along three edges, and nine of the 21 held-out cells lie on them: $9/21 = 0.43$. If the tour of episode
# 2 goes the other way round, the fourth edge is seen as well: $12/21 = 0.57$. The nine inner cells are not on the
# way to anything this agent believes in. Put the goal where it never was, in the middle, and watch (squares mark the
# cells that were goals in training):

# %%
Patrol().show()

# %% [markdown]
# The agent trained on three corners **patrols three cells**. Corner, corner, corner, and back, for thirty steps,
# three episodes long, while the goal lies two steps from its path. It is not stupid. In its whole life the goal has
# been in a corner, and given *that* the tour of the corners is the best there is. Its prior puts no weight on the
# middle, and no evidence moves a belief that is zero. What to do when all three corners are empty it was never
# taught: in its world that does not happen.
#
# Switch to the agent trained on all 24 cells: it sweeps the grid, and finds the goal wherever you put it. Then to
# the one trained on 18 cells, and try the six others. Some it finds every time, others never. What decides?
#
# So what happens on a fourth goal is settled by the **distribution of training tasks**, not by how well the agent
# was trained. A held-out test on three goals does not measure a weakness of RL²; it measures the experimenter's
# choice of three. Would more goals do?
#
# ## Exercise 6.5: the generalisation curve
#
# For each repetition you are given an **order** of all cells. The *last* `num_held_out` of it are held out, for
# every count the same ones. For a count $k$ the *first* $k$ are training goals. (Counts are never so large that
# the two meet; a cell between them is used for neither.) For every repetition and every count, train a fresh agent and measure its success twice: on its
# training goals, and on the held-out goals.
#
# - `train(goals, repetition)` returns an agent; the repetition serves as its seed.
# - `success(agent, goals)` returns a number from 0 to 1.
#
# Return both curves with **all** repetitions, `[R, C]`: R orders, C counts. No mean and no best: the spread is
# half of the result.
#
# *By hand*: one order `[4, 20, 24, 12, 7, 9]`, counts `[1, 3]`, two held out. Agent one is trained on `[4]`, tested
# on `[4]` and on `[7, 9]`. Agent two is trained on `[4, 20, 24]`, tested on `[4, 20, 24]` and on `[7, 9]`. Cell 12
# plays no part. Both results have the shape `[1, 2]`.
#
# Grading is about the **measurement**: your function is run with a scripted trainer that writes down what you
# asked for. No score of yours depends on how well an agent finds anything.


# %% exercise="generalisation_curve" minutes=15 difficulty=3
def generalisation_curve(
    orders: list[list[int]],
    counts: list[int],
    num_held_out: int,
    train: Callable,
    success: Callable,
) -> dict[str, Tensor]:
    """Measure success on training goals and on held-out goals against the number of training goals.

    Args:
        orders: R orders of all cells, one for each repetition.
        counts: C numbers of training goals; the first k cells of an order.
        num_held_out: goals for the test; the last cells of an order.
        train: train(goals, repetition) -> a fresh agent.
        success: success(agent, goals) -> float in [0, 1].

    Returns:
        "training" and "held_out", each [R, C] float32.
    """
    ### BEGIN SOLUTION
    rows = {"training": [], "held_out": []}
    for repetition, order in enumerate(orders):
        agents = [train(order[:count], repetition) for count in counts]
        held_out = order[-num_held_out:]
        rows["training"].append(
            [success(a, order[:k]) for a, k in zip(agents, counts, strict=True)]
        )
        rows["held_out"].append([success(agent, held_out) for agent in agents])
    return {name: torch.tensor(values) for name, values in rows.items()}
    ### END SOLUTION


# %% check="generalisation_curve" points=5
check("generalisation_curve")

# %% [markdown] hint="generalisation_curve"
# Two loops: over repetitions (with their order), and inside over counts. In the inner one: train once, test
# twice.

# %% [markdown] hint="generalisation_curve"
# `order[:count]` are the training goals, `order[-num_held_out:]` the held-out ones. The second does not depend on
# the count. `enumerate(orders)` gives the repetition's number, which `train` wants.

# %% [markdown] hint="generalisation_curve"
# Collect a list of numbers for each repetition, a list of those for each of the two curves, and turn them into
# tensors at the end: `torch.tensor([[...], [...]])` is `[R, C]`.

# %% [markdown]
# Now with agents in place of the script. `train` takes a ready-made agent (150 iterations of PPO each, trained as
# your function would ask); `success` plays 40 trials on every goal and counts the episodes that found it. Know
# beforehand what a broken measurement would look like:
#
# | you see | suspect |
# |---|---|
# | the training curve falls below 0.9 | agents trained too briefly: then the held-out curve says nothing about goals |
# | the held-out curve is at 1 from the first count on | held-out goals among the training goals, or the goal in the observation |
# | both curves are the same | both calls of `success` got the same goals |
# | the held-out curve rises in a straight line to 1 | it was tested on *all* goals, those of training among them |
# | no band | one repetition, or the mean of them |


# %%
def ready_made(goals, repetition):
    """Return the agent that was trained on these goals with this seed."""
    (name,) = (name for name, count in NUM_GOALS.items() if count == len(goals))
    if len(goals) == 18:  # repetition r holds out the r-th fold of goal-gridworld
        name = f"{name}_{'abc'[repetition]}-recurrent"
        return trained.policy(f"goal-gridworld/{name}", repetition)
    return trained.policy(f"goal-generalisation/{name}", repetition)


def share_found(agent, goals, copies=40):
    """Return the share of all episodes in which a goal was found."""
    trials = play(agent, GridEnv(), grid_tasks(goals, copies), seed=3)
    ended = trials.episode_end & trials.mask
    return ((ended & ~trials.timed_out).sum() / ended.sum()).item()


orders = [order_of(seed) for seed in seeds]
counts = list(NUM_GOALS.values())
measured = generalisation_curve(orders, counts, NUM_HELD_OUT, ready_made, share_found)
held_out = [order[-NUM_HELD_OUT:] for order in orders]
luck = sum(share_found(Random(4), goals) for goals in held_out) / len(orders)
met_all = trained.policies(f"{EVERY}-recurrent")  # for these no goal is new
every = sum(map(share_found, met_all, held_out)) / len(orders)

# %%
with style():
    fig, ax = plt.subplots()
    for name, label, color, line, marker in (
        ("training", "on its training goals", PALETTE[0], "-", "o"),
        ("held_out", "on six held-out goals", PALETTE[5], "--", "s"),
    ):
        low, high = measured[name].amin(dim=0), measured[name].amax(dim=0)
        shape = {"color": color, "linestyle": line, "marker": marker}
        band(ax, counts, low, measured[name].mean(dim=0), high, label=label, **shape)
    ax.axhline(luck, color="black", linestyle=":", label="random walk, held-out goals")
    ax.plot(24, every, marker="*", markersize=12, color="black", linestyle="none")
    ax.annotate("trained on\nall 24", (24, every - 0.05), ha="center", va="top")
    ax.set(
        xlabel="number of training goals",
        ylabel="episodes that find the goal",
        xticks=[*counts, 24],
        xlim=(0, 26),
        ylim=(0, 1.05),
    )
    ax.legend(loc="lower right")
    show(
        fig,
        alt="Share of episodes that find the goal against the number of training goals, mean and range of three "
        "repetitions. "
        + "; ".join(
            f"{k} training goals: {a:.2f} on them, {b:.2f} on held-out ones"
            for k, a, b in zip(
                counts,
                measured["training"].mean(dim=0).tolist(),
                measured["held_out"].mean(dim=0).tolist(),
                strict=True,
            )
        )
        + f". A random walk finds {luck:.2f} of the held-out ones, agents trained on all 24 cells {every:.2f}.",
    )
for r in range(len(orders)):
    print(
        f"repetition {r}, held-out success by count: {[round(x, 2) for x in measured['held_out'][r].tolist()]}"
    )

# %% [markdown]
# This is not the curve that one hopes for. On its training goals every agent is perfect, whatever their number. On
# held-out goals the agents with one training goal find *fewer* than a random walk does: they have learned,
# thoroughly, where not to look. With six goals, and with 18 of the 24 cells, some repetitions find more than a random
# walk and others about as many: a band this wide, of three repetitions, does not show that they search at all. Only
# those for which every cell had been a goal look everywhere. Now one by one, for the agents with 18 training goals:

# %%
for r, (order, goals) in enumerate(zip(orders, held_out, strict=True)):
    agent = ready_made(order[:18], r)
    shares = ", ".join(f"{goal}: {share_found(agent, [goal]):.2f}" for goal in goals)
    print(f"repetition {r}, share found of each held-out goal  {shares}")

# %% [markdown]
# Many of these numbers are near 1 or near 0. The agents do not "generalise a little". A held-out goal that lies on
# the way to other goals is found; one that does not is never looked for. Two reasons, and neither is a fault of
# training:
#
# - **It is right not to look.** In its tasks a goal in one of those six cells has probability zero, and a look costs
#   0.04 a step. The best agent for 18 goals visits 18 cells. Meta-learning makes an agent good *on its
#   distribution of tasks*; about the rest nothing was promised.
# - **Nothing ties one cell to another.** The observation is one-hot: whatever is learned about cell 11 says nothing
#   about cell 12. There is no "neighbour" in it by which "goals may be anywhere" could spread.
#
# Longer training changes neither, nor does a larger network. Goals in every cell do. Whether an observation in which
# places resemble each other (row and column, or a picture) helps, is a good question for an experiment of your own.
#
# Mind the band as well. Which cells happen to be held out matters a lot: a single repetition would have told you
# one of several stories.
#
# ### Where else this happens
#
# The three corners are a toy, and the pattern is everywhere. A dialogue system that was trained on three kinds of
# customers asks the questions that tell these three apart, and serves a fourth kind as one of them. A game AI that
# learned to adapt to three styles of play takes a new opponent for the nearest of the three. Better training on the
# same three makes it worse. What helps is to train on what you will meet, and to measure on what you kept apart.

# %% [markdown]
# ## Quiz

# %% [markdown] quiz="goal_moves_every_episode"
# Somebody draws a new goal at every *episode*, not at every trial, and trains a recurrent policy. What will the
# curve by episode look like?
# - [ ] It rises from episode 1 to 3, only more slowly. :: What should it have learned in episode 1 that helps in
#   episode 2?
# - [x] Flat: every episode is as good as the first. :: Yes. The past says nothing about the new goal, so the best
#   agent searches in the same way each time. Nothing to adapt to.
# - [ ] It falls, since the agent goes to old goals. :: Training would soon remove that: going there does not pay.
# - [ ] The training diverges. :: It is an ordinary task now, and an easy one.

# %% [markdown] quiz="curve_too_good"
# Your curve on the three corners rises to 2.36 and stays there. What do you do?
# - [ ] Report it: it is above 2.25. :: No agent can search in fewer than 8 steps on average. What does this one know
#   that it should not?
# - [ ] Train longer. :: It is as good as it can get: 3 · 0.787 is the shortest way in every episode.
# - [x] Look for the goal in the observation. :: Yes. 2.36 is what an agent earns that knows the goal in episode 1.
#   (Or all trials share one goal.)
# - [ ] Lower the learning rate. :: Nothing is unstable here.

# %% [markdown] quiz="twin_on_three_corners"
# On the three corners the feedforward twin gets better from episode 1 to episode 2. What does that prove?
# - [ ] That it has a hidden state after all. :: Its state has size 0. Look at its input instead.
# - [ ] That a recurrent policy is never needed. :: On 24 goals it is; the twin stays near the sweeper's return.
# - [x] That on these goals the previous action and the position are memory enough; the task does not test memory.
#   :: Yes. Improvement within a trial shows adaptation, not where the memory sits.
# - [ ] That the weights changed during the trial. :: They are frozen. Everything that happens in a trial comes
#   through the input.

# %% [markdown] quiz="gives_up_and_knows"
# An agent tries two corners, times out, and goes straight to the third in episode 2. Where did it get that from?
# - [ ] From the reward of the third corner. :: It had not been there.
# - [x] From the two visits without a reward, and from the time-out's flag. :: Yes. No reward at a place where the
#   goal might have been is evidence, and it excludes that place.
# - [ ] From the observation, which shows the goal. :: It shows the agent's own cell, nothing else.
# - [ ] From the weights: it always goes there in episode 2. :: In trials with other goals it goes elsewhere.

# %% [markdown] quiz="same_held_out_goals"
# Why must all agents of one repetition be tested on the same held-out goals?
# - [x] Otherwise the points of the curve differ in their test as well as in their training, and nobody can say which
#   of the two made the difference. :: Yes. Some goals are easier than others; "all that is left" changes with k.
# - [ ] Because testing takes long. :: It takes a second.
# - [ ] Because held-out goals must not be drawn at random. :: They may; here each repetition's order is random. They
#   must be drawn once.
# - [ ] Because the agents would otherwise see each other's goals. :: Each is trained alone.

# %% [markdown] quiz="three_goals_longer"
# The agent trained on three corners finds few held-out goals. Which change helps?
# - [ ] Ten times as many training trials on the same three corners. :: It is optimal there already. More of the same
#   makes it surer that goals are in corners.
# - [ ] A larger hidden state. :: It remembers three corners perfectly. It lacks a reason to look elsewhere.
# - [ ] Fifteen more training goals, none of them a test goal. :: A natural hope. Section 6.7 measured it: sometimes
#   more than a random walk, sometimes not, namely those on the way.
# - [x] Training goals in every cell where you will want it to look. :: Yes. It looks where its tasks had their goals.
#   (Then these cells are no longer held out, and you need another test.)
# - [ ] Greedy actions at test time. :: Then it patrols without a slip, and finds even less.

# %% [markdown]
# ## Summary
#
# - The **task** is the goal. It lasts for the trial, is part of the state and **never** of the observation. A
#   time-out is an episode's end like any other, and the policy must see its flag.
# - Work out by hand what the best, the forgetful and the broken agent earn, **before** training. A curve's height
#   then names the fault, and a curve that is too good is found out.
# - **By episode** of the trial: that is where adaptation shows. And a twin without a memory is what tells you
#   whether it needed one: on three corners it did not (2.25 of 2.25), on 24 cells it does.
# - 1,000 trials of REINFORCE: better than random, far from good, hardly a memory, behind the twin, and on held-out
#   goals no better than a random walk. Ten times as many: one seed is
#   optimal, one tries two corners and infers the third, one has fallen back to a single corner. PPO: the optimum,
#   three times.
# - **No reward is evidence too.**
# - An agent looks where its training tasks had their goals, and nowhere else: three goals make a patrol, and even 18
#   of 24 find the rest only on the way. That is optimal *for its tasks*. Measure it on goals held out **before**
#   training, the same for all, beside a random walk, with all repetitions shown.
#
# **Next:** 07, where the position is hidden as well. **To read:** Duan et al. 2016, sections 2.2 and 3.3 (mazes: the
# same question with pictures); Wang et al. 2016, section 3.2.3 (goals that are found once and then revisited); Cobbe
# et al., "Quantifying generalization in reinforcement learning" (2019), for curves against the number of training
# levels.

# %%
progress()
