# %% [markdown] title="What the agent is fed" reading=35 needs="00 01"
# # 02 · What the agent is fed
#
# In [01](01_tasks_and_trials.ipynb) you wrote learning algorithms for bandits: Thompson sampling, UCB1, the
# Bayes-optimal player. Each kept a few counts and read two things after every pull: *which arm did I pull?* and
# *what did it pay?*
#
# RL² **treats the learning algorithm as a policy**: a recurrent network whose hidden state takes the place of
# the counts. The network will be trained slowly, over many tasks (hence "fast reinforcement learning via slow
# reinforcement learning"). But whatever a learning algorithm needs to be told, the network needs to be told
# too, at every step, through its input. This notebook builds that input. It is short, it is easy to get wrong
# by one step, and an agent fed wrongly does not crash: it just never learns to learn.
#
# **You will be able to**
#
# - turn the record of a trial into the inputs $(o_t, a_{t-1}, r_{t-1}, d_{t-1})$ that the policy was fed,
#   across episode ends, without an off-by-one;
# - say what each of the four columns is worth, from a measurement;
# - embed a step for bandits, for tabular tasks and for images;
# - explain when the placeholder at a trial's start can be mistaken for data, and what resolves it.
#
# **You need** [00](00_start_here.ipynb) (the loop of write, check, hint), [01](01_tasks_and_trials.ipynb)
# (tasks, trials, counts; on the weekend route its summary is enough), and PyTorch tensors as far as indexing
# and `torch.cat`. From here on everything is in
# torch. No network is trained in this notebook, and no cell takes longer than a few seconds.
#
# **Time:** about {minutes} minutes.

# %% setup=true
import math

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from rl2lib.agents.bandit import Greedy, Random
from rl2lib.evaluation.figures import MARKERS, PALETTE, band, show, style
from rl2lib.lab import check, hint, progress, quiz, solution, submit
from rl2lib.lab.explorables.be_the_rnn import BeTheRNN
from rl2lib.rollout import rollout
from rl2lib.tasks.bandit import BanditEnv, IndependentBandits
from rl2lib.types import StepInput

torch.set_num_threads(1)  # small networks: more threads stand in each other's way

# %% [markdown]
# ## 2.1 Four columns
#
# First the words, as the whole course uses them. A **task** is one decision problem (an MDP, or one whose
# state is seen only in part), drawn from a distribution and unknown to the agent. A **trial** is several
# **episodes** on that one task. The agent's state, counts or hidden vector, is made fresh at the trial's start
# and lives until the trial's end, across all its episodes.
#
# Here is a task small enough for paper. A corridor has five cells, 0 to 4. Every episode starts in cell 2.
# Action 0 goes left, action 1 goes right. One end pays 1 and ends the episode; the other end pays nothing.
# Which end it is differs from task to task, and nobody tells you. An episode is cut off after three steps. In
# this trial the goal is cell 4, and we look at its first six steps:
#
# | step $t$ | cell $o_t$ | action $a_t$ | reward $r_t$ | episode ends? $d_t$ | what the environment shows next |
# |---|---|---|---|---|---|
# | 0 | 2 | 1 (right) | 0 | no | 3 |
# | 1 | 3 | 1 (right) | 1 | **yes**, goal | 2: the next episode has begun |
# | 2 | 2 | 1 (right) | 0 | no | 3 |
# | 3 | 3 | 0 (left) | 0 | no | 2 |
# | 4 | 2 | 1 (right) | 0 | **yes**, three steps are over | 2: the next episode has begun |
# | 5 | 2 | 1 (right) | 0 | no | 3 |
#
# A programmer who reads the table sees three episodes. A *learning algorithm* should see a lesson: going right
# twice from cell 2 paid, so do it again. To draw that conclusion at step 2 you must know four things: where
# you are now ($o_2$), what you just did ($a_1$), what it paid ($r_1$), and that an episode ended ($d_1$), so
# that the jump from cell 4 back to cell 2 was a restart and not a property of the corridor. Hence the input of
# RL² (Duan et al. 2016, section 2.2), one **step input** per step:
#
# $$x_t = (o_t,\; a_{t-1},\; r_{t-1},\; d_{t-1})$$
#
# The observation is of *now*; the other three are of *one step ago*. They are the answer to "what happened
# since you last acted?".
#
# The library's name for this record is `StepInput(observation, prev_action, prev_reward, prev_end)`. A policy
# gets one per step, with leading dimension `[B]` (B trials side by side); a whole batch of trials is the same
# record with `[B, T]`. Actions are int64; rewards and flags are float32, because a network will read them.
#
# **Why must the network be told its own action?** Because it does not know it. The network puts out a softmax;
# the action is *drawn* from it, outside. Arm 3 with probability 0.4 and arm 1 with probability 0.3 is all the
# network ever said. Only $a_{t-1}$ in the next input tells which arm the reward belongs to.

# %% [markdown]
# ### What the environment returns when an episode ends
#
# This is the place where implementations differ, so here is ours, and it does not change for the rest of the
# course:
#
# - `env.reset(tasks, generator)` is called once per **trial** and returns $o_0$.
# - `env.step(actions)` returns a reward, an observation and flags. When the episode ends, **the next episode of
#   the same task starts by itself**: `observation` is already the *next episode's first* observation, and
#   `episode_end` is true. Nobody calls `reset` in between.
# - `episode_end` is the flag $d$ that the policy is fed. A time-out sets it too. (A second flag, `timed_out`,
#   tells the two apart for the outer loop; the policy does not see it.)
# - Some environments also hand over the state the episode really stopped in (Gymnasium calls it `final_obs`). A
#   value function wants it; the policy's input does not.
#
# The given code below is the corridor with exactly this behaviour. It returns everything that happened,
# as the environment returned it: the raw material of exercise 2.2.


# %% given=true
def corridor_record(
    goal: Tensor, actions: Tensor, horizon: int = 3
) -> dict[str, Tensor]:
    """Play fixed actions [B, T] in B corridors whose paying ends are goal [B] (0 or 4)."""
    cell = torch.full_like(goal, 2)
    age = torch.zeros_like(goal)  # steps taken in the present episode
    steps = []
    for action in actions.unbind(dim=1):
        final = cell + torch.where(action == 1, 1, -1)
        final = final.clamp(0, 4)
        reached = final == goal
        age = age + 1
        end = reached | (age == horizon)
        cell = torch.where(end, 2, final)  # the next episode starts by itself
        age = torch.where(end, 0, age)
        steps.append((reached.float(), end, cell, final))
    rewards, episode_ends, observations, final_observations = (
        torch.stack(column, dim=1) for column in zip(*steps, strict=True)
    )
    return {
        "first_observation": torch.full_like(goal, 2),  # [B], from reset
        "actions": actions,  # [B, T] int64
        "rewards": rewards,  # [B, T] float32
        "episode_ends": episode_ends,  # [B, T] bool
        "observations": observations,  # [B, T], what step returned: the next episode's first cell after an end
        "final_observations": final_observations,  # [B, T], where that step really led
    }


paper_trial = corridor_record(
    goal=torch.tensor([4]), actions=torch.tensor([[1, 1, 1, 0, 1, 1]])
)
for name, values in paper_trial.items():
    print(f"{name:20}", values[0].tolist())

# %% [markdown]
# The last two lines differ at steps 1 and 4, where episodes ended. The table's last column is the first of
# them.
#
# ### Play it yourself
#
# Below, **you are the RNN**. You see the stream of step inputs of a three-armed bandit, one row per step, and
# you answer each row by leaning to an arm. Leaning: like a softmax, the game now and then draws another arm
# than you leaned to (one time in four it draws any of the three). You have 12 pulls. Beside you, on the same
# bandit with the same luck, plays an agent that keeps counts and sees every column.
#
# Play once with nothing masked. Then mask the previous **action** and play another bandit; then the previous
# **reward**; then the **flag**. (In a bandit every pull is a whole episode, so the flag is 1 in every row but
# the first, and the observation is always 0.) Hidden entries are uncovered when the game is over.

# %%
BeTheRNN().show()

# %% [markdown]
# Did the masked action hurt? You still remember your leanings, and they are right five times in six (3/4, plus
# a third of 1/4). A network is in the same place: it may remember its softmax, but not the draw. While it
# explores, its softmax is broad, and then that memory is worth little.

# %% [markdown]
# ## 2.2 What is each column worth?
#
# Your own games are a small sample. So let us measure, with an agent whose algorithm we know: `Greedy` counts
# wins and losses of every arm *from the stream alone*, as any policy must, and pulls the arm of the highest
# posterior mean $(\text{wins}+1)/(\text{pulls}+2)$. The wrapper below puts a zero wherever the masked column
# would have been, and otherwise leaves the agent as it is. We use 20,000 bandits of 5 arms and 10 pulls, the
# same bandits and the same luck for every row, and score the *expected* reward of each chosen arm, which has
# less noise than the sampled one.


# %%
class Masked:
    """A policy that reads 0 in one column of its input at every step."""

    def __init__(self, policy, column):
        self.policy, self.column = policy, column

    def initial_state(self, batch_size, tasks=None):
        return self.policy.initial_state(batch_size)

    def act(self, state, inputs, generator):
        blank = torch.zeros_like(getattr(inputs, self.column))
        return self.policy.act(
            state, inputs._replace(**{self.column: blank}), generator
        )


def play_bandits(policy, num_arms=5, num_pulls=10, num_bandits=20_000):
    """Return the expected trial return on each bandit, [num_bandits]; the same bandits at every call."""
    tasks = IndependentBandits(num_arms).sample(
        num_bandits, torch.Generator().manual_seed(1)
    )
    trajectory = rollout(
        policy,
        BanditEnv(num_arms, num_pulls),
        tasks,
        policy_generator=torch.Generator().manual_seed(2),
        env_generator=torch.Generator().manual_seed(3),
    )
    return trajectory.trial_return(expected=True)


def mean_and_half_width(values):
    """Return the mean and the half-width of its 95% confidence interval."""
    return values.mean().item(), 1.96 * values.std().item() / math.sqrt(len(values))


agents = {
    "all four columns": Greedy(5),
    "no observation": Masked(Greedy(5), "observation"),
    "no flag": Masked(Greedy(5), "prev_end"),
    "no previous action": Masked(Greedy(5), "prev_action"),
    "no previous reward": Masked(Greedy(5), "prev_reward"),
    "random arms": Random(5),
}
bandit_returns = {name: play_bandits(agent) for name, agent in agents.items()}
for name, returns in bandit_returns.items():
    mean, half = mean_and_half_width(returns)
    change, change_half = mean_and_half_width(
        returns - bandit_returns["all four columns"]
    )
    print(
        f"{name:20} {mean:.3f} ± {half:.3f}    against all columns: {change:+.3f} ± {change_half:.3f}"
    )

# %%
with style():
    fig, ax = plt.subplots(figsize=(6.4, 3.0))
    for row, (name, returns) in enumerate(bandit_returns.items()):
        mean, half = mean_and_half_width(returns)
        filled = PALETTE[0] if name == "all four columns" else "white"
        ax.errorbar(
            mean,
            row,
            xerr=half,
            fmt=MARKERS[row],
            color=PALETTE[0],
            mfc=filled,
            capsize=4,
            markersize=7,
        )
        ax.text(mean + 0.09, row, f"{mean:.2f}", va="center")
    ax.set(
        yticks=range(len(bandit_returns)), yticklabels=bandit_returns, xlim=(4.7, 7.0)
    )
    ax.set(xlabel="expected trial return, 10 pulls (95% interval)")
    ax.invert_yaxis()
    means = ", ".join(
        f"{name} {returns.mean():.2f}" for name, returns in bandit_returns.items()
    )
    show(
        fig,
        alt=f"Trial return of the greedy counting agent when one column of its input is masked: {means}",
    )

# %% [markdown]
# Read it row by row.
#
# - **No reward**: the agent believes that every pull failed, so it walks round the arms for ever. It earns what
#   random arms earn, 5 in 10 pulls. Nothing is learned.
# - **No action**: every reward is credited to arm 0. It still leaves arm 0 when pulls fail and returns
#   when they pay, but it learns nothing about the other arms. That is worth about a quarter of what the full
#   stream gives over chance.
# - **No observation, no flag**: not one action changes; the differences are exactly zero. A bandit shows
#   nothing, and *every* pull ends an episode: a flag that always says the same tells nothing. It does **not**
#   matter here. (The agent of notebook 01 took the flag as a sign that a pull had been made. This one counts
#   its steps.)
#
# So is the flag useless? Look at a task whose episodes are longer than one step.
#
# ### What the flag is for
#
# Suppose the agent wants to learn where its actions lead. It counts transitions $(o_{t-1}, a_{t-1}) \to o_t$,
# straight from the stream. When an episode ends, the next observation is the start of a new episode: that pair
# is *not* a transition of the task. With the flag the agent skips it. Without the flag it cannot, and learns
# that the last action of each episode "teleports" it home. The cell below measures the error of the counted
# model (total variation distance: 0 is perfect, 1 is as wrong as can be) on 1,000 random MDPs with 5 states,
# 2 actions and episodes of 5 steps, under random actions.


# %%
def model_error(
    num_tasks=1000, num_states=5, num_actions=2, horizon=5, num_steps=2000, every=20
):
    """Return, with and without the flag, the error of a counted transition model, [num_tasks, num_steps / every].

    The error is the total variation distance to the true next-state distribution, averaged over all (s, a).
    """
    generator = torch.Generator().manual_seed(4)
    exponential = -torch.rand(
        num_tasks, num_states, num_actions, num_states, generator=generator
    ).log()
    truth = exponential / exponential.sum(
        dim=-1, keepdim=True
    )  # each row uniform on the simplex
    rows = torch.arange(num_tasks)
    state = torch.zeros(num_tasks, dtype=torch.int64)
    counts = {
        name: torch.ones_like(truth) for name in ("with the flag", "without the flag")
    }
    errors = {name: [] for name in counts}
    for step in range(1, num_steps + 1):
        action = torch.randint(num_actions, (num_tasks,), generator=generator)
        following = torch.multinomial(
            truth[rows, state, action], 1, generator=generator
        ).squeeze(1)
        episode_end = step % horizon == 0
        observation = (
            torch.zeros_like(following) if episode_end else following
        )  # episodes start in state 0
        counts["without the flag"][rows, state, action, observation] += 1
        if not episode_end:
            counts["with the flag"][rows, state, action, observation] += 1
        state = observation
        if step % every == 0:
            for name, count in counts.items():
                model = count / count.sum(dim=-1, keepdim=True)
                errors[name].append(
                    0.5 * (model - truth).abs().sum(dim=-1).mean(dim=(1, 2))
                )
    return {name: torch.stack(error, dim=1) for name, error in errors.items()}


errors = model_error()
with style():
    fig, ax = plt.subplots()
    steps = torch.arange(20, 2001, 20)
    for (name, error), line in zip(errors.items(), ("-", "--"), strict=True):
        mean, half = error.mean(dim=0), 1.96 * error.std(dim=0) / math.sqrt(len(error))
        band(ax, steps, mean - half, mean, mean + half, label=name, linestyle=line)
        ax.annotate(f"{mean[-1]:.2f}", (2015, mean[-1]), va="center")
    ax.set(
        xlabel="steps of the trial (an episode is 5 steps)",
        ylabel="error of the learned model",
        ylim=(0, None),
    )
    ax.legend()
    alt = "Error of the counted model over 2000 steps. "
    alt += "; ".join(
        f"{name} it falls from {e[:, 0].mean():.2f} to {e[:, -1].mean():.2f}"
        for name, e in errors.items()
    )
    show(fig, alt=alt)

# %% [markdown]
# With the flag the error keeps falling. Without it, it levels off near 0.18: one pair in five is a restart,
# counted as if it were a move of the task, and no amount of data repairs that. (The bands are 95% intervals
# over the 1,000 MDPs; they are about as thin as the lines.)
#
# An RL² agent is not told *how* to use the flag. It is given the column, and training finds the use.
#
# ### Why reward and flag go in "as is"
#
# Section 2.3 turns states and actions into vectors. Rewards and flags go in *as they are* (Duan et al.,
# appendix A), and it is easy to see why tidying them up would hurt. Let arm 0 always pay 1 and arm 1 always
# pay 3. Clip rewards to $[-1, 1]$, a habit from Atari, and both arms pay 1: the stream no longer contains the
# difference that the agent is scored on. Standardise over the batch, and a reward of this task depends on
# *other* tasks that happened to be drawn beside it. The reward is the fast learner's data, in the unit it will
# be judged in. The flag is 0 or 1 already.

# %% [markdown]
# ## Exercise 2.1: a trial's first input
#
# At step 0 of a trial the agent has seen nothing but $o_0$: there is no previous action, reward or flag. The
# network's input has a fixed width, so those columns need *some* value, a **placeholder**. Ours are Duan et
# al.'s (footnote 1 and appendix A): **action 0, reward 0, flag 0**. The observation is not a placeholder: it is
# the real $o_0$.
#
# *By hand.* For two corridors, $o_0 = (2, 2)$, the answer is
# `StepInput(observation=[2, 2], prev_action=[0, 0], prev_reward=[0., 0.], prev_end=[0., 0.])`.
#
# The library has this too (`StepInput.first`); write yours from scratch. Stuck? Run `hint("trial_start_input")`
# in a new cell.


# %% exercise="trial_start_input" minutes=5 difficulty=1
def trial_start_input(observation: Tensor) -> StepInput:
    """Return the first step input of B trials.

    Args:
        observation: [B, ...] of any dtype, o_0 as `env.reset` returned it.

    Returns:
        the observation as it came, prev_action [B] int64, prev_reward [B] float32, prev_end [B] float32.
    """
    ### BEGIN SOLUTION
    batch_size = observation.shape[0]
    return StepInput(
        observation=observation,
        prev_action=torch.zeros(batch_size, dtype=torch.int64),
        prev_reward=torch.zeros(batch_size),
        prev_end=torch.zeros(batch_size),
    )
    ### END SOLUTION


# %% check="trial_start_input" points=2
check("trial_start_input")

# %% [markdown] hint="trial_start_input"
# Which of the four columns do you really know at a trial's first step? Only that one comes from the argument.

# %% [markdown] hint="trial_start_input"
# One entry for each of the B trials: the shape of the three placeholders is `[B]`, whatever the shape of an
# observation (one cell number, a vector, an image). `observation.shape[0]` is B.

# %% [markdown] hint="trial_start_input"
# `torch.zeros(B, dtype=torch.int64)` for the action, `torch.zeros(B)` for reward and flag, and
# `StepInput(observation, action, reward, flag)` around them.

# %% [markdown]
# ## Exercise 2.2: from what happened to what was fed
#
# When the outer loop trains on a recorded trial, it must feed the network *exactly* what the policy was fed
# while it acted. The record is what `reset` and `step` returned; the inputs are the same numbers, some of them
# one step later. For the corridor trial of the table (time runs to the right, `|` marks where an episode
# ended):
#
# | | t=0 | t=1 | t=2 | t=3 | t=4 | t=5 |
# |---|---|---|---|---|---|---|
# | $a_t$ (record) | 1 | 1 \| | 1 | 0 | 1 \| | 1 |
# | $r_t$ (record) | 0 | 1 \| | 0 | 0 | 0 \| | 0 |
# | $d_t$ (record) | 0 | 1 \| | 0 | 0 | 1 \| | 0 |
# | observation returned by `step` at t | 3 | 2 \| | 3 | 2 | 2 \| | 3 |
# | **observation fed at t** | 2 | 3 | 2 | 3 | 2 | 2 |
# | **prev_action** | 0 | 1 | 1 | 1 | 0 | 1 |
# | **prev_reward** | 0 | 0 | 1 | 0 | 0 | 0 |
# | **prev_end** | 0 | 0 | 1 | 0 | 0 | 1 |
#
# Three columns deserve a second look.
#
# - **t=0**: the placeholders of exercise 2.1, and the observation that `reset` returned.
# - **t=2**: a new episode has begun, and prev_action, prev_reward and prev_end are *real*: the action that
#   reached the goal, its reward 1, and the flag. This is the most informative input of the trial. Putting
#   placeholders here would throw the lesson away; they belong to a trial's start, not to an episode's start.
# - **t=5**: the result of step 5 itself ($r_5$, $d_5$ and the observation 3) is fed nowhere: no action follows
#   that could use it. T actions, T inputs.


# %% exercise="shift_to_inputs" minutes=15 difficulty=3
def shift_to_inputs(
    first_observation: Tensor,
    actions: Tensor,
    rewards: Tensor,
    episode_ends: Tensor,
    observations: Tensor,
    final_observations: Tensor,
) -> StepInput:
    """Return the step inputs of B trials, each of T steps and several episodes.

    Args:
        first_observation: [B, ...], what `env.reset` returned.
        actions: [B, T] int64, a_t.
        rewards: [B, T] float32, r_t.
        episode_ends: [B, T] bool, whether step t ended an episode, by the task or by time-out.
        observations: [B, T, ...], the observation `env.step` returned at t: after an episode's end the next
            episode's first one.
        final_observations: [B, T, ...], where step t really led; differs from `observations` where an episode
            ended.

    Returns:
        StepInput of observation [B, T, ...] in the record's dtype, prev_action [B, T] int64,
        prev_reward [B, T] float32 and prev_end [B, T] float32 (0 or 1).
    """

    ### BEGIN SOLUTION
    def one_step_late(values: Tensor, first: Tensor) -> Tensor:
        return torch.cat([first.unsqueeze(1), values[:, :-1]], dim=1)

    flags = episode_ends.float()
    return StepInput(
        observation=one_step_late(observations, first_observation),
        prev_action=one_step_late(actions, torch.zeros_like(actions[:, 0])),
        prev_reward=one_step_late(rewards, torch.zeros_like(rewards[:, 0])),
        prev_end=one_step_late(flags, torch.zeros_like(flags[:, 0])),
    )
    ### END SOLUTION


# %% check="shift_to_inputs" points=5
check("shift_to_inputs")

# %% [markdown] hint="shift_to_inputs"
# Cover the record from step t on with your hand. What you can still see is all that the policy knew when it
# chose $a_t$. Which observation was the newest?

# %% [markdown] hint="shift_to_inputs"
# All four columns are built the same way: one value for t=0, then the record's values at 0, 1, ..., T-2. Only
# the value at t=0 differs. Of the two kinds of observation, the policy was shown what `step` returned.

# %% [markdown] hint="shift_to_inputs"
# `torch.cat([first.unsqueeze(1), values[:, :-1]], dim=1)` with `first` of shape `[B, ...]`. Time is dimension
# 1. Nothing special happens where an episode ends, and the flags become floats.

# %% [markdown]
# Your function on the corridor trial. The last column is what the agent did with each input.

# %%
paper_inputs = shift_to_inputs(**paper_trial)
print(" t | observation  prev_action  prev_reward  prev_end | action taken")
for t in range(6):
    row = [column[0, t].item() for column in paper_inputs]
    print(
        f" {t} | {row[0]:^11}  {row[1]:^11}  {row[2]:^11}  {row[3]:^8} | {paper_trial['actions'][0, t].item()}"
    )

# %% [markdown]
# The library does the same: `rollout` returns a `Trajectory`, and `trajectory.step_inputs()` is what its policy
# was fed.

# %% [markdown]
# ## 2.3 From a record to a vector
#
# A network reads vectors. The map from a step input to a vector is the **embedding** $\varphi(o, a, r, d)$ and
# its layout is a contract between the policy, its checkpoints and every check in this course:
#
# | columns, in this order | bandit | tabular | images |
# |---|---|---|---|
# | observation | one constant 0 | one-hot of the state, S columns | learned together with the action: |
# | previous action | one-hot, K columns | one-hot, A columns | J columns in all |
# | previous reward | as is | as is | as is |
# | flag | as is | as is | as is |
# | **width** | 1 + K + 2 | S + A + 2 | J + 2 |
#
# Any fixed order would be as good for learning. But weights trained with one order are garbage under another,
# and nothing would crash. So we fix it: **[observation, action, reward, flag]**.
#
# Why one-hot? Because states and actions are *names*. As numbers, arm 4 would be four times arm 1, and arm 2
# would lie between arms 1 and 3. One-hot vectors are all equally far from each other.
#
# And action 0? It is a name like the others: its one-hot vector is $(1, 0, \dots, 0)$. At a trial's start the
# placeholder is "action 0", so the first input holds *the embedding of action 0*, not a vector of zeros. A zero
# vector would also work, and some implementations use it; ours follows the paper, and mixing the two within one
# project is what goes wrong.

# %% [markdown]
# ## Exercise 2.3: embed a bandit's step
#
# A bandit shows nothing, so the paper puts a constant 0 in the observation's place: one column, always 0. Then
# the one-hot previous action, the reward as it is, the flag as it is.
#
# *By hand*, K = 3 arms. Arm 2 was pulled, it paid 0.5, and the pull ended an episode (every pull does):
#
# `[0 | 0, 0, 1 | 0.5 | 1]`
#
# and a trial's first input (action 0, reward 0, flag 0) is `[0 | 1, 0, 0 | 0 | 0]`.
#
# Write it for any leading dimensions, `[B]` while acting and `[B, T]` while training: work on the *last*
# dimension and leave the others alone.


# %% exercise="embed_bandit" minutes=10 difficulty=2
def embed_bandit(
    observation: Tensor,
    prev_action: Tensor,
    prev_reward: Tensor,
    prev_end: Tensor,
    num_actions: int,
) -> Tensor:
    """Return φ(o, a, r, d) for bandits (Duan et al. 2016, appendix A.1).

    Args:
        observation: [..., 1] float32, zeros: a bandit shows nothing.
        prev_action: [...] int64 in 0..K-1.
        prev_reward: [...] float32.
        prev_end: [...] float32, 0 or 1.
        num_actions: K.

    Returns:
        [..., 1 + K + 2] float32: constant 0, one-hot action, reward, flag.
    """
    ### BEGIN SOLUTION
    nothing = torch.zeros_like(prev_reward)
    action = F.one_hot(prev_action, num_actions).float()
    return torch.cat(
        [
            nothing.unsqueeze(-1),
            action,
            prev_reward.unsqueeze(-1),
            prev_end.unsqueeze(-1),
        ],
        dim=-1,
    )
    ### END SOLUTION


# %% check="embed_bandit" points=4
check("embed_bandit")

# %% [markdown] hint="embed_bandit"
# What does the policy know at the first step of a trial? Write its row on paper for K = 3, all six numbers,
# then the row after arm 2 paid 0.5.

# %% [markdown] hint="embed_bandit"
# `F.one_hot(prev_action, num_actions)` adds a last dimension of size K and returns integers; the network wants
# floats. Reward and flag have no last dimension yet: `unsqueeze(-1)` gives them one of size 1.

# %% [markdown] hint="embed_bandit"
# `torch.cat([zero column, one-hot, reward column, flag column], dim=-1)`. With `dim=-1` the same line serves
# `[B]` and `[B, T]`.

# %% [markdown]
# ## Exercise 2.4: embed a tabular step
#
# Now there are S states, and the observation is a state's number. State and action are one-hot **separately**
# and then concatenated: S + A columns, not the S · A of a one-hot over pairs. The network can combine them
# itself, and what it learns about action 1 in state 2 is not lost on action 1 in state 3.
#
# *By hand*, the corridor (S = 5, A = 2) at t = 2 of the paper trial: cell 2, action 1, reward 1, flag 1:
#
# `[0, 0, 1, 0, 0 | 0, 1 | 1 | 1]`
#
# and at t = 0: `[0, 0, 1, 0, 0 | 1, 0 | 0 | 0]`.


# %% exercise="embed_tabular" minutes=10 difficulty=2
def embed_tabular(
    observation: Tensor,
    prev_action: Tensor,
    prev_reward: Tensor,
    prev_end: Tensor,
    num_states: int,
    num_actions: int,
) -> Tensor:
    """Return φ(o, a, r, d) for tabular tasks (Duan et al. 2016, appendix A.2).

    Args:
        observation: [...] int64 in 0..S-1, the present state.
        prev_action: [...] int64 in 0..A-1.
        prev_reward: [...] float32, any size and sign.
        prev_end: [...] float32, 0 or 1.
        num_states: S.
        num_actions: A.

    Returns:
        [..., S + A + 2] float32: one-hot state, one-hot action, reward, flag.
    """
    ### BEGIN SOLUTION
    state = F.one_hot(observation, num_states).float()
    action = F.one_hot(prev_action, num_actions).float()
    return torch.cat(
        [state, action, prev_reward.unsqueeze(-1), prev_end.unsqueeze(-1)], dim=-1
    )
    ### END SOLUTION


# %% check="embed_tabular" points=4
check("embed_tabular")

# %% [markdown] hint="embed_tabular"
# Count the columns first: how many does each of the four parts take, and which part comes first?

# %% [markdown] hint="embed_tabular"
# Two calls of `F.one_hot`, one with `num_states`, one with `num_actions`; both `.float()`.

# %% [markdown] hint="embed_tabular"
# `torch.cat([state, action, prev_reward.unsqueeze(-1), prev_end.unsqueeze(-1)], dim=-1)`. No scaling, no
# clipping.

# %% [markdown]
# The whole corridor trial, embedded: one row per step, as a recurrent network reads it from top to bottom. Look
# at the first row (placeholders), and at the rows t = 2 and t = 5, where an episode has just ended.

# %%
vectors = embed_tabular(*paper_inputs, num_states=5, num_actions=2)[0]
with style():
    fig, ax = plt.subplots(figsize=(6.4, 3.0))
    ax.imshow(vectors, cmap="Greys", vmin=0, vmax=1.4, aspect="auto")
    for t, vector in enumerate(vectors.tolist()):
        for column, entry in enumerate(vector):
            ax.text(
                column,
                t,
                f"{entry:g}",
                ha="center",
                va="center",
                color="white" if entry else "#777777",
            )
    for edge in (4.5, 6.5, 7.5):
        ax.axvline(edge, color=PALETTE[1], linewidth=2, linestyle="-")
    ax.set_xticks(range(9), ["o=0", "1", "2", "3", "4", "a=0", "1", "r", "d"])
    ax.set_yticks(range(6), [f"t = {t}" for t in range(6)])
    ax.xaxis.tick_top()
    ax.grid(False)
    rows = "; ".join(
        " ".join(f"{entry:g}" for entry in vector) for vector in vectors.tolist()
    )
    show(
        fig,
        alt=f"The embedded corridor trial, columns state one-hot, action one-hot, reward, flag. {rows}",
    )

# %% [markdown]
# ## Exercise 2.5: a learned embedding for images
#
# In a maze seen in first person the observation is an image. For this the paper learns the embedding (appendix
# A.3):
#
# 1. features of the image, **flattened** into one vector;
# 2. the previous action, looked up in a **learned table** with one vector for each action (action 0 included);
# 3. both **concatenated**, features first, and sent through one **fully connected ReLU layer** of J units: the
#    joint layer;
# 4. reward and flag are appended **after** the joint layer, as they are.
#
# In the paper the features come from two convolutions, the action vector has 256 entries and J = 256. The
# convolutions are notebook 10's exercise; here the flattened image itself serves as features, and sizes are
# small.
#
# Why *after* the joint layer? "As is" is a promise: the recurrent network sees the reward itself, one column
# among J + 2. Inside the joint layer it would be one number among thousands of pixels, and mixed with them.
#
# *By hand.* Image 1×2×2 with pixels 0.1, 0.2, 0.3, 0.4; three actions; action vectors of 2 entries; J = 3.
# Parameters: $3 \cdot 2$ for the table, $(4 + 2) \cdot 3 + 3$ for the joint layer, together 27. Now set *every*
# parameter to 0.1. Each joint unit then computes
#
# $$0.1\,(0.1+0.2+0.3+0.4) + 0.1\,(0.1 + 0.1) + 0.1 = 0.22$$
#
# so with reward 5 and flag 1 the output is `[0.22, 0.22, 0.22 | 5 | 1]`. The check does this with your module,
# so it does not matter how you name your layers. (Weight normalisation and initialisation follow in
# [03](03_recurrent_policy.ipynb); leave PyTorch's defaults.)


# %% exercise="JointEmbedding" minutes=20 difficulty=3
class JointEmbedding(nn.Module):
    """φ(o, a, r, d) for images, learned (Duan et al. 2016, appendix A.3, without its convolutions).

    Args:
        image_shape: (C, H, W).
        num_actions: A.
        action_dim: entries of an action's learned vector, D.
        joint_dim: units of the joint layer, J.
    """

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        num_actions: int,
        action_dim: int = 256,
        joint_dim: int = 256,
    ):
        super().__init__()
        ### BEGIN SOLUTION
        self.action_vectors = nn.Embedding(num_actions, action_dim)
        self.joint = nn.Linear(math.prod(image_shape) + action_dim, joint_dim)
        ### END SOLUTION

    def forward(
        self,
        observation: Tensor,
        prev_action: Tensor,
        prev_reward: Tensor,
        prev_end: Tensor,
    ) -> Tensor:
        """Embed step inputs.

        Args:
            observation: [..., C, H, W] float32.
            prev_action: [...] int64 in 0..A-1.
            prev_reward: [...] float32.
            prev_end: [...] float32, 0 or 1.

        Returns:
            [..., J + 2] float32: the joint layer's units, reward, flag.
        """
        ### BEGIN SOLUTION
        features = observation.flatten(start_dim=-3)
        both = torch.cat([features, self.action_vectors(prev_action)], dim=-1)
        joint = F.relu(self.joint(both))
        return torch.cat(
            [joint, prev_reward.unsqueeze(-1), prev_end.unsqueeze(-1)], dim=-1
        )
        ### END SOLUTION


# %% check="JointEmbedding" points=6
check("JointEmbedding")

# %% [markdown] hint="JointEmbedding"
# Two things are learned, so `__init__` makes two modules: a table with one row for each action (which module of
# `torch.nn` is a lookup table?) and one linear layer. What are the linear layer's input and output sizes?

# %% [markdown] hint="JointEmbedding"
# `nn.Embedding(num_actions, action_dim)`, without `padding_idx`, and
# `nn.Linear(C*H*W + action_dim, joint_dim)`. In `forward`, flatten only the image's own three dimensions:
# `observation.flatten(start_dim=-3)`.

# %% [markdown] hint="JointEmbedding"
# `relu(linear(cat([features, action_vector])))` first; then a second `torch.cat` along the last dimension
# appends `prev_reward.unsqueeze(-1)` and `prev_end.unsqueeze(-1)`.

# %% [markdown]
# At the size of the paper's image, 3 × 30 × 40 in RGB, and with five actions:

# %%
torch.manual_seed(0)
embedding = JointEmbedding(image_shape=(3, 30, 40), num_actions=5)
inputs = trial_start_input(torch.rand(8, 3, 30, 40) * 2 - 1)
print("output:", tuple(embedding(*inputs).shape))
print("parameters:", f"{sum(p.numel() for p in embedding.parameters()):,}")
print("last two columns at a trial's start:", embedding(*inputs)[0, -2:].tolist())

# %% [markdown]
# Nearly all of these parameters connect raw pixels to the joint layer; that is why the paper puts convolutions
# first, and why the maze waits until notebook 10.

# %% [markdown]
# ## Exercise 2.6: when is the placeholder ambiguous?
#
# A careful reader objects: action 0, reward 0, flag 0 is not only a placeholder. It is also a perfectly
# possible *result*. Look at the corridor trial again:
#
# | t | observation | prev_action | prev_reward | prev_end | |
# |---|---|---|---|---|---|
# | 0 | 2 | 0 | 0 | 0 | the trial starts: nothing has happened |
# | 4 | 2 | 0 | 0 | 0 | "I stepped left and it paid nothing" |
#
# The same four numbers. At t = 0 they mean *no evidence*; at t = 4 they *are* evidence: an action was tried,
# and it did not pay. Can the agent mistake one for the other? That depends on two things.
#
# **What the input shows.** An input *looks like a trial's start* if the action is 0, the reward is exactly 0,
# the flag is 0, and the observation is one that an episode can start with. In a bandit, every later input has
# flag 1, so it never does. If the flag is not part of the agent's input (`sees_flag=False`), the other three
# decide alone.
#
# **What the agent's state knows.** The state is made fresh at certain moments, and an agent whose state is
# *not* fresh knows that something went before, whatever the input looks like:
#
# | `memory` | the state is fresh at | |
# |---|---|---|
# | `"none"` | every step | a feedforward policy |
# | `"episode"` | the first step of every episode: t = 0, and where `prev_end` is 1 | a recurrent policy of ordinary deep RL |
# | `"trial"` | t = 0 only | **RL²** |
#
# A step can be taken for the trial's first one if its input looks like a start **and** the state is fresh.
# Write the function that marks these steps. On the corridor trial, with the flag: `memory="none"` marks t = 0
# and 4; `"episode"` and `"trial"` mark t = 0 only. At t = 0 the answer is always True: it *is* the start.


# %% exercise="explain_placeholder" minutes=15 difficulty=3
def explain_placeholder(
    inputs: StepInput, start_observations: Tensor, sees_flag: bool, memory: str
) -> Tensor:
    """Mark the steps that this agent can take for a trial's first step.

    Args:
        inputs: step inputs of B trials from their first step on, all [B, T]; observations are int64.
        start_observations: [N] int64, the observations an episode can start with.
        sees_flag: whether `prev_end` is part of the agent's input. (Its state is made fresh at the same
            moments either way.)
        memory: "none", "episode" or "trial": how long the agent's state lives.

    Returns:
        [B, T] bool.
    """
    ### BEGIN SOLUTION
    looks_like_start = (inputs.prev_action == 0) & (inputs.prev_reward == 0)
    looks_like_start &= torch.isin(inputs.observation, start_observations)
    if sees_flag:
        looks_like_start &= inputs.prev_end == 0
    fresh = torch.ones_like(looks_like_start)
    if memory != "none":
        fresh[:, 1:] = (inputs.prev_end[:, 1:] == 1) & (memory == "episode")
    return looks_like_start & fresh
    ### END SOLUTION


# %% check="explain_placeholder" points=4
check("explain_placeholder")

# %% [markdown] hint="explain_placeholder"
# Build two masks of shape `[B, T]` and combine them with `&`: "the input looks like a start" and "the state is
# fresh".

# %% [markdown] hint="explain_placeholder"
# An episode's start is not a trial's start: after an episode's end the flag is 1, which the placeholder never
# is. So where the flag is seen, the input looks like a start only if it is 0.
# `torch.isin(inputs.observation, start_observations)` compares with a set.

# %% [markdown] hint="explain_placeholder"
# Fresh: for "none" everywhere; for "trial" a mask that is True at `[:, 0]` only; for "episode" also where
# `inputs.prev_end == 1`. `sees_flag` plays no role in this second mask.

# %% [markdown]
# Measured over 10,000 trials of 12 steps with random actions: of the steps after the first, how many can be
# taken for a trial's start?

# %%
generator = torch.Generator().manual_seed(5)
goals = 4 * torch.randint(2, (10_000,), generator=generator)
corridors = shift_to_inputs(
    **corridor_record(goals, torch.randint(2, (10_000, 12), generator=generator))
)

bandit = rollout(
    Random(2),
    BanditEnv(num_arms=2, num_pulls=12),
    IndependentBandits(2).sample(10_000, generator),
    policy_generator=generator,
    env_generator=torch.Generator().manual_seed(6),
).step_inputs()
bandits = bandit._replace(observation=bandit.observation.squeeze(-1).long())

print("share of later steps that can be taken for the trial's start")
print(f"{'':28}{'flag seen':>12}{'no flag':>12}")
for task, stream, start in (
    ("two-armed bandit", bandits, 0),
    ("corridor", corridors, 2),
):
    for memory in ("none", "episode", "trial"):
        shares = [
            explain_placeholder(stream, torch.tensor([start]), sees_flag, memory)[:, 1:]
            .float()
            .mean()
            .item()
            for sees_flag in (True, False)
        ]
        print(f"{task:17}{memory:>9}  {shares[0]:>12.1%}{shares[1]:>12.1%}")

# %% [markdown]
# Three lessons.
#
# - In the bandit the flag column *is* a "not the first step" light, even though it never helped the counting
#   agent of section 2.2. That agent counts its own steps: its state knew already.
# - With the flag, forgetting at episode ends does no harm *to this question*: flag 1 says "not the trial's
#   start". (It does terrible harm to everything else: the lesson of episode 1 is gone.)
# - With `memory="trial"` the share is zero in every row, **flag or not**. That is why RL² can afford such a
#   plain placeholder. The recurrent state knows.
#
# The last point in torch: a GRU cell reads the very same input at t = 0 and at t = 4, but from different
# states, so what it knows afterwards differs. The weights here are random; nothing is trained. Being *able* to
# tell is free; using it is learned.

# %%
torch.manual_seed(1)
cell = nn.GRUCell(input_size=9, hidden_size=3)
hidden = torch.zeros(1, 3)  # the state of a fresh trial
with torch.no_grad():
    for t, vector in enumerate(vectors):
        hidden = cell(vector.unsqueeze(0), hidden)
        if t in (0, 4):
            state = [round(unit, 3) for unit in hidden[0].tolist()]
            print(f"t = {t}: input {[int(entry) for entry in vector]} -> state {state}")

# %% [markdown]
# What does it cost to get this wrong? Let the counting agent take the placeholder at face value: at t = 0 it
# books "arm 0 paid nothing", a pull that never happened.


# %%
class CountsThePlaceholder(Greedy):
    """Greedy, but the placeholder at t = 0 is booked as a failure of arm 0."""

    def observe(self, state, inputs):
        return super().observe(state._replace(steps=max(state.steps, 1)), inputs)


for num_pulls in (10, 100):
    honest = play_bandits(Greedy(5), num_pulls=num_pulls)
    change, half = mean_and_half_width(
        play_bandits(CountsThePlaceholder(5), num_pulls=num_pulls) - honest
    )
    print(
        f"{num_pulls:3} pulls: {honest.mean():.2f}; with the placeholder counted {change:+.3f} ± {half:.3f}"
    )

# %% [markdown]
# Over 10 pulls the change cannot be told from zero even with 20,000 bandits: a phantom failure mostly makes the
# agent begin with another arm. Over 100 pulls it costs something, a little. Compare that with the columns
# above, whose loss costs everything. Placeholders matter for being *understood*, and for being the same in
# training and in use; their exact value matters little.

# %% [markdown]
# ## Four sentences you will meet, put right
#
# - *"RL² is reinforcement learning as an RNN."* The name says something else: **fast RL via slow RL**. The slow
#   algorithm trains the weights over many tasks; the fast one is what the trained network does within a trial.
# - *"At t = 0 of an episode feed zeros."* At t = 0 of a **trial**. Some texts, Wang et al. 2016 among them,
#   call a trial an episode; read them with that in mind.
# - *"Feed (s, a, r, done) of the previous step, and optionally the state before."* The state of *now* is what
#   the action depends on; the one before is already in the recurrent state, which read it a step ago.
# - *"With sparse rewards there is nothing to learn from until a reward comes."* A reward of 0 is evidence; what
#   it says depends on where you were and what you did, which is why the other columns are there.

# %% [markdown]
# ## Quiz

# %% [markdown] quiz="why_the_action"
# **Question.** The network itself computed the policy at step t-1. Why must it be fed $a_{t-1}$?
# - [ ] Because a recurrent network forgets its own output after one step. :: Its hidden state can hold as much
#   about its last output as training finds useful. What it never had is the draw.
# - [x] Because the action was drawn outside the network. :: Yes. The network knows the probabilities, not the
#   sample, and the reward belongs to the sample. In section 2.2 the loss of this column
#   cost about three quarters of what the agent could gain over chance.
# - [ ] Because the gradient of the policy needs the action. :: The outer loop needs the action for its loss,
#   but it takes it from the record, not from the network's input.
# - [ ] It need not: the next observation shows what was done. :: In some tasks it does. In a bandit the
#   observation is always 0 and shows nothing.

# %% [markdown] quiz="why_the_flag"
# **Question.** Why does the network receive the termination flag?
# - [ ] So that it can set its hidden state to zero. :: The hidden state must survive the episode: it holds
#   what was learned about the task.
# - [ ] So that gradients stop at the episode's end. :: The flag is an input. Where gradients are cut is decided
#   in the outer loop.
# - [x] So that a restart can be told from a transition of the task. :: Yes. Without it the counted model of
#   section 2.2 mixed restarts into the dynamics and its error stopped falling.
# - [ ] Because without it the agent cannot learn anything, in any task. :: In a bandit every pull ends an
#   episode. The flag is constant there, and masking it changed not one action.

# %% [markdown] quiz="first_step_of_episode_two"
# **Question.** Episode 1 of a trial ended with action 1 and reward 1. What is fed at the first step of episode
# 2?
# - [ ] o of the new episode, action 0, reward 0, flag 0. :: Those are placeholders, and they belong to a
#   trial's first step. Here they would hide the goal's reward from the agent.
# - [x] o of the new episode, action 1, reward 1, flag 1. :: Yes. The observation is the new episode's, the
#   other three tell of the step that ended the old one.
# - [ ] The terminal observation, action 1, reward 1, flag 1. :: The policy must act in the new episode, so it
#   must see where it is now.
# - [ ] o of the new episode, action 1, reward 0, flag 1. :: Zeroing the reward at episode ends is right for
#   bootstrapped values, never for the input: in a goal task it would remove every reward there is.

# %% [markdown] quiz="zero_for_action_zero"
# **Question.** A colleague encodes "no previous action" as a vector of zeros, in place of the one-hot vector
# of action 0. What do you say?
# - [ ] It cannot work: the network would divide by zero. :: Nothing divides by the input.
# - [ ] It is the same: action 0 is the zero vector. :: In a one-hot code action 0 is (1, 0, ..., 0). The zero
#   vector is no action's code.
# - [x] It is a sound choice, but not our contract. :: Yes. It even makes the first input unmistakable, but it
#   must be used everywhere or nowhere: weights, checkpoints and checks here were made with the paper's
#   placeholder.
# - [ ] It is better, since ours makes RL² fail. :: Ours is ambiguous for agents without memory. The recurrent
#   state tells t = 0 from later steps, as exercise 2.6 showed.

# %% [markdown] quiz="as_is"
# **Question.** Rewards of a task lie between -20 and 20. What goes into the input's reward column?
# - [x] The reward as it is. :: Yes: it is the fast learner's data, in the unit it is scored in. (If one fixed
#   constant scale for all tasks helps training, that is a change of units, made once in the environment.)
# - [ ] The reward clipped to [-1, 1]. :: Then a reward of 2 and one of 20 look alike, and the agent cannot
#   prefer the better one.
# - [ ] The reward standardised over the batch. :: Then the same reward means something else depending on which
#   tasks were drawn beside it, and at test time there may be no batch.
# - [ ] The sign of the reward. :: The size is what tells a good arm from a better one.

# %% [markdown]
# ## Summary
#
# - RL² treats the learning algorithm as a policy, so the policy is fed what a learning algorithm is fed:
#   $x_t = (o_t, a_{t-1}, r_{t-1}, d_{t-1})$. The observation is of now, the rest of one step ago.
# - After an episode's end the environment's observation is the next episode's first one, and action, reward and
#   flag of the last step are real. Placeholders (action 0, reward 0, flag 0) stand at a **trial's** first step
#   only.
# - Without the reward a bandit agent earns what chance earns; without the action it keeps about a quarter of
#   its gain; without the flag nothing changes in a bandit, and a model of longer episodes stays wrong for ever.
# - The layout is a contract: [observation, action, reward, flag]; states and actions one-hot or learned, reward
#   and flag as they are, after any learned layer.
# - The placeholder can look like data. An agent whose state lives through the trial is not fooled: the state
#   knows.
#
# **Next:** [03, a recurrent policy](03_recurrent_policy.ipynb), builds the network that reads these rows and
# keeps its state across episodes. **To read:** Duan et al. 2016, sections 2.2 and 2.3 and appendix A; Wang et
# al. 2016, section 2, for the same input under other names.

# %%
progress()
