# %% [markdown] title="Tasks, trials, and the price of not knowing" reading=40 needs="00"
# # 01 · Tasks, trials, and the price of not knowing
#
# Reinforcement learning from scratch is slow, because the agent starts without any idea of what kind of problem it
# is in. Meta-reinforcement learning assumes that problems come in families, and trains an agent on many members of a
# family until it can learn a *new* member quickly.
#
# Before anything is trained, this notebook looks at that quick learning itself, in the smallest family that has any:
# a row of slot machines, ten pulls, and nobody to tell you which machine is good. People have written good quick
# learners for it by hand, and the best possible one can be computed. So you will know, before you train anything, what
# there is to be learned, and what a perfect score is.
#
# **When you are done, you can**
#
# - say what a *task*, a *trial* and an *episode* are, and what an agent may carry from one to the next;
# - write two classical fast learners, Thompson sampling and UCB1, as what they are: *policies whose state survives
#   the episode*;
# - measure what a learner loses by not knowing its task (regret);
# - compute the best that any learner could possibly do, exactly, and use it as a yardstick;
# - explain why the best next action depends on how many actions remain.
#
# **You need** NumPy, and from notebook [00](00_start_here.ipynb) how a notebook works (write, `check`, `hint`). No
# torch here and no neural network: everything is counts and probabilities.
#
# **Time**: about {minutes} minutes.

# %% setup=true
from functools import cache

import matplotlib.pyplot as plt
import numpy as np

from rl2lib.evaluation.figures import band, show, style
from rl2lib.lab import check, hint, progress, quiz, solution, submit


def sample_bandits(num_tasks, num_arms, generator):
    """Draw tasks: every arm of every task pays with its own probability, uniform between 0 and 1.

    Returns:
        means [B, K] float64: means[b, k] is the probability that arm k of task b pays 1 (it pays 0 otherwise).
    """
    return generator.uniform(size=(num_tasks, num_arms))


# %% [markdown]
# ## 1.1 · One task that you do not know
#
# You stand before $K$ slot machines, the *arms*. Arm $k$ pays 1 coin with probability $\mu_k$ and nothing otherwise,
# so $\mu_k$ is also its mean reward. Nobody tells you the $\mu_k$. You have ten pulls. How many coins can you expect
# to walk away with?
#
# Here are three such problems, each with five arms. You, the reader, may look. The agent may not.

# %%
generator = np.random.default_rng(1)
tasks = sample_bandits(3, 5, generator)
for b, mu in enumerate(tasks):
    print(f"task {b}: arm means {mu.round(2)}   best arm: {mu.argmax()}")

# %% [markdown]
# Here is what the three words of notebook 00 mean on this family.
#
# | word | meaning | here |
# |---|---|---|
# | **task** | one problem, drawn from a distribution of problems; fixed once drawn | one row of `tasks` |
# | **episode** | from a reset to its end, inside one task | one pull |
# | **trial** | a fixed number of episodes on the *same* task | ten pulls on the same row |
#
# A new trial means a new task, and yesterday's knowledge about arm 3 is worthless. What stays useful from trial to
# trial is knowing *how to find out*. That is the thing a meta-learner learns, and it is why we need a distribution of
# tasks rather than one task.
#
# (Other papers use other words. Wang et al. 2016 call a *trial* an episode, and one pull a trial. When you read them,
# translate.)
#
# We always play $B$ trials side by side, each on its own task, so every array starts with a batch dimension:
#
# | letter | counts | example |
# |---|---|---|
# | `B` | trials side by side | `means` is `[B, K]` |
# | `K` | arms | |
# | `T` | pulls of a trial, in order | `arms`, `rewards` of whole trials are `[B, T]` |

# %% [markdown]
# ## Exercise 1.1: pull an arm
#
# Write the environment. Row `b` of the batch is on task `b` and pulls `arms[b]`; it is paid 1 with probability
# `means[b, arms[b]]`, otherwise 0.
#
# | argument | shape | meaning |
# |---|---|---|
# | `means` | `[B, K]` float | the payment probability of every arm of every task |
# | `arms` | `[B]` int | the arm that each row pulls |
# | `generator` | `np.random.Generator` | the only source of randomness you may use |
# | returns | `[B]` float, 0 or 1 | what each row is paid |
#
# **By hand.** `means = [[0.0, 1.0], [1.0, 0.0]]`, `arms = [1, 1]`: row 0 pulls an arm that always pays, row 1 an arm
# that never does, so the rewards are `[1., 0.]` whatever the generator says.


# %% exercise="pull" minutes=8 difficulty=1
def pull(means, arms, generator):
    """Pull one arm in every row of the batch.

    Args:
        means: [B, K] float, in [0, 1], the probability that an arm pays.
        arms: [B] int, in 0..K-1, the arm pulled in each row.
        generator: np.random.Generator, the source of all randomness.

    Returns:
        rewards [B] float, each 1.0 (paid) or 0.0.
    """
    ### BEGIN SOLUTION
    rows = np.arange(len(arms))
    paid = generator.random(len(arms)) < means[rows, arms]
    return paid.astype(float)
    ### END SOLUTION


# %% check="pull" points=3
check("pull")

# %% [markdown] hint="pull"
# Two steps: look up one probability for each row, then toss one coin for each row. How many random numbers do you
# need for a batch of `B` rows?

# %% [markdown] hint="pull"
# `means[arms]` picks whole *rows*. To pick one entry from each row, index with two arrays of length `B`: the row
# numbers `np.arange(B)` and `arms`.

# %% [markdown] hint="pull"
# If `u` is uniform on [0, 1), then `u < p` is true with probability exactly `p`. So: `generator.random(B) < p`, then
# turn the booleans into floats.

# %% [markdown]
# ## 1.2 · What the counts know
#
# Suppose you pulled arm 0 three times and it paid twice. How good is arm 0?
#
# "2/3" is the frequency. It is also what you would say after 200 payments in 300 pulls, and you would be far more
# certain then. And after a single pull that failed, the frequency says 0: never touch that arm again. That is too
# harsh a verdict for one coin.
#
# A *belief* handles both. Before any pull, every $\mu$ between 0 and 1 is equally likely (that is how
# `sample_bandits` draws them): this flat density is called Beta(1, 1). After $s$ payments and $f$ failures, Bayes'
# rule gives
#
# $$p(\mu \mid s, f) \;\propto\;
# \underbrace{\mu^{s}(1-\mu)^{f}}_{\text{the data}} \times \underbrace{1}_{\text{flat prior}}
# \quad\text{which is}\quad \mathrm{Beta}(\alpha = 1 + s,\; \beta = 1 + f),$$
#
# with mean $\alpha / (\alpha + \beta) = (s + 1)/(s + f + 2)$.
#
# - Three pulls, two payments: Beta(3, 2), mean 3/5. Pulled towards 1/2, because the evidence is thin.
# - One pull, no payment: Beta(1, 2), mean 1/3. Doubtful, not hopeless.
# - No pull: Beta(1, 1), mean 1/2.
#
# Read $\alpha$ and $\beta$ as counts that start at one imaginary success and one imaginary failure. Notice what is
# *not* needed: the order of the pulls. A history of a thousand pulls folds into $2K$ numbers without losing anything
# that matters for a decision.

# %%
grid = np.linspace(0, 1, 301)
beliefs = {
    "no pull: Beta(1, 1)": (1, 1),
    "one failure: Beta(1, 2)": (1, 2),
    "2 of 3 paid: Beta(3, 2)": (3, 2),
}
beliefs["20 of 30 paid: Beta(21, 11)"] = (21, 11)
with style():
    fig, ax = plt.subplots()
    for label, (a, b) in beliefs.items():
        density = grid ** (a - 1) * (1 - grid) ** (b - 1)
        ax.plot(grid, density / density.mean(), label=label)
    ax.set(
        xlabel="payment probability μ of the arm",
        ylabel="density",
        title="What you believe about one arm",
    )
    ax.legend()
show(
    fig,
    alt="Four densities over an arm's payment probability. No pull: flat. One failure: a line falling from 2 to 0. "
    "Two of three paid: a broad hump around 0.65. Twenty of thirty paid: a narrow peak near 0.67.",
)

# %% [markdown]
# ## Exercise 1.2: from a history to a belief
#
# Turn the record of `B` trials into the counts of every arm, prior included.
#
# | argument | shape | meaning |
# |---|---|---|
# | `arms` | `[B, T]` int | the arm pulled at each step; T may be 0 |
# | `rewards` | `[B, T]` float | what it paid, 0 or 1 |
# | `num_arms` | int | `K`; some arms may never have been pulled |
# | returns | two `[B, K]` arrays | `alpha` (1 + payments), `beta` (1 + failures) |
#
# **By hand.** One trial, three arms: `arms = [[0, 0, 2, 0]]`, `rewards = [[1, 0, 0, 1]]`. Arm 0 paid twice and failed
# once, arm 1 was never pulled, arm 2 failed once: `alpha = [[3, 1, 1]]`, `beta = [[2, 1, 2]]`.


# %% exercise="beta_posterior" minutes=12 difficulty=2
def beta_posterior(arms, rewards, num_arms):
    """Count successes and failures of every arm, starting from the flat prior Beta(1, 1).

    Args:
        arms: [B, T] int, in 0..K-1, the arms pulled.
        rewards: [B, T] float, 0 or 1, what they paid.
        num_arms: K.

    Returns:
        (alpha, beta), each [B, K]: one plus the successes, one plus the failures of every arm.
    """
    ### BEGIN SOLUTION
    chosen = arms[:, :, None] == np.arange(num_arms)  # [B, T, K]
    successes = (chosen * rewards[:, :, None]).sum(axis=1)
    pulls = chosen.sum(axis=1)
    return 1.0 + successes, 1.0 + pulls - successes
    ### END SOLUTION


# %% check="beta_posterior" points=4
check("beta_posterior")

# %% [markdown] hint="beta_posterior"
# For each arm you need two numbers: how often it was pulled, and the sum of its rewards. The failures are the
# difference. What should an arm that was never pulled get?

# %% [markdown] hint="beta_posterior"
# A loop over the `T` steps is fine: at each step add to one entry of every row, `alpha[rows, arms[:, t]] += ...`.
# Without a loop, beware: `alpha[rows, arms] += rewards` with a repeated index adds only *once*.

# %% [markdown] hint="beta_posterior"
# `chosen = arms[:, :, None] == np.arange(num_arms)` is a `[B, T, K]` table of "was this arm pulled at this step".
# Sum it over `axis=1` for the pulls; multiply by `rewards[:, :, None]` first for the successes.

# %% [markdown] quiz="order_of_the_pulls"
# **Question.** In one trial arm 0 paid, paid, failed; in another it failed, paid, paid. Nothing else was pulled. What
# does a belief kept as counts lose by treating the two alike?
# - [ ] That the arm of the second trial is improving. :: In this family an arm's probability is fixed
#   for the whole trial; a streak is luck. (Where arms drift, the order would matter, and counts would be the wrong
#   state.)
# - [ ] The most recent coins, which say more than the early ones. :: All coins of a trial come from the same
#   probability, so an early one says as much as a late one.
# - [x] Nothing about the arm: both give Beta(3, 2). :: Bayes' rule multiplies one factor for each coin, and the order
#   of factors does not matter. (What makes a good state depends on the family.)
# - [ ] How many pulls are left. :: The clock is a separate number, the same for both. It will matter in
#   section 1.6.

# %% [markdown]
# ## 1.3 · Three ways to choose
#
# A belief is not yet a decision. Say arm 0 has paid 2 of 3 and arm 1 is untouched: Beta(3, 2) against Beta(1, 1),
# means 0.6 against 0.5.
#
# - **Greedy** pulls the arm with the highest mean: arm 0. It never asks what it might find out.
# - **Thompson sampling** imagines one possible world, and acts as if it were true: draw a value for every arm from its
#   belief, pull the arm with the highest draw. Arm 1 is pulled exactly as often as it is *believed to be the best*. As
#   beliefs narrow, the draws stop overlapping and the exploration fades by itself.
# - **UCB1** is an optimist: it adds to every mean a bonus that is large where little is known, and pulls the highest
#   sum. No randomness at all.
#
# These are reinforcement learning algorithms: they take in actions and rewards and get better at their task. They are
# fast because their designers knew what kind of task was coming. Write two of them.

# %% [markdown]
# ## Exercise 1.3: Thompson sampling
#
# | argument | shape | meaning |
# |---|---|---|
# | `alpha`, `beta` | `[B, K]` float | the belief about every arm, prior included |
# | `generator` | `np.random.Generator` | `generator.beta(a, b)` draws from Beta(a, b), elementwise |
# | returns | `[B]` int | the arm that each row pulls |
#
# **By hand.** Two arms, Beta(2, 1) and Beta(1, 1). The first has density $2x$; the second is uniform and falls below
# $x$ with probability $x$. So arm 0 wins with probability $\int_0^1 2x \cdot x \, dx = 2/3$. Over many rows with this
# belief, two thirds must pull arm 0. (Greedy would always pull it.)


# %% exercise="thompson_sampling" minutes=10 difficulty=2
def thompson_sampling(alpha, beta, generator):
    """Choose arms by sampling one possible world for every row and pulling its best arm.

    Args:
        alpha: [B, K] float, one plus the successes of every arm.
        beta: [B, K] float, one plus its failures.
        generator: np.random.Generator, the source of all randomness.

    Returns:
        arms [B] int.

    Source: Thompson 1933; the TS column of Duan et al. 2016, table 1.
    """
    ### BEGIN SOLUTION
    return generator.beta(alpha, beta).argmax(axis=1)
    ### END SOLUTION


# %% check="thompson_sampling" points=4
check("thompson_sampling")

# %% [markdown] hint="thompson_sampling"
# What is random here is *the world*, not the reward and not the arm: draw one $\mu$ for each arm of each row.

# %% [markdown] hint="thompson_sampling"
# `generator.beta(alpha, beta)` with two `[B, K]` arrays gives `[B, K]` independent draws. Along which axis is the best
# arm of a row?

# %% [markdown]
# ## Exercise 1.4: UCB1
#
# The index of arm $k$ at pull number $t$ is
#
# $$\underbrace{\frac{\alpha_k}{\alpha_k + \beta_k}}_{\text{mean}} \; + \; c\,\sqrt{\frac{2 \ln t}{n_k}}, \qquad
# n_k = \alpha_k + \beta_k ,$$
#
# and the arm with the highest index is pulled; ties go to the lowest arm number.
#
# - $t$ is the number of the pull *about to be made*, counted from 1 over the whole trial, **all arms together**.
# - $n_k$ counts the pulls of arm $k$ **with the two imaginary ones** (one success, one failure), so it is never zero.
# - $c$ sets the width: $c = 1$ is Auer et al. 2002, $c = 0$ is greedy.
#
# The logarithm is of the common clock $t$: while you pull other arms, $\ln t$ grows and a neglected arm's bonus grows
# with it, until it is tried again.
#
# **By hand.** Four pulls were made: arm 0 paid 3 of 4, arm 1 is untouched. So $t = 5$, `alpha = [[4, 1]]`,
# `beta = [[2, 1]]`, $\ln 5 \approx 1.609$.
#
# | | mean | $n_k$ | bonus at $c=1$ | index at $c = 1$ | index at $c = 0.2$ |
# |---|---|---|---|---|---|
# | arm 0 | 0.667 | 6 | $\sqrt{3.219/6} = 0.732$ | 1.399 | **0.813** |
# | arm 1 | 0.500 | 2 | $\sqrt{3.219/2} = 1.269$ | **1.769** | 0.754 |
#
# With $c = 1$ it explores, with $c = 0.2$ it stays.


# %% exercise="ucb1" minutes=12 difficulty=2
def ucb1(alpha, beta, t, c):
    """Choose the arm with the highest upper confidence bound.

    Args:
        alpha: [B, K] float, one plus the successes of every arm.
        beta: [B, K] float, one plus its failures.
        t: int, the pull about to be made, counted from 1 over all arms.
        c: float, the width of the bonus; 0 is greedy.

    Returns:
        arms [B] int; ties go to the lowest arm number.

    Source: Auer et al. 2002, with the initial counts of Duan et al. 2016 (appendix).
    """
    ### BEGIN SOLUTION
    pulls = alpha + beta
    index = alpha / pulls + c * np.sqrt(2 * np.log(t) / pulls)
    return index.argmax(axis=1)
    ### END SOLUTION


# %% check="ucb1" points=4
check("ucb1")

# %% [markdown] hint="ucb1"
# The formula has one number that is shared by all arms and two that are each arm's own. Which is which?

# %% [markdown] hint="ucb1"
# `pulls = alpha + beta` is `[B, K]`; `np.log(t)` is a single number. At $t = 1$ the logarithm is 0, all means are 1/2,
# and `argmax` returns the first arm: no special case is needed.

# %% [markdown]
# ## 1.4 · A policy whose state survives the episode
#
# Now put a rule to work. Look at what an agent needs, and nothing more:
#
# - `initial_state(batch_size)`: what it knows at the start of a trial (nothing: counts of one and one);
# - `act(state, prev_arm, prev_reward, prev_end, generator)`: update the state with what just happened, choose an arm,
#   hand back both.
#
# `prev_end` is a flag: 1 when an episode has just ended. Here every pull is an episode, so it is 1 at every step except
# the first. There nothing was pulled yet, and arm 0 and reward 0 only fill the place: they are *placeholders*. The
# flag keeps the agent from counting them as a failure of arm 0.


# %% given=true
class CountsPolicy:
    """Counts as state, any rule on top: rule(alpha, beta, t, generator) -> arms."""

    def __init__(self, rule, num_arms):
        self.rule, self.num_arms = rule, num_arms

    def initial_state(self, batch_size):
        """Return the state at the start of a trial: the flat prior, and the clock at pull 1."""
        ones = np.ones((batch_size, self.num_arms))
        return ones, ones.copy(), 1

    def act(self, state, prev_arm, prev_reward, prev_end, generator):
        """Take in the last pull (where there was one), then choose."""
        alpha, beta, t = state
        alpha, beta, rows = alpha.copy(), beta.copy(), np.arange(len(alpha))
        alpha[rows, prev_arm] += prev_end * prev_reward
        beta[rows, prev_arm] += prev_end * (1 - prev_reward)
        return self.rule(alpha, beta, t, generator), (alpha, beta, t + 1)


def play_trials(policy, means, num_pulls, generator, state_survives=True):
    """Play one trial of `num_pulls` pulls on every task; return arms [B, T] and rewards [B, T]."""
    batch = len(means)
    nothing = (
        np.zeros(batch, dtype=int),
        np.zeros(batch),
        np.zeros(batch),
    )  # arm 0, reward 0, flag 0
    state, last = policy.initial_state(batch), nothing
    arms, rewards = (
        np.zeros((batch, num_pulls), dtype=int),
        np.zeros((batch, num_pulls)),
    )
    for step in range(num_pulls):
        if not state_survives:  # every episode starts from scratch
            state, last = policy.initial_state(batch), nothing
        arm, state = policy.act(state, *last, generator)
        reward = pull(means, arm, generator)
        arms[:, step], rewards[:, step] = arm, reward
        last = arm, reward, np.ones(batch)
    return arms, rewards


rules = {
    "random": lambda alpha, beta, t, generator: generator.integers(
        alpha.shape[1], size=len(alpha)
    ),
    "greedy": lambda alpha, beta, t, generator: (alpha / (alpha + beta)).argmax(axis=1),
    "Thompson": lambda alpha, beta, t, generator: thompson_sampling(
        alpha, beta, generator
    ),
    "UCB1, c = 0.2": lambda alpha, beta, t, generator: ucb1(alpha, beta, t, c=0.2),
}

# %% [markdown]
# First the plainest question: does the state matter? Play Thompson sampling on 10,000 fresh five-armed tasks, ten pulls
# each, twice: once as it is, once with its counts wiped after every pull. Same rule, same tasks.

# %%
NUM_TASKS = 10_000
means = sample_bandits(NUM_TASKS, 5, np.random.default_rng(2))
rows = np.arange(NUM_TASKS)[:, None]
curves = {}
for label, survives in (
    ("state survives the episode", True),
    ("state wiped after every episode", False),
):
    policy = CountsPolicy(rules["Thompson"], num_arms=5)
    arms, _ = play_trials(
        policy, means, 10, np.random.default_rng(3), state_survives=survives
    )
    # Score the chosen arm's mean rather than its coin: the same expectation, less noise.
    expected = means[rows, arms]
    curves[label] = (
        expected.mean(axis=0),
        1.96 * expected.std(axis=0) / np.sqrt(NUM_TASKS),
    )

pulls = np.arange(1, 11)
with style():
    fig, ax = plt.subplots()
    for (label, (mean, half)), marker in zip(curves.items(), "os", strict=True):
        band(ax, pulls, mean - half, mean, mean + half, label=label, marker=marker)
    ax.axhline(5 / 6, color="black", linestyle=":", linewidth=1)
    ax.annotate(
        "told the best arm: 5/6",
        (1, 5 / 6),
        xytext=(0, -12),
        textcoords="offset points",
    )
    ax.set(
        xlabel="pull (= episode) of the trial",
        ylabel="expected reward",
        ylim=(0.45, 0.88),
    )
    ax.set_title("One rule, with and without memory between episodes")
    ax.legend(loc="center right", bbox_to_anchor=(1.0, 0.72))
kept, wiped = (curve[0][-1] for curve in curves.values())
show(
    fig,
    alt="Expected reward at each of ten pulls of Thompson sampling on 10,000 five-armed tasks. With its state kept it "
    f"climbs from 0.50 to {kept:.2f}; with the state wiped it stays at {wiped:.2f}. "
    "An agent that is told the best arm earns 0.83.",
)

# %% [markdown]
# The rule is fixed code; nothing in it changed while the upper curve climbed. All of the learning sits in a state that
# is carried over the end of each episode and thrown away when the trial ends.
#
# Keep that sentence. RL² is the same picture with two parts replaced: the counts become the hidden vector of a
# recurrent network, and the rule becomes its weights.

# %% [markdown]
# ## 1.5 · What not knowing costs
#
# Total reward mixes three things: how generous the task was, how the coins fell, and how well you played. *Regret*
# keeps only the third. At every step, compare the mean of the arm you pulled with the best mean of that task:
#
# $$\text{regret}_T = \sum_{t=1}^{T} \left(\mu^* - \mu_{a_t}\right), \qquad \mu^* = \max_k \mu_k .$$
#
# Two things are easy to get wrong:
#
# - It uses **means, not coins**. Pulling the best arm costs nothing, even when it happens not to pay.
# - It compares with the **truly best** arm, not with the one that looked best. The evaluator knows the task; the agent
#   does not.

# %% [markdown]
# ## Exercise 1.5: what a trial lost
#
# You are handed the complete record of `B` trials. It holds more than you need.
#
# | argument | shape | meaning |
# |---|---|---|
# | `means` | `[B, K]` float | the true payment probabilities |
# | `arms` | `[B, T]` int | the arms pulled |
# | `rewards` | `[B, T]` float | what they paid, 0 or 1 |
# | returns | `[B, T]` float | entry `t`: the regret of all pulls up to and including `t` |
#
# **By hand.** `means = [[0.2, 0.8, 0.5]]`, `arms = [[0, 1, 2, 1]]`, `rewards = [[1, 0, 1, 1]]`. The best mean is 0.8;
# the steps cost 0.6, 0, 0.3, 0, so the answer is `[[0.6, 0.6, 0.9, 0.9]]`.


# %% exercise="regret" minutes=10 difficulty=2
def regret(means, arms, rewards):
    """Add up what each trial lost against the best arm of its task.

    Args:
        means: [B, K] float, the true payment probabilities.
        arms: [B, T] int, the arms pulled.
        rewards: [B, T] float, what they paid: part of the record of a trial.

    Returns:
        [B, T] float, the regret of all pulls so far, after each pull.
    """
    ### BEGIN SOLUTION
    chosen = np.take_along_axis(means, arms, axis=1)
    best = means.max(axis=1, keepdims=True)
    return (best - chosen).cumsum(axis=1)
    ### END SOLUTION


# %% check="regret" points=4
check("regret")

# %% [markdown] hint="regret"
# Which of the three arrays says how good a choice *was*, and which says how lucky it turned out?

# %% [markdown] hint="regret"
# You need the mean of every pulled arm, `[B, T]`: `np.take_along_axis(means, arms, axis=1)`. The best mean is one
# number for each row, `[B, 1]`.

# %% [markdown] hint="regret"
# Subtract, then `cumsum` along the steps. If you get shape `[B]`, you summed where a running sum is wanted.

# %% [markdown]
# Now all four rules on the same 10,000 tasks, for 200 pulls (this takes a few seconds).

# %%
LONG = 200
played = {
    name: play_trials(
        CountsPolicy(rule, num_arms=5), means, LONG, np.random.default_rng(4)
    )
    for name, rule in rules.items()
}
regrets = {
    name: regret(means, *arms_and_rewards) for name, arms_and_rewards in played.items()
}

with style():
    fig, axes = plt.subplots(1, 2, figsize=(9, 3.6))
    for ax, limit in zip(axes, (10, LONG), strict=True):
        for name, lost in regrets.items():
            mean = lost[:, :limit].mean(axis=0)
            half = 1.96 * lost[:, :limit].std(axis=0) / np.sqrt(NUM_TASKS)
            band(
                ax, np.arange(1, limit + 1), mean - half, mean, mean + half, label=name
            )
        ax.set(xlabel="pull", ylabel="regret so far", xlim=(1, limit))
    axes[0].set_title("the first 10 pulls")
    axes[1].set_title(f"{LONG} pulls")
    axes[1].set_ylim(0, 20)
    axes[0].legend()
    fig.tight_layout()
at = {name: (lost[:, 9].mean(), lost[:, -1].mean()) for name, lost in regrets.items()}
show(
    fig,
    alt="Mean regret on 10,000 five-armed tasks, two panels. "
    + "; ".join(
        f"{name}: {short:.2f} after 10 pulls, {long:.1f} after {LONG}"
        for name, (short, long) in at.items()
    )
    + ". Greedy beats Thompson sampling at first and loses to it later.",
)
print(f"{'regret after':15s}{'10 pulls':>10s}{f'{LONG} pulls':>12s}   (95% intervals)")
for name, lost in regrets.items():
    cells = [
        f"{lost[:, i].mean():6.2f} ±{1.96 * lost[:, i].std() / NUM_TASKS**0.5:.2f}"
        for i in (9, -1)
    ]
    print(f"{name:15s}" + "   ".join(cells))

# %% [markdown]
# Look at greedy and Thompson sampling. With ten pulls, greedy is clearly ahead: Thompson sampling spends pulls on
# knowledge that it has no time left to use. With two hundred, the order turns: greedy often settles on an arm that was
# merely lucky and pays for it at every remaining pull, a straight line upwards.
#
# So neither is "better". **How much exploring is worth depends on how much time is left to use what you find.**
# Thompson sampling does not know how long the trial will be. UCB1 only knows through its constant $c$, which somebody
# has to tune for each length. What would a learner do that knows the number of pulls, and the distribution of tasks,
# and plans accordingly?

# %% [markdown]
# ## 1.6 · The best that can be done, exactly
#
# Two arms, flat prior. Work it out by hand for short trials.
#
# **One pull.** Both arms have mean 1/2. Value: $1/2$.
#
# **Two pulls.** Pull any arm. With probability 1/2 it pays (1 coin), its belief becomes Beta(2, 1) with mean 2/3, and
# you pull it again. With probability 1/2 it fails, its mean drops to 1/3, and you switch to the other, mean 1/2:
#
# $$V = \tfrac12\left(1 + \tfrac23\right) + \tfrac12\left(0 + \tfrac12\right) = \tfrac{13}{12} \approx 1.083 .$$
#
# Without learning anything you would get $2 \times \tfrac12 = 1$. That twelfth of a coin is what a memory earns.
#
# **In general.** Let the *belief* be the state of a planning problem: it changes by Bayes' rule, at random, but with
# known probabilities. With $m$ pulls left,
#
# $$V_0 = 0, \qquad V_m(\text{belief}) = \max_k \Big[\, p_k \big(1 + V_{m-1}(\text{belief, } \alpha_k + 1)\big)
# + (1 - p_k)\, V_{m-1}(\text{belief, } \beta_k + 1) \Big], \qquad p_k = \frac{\alpha_k}{\alpha_k+\beta_k} .$$
#
# No learner, recurrent or not, trained or not, can have a higher expected reward on tasks from this distribution. This
# is the *Bayes-optimal value*. Notice that nothing in the formula says "explore". A pull is worth its coin *plus* what
# you can do, better informed, with the pulls that remain; the maximum over that sum explores by itself, exactly as much
# as it pays.

# %% [markdown]
# ## Exercise 1.6: the Bayes-optimal value of two arms
#
# Compute $V_m$ from any belief, by dynamic programming.
#
# | argument | shape | meaning |
# |---|---|---|
# | `alpha`, `beta` | `[2]` float, whole numbers ≥ 1 | the belief about the two arms now |
# | `num_pulls` | int ≥ 0 | pulls left |
# | returns | float | the highest expected total reward of these pulls |
#
# It must do 20 pulls in well under a second. There are $4^{20}$ histories of 20 pulls (two arms, two outcomes), about
# a million million; but only 8,855 different beliefs at which you have to choose, since the order of the pulls does not
# matter. Compute each once.
#
# **By hand.** Flat prior: $V_1 = 1/2$, $V_2 = 13/12$, $V_3 = 5/3$.
#
# Now `alpha = [2, 1]`, `beta = [2, 1]`, two pulls left. Arm 0 paid once and failed once, arm 1 is fresh; both have mean
# 1/2, and yet they are not equal:
#
# - arm 0 first: $\tfrac12(1 + \tfrac35) + \tfrac12 \cdot \tfrac12 = 1.05$ (paid: its mean is now 3/5; failed: switch);
# - arm 1 first: $\tfrac12(1 + \tfrac23) + \tfrac12 \cdot \tfrac12 = 1.0833$ (paid: its mean is now 2/3).
#
# The value is the larger, 1.0833. The fresh arm has more to tell, because its belief moves further.


# %% exercise="bayes_optimal_value" minutes=30 difficulty=4
def bayes_optimal_value(alpha, beta, num_pulls):
    """Compute the highest expected total reward that any learner can have on two arms.

    Args:
        alpha: [2] float, whole numbers, one plus the successes of either arm so far.
        beta: [2] float, whole numbers, one plus the failures of either arm so far.
        num_pulls: how many pulls are left.

    Returns:
        the value, a float.
    """

    ### BEGIN SOLUTION
    @cache
    def value(a0, b0, a1, b1, left):
        if left == 0:
            return 0.0
        p0, p1 = a0 / (a0 + b0), a1 / (a1 + b1)
        arm0 = p0 * (1 + value(a0 + 1, b0, a1, b1, left - 1)) + (1 - p0) * value(
            a0, b0 + 1, a1, b1, left - 1
        )
        arm1 = p1 * (1 + value(a0, b0, a1 + 1, b1, left - 1)) + (1 - p1) * value(
            a0, b0, a1, b1 + 1, left - 1
        )
        return max(arm0, arm1)

    return value(int(alpha[0]), int(beta[0]), int(alpha[1]), int(beta[1]), num_pulls)
    ### END SOLUTION


# %% check="bayes_optimal_value" points=8
check("bayes_optimal_value")

# %% [markdown] hint="bayes_optimal_value"
# Write it first as a plain recursion that follows the formula: a function of the four counts and the pulls left. What
# does it return at 0 pulls left? Test it on 1, 2 and 3 pulls.

# %% [markdown] hint="bayes_optimal_value"
# For each arm there are two futures. In *both* the belief about that arm changes (one count goes up) and one pull
# fewer is left. Weigh the two futures by $p_k$ and $1 - p_k$; take the larger of the two arms.

# %% [markdown] hint="bayes_optimal_value"
# Too slow at 20 pulls? The recursion meets the same belief by many routes. Put `@cache` (imported in the setup cell)
# on an inner function `value(a0, b0, a1, b1, left)` whose arguments are plain integers.

# %% [markdown]
# Your function answers a question that no rule of section 1.3 could. You know one arm a little: it paid 2 of 3, mean
# 0.6. The other is fresh, mean 0.5. Which one now? Compare both choices, each followed by the best play:


# %%
def value_of_choosing(arm, alpha, beta, num_pulls):
    """Pull `arm` now, then play optimally."""
    step = np.eye(2)[arm]
    p = alpha[arm] / (alpha[arm] + beta[arm])
    paid = 1 + bayes_optimal_value(alpha + step, beta, num_pulls - 1)
    return p * paid + (1 - p) * bayes_optimal_value(alpha, beta + step, num_pulls - 1)


known_and_fresh = (
    np.array([3.0, 1.0]),
    np.array([2.0, 1.0]),
)  # arm 0: 2 of 3 paid; arm 1: untouched
left = np.arange(1, 21)
advantage = np.array(
    [
        value_of_choosing(1, *known_and_fresh, m)
        - value_of_choosing(0, *known_and_fresh, m)
        for m in left.tolist()
    ]
)
switch = int(left[advantage > 0][0])
with style():
    fig, ax = plt.subplots()
    ax.axhline(0, color="black", linewidth=1, linestyle="-")
    ax.plot(left, advantage, marker="o")
    ax.axvspan(0.5, switch - 0.5, color="#DDDDDD", alpha=0.6)
    ax.text(1.0, 0.02, "stay with the\nknown arm")
    ax.text(switch, -0.045, "try the fresh arm")
    ax.set(
        xlabel="pulls left",
        ylabel="gain of the fresh arm (coins)",
        xticks=left[::2],
        xlim=(0.5, 20.5),
    )
    ax.set_title("Same evidence, other decision")
show(
    fig,
    alt="What pulling the fresh arm gains over the arm that paid 2 of 3, against the pulls left. It rises from -0.10 "
    f"at one pull left, crosses zero between {switch - 1} and {switch}, and is {advantage[-1]:+.3f} at twenty.",
)
print(
    f"with {switch - 1} pulls left or fewer: the known arm; from {switch} on: the fresh one"
)

# %% [markdown]
# The evidence is the same at every point of this curve; only the time left differs. An optimal learner explores
# *because the trial is long enough for it to pay*, and stops when it no longer is. No index of the counts alone can do
# that: greedy, Thompson sampling and UCB1 with a fixed $c$ do not know where the trial ends.

# %% [markdown] quiz="same_counts"
# **Question.** Two agents are on the same task, with exactly the same counts. One has 2 pulls left, the other 50.
# Should they pull the same arm?
# - [ ] Yes: the counts contain everything that was observed. :: True, they do, but what an observation is worth
#   depends on how often it can still be used.
# - [x] Not necessarily: the second may try an uncertain arm that the first should leave alone. :: Finding a better
#   arm pays at every remaining pull: at 50 pulls it can be worth a bad coin now, at 2 it rarely is.
# - [ ] No: the agent with 50 pulls should always take the least known arm. :: An arm that has failed often stays bad
#   however long the trial is; exploring is worth it only where the arm could still turn out best.
# - [ ] Yes, because Thompson sampling would. :: It would, and that is its flaw on short trials: it explores as if
#   there were time for ever.

# %% [markdown]
# ## Exercise 1.7: the value of information
#
# How much of the optimum is due to learning inside the trial? Compare with the best plan that *ignores* everything it
# sees: write down all the pulls beforehand and stick to them. Each planned pull of arm $k$ earns its mean under the
# belief, so the best such plan pulls the arm with the highest mean, every time.
#
# The **value of information** is the Bayes-optimal value minus the value of that plan. You are handed the first number
# (so that this exercise stands on its own); compute the second and subtract.
#
# | argument | shape | meaning |
# |---|---|---|
# | `optimal_value` | float | what `bayes_optimal_value(alpha, beta, num_pulls)` is |
# | `alpha`, `beta` | `[K]` float | the belief at the start |
# | `num_pulls` | int | pulls left |
# | returns | float ≥ 0 | expected reward gained by reacting to what is seen |
#
# **By hand.** Flat prior, two arms, two pulls: $13/12 - 2 \times 1/2 = 1/12$. With one pull left it is 0: nothing that
# you learn can be used.


# %% exercise="value_of_information" minutes=8 difficulty=2
def value_of_information(optimal_value, alpha, beta, num_pulls):
    """Compute what reacting to rewards earns over the best plan fixed in advance.

    Args:
        optimal_value: the Bayes-optimal value of these pulls from this belief.
        alpha: [K] float, one plus the successes of every arm.
        beta: [K] float, one plus its failures.
        num_pulls: how many pulls are left.

    Returns:
        the difference, a float, in the unit of reward (never negative).
    """
    ### BEGIN SOLUTION
    mean = alpha / (alpha + beta)
    return float(optimal_value - num_pulls * mean.max())
    ### END SOLUTION


# %% check="value_of_information" points=3
check("value_of_information")

# %% [markdown] hint="value_of_information"
# A plan fixed in advance cannot react. What does one pull of arm $k$ earn on average, under the belief that you
# start with? Does that change over the trial if you never look?

# %% [markdown] hint="value_of_information"
# The best fixed plan earns `num_pulls` times the highest of the means $\alpha_k/(\alpha_k + \beta_k)$.

# %%
flat = np.ones(2), np.ones(2)
print("pulls   optimal   fixed plan   value of information   the same, a pull")
for n in (1, 2, 5, 10, 20, 30):
    best = bayes_optimal_value(*flat, n)
    gain = value_of_information(best, *flat, n)
    print(f"{n:5d}{best:10.3f}{best - gain:13.1f}{gain:23.3f}{gain / n:19.3f}")

# %% [markdown]
# The last column creeps upwards: the longer the trial, the more each pull profits from what earlier ones found out. Its
# limit is $2/3 - 1/2 = 1/6$, for an agent that is told the better of two arms. (The larger of two uniform numbers is
# 2/3 on average.)

# %% [markdown]
# ## 1.7 · A yardstick, and what it says about greed
#
# With more arms, the same recursion works; arms that look alike are interchangeable, so a belief is stored as a sorted
# list of counts and the untouched arms as a number. Ten pulls take a few hundredths of a second, for any number of
# arms: ten pulls touch at most ten of them.


# %% given=true
def optimal_value(num_arms, num_pulls):
    """Compute the Bayes-optimal value of any number of arms from the flat prior."""

    @cache
    def value(touched, fresh, left):
        if left == 0:
            return 0.0
        candidates = list(dict.fromkeys(touched)) + (
            [(1, 1)] if fresh else []
        )  # equal arms once
        best = 0.0
        for a, b in candidates:
            others = list(touched)
            if (a, b) in touched:
                others.remove((a, b))
            still_fresh = fresh - ((a, b) not in touched)
            paid = value(tuple(sorted([*others, (a + 1, b)])), still_fresh, left - 1)
            failed = value(tuple(sorted([*others, (a, b + 1)])), still_fresh, left - 1)
            best = max(best, (a * (1 + paid) + b * failed) / (a + b))
        return best

    return value((), num_arms, num_pulls)


def exact_value(rule, num_arms, num_pulls):
    """Compute the expected reward of a rule without randomness: follow all 2**num_pulls runs of outcomes."""
    alpha, beta, probability = (
        np.ones((1, num_arms)),
        np.ones((1, num_arms)),
        np.ones(1),
    )
    total = 0.0
    for t in range(1, num_pulls + 1):
        arm, rows = rule(alpha, beta, t, None), np.arange(len(alpha))
        p = alpha[rows, arm] / (alpha[rows, arm] + beta[rows, arm])
        total += (probability * p).sum()
        step = np.eye(num_arms)[arm]
        alpha, beta = (
            np.concatenate([alpha + step, alpha]),
            np.concatenate([beta, beta + step]),
        )
        probability = np.concatenate([probability * p, probability * (1 - p)])
    return total


# %% [markdown]
# How good is greedy, then? Five arms, ten pulls: the smallest cell of the bandit table in the RL² paper (Duan et al.
# 2016). Scores are put on a scale where random play is 0 and the optimum is 1:
#
# $$\text{normalised score} = \frac{x - \text{random}}{\text{reference} - \text{random}} .$$

# %%
K, N = 5, 10
optimum, random_value = optimal_value(K, N), N / 2
thompson = (
    N * means.max(axis=1) - regrets["Thompson"][:, N - 1]
)  # expected reward of each task, from its regret
print(f"{K} arms, {N} pulls     expected reward   normalised   of what greedy leaves")
values = {"random": (random_value, "exact")}
values["Thompson"] = thompson.mean(), f"± {1.96 * thompson.std() / NUM_TASKS**0.5:.2f}"
values["greedy"] = exact_value(rules["greedy"], K, N), "exact"
for c in (0.1, 0.2, 1.0):
    values[f"UCB1, c = {c}"] = (
        exact_value(lambda a, b, t, _, c=c: ucb1(a, b, t, c), K, N),
        "exact",
    )
values["Bayes-optimal"] = optimum, "exact"
values["told the best arm"] = N * K / (K + 1), "exact"
for name, (x, precision) in values.items():
    greedy_value = values["greedy"][0]
    beyond = (
        f"{(x - greedy_value) / (optimum - greedy_value):.1%}"
        if greedy_value <= x <= optimum
        else "-"
    )
    print(
        f"{name:20s}{x:10.4f} {precision:9s}{(x - random_value) / (optimum - random_value):8.1%}{beyond:>24s}"
    )

# %% [markdown]
# Four things to take from this table.
#
# 1. **Greedy already reaches 94.5% of the normalised optimum.** At ten pulls, almost all of the score is there without
#    exploring on purpose. A learned agent that scores 94% there may have learned no exploration at all. To see
#    exploration, read the last column, $(x - \text{greedy})/(\text{optimum} - \text{greedy})$: how much of what greedy
#    leaves is earned. Or use longer trials.
# 2. **A good constant makes UCB1 nearly optimal; the textbook's $c = 1$ makes it poor.** Somebody had to tune $c$ for
#    this number of arms and pulls.
# 3. **The optimum is far below the 8.33 of an agent that is told the task.** Nobody can be blamed for that difference:
#    it is the price of not knowing.
# 4. **Nothing can be above the optimum except by luck.** The paper reports 6.7 for RL² in this cell, measured on 1,000
#    tasks, and 6.8 with fifty arms, where the optimum is 6.71. Both are within about one standard error of what is
#    possible (next cell): fine as measurements, but no evidence of beating anything.

# %%
for arms_count in (5, 10, 50):
    print(
        f"{arms_count:2d} arms, 10 pulls: Bayes-optimal value {optimal_value(arms_count, 10):.4f}"
    )
coins = played["UCB1, c = 0.2"][1][:, :N].sum(axis=1)
print(
    f"standard error of a mean over 1,000 tasks, when coins are counted: {coins.std() / 1000**0.5:.2f}"
)

# %% [markdown]
# ### Play: slide the horizon
#
# Two arms again, so that the optimum can be computed for long trials too. Slide $n$ from 10 to 500 and watch the gap
# between greedy and optimal open. Everything drawn is exact; no simulation.

# %%
from rl2lib.lab.explorables.horizon_gap import HorizonGap

HorizonGap().show()

# %% [markdown]
# At ten pulls you would need thousands of trials to see the gap at all. At 500 greedy leaves almost eight coins on
# the table. Once it has settled on the worse arm, and that arm's mean stays above its low opinion of the other, nothing
# that it sees makes it look at the other one again.

# %% [markdown]
# ## 1.8 · What RL² will have to discover
#
# Here are this notebook's learners in one frame, with the one that is still to come.
#
# | | state that survives | update | choice | prior over tasks | horizon |
# |---|---|---|---|---|---|
# | greedy | counts | add one | highest mean | given | ignored |
# | Thompson sampling | counts | add one | sample a world | given | ignored |
# | UCB1 | counts, clock | add one | mean + bonus | in its first counts | through $c$, tuned by hand |
# | Bayes-optimal | counts, clock | add one | dynamic programming | given | given |
# | **RL²** | hidden vector | **learned** | **learned** | from the tasks it meets | from the trials it plays |
#
# RL² means two nested loops.
#
# - The *inner loop* is what you built here: within a trial, a state takes in (action, reward, episode end) and a fixed
#   rule chooses. It is fast, and it changes no weight.
# - The *outer loop* adjusts the rule. It plays very many trials on many tasks, and changes the weights of the network
#   by ordinary, slow reinforcement learning so that the *sum of rewards of a trial* grows.
#
# Nobody tells the network about counts, Beta distributions or the horizon. If it scores like the Bayes-optimal agent,
# then it has found, by trial and error, a way to remember and to plan that does the same job. And since that agent is a
# ceiling, you will be able to say how close it came. That is why you computed it.
#
# In mazes, in images, in most of the world, nobody can write down the counts, the prior or the optimum. A learned rule
# needs none of them. Bandits are where we check that it can be trusted.

# %% [markdown]
# ## Quiz

# %% [markdown] quiz="told_the_best_arm"
# **Question.** Five arms, ten pulls. An agent that is told the best arm expects 8.33 coins, the Bayes-optimal learner
# 6.66. Where do the other 1.67 go?
# - [ ] Into a flaw of the algorithm: a better one would get closer to 8.33. :: No learner can: 6.66 is the maximum
#   over all of them. Being told the arm is not learning.
# - [x] Into finding out: pulls of arms that turn out worse, and never being quite sure. :: It is the price of not
#   knowing, on this family and for ten pulls. Over longer trials it shrinks, counted per pull.
# - [ ] Into bad luck with the coins. :: Both numbers are expectations; luck is averaged out of either.
# - [ ] Into the prior, which pulls all means towards one half. :: The prior is the truth here (means really are
#   uniform), and using it is what makes 6.66 possible.

# %% [markdown] quiz="regret_of_a_failure"
# **Question.** The best arm of a task has mean 0.8. You pull it, and it does not pay. How much does your regret grow?
# - [ ] By 0.8, the reward that you could expect. :: Regret compares arms, and you took the best one.
# - [ ] By 1, the coin that you did not get. :: That is bad luck, not a bad choice; regret is made of means.
# - [x] Not at all. :: The chosen arm's mean equals the best mean; the coin does not enter.
# - [ ] By 0.2, since the arm is not perfect. :: The comparison is with the best arm that exists, not with an arm
#   that always pays.

# %% [markdown] quiz="as_good_as_greedy"
# **Question.** A colleague trains an agent for ten pulls on five arms; its normalised score is 0.945. "It has learned
# to explore." What do you say?
# - [ ] Agreed: 0.945 is close to the optimum. :: It is, but so is an agent that never explores on purpose.
# - [ ] It must be overfitted. :: Nothing here says that; fresh tasks were not even mentioned.
# - [x] Greedy has that score too, so this number cannot tell. :: Measure the share of what greedy leaves, or a longer
#   trial, where the gap is wide.
# - [ ] Scores above 0.9 are noise. :: With 10,000 tasks the 95% interval is a few hundredths wide. The problem is
#   what the number means, not how exact it is.

# %% [markdown] quiz="why_a_distribution"
# **Question.** Thompson sampling finds a good arm in tens of pulls, where a deep RL agent that starts from scratch may
# need thousands of episodes. Where does its speed come from?
# - [ ] From the randomness of its choices. :: Random play is the slowest of all; the randomness of Thompson sampling
#   is shaped by its belief.
# - [x] From what its designer knew about the tasks. :: Independent arms, coins, a flat prior: all built in. It only has
#   to find out which of the expected tasks it is in. RL² aims to acquire that knowledge by training.
# - [ ] From a better optimiser. :: Nothing is optimised: it counts. The design did the work beforehand.
# - [ ] From a larger memory of past pulls. :: Its whole memory is two numbers for each arm.

# %% [markdown]
# ## Summary
#
# - A **task** is drawn and fixed; a **trial** is several **episodes** on it. Knowledge of the task may cross episodes
#   and must not cross trials.
# - A fast learner is **a policy whose state survives the episode**: counts, updated by (action, reward, end), and a
#   rule on top. The state changes, the rule does not.
# - With the flat prior, counts become Beta(1 + successes, 1 + failures): all that a history says about the arms.
# - **Greedy** never asks; **Thompson sampling** asks as if there were time for ever; **UCB1** asks as much as its
#   constant says. Which is best depends on the length of the trial.
# - **Regret** adds up true means against the truly best arm, never coins.
# - The **Bayes-optimal value** is exact, by dynamic programming over beliefs: 6.6600 for five arms and ten pulls.
#   Nothing can beat it; greedy is at 94.5% of it, normalised, so look at what exploration adds.
# - The optimal action depends on **how many pulls remain**: with 2 of 3 paid against a fresh arm, the answer changes
#   between 7 and 8 pulls left.
# - **RL²** has to learn both the update and the rule, from rewards alone.
#
# **Next:** [02 · What the agent is fed](02_input_embedding.ipynb). The tuple (observation, previous action, previous
# reward, previous end) becomes the input of a network, and each of the four turns out to be needed.
#
# **To read:** Russo et al., *A Tutorial on Thompson Sampling* (2018), chapters 1-3; Duan et al., *RL²: Fast
# Reinforcement Learning via Slow Reinforcement Learning* (2016), sections 1 and 3.1.
#
# When all checks pass: save, then `submit("01")`.
