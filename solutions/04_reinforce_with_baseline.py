# %% [markdown] title="The slow learner: REINFORCE with a baseline" reading=50 needs="00 02 03"
# # 04 · The slow learner: REINFORCE with a baseline
#
# In [03](03_recurrent_policy.ipynb) you built the fast learner: a GRU that reads $(o_t, a_{t-1}, r_{t-1},
# d_{t-1})$ and answers with a distribution over actions. Its weights are still random, so it knows nothing
# worth knowing. This notebook builds the **slow** learner, which turns played trials into better weights. It is
# the oldest policy gradient there is, REINFORCE (Williams 1992), with one improvement, a baseline.
#
# REINFORCE is ten lines, and there are about ten ways to get one of them wrong. Most of them do not crash. The
# curve rises a little, or later, or not at all, and you blame the learning rate. So this notebook spends half
# of its time on something better than a curve: a bandit so small that its gradient is **known exactly**,
# against which you can hold every line you write.
#
# **You will be able to**
#
# - say why the return of RL² runs over the whole trial, and what that has to do with exploring;
# - write REINFORCE's loss and a recurrent baseline, and take a training step through a recurrent policy;
# - say what a baseline may look at, and compute the harm when it looks at more;
# - find a broken learner's fault with a ladder of five tiny tasks;
# - say what REINFORCE reaches on a five-armed bandit, and what it does not.
#
# **You need** [02](02_input_embedding.ipynb) (step inputs), [03](03_recurrent_policy.ipynb) (the recurrent
# policy), and from elsewhere the idea of a policy gradient; section 4.2 recalls it with numbers.
#
# **Time:** about {minutes} minutes. Training cells take about a minute on two CPU cores, all of them together.

# %% setup=true
import matplotlib.pyplot as plt
import torch
from torch import Tensor, nn

from rl2lib.agents.bandit import UCB1, Greedy, Random
from rl2lib.agents.bayes_optimal import BayesOptimal
from rl2lib.agents.recurrent import RecurrentPolicy, StepEmbedding
from rl2lib.evaluation.evaluate import evaluate
from rl2lib.evaluation.figures import PALETTE, band, show, style
from rl2lib.lab import check, hint, progress, quiz, solution, submit
from rl2lib.lab.explorables.gradient_cloud import GradientCloud
from rl2lib.rollout import rollout
from rl2lib.tasks.bandit import TWO_POINT, BanditEnv, IndependentBandits
from rl2lib.tasks.sampling import make_generators
from rl2lib.training import losses, probes, returns
from rl2lib.training.loop import DivergenceError, TrainingConfig, train
from rl2lib.training.oracle import ExactOracle
from rl2lib.training.reinforce import Reinforce, ReinforceConfig
from rl2lib.types import StepInput, Trajectory

torch.set_num_threads(1)  # small networks: more threads stand in each other's way


def make_optimisers(policy, baseline, learning_rate, kind="Adam"):
    """Return an optimiser for each of the two networks, by name; `kind` is a class of torch.optim."""
    make = getattr(torch.optim, kind)
    return {
        "policy": make(policy.parameters(), lr=learning_rate),
        "baseline": make(baseline.parameters(), lr=learning_rate),
    }


# %% [markdown]
# ## 4.1 What is a good action? Ask the whole trial
#
# You stand before two slot machines for four pulls. One pays always, the other never; which is which changes
# from trial to trial. You try arm 0. It pays nothing. So you move to arm 1, and it pays 1, 1, 1. Every pull is
# an episode:
#
# | | pull 0 | pull 1 | pull 2 | pull 3 |
# |---|---|---|---|---|
# | action | 0 | 1 | 1 | 1 |
# | reward | 0 | 1 | 1 | 1 |
# | reward to the end of the **episode** | 0 | 1 | 1 | 1 |
# | reward to the end of the **trial** | 3 | 3 | 2 | 1 |
#
# Was the first action a good one? Its own episode says 0. The trial says 3: three coins came after it, and they
# came *because* of it, since the failure told where to go. A learner that is graded by the third row is told
# that finding out is worthless. A learner that is graded by the fourth row can discover that finding out pays.
#
# In this game no harm comes of the third row yet: whichever arm you try first, you find out. So here is a game
# where it matters. Two pulls. Arm 0 is **safe**: it pays half of the time, always. Arm 1 is **unknown**: in
# every trial it either always pays or never does, with even odds.
#
# | first pull | its own episode is worth | the trial is worth |
# |---|---|---|
# | safe | ½ | ½ + ½ = 1 (and nothing was found out) |
# | unknown | ½ | ½ + ½·1 + ½·½ = 1.25 (stay if it paid, go to the safe arm if not) |
#
# By their own episodes the two arms are equal. The quarter of a coin by which the unknown arm is better is
# earned one episode later.
#
# That is the whole mechanism by which RL² learns to explore. Nobody adds a bonus for curiosity. The objective
# is the reward of the trial, the return $G_t$ runs from step $t$ to the **trial's** end, and so an action earns
# credit for what its *information* earned in later episodes. Cut the return at the episode's end, and you have
# removed the only reason to look around.
#
# ## Exercise 4.1: returns over the trial
#
# $$G_t = r_t + \gamma\, r_{t+1} + \gamma^2\, r_{t+2} + \dots = r_t + \gamma\, G_{t+1}$$
#
# up to the trial's last step, with $G = 0$ beyond it. The discount $\gamma$ counts *steps*; it does not start
# again when an episode does.
#
# You are given a `Trajectory`, the library's record of B trials: `reward`, `episode_end`, `timed_out`,
# `trial_end`, `mask`, all `[B, T]`. Trials may be of different lengths. Shorter ones are padded: beyond their
# end `mask` is false and everything is zero. You will not need all of the fields.
#
# *By hand*, $\gamma = 0.5$, a trial of two episodes with two steps each (`|` is an episode's end):
#
# | | t=0 | t=1 | t=2 | t=3 |
# |---|---|---|---|---|
# | $r_t$ | 0 | 1 \| | 0 | 1 \| |
# | $G_t$ | 0 + ½·1.25 = **0.625** | 1 + ½·0.5 = **1.25** | 0 + ½·1 = **0.5** | **1** |


# %% exercise="discounted_returns" minutes=10 difficulty=2
def discounted_returns(trajectory: Trajectory, discount: float) -> Tensor:
    """Return G_t, the discounted reward from every step to the end of its trial.

    Args:
        trajectory: B trials of up to T steps, padded with zeros.
        discount: γ in [0, 1].

    Returns:
        [B, T] float32, zero where the trial is over.
    """
    ### BEGIN SOLUTION
    to_go = torch.zeros_like(trajectory.reward[:, 0])
    columns = []
    for reward in reversed(trajectory.reward.unbind(dim=1)):
        to_go = reward + discount * to_go
        columns.append(to_go)
    return torch.stack(columns[::-1], dim=1)
    ### END SOLUTION


# %% check="discounted_returns" points=4
check("discounted_returns")

# %% [markdown] hint="discounted_returns"
# Start at the last step, where $G$ is the reward itself, and walk back to the first. What does step t need to
# know about the steps after it?

# %% [markdown] hint="discounted_returns"
# One number for each trial: `to_go`, shape `[B]`, starting at zero. At each step, from the last to the first,
# `to_go = reward + discount * to_go`. Which of the trajectory's fields did that use?

# %% [markdown] hint="discounted_returns"
# `trajectory.reward.unbind(dim=1)` gives the T columns `[B]`; `reversed(...)` walks back through them; at the
# end reverse the collected list and `torch.stack(..., dim=1)`. Padding needs no care: zeros add nothing.
# Episode ends need none either, and that is the point.

# %% [markdown]
# ## 4.2 REINFORCE, one pull at a time
#
# The policy is $\pi(a \mid \text{history})$, and the history is what the hidden state has read. We want weights
# with a high expected return $J = \mathbb{E}[G_0]$. The policy gradient theorem says
#
# $$\nabla J = \mathbb{E}\Big[\sum_t \nabla \log \pi(a_t \mid \text{history up to } o_t)\; G_t\Big]$$
#
# (Rewards that came *before* step $t$ drop out: no action changes the past.) In words: for every action taken,
# find the direction in weight space that would make *that action* likelier; go that way in proportion to what
# came of it.
#
# **With numbers.** One pull, two arms, no history. The policy has two logits, both 0, so $\pi = (½, ½)$. Arm 0
# pays with probability 0.8, arm 1 with 0.2. The gradient of $\log \pi(a)$ in the logits is (one-hot of $a$)
# minus $\pi$: $(+½, -½)$ for arm 0, $(-½, +½)$ for arm 1. Four things can happen:
#
# | arm, reward | probability | estimate for logit 0 |
# |---|---|---|
# | 0, paid 1 | .4 | +.5 |
# | 0, paid 0 | .1 | 0 |
# | 1, paid 1 | .1 | -.5 |
# | 1, paid 0 | .4 | 0 |
#
# On average: $.4 \cdot .5 - .1 \cdot .5 = .15$. And the truth? $J = \pi_0 \cdot .8 + \pi_1 \cdot .2$, whose
# derivative in logit 0 is $\pi_0 (.8 - J) = ½ \cdot .3 = .15$. The estimator is **unbiased**: right on average,
# although not one of its four values is .15.
#
# To let autograd do this, we write a **loss** whose gradient is minus that estimate:
#
# $$L = -\frac{1}{B} \sum_{b} \sum_{t} \log \pi(a_{b,t})\; A_{b,t}$$
#
# with the **advantage** $A$ in the place of $G$: for the moment $A_t = G_t$, soon the return less a baseline.
#
# ## Exercise 4.2: the loss
#
# Three decisions hide in that formula.
#
# - **Sum over a trial's steps, mean over trials.** The expectation is over trials, the sum over $t$ belongs to
#   the formula. Dividing by T as well would weigh a step of a long trial less than a step of a short one.
# - **Padding does not count**: steps where `mask` is false add nothing, whatever numbers stand there.
# - **The advantage is a number, not a function.** Later it is made by a network. If gradient flowed through it,
#   you would move that network to make the *policy's* loss small, which is not what it is for. `detach()` it.
#
# *By hand*: a trial of three steps and one of a single step (· is padding).
#
# | | log π | A | log π · A | sum over steps |
# |---|---|---|---|---|
# | trial 0 | -1, -2, -1 | 2, 1, 3 | -2, -2, -3 | -7 |
# | trial 1 | -3, ·, · | -1, ·, · | 3, ·, · | 3 |
#
# The mean over the two trials is -2, so the loss is **2**.


# %% exercise="reinforce_loss" minutes=8 difficulty=2
def reinforce_loss(log_prob: Tensor, advantage: Tensor, mask: Tensor) -> Tensor:
    """Return REINFORCE's loss: minus log-probability times advantage, summed over steps, averaged over trials.

    Args:
        log_prob: [B, T] float32, log π of the actions taken; gradient flows into it.
        advantage: [B, T] float32; no gradient may flow into it.
        mask: [B, T] bool, the steps that belong to a trial.

    Returns:
        a scalar tensor.
    """
    ### BEGIN SOLUTION
    per_step = log_prob * advantage.detach()
    return -torch.where(mask, per_step, 0.0).sum(dim=1).mean()
    ### END SOLUTION


# %% check="reinforce_loss" points=4
check("reinforce_loss")

# %% [markdown] hint="reinforce_loss"
# An optimiser walks *down* a loss, and you want the expected return to go *up*. Where does the sign come from?

# %% [markdown] hint="reinforce_loss"
# In order: multiply log-probability by the detached advantage; put zeros where the mask is false
# (`torch.where`); sum over time (dimension 1); mean over trials; minus.

# %% [markdown] hint="reinforce_loss"
# `-torch.where(mask, log_prob * advantage.detach(), 0.0).sum(dim=1).mean()`

# %% [markdown]
# ### Is it right? Ask an oracle
#
# With two arms and two pulls a trial can go in only $(2 \cdot 2)^2 = 16$ ways: two actions, two rewards, twice.
# `ExactOracle` lists *all* trials of a few such bandits with their probabilities. The expected return is then a
# finite sum that autograd can differentiate: the **true gradient** in every weight of a real recurrent policy,
# no sampling anywhere. And the expectation of *your* estimator is a sum over the same list.
#
# We take the safe arm and the unknown one, and two policies: one with random weights, and a copy that has
# followed the exact gradient for 20 steps (a luxury of tiny bandits), so that it has begun to react to what it
# finds.

# %%
tiny = ExactOracle(
    torch.tensor([[0.5, 1.0], [0.5, 0.0]]), num_pulls=2
)  # the unknown arm pays always, or never
fresh, reacting = (
    RecurrentPolicy((1,), 2, 4, generator=torch.Generator().manual_seed(0))
    for _ in range(2)
)
optimiser = torch.optim.Adam(reacting.parameters(), lr=0.03)
for _ in range(20):
    optimiser.zero_grad()
    (-tiny.expected_return(reacting)).backward()
    optimiser.step()
print(
    f"expected trial return: fresh {tiny.expected_return(fresh):.3f}, reacting {tiny.expected_return(reacting):.3f}"
)


def taken(policy, trial):
    """Return log π [B, T] of the actions taken, through the whole unrolled trial."""
    logits, _ = policy.unroll(trial.step_inputs())
    return losses.action_log_probs(logits, trial.action)


def relative_error(policy, loss, discount=1.0):
    """Return |expected estimate - true gradient| / |true gradient|, for the loss of a policy on a trial."""
    truth = tiny.true_gradient(policy, discount)
    mean = tiny.moments(policy, lambda trial: loss(policy, trial)).mean
    missed = sum((mean[name] - truth[name]).square().sum() for name in truth)
    return (missed / sum(part.square().sum() for part in truth.values())).sqrt().item()


def yours(policy, trial, discount=1.0):
    """Return REINFORCE's loss on a trial, made of your two functions."""
    return reinforce_loss(
        taken(policy, trial), discounted_returns(trial, discount), trial.mask
    )


def episode_only(policy, trial):
    """Return the loss with returns cut at episode ends (here an episode is one pull)."""
    return reinforce_loss(taken(policy, trial), trial.reward, trial.mask)


estimators = {
    "yours": yours,
    "sign forgotten": lambda policy, trial: -yours(policy, trial),
    "mean over steps too": lambda policy, trial: yours(policy, trial) / 2,
    "returns cut at episode ends": episode_only,
}
print(f"{'relative error of':30}{'fresh':>10}{'reacting':>10}")
for name, loss in estimators.items():
    print(
        f"{name:30}{relative_error(fresh, loss):>10.4f}{relative_error(reacting, loss):>10.4f}"
    )

# %% [markdown]
# Yours is exact up to rounding. The others are not *noisier*, they are wrong, and no number of trials repairs
# that. But see how differently they are wrong. The flipped sign is off by 200%. Half the gradient is off by
# 50%, and an optimiser with an adaptive step (Adam) would hardly notice. The cut returns are off by a few
# percent for the fresh policy: it does not yet react to what it finds, so finding out is worth nothing yet.
# Once it reacts, two thirds of the gradient are missing, namely the part that says "explore". A bug that is
# nearly invisible at first and grows as the agent gets better: this is why it lives so long.
#
# ### A small print about the discount
#
# The match is exact at $\gamma = 1$. Below it, it is not, and that is not your mistake:

# %%
for discount in (1.0, 0.9, 0.5):
    weight = discount ** torch.arange(2.0)  # discount^t for the steps t = 0, 1

    def weighted(policy, trial, discount=discount, weight=weight):
        return reinforce_loss(
            taken(policy, trial),
            weight * discounted_returns(trial, discount),
            trial.mask,
        )

    usual = relative_error(
        reacting, lambda policy, trial, g=discount: yours(policy, trial, g), discount
    )
    full = relative_error(reacting, weighted, discount)
    print(
        f"discount {discount}: usual estimator off by {usual:.4f}; with step t weighted by discount^t, by {full:.4f}"
    )

# %% [markdown]
# The gradient of the *discounted* return $\mathbb{E}[\sum_t \gamma^t r_t]$ has a factor $\gamma^t$ in front of
# step $t$'s term. Practically everybody leaves it out, we and the paper included, because it would make the
# policy stop caring about late steps. So with $\gamma < 1$ the discount is best read as a knob that trades
# bias (little near 1, much at ½) for less variance. We will use $\gamma = 1$: our trials are short, and the
# return we report is undiscounted.

# %% [markdown]
# ## 4.3 A baseline: same arrow, smaller cloud
#
# Look at the four estimates of section 4.2 again. If an arm pays, its logit goes up; if not, *nothing* happens.
# Suppose instead that you expect 0.5, and use the surprise: $A = r - 0.5$.
#
# | arm, reward | probability | without baseline | with $b = ½$ |
# |---|---|---|---|
# | 0, paid 1 | .4 | +.5 | +.25 |
# | 0, paid 0 | .1 | 0 | -.25 |
# | 1, paid 1 | .1 | -.5 | -.25 |
# | 1, paid 0 | .4 | 0 | +.25 |
# | **mean** | | **.15** | **.15** |
# | **variance** | | **.1025** | **.0400** |
#
# Same mean, two and a half times less variance: two and a half times fewer trials for the same accuracy. Now a
# failure of the bad arm speaks for the good one.
#
# Why is the mean the same? The baseline adds $-b\,\mathbb{E}[\nabla \log \pi(a)]$, and the mean of
# $\nabla \log \pi(a)$ (called the **score**) is zero: $\sum_a \pi(a) \nabla \log \pi(a) = \sum_a \nabla
# \pi(a) = \nabla 1 = 0$. But look at the step where $b$ came out of the expectation. That is allowed **only if
# $b$ does not depend on $a$**.
#
# Play. The policy below is fresh, with 142 weights, on two bandits whose first arm is the better one. The black
# arrow is the true gradient, in a plane of weight space. Each dot is one estimate from 16 trials. The cross is
# what the dots average to, exactly. First compare *no baseline* with *knows the past*. Then let the baseline
# know $a_t$ as well, and then $r_t$.

# %%
GradientCloud().show()

# %% [markdown]
# - **It knows the past** (everything up to $o_t$): the cloud shrinks to less than half, the cross stays at the
#   arrow's tip.
# - **It knows the past and $a_t$**: the cloud is as tight, and the cross sits at the *origin*. Such a baseline
#   predicts the return of each arm, good or bad, so nothing is ever a surprise. What you subtract is precisely
#   what you wanted to learn.
# - **It knows the past and $r_t$**: the cloud is tighter still, and just as wrong. $r_t$ is not $a_t$, but
#   $a_t$ caused it.
#
# The cheating clouds are the *tight* ones. Low variance is what you hoped for, so nothing looks suspicious,
# except that the policy does not learn.
#
# ## Exercise 4.3: how much harm does it do?
#
# Compute the harm exactly, for one pull of A arms. The policy has one logit for each arm and probabilities
# `probs`. Arm $a$ pays 1 with probability `pay[a]`, else 0. A candidate baseline has looked at the action and
# at the reward: its value is `baseline[a, r]`. The estimate for the logits is $\nabla \log \pi(a)\,(r - b(a,
# r))$.
#
# Return its **bias** for each logit: the expected estimate *minus* the true gradient. Work out on paper first
#
# - which part of the expectation is already the true gradient,
# - what $\nabla \log \pi(a)$ is in logit $k$ (section 4.2),
# - how likely $(a, r)$ is.
#
# *By hand*, π = (½, ½), pay = (.8, .2), and a baseline that just reads off the reward, $b(a, r) = r$. Then $A =
# 0$ always, so the expected estimate is 0, and the truth is (+.15, -.15). Bias: **(-.15, +.15)**. With $b = ½$
# everywhere: bias **(0, 0)**.
#
# When you have it, try to say in one sentence for which tables `baseline` the bias is zero. (A table that
# depends on $r$ only can be harmless. When?)


# %% exercise="baseline_must_not_see_the_action" minutes=20 difficulty=4
def baseline_must_not_see_the_action(
    probs: Tensor, pay: Tensor, baseline: Tensor
) -> Tensor:
    """Return the bias of REINFORCE's gradient estimate, in the logits, that a baseline b(a, r) causes at one pull.

    Args:
        probs: [A] float32, the policy's probabilities, softmax of its logits.
        pay: [A] float32, the probability that an arm pays 1 (it pays 0 otherwise).
        baseline: [A, 2] float32, the baseline's value when arm a was pulled and paid 0 (column 0) or 1 (column 1).

    Returns:
        [A] float32, expected estimate minus true gradient.
    """
    ### BEGIN SOLUTION
    given_action = (1 - pay) * baseline[:, 0] + pay * baseline[:, 1]  # E[b | a]
    # -Σ_a π(a) E[b | a] (1[a = k] - π(k))
    return -probs * (given_action - (probs * given_action).sum())
    ### END SOLUTION


# %% check="baseline_must_not_see_the_action" points=5
check("baseline_must_not_see_the_action")

# %% [markdown] hint="baseline_must_not_see_the_action"
# Without a baseline the estimate is unbiased. So of $\mathbb{E}[\nabla \log \pi(a)\,(r - b)]$ only the part
# with $b$ is left: the bias is $-\mathbb{E}[\nabla \log \pi(a)\, b(a, r)]$.

# %% [markdown] hint="baseline_must_not_see_the_action"
# First average over the reward: $\bar b(a) = (1 - \text{pay}_a)\, b(a, 0) + \text{pay}_a\, b(a, 1)$. Then over
# the action, with weights $\pi(a)$. The gradient of $\log \pi(a)$ in logit $k$ is $1 - \pi_k$ if $a = k$ and
# $-\pi_k$ otherwise.

# %% [markdown] hint="baseline_must_not_see_the_action"
# $-\sum_a \pi_a\, \bar b_a\, (1[a = k] - \pi_k) = -\pi_k\, \bar b_k + \pi_k \sum_a \pi_a\, \bar b_a$. Two
# terms, no loop needed.

# %% [markdown]
# The sentence: **the bias is zero when the baseline's mean is the same for every action.** A table that depends
# on $r$ only is harmless when all arms pay alike, that is, when there is nothing to learn.
#
# What may it look at, then? Everything that is settled before $a_t$ is drawn: the observation $o_t$, the
# previous action and reward, the time, anything the hidden state remembers. It may even be told the hidden task
# (it is not the policy; it is thrown away after training), and some recipes do that. It may *not* look at
# $a_t$, $r_t$, $o_{t+1}$ or anything else downstream of the draw. The inputs of exercise 4.4 are the policy's
# own, so they are safe, **provided that nothing shifts them by one**.

# %%
for name, table in {
    "one half, whatever happens": [[0.5, 0.5], [0.5, 0.5]],
    "the reward itself": [[0.0, 1.0], [0.0, 1.0]],
    "the pulled arm's mean": [[0.8, 0.8], [0.2, 0.2]],
    "a tenth of the reward": [[0.0, 0.1], [0.0, 0.1]],
}.items():
    bias = baseline_must_not_see_the_action(
        torch.tensor([0.5, 0.5]), torch.tensor([0.8, 0.2]), torch.tensor(table)
    )
    print(f"{name:28} bias {bias[0].item() + 0.0:+.3f} on a true gradient of +0.150")

# %% [markdown]
# ## 4.4 A baseline with a memory
#
# What return should you expect from step $t$ on? In a bandit that depends on what has happened. After 0, 0, 0
# in three pulls expect little; after 1, 1, 1 expect much; near the end expect little in any case, since few
# pulls are left. So the baseline must remember, as the policy does, and the natural choice is another GRU on
# the same inputs (Duan et al. 2016, section 2.3). It is a network of its *own*: sharing the policy's would save
# time, but two losses of different scale would pull at the same weights.
#
# ## Exercise 4.4: the recurrent baseline
#
# Write the class: `StepEmbedding(observation_shape, num_actions)` (from the library; it is 02's embedding, with
# `.size` columns and `embedding(inputs)` of shape `[B, T, size]`), then a GRU with `hidden_size` units, then
# one linear layer with **one** output, as it is, without a squashing function: a return can be any number.
#
# - `values(inputs)` takes step inputs `[B, T, ...]` of whole trials and returns `[B, T]`. The hidden state
#   starts at zero at the trial's start, in every call, and lives through all of the trial's episodes.
# - The value at $t$ depends on the inputs up to and including $t$. Input $t$ holds $o_t$, $a_{t-1}$, $r_{t-1}$,
#   $d_{t-1}$: not $a_t$.
# - With `nn.GRU` and `nn.Linear`, H units and F columns, there are $3H(F + H + 2) + H + 1$ parameters.
#
# *By hand*, shapes: 64 trials of 10 pulls on 2 arms give F = 1 + 2 + 2 = 5 columns (observation, one-hot
# action, reward and flag): inputs `[64, 10, 5]`, states `[64, 10, H]`, values `[64, 10]`. Do not leave the values
# at `[64, 10, 1]`: then `returns - values` crashes if you are lucky, and with as many trials as steps (10 of 10
# pulls) it broadcasts to `[10, 10, 10]` without a word.


# %% exercise="RecurrentBaseline" minutes=12 difficulty=3
class RecurrentBaseline(nn.Module):
    """The return still to come, guessed from the policy's inputs by a GRU of its own.

    Args:
        observation_shape: the shape of one observation, without [B, T].
        num_actions: A.
        hidden_size: H.
    """

    def __init__(
        self,
        observation_shape: tuple[int, ...],
        num_actions: int,
        hidden_size: int = 32,
    ) -> None:
        super().__init__()
        ### BEGIN SOLUTION
        self.embedding = StepEmbedding(observation_shape, num_actions)
        self.gru = nn.GRU(self.embedding.size, hidden_size, batch_first=True)
        self.head = nn.Linear(hidden_size, 1)
        ### END SOLUTION

    def values(self, inputs: StepInput) -> Tensor:
        """Return the values [B, T] of whole trials' inputs [B, T, ...]."""
        ### BEGIN SOLUTION
        states, _ = self.gru(self.embedding(inputs))
        return self.head(states).squeeze(-1)
        ### END SOLUTION


# %% check="RecurrentBaseline" points=5
check("RecurrentBaseline")

# %% [markdown] hint="RecurrentBaseline"
# Three modules in `__init__`: embedding, GRU, linear layer. `values` sends the inputs through them in that
# order.

# %% [markdown] hint="RecurrentBaseline"
# `nn.GRU` expects time first unless you tell it otherwise: `batch_first=True`. It returns two things, all
# states `[B, T, H]` and the last state. Which one has a value for every step? Without a second argument it
# starts from zeros.

# %% [markdown] hint="RecurrentBaseline"
# `states, _ = self.gru(self.embedding(inputs))`, then `self.head(states).squeeze(-1)`.

# %% [markdown]
# ## Exercise 4.5: what the baseline learns from
#
# The baseline is trained by plain regression: half the squared distance to the return that really came,
# averaged over all steps that belong to a trial. (Here a mean over steps is right: it is no policy gradient,
# just a fit.) The target is held fixed.
#
# *By hand*: values ((1, 2), (6, ·)), targets ((0, 0), (0, ·)), where · is padding. Squares 1 + 4 + 36 = 41,
# three steps, half: 41 / 6 = **6.833**.


# %% exercise="baseline_loss" minutes=5 difficulty=1
def baseline_loss(value: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """Return half the squared error, averaged over the steps that belong to a trial.

    Args:
        value: [B, T] float32; gradient flows into it.
        target: [B, T] float32; no gradient may flow into it.
        mask: [B, T] bool.

    Returns:
        a scalar tensor.
    """
    ### BEGIN SOLUTION
    squares = (value - target.detach()).square()
    return 0.5 * squares[mask].mean()
    ### END SOLUTION


# %% check="baseline_loss" points=3
check("baseline_loss")

# %% [markdown] hint="baseline_loss"
# How many numbers are averaged in the example by hand? Not four.

# %% [markdown] hint="baseline_loss"
# `squares[mask]` picks the steps that count, as one long vector; or sum where the mask is true and divide by
# `mask.sum()`.

# %% [markdown]
# ## 4.5 Through the whole trial
#
# You will meet the claim that REINFORCE with a baseline is a policy gradient "that does not require
# backpropagation through the whole episode". For a feedforward policy that is so: each term $\nabla \log
# \pi(a_t \mid o_t)$ stands alone. For a recurrent policy it is **false**. $\log \pi(a_t \mid \text{history})$
# depends on the weights through *every* state since the trial's start: what the policy wrote into its memory at
# pull 1 is part of why it acted well at pull 7. A baseline changes the number that multiplies this gradient,
# not the path that the gradient takes. What cuts the path is **truncation**: detaching the state every so many
# steps, which saves memory and costs bias.
#
# On the tiny bandit we can say how much. The same loss, once through the whole trial, once with the state
# detached between the two pulls:


# %%
def taken_step_by_step(policy, trial, cut):
    """Return log π [B, T]; with `cut`, no gradient flows through the hidden state from step to step."""
    state = policy.initial_state(len(trial.action))
    columns = []
    for t in range(trial.action.shape[1]):
        now = StepInput(*(column[:, t] for column in trial.step_inputs()))
        logits, state = policy.step(state.detach() if cut else state, now)
        columns.append(logits)
    return losses.action_log_probs(torch.stack(columns, dim=1), trial.action)


def unrolled(policy, trial, cut):
    """Return REINFORCE's loss, with or without gradient through the hidden state."""
    return losses.reinforce_loss(
        taken_step_by_step(policy, trial, cut),
        discounted_returns(trial, 1.0),
        trial.mask,
    )


print(f"{'relative error':30}{'fresh':>10}{'reacting':>10}")
for name, cut in (
    ("through the whole trial", False),
    ("state detached between pulls", True),
):
    errors = [
        relative_error(policy, lambda p, trial, cut=cut: unrolled(p, trial, cut))
        for policy in (fresh, reacting)
    ]
    print(f"{name:30}{errors[0]:>10.4f}{errors[1]:>10.4f}")

# %% [markdown]
# Two pulls, one detach, and a third of the gradient is gone once the policy reacts. What is missing is
# precisely the part that teaches the network *what to remember*. On long trials truncation may be a price worth
# paying (09 measures it). It is a choice with a cost, though, and no property of REINFORCE.
#
# The code that does it right is short: **unroll the policy over the recorded inputs, from the trial's start,
# with gradients on.** The states that the policy had while acting are not stored; they are computed again.
#
# ## Exercise 4.6: one training step
#
# Now put it together. You are given a trajectory that `policy` has just played, both networks, and an optimiser
# for each. One step:
#
# 1. Compute the returns over the trial, the baseline's values, and the advantage: return minus value.
# 2. Unroll the policy over `trajectory.step_inputs()`; take the log-probabilities of the actions taken.
# 3. For each network: clear its gradients, go backward from its own loss, clip the norm of *its* gradient to
#    `max_grad_norm` (`nn.utils.clip_grad_norm_`), let *its* optimiser step.
#
# **Order matters in one place.** Predict first, fit afterwards: the values in the advantage come from the
# baseline *before* this step's fit. A baseline that has just been fitted to these very returns has, in a way,
# seen the actions; that is section 4.3's cheat through the back door.
#
# Use the library's pieces here, so that a slip in an earlier exercise does not follow you:
# `returns.discounted_returns(reward, mask, discount)`, `losses.action_log_probs(logits, action)`,
# `losses.reinforce_loss(log_prob, advantage, mask)`, `losses.baseline_loss(value, target, mask)`.
# `policy.unroll(inputs)` returns logits `[B, T, A]` and the last state; `baseline.values(inputs)` returns `[B,
# T]`.
#
# *In numbers*: for a trial with rewards 0, 1, 1, 1 and values 1, 1, 1, 1 the advantages are 2, 2, 1, 0: the
# first pull, which paid nothing, gets as much credit as any.


# %% exercise="train_step" minutes=20 difficulty=4
def train_step(
    policy: RecurrentPolicy,
    baseline: nn.Module,
    optimisers: dict[str, torch.optim.Optimizer],
    trajectory: Trajectory,
    discount: float = 1.0,
    max_grad_norm: float = 1.0,
) -> dict[str, float]:
    """Improve policy and baseline by one gradient step each.

    Args:
        policy: what played the trajectory; `.unroll(inputs)` -> (logits [B, T, A], last state).
        baseline: `.values(inputs)` -> [B, T].
        optimisers: "policy" and "baseline", each holding that network's weights.
        trajectory: B fresh trials.
        discount: γ of the returns.
        max_grad_norm: each network's gradient is clipped to this norm.

    Returns:
        the two losses, as floats: {"policy": ..., "baseline": ...}.
    """
    ### BEGIN SOLUTION
    inputs, mask = trajectory.step_inputs(), trajectory.mask
    target = returns.discounted_returns(trajectory.reward, mask, discount)
    value = baseline.values(inputs)
    logits, _ = policy.unroll(inputs)
    log_prob = losses.action_log_probs(logits, trajectory.action)
    found = {
        "policy": losses.reinforce_loss(log_prob, target - value.detach(), mask),
        "baseline": losses.baseline_loss(value, target, mask),
    }
    for name, module in (("policy", policy), ("baseline", baseline)):
        optimisers[name].zero_grad()
        found[name].backward()
        nn.utils.clip_grad_norm_(module.parameters(), max_grad_norm)
        optimisers[name].step()
    return {name: loss.item() for name, loss in found.items()}
    ### END SOLUTION


# %% check="train_step" points=6
check("train_step")

# %% [markdown] hint="train_step"
# Write the forward part first, for both networks, and print shapes: returns, values, log-probabilities are all
# `[B, T]`. Only then the two backward passes.

# %% [markdown] hint="train_step"
# `inputs = trajectory.step_inputs()` serves both networks. The advantage is `target - value.detach()`. Two
# losses, two `backward()` calls, two clippings, two `step()`s.

# %% [markdown] hint="train_step"
# For each network, in this order: `optimisers[name].zero_grad()`, `loss.backward()`,
# `nn.utils.clip_grad_norm_(module.parameters(), max_grad_norm)`, `optimisers[name].step()`. Clip between
# backward and step. Return the losses with `.item()`.

# %% [markdown]
# ## 4.6 First learning
#
# The two-point bandit of section 4.1, with ten pulls: one arm always pays, the other never. The first pull is a
# coin toss. After it everything is known. So the optimum is $½ + 9 = 9.5$ exactly, and a policy that does not
# adapt earns 5.
#
# `YourReinforce` wraps your `train_step` and your `RecurrentBaseline` into what the library's loop wants of a
# slow learner. The loop plays 64 fresh trials, calls `update`, and repeats. Three seeds, 150 iterations each: a
# few seconds.


# %% given=true
class YourReinforce:
    """Your pieces as a slow learner for the library's loop."""

    def __init__(
        self,
        observation_shape,
        num_actions,
        generator,
        hidden_size=32,
        learning_rate=0.01,
    ):
        self.config = ReinforceConfig(1.0, learning_rate, learning_rate)
        self.policy = RecurrentPolicy(
            observation_shape, num_actions, hidden_size, generator=generator
        )
        torch.manual_seed(
            0
        )  # nn.GRU draws its first weights from torch's own generator
        self.baseline = RecurrentBaseline(observation_shape, num_actions, hidden_size)
        self.modules = {"policy": self.policy, "baseline": self.baseline}
        self.optimisers = make_optimisers(self.policy, self.baseline, learning_rate)

    def update(self, trajectory, tasks, *, progress, generator):
        found = train_step(
            self.policy,
            self.baseline,
            self.optimisers,
            trajectory,
            self.config.discount,
            self.config.max_grad_norm,
        )
        return {"baseline_loss": found["baseline"]}


# %%
def train_seeds(
    make_learner, distribution, env, iterations, trials_per_iteration, seeds=(0, 1, 2)
):
    """Train a fresh learner for each seed; return the learners, and the mean trial returns [seeds, iterations]."""
    learners, curves = [], []
    for seed in seeds:
        learner = make_learner(
            env.observation_shape,
            env.num_actions,
            make_generators(seed, "weights")["weights"],
        )
        run = train(
            learner,
            distribution,
            env,
            TrainingConfig(iterations, trials_per_iteration, seed),
            threads=1,
        )
        learners.append(learner)
        curves.append(torch.tensor(run.history["trial_return"]))
    return learners, torch.stack(curves)


two_point = BanditEnv(num_arms=2, num_pulls=10)
agents, with_baseline = train_seeds(
    YourReinforce, TWO_POINT, two_point, iterations=150, trials_per_iteration=64
)
for seed, curve in enumerate(with_baseline):
    print(
        f"seed {seed}: first iteration {curve[0]:.2f}, last ten {curve[-10:].mean():.2f}; the optimum is 9.50"
    )

# %% [markdown]
# It learned to learn. Watch one of the trained agents, weights frozen, on both bandits:

# %%
trials = rollout(
    agents[0].policy,
    two_point,
    torch.tensor([[1.0, 0.0], [0.0, 1.0]]),
    policy_generator=torch.Generator().manual_seed(0),
    env_generator=torch.Generator().manual_seed(0),
)
for b, paying in enumerate((0, 1)):
    print(
        f"arm {paying} pays: pulls {trials.action[b].tolist()}   rewards {[int(r) for r in trials.reward[b]]}"
    )

# %% [markdown]
# And the same without a baseline (the library's REINFORCE, since yours insists on one), same sizes, same seeds:


# %%
def without_baseline(observation_shape, num_actions, generator):
    policy = RecurrentPolicy(observation_shape, num_actions, 32, generator=generator)
    return Reinforce(policy, None, ReinforceConfig(1.0, learning_rate=0.01))


_, bare = train_seeds(
    without_baseline, TWO_POINT, two_point, iterations=150, trials_per_iteration=64
)


# %%
def smooth(curves, width=10):
    """Return the running mean over `width` iterations, [seeds, iterations - width + 1]."""
    return curves.unfold(1, width, 1).mean(dim=-1)


with style():
    fig, ax = plt.subplots()
    for label, curves, line, color in (
        ("with a baseline", with_baseline, "-", PALETTE[0]),
        ("without", bare, "--", PALETTE[5]),
    ):
        curve = smooth(curves)
        band(
            ax,
            range(10, 151),
            curve.amin(dim=0),
            curve.mean(dim=0),
            curve.amax(dim=0),
            label=label,
            linestyle=line,
            color=color,
        )
    ax.axhline(9.5, color="black", linestyle=":", label="optimum, 9.5")
    ax.set(
        xlabel="iterations (64 trials each)", ylabel="mean trial return", ylim=(4.5, 10)
    )
    ax.legend(loc="lower right")
    ends = [smooth(curves)[:, -1] for curves in (with_baseline, bare)]
    show(
        fig,
        alt="Two-point bandit, mean trial return over 150 iterations, mean and range of three seeds; the optimum is "
        f"9.5. With a baseline it ends at {ends[0].mean():.1f} (from {ends[0].min():.1f} to {ends[0].max():.1f}), with "
        f"dips on the way; without one at {ends[1].mean():.1f} (from {ends[1].min():.1f} to {ends[1].max():.1f}).",
    )

# %% [markdown]
# (Lines: mean of three seeds; bands: their range; running means of ten iterations.)
#
# With the baseline all three seeds arrive at 9.5. Without one they rise at first as fast, then wander, and a
# seed may fall back to pulling one arm for ever: every reward, deserved or not, pushes *some* action up, and an
# arm that happens to be pulled more often becomes likelier still.
#
# The dips of the solid line are real as well. REINFORCE takes a full step on every batch, a lucky or an unlucky
# one, and some steps lead back down. Notebook 09 is about steps that do not.

# %% [markdown]
# ## 4.7 When it does not learn: the probe ladder
#
# Sooner or later your own curve will lie flat, and a flat curve says *that* something is wrong, not *what*. So
# do not debug on the task you care about. Climb a ladder of tasks so small that each can fail for hardly more
# than one reason:
#
# | rung | reward | what passing proves | if it fails, suspect |
# |---|---|---|---|
# | 1 | always 1 | the loop runs; the baseline counts the steps left | the baseline's loss, target, optimiser |
# | 2 | 1 if the action names the bit shown | the policy reads its input, goes uphill | the loss's sign, the optimiser |
# | 3 | 1 if the *previous* action named *its* bit | credit crosses an episode's end | returns: cut, reversed |
# | 4 | two-point bandit | previous action and reward arrive | the step input; then the state |
# | 5 | ten pulls, five independent arms | the slow learner copes with luck | baseline, batch size, learning rate |
#
# The first rung that fails names the suspect, since everything below it works. Your pieces (about ten seconds):

# %%
for rung in probes.climb(YourReinforce, threads=1):
    print(rung)

# %% [markdown]
# Now let us break something and see whether the ladder finds it. This learner cuts its returns at episode ends:
# the bug of section 4.1.


# %%
class CutReturns(YourReinforce):
    """The return of an episode in place of the return of the trial (here every step is an episode)."""

    def update(self, trajectory, tasks, *, progress, generator):
        found = train_step(
            self.policy, self.baseline, self.optimisers, trajectory, discount=0.0
        )
        return {"baseline_loss": found["baseline"]}


for rung in probes.climb(CutReturns, threads=1):
    print(rung)

# %% [markdown]
# Rungs 1 and 2 pass, rung 3 names the suspect. (Would the two-point bandit have found this bug? No! There,
# pulling the arm that pays *now* is also the best thing to do for later. Rung 3 is where the two differ.)
#
# On the command line `rl2 doctor --probe` climbs the ladder with the library's learner, and `rl2 doctor --probe
# --learner my_module:make_learner` with yours.
#
# ### When it explodes
#
# A different failure: a number stops being finite. Then every later number is NaN and the curve simply ends.
# The library's loop stops at once and says where to look. For example, somebody scores in decibels, and log 0
# is minus infinity:


# %%
class Decibels(BanditEnv):
    """Pays the logarithm of what the arm paid."""

    def step(self, actions):
        step = super().step(actions)
        return step._replace(reward=step.reward.log10())


try:
    train(
        YourReinforce((1,), 2, make_generators(0, "weights")["weights"]),
        TWO_POINT,
        Decibels(2, 10),
        TrainingConfig(50, 64),
    )
except DivergenceError as error:
    print("DivergenceError:", error)

# %% [markdown]
# Read such a sentence from the left: *when* (the first iteration, so it is not a slow drift), *what* (which
# number, of which network), and then the suspects, most frequent first. Here the learning rate is innocent and
# the rewards are not.

# %% [markdown]
# ## 4.8 Five arms, ten pulls: what REINFORCE reaches
#
# Now the smallest cell of the paper's table: five arms with means drawn from U[0, 1], ten pulls. Its landmarks
# are known exactly: random play earns 5.00, the greedy counting agent of 02 earns 6.57, and the Bayes-optimal
# one, which you computed for two arms in 01, 6.66. The room is small and the noise large: a trial's return has
# a standard deviation of about 2.
#
# The library's REINFORCE is your `train_step` with checkpoints around it. Three seeds, 400 iterations of 512
# trials; about half a minute.


# %%
five_arms = IndependentBandits(5)
ten_pulls = BanditEnv(num_arms=5, num_pulls=10)
learners, curves = train_seeds(
    probes.reinforce, five_arms, ten_pulls, iterations=400, trials_per_iteration=512
)

# %%
with style():
    fig, ax = plt.subplots()
    curve = smooth(curves)
    band(
        ax,
        range(10, 401),
        curve.amin(dim=0),
        curve.mean(dim=0),
        curve.amax(dim=0),
        label="REINFORCE, sampled actions",
    )
    for value, label, line in (
        (6.66, "Bayes-optimal, 6.66", ":"),
        (6.5686, "greedy, 6.57", "--"),
        (5.0, "random, 5.00", "-."),
    ):
        ax.axhline(value, color="black", linestyle=line, label=label, linewidth=1.2)
    ax.set(
        xlabel="iterations (512 trials each)",
        ylabel="mean trial return",
        ylim=(4.8, 6.8),
    )
    ax.legend(loc="lower right", bbox_to_anchor=(1.0, 0.12))
    last = curve[:, -1]
    show(
        fig,
        alt="Five-armed bandit, ten pulls: mean trial return over 400 iterations, mean and range of three seeds. It "
        f"rises from 5 to about 6, then slowly to {last.mean():.2f} (from {last.min():.2f} to {last.max():.2f}), "
        "and stays below greedy, 6.57, and the optimum, 6.66.",
    )

# %% [markdown]
# All on the same 10,000 fresh bandits, scored by the expected reward of the arms chosen. "Most likely action"
# means no more sampling, weights as they are:

# %%
contestants = {
    f"RL², seed {seed}, most likely action": learner.policy.acting("greedy")
    for seed, learner in enumerate(learners)
}
contestants |= {
    f"RL², seed {seed}, sampled": learner.policy.acting("sampled")
    for seed, learner in enumerate(learners)
}
contestants |= {
    "random": Random(5),
    "greedy": Greedy(5),
    "UCB1, c = 0.1": UCB1(5, c=0.1),
    "Bayes-optimal": BayesOptimal(5, 10),
}
test_tasks = five_arms.sample(10_000, make_generators(4, "test tasks")["test tasks"])
contest = evaluate(
    contestants,
    ten_pulls,
    test_tasks,
    seed=4,
    random="random",
    reference="Bayes-optimal",
)
for row in sorted(contest.rows, key=lambda row: -row.score.mean):
    print(
        f"{row.agent:36} {row.score.format(3)}    normalised {row.normalised.mean:.2f}"
    )

# %% [markdown]
# What this says, plainly:
#
# - **It learned an algorithm.** Nobody told the network to count, to repeat what pays, to leave what does not.
#   On bandits that it never saw it gets 70 to 90% of the way from random to optimal.
# - **It did not learn the best one.** It reaches about 6.1 to 6.4, *below* the greedy counting agent, which is
#   ten lines of code, and nothing of what exploration earns beyond greedy. If a paper showed this curve without
#   the dashed line, you would think it had converged.
# - **Seeds differ** by more than greedy differs from optimal. One seed is an anecdote. When we halved the
#   number of trials an iteration, one seed of three fell back to 5.0 and stayed there.
#
# What is in the way? Not the policy: the same network can play nearly optimally (05 makes it, by imitation, and
# with a better slow learner). It is the slow learner: one gradient step for every batch, then the batch is
# thrown away; a step size that must be small enough for the worst batch; advantages that are mostly luck.
# 05 takes a stronger slow learner as given and 09 builds it.

# %% [markdown]
# ## Quiz

# %% [markdown] quiz="why_the_whole_trial"
# Why does the return run over the whole trial, and not to the end of the episode?
# - [ ] Because longer sums have less variance. :: They have more. The baseline is there to bring it down again.
# - [x] Because what an action finds out is used in later episodes, and only a return that includes them gives
#   it credit. :: Yes. It is the only reason this agent ever has to explore.
# - [ ] Because a bandit's episodes are too short for a discount. :: The discount has nothing to do with it; in
#   the maze, episodes have hundreds of steps, and the return crosses their ends as well.
# - [ ] Because the hidden state is reset at an episode's end. :: It is not. It lives exactly as long as the
#   return runs: one trial.

# %% [markdown] quiz="what_may_it_see"
# Which of these may the baseline at step t look at without making the gradient wrong?
# - [ ] The action at step t. :: The average of score times baseline is then no longer zero. In the cloud, the
#   cross went to the origin.
# - [ ] The reward at step t, as long as it does not see the action. :: The action caused the reward. In
#   exercise 4.3 the bias was as large as the gradient.
# - [ ] The next observation. :: It comes after the draw and may depend on it, for instance in any maze.
# - [x] The hidden task, that is, the arms' true means. :: Yes. It was fixed before the draw. The baseline is
#   not used at test time, so it may know what the policy must not.

# %% [markdown] quiz="add_a_hundred"
# A colleague's environment adds 100 to every reward. What happens to REINFORCE with a good baseline, and to
# REINFORCE without one?
# - [ ] Both learn as before, since the gradient is unbiased either way. :: Unbiased, yes. But look at the
#   spread of the estimates.
# - [ ] Both fail, since the returns are too large. :: A baseline subtracts what is expected, so the hundreds
#   cancel once it has learned them.
# - [x] With a baseline nearly nothing changes once it is fitted; without one the gradient drowns in noise. ::
#   Yes. The same mean, a spread hundreds of times larger. (The fit itself may take a while, and wants a
#   sensible scale.)
# - [ ] With a baseline it fails, since the baseline sees the rewards. :: It is trained on past returns, which
#   is fine. It must not look at this step's reward when it predicts.

# %% [markdown] quiz="backpropagation_through_the_trial"
# A text says that REINFORCE with a baseline needs no backpropagation through the whole episode. For a recurrent
# policy this is
# - [ ] true, because the returns carry the credit back in time. :: They carry it to the action. From the action
#   to the memory that caused it, only backpropagation carries it.
# - [ ] true, because the baseline replaces the gradient through time. :: The baseline is a number that is
#   subtracted. No gradient passes through it.
# - [x] false: the log-probability of each action depends on all earlier states; only truncation cuts that path,
#   at the price of a bias. :: Yes. One detach between two pulls changed the expected gradient, measurably.
# - [ ] false, but it makes no difference, because the hidden state is recorded while acting. :: Recorded
#   numbers carry no gradient. The training step computes the states again.

# %% [markdown] quiz="which_rung"
# On the ladder, rungs 1 to 3 pass, and the two-point bandit stays at 5.0. Where do you look first?
# - [ ] At the sign of the policy's loss. :: Then rung 2 would have failed.
# - [ ] At the returns. :: Rung 3 needs credit to cross an episode's end, and passed.
# - [x] At the step input: do previous reward and previous action reach the network, one step late, in acting
#   and in unrolling? :: Yes. It is the first rung that needs them.
# - [ ] At the number of trials an iteration. :: That is for rung 5, the only one with noisy rewards.

# %% [markdown]
# ## Summary
#
# - The return runs from each step to the **trial's** end. That is how finding out earns credit, and the only
#   reason why the agent explores.
# - REINFORCE's loss: minus log-probability times advantage, **summed over steps, averaged over trials**, the
#   advantage detached.
# - A **baseline** shrinks the cloud and leaves its mean, if it knows nothing that happened after the draw of
#   $a_t$. One that sees $a_t$ or $r_t$ makes the tightest cloud of all, around the wrong point.
# - A recurrent policy needs **backpropagation through the whole trial**; truncation saves memory and costs
#   bias.
# - A **training step**: predict, advantage, unroll, two losses, clip, two steps; fit the baseline after you
#   have used it.
# - When it does not learn, **climb the ladder**. When you doubt a gradient, **enumerate** a tiny task.
# - The two-point bandit: 9.5 of 9.5 in seconds. Five arms, ten pulls: well above random, below greedy's 6.57.
#   The slow learner is the limit.
#
# **Next:** 05, bandits. **To read:** Williams, "Simple statistical gradient-following
# algorithms for connectionist reinforcement learning" (1992); Sutton and Barto, *Reinforcement Learning*,
# chapter 13; Greensmith, Bartlett and Baxter, "Variance reduction techniques for gradient estimates in
# reinforcement learning" (2004), for baselines; Duan et al. 2016, sections 2.2 and 2.3.

# %%
progress()
