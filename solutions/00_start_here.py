# %% [markdown] title="Start here" reading=40 needs=""
# # 00 · Start here
#
# **RL² is reinforcement learning twice.** A slow learner, the one you know, trains the weights of a
# recurrent network over thousands of different tasks. The network it ends up with is itself a learner: put
# into a task it has never seen, it explores, remembers what paid, and improves within a handful of attempts,
# **with its weights frozen**. All of that learning happens in its hidden state. Training of this kind is
# called **meta-reinforcement learning**: learning to learn.
#
# In this workbook you build that, piece by piece, and check each piece as you go. You should be comfortable
# with Python, a little PyTorch, and the basic words of reinforcement learning (reward, policy, episode). You
# need no meta-learning at all.
#
# **After this notebook (about {minutes} minutes) you will be able to**
#
# - say what survives an episode, what survives a trial, and which of the two learners uses it;
# - compute the number that the course's tables report;
# - use the workbook: check, hint, solution, progress, submit;
# - know whether to read a primer on recurrent networks or policy gradients first (both are here, both
#   short);
# - run a complete RL² agent that has a single weight, and see both of its learners at work.
#
# It needs nothing before it, and nothing but NumPy.

# %% setup=true
import numpy as np

from rl2lib.lab import check, course, hint, progress, quiz, solution, submit

# %% given=true
# For figures and the course map only; your answers need nothing from here.
import matplotlib.pyplot as plt
from IPython.display import Markdown, display

from rl2lib.evaluation.figures import MARKERS, PALETTE, band, show, style

# %% [markdown]
# ## 0.1 One small game, two learners
#
# Here is the game that this notebook plays from beginning to end.
#
# > There are two buttons. One of them pays 1 every time, the other pays nothing. You do not know which is
# > which. You get **ten presses**. Then the buttons are wired afresh, by the toss of a coin, and you play
# > again.
#
# You know how to play it: press either button once. If it paid, stay with it; if not, switch. You lose half
# a point on average at the first press and nothing afterwards, so you earn **9.5** of 10. Someone who cannot
# remember the last press has nothing to go by, and earns **5.0**.
#
# Now the words, as this course uses them everywhere:
#
# | word | meaning | in the game |
# |---|---|---|
# | **task** | one problem, drawn at random from a family of problems | which button pays |
# | **episode** | one attempt at the task, from reset to end | one press |
# | **trial** | several episodes on *the same* task | ten presses |
# | **iteration** | one update of the weights, after many trials | the slow learner takes one step |
#
# Between two trials the buttons are rewired, so what you remember of the last trial is worth nothing. What
# stays useful is the *rule*: win, stay; lose, switch. RL² splits the two in just this way. **What you
# remember about these buttons sits in the hidden state; the rule sits in the weights.**
#
# | | at the next step | at the next **episode** | at the next **trial** | at the next **iteration** |
# |---|---|---|---|---|
# | where you are in the task | moves on | **reset** | reset | reset |
# | hidden state *h* (the fast learner's memory) | updated | **kept** | **reset** | reset |
# | weights *θ* (what the slow learner learns) | kept | kept | kept | **updated** |
#
# The middle row is the one to remember. A usual recurrent agent clears *h* at every reset of the
# environment; RL² keeps it across the episodes of a trial, because the next episode has the same task.
#
# The same three rows as a picture, for a task whose episodes last four steps, three episodes to a trial. To
# save space, an iteration comes here after two trials; in section 0.4 it comes after 32.

# %%
steps_per_episode, episodes_per_trial, num_trials = 4, 3, 3
steps = np.arange(steps_per_episode * episodes_per_trial * num_trials + 1)
trial_length = steps_per_episode * episodes_per_trial
rows = [
    ("where you are\nin the task", steps % steps_per_episode / steps_per_episode),
    ("hidden state h\n(what you know)", 1 - 0.8 ** (steps % trial_length)),
    ("weights θ\n(the rule)", np.where(steps < 2 * trial_length, 0.3, 0.7)),
]
with style():
    fig, axes = plt.subplots(3, 1, figsize=(8.4, 4.2), sharex=True)
    for row, (axis, (label, value)) in enumerate(zip(axes, rows, strict=True)):
        axis.step(
            steps, value, where="post", color=PALETTE[0], linestyle="-", linewidth=2
        )
        axis.fill_between(
            steps, value, step="post", color=PALETTE[0], alpha=0.15, linewidth=0
        )
        for episode in range(steps[-1] // steps_per_episode + 1):
            trial_starts = episode % episodes_per_trial == 0
            axis.axvline(
                episode * steps_per_episode,
                color="black" if trial_starts else "#888888",
                linestyle="-" if trial_starts else ":",
                linewidth=1.6 if trial_starts else 1,
            )
        axis.set(ylim=(0, 1.05), yticks=[], xticks=[], xlim=(0, steps[-1]))
        axis.set_ylabel(label, rotation=0, ha="right", va="center")
        axis.grid(visible=False)
        if row == 0:
            for trial in range(num_trials):
                middle = (trial + 0.5) * trial_length
                axis.text(
                    middle,
                    1.12,
                    f"trial {trial + 1}: a new task",
                    ha="center",
                    va="bottom",
                )
    axes[2].annotate(
        "one iteration",
        xy=(2 * trial_length, 0.6),
        xytext=(1.85 * trial_length, 0.6),
        ha="right",
        va="center",
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
        arrowprops={"arrowstyle": "->"},
    )
    axes[2].set_xlabel(
        "time in steps · dotted line: an episode ends · solid line: a trial ends"
    )
    show(
        fig,
        alt="Three traces over three trials of three episodes. Where you are in the task falls back to its "
        "start at every episode. The hidden state grows through the three episodes of a trial and falls "
        "back only when the trial ends. The weights stay constant over two trials and change once, "
        "between trials, at an iteration.",
    )

# %% [markdown]
# ## 0.2 How a notebook works, on its first exercise
#
# Each exercise runs through the same loop:
#
# 1. **Read** what is asked, with an example worked by hand.
# 2. **Write** your answer where the cell says so, and run the cell.
# 3. **`check("name")`** runs it on small inputs whose results were worked out by hand. It says "passed", or
#    what was expected, what came, and the likely cause.
# 4. **`hint("name")`** gives a nudge. Call it again for a bigger one. Hints cost nothing.
# 5. **`solution("name")`** shows the reference answer once your own has passed, so that you can compare the
#    two.
# 6. **`progress()`** shows what is done and what is left, and **`rl2 submit 00`** hands the notebook in.
#
# When your work is graded, each answer meets a second, hidden check: the same question on fresh random
# inputs. An answer that is right in general passes both. One that was fitted to the numbers you see passes
# only the first.
#
# ### Exercise 0.1: the number in our tables
#
# A batch of play arrives as an array `rewards` of shape `[B, T]`: `B` trials side by side, `T` steps in
# each, one row a trial. The bandit and MDP tables of this course report one number for it:
#
# > **the mean trial return**: add up the rewards *of each trial*, then average *over the trials*.
#
# There is no discount, and nothing is divided by the number of steps: in the button game the answer should
# read "7.5 out of 10 presses", not "0.75".
#
# By hand, with $B = 2$ trials of $T = 4$ presses:
#
# $$
# \texttt{rewards} = \begin{pmatrix} 0 & 1 & 1 & 1 \\ 1 & 1 & 1 & 1 \end{pmatrix}
# \quad\longrightarrow\quad
# \text{returns } 3 \text{ and } 4
# \quad\longrightarrow\quad
# \frac{3 + 4}{2} = 3.5
# $$
#
# The first player guessed wrong once and switched; the second guessed right.
#
# One convention to get used to, since every array of the course follows it: **batch first**. Axis 0 counts
# trials, axis 1 counts steps.


# %% exercise="mean_trial_return" minutes=5 difficulty=1
def mean_trial_return(rewards):
    """Average over trials of the undiscounted reward summed over each trial.

    Args:
        rewards: [B, T] real or integer array, the reward of each step; one row a trial.

    Returns:
        the mean of the B trial returns, one number.
    """
    ### BEGIN SOLUTION
    trial_returns = rewards.sum(axis=1)
    return float(trial_returns.mean())
    ### END SOLUTION


# %% check="mean_trial_return" points=1
check("mean_trial_return")

# %% [markdown] hint="mean_trial_return"
# There are two steps, on two different axes. Which axis of a `[B, T]` array counts the steps of one trial?

# %% [markdown] hint="mean_trial_return"
# In NumPy, `rewards.sum(axis=k)` removes axis `k` and keeps the other. You want to keep the trials, so that
# a `[2, 4]` array becomes the two returns 3 and 4.

# %% [markdown] hint="mean_trial_return"
# Sum over axis 1 for the `B` returns, then call `.mean()` on those, and return the result.

# %% [markdown]
# **How to read a check that fails.** Suppose you had summed over the wrong axis. You would read something
# like this (try it: write `axis=0`, run your cell and the check again):
#
# ```text
# ✗ mean_trial_return: not yet
#   looked at:    mean_trial_return([[0, 1, 1, 1], [1, 1, 1, 1]])
#   expected:     3.5
#   got:          1.75
#   likely cause: You summed down the batch (axis 0) instead of along the trial (axis 1). ...
#   next:         hint("mean_trial_return") says more
# ```
#
# Read it from the top. *Looked at* is a call that you can paste into a cell and run yourself. *Expected* and
# *got* tell you how far off you are: 1.75 is 7/4, and who divides by four here? *Likely cause* appears when
# your number is exactly what a well-known slip would give. It is a guess: two slips can land on the same
# number, so look at your code before you believe it.
#
# Stuck is a normal state, and this is the way out of it:

# %%
hint("mean_trial_return")

# %%
progress()

# %% [markdown]
# After a pass, `solution("mean_trial_return")` shows the reference answer. There is nearly always more than
# one right way, and if yours differs, it is worth asking why. In a terminal, `rl2 check 00` and `rl2
# progress` do the same as above, and when you are done, **`rl2 submit 00`** hands in your saved copy. (From
# a notebook: save, then `submit("00")`.) Nothing is final: you may submit again.

# %% [markdown]
# ## 0.3 Ten minutes to find out what to read
#
# RL² stands on two things: a network with memory, and a gradient that needs no differentiable environment.
# Four questions tell you how fresh they are. If you answer without hesitation, skip the primers; otherwise
# each explanation says where to look. Press a letter below a question to see why that option is right or
# wrong. Nothing here counts towards a grade.

# %% [markdown] quiz="diagnostic_hidden_state"
# **Diagnostic 1.** A recurrence $h_t = 0.5\,h_{t-1} + x_t$ starts from $h_0 = 0$ and reads $x = 1, 0, 2$.
# What is $h_3$?
#
# - [ ] 2 :: That is the last input alone: the past was dropped. The term 0.5 h carries it on. Read primer A.
# - [x] 2.25 :: Yes: the states are 1, then 0.5, then 0.25 + 2. The first input is still there, faded to a
#   quarter.
# - [ ] 3 :: That is a plain sum: nothing fades. It would be right if the old state were not multiplied by
#   0.5. Read primer A.
# - [ ] 1.125 :: You halved after adding the input. Only the old state is multiplied by 0.5. Read primer A.

# %% [markdown] quiz="diagnostic_same_input"
# **Diagnostic 2.** The weights of a recurrent network are frozen. You feed it the same input twice in a row,
# and its two outputs differ. Why?
#
# - [ ] It cannot happen: the same weights and the same input give the same output. :: True of a feed-forward
#   network. A recurrent one has a second input, its own hidden state. Read primer A.
# - [ ] Reading an input takes a small gradient step. :: No gradient is involved in running a network. What
#   changed is its state, not its weights. Read primer A; this difference is the heart of the course.
# - [x] Its hidden state changed between the two. :: Yes. The output is a function of the input and the
#   state, and the first input left its trace in the state. RL² turns exactly this into learning.
# - [ ] The network must contain dropout or other noise. :: It may, but it need not: a deterministic
#   recurrent network does this too. Read primer A.

# %% [markdown] quiz="diagnostic_score_function"
# **Diagnostic 3.** A policy presses button 1 with probability $\sigma(\theta)$, $\theta = 0$. It pressed
# button 1 and earned reward 1. What is the policy-gradient (REINFORCE) estimate of the slope of the expected
# reward in $\theta$, from this one press?
#
# - [ ] 0.25 :: That is the derivative of π itself, σ(1 − σ). The estimate uses the derivative of log π,
#   which is the same divided by π. (0.25 is the average of the estimates, so you are close.) Read primer B.
# - [ ] 1 :: That is the reward. It must be multiplied by the score, the derivative of log π. Read primer B.
# - [ ] −0.5 :: That is the score of the other button. Button 1 paid, so the estimate must push towards it.
#   Read primer B.
# - [x] 0.5 :: Yes: reward times score is 1 × (1 − σ(0)) = 0.5.

# %% [markdown] quiz="diagnostic_baseline"
# **Diagnostic 4.** You subtract a constant $b$ from the reward before multiplying by the score. What does it
# change?
#
# - [x] The spread of the estimate, but not its mean. :: Yes: the score averages to zero under the policy, so
#   a constant times the score adds nothing on average. A good b makes single estimates far less noisy.
# - [ ] The mean of the estimate: it is now biased, but quicker to compute. :: The score averages to zero, so
#   b times the score does too, and the mean stays. A bias appears only if b depends on the action. Read
#   primer B.
# - [ ] Nothing at all. :: The mean stays, but single estimates change a great deal. Primer B has an example
#   where the noise vanishes. Read it.
# - [ ] It turns negative rewards positive, which the method needs. :: The method works with rewards of
#   either sign. A baseline is about noise. Read primer B.

# %% [markdown]
# ### Primer A: a hidden state is a memory
#
# A feed-forward network maps an input to an output and forgets it. A recurrent network also hands itself a
# note, the hidden state $h$: it reads the old note and the new input, and writes the new note. The smallest
# one there is:
#
# $$h_t = w\,h_{t-1} + x_t, \qquad h_0 = 0.$$
#
# Feed it $x = 1, 0, 0, 2$:
#
# | $t$ | $x_t$ | $w = 0.5$: a fading memory | $w = 1$: a running count |
# |---|---|---|---|
# | 1 | 1 | $0.5 \cdot 0 + 1 = 1$ | $0 + 1 = 1$ |
# | 2 | 0 | $0.5 \cdot 1 + 0 = 0.5$ | $1 + 0 = 1$ |
# | 3 | 0 | $0.5 \cdot 0.5 + 0 = 0.25$ | $1 + 0 = 1$ |
# | 4 | 2 | $0.5 \cdot 0.25 + 2 = 2.125$ | $1 + 2 = 3$ |
#
# Take three things from this table.
#
# - At $t = 2$ and $t = 3$ the input is the same (0), and so is the weight, but the state differs. **The
#   weights are the rule; the state is what the rule has made of the past.**
# - The weight decides *what kind* of memory it is. At $w = 0.5$ the past fades, at $w = 1$ nothing is ever
#   forgotten. Learning the weights means learning what to remember.
# - Setting $h$ back to 0 wipes the memory and leaves the rule alone. *When* to do so is a choice, and in RL²
#   it is the choice that matters: between trials, and never within one.
#
# A GRU, the network of this course, is the same idea with a vector for $h$ and with $w$ replaced by gates:
# numbers between 0 and 1, computed from the input and the state, that say entry by entry how much of the old
# note to keep. You will write one by hand in notebook 03. Until then this table is all you need.

# %% [markdown]
# ### Primer B: a policy gradient by hand
#
# Take a single wiring of the game: button 1 pays 1, button 0 pays 0. A policy with one parameter $\theta$
# presses button 1 with probability $\pi(1) = \sigma(\theta) = 1/(1 + e^{-\theta})$. Start at $\theta = 0$,
# where both buttons have probability ½. Which way should $\theta$ go?
#
# You cannot differentiate the button, but you can differentiate the *probability* of pressing it. The
# estimate for one press is
#
# $$
# \text{reward} \times \underbrace{\frac{d}{d\theta} \log \pi(a)}_{\text{the score}},
# \qquad
# \text{score} =
# \begin{cases}
# 1 - \sigma(\theta) = +0.5 & \text{button 1} \\
# -\sigma(\theta) = -0.5 & \text{button 0}
# \end{cases}
# $$
#
# | pressed | probability | reward | score | reward × score | (reward − ½) × score |
# |---|---|---|---|---|---|
# | button 1 | ½ | 1 | +0.5 | 0.5 | $0.5 \times 0.5 = 0.25$ |
# | button 0 | ½ | 0 | −0.5 | 0 | $-0.5 \times -0.5 = 0.25$ |
# | **mean** | | ½ | 0 | **0.25** | **0.25** |
#
# - The mean of the fifth column, 0.25, is the true slope: the expected reward is $\sigma(\theta)$, whose
#   derivative at 0 is $0.5 \cdot 0.5 = 0.25$. The estimate is right on average, though never on a single
#   press.
# - The sixth column subtracts a **baseline**, ½. The mean is the same, since the score averages to 0, and
#   here the noise is gone altogether: either press tells you the truth.
# - One step of size 1 takes $\theta$ to 0.25 and $\pi(1)$ to $\sigma(0.25) \approx 0.56$. Good presses
#   became likelier.
#
# A press that depends on earlier ones changes little: the score of a whole trial is the *sum* of the scores
# of its presses, and the reward is the trial's return. That is REINFORCE, and notebook 04 builds it in full.
#
# **Now see what the policy gradient alone cannot do.** In the game the wiring is tossed anew each trial.
# Half of the time the slope is +0.25, half of the time −0.25, and on average it is **0**: a policy without
# memory has nothing to learn here, however long you train it. It needs primer A.

# %% [markdown]
# ## 0.4 A complete RL² agent with one weight
#
# Put the two primers together. Give the agent a memory $h$, cleared when a trial starts. After each press
# $a$ (0 or 1) with reward $r$ (0 or 1) it is updated by
#
# $$h \;\leftarrow\; h + (2a - 1)(2r - 1).$$
#
# The product is the evidence of one press: button 1 paid, or button 0 did not: $+1$; button 0 paid, or
# button 1 did not: $-1$. So $h > 0$ says "it is button 1", and a larger $|h|$ says so after more presses.
# The policy has one weight $w$, which says how far to trust that memory: press button 1 with probability
# $\sigma(w\,h)$.
#
# - **The fast learner** is $h$: it changes at every press and never sees a gradient.
# - **The slow learner** is REINFORCE on $w$: it changes after a batch of trials, and is never told which
#   button pays. Its score for one press is primer B's times $h$, by the chain rule.
#
# At $w = 0$ the agent remembers everything and uses none of it. Nobody tells it that memory is worth using.
# It has to find that out from trial returns.


# %%
def play(weight, num_trials, generator, keep_memory=True, num_presses=10):
    """Play trials of the button game side by side; return rewards [B, T] and, for each trial, earned and score [B]."""
    good_button = generator.integers(
        2, size=num_trials
    )  # the task: drawn once, fixed for the trial
    memory = np.zeros(
        num_trials
    )  # h: cleared here, at the trial's start, and nowhere else
    earned = np.zeros(num_trials)
    score = np.zeros(num_trials)
    rewards = np.zeros((num_trials, num_presses))
    for press in range(num_presses):
        probability = 1 / (1 + np.exp(-weight * memory))  # of pressing button 1
        action = (generator.random(num_trials) < probability).astype(int)
        rewards[:, press] = action == good_button
        earned += rewards[:, press]
        score += (
            action - probability
        ) * memory  # derivative of log π(action) in the weight
        if keep_memory:
            memory = memory + (2 * action - 1) * (2 * rewards[:, press] - 1)
    return rewards, earned, score


def train(seed, keep_memory=True, num_iterations=150, num_trials=32, step_size=0.02):
    """The slow learner: REINFORCE with a baseline on one weight; return the weight and the learning curve."""
    generator = np.random.default_rng(seed)
    weight, curve = 0.0, []
    for _ in range(num_iterations):
        rewards, earned, score = play(weight, num_trials, generator, keep_memory)
        curve.append(mean_trial_return(rewards))  # your function
        weight += step_size * np.mean((earned - earned.mean()) * score)
    return weight, np.array(curve)


seeds = range(5)
trained = [train(seed) for seed in seeds]
wiped = [train(seed, keep_memory=False) for seed in seeds]
weight = float(np.median([final for final, _ in trained]))
print(
    "weight after 150 iterations, five seeds:",
    "  ".join(f"{final:.2f}" for final, _ in trained),
)
print(
    f"mean trial return over the last 20 iterations: {np.mean([c[-20:] for _, c in trained]):.2f}"
)
print(
    f"the same with the memory wiped at every press: {np.mean([c[-20:] for _, c in wiped]):.2f}"
)

# %%
test_rewards, *_ = play(weight, 20_000, np.random.default_rng(100))
blank_rewards, *_ = play(0.0, 20_000, np.random.default_rng(101))
presses = np.arange(1, 11)
with style():
    fig, (slow, fast) = plt.subplots(1, 2, figsize=(9.2, 3.6))
    for name, runs, colour, line in (
        ("memory kept for the trial", trained, PALETTE[0], "-"),
        ("memory wiped at every press", wiped, PALETTE[5], "--"),
    ):
        curves = np.array([curve for _, curve in runs])
        band(
            slow,
            np.arange(1, curves.shape[1] + 1),
            curves.min(axis=0),
            curves.mean(axis=0),
            curves.max(axis=0),
            label=name,
            color=colour,
            linestyle=line,
        )
    slow.axhline(9.5, color="black", linestyle=":", linewidth=1)
    slow.text(150, 9.56, "best possible: 9.5", ha="right", va="bottom", fontsize=9)
    slow.set(
        title="The slow learner",
        xlabel="iteration (32 trials each)",
        ylabel="mean trial return",
    )
    slow.set_ylim(4, 10.2)
    slow.legend(loc="center right")
    for name, rewards, colour, line, marker in (
        ("trained", test_rewards, PALETTE[0], "-", MARKERS[0]),
        ("untrained: w = 0", blank_rewards, PALETTE[5], "--", MARKERS[1]),
    ):
        fast.plot(
            presses,
            rewards.mean(axis=0),
            label=name,
            color=colour,
            linestyle=line,
            marker=marker,
        )
    fast.set(
        title="The fast learner (weight frozen)",
        xlabel="press within a new trial",
        ylabel="share that hit the good button",
        ylim=(0.4, 1.04),
        xticks=presses,
    )
    fast.legend(loc="center right")
    fig.tight_layout()
    show(
        fig,
        alt="Two panels. Left, over 150 iterations of training: the mean trial return rises from 5 to about "
        "9.3 when memory is kept for the trial, with a narrow band over five seeds, and stays near 5 "
        "when memory is wiped at every press. Right, over the ten presses of a new trial with the "
        "weight frozen: the trained agent presses the good button half of the time at first, 86 times "
        "in 100 at the second press, and nearly always from the third; the untrained one stays at one "
        "half.",
    )

# %% [markdown]
# Look at the two horizontal axes, since the whole course lives in the difference between them.
#
# On the **left**, each point is one *iteration*. 150 times 32 trials of ten presses, 48,000 presses in all,
# were spent to learn one rule: *trust your memory*. On the **right**, each point is one *press* in a trial
# on buttons the agent has never met. Its weight no longer moves, and it goes from guessing to nearly always
# right in two presses. That is what the name says: *fast* reinforcement learning, learned by *slow*
# reinforcement learning.
#
# The dashed line on the left is the same agent, trained just as long, whose memory is wiped between
# episodes. In ordinary RL, clearing the state at every reset is the right thing to do; here it is a one-line
# bug, and from the curve alone you could not tell it from a task that is too hard to learn.
#
# Why 9.3 and not 9.5? At the second press the agent still doubts its memory one time in seven. The weight
# keeps growing, but ever more slowly: the surer the policy, the smaller its score, and with it the gradient.
# Try `train(0, num_iterations=2000)[0]`, the weight after 2,000 iterations.
#
# **What was cheated here, and what comes.** We handed this agent its memory's update rule, and the best
# policy is obvious. For arms that pay by chance the right memory is still a handful of counts (notebook 01);
# for a maze seen through a camera nobody can write it down. RL² learns that too: $h$ becomes the state of a
# GRU, fed the last action, the last reward and whether the episode ended, and *all* of its weights are
# trained by the slow loop. The shape stays the one you have just run.

# %% [markdown]
# ## 0.5 Why bother? Three sample budgets
#
# When Duan and co-authors introduced RL² in 2016 they began with a gap. Deep RL of the time needed tens of
# thousands of episodes to master an Atari game, close to 40 days of uninterrupted play; the human player in
# the same study had about 2 hours.
#
# People bring what they already know: doors open, ladders are for climbing, dying is bad. The network began
# with random weights. So the comparison is not quite fair, and that is the point: **a learner with a good
# prior** (what it expects before it has seen any data) **needs little data**. RL² is a way to *get* a prior.
# Its budget therefore comes in two parts, and they should always be quoted together: what the slow loop
# costs once, and what the fast loop costs on each new task.

# %%
budgets = [
    ("Atari, deep RL:\neach game", 40 * 24, "40 days", "hours of play"),
    ("Atari, a person:\neach game", 2, "2 hours", "hours of play"),
    (
        "five-arm bandit, RL²:\ntraining, once",
        1000 * 250_000,
        "up to 250 million",
        "pulls",
    ),
    ("five-arm bandit, RL²:\neach new bandit", 10, "10", "pulls"),
]
with style():
    fig, axes = plt.subplots(2, 1, figsize=(7.6, 4.0))
    for axis, rows in zip(axes, (budgets[:2], budgets[2:]), strict=True):
        for place, (_, amount, text, unit) in enumerate(rows):
            hatch = ("", "//")[place]
            axis.barh(
                place,
                amount,
                height=0.55,
                color=PALETTE[place],
                hatch=hatch,
                edgecolor="black",
            )
            axis.text(amount * 1.25, place, text, va="center")
            axis.set_xlabel(f"{unit} (logarithmic)")
        axis.set_xscale("log")
        axis.set_yticks([0, 1], [label for label, *_ in rows])
        axis.invert_yaxis()
        axis.grid(visible=False, axis="y")
    axes[0].set_xlim(0.5, 12_000)
    axes[1].set_xlim(0.5, 6e10)
    fig.tight_layout()
    show(
        fig,
        alt="Bars on logarithmic axes. Atari, hours of play for each game: deep RL about 960 hours, that is 40 "
        "days; a person 2 hours. Five-arm bandit, pulls: RL² up to 250 million in training, spent once; 10 on "
        "each new bandit.",
    )

# %% [markdown]
# *Source: Duan et al. (2016), "RL²: Fast Reinforcement Learning via Slow Reinforcement Learning": the
# introduction, citing Mnih et al. (2015), for Atari and the human player; appendix A.1, at most 1,000
# iterations of 250,000 steps, for the bandit. The two panels measure different things in different units.
# Compare bars within a panel, not across.*
#
# Read the lower panel both ways. Ten pulls on a new bandit is very little, and 250 million pulls of training
# is a great deal: RL² does not make the cost disappear, it moves it to where it is paid once. That pays off
# when there are many related tasks and experience on each is dear. It does not pay off for a single task,
# and a task unlike any seen in training gets no help from the prior.

# %% [markdown]
# ## 0.6 Where you meet this outside the textbook
#
# **In dialogue.** The user is the task: what they call "short", how much they already know, whether they
# want code or prose. Nobody announces it; it shows only in how they react. A conversation is a trial, an
# exchange is an episode, and the reward, good or bad, is a thumbs-up or a question that has to be asked
# twice. The model's weights are the same for every user, so whatever adapts to *this* user must live in the
# state that the conversation leaves behind, and must be forgotten when the next user arrives.
#
# A large language model that picks up a pattern from examples in its prompt has the same shape: frozen
# weights, adaptation in the forward pass. It is a likeness and not the same method, since its weights came
# mostly from predicting text and not from maximising the return of whole conversations. Notebook 11 compares
# the two with care, and there you will train a small agent that adapts to its listener.
#
# **In games.** The opponent, or the level, is the task. A rock-paper-scissors player who favours rock can be
# read within a match of ten rounds, if you remember the rounds. An agent trained against a thousand
# different opponents can learn *how to read one*. In a maze with a hidden exit, the first run explores and
# the second goes straight there.
#
# **And where it stops.** The fast learner is tuned to the family of tasks it was trained on. Rock-lovers and
# paper-lovers in training do not prepare it for an opponent who is reading *it*. Whether a new task is
# inside the family is a question to ask before you deploy such an agent, and one that you will measure in
# notebooks 05 and 06.

# %% [markdown]
# ## 0.7 The map of the course
#
# Thirteen notebooks are planned. The next cell draws the map: a notebook that is in this release has a link
# and its minutes, the others say *to come*.

# %% given=true
# The one list of the course: number, title, what you build or find out, routes besides the full course
# (w: a weekend, r: a researcher). Which of them exist, and their minutes, comes from the build's own record.
COURSE = [
    ("00", "Start here", "the two learners, and how the workbook works", "w"),
    (
        "01",
        "Tasks and trials",
        "bandits, Thompson sampling, UCB1, the exact optimum",
        "",
    ),
    (
        "02",
        "What the agent is fed",
        "observation, last action, last reward, and a flag",
        "w",
    ),
    (
        "03",
        "A policy with memory",
        "a GRU by hand; a policy that acts and unrolls alike",
        "w r",
    ),
    (
        "04",
        "REINFORCE with a baseline",
        "the slow learner; a first trained RL² agent",
        "w",
    ),
    ("05", "Bandits", "RL² beside the best-known bandit algorithms", "w r"),
    ("06", "A gridworld with hidden goals", "does it adapt to goals it never met?", ""),
    ("07", "POMDPs and belief", "is the hidden state a belief? Swap two and see", ""),
    ("08", "Tabular MDPs", "posterior sampling, planning, and RL²", "r"),
    ("09", "The slow learner", "GAE, truncation, trust regions, PPO", "r"),
    ("10", "Visual navigation", "pixels in, a maze remembered", ""),
    ("11", "Inside the fast learner", "decode what the hidden state believes", "r"),
    ("12", "Capstone", "one table cell reproduced, one question of your own", "r"),
]
released = {notebook.number: notebook for notebook in course.load().notebooks}


def minutes(numbers):
    """Sum the minutes of the released notebooks among these, and say how many are still to come."""
    known = [released[number].minutes for number in numbers if number in released]
    missing = len(numbers) - len(known)
    parts = [f"{sum(known)} minutes"] if known else []
    return ", and ".join(parts + ([f"{missing} notebooks to come"] if missing else []))


lines = [
    "| | notebook | what you build or find out | weekend | researcher | minutes |",
    "|---|---|---|:-:|:-:|--:|",
]
for number, title, build, routes in COURSE:
    here = released.get(number)
    name = f"[{here.title}]({here.name}.ipynb)" if here else title
    marks = ["●" if route in routes else "" for route in ("w", "r")]
    time = here.minutes if here else "to come"
    lines.append(f"| {number} | {name} | {build} | {marks[0]} | {marks[1]} | {time} |")
lines.append("")
for label, key in (("A weekend", "w"), ("A researcher", "r"), ("The whole course", "")):
    numbers = [number for number, _, _, routes in COURSE if key in routes]
    lines.append(
        f"- **{label}** ({', '.join(numbers) if key else '00 to 12'}): {minutes(numbers)}"
    )
display(Markdown("\n".join(lines)))

# %% [markdown]
# **Three routes.**
#
# - **A weekend** takes you from the game above to a trained bandit agent. It skips 01; when a word from
#   there is missing, its one-screen summary is enough.
# - **The whole course** goes in order. In four weeks: 00 to 03; 04 to 06; 07 to 09; 10 to 12. In eight weeks:
#   00 and 01; 02 and 03; 04; 05 and 06; 07; 08; 09 and 10; 11 and 12. In twelve weeks: 00 and 01 together,
#   then one a week.
# - **A researcher** who trains recurrent policies already starts at 03 and goes for the measurements: what
#   RL² reaches, where it falls behind, and what its state encodes.
#
# Minutes are for reading and exercises together. Training runs within them were sized for two CPU cores, and
# no notebook needs a GPU or the network.

# %% [markdown]
# ## 0.8 Five questions to close
#
# Every option is explained, the wrong ones too, and those are often the better read.

# %% [markdown] quiz="what_survives_an_episode"
# **Question 1.** A trial has three episodes on the same task. What does an RL² agent carry from episode 1
# into episode 2?
#
# - [ ] The weights only; the hidden state is cleared at every reset of the environment. :: Right in ordinary
#   RL, but here it erases the only record of episode 1. It is the dashed line of section 0.4: stuck at 5.0.
# - [x] The weights and the hidden state. :: Yes. The weights are the rule, the hidden state is what it has
#   found out about this task. The state is cleared only when the task changes.
# - [ ] The hidden state only; the weights are updated after each episode. :: The state is kept, but the
#   weights stay frozen during a trial. They change once an iteration, after many trials.
# - [ ] Its position in the task, so that it can go on from where it stopped. :: The position goes back to
#   the start: that is what an episode's end means. Knowledge about the task is carried on instead.

# %% [markdown] quiz="why_deep_rl_needs_many_episodes"
# **Question 2.** Why did deep RL need tens of thousands of episodes for a game that a person masters in two
# hours?
#
# - [ ] Computers play more slowly than people. :: The 40 days are days of play. Computing time is another
#   matter.
# - [ ] Neural networks are too small to represent such a policy. :: They represented it in the end. The
#   question is how much experience it took to find it.
# - [x] It starts each game without any prior knowledge. :: Yes: it must find out from rewards what a person
#   knows already. This is Duan and co-authors' reading of the gap, and the reason for learning a prior from
#   many tasks.
# - [ ] The rewards in those games are random. :: Hardly at all, and a person meets the same rewards. What
#   differs is what each of them brings along.

# %% [markdown] quiz="where_is_the_fast_algorithm"
# **Question 3.** After training, where is the fast learning algorithm, and where is what it has learned
# about the current task?
#
# - [ ] Both are in the weights. :: The weights are frozen at test time, so nothing about a new task can
#   enter them. Yet the agent adapts.
# - [x] The algorithm is in the weights, its findings about this task are in the hidden state. :: Yes. In
#   section 0.4: w says how to use a memory, h is the memory.
# - [ ] The algorithm is in the hidden state, its findings are in the weights. :: The other way round. The
#   hidden state is blank at the start of each trial, so no algorithm could last there.
# - [ ] Both are in the optimiser, which keeps running at test time. :: No optimiser runs at test time. A
#   forward pass is all there is.

# %% [markdown] quiz="why_score_the_whole_trial"
# **Question 4.** A trial has five episodes, each worth up to 10. Agent A looks around in the first four and
# earns 0, 0, 0, 0, 10. Agent B earns 6, 6, 6, 6, 6. Which one does the mean trial return prefer, and what
# does that do to training?
#
# - [x] B, 30 to 10: looking around must pay for itself. :: Yes. It costs what those episodes would have
#   earned. The agent is pressed to explore as much as is worth it in five episodes, and no more.
# - [ ] A: the last episode shows what the agent has learned. :: The trial return of A is 10. Scoring the
#   last episode alone would prefer A, and would make looking around free of charge.
# - [ ] Neither: both reach their own best in the end. :: The score adds up all five episodes, and 30 is more
#   than 10. How an agent gets there counts.
# - [ ] B, 30 to 10: an agent that explores is worse. :: B is preferred, but not for that. An agent that
#   earns 3, 9, 9, 9, 9 explores once and beats both of them, with 39.

# %% [markdown] quiz="which_word_in_a_dialogue"
# **Question 5.** An assistant adapts to each user within a conversation and starts afresh with the next one.
# In the words of this course, the user is ...
#
# - [ ] ... an episode. :: An episode is one attempt on a task: one exchange, say. The same user stays for
#   many of them.
# - [ ] ... a trial. :: Close. The trial is the conversation, the time spent on one task. The user is what
#   stays fixed during it.
# - [x] ... a task. :: Yes. The user is drawn from a population, fixed for the conversation, and never
#   announced. The agent must find out from how they react.
# - [ ] ... an observation. :: The agent observes what the user writes. Who the user is, and what they want,
#   it has to infer.

# %% [markdown]
# ## Summary
#
# - A **task** is fixed for a **trial** of several **episodes**. The slow learner updates the weights once an
#   **iteration**, after many trials.
# - Between episodes the position is reset and **the hidden state is kept**; between trials **the hidden
#   state is reset** and the weights are kept.
# - **The weights are the rule; the hidden state is what the rule has found out.** Adaptation to a new task
#   is a forward pass, without gradients.
# - The score is the **mean trial return**: sum over the steps of a trial, mean over trials, no discount.
# - A policy without memory has nothing to learn in the button game. With one weight on a memory it went from
#   5.0 to about 9.3 of at most 9.5.
# - RL² moves the cost of learning to where it is paid once, and it adapts only within the family of tasks it
#   was trained on.
#
# **What to read next.** [Notebook 01](01_tasks_and_trials.ipynb) makes the game harder: arms that
# pay by chance, so that one press no longer tells the truth, and the question how good any player can
# possibly be. On the weekend route, go to [notebook 02](02_input_embedding.ipynb).
#
# Further reading: Duan et al., "RL²: Fast Reinforcement Learning via Slow Reinforcement Learning" (2016),
# sections 1 and 2. Wang et al., "Learning to reinforcement learn" (2016), had the same idea at the same
# time; what we call a trial they call an episode.
