# %% [markdown] title="A policy with a memory" reading=40 needs="01 02"
# # 03 · A policy with a memory
#
# In [01](01_tasks_and_trials.ipynb) a learning algorithm was two things: a **state** that survives the episode
# (counts) and a **rule** that never changes (add one, pick an arm). In [02](02_input_embedding.ipynb) you built
# what such an algorithm is fed. Now you build the network that takes its place: the state becomes a hidden
# vector $h$, the rule becomes the weights of a recurrent network.
#
# The claim that sounds odd at first: **a network whose weights are frozen still learns.** You will see it
# happen within ten minutes, on straight lines. Then you write the parts yourself: the gated cell, its initial
# weights, the policy, the loop that plays one trial, and the unroll that training in
# [04](04_reinforce_with_baseline.ipynb) needs.
#
# **You will be able to**
#
# - show a network adapt with its weights frozen, and say what it adapted to and how well it could have;
# - write a GRU and an LSTM step by hand, in torch's form, and initialise them as the paper did;
# - build the policy: embedding, GRU, linear layer, softmax;
# - play a trial in which the state survives episodes and never crosses into the next trial;
# - unroll the same trial for training, and prove that it is the same.
#
# **You need** [02](02_input_embedding.ipynb) (the step input), PyTorch modules and autograd, and a rough idea of
# recurrent networks (the primer in [00](00_start_here.ipynb) is enough).
#
# **Time:** about {minutes} minutes. One cell trains for 15 to 25 seconds; the others take a second or two.

# %% setup=true
import math
import time

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn import GRU, GRUCell, Linear
from torch.nn.utils.parametrizations import weight_norm

from rl2lib.agents import recurrent
from rl2lib.agents.recurrent import StepEmbedding
from rl2lib.evaluation.figures import LINES, MARKERS, PALETTE, band, show, style
from rl2lib.lab import check, hint, progress, quiz, solution, submit
from rl2lib.lab.explorables.drag_points import (
    DragPoints,
    bayes_predictions,
    load_line_learners,
    new_line_learner,
    sample_lines,
)
from rl2lib.lab.explorables.two_loops import TwoLoops
from rl2lib.tasks.bandit import BanditEnv, DependentBandits
from rl2lib.types import Step, StepInput, Trajectory

torch.set_num_threads(1)  # small networks: more threads stand in each other's way

# %% [markdown]
# ## 3.1 A frozen network that learns
#
# We begin without actions and rewards, because then the best possible learner is known exactly. A **task** is
# a straight line $y = a x + b$. Slope and intercept are drawn once, $a, b \sim N(0, 1)$, and are never shown.
# A **trial** is twelve points on that line, one after the other, each $x$ from $U[-1, 1]$, each $y$ with noise
# of standard deviation 0.2. At every step $t$ the learner is shown $x_t$, has to say $y_t$, and is then told
# the truth.
#
# Suppose $y = 2x + 1$ (without noise, for paper), and the points come at $x = 0.5, -0.5, 0$:
#
# | $t$ | asked $x_t$ | a good guess | why | then told $y_t$ |
# |---|---|---|---|---|
# | 0 | 0.5 | 0 | nothing is known yet: the average over all lines | 2 |
# | 1 | -0.5 | about 1.2 | the line is high; its slope is still open | 0 |
# | 2 | 0 | about 1 | two points fix a line | 1 |
#
# A programmer would fit a line at every step. We hand the job to a recurrent network instead: at step $t$ it is
# fed $x_t$ **and the previous answer** $y_{t-1}$, just as an RL² policy is fed an observation and the previous
# reward. It cannot be fed $y_t$: that is what it is asked for.
#
# Two learners are at work, and it pays to keep them apart:
#
# - the **slow learner** is Adam. It changes the weights, over a thousand batches of different lines;
# - the **fast learner** is the trained network. It changes its state, over the twelve points of *one* line. Its
#   weights stay as they are.

# %% [markdown]
# ## Exercise 3.1: let a network learn lines
#
# Write the fast learner's run over B lines at once. You are given a `GRU(2, H, batch_first=True)`, which maps
# a sequence of 2-vectors `[B, T, 2]` to its states `[B, T, H]` from a state of zeros (torch returns the pair of all
# states and the last one; you need the first), and a `Linear(H, 1)` that reads a prediction off each state. At
# $t = 0$ there is no previous answer: feed the placeholder 0.
#
# *By hand*, for the line above:
#
# | $t$ | $x_t$ | $y_t$ | **fed: ($x_t$, $y_{t-1}$)** | must predict |
# |---|---|---|---|---|
# | 0 | 0.5 | 2 | (0.5, 0) | 2 |
# | 1 | -0.5 | 0 | (-0.5, 2) | 0 |
# | 2 | 0 | 1 | (0, 0) | 1 |
#
# The slow learner will differentiate your result with respect to the weights; the fast learner must not touch
# them.


# %% exercise="learn_lines" minutes=10 difficulty=2
def learn_lines(gru: GRU, readout: Linear, x: Tensor, y: Tensor) -> Tensor:
    """Predict each y_t from x_t and everything before it, with frozen weights.

    Args:
        gru: a GRU(2, H, batch_first=True).
        readout: a Linear(H, 1).
        x: [B, T] float32, what is asked.
        y: [B, T] float32, the answers; y_t is told after the prediction of step t.

    Returns:
        predictions [B, T]; the one of step t depends on x_0..x_t and y_0..y_{t-1}.
    """
    ### BEGIN SOLUTION
    prev_y = torch.cat([torch.zeros_like(y[:, :1]), y[:, :-1]], dim=1)
    inputs = torch.stack([x, prev_y], dim=-1)  # [B, T, 2]
    states, _ = gru(inputs)
    return readout(states).squeeze(-1)
    ### END SOLUTION


# %% check="learn_lines" points=4
check("learn_lines")

# %% [markdown] hint="learn_lines"
# Build `prev_y` first: the same numbers as `y`, one step late, with a zero in front. (You did this for rewards
# in exercise 2.2.) Which dimension is time?

# %% [markdown] hint="learn_lines"
# The GRU wants `[B, T, 2]`, x first: `torch.stack([x, prev_y], dim=-1)`. Calling `gru(inputs)` starts from zeros
# and returns two things, of which you need the first: the states `[B, T, H]`.

# %% [markdown] hint="learn_lines"
# `readout(states)` is `[B, T, 1]`; squeeze the last dimension away. No loop, no `detach`, no `no_grad`.

# %% [markdown]
# ### The slow learner, and what it leaves behind
#
# The given cell trains three networks, which differ in their seed only. The loss is the squared error of *all*
# twelve predictions, the clueless first one included: nobody tells the network to "fit a line". It takes
# 15 to 25 seconds on two cores. To skip it, replace the cell's end, from `runs =` on, by
# `networks, losses = load_line_learners()`: the same three, trained beforehand.


# %% given=true
def train_line_learner(seed, iterations=1000, lines_per_iteration=128):
    """The slow learner: Adam on the squared error of every prediction."""
    gru, readout = new_line_learner(
        seed
    )  # GRU(2, 32, batch_first=True) and Linear(32, 1)
    parameters = [*gru.parameters(), *readout.parameters()]
    optimiser = torch.optim.Adam(parameters, lr=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, 0.01, total_steps=iterations, pct_start=0.1
    )
    generator = torch.Generator().manual_seed(seed)
    losses, begin = [], time.perf_counter()
    for iteration in range(1, iterations + 1):
        x, y, _ = sample_lines(
            lines_per_iteration, 12, generator
        )  # fresh lines every time
        loss = (learn_lines(gru, readout, x, y) - y).square().mean()
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        schedule.step()
        losses.append(loss.item())
        if iteration % 250 == 0:
            seconds = time.perf_counter() - begin
            left = seconds / iteration * (iterations - iteration)
            recent = sum(losses[-50:]) / 50
            print(
                f"seed {seed}  {iteration:4}/{iterations}  loss {recent:.3f}  {seconds:3.0f} s, {left:3.0f} s to go"
            )
    return (gru, readout), losses


runs = [train_line_learner(seed) for seed in range(3)]
networks, losses = (
    [network for network, _ in runs],
    torch.tensor([curve for _, curve in runs]),
)

# %% [markdown]
# Now the weights are frozen for good, and 4,000 lines come that no network has ever seen. How far is each
# prediction from the true line, after 0, 1, 2, ... points? The yardstick is exact: for lines from this family,
# Bayesian linear regression gives the best possible prediction at every step.

# %%
x, y, height = sample_lines(4000, 12, torch.Generator().manual_seed(99))
with torch.no_grad():
    network_error = torch.stack(
        [(learn_lines(*net, x, y) - height).square().mean(dim=0) for net in networks]
    )
    forgetful = torch.stack(  # the same networks, their state wiped before every point
        [
            (
                learn_lines(*net, x.reshape(-1, 1), y.reshape(-1, 1)).reshape(x.shape)
                - height
            )
            .square()
            .mean(dim=0)
            for net in networks
        ]
    )
best_error = (bayes_predictions(x, y) - height).square().mean(dim=0)
points = list(range(12))

with style():
    fig, (left, right) = plt.subplots(1, 2, figsize=(9.4, 3.6), constrained_layout=True)
    smooth = losses.unfold(1, 25, 25).mean(dim=-1)
    band(
        left,
        25 * torch.arange(1, 41),
        smooth.amin(0),
        smooth.median(dim=0).values,
        smooth.amax(0),
        linestyle="-",
    )
    left.set(
        xlabel="iterations of the slow learner",
        ylabel="loss, all twelve points",
        ylim=(0, None),
    )
    left.set_title("slow: the weights change")
    for error, label, line, marker in (
        (forgetful, "state wiped every step", ":", "^"),
        (network_error, "frozen network", "-", "o"),
    ):
        middle = error.median(dim=0).values
        band(
            right,
            points,
            error.amin(0),
            middle,
            error.amax(0),
            label=label,
            linestyle=line,
            marker=marker,
        )
    right.plot(
        points, best_error, color="black", linestyle="--", label="best possible (Bayes)"
    )
    right.set(
        xlabel="points seen of this line",
        ylabel="squared error to the line",
        yscale="log",
    )
    right.set_title("fast: only the state changes")
    right.legend()
    show(
        fig,
        alt="Left: the loss falls over 1000 iterations of training, three seeds close together. Right, logarithmic: "
        f"with weights frozen, the squared error on new lines falls from {network_error[:, 0].mean():.2f} before the "
        f"first point to {network_error[:, 2].mean():.2f} after two and {network_error[:, 11].mean():.3f} after "
        f"eleven; the best possible values are {best_error[0]:.2f}, {best_error[2]:.2f} and {best_error[11]:.3f}. "
        f"With the state wiped before every point the error stays at {forgetful.mean():.2f}.",
    )
for n in (0, 1, 2, 5, 11):
    print(
        f"after {n:2} points: frozen network {network_error[:, n].mean():.3f}   best possible {best_error[n]:.3f}"
    )

# %% [markdown]
# Look at the right panel. Not a single weight changes along its horizontal axis, and the error falls by a
# factor of about eighty. The network is level with the exact optimum after one point and about a factor of two
# above it after eleven, where both are tiny: good, not perfect, after some seconds of training. (The bands go from
# the lowest to the highest of the three seeds.) Wipe the state before every point, and the very same weights
# know nothing.
#
# Where is the learning algorithm? **In the weights**: how to turn points into a line, and which lines to
# expect. Where is what was learned about *this* line? **In the state.** That split is all there is to RL²; the
# rest of the course replaces points by actions and rewards.
#
# One step sideways: does the network "do Bayesian regression inside"? The figure says that it *predicts almost
# as well as* Bayesian regression. What stands in the state is another question, and 11 will measure it instead
# of guessing.
#
# ### Drag the points
#
# Move the sliders (they work from the keyboard, too). The network is frozen; the grey lines are its answers
# when it had seen fewer points. Three things to try: one point only; a point far off the line that the others
# suggest; five points on a parabola. What does a network that was raised on lines answer then?

# %%
DragPoints().show()

# %% [markdown]
# On the parabola it answers with something close to a straight line, confidently. The weights hold what the
# family of tasks taught, no more. The same will be true of every RL² agent: it is a fast learner *for the tasks
# it was trained on*.

# %% [markdown]
# ## 3.2 Inside the cell
#
# The state has to do two opposite things: **keep** what was learned (perhaps for hundreds of steps) and
# **change** when something new is learned. A plain recurrent network, $h' = \tanh(W x + U h)$, overwrites its
# state at every step and has to re-create what it wants to keep. A **gated** cell decides, for each unit and at
# each step, how much to keep. The paper uses the gated recurrent unit (GRU). In torch's form:
#
# $$r = \sigma(W_{ir} x + b_{ir} + W_{hr} h + b_{hr}) \qquad \text{reset gate}$$
# $$z = \sigma(W_{iz} x + b_{iz} + W_{hz} h + b_{hz}) \qquad \text{update gate}$$
# $$n = \tanh\big(W_{in} x + b_{in} + r \odot (W_{hn} h + b_{hn})\big) \qquad \text{candidate}$$
# $$h' = (1 - z) \odot n + z \odot h$$
#
# Read the last line first. With $z = 1$ the unit keeps its value, exactly, for as long as you like; with $z = 0$
# it takes the candidate. $r$ decides how much of the old state the candidate gets to see.
#
# Three gates, three matrices: torch stacks them by rows, in the order **r, z, n**, into `w_ih` of shape
# `[3H, F]` and `w_hh` of shape `[3H, H]`, and the same for the biases `[3H]`.
#
# **A trap.** Cho et al. (2014), who invented the GRU, apply the reset gate *before* the product:
# $\tanh(W_{in} x + U (r \odot h))$. Torch applies it *after*: $r \odot (U h + b)$. Both are GRUs, both learn well,
# and their weights cannot be exchanged. (Some texts also swap the roles of $z$ and $1 - z$.) We use torch's
# form, so that what you write can run torch's weights.

# %% [markdown]
# ## Exercise 3.2: one GRU step
#
# *By hand*, F = H = 1: $x = 1$, $h = 0.5$, biases 0, `w_ih` = (0, 1.0986, 1), `w_hh` = (0, 0, 2). (1.0986 is
# ln 3, so that a gate comes out as 3/4.)
#
# - $r = \sigma(0) = 0.5$
# - $z = \sigma(1.0986) = 0.75$
# - $n = \tanh(1 + 0.5 \cdot (2 \cdot 0.5)) = \tanh(1.5) = 0.9051$
# - $h' = 0.25 \cdot 0.9051 + 0.75 \cdot 0.5 = 0.6013$
#
# Write it for a batch: `x` is `[B, F]`, `h` is `[B, H]`. The result must equal `GRUCell`'s with the same weights,
# so please do not call `GRUCell` or `torch.gru_cell`: the point is to see inside.


# %% exercise="gru_step" minutes=15 difficulty=3
def gru_step(
    x: Tensor, h: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor, b_hh: Tensor
) -> Tensor:
    """Return the next state [B, H] of a GRU in torch's form.

    Args:
        x: [B, F], the input.
        h: [B, H], the state.
        w_ih: [3H, F], the gates r, z, n below each other.
        w_hh: [3H, H], in the same order.
        b_ih: [3H].
        b_hh: [3H].
    """
    ### BEGIN SOLUTION
    x_r, x_z, x_n = (x @ w_ih.T + b_ih).chunk(3, dim=-1)
    h_r, h_z, h_n = (h @ w_hh.T + b_hh).chunk(3, dim=-1)
    r = torch.sigmoid(x_r + h_r)
    z = torch.sigmoid(x_z + h_z)
    n = torch.tanh(x_n + r * h_n)
    return (1 - z) * n + z * h
    ### END SOLUTION


# %% check="gru_step" points=4
check("gru_step")

# %% [markdown] hint="gru_step"
# Two products suffice: `x @ w_ih.T + b_ih` and `h @ w_hh.T + b_hh`, each `[B, 3H]`. Cut both into three pieces.
# Which pieces may be added at once, and which have to wait for a gate?

# %% [markdown] hint="gru_step"
# `.chunk(3, dim=-1)` gives the pieces for r, z, n. For the candidate, keep the two pieces apart: the reset gate
# multiplies the whole piece of the state, bias included.

# %% [markdown] hint="gru_step"
# `r = sigmoid(x_r + h_r)`, `z = sigmoid(x_z + h_z)`, `n = tanh(x_n + r * h_n)`, `h' = (1 - z) * n + z * h`.

# %% [markdown]
# ### How long does a gate remember?
#
# If $z$ is the same at every step, what was written $k$ steps ago is still there with weight $z^k$. So $z = 0.9$
# keeps half of it for 6.6 steps, $z = 0.99$ for 69. A GRU can choose $z$ anew at every step: keep while nothing
# happens, overwrite when something does. Below, your cell meets one informative input ($x = 1$) and then
# nothing for 30 steps; only the update gate's bias differs.

# %%
with style():
    fig, ax = plt.subplots(figsize=(6.4, 3.2))
    for z, line in ((0.5, ":"), (0.9, "--"), (0.99, "-")):
        bias = torch.tensor([0.0, math.log(z / (1 - z)), 0.0])
        w_ih = torch.tensor(
            [[0.0], [-12.0 if z > 0.5 else -6.0], [2.0]]
        )  # x = 1 opens the gate: z is near 0
        h, heights = torch.zeros(1, 1), []
        for t in range(31):
            x_t = torch.tensor([[1.0 if t == 0 else 0.0]])
            h = gru_step(x_t, h, w_ih, torch.zeros(3, 1), bias, torch.zeros(3))
            heights.append(h.item())
        ax.plot(heights, linestyle=line, label=f"z = {z} when x = 0")
    ax.set(xlabel="steps since the input", ylabel="state h", ylim=(0, 1.02))
    ax.legend(loc="center right", bbox_to_anchor=(1, 0.45))
    show(
        fig,
        alt="The state after one input, over 30 steps: with z = 0.5 it is gone after five steps, with 0.9 it falls to "
        "a twentieth, with 0.99 three quarters are left.",
    )

# %% [markdown]
# ## Exercise 3.3: one LSTM step
#
# Wang et al. (2016) and Alver & Precup (2021) use an LSTM. It differs in one thing that matters for us: its
# **state is a pair** $(h, c)$. The cell $c$ is the memory; $h$ is what the rest of the network sees of it. Whoever
# carries, resets or stores "the state" has to treat both alike.
#
# $$i, f, o = \sigma(\ldots) \qquad g = \tanh(\ldots) \qquad c' = f \odot c + i \odot g \qquad h' = o \odot \tanh(c')$$
#
# Each $\ldots$ is $W_{i\cdot} x + b_{i\cdot} + W_{h\cdot} h + b_{h\cdot}$ with its own rows; torch's order is
# **i, f, g, o**. Gates read $h$, not $c$.
#
# *By hand*, F = H = 1: $x = 1$, $h = 0.5$, $c = 2$, biases 0, `w_ih` = (0, 1.0986, 1, -1.0986), `w_hh` = (0, 0, 1, 0).
#
# - $i = 0.5$, $f = 0.75$, $g = \tanh(1 + 0.5) = 0.9051$, $o = 0.25$
# - $c' = 0.75 \cdot 2 + 0.5 \cdot 0.9051 = 1.9526$
# - $h' = 0.25 \cdot \tanh(1.9526) = 0.2401$


# %% exercise="lstm_step" minutes=10 difficulty=2
def lstm_step(
    x: Tensor,
    state: tuple[Tensor, Tensor],
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor,
    b_hh: Tensor,
) -> tuple[Tensor, Tensor]:
    """Return the next state (h, c), each [B, H], of an LSTM in torch's form.

    Args:
        x: [B, F], the input.
        state: (h, c), each [B, H].
        w_ih: [4H, F], the gates i, f, g, o below each other.
        w_hh: [4H, H], in the same order.
        b_ih: [4H].
        b_hh: [4H].
    """
    ### BEGIN SOLUTION
    h, c = state
    i, f, g, o = (x @ w_ih.T + b_ih + h @ w_hh.T + b_hh).chunk(4, dim=-1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    h = torch.sigmoid(o) * torch.tanh(c)
    return h, c
    ### END SOLUTION


# %% check="lstm_step" points=3
check("lstm_step")

# %% [markdown] hint="lstm_step"
# Here no gate stands inside another one's sum, so all four can be computed from one sum
# `x @ w_ih.T + b_ih + h @ w_hh.T + b_hh` of shape `[B, 4H]`.

# %% [markdown] hint="lstm_step"
# `.chunk(4, dim=-1)` in the order i, f, g, o; sigmoid for i, f, o and tanh for g. First the new c, then the new h
# from the *new* c. Return the pair in the order (h, c).

# %% [markdown]
# From here on we use the GRU, as the paper does. Nothing that follows depends on it, as long as "the state"
# means *all* of the state.

# %% [markdown]
# ## 3.3 Where the weights start
#
# Appendix A of the paper fixes the start in two sentences: the hidden-to-hidden matrix is **orthogonal**, all
# other matrices are **Xavier**, all biases are **0**, and every weight matrix is **weight-normalised**, without
# data-dependent initialisation. Why each?
#
# **Orthogonal.** Over a trial the state meets the same matrix again and again. If $U$ shrinks vectors, their
# trace is gone after a few steps, and so is the gradient that would have to find its way back; if it stretches
# them, both explode. An orthogonal matrix, $U U^\top = I$, does neither. Here is the length of a vector that is
# multiplied by the same 64 × 64 matrix over and over, no gates, no tanh:

# %%
generator = torch.Generator().manual_seed(0)
starts = {
    "Gaussian, std 1.5/√H": lambda w: nn.init.normal_(
        w, std=1.5 / math.sqrt(64), generator=generator
    ),
    "orthogonal": lambda w: nn.init.orthogonal_(w, generator=generator),
    "torch's default, U[-1/√H, 1/√H]": lambda w: nn.init.uniform_(
        w, -1 / 8, 1 / 8, generator=generator
    ),
}
with style():
    fig, ax = plt.subplots(figsize=(6.4, 3.2))
    after = []
    for (label, fill), line in zip(starts.items(), LINES, strict=False):
        lengths = []
        for _ in range(20):
            matrix, trace = fill(torch.empty(64, 64)), [1.0]
            vector = F.normalize(torch.randn(64, generator=generator), dim=0)
            for _ in range(40):
                vector = matrix @ vector
                trace.append(vector.norm().item())
            lengths.append(trace)
        lengths = torch.tensor(lengths)
        after.append(f"{lengths[:, -1].median():.0e}")
        band(
            ax,
            range(41),
            lengths.amin(0),
            lengths.median(0).values,
            lengths.amax(0),
            label=label,
            linestyle=line,
        )
    ax.set(xlabel="steps", ylabel="length of the vector", yscale="log")
    ax.legend(loc="lower left", fontsize=9)
    show(
        fig,
        alt="Length of a vector multiplied 40 times by the same random matrix, logarithmic, starting from 1. "
        f"Orthogonal: it stays at 1. Gaussian with standard deviation 1.5 over root H: it grows to {after[0]}. "
        f"Torch's default: it shrinks to {after[2]}.",
    )

# %% [markdown]
# (Gates soften this, in both directions; they do not abolish it. The bands run from the lowest to the highest of
# 20 matrices.)
#
# **Xavier.** Entries from $U[-b, b]$ with $b = \sqrt{6 / (\text{fan in} + \text{fan out})}$ keep the variance of a
# layer's outputs near that of its inputs. For F = 5 inputs and H = 64 units, $b = \sqrt{6/69} = 0.295$.
#
# **Gate by gate.** A GRU's `weight_hh` is `[3H, H]`, but that is only storage: it holds three matrices that happen
# to lie below each other. Initialise *each* `[H, H]` block as orthogonal and *each* `[H, F]` block by Xavier. Done on
# the stack, "orthogonal" makes the columns of the tall matrix orthogonal and no block is; Xavier sees a fan-out of
# 3H and starts too small ($\sqrt{6/197} = 0.175$).
#
# **Weight normalisation** (Salimans & Kingma, 2016) learns the length and the direction of every row apart:
# $w = g \, v / \lVert v \rVert$. *By hand*: $v = (3, 4)$ and $g = 5$ give $w = (3, 4)$. Double $v$: still $(3, 4)$,
# only the direction counts. Double $g$: $(6, 8)$. Its inventors also proposed to choose the first $g$ by a look at
# data; "without data-dependent initialisation" means: $g = \lVert v \rVert$, so that the weights in force are
# exactly the ones that were drawn.
#
# Two remarks. The paper's hidden activation is the ReLU; torch's GRU has tanh, the library offers both, we use
# tanh. And Alver & Precup write that all weights are initialised to zero: that cannot be meant literally, as you
# can work out in the quiz.

# %% [markdown]
# ## Exercise 3.4: initialise a recurrent policy
#
# Do all of this, in place, for a `GRUCell` and the `Linear` head behind it: draw first, normalise last. For the
# last part use `weight_norm(module, "name of the weight")` from the setup cell: it replaces that weight by two
# parameters, length `[rows, 1]` and direction `[rows, columns]`, and starts the lengths so that the weight in
# force stays what it was.
#
# Draw in whatever order you like, but from `generator` only: nothing in this course draws from torch's global
# stream, so that one seed fixes one result. `nn.init.orthogonal_` and `nn.init.xavier_uniform_` take a
# `generator`.


# %% exercise="initialise" minutes=20 difficulty=3
def initialise(cell: GRUCell, head: Linear, generator: torch.Generator) -> None:
    """Initialise in place as appendix A of Duan et al. (2016) does.

    `weight_hh` orthogonal and `weight_ih` Xavier-uniform, each gate by itself; `head.weight` Xavier-uniform;
    all biases zero; then weight normalisation of the three weight matrices, which leaves the weights in force
    as they were drawn.

    Args:
        cell: a GRUCell(F, H), plain.
        head: a Linear(H, A), plain.
        generator: the only source of randomness.
    """
    ### BEGIN SOLUTION
    with torch.no_grad():
        for gate in cell.weight_hh.chunk(3):
            nn.init.orthogonal_(gate, generator=generator)
        for gate in cell.weight_ih.chunk(3):
            nn.init.xavier_uniform_(gate, generator=generator)
        nn.init.xavier_uniform_(head.weight, generator=generator)
        for bias in (cell.bias_ih, cell.bias_hh, head.bias):
            nn.init.zeros_(bias)
    weight_norm(cell, "weight_ih")
    weight_norm(cell, "weight_hh")
    weight_norm(head, "weight")
    ### END SOLUTION


# %% check="initialise" points=5
check("initialise")

# %% [markdown] hint="initialise"
# There are three weight matrices and three biases. Two of the matrices are stacks of three gates:
# `cell.weight_hh.chunk(3)` gives three views of `[H, H]` each, and filling a view fills the stack.

# %% [markdown] hint="initialise"
# The functions of `nn.init` work in place and keep autograd out of it; whatever you fill by hand belongs under
# `with torch.no_grad():`. Biases: `nn.init.zeros_`, and a GRU cell has two of them.

# %% [markdown] hint="initialise"
# Last of all three calls: `weight_norm(cell, "weight_ih")`, `weight_norm(cell, "weight_hh")`,
# `weight_norm(head, "weight")`. If they come first, `cell.weight_ih` is computed afresh at every access, and
# what you draw into it is lost.

# %% [markdown]
# ### Does a fresh network have a favourite arm?
#
# Each one does: its head's rows differ. But the rows are all drawn alike, so *averaged over initialisations* no
# arm is preferred, after any history whatsoever. That is a symmetry of the random start, and a cheap test of it:

# %%
history = torch.randn(
    6, 1, 8, generator=torch.Generator().manual_seed(0)
)  # any six inputs
probabilities = []
for seed in range(1000):
    cell, head = GRUCell(8, 16), Linear(16, 5)
    initialise(cell, head, torch.Generator().manual_seed(seed))
    h = torch.zeros(1, 16)
    with torch.no_grad():
        for x_t in history:
            h = cell(x_t, h)
        probabilities.append(head(h).softmax(dim=-1)[0])
probabilities = torch.stack(probabilities)
half = 1.96 * probabilities.std(dim=0) / math.sqrt(1000)
print("one network:      ", [round(p, 3) for p in probabilities[0].tolist()])
print(
    "mean over 1,000:  ",
    [round(p, 3) for p in probabilities.mean(dim=0).tolist()],
    f"± {half.max():.3f}",
)

# %% [markdown]
# ## 3.4 The policy
#
# Everything is there: the embedding from 02, the cell, and a linear layer with a softmax on top (Duan et al.,
# section 2.3). In one step the policy turns *what it knew* ($h_t$) and *what it is told*
# ($o_t, a_{t-1}, r_{t-1}, d_{t-1}$) into *what it knows now* ($h_{t+1}$) and a distribution over actions:
#
# $$h_{t+1} = \text{GRU}(\varphi(o_t, a_{t-1}, r_{t-1}, d_{t-1}),\, h_t) \qquad
# \log \pi(\cdot) = \log \text{softmax}(W h_{t+1} + b)$$
#
# Mind the order: the news is taken in *first*, and the action is chosen from the *new* state. A policy that
# chose from $h_t$ would act on yesterday's news, and would ignore $o_t$ altogether.
#
# We return **log**-probabilities: the outer loop differentiates them, and the logarithm of a softmax that has
# underflowed to 0 is $-\infty$, where `log_softmax` is still exact.
#
# The state goes in as an argument and comes out as a result. The policy keeps nothing to itself. That makes it
# easy to say who decides how long a state lives: the loop of exercise 3.6 does, and nobody else.
#
# The next cell is given: it feeds a policy one input after the other. The check will differentiate through it.


# %% setup=true
def last_log_prob(policy, stream: list[StepInput], action: Tensor) -> Tensor:
    """Return the log-probability [B] of `action` [B] after a stream of inputs."""
    state = policy.initial_state(len(action))
    for inputs in stream:
        log_probs, state = policy.step(state, inputs)
    return log_probs[torch.arange(len(action)), action]


# %% [markdown]
# ## Exercise 3.5: the recurrent policy
#
# *By hand.* Let H = 1, two arms, and suppose the GRU puts out $h_{t+1} = 0.0760$. With head weights $(-10, 10)$ and
# bias 0 the logits are $(-0.760, 0.760)$, so $\pi(\text{arm 1}) = 1/(1 + e^{-1.520}) = 0.8205$ and the
# log-probabilities are $(-1.7178, -0.1978)$.
#
# Name the parts **`gru`** (a `GRUCell`) and **`head`** (a `Linear`): then your policy has the same parameter names
# as the library's, and weights can be moved from one to the other. `StepEmbedding(observation_shape,
# num_actions)` is 02's embedding for bandits and tabular tasks; it has no weights, its `size` is the width, and
# calling it with a `StepInput` of `[B]` steps gives `[B, size]`. Leave the layers as torch initialises them;
# `initialise` is there for the rest.


# %% exercise="RecurrentPolicy" minutes=15 difficulty=3
class RecurrentPolicy(nn.Module):
    """The fast learner: embedding, GRU, linear layer, softmax.

    Args:
        observation_shape: the shape of one observation.
        num_actions: A.
        hidden_size: H.
    """

    def __init__(
        self,
        observation_shape: tuple[int, ...],
        num_actions: int,
        hidden_size: int = 64,
    ):
        super().__init__()
        ### BEGIN SOLUTION
        self.hidden_size = hidden_size
        self.embedding = StepEmbedding(observation_shape, num_actions)
        self.gru = GRUCell(self.embedding.size, hidden_size)
        self.head = Linear(hidden_size, num_actions)
        ### END SOLUTION

    def initial_state(self, batch_size: int) -> Tensor:
        """Return the state of a fresh trial: zeros [B, H]."""
        ### BEGIN SOLUTION
        return torch.zeros(batch_size, self.hidden_size)
        ### END SOLUTION

    def step(self, state: Tensor, inputs: StepInput) -> tuple[Tensor, Tensor]:
        """Take in one step's inputs.

        Args:
            state: [B, H], what was known before.
            inputs: one step's inputs, [B, ...].

        Returns:
            log-probabilities [B, A] of the actions, and the new state [B, H].
        """
        ### BEGIN SOLUTION
        state = self.gru(self.embedding(inputs), state)
        return F.log_softmax(self.head(state), dim=-1), state
        ### END SOLUTION


# %% check="RecurrentPolicy" points=5
check("RecurrentPolicy")

# %% [markdown] hint="RecurrentPolicy"
# `__init__` makes three parts. How wide is the GRU's input? The embedding knows: `self.embedding.size`.

# %% [markdown] hint="RecurrentPolicy"
# `step` has two lines: the new state from `self.gru(features, state)`, and the log-probabilities from the *new*
# state. Return both, and store neither.

# %% [markdown] hint="RecurrentPolicy"
# The head puts out `[B, A]`. Probabilities must sum to 1 over the actions, the *last* dimension:
# `F.log_softmax(self.head(state), dim=-1)`.

# %% [markdown]
# ### A learning algorithm, written into eleven numbers
#
# In 04 the weights will be found by training. To see that there is no magic in them, let us first *write them by
# hand*, for the smallest network there is: one hidden unit.
#
# The task: two buttons. One pays three times in four, the other once in four, and you are not told which is which.
# What does one press say? If button 1 paid, or button 0 did not, that is evidence for button 1; in the other two
# cases it is evidence for button 0. So we want a unit that adds $+$ or $-$ each time and slowly forgets:
#
# $$h' = 0.9\, h + 0.1 \cdot (\pm 0.76)$$
#
# The features are $[0,\; a{=}0,\; a{=}1,\; r,\; d]$. These weights do it:
#
# | gate | input weights for (0, a=0, a=1, r, d) | $b_i$ | $b_h$ | what it does |
# |---|---|---|---|---|
# | $r$ | 0, 0, 20, 20, 0 | -30 | 0 | is 1 if a=1 **and** r=1, else 0 |
# | $z$ | 0, 0, 0, 0, -7.8 | 10 | 0 | 0.90 after a press ($d=1$); 1 at the trial's first step ($d=0$) |
# | $n$ | 0, 0, -2, -2, 0 | 1 | 4 | $\tanh(\pm 1)$: see below |
#
# All weights from the state are 0. The candidate's sum is $1 - 2a - 2r + 4\,[a{=}1 \text{ and } r{=}1]$:
#
# | pressed | paid | sum | evidence for |
# |---|---|---|---|
# | 1 | yes | 1 - 2 - 2 + 4 = **+1** | button 1 |
# | 1 | no | 1 - 2 = **-1** | button 0 |
# | 0 | yes | 1 - 2 = **-1** | button 0 |
# | 0 | no | **+1** | button 1 |
#
# (No weighted sum of $a$ and $r$ alone could do that: it is an exclusive-or. The reset gate supplies the "and",
# through $r \odot b_{hn}$, which torch's form of the GRU offers and Cho's does not.) And the flag earns its place: at
# the trial's start the input reads "button 0, paid 0", which would be evidence. But the flag is 0 there, $z$ is all
# but 1, and the placeholder leaves next to no trace.


# %% given=true
def leaky_counter(policy):
    """Write the eleven numbers into a policy for two arms with one hidden unit."""
    policy.load_state_dict(
        {
            "gru.weight_ih": torch.tensor(
                [[0, 0, 20, 20, 0], [0, 0, 0, 0, -7.8], [0, 0, -2, -2, 0]]
            ),
            "gru.weight_hh": torch.zeros(3, 1),
            "gru.bias_ih": torch.tensor([-30.0, 10, 1]),
            "gru.bias_hh": torch.tensor([0.0, 0, 4]),
            "head.weight": torch.tensor([[-10.0], [10.0]]),
            "head.bias": torch.zeros(2),
        }
    )
    return policy


counter = leaky_counter(RecurrentPolicy((1,), num_actions=2, hidden_size=1))
state = counter.initial_state(1)
story = [  # previous action, previous reward, flag
    (0, 0.0, 0.0, "the trial starts: placeholders"),
    (1, 1.0, 1.0, "button 1 paid"),
    (1, 0.0, 1.0, "button 1 did not pay"),
    (0, 0.0, 1.0, "button 0 did not pay"),
    (1, 1.0, 1.0, "button 1 paid"),
]
print(f"{'what it is told':34}{'state h':>9}{'π(button 1)':>14}")
with torch.no_grad():
    for action, reward, flag, words in story:
        inputs = StepInput(
            torch.zeros(1, 1),
            torch.tensor([action]),
            torch.tensor([reward]),
            torch.tensor([flag]),
        )
        log_probs, state = counter.step(state, inputs)
        print(f"{words:34}{state.item():>+9.4f}{log_probs[0, 1].exp().item():>14.3f}")

# %% [markdown]
# The second line is the worked example of exercise 3.5: $h = 0.0998 \cdot 0.7616 = 0.0760$, $\pi = 0.82$. This is a
# fast learner: its weights are constants on this page, and its behaviour changes with what it meets.

# %% [markdown]
# ## 3.5 One trial
#
# Now let it act. A trial is the loop of [02](02_input_embedding.ipynb), seen from the agent's side:
#
# ```
# observation = env.reset(...)        # once a trial
# state = a fresh one                 # once a trial
# inputs = the placeholder inputs     # once a trial
# repeat until the trial is over:
#     the policy takes in the inputs: log-probabilities and a new state
#     draw an action
#     the environment answers
#     the next inputs: its observation, this action, this reward, this flag
# ```
#
# What matters is what is *not* there: nothing happens at an episode's end. The environment starts the next
# episode by itself; the state goes on; the inputs tell of the step that ended the episode.
#
# We play B trials side by side. They may end at different steps, so the loop runs until the *last* is over, and a
# `mask` remembers which steps belong to a trial. An environment goes on answering in rows that are over; whatever
# it says there is ignored.
#
# The next cell is given. `Record` collects the steps and pads, `GivenPolicy` is the library's policy with the
# `step` of exercise 3.5, so that the next two exercises do not depend on your answer to that one.


# %% setup=true
class Record:
    """Collects the steps of B trials; what lies beyond a trial's end becomes zero."""

    def __init__(self):
        self.rows = []

    def add(
        self,
        inputs: StepInput,
        action: Tensor,
        log_prob: Tensor,
        step: Step,
        running: Tensor,
    ) -> None:
        """Keep one step. `log_prob` [B] is the chosen action's; `running` [B] bool marks trials not yet over."""
        observation, reward, *ends, expected = (
            inputs.observation,
            step.reward,
            *step[2:5],
            step.expected_reward,
        )
        expected = reward if expected is None else expected
        self.rows.append(
            (observation, action, reward, *ends, running, expected, log_prob)
        )

    def finish(self) -> tuple[Trajectory, Tensor]:
        """Return the trajectory and the log-probabilities [B, T] of its actions."""
        columns = [
            torch.stack(column, dim=1) for column in zip(*self.rows, strict=True)
        ]
        mask = columns[6]
        for index, values in enumerate(columns):
            inside = mask.reshape(*mask.shape, *[1] * (values.ndim - 2))
            columns[index] = torch.where(inside, values, torch.zeros_like(values))
        return Trajectory(*columns[:8]), columns[8]


class GivenPolicy(recurrent.RecurrentPolicy):
    """The library's policy, with log-probabilities in place of logits."""

    def step(self, state: Tensor, inputs: StepInput) -> tuple[Tensor, Tensor]:
        """Return log-probabilities [B, A] and the new state [B, H]."""
        logits, state = super().step(state, inputs)
        return logits.log_softmax(dim=-1), state


# %% [markdown]
# ## Exercise 3.6: play one trial
#
# *By hand*, two trials side by side (B = 2). Row 0 has two episodes of one step and is over after step 1. Row 1 has
# an episode of three steps and one of one step, and is over after step 3. `|` marks an episode's end, `||` a trial's.
#
# | | t=0 | t=1 | t=2 | t=3 |
# |---|---|---|---|---|
# | row 0: action, reward | 1, 0.5 \| | 0, 2.0 \|\| | | |
# | row 1: action, reward | 0, 1.0 | 1, 0.0 | 1, 3.0 \| | 0, 4.0 \|\| |
# | mask, row 0 | 1 | 1 | 0 | 0 |
# | mask, row 1 | 1 | 1 | 1 | 1 |
# | fed to row 1: $a, r, d$ of the step before | 0, 0, 0 | 0, 1.0, 0 | 1, 0.0, 0 | 1, 3.0, **1** |
#
# The last step of a trial still belongs to it: its mask is 1. And row 1 must not notice that row 0 ends.
#
# Actions are **drawn** from the policy's probabilities, with `policy_generator`; an agent that always takes the
# likeliest action would explore only by accident, and there would be no policy gradient in 04.
# `torch.multinomial(probabilities, 1, generator=...)` draws one index for each row, as `[B, 1]`; it wants
# probabilities, and `policy.step` returns their logarithms. The environment draws from its own generator, so that
# two agents can be compared on the same luck.
#
# **The pieces.** `env.step(action)` returns a `Step`. You need its `observation` (the *next* one), `reward`,
# `episode_end` and `trial_end`, all with B rows; both ends are bool. `StepInput.first(observation)` makes the
# placeholder inputs; later ones are `StepInput(observation, prev_action, prev_reward, prev_end)`, with `prev_end`
# float32. `record.add` takes the inputs that the policy was fed at this step, not the next ones.


# %% exercise="run_trial" minutes=20 difficulty=4
@torch.no_grad()
def run_trial(
    policy,
    env,
    tasks: Tensor,
    policy_generator: torch.Generator,
    env_generator: torch.Generator,
) -> tuple[Trajectory, Tensor]:
    """Play one trial on each of B tasks, side by side.

    Args:
        policy: `initial_state(batch_size)` and `step(state, inputs) -> (log-probabilities [B, A], state)`.
        env: `reset(tasks, env_generator) -> observation [B, ...]` and `step(actions [B] int64) -> Step`.
        tasks: B tasks, handed to `env.reset`.
        policy_generator: draws the actions, and nothing else.
        env_generator: handed to `env.reset`.

    Returns:
        what `Record.finish` returns: the trajectory [B, T], T being the longest trial's length, and the
        log-probabilities [B, T] of the actions that were drawn.
    """
    ### BEGIN SOLUTION
    observation = env.reset(tasks, env_generator)
    batch_size = observation.shape[0]
    state = policy.initial_state(batch_size)
    inputs = StepInput.first(observation)
    running = torch.ones(batch_size, dtype=torch.bool)
    record = Record()
    while running.any():
        log_probs, state = policy.step(state, inputs)
        action = torch.multinomial(
            log_probs.exp(), 1, generator=policy_generator
        ).squeeze(1)
        step = env.step(action)
        record.add(
            inputs, action, log_probs[torch.arange(batch_size), action], step, running
        )
        running = running & ~step.trial_end
        inputs = StepInput(
            step.observation, action, step.reward, step.episode_end.float()
        )
    return record.finish()
    ### END SOLUTION


# %% check="run_trial" points=6
check("run_trial")

# %% [markdown] hint="run_trial"
# Before the loop, four things are made once: the observation, the state, the first inputs
# (`StepInput.first(observation)`), and `running`, a `[B]` mask of ones. Inside the loop, none of them is made afresh.

# %% [markdown] hint="run_trial"
# The loop runs while *any* row is running. Add the step to the record with the `running` from *before* the step,
# so that a trial's last step counts, and update it afterwards: `running & ~step.trial_end`.

# %% [markdown] hint="run_trial"
# `action = torch.multinomial(log_probs.exp(), 1, generator=policy_generator).squeeze(1)`; its log-probability is
# `log_probs[torch.arange(B), action]`. The next inputs are
# `StepInput(step.observation, action, step.reward, step.episode_end.float())`, whatever ended.

# %% [markdown]
# ### How long should a state live?
#
# The leaky counter plays 20,000 pairs of buttons, 20 presses each, in three versions that differ in one line. Beside
# them, on the same buttons, plays an agent that counts the evidence exactly, which is the best possible here:
#
# - **kept**: through the trial, fresh at the next. That is RL².
# - **wiped at every episode**: what ordinary recurrent RL does. (A press is an episode here.)
# - **never wiped**: the last trial's state is carried into the next one, whose buttons are others.


# %%
class WipedEveryEpisode:
    """The policy, but a fresh state after every episode's end."""

    def __init__(self, policy):
        self.policy, self.initial_state = policy, policy.initial_state

    def step(self, state, inputs):
        return self.policy.step(
            torch.where(inputs.prev_end[:, None] == 1, 0.0, state), inputs
        )


class NeverWiped:
    """The policy, but a trial begins with the state in which the last one ended."""

    def __init__(self, policy, batch_size):
        self.policy, self.state = policy, policy.initial_state(batch_size)

    def initial_state(self, batch_size):
        return self.state

    def step(self, state, inputs):
        log_probs, self.state = self.policy.step(state, inputs)
        return log_probs, self.state


buttons, env = (
    DependentBandits(values=(0.25, 0.75)),
    BanditEnv(num_arms=2, num_pulls=20),
)


class CountsExactly:
    """The best possible: the number of hints for button 1, less those for button 0. Another state, the same loop."""

    def initial_state(self, batch_size):
        return torch.zeros(batch_size)

    def step(self, state, inputs):
        state = (
            state
            + (2 * inputs.prev_action - 1)
            * (2 * inputs.prev_reward - 1)
            * inputs.prev_end
        )
        return F.log_softmax(100 * torch.stack([-state, state], dim=-1), dim=-1), state


def play(policy, seed, num_trials=20_000):
    tasks = buttons.sample(num_trials, torch.Generator().manual_seed(seed))
    generators = (
        torch.Generator().manual_seed(seed + 1),
        torch.Generator().manual_seed(seed + 2),
    )
    return run_trial(policy, env, tasks, *generators)[0]


never_wiped = NeverWiped(counter, 20_000)
play(never_wiped, seed=10)  # a trial on other buttons, whose state is left over
versions = {
    "exact counts, kept": play(CountsExactly(), seed=20),
    "kept through the trial": play(counter, seed=20),
    "never wiped": play(never_wiped, seed=20),
    "wiped at every episode": play(WipedEveryEpisode(counter), seed=20),
}
with style():
    fig, ax = plt.subplots(figsize=(6.8, 3.4))
    for (name, trajectory), line, marker in zip(
        versions.items(), LINES, MARKERS, strict=False
    ):
        good = (
            trajectory.expected_reward == 0.75
        ).float()  # [B, T]: was the better button pressed?
        mean, half = good.mean(dim=0), 1.96 * good.std(dim=0) / math.sqrt(len(good))
        label = f"{name}: {trajectory.trial_return(expected=True).mean():.1f} of 20"
        steps = torch.arange(1, 21)
        band(
            ax,
            steps,
            mean - half,
            mean,
            mean + half,
            label=label,
            linestyle=line,
            marker=marker,
            markersize=4,
        )
    ax.axhline(0.5, color="black", linewidth=0.8, linestyle=":")
    ax.set(
        xlabel="press",
        ylabel="share of trials that press\nthe better button",
        ylim=(0.38, 1),
    )
    ax.set(xticks=range(0, 21, 5))
    ax.legend(fontsize=9, loc="lower right")
    returns = "; ".join(
        f"{name} {t.trial_return(expected=True).mean():.1f}"
        for name, t in versions.items()
    )
    show(
        fig,
        alt="Share of trials in which the better button is pressed, over 20 presses. Kept: from one half at press 1 "
        "up to 0.96, a little below exact counts. Never wiped: it starts at one half, lags behind and has caught up "
        f"at press 18. Wiped at every episode: 0.66 from press 2 on, flat. Trial returns: {returns}.",
    )

# %% [markdown]
# The same weights, three different agents. Wiped at every episode, it can only go by the last press: it is as
# good at press 20 as at press 2. Never wiped, it starts each trial with a firm belief about buttons that are gone,
# and needs some fifteen presses to get over it. (Pressing at random earns 10.)
#
# Note that the loop also played `CountsExactly`, whose state is one number and whose rule has no weights. To
# `run_trial` a counting agent of 01 and a recurrent network are the same kind of thing: **a policy whose state
# survives the episode**.
#
# **An observation about the wiped one**: it is still better than chance, because the input itself carries the last
# action and the last reward. Feeding $(a, r, d)$ gives one step of memory for free; everything beyond lives in the
# state.

# %% [markdown]
# ### Two loops: what survives what?
#
# An episode of the buttons is one press. Here is a task with longer ones: an agent of 32 units, trained beforehand
# (you will meet it again in 06), looks for a hidden goal in a grid, in two trials of three episodes each. One slider
# chooses the episode, and with it the boundary that was crossed last; another walks through it. The bars at the bottom
# show how long each thing lives.
#
# **Predict first**, and write it down. With the state reset *at every episode*, does episode 2 pay more than
# episode 1, the same, or less? With the state *never* reset, where does the agent go first in trial 2? Then choose,
# and look.

# %%
TwoLoops().show()

# %% [markdown]
# Reset at every episode, the agent searches again for what it had found. But then episode 2 should pay the same as
# episode 1, and it pays *less*, with all three agents. The reason is in the second row of the table: the inputs still
# tell of the last step, with flag 1, and in training these never met a state of zeros. (Put placeholders there as
# well, and every episode pays what episode 1 does.) Never reset, the agent may walk straight to the goal of the
# trial before, as it does on the third pair of tasks; on some pairs that is lucky.
#
# The weights are the same all along. They belong to a third and slower clock, which ticks in training only: once for a
# whole batch of trials.

# %% [markdown]
# ## 3.6 Unrolling what was acted
#
# To train the policy, 04 needs $\log \pi(a_t)$ for every step of recorded trials, *as a function of the weights*.
# While acting, no graph was kept (and in 09 the same trials will be used several times, with weights that have
# moved). So the trial is **unrolled** again: the same inputs in the same order, from the same state, this time with
# gradients.
#
# The acid test costs one line: with unchanged weights, the unrolled log-probabilities must equal the acted ones.
# It fails for every common mistake: inputs shifted by one step, a state reset at episode ends, or an unroll that
# starts from whatever state the agent *ended* with. That last one is easily made if the agent keeps its state in
# `self.state`, and it has happened in published code.

# %% [markdown]
# ## Exercise 3.7: unroll a trial
#
# *By hand*, the leaky counter on a trial of three presses: actions 1, 1, 0 and rewards 1, 0, 0.
#
# | $t$ | fed $(a, r, d)$ | $h_{t+1}$ | $\pi(\text{button 1})$ | action taken | $\log \pi(a_t)$ |
# |---|---|---|---|---|---|
# | 0 | (0, 0, 0) | 0.0000 | 0.5002 | 1 | -0.693 |
# | 1 | (1, 1, 1) | 0.0760 | 0.8205 | 1 | -0.198 |
# | 2 | (1, 0, 1) | -0.0075 | 0.4623 | 0 | -0.621 |
#
# (The last press paid nothing; that is fed nowhere, since no action follows.) `trajectory.step_inputs()` gives
# what was fed, `[B, T, ...]`; a trial starts from `policy.initial_state(B)`. Beyond a trial's end the result is 0. Use
# the policy's two methods only, so that your unroll serves any policy, a counting agent included.


# %% exercise="unroll" minutes=15 difficulty=3
def unroll(policy, trajectory: Trajectory) -> Tensor:
    """Return the log-probabilities of the actions that were taken, with gradients to the policy's weights.

    Args:
        policy: `initial_state(batch_size)` and `step(state, inputs) -> (log-probabilities [B, A], state)`.
        trajectory: B recorded trials, [B, T].

    Returns:
        [B, T], zero where `trajectory.mask` is False.
    """
    ### BEGIN SOLUTION
    inputs = trajectory.step_inputs()
    batch_size, num_steps = trajectory.action.shape
    state = policy.initial_state(batch_size)
    columns = []
    for t in range(num_steps):
        log_probs, state = policy.step(
            state, StepInput(*(values[:, t] for values in inputs))
        )
        columns.append(log_probs.gather(1, trajectory.action[:, t : t + 1]).squeeze(1))
    return torch.stack(columns, dim=1) * trajectory.mask
    ### END SOLUTION


# %% check="unroll" points=5
check("unroll")

# %% [markdown] hint="unroll"
# It is `run_trial` without an environment and without a draw: a fresh state, then one `policy.step` after the
# other, with inputs that are known beforehand.

# %% [markdown] hint="unroll"
# One step's inputs are `StepInput(*(values[:, t] for values in inputs))`. Of the log-probabilities `[B, A]` keep the
# taken action's: `gather(1, trajectory.action[:, t : t + 1])` is `[B, 1]`.

# %% [markdown] hint="unroll"
# Collect the T columns of shape `[B]` in a list, `torch.stack(columns, dim=1)`, and multiply by
# `trajectory.mask`. No `no_grad`, and no `detach` between the steps: 04 needs the whole chain.

# %% [markdown]
# The acid test on 500 trials with a fresh network of 32 units, for your unroll and for one that starts from the
# state in which the trials ended. The ratio $\pi_\text{unrolled} / \pi_\text{acted}$ is what PPO will compute in 09;
# before any update it has to be 1.


# %%
class StartsFromTheEnd:
    """The mistake: the unroll begins with the state that was left over."""

    def __init__(self, policy, trajectory):
        self.policy, self.step = policy, policy.step
        self.left_over = policy.unroll(trajectory.step_inputs())[1]

    def initial_state(self, batch_size):
        return self.left_over


network = GivenPolicy((1,), 2, 32, generator=torch.Generator().manual_seed(0))
with torch.no_grad():
    network.core.weight_ih *= (
        3  # stronger opinions than a fresh network has, so that differences can be seen
    )
    network.head.weight *= 3
tasks = buttons.sample(500, torch.Generator().manual_seed(1))
trajectory, acted = run_trial(
    network,
    env,
    tasks,
    torch.Generator().manual_seed(2),
    torch.Generator().manual_seed(3),
)
with torch.no_grad():
    ratio = (unroll(network, trajectory) - acted).exp()
    wrong_ratio = (
        unroll(StartsFromTheEnd(network, trajectory), trajectory) - acted
    ).exp()
print(
    f"largest difference of log-probabilities: {(unroll(network, trajectory) - acted).abs().max():.1e}"
)

with style():
    fig, ax = plt.subplots(figsize=(6.4, 3.2))
    steps = range(1, 21)
    for values, label, line, marker in (
        (wrong_ratio, "from the left-over state", "--", "s"),
        (ratio, "from a fresh state", "-", "o"),
    ):
        low, middle, high = torch.quantile(
            values, torch.tensor([0.05, 0.5, 0.95]), dim=0
        )
        band(
            ax,
            steps,
            low,
            middle,
            high,
            label=label,
            linestyle=line,
            marker=marker,
            markersize=4,
        )
    ax.set(
        xlabel="step of the trial",
        ylabel="unrolled / acted probability",
        xticks=range(0, 21, 5),
    )
    ax.legend()
    show(
        fig,
        alt="Ratio of unrolled to acted probability by step, median and range from the 5th to the 95th percentile. "
        "From a fresh state it is exactly 1 everywhere. From the left-over state it spreads from "
        f"{wrong_ratio[:, 0].quantile(0.05):.2f} to {wrong_ratio[:, 0].quantile(0.95):.2f} at the first step and "
        "comes back to 1 within about eight steps.",
    )

# %% [markdown]
# The wrong start spoils the first steps and is forgotten after a few. That is why such a mistake survives: training
# still works, somewhat. And the first steps of a trial are exactly those in which an agent explores.
#
# ### How far back does the gradient reach?
#
# You may read that long episodes make backpropagation through time hard, so one should use "a policy gradient that
# does not require backpropagation through the whole episode, such as REINFORCE with a baseline". For a feedforward
# policy REINFORCE needs no backpropagation through time at all. For a **recurrent** policy it does:
# $\nabla_\theta \log \pi(a_t \mid h_{t+1})$ runs through $h_{t+1}$, and $h_{t+1}$ came from the weights at *every* step
# before. What cuts the chain is **truncation**, a separate decision with a price (09), not the choice of REINFORCE.
#
# You can measure it. How much does the log-probability of the *last* action of the leaky counter's trials move with
# the reward of step $t$? That is a gradient through $19 - t$ steps of state.


# %%
class Truncated:
    """The policy, but the chain of gradients is cut every `length` steps."""

    def __init__(self, policy, length):
        self.policy, self.length, self.initial_state, self.t = (
            policy,
            length,
            policy.initial_state,
            0,
        )

    def step(self, state, inputs):
        state = state.detach() if self.t % self.length == 0 else state
        self.t += 1
        return self.policy.step(state, inputs)


def influence(policy, trajectory):
    """Return the mean absolute gradient of the last log-probability with respect to each reward, [T - 1]."""
    reward = trajectory.reward.clone().requires_grad_()
    last = unroll(policy, trajectory._replace(reward=reward))[:, -1]
    (gradient,) = torch.autograd.grad(last.sum(), reward)
    return gradient[:, :-1].abs().mean(dim=0)  # the last reward is fed nowhere


trials = versions["kept through the trial"].select(torch.arange(2000))
whole, cut = influence(counter, trials), influence(Truncated(counter, 5), trials)
with style():
    fig, ax = plt.subplots(figsize=(6.4, 3.2))
    ax.plot(range(19), whole, marker="o", linestyle="-", label="whole trial")
    ax.plot(range(19), cut, marker="s", linestyle="--", label="cut every 5 steps")
    ax.set(
        xlabel="reward of step t",
        ylabel="gradient of the last\nlog-probability (mean size)",
        xticks=range(0, 20, 5),
    )
    ax.legend()
    show(
        fig,
        alt="Gradient of the last log-probability with respect to the reward of each step. Whole trial: it falls going "
        f"back in time, from {whole[-1]:.3f} at step 18 to {whole[0]:.3f} at step 0, by a tenth a step. Cut every five "
        "steps: equal for the last steps, exactly zero before.",
    )
print(
    f"gradient, on average over 18 steps back: times {(whole[0] / whole[-1]) ** (1 / 18):.3f} for each step"
)
print(
    f"the update gate after a press:           z = {torch.sigmoid(torch.tensor(10 - 7.8)):.3f}"
)

# %% [markdown]
# Each step back costs a factor of 0.9: the update gate, once more. A network that is to remember step 0 until step
# 99 has to learn a gate near 1, and truncation hides from it that there is anything to remember.

# %% [markdown]
# ## 3.7 Probes: testing a policy that you cannot read
#
# The leaky counter could be read. A trained network cannot, and mistakes in the loop around it do not crash. But
# *who may depend on what* is known beforehand, and that can be tested from outside, for any policy, with your
# `unroll`. Four probes, on the network of the last section:


# %%
def probe(policy, trajectory, step=7, row=3):
    """Change one reward of one trial and see which log-probabilities move."""
    reward = trajectory.reward.clone()
    reward[row, step] += 1.0
    with torch.no_grad():
        return unroll(policy, trajectory._replace(reward=reward)) != unroll(
            policy, trajectory
        )


moved = probe(network, trajectory)
others = torch.arange(len(moved)) != 3
print(
    "1. before it is fed, up to step 7:          ",
    "moved" if moved[3, :8].any() else "nothing moves",
)
print(
    "2. from step 9 on, across episode ends:      ",
    "moved" if moved[3, 9:].any() else "nothing moves",
)
print(
    "3. the other 499 trials of the batch:       ",
    "moved" if moved[others].any() else "nothing moves",
)

# 4. Rename the arms. Swap them in the record, in the weights that read them and in those that name them:
# the distribution must be swapped, too, exactly.
renamed = GivenPolicy((1,), 2, 32, generator=torch.Generator())
weights = {name: values.clone() for name, values in network.state_dict().items()}
weights["core.weight_ih"][:, [1, 2]] = weights["core.weight_ih"][:, [2, 1]]
weights["head.weight"], weights["head.bias"] = (
    weights["head.weight"].flip(0),
    weights["head.bias"].flip(0),
)
renamed.load_state_dict(weights)
state = torch.randn(4, 32, generator=torch.Generator().manual_seed(4))
inputs = StepInput(
    torch.zeros(4, 1),
    torch.tensor([0, 1, 0, 1]),
    torch.tensor([0.0, 0, 1, 1]),
    torch.ones(4),
)
with torch.no_grad():
    same = torch.allclose(
        network.step(state, inputs)[0],
        renamed.step(state, inputs._replace(prev_action=1 - inputs.prev_action))[
            0
        ].flip(-1),
        atol=1e-6,
    )
print(
    "4. arms renamed, in record and weights:     ",
    "the distribution is renamed with them" if same else "differs",
)

# %% [markdown]
# Probe 1 catches inputs that see the future. Probe 2 catches a state that is wiped: at step 8 the reward itself is
# fed, from step 9 on only the state can know of it. Probe 3 catches trials that mix in the batch.
# Probe 4 says that arms are names and nothing more. (Averaged over random initial weights, renaming the record alone
# would do, since the weights are drawn alike: that is the symmetry of section 3.3. A single network has no such
# duty, trained or not.) Your answers were probed in the same way by their checks.

# %% [markdown]
# ## Quiz

# %% [markdown] quiz="state_between_episodes"
# What happens to the hidden state when an episode ends, and when a trial ends?
# - [ ] It is reset at both. :: Then nothing that was learned in episode 1 would reach episode 2: that is ordinary
#   recurrent RL. In section 3.5 the wiped agent was as good at press 20 as at press 2.
# - [x] It is kept at an episode's end and made fresh at a trial's end. :: Yes. The task stays the same within a trial,
#   so what was learned stays true; the next trial has another task.
# - [ ] It is kept at both: the more experience, the better. :: Experience with the last task is a false belief about
#   the next one. The agent that was never wiped lost to the one that was.
# - [ ] The network decides: it sees the flag. :: Within a trial it may forget whatever it likes, with the flag's help.
#   Between trials the loop decides, since nothing in the input marks a new task.

# %% [markdown] quiz="what_is_frozen"
# After training, the line learner's weights are frozen, and yet its error falls from point to point. What encodes the
# learning algorithm, and what holds the line?
# - [x] The weights encode the algorithm, the state holds what is known of the line. :: Yes. Wipe the state and the line
#   is forgotten; change the weights and the algorithm is another one.
# - [ ] The state encodes the algorithm, the weights hold the line. :: The weights are the same for all lines, so they
#   cannot hold any single one.
# - [ ] The weights hold both; they move a little at test time. :: Nothing moves them: no loss and no optimiser are
#   there at test time, and the check compared them before and after.
# - [ ] The optimiser holds the algorithm: Adam finds the line. :: Adam was the slow learner. It is not running when
#   a new line comes.

# %% [markdown] quiz="two_gru_forms"
# You copy the weights of a GRU from a framework that applies the reset gate before the product (Cho's form) into
# torch's GRU. What happens?
# - [ ] An error: the shapes differ. :: The matrices have the same shapes in both forms. That is what makes it
#   dangerous.
# - [ ] Nothing changes: the two forms are the same function. :: They agree for a single unit without that bias, and in
#   general they do not: gating a vector and then mixing it differs from mixing it first.
# - [x] It runs, and computes something else. :: Yes. Both are good GRUs, but weights belong to one form.
# - [ ] It runs a little slower. :: Torch's form is the faster one on a GPU, but the numbers are the point here.

# %% [markdown] quiz="all_zero_start"
# A paper says: all weights are initialised to zero. Take that literally for the GRU and the head of exercise 3.5, with
# zero biases, and train by gradient descent. What can be learned?
# - [x] Only the head's bias: a fixed preference for some arms. :: Yes. The candidate is 0, so the state stays 0, so the
#   head's weights get no gradient; and through zero head weights no gradient reaches the GRU.
# - [ ] Everything, only more slowly. :: No speed helps against gradients that are exactly zero.
# - [ ] Everything but the reset gate. :: The update gate and the candidate get no gradient either: their path to the
#   loss runs through the head's weights, which are zero.
# - [ ] Nothing at all. :: The logits are the head's bias, and the loss does depend on it.

# %% [markdown] quiz="which_test"
# A colleague's unroll starts from the state in which the agent ended its last trial. Training runs, a bit worse than
# expected. Which single test would have found it?
# - [ ] The loss goes down. :: It does, as the wrong start is forgotten after some steps.
# - [ ] The gradient is not zero. :: It is not; it is a gradient of slightly wrong log-probabilities.
# - [x] With unchanged weights, unrolled and acted log-probabilities are equal. :: Yes: one line, and it fails at the
#   first step of the trial.
# - [ ] The probabilities sum to 1. :: They do, from any state.

# %% [markdown] quiz="needs_no_bptt"
# True or not: REINFORCE with a baseline spares a recurrent policy the backpropagation through time?
# - [ ] True: REINFORCE only needs the gradient of log-probabilities. :: And that gradient runs through the state, and
#   through all the steps that made it.
# - [ ] True, if the baseline is recurrent too. :: The baseline changes the weight of each term, not its derivative.
# - [x] Not true: only truncation cuts the chain, and it does so for any policy gradient. :: Yes. In section 3.6 the
#   gradient of the last log-probability reached back to the first reward.
# - [ ] Not true: REINFORCE needs twice the backpropagation. :: It needs one pass through the unrolled trial.

# %% [markdown]
# ## Summary
#
# - **Weights frozen, state changing**: a trained GRU refits a line from point to point, within about a factor of two of
#   the exact Bayesian learner's error. The weights hold the algorithm and the family; the state holds this task.
# - A GRU unit keeps ($z$ near 1) or overwrites ($z$ near 0). Torch gates *after* the product; gates are stacked
#   r, z, n. An LSTM's state is a pair.
# - Start as the paper did: orthogonal hidden-to-hidden and Xavier elsewhere, gate by gate; biases 0; weight norm with
#   lengths that leave the drawn weights in force.
# - The policy: $h_{t+1} = \text{GRU}(\varphi(\cdot), h_t)$, then a linear layer and a softmax *over the actions*.
#   Action from the new state.
# - The loop decides how long a state lives: **through all episodes of a trial, never into the next**. Actions are
#   drawn, with a generator.
# - The unroll runs the same inputs from the same fresh state; its log-probabilities **equal the acted ones**. The
#   gradient runs through the whole trial unless it is truncated, with REINFORCE as with anything else.
# - Probes test who may depend on what, for any policy, from outside.
#
# **Next:** [04, REINFORCE with a baseline](04_reinforce_with_baseline.ipynb) finds the weights by training.
# **To read:** Duan et al. 2016, sections 2.2, 2.3 and appendix A; Cho et al. 2014 for the GRU; Salimans & Kingma
# 2016 for weight normalisation; Hochreiter, Younger & Conwell 2001, *Learning to Learn Using Gradient Descent*, where
# a frozen recurrent network learned functions long before RL².

# %%
progress()
