# %% mutant="learn_lines" name="sees_the_answer" diagnosis="You fed y_t where y_{t-1} belongs: the network is told the answer that it is asked for. The loss falls to the noise at once, and nothing is learned about lines. Shift y by one step, with 0 at t = 0 (exercise 3.1, the table)."
def learn_lines(gru, readout, x, y):
    prev_y = y
    inputs = torch.stack([x, prev_y], dim=-1)
    states, _ = gru(inputs)
    return readout(states).squeeze(-1)


# %% mutant="learn_lines" name="answer_never_fed" diagnosis="The previous answer is missing from the input. Without it the network sees where it is asked, but never what was right, and no point can teach it anything: feed (x_t, y_{t-1}) (exercise 3.1)."
def learn_lines(gru, readout, x, y):
    prev_y = torch.zeros_like(y)
    inputs = torch.stack([x, prev_y], dim=-1)
    states, _ = gru(inputs)
    return readout(states).squeeze(-1)


# %% mutant="learn_lines" name="x_one_step_late" diagnosis="You shifted x as well. The question x_t is of now; only the answer y is of one step ago. As in 02, the observation is of now and the rest of one step before (exercise 3.1)."
def learn_lines(gru, readout, x, y):
    prev_y = torch.cat([torch.zeros_like(y[:, :1]), y[:, :-1]], dim=1)
    inputs = torch.stack([F.pad(x, (1, 0))[:, :-1], prev_y], dim=-1)
    states, _ = gru(inputs)
    return readout(states).squeeze(-1)


# %% mutant="learn_lines" name="wraps_around" diagnosis="Your shift wraps around (torch.roll does): at t = 0 the network is fed the LAST answer of the line. Put a 0 there (exercise 3.1)."
def learn_lines(gru, readout, x, y):
    prev_y = y.roll(1, dims=1)
    inputs = torch.stack([x, prev_y], dim=-1)
    states, _ = gru(inputs)
    return readout(states).squeeze(-1)


# %% mutant="learn_lines" name="shifted_along_the_batch" diagnosis="You shifted along dimension 0, from one line to the next one of the batch. Tensors are [B, T]; time is dimension 1 (exercise 3.1)."
def learn_lines(gru, readout, x, y):
    prev_y = torch.cat([torch.zeros_like(y[:1]), y[:-1]], dim=0)
    inputs = torch.stack([x, prev_y], dim=-1)
    states, _ = gru(inputs)
    return readout(states).squeeze(-1)


# %% mutant="learn_lines" name="y_before_x" diagnosis="You stacked (y_{t-1}, x_t). The order of the columns is free in principle, but weights belong to one order, and ours is x first: torch.stack([x, prev_y], dim=-1) (exercise 3.1)."
def learn_lines(gru, readout, x, y):
    prev_y = torch.cat([torch.zeros_like(y[:, :1]), y[:, :-1]], dim=1)
    inputs = torch.stack([prev_y, x], dim=-1)
    states, _ = gru(inputs)
    return readout(states).squeeze(-1)


# %% mutant="learn_lines" name="state_reset_every_step" diagnosis="Each step starts from a state of zeros, so a prediction knows the last answer and nothing before it. The state is where the line is remembered: run the GRU over the whole sequence, once (exercise 3.1)."
def learn_lines(gru, readout, x, y):
    prev_y = torch.cat([torch.zeros_like(y[:, :1]), y[:, :-1]], dim=1)
    inputs = torch.stack([x, prev_y], dim=-1)
    states = torch.cat([gru(inputs[:, t : t + 1])[0] for t in range(x.shape[1])], dim=1)
    return readout(states).squeeze(-1)


# %% mutant="learn_lines" name="state_leaks_into_the_next_line" diagnosis="The state with which one line ends is the state with which the next one begins. Another line is another task: what was learned about the last one is false there. Every row starts from zeros (exercise 3.1)."
def learn_lines(gru, readout, x, y):
    prev_y = torch.cat([torch.zeros_like(y[:, :1]), y[:, :-1]], dim=1)
    inputs = torch.stack([x, prev_y], dim=-1)
    state, rows = None, []
    for row in inputs:
        states, state = gru(row[None], state)
        rows.append(states)
    states = torch.cat(rows)
    return readout(states).squeeze(-1)


# %% mutant="learn_lines" name="trains_at_test_time" diagnosis="The weights are not what they were before: your function trains them. Here the weights are frozen, and only the state may change; the slow learner has its own loop (section 3.1)."
def learn_lines(gru, readout, x, y):
    prev_y = torch.cat([torch.zeros_like(y[:, :1]), y[:, :-1]], dim=1)
    inputs = torch.stack([x, prev_y], dim=-1)
    parameters = [*gru.parameters(), *readout.parameters()]
    with torch.enable_grad():
        loss = (readout(gru(inputs)[0]).squeeze(-1) - y).square().mean()
        gradients = torch.autograd.grad(loss, parameters)
    predictions = readout(gru(inputs)[0]).squeeze(-1)
    with torch.no_grad():
        for parameter, gradient in zip(parameters, gradients):
            parameter.sub_(0.001 * gradient)
    return predictions.detach()


# %% mutant="learn_lines" name="no_gradient" diagnosis="No gradient reaches the weights (no_grad, detach, or a tensor made afresh from numbers). Frozen means that THIS function does not change the weights; the slow learner must still be able to differentiate it (exercise 3.1)."
def learn_lines(gru, readout, x, y):
    prev_y = torch.cat([torch.zeros_like(y[:, :1]), y[:, :-1]], dim=1)
    inputs = torch.stack([x, prev_y], dim=-1)
    with torch.no_grad():
        states, _ = gru(inputs)
    return readout(states).squeeze(-1).detach()


# %% alternative="learn_lines" name="cell_by_cell"
def learn_lines(gru, readout, x, y):
    batch_size, num_steps = x.shape
    state = torch.zeros(1, batch_size, gru.hidden_size)
    previous, predictions = torch.zeros(batch_size), []
    for t in range(num_steps):
        out, state = gru(torch.stack([x[:, t], previous], dim=-1).unsqueeze(1), state)
        predictions.append(readout(out[:, 0])[:, 0])
        previous = y[:, t]
    return torch.stack(predictions, dim=1)


# %% alternative="learn_lines" name="pad"
def learn_lines(gru, readout, x, y):
    inputs = torch.cat([x[..., None], F.pad(y, (1, 0))[:, :-1, None]], dim=2)
    return readout(gru(inputs)[0])[:, :, 0]


# %% mutant="gru_step" name="gates_swapped" diagnosis="You took the rows of r for z and the other way round. Torch stacks the gates in the order r, z, n (some texts and frameworks have z first). Shapes fit either way, so only the numbers can tell (section 3.2)."
def gru_step(x, h, w_ih, w_hh, b_ih, b_hh):
    x_z, x_r, x_n = (x @ w_ih.T + b_ih).chunk(3, dim=-1)
    h_z, h_r, h_n = (h @ w_hh.T + b_hh).chunk(3, dim=-1)
    r = torch.sigmoid(x_r + h_r)
    z = torch.sigmoid(x_z + h_z)
    n = torch.tanh(x_n + r * h_n)
    return (1 - z) * n + z * h


# %% mutant="gru_step" name="update_gate_reversed" diagnosis="Your update gate works the wrong way round: z * n + (1 - z) * h. Chung et al. (2014) write it that way, but in torch's form (and Cho's) z is the share that is KEPT: h' = (1 - z) n + z h (section 3.2)."
def gru_step(x, h, w_ih, w_hh, b_ih, b_hh):
    x_r, x_z, x_n = (x @ w_ih.T + b_ih).chunk(3, dim=-1)
    h_r, h_z, h_n = (h @ w_hh.T + b_hh).chunk(3, dim=-1)
    r = torch.sigmoid(x_r + h_r)
    z = torch.sigmoid(x_z + h_z)
    n = torch.tanh(x_n + r * h_n)
    return z * n + (1 - z) * h


# %% mutant="gru_step" name="reset_before_product" diagnosis="You applied the reset gate before the product, W (r * h): that is Cho's own form of the GRU. It learns as well as torch's, but it is another function, and weights cannot be exchanged. Torch gates the result: n = tanh(x_n + r * (W h + b)) (section 3.2)."
def gru_step(x, h, w_ih, w_hh, b_ih, b_hh):
    x_r, x_z, x_n = (x @ w_ih.T + b_ih).chunk(3, dim=-1)
    h_r, h_z, h_n = (h @ w_hh.T + b_hh).chunk(3, dim=-1)
    r = torch.sigmoid(x_r + h_r)
    z = torch.sigmoid(x_z + h_z)
    H = h.shape[1]
    n = torch.tanh(x_n + (r * h) @ w_hh[2 * H :].T + b_hh[2 * H :])
    return (1 - z) * n + z * h


# %% mutant="gru_step" name="bias_outside_the_reset" diagnosis="Your reset gate multiplies the product, but not its bias b_hn. In torch's form the gate takes the whole piece of the state, bias included: r * (W_hn h + b_hn). That is also why a GRU in torch has two biases (section 3.2)."
def gru_step(x, h, w_ih, w_hh, b_ih, b_hh):
    x_r, x_z, x_n = (x @ w_ih.T + b_ih).chunk(3, dim=-1)
    h_r, h_z, h_n = (h @ w_hh.T + b_hh).chunk(3, dim=-1)
    r = torch.sigmoid(x_r + h_r)
    z = torch.sigmoid(x_z + h_z)
    H = h.shape[1]
    n = torch.tanh(x_n + b_hh[2 * H :] + r * (h @ w_hh[2 * H :].T))
    return (1 - z) * n + z * h


# %% mutant="gru_step" name="reset_gate_left_out" diagnosis="The reset gate is missing from the candidate: it should decide how much of the old state the candidate sees, n = tanh(x_n + r * h_n) (section 3.2)."
def gru_step(x, h, w_ih, w_hh, b_ih, b_hh):
    x_r, x_z, x_n = (x @ w_ih.T + b_ih).chunk(3, dim=-1)
    h_r, h_z, h_n = (h @ w_hh.T + b_hh).chunk(3, dim=-1)
    r = torch.sigmoid(x_r + h_r)
    z = torch.sigmoid(x_z + h_z)
    n = torch.tanh(x_n + h_n)
    return (1 - z) * n + z * h


# %% mutant="gru_step" name="candidate_without_state" diagnosis="Your candidate does not see the old state at all. It should see as much of it as the reset gate lets through: n = tanh(x_n + r * h_n) (section 3.2)."
def gru_step(x, h, w_ih, w_hh, b_ih, b_hh):
    x_r, x_z, x_n = (x @ w_ih.T + b_ih).chunk(3, dim=-1)
    h_r, h_z, h_n = (h @ w_hh.T + b_hh).chunk(3, dim=-1)
    r = torch.sigmoid(x_r + h_r)
    z = torch.sigmoid(x_z + h_z)
    n = torch.tanh(x_n)
    return (1 - z) * n + z * h


# %% mutant="gru_step" name="candidate_with_sigmoid" diagnosis="Your candidate goes through a sigmoid. Gates are shares and lie in [0, 1]; the candidate is a value and lies in [-1, 1]: use tanh for n (section 3.2)."
def gru_step(x, h, w_ih, w_hh, b_ih, b_hh):
    x_r, x_z, x_n = (x @ w_ih.T + b_ih).chunk(3, dim=-1)
    h_r, h_z, h_n = (h @ w_hh.T + b_hh).chunk(3, dim=-1)
    r = torch.sigmoid(x_r + h_r)
    z = torch.sigmoid(x_z + h_z)
    n = torch.sigmoid(x_n + r * h_n)
    return (1 - z) * n + z * h


# %% mutant="gru_step" name="gates_interleaved" diagnosis="You cut the stack as if r, z, n stood side by side for each unit. They lie below each other: first all H rows of r, then all of z, then all of n. Use .chunk(3, dim=-1) (section 3.2)."
def gru_step(x, h, w_ih, w_hh, b_ih, b_hh):
    x_r, x_z, x_n = (x @ w_ih.T + b_ih).reshape(len(x), -1, 3).unbind(-1)
    h_r, h_z, h_n = (h @ w_hh.T + b_hh).reshape(len(h), -1, 3).unbind(-1)
    r = torch.sigmoid(x_r + h_r)
    z = torch.sigmoid(x_z + h_z)
    n = torch.tanh(x_n + r * h_n)
    return (1 - z) * n + z * h


# %% mutant="gru_step" name="state_detached" diagnosis="Your result has the right values, but the gradient does not reach the old state: a detach or no_grad cuts it. Training needs the whole chain (section 3.6)."
def gru_step(x, h, w_ih, w_hh, b_ih, b_hh):
    x_r, x_z, x_n = (x @ w_ih.T + b_ih).chunk(3, dim=-1)
    h_r, h_z, h_n = (h.detach() @ w_hh.T + b_hh).chunk(3, dim=-1)
    r = torch.sigmoid(x_r + h_r)
    z = torch.sigmoid(x_z + h_z)
    h = h.detach()
    n = torch.tanh(x_n + r * h_n)
    return (1 - z) * n + z * h


# %% alternative="gru_step" name="slices"
def gru_step(x, h, w_ih, w_hh, b_ih, b_hh):
    H = h.shape[1]
    gates = torch.sigmoid(
        F.linear(x, w_ih[: 2 * H], b_ih[: 2 * H]) + F.linear(h, w_hh[: 2 * H], b_hh[: 2 * H])
    )
    r, z = gates[:, :H], gates[:, H:]
    n = torch.tanh(F.linear(x, w_ih[2 * H :], b_ih[2 * H :]) + r * F.linear(h, w_hh[2 * H :], b_hh[2 * H :]))
    return n + z * (h - n)


# %% alternative="gru_step" name="einsum_over_gates"
def gru_step(x, h, w_ih, w_hh, b_ih, b_hh):
    H = h.shape[-1]
    from_x = torch.einsum("bf,ghf->gbh", x, w_ih.view(3, H, -1)) + b_ih.view(3, 1, H)
    from_h = torch.einsum("bk,ghk->gbh", h, w_hh.view(3, H, H)) + b_hh.view(3, 1, H)
    r, z = (from_x + from_h)[:2].sigmoid()
    candidate = (from_x[2] + r * from_h[2]).tanh()
    return torch.lerp(candidate, h, z)


# %% mutant="lstm_step" name="state_pair_swapped" diagnosis="You returned (c, h). The state is the pair (h, c) in this order, coming in and going out; some frameworks have it the other way round, so it pays to look (exercise 3.3)."
def lstm_step(x, state, w_ih, w_hh, b_ih, b_hh):
    h, c = state
    i, f, g, o = (x @ w_ih.T + b_ih + h @ w_hh.T + b_hh).chunk(4, dim=-1)
    c_new = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    h_new = torch.sigmoid(o) * torch.tanh(c_new)
    return c_new, h_new


# %% mutant="lstm_step" name="input_and_forget_swapped" diagnosis="You took the input gate's rows for the forget gate's. Torch's order is i, f, g, o (exercise 3.3)."
def lstm_step(x, state, w_ih, w_hh, b_ih, b_hh):
    h, c = state
    f, i, g, o = (x @ w_ih.T + b_ih + h @ w_hh.T + b_hh).chunk(4, dim=-1)
    c_new = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    h_new = torch.sigmoid(o) * torch.tanh(c_new)
    return h_new, c_new


# %% mutant="lstm_step" name="output_before_candidate" diagnosis="You took the rows of o for g and the other way round: an order i, f, o, g exists elsewhere, torch's is i, f, g, o (exercise 3.3)."
def lstm_step(x, state, w_ih, w_hh, b_ih, b_hh):
    h, c = state
    i, f, o, g = (x @ w_ih.T + b_ih + h @ w_hh.T + b_hh).chunk(4, dim=-1)
    c_new = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    h_new = torch.sigmoid(o) * torch.tanh(c_new)
    return h_new, c_new


# %% mutant="lstm_step" name="gates_read_the_cell" diagnosis="Your gates read c. They read h, what the cell shows; c itself is touched by gates only (exercise 3.3)."
def lstm_step(x, state, w_ih, w_hh, b_ih, b_hh):
    h, c = state
    i, f, g, o = (x @ w_ih.T + b_ih + c @ w_hh.T + b_hh).chunk(4, dim=-1)
    c_new = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    h_new = torch.sigmoid(o) * torch.tanh(c_new)
    return h_new, c_new


# %% mutant="lstm_step" name="cell_not_squashed" diagnosis="You showed the cell as it is: h' = o * c'. The cell may grow beyond 1, so the output squashes it: h' = o * tanh(c') (exercise 3.3)."
def lstm_step(x, state, w_ih, w_hh, b_ih, b_hh):
    h, c = state
    i, f, g, o = (x @ w_ih.T + b_ih + h @ w_hh.T + b_hh).chunk(4, dim=-1)
    c_new = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    h_new = torch.sigmoid(o) * c_new
    return h_new, c_new


# %% mutant="lstm_step" name="output_from_the_old_cell" diagnosis="Your output shows the OLD cell. First the cell takes in the news, then the output shows the new cell: h' = o * tanh(c') (exercise 3.3)."
def lstm_step(x, state, w_ih, w_hh, b_ih, b_hh):
    h, c = state
    i, f, g, o = (x @ w_ih.T + b_ih + h @ w_hh.T + b_hh).chunk(4, dim=-1)
    c_new = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    h_new = torch.sigmoid(o) * torch.tanh(c)
    return h_new, c_new


# %% mutant="lstm_step" name="forget_is_one_minus_input" diagnosis="You used 1 - i in place of the forget gate. That is a known simplification, and what a GRU does; the LSTM has a gate of its own for forgetting, f (exercise 3.3)."
def lstm_step(x, state, w_ih, w_hh, b_ih, b_hh):
    h, c = state
    i, f, g, o = (x @ w_ih.T + b_ih + h @ w_hh.T + b_hh).chunk(4, dim=-1)
    c_new = (1 - torch.sigmoid(i)) * c + torch.sigmoid(i) * torch.tanh(g)
    h_new = torch.sigmoid(o) * torch.tanh(c_new)
    return h_new, c_new


# %% mutant="lstm_step" name="only_h_returned" diagnosis="You returned h alone. The LSTM's memory is c: drop it, and the next step has forgotten. Return the pair (h, c) (exercise 3.3)."
def lstm_step(x, state, w_ih, w_hh, b_ih, b_hh):
    h, c = state
    i, f, g, o = (x @ w_ih.T + b_ih + h @ w_hh.T + b_hh).chunk(4, dim=-1)
    c_new = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    h_new = torch.sigmoid(o) * torch.tanh(c_new)
    return h_new


# %% alternative="lstm_step" name="stacked_inputs"
def lstm_step(x, state, w_ih, w_hh, b_ih, b_hh):
    hidden, cell = state
    z = torch.cat([x, hidden], dim=1) @ torch.cat([w_ih, w_hh], dim=1).T + (b_ih + b_hh)
    H = hidden.shape[1]
    keep, write, show = z[:, H : 2 * H].sigmoid(), z[:, :H].sigmoid(), z[:, 3 * H :].sigmoid()
    cell = keep * cell + write * z[:, 2 * H : 3 * H].tanh()
    return [show * cell.tanh(), cell]


# %% mutant="initialise" name="no_weight_norm" diagnosis="The weight matrices are plain parameters: weight normalisation is missing. After the drawing, call weight_norm for weight_ih, weight_hh and the head's weight; each then has a length for every row, and a direction (section 3.3)."
def initialise(cell, head, generator):
    with torch.no_grad():
        for gate in cell.weight_hh.chunk(3):
            nn.init.orthogonal_(gate, generator=generator)
        for gate in cell.weight_ih.chunk(3):
            nn.init.xavier_uniform_(gate, generator=generator)
        nn.init.xavier_uniform_(head.weight, generator=generator)
        for bias in (cell.bias_ih, cell.bias_hh, head.bias):
            nn.init.zeros_(bias)


# %% mutant="initialise" name="some_matrices_not_normalised" diagnosis="Weight normalisation reached some of the weight matrices, not all three. The paper applies it to every weight matrix: weight_ih, weight_hh and the head's weight (section 3.3)."
def initialise(cell, head, generator):
    with torch.no_grad():
        for gate in cell.weight_hh.chunk(3):
            nn.init.orthogonal_(gate, generator=generator)
        for gate in cell.weight_ih.chunk(3):
            nn.init.xavier_uniform_(gate, generator=generator)
        nn.init.xavier_uniform_(head.weight, generator=generator)
        for bias in (cell.bias_ih, cell.bias_hh, head.bias):
            nn.init.zeros_(bias)
    weight_norm(cell, "weight_ih")
    weight_norm(head, "weight")


# %% mutant="initialise" name="lengths_of_columns" diagnosis="Your lengths belong to columns. A unit's incoming weights are a ROW, and each row has its length: weight_norm's default, dim=0 (section 3.3)."
def initialise(cell, head, generator):
    with torch.no_grad():
        for gate in cell.weight_hh.chunk(3):
            nn.init.orthogonal_(gate, generator=generator)
        for gate in cell.weight_ih.chunk(3):
            nn.init.xavier_uniform_(gate, generator=generator)
        nn.init.xavier_uniform_(head.weight, generator=generator)
        for bias in (cell.bias_ih, cell.bias_hh, head.bias):
            nn.init.zeros_(bias)
    weight_norm(cell, "weight_ih", dim=1)
    weight_norm(cell, "weight_hh")
    weight_norm(head, "weight")


# %% mutant="initialise" name="one_length_for_a_matrix" diagnosis="There is one length for a whole matrix. Weight normalisation gives every row (every unit) its own: weight_norm's default, dim=0 (section 3.3)."
def initialise(cell, head, generator):
    with torch.no_grad():
        for gate in cell.weight_hh.chunk(3):
            nn.init.orthogonal_(gate, generator=generator)
        for gate in cell.weight_ih.chunk(3):
            nn.init.xavier_uniform_(gate, generator=generator)
        nn.init.xavier_uniform_(head.weight, generator=generator)
        for bias in (cell.bias_ih, cell.bias_hh, head.bias):
            nn.init.zeros_(bias)
    weight_norm(cell, "weight_ih")
    weight_norm(cell, "weight_hh", dim=None)
    weight_norm(head, "weight")


# %% mutant="initialise" name="lengths_start_at_one" diagnosis="All rows have length 1: the lengths g started at 1 in place of the lengths that were drawn. That changes Xavier's scale. Without data-dependent initialisation means g = |v|, so that the weights in force are the ones that were drawn (section 3.3)."
def initialise(cell, head, generator):
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
    with torch.no_grad():
        cell.parametrizations.weight_ih.original0.fill_(1.0)


# %% mutant="initialise" name="normalised_first" diagnosis="The recurrent weights in force are not what you drew: they are torch's default. Either they were never drawn, or weight_norm came first: then cell.weight_hh is computed afresh at every access, and what is drawn into it is lost. Draw first, normalise last (exercise 3.4)."
def initialise(cell, head, generator):
    weight_norm(cell, "weight_ih")
    weight_norm(cell, "weight_hh")
    weight_norm(head, "weight")
    with torch.no_grad():
        for gate in cell.weight_hh.chunk(3):
            nn.init.orthogonal_(gate, generator=generator)
        for gate in cell.weight_ih.chunk(3):
            nn.init.xavier_uniform_(gate, generator=generator)
        nn.init.xavier_uniform_(head.weight, generator=generator)
        for bias in (cell.bias_ih, cell.bias_hh, head.bias):
            nn.init.zeros_(bias)


# %% mutant="initialise" name="orthogonal_on_the_stack" diagnosis="You made the whole [3H, H] stack orthogonal: its columns are, but no gate's block is. The stack is storage for three matrices; initialise each [H, H] block by itself (section 3.3)."
def initialise(cell, head, generator):
    with torch.no_grad():
        nn.init.orthogonal_(cell.weight_hh, generator=generator)
        for gate in cell.weight_ih.chunk(3):
            nn.init.xavier_uniform_(gate, generator=generator)
        nn.init.xavier_uniform_(head.weight, generator=generator)
        for bias in (cell.bias_ih, cell.bias_hh, head.bias):
            nn.init.zeros_(bias)
    weight_norm(cell, "weight_ih")
    weight_norm(cell, "weight_hh")
    weight_norm(head, "weight")


# %% mutant="initialise" name="xavier_on_the_stack" diagnosis="You initialised the whole [3H, F] stack by Xavier, which takes 3H for the fan-out and makes the weights too small. Three gates are three matrices: initialise each [H, F] block by itself (section 3.3)."
def initialise(cell, head, generator):
    with torch.no_grad():
        for gate in cell.weight_hh.chunk(3):
            nn.init.orthogonal_(gate, generator=generator)
        nn.init.xavier_uniform_(cell.weight_ih, generator=generator)
        nn.init.xavier_uniform_(head.weight, generator=generator)
        for bias in (cell.bias_ih, cell.bias_hh, head.bias):
            nn.init.zeros_(bias)
    weight_norm(cell, "weight_ih")
    weight_norm(cell, "weight_hh")
    weight_norm(head, "weight")


# %% mutant="initialise" name="xavier_everywhere" diagnosis="Your hidden-to-hidden blocks are Xavier, not orthogonal. The state meets this matrix at every step; only an orthogonal one neither shrinks nor stretches it (section 3.3, the figure)."
def initialise(cell, head, generator):
    with torch.no_grad():
        for gate in cell.weight_hh.chunk(3):
            nn.init.xavier_uniform_(gate, generator=generator)
        for gate in cell.weight_ih.chunk(3):
            nn.init.xavier_uniform_(gate, generator=generator)
        nn.init.xavier_uniform_(head.weight, generator=generator)
        for bias in (cell.bias_ih, cell.bias_hh, head.bias):
            nn.init.zeros_(bias)
    weight_norm(cell, "weight_ih")
    weight_norm(cell, "weight_hh")
    weight_norm(head, "weight")


# %% mutant="initialise" name="orthogonal_everywhere" diagnosis="You made an input or output matrix orthogonal. The paper does so for the hidden-to-hidden matrix only; all others are Xavier (section 3.3)."
def initialise(cell, head, generator):
    with torch.no_grad():
        for gate in cell.weight_hh.chunk(3):
            nn.init.orthogonal_(gate, generator=generator)
        for gate in cell.weight_ih.chunk(3):
            nn.init.orthogonal_(gate, generator=generator)
        nn.init.xavier_uniform_(head.weight, generator=generator)
        for bias in (cell.bias_ih, cell.bias_hh, head.bias):
            nn.init.zeros_(bias)
    weight_norm(cell, "weight_ih")
    weight_norm(cell, "weight_hh")
    weight_norm(head, "weight")


# %% mutant="initialise" name="xavier_normal" diagnosis="Some entries lie beyond Xavier's bound: they come from a normal distribution. Xavier exists in both forms and the paper does not say which; our contract is the uniform one, nn.init.xavier_uniform_ (exercise 3.4)."
def initialise(cell, head, generator):
    with torch.no_grad():
        for gate in cell.weight_hh.chunk(3):
            nn.init.orthogonal_(gate, generator=generator)
        for gate in cell.weight_ih.chunk(3):
            nn.init.xavier_normal_(gate, generator=generator)
        nn.init.xavier_normal_(head.weight, generator=generator)
        for bias in (cell.bias_ih, cell.bias_hh, head.bias):
            nn.init.zeros_(bias)
    weight_norm(cell, "weight_ih")
    weight_norm(cell, "weight_hh")
    weight_norm(head, "weight")


# %% mutant="initialise" name="left_at_torchs_default" diagnosis="A weight matrix still has torch's own start, U[-1/sqrt(H), 1/sqrt(H)]. All three matrices are to be drawn anew: weight_hh orthogonal, weight_ih and the head's weight by Xavier (section 3.3)."
def initialise(cell, head, generator):
    with torch.no_grad():
        for gate in cell.weight_hh.chunk(3):
            nn.init.orthogonal_(gate, generator=generator)
        for gate in cell.weight_ih.chunk(3):
            nn.init.xavier_uniform_(gate, generator=generator)
        for bias in (cell.bias_ih, cell.bias_hh, head.bias):
            nn.init.zeros_(bias)
    weight_norm(cell, "weight_ih")
    weight_norm(cell, "weight_hh")
    weight_norm(head, "weight")


# %% mutant="initialise" name="biases_left" diagnosis="A bias is not zero. There are three: bias_ih and bias_hh of the cell, and the head's; torch fills all of them at random (section 3.3)."
def initialise(cell, head, generator):
    with torch.no_grad():
        for gate in cell.weight_hh.chunk(3):
            nn.init.orthogonal_(gate, generator=generator)
        for gate in cell.weight_ih.chunk(3):
            nn.init.xavier_uniform_(gate, generator=generator)
        nn.init.xavier_uniform_(head.weight, generator=generator)
        for bias in (cell.bias_ih, head.bias):
            nn.init.zeros_(bias)
    weight_norm(cell, "weight_ih")
    weight_norm(cell, "weight_hh")
    weight_norm(head, "weight")


# %% mutant="initialise" name="one_draw_for_all_gates" diagnosis="The three gates got the same matrix, from one draw. They have different jobs, and equal ones start as copies of each other: draw each block anew (section 3.3)."
def initialise(cell, head, generator):
    with torch.no_grad():
        cell.weight_hh.copy_(nn.init.orthogonal_(torch.empty(cell.hidden_size, cell.hidden_size), generator=generator).repeat(3, 1))
        for gate in cell.weight_ih.chunk(3):
            nn.init.xavier_uniform_(gate, generator=generator)
        nn.init.xavier_uniform_(head.weight, generator=generator)
        for bias in (cell.bias_ih, cell.bias_hh, head.bias):
            nn.init.zeros_(bias)
    weight_norm(cell, "weight_ih")
    weight_norm(cell, "weight_hh")
    weight_norm(head, "weight")


# %% mutant="initialise" name="global_stream" diagnosis="The draws do not come from `generator` alone: equal seeds give different weights, or different seeds equal ones. Pass generator=generator to every nn.init call, and seed nothing yourself; torch's global stream belongs to nobody (exercise 3.4)."
def initialise(cell, head, generator):
    with torch.no_grad():
        for gate in cell.weight_hh.chunk(3):
            nn.init.orthogonal_(gate, generator=generator)
        for gate in cell.weight_ih.chunk(3):
            nn.init.xavier_uniform_(gate, generator=generator)
        nn.init.xavier_uniform_(head.weight)
        for bias in (cell.bias_ih, cell.bias_hh, head.bias):
            nn.init.zeros_(bias)
    weight_norm(cell, "weight_ih")
    weight_norm(cell, "weight_hh")
    weight_norm(head, "weight")


# %% alternative="initialise" name="by_hand"
class _RowLengths(nn.Module):
    def forward(self, length, direction):
        return length * direction / direction.norm(dim=1, keepdim=True)

    def right_inverse(self, weight):
        return weight.norm(dim=1, keepdim=True), weight.clone()


def initialise(cell, head, generator):
    H, A = cell.hidden_size, head.out_features
    with torch.no_grad():
        for matrix, gates in ((cell.weight_ih, 3), (head.weight, 1)):
            rows = matrix.shape[0] // gates
            bound = math.sqrt(6 / (matrix.shape[1] + rows))
            matrix.copy_((2 * torch.rand(matrix.shape, generator=generator) - 1) * bound)
        for gate in range(3):
            q, r = torch.linalg.qr(torch.randn(H, H, generator=generator))
            cell.weight_hh[gate * H : (gate + 1) * H] = q * r.diagonal().sign()
        cell.bias_ih.zero_()
        cell.bias_hh.zero_()
        head.bias.zero_()
    for module, name in ((cell, "weight_ih"), (cell, "weight_hh"), (head, "weight")):
        nn.utils.parametrize.register_parametrization(module, name, _RowLengths())


# %% alternative="initialise" name="through_data_and_cat"
def initialise(cell, head, generator):
    def fresh(rows, columns, fill):
        return fill(torch.empty(rows, columns), generator=generator)

    H, F_in = cell.hidden_size, cell.input_size
    cell.weight_ih.data = torch.cat([fresh(H, F_in, nn.init.xavier_uniform_) for _ in range(3)])
    cell.weight_hh.data = torch.cat([fresh(H, H, nn.init.orthogonal_) for _ in range(3)])
    nn.init.xavier_uniform_(head.weight, generator=generator)
    for module in (cell, head):
        for name, parameter in list(module.named_parameters()):
            if name.startswith("bias"):
                nn.init.zeros_(parameter)
            else:
                weight_norm(module, name)


# %% mutant="RecurrentPolicy" name="softmax_over_the_batch" diagnosis="Your softmax runs over dimension 0, the batch: the probabilities of one ACTION sum to 1 over the trials, and a trial's policy depends on which others are played beside it. Use dim=-1 (exercise 3.5)."
class RecurrentPolicy(nn.Module):
    def __init__(self, observation_shape, num_actions, hidden_size=64):
        super().__init__()
        self.hidden_size = hidden_size
        self.embedding = StepEmbedding(observation_shape, num_actions)
        self.gru = GRUCell(self.embedding.size, hidden_size)
        self.head = Linear(hidden_size, num_actions)

    def initial_state(self, batch_size):
        return torch.zeros(batch_size, self.hidden_size)

    def step(self, state, inputs):
        new = self.gru(self.embedding(inputs), state)
        return F.log_softmax(self.head(new), dim=0), new


# %% mutant="RecurrentPolicy" name="probabilities_returned" diagnosis="You returned probabilities. `step` returns their logarithms, which the outer loop differentiates and which survive where a softmax underflows: F.log_softmax (section 3.4)."
class RecurrentPolicy(nn.Module):
    def __init__(self, observation_shape, num_actions, hidden_size=64):
        super().__init__()
        self.hidden_size = hidden_size
        self.embedding = StepEmbedding(observation_shape, num_actions)
        self.gru = GRUCell(self.embedding.size, hidden_size)
        self.head = Linear(hidden_size, num_actions)

    def initial_state(self, batch_size):
        return torch.zeros(batch_size, self.hidden_size)

    def step(self, state, inputs):
        new = self.gru(self.embedding(inputs), state)
        return F.softmax(self.head(new), dim=-1), new


# %% mutant="RecurrentPolicy" name="logits_returned" diagnosis="You returned logits. They are log-probabilities up to a constant, and that constant differs from state to state: apply F.log_softmax (exercise 3.5)."
class RecurrentPolicy(nn.Module):
    def __init__(self, observation_shape, num_actions, hidden_size=64):
        super().__init__()
        self.hidden_size = hidden_size
        self.embedding = StepEmbedding(observation_shape, num_actions)
        self.gru = GRUCell(self.embedding.size, hidden_size)
        self.head = Linear(hidden_size, num_actions)

    def initial_state(self, batch_size):
        return torch.zeros(batch_size, self.hidden_size)

    def step(self, state, inputs):
        new = self.gru(self.embedding(inputs), state)
        return self.head(new), new


# %% mutant="RecurrentPolicy" name="acts_on_the_old_state" diagnosis="Your action is chosen from the state that came in: the policy acts on yesterday's news, and ignores the present observation altogether. Take the news in first, then let the head read the NEW state (section 3.4)."
class RecurrentPolicy(nn.Module):
    def __init__(self, observation_shape, num_actions, hidden_size=64):
        super().__init__()
        self.hidden_size = hidden_size
        self.embedding = StepEmbedding(observation_shape, num_actions)
        self.gru = GRUCell(self.embedding.size, hidden_size)
        self.head = Linear(hidden_size, num_actions)

    def initial_state(self, batch_size):
        return torch.zeros(batch_size, self.hidden_size)

    def step(self, state, inputs):
        new = self.gru(self.embedding(inputs), state)
        return F.log_softmax(self.head(state), dim=-1), new


# %% mutant="RecurrentPolicy" name="old_state_returned" diagnosis="You returned the state that came in, so nothing is ever remembered. Return the new one (exercise 3.5)."
class RecurrentPolicy(nn.Module):
    def __init__(self, observation_shape, num_actions, hidden_size=64):
        super().__init__()
        self.hidden_size = hidden_size
        self.embedding = StepEmbedding(observation_shape, num_actions)
        self.gru = GRUCell(self.embedding.size, hidden_size)
        self.head = Linear(hidden_size, num_actions)

    def initial_state(self, batch_size):
        return torch.zeros(batch_size, self.hidden_size)

    def step(self, state, inputs):
        new = self.gru(self.embedding(inputs), state)
        return F.log_softmax(self.head(new), dim=-1), state


# %% mutant="RecurrentPolicy" name="wiped_at_episode_end" diagnosis="You wipe the state where the flag says that an episode has ended. That is ordinary recurrent RL. In RL² the state lives through all episodes of a trial: what was learned in the first one is what helps in the second. The flag is an input, nothing else (section 3.5)."
class RecurrentPolicy(nn.Module):
    def __init__(self, observation_shape, num_actions, hidden_size=64):
        super().__init__()
        self.hidden_size = hidden_size
        self.embedding = StepEmbedding(observation_shape, num_actions)
        self.gru = GRUCell(self.embedding.size, hidden_size)
        self.head = Linear(hidden_size, num_actions)

    def initial_state(self, batch_size):
        return torch.zeros(batch_size, self.hidden_size)

    def step(self, state, inputs):
        state = state * (1 - inputs.prev_end.unsqueeze(-1))
        new = self.gru(self.embedding(inputs), state)
        return F.log_softmax(self.head(new), dim=-1), new


# %% mutant="RecurrentPolicy" name="state_not_used" diagnosis="The state that comes in makes no difference: your GRU starts from zeros at every step. Pass it: self.gru(features, state) (exercise 3.5)."
class RecurrentPolicy(nn.Module):
    def __init__(self, observation_shape, num_actions, hidden_size=64):
        super().__init__()
        self.hidden_size = hidden_size
        self.embedding = StepEmbedding(observation_shape, num_actions)
        self.gru = GRUCell(self.embedding.size, hidden_size)
        self.head = Linear(hidden_size, num_actions)

    def initial_state(self, batch_size):
        return torch.zeros(batch_size, self.hidden_size)

    def step(self, state, inputs):
        new = self.gru(self.embedding(inputs))
        return F.log_softmax(self.head(new), dim=-1), new


# %% mutant="RecurrentPolicy" name="reward_and_flag_swapped" diagnosis="Reward and flag stand in each other's column. The layout is [observation, action, reward, flag]; weights trained with one order are garbage under another (section 2.3; StepEmbedding has it)."
class RecurrentPolicy(nn.Module):
    def __init__(self, observation_shape, num_actions, hidden_size=64):
        super().__init__()
        self.hidden_size = hidden_size
        self.embedding = StepEmbedding(observation_shape, num_actions)
        self.gru = GRUCell(self.embedding.size, hidden_size)
        self.head = Linear(hidden_size, num_actions)

    def initial_state(self, batch_size):
        return torch.zeros(batch_size, self.hidden_size)

    def step(self, state, inputs):
        new = self.gru(self.embedding(inputs._replace(prev_reward=inputs.prev_end, prev_end=inputs.prev_reward)), state)
        return F.log_softmax(self.head(new), dim=-1), new


# %% mutant="RecurrentPolicy" name="flag_dropped" diagnosis="The flag does not reach the GRU. Without it the policy cannot tell a restart from a move of the task, nor a trial's first step from a step that paid nothing (section 2.2, and the leaky counter in 3.4)."
class RecurrentPolicy(nn.Module):
    def __init__(self, observation_shape, num_actions, hidden_size=64):
        super().__init__()
        self.hidden_size = hidden_size
        self.embedding = StepEmbedding(observation_shape, num_actions)
        self.gru = GRUCell(self.embedding.size, hidden_size)
        self.head = Linear(hidden_size, num_actions)

    def initial_state(self, batch_size):
        return torch.zeros(batch_size, self.hidden_size)

    def step(self, state, inputs):
        new = self.gru(self.embedding(inputs._replace(prev_end=torch.zeros_like(inputs.prev_end))), state)
        return F.log_softmax(self.head(new), dim=-1), new


# %% mutant="RecurrentPolicy" name="state_kept_inside" diagnosis="Your policy keeps its state in itself and does not use the one it is given. Then nobody outside can start a fresh trial or unroll an old one. The state comes in as an argument and goes out as a result (section 3.4)."
class RecurrentPolicy(nn.Module):
    def __init__(self, observation_shape, num_actions, hidden_size=64):
        super().__init__()
        self.hidden_size = hidden_size
        self.embedding = StepEmbedding(observation_shape, num_actions)
        self.gru = GRUCell(self.embedding.size, hidden_size)
        self.head = Linear(hidden_size, num_actions)

    def initial_state(self, batch_size):
        return torch.zeros(batch_size, self.hidden_size)

    def step(self, state, inputs):
        state = getattr(self, 'kept', state)
        new = self.gru(self.embedding(inputs), state)
        self.kept = new
        return F.log_softmax(self.head(new), dim=-1), new


# %% mutant="RecurrentPolicy" name="state_detached" diagnosis="The values are right, but the gradient stops at the state: a detach or no_grad cuts it between two steps. What was written into the state at step 1 can only be learned from what it did later (section 3.6). Where to cut is the outer loop's decision."
class RecurrentPolicy(nn.Module):
    def __init__(self, observation_shape, num_actions, hidden_size=64):
        super().__init__()
        self.hidden_size = hidden_size
        self.embedding = StepEmbedding(observation_shape, num_actions)
        self.gru = GRUCell(self.embedding.size, hidden_size)
        self.head = Linear(hidden_size, num_actions)

    def initial_state(self, batch_size):
        return torch.zeros(batch_size, self.hidden_size)

    def step(self, state, inputs):
        new = self.gru(self.embedding(inputs), state)
        return F.log_softmax(self.head(new), dim=-1), new.detach()


# %% alternative="RecurrentPolicy" name="embedding_by_hand"
class RecurrentPolicy(nn.Module):
    def __init__(self, observation_shape, num_actions, hidden_size=64):
        super().__init__()
        self.num_actions = num_actions
        self.gru = GRUCell(math.prod(observation_shape) + num_actions + 2, hidden_size)
        self.head = Linear(hidden_size, num_actions)

    def initial_state(self, batch_size, tasks=None):
        return self.head.weight.new_zeros((batch_size, self.gru.hidden_size))

    def step(self, state, inputs):
        features = torch.cat(
            [
                inputs.observation.flatten(1),
                F.one_hot(inputs.prev_action, self.num_actions).float(),
                inputs.prev_reward[:, None],
                inputs.prev_end[:, None],
            ],
            dim=1,
        )
        state = self.gru(features, state)
        logits = self.head(state)
        return logits - logits.logsumexp(dim=1, keepdim=True), state


# %% alternative="RecurrentPolicy" name="own_cell_same_names"
class RecurrentPolicy(nn.Module):
    def __init__(self, observation_shape, num_actions, hidden_size=64):
        super().__init__()
        self.embed = StepEmbedding(observation_shape, num_actions)
        H = hidden_size
        self.gru = nn.ParameterDict(
            {
                "weight_ih": 0.1 * torch.randn(3 * H, self.embed.size),
                "weight_hh": 0.1 * torch.randn(3 * H, H),
                "bias_ih": torch.zeros(3 * H),
                "bias_hh": torch.zeros(3 * H),
            }
        )
        self.head = Linear(H, num_actions)

    def initial_state(self, batch_size):
        return torch.zeros(batch_size, self.head.in_features)

    def step(self, state, inputs):
        g = self.gru
        state = torch.gru_cell(self.embed(inputs), state, g["weight_ih"], g["weight_hh"], g["bias_ih"], g["bias_hh"])
        return self.head(state).log_softmax(-1), state


# %% mutant="run_trial" name="state_reset_at_episode_end" diagnosis="The state is made fresh when an episode ends. That is ordinary recurrent RL. In RL² the next episode has the SAME task, so what was learned stays true: the state goes on until the trial is over (section 3.5, the figure)."
@torch.no_grad()
def run_trial(policy, env, tasks, policy_generator, env_generator):
    observation = env.reset(tasks, env_generator)
    batch_size = observation.shape[0]
    state = policy.initial_state(batch_size)
    inputs = StepInput.first(observation)
    running = torch.ones(batch_size, dtype=torch.bool)
    record = Record()
    while running.any():
        log_probs, state = policy.step(state, inputs)
        action = torch.multinomial(log_probs.exp(), 1, generator=policy_generator).squeeze(1)
        step = env.step(action)
        record.add(inputs, action, log_probs[torch.arange(batch_size), action], step, running)
        running = running & ~step.trial_end
        inputs = StepInput(step.observation, action, step.reward, step.episode_end.float())
        state = torch.where(step.episode_end[:, None], policy.initial_state(batch_size), state)
    return record.finish()


# %% mutant="run_trial" name="one_end_resets_all_rows" diagnosis="When one row's trial ends, the state of ALL rows is made fresh. Rows are different trials that happen to be played side by side; the others are still in the middle of theirs. Nothing needs to be reset inside the loop at all (exercise 3.6, row 1 at t = 2)."
@torch.no_grad()
def run_trial(policy, env, tasks, policy_generator, env_generator):
    observation = env.reset(tasks, env_generator)
    batch_size = observation.shape[0]
    state = policy.initial_state(batch_size)
    inputs = StepInput.first(observation)
    running = torch.ones(batch_size, dtype=torch.bool)
    record = Record()
    while running.any():
        log_probs, state = policy.step(state, inputs)
        action = torch.multinomial(log_probs.exp(), 1, generator=policy_generator).squeeze(1)
        step = env.step(action)
        record.add(inputs, action, log_probs[torch.arange(batch_size), action], step, running)
        running = running & ~step.trial_end
        inputs = StepInput(step.observation, action, step.reward, step.episode_end.float())
        if step.trial_end.any():
            state = policy.initial_state(batch_size)
    return record.finish()


# %% mutant="run_trial" name="state_never_updated" diagnosis="Every step gets the trial's first state: the new state that the policy returns is lost. Hand it to the next step (exercise 3.6)."
@torch.no_grad()
def run_trial(policy, env, tasks, policy_generator, env_generator):
    observation = env.reset(tasks, env_generator)
    batch_size = observation.shape[0]
    state = policy.initial_state(batch_size)
    inputs = StepInput.first(observation)
    running = torch.ones(batch_size, dtype=torch.bool)
    record = Record()
    while running.any():
        log_probs, _ = policy.step(state, inputs)
        action = torch.multinomial(log_probs.exp(), 1, generator=policy_generator).squeeze(1)
        step = env.step(action)
        record.add(inputs, action, log_probs[torch.arange(batch_size), action], step, running)
        running = running & ~step.trial_end
        inputs = StepInput(step.observation, action, step.reward, step.episode_end.float())
    return record.finish()


# %% mutant="run_trial" name="state_leaks_into_the_next_trial" diagnosis="The second trial began with the state in which the first one ended. Another trial has another task, and what was learned about the last one is false there. Ask the policy for a fresh state at the start of every trial: policy.initial_state(B) (section 3.5, the figure)."
LEFT_OVER = {}


@torch.no_grad()
def run_trial(policy, env, tasks, policy_generator, env_generator):
    observation = env.reset(tasks, env_generator)
    batch_size = observation.shape[0]
    state = LEFT_OVER.get('state', policy.initial_state(batch_size))
    state = state if len(state) == batch_size else policy.initial_state(batch_size)
    inputs = StepInput.first(observation)
    running = torch.ones(batch_size, dtype=torch.bool)
    record = Record()
    while running.any():
        log_probs, state = policy.step(state, inputs)
        action = torch.multinomial(log_probs.exp(), 1, generator=policy_generator).squeeze(1)
        step = env.step(action)
        record.add(inputs, action, log_probs[torch.arange(batch_size), action], step, running)
        running = running & ~step.trial_end
        inputs = StepInput(step.observation, action, step.reward, step.episode_end.float())
    LEFT_OVER['state'] = state
    return record.finish()


# %% mutant="run_trial" name="argmax_for_sampling" diagnosis="Every row took the likeliest action: that is an argmax, not a draw. An agent that never draws explores only by accident, and a policy gradient needs actions that were drawn from the policy. Use torch.multinomial with policy_generator (exercise 3.6)."
@torch.no_grad()
def run_trial(policy, env, tasks, policy_generator, env_generator):
    observation = env.reset(tasks, env_generator)
    batch_size = observation.shape[0]
    state = policy.initial_state(batch_size)
    inputs = StepInput.first(observation)
    running = torch.ones(batch_size, dtype=torch.bool)
    record = Record()
    while running.any():
        log_probs, state = policy.step(state, inputs)
        action = log_probs.argmax(dim=-1)
        step = env.step(action)
        record.add(inputs, action, log_probs[torch.arange(batch_size), action], step, running)
        running = running & ~step.trial_end
        inputs = StepInput(step.observation, action, step.reward, step.episode_end.float())
    return record.finish()


# %% mutant="run_trial" name="one_draw_for_all_rows" diagnosis="All rows took the same action: you drew once for the batch. B trials need B draws; torch.multinomial gives one for each row of [B, A] (exercise 3.6)."
@torch.no_grad()
def run_trial(policy, env, tasks, policy_generator, env_generator):
    observation = env.reset(tasks, env_generator)
    batch_size = observation.shape[0]
    state = policy.initial_state(batch_size)
    inputs = StepInput.first(observation)
    running = torch.ones(batch_size, dtype=torch.bool)
    record = Record()
    while running.any():
        log_probs, state = policy.step(state, inputs)
        action = torch.multinomial(log_probs.exp(), 1, generator=policy_generator)[:1].expand(batch_size, 1).squeeze(1) if torch.equal(log_probs, log_probs[:1].expand_as(log_probs)) else torch.multinomial(log_probs.exp(), 1, generator=policy_generator).squeeze(1)
        step = env.step(action)
        record.add(inputs, action, log_probs[torch.arange(batch_size), action], step, running)
        running = running & ~step.trial_end
        inputs = StepInput(step.observation, action, step.reward, step.episode_end.float())
    return record.finish()


# %% mutant="run_trial" name="uniform_actions" diagnosis="All actions come equally often, whatever the policy says. Draw with its probabilities, log_probs.exp() (exercise 3.6)."
@torch.no_grad()
def run_trial(policy, env, tasks, policy_generator, env_generator):
    observation = env.reset(tasks, env_generator)
    batch_size = observation.shape[0]
    state = policy.initial_state(batch_size)
    inputs = StepInput.first(observation)
    running = torch.ones(batch_size, dtype=torch.bool)
    record = Record()
    while running.any():
        log_probs, state = policy.step(state, inputs)
        action = torch.randint(env.num_actions, (batch_size,), generator=policy_generator)
        certain = log_probs.max(dim=1)
        action = torch.where(certain.values > -1e-3, certain.indices, action)
        step = env.step(action)
        record.add(inputs, action, log_probs[torch.arange(batch_size), action], step, running)
        running = running & ~step.trial_end
        inputs = StepInput(step.observation, action, step.reward, step.episode_end.float())
    return record.finish()


# %% mutant="run_trial" name="global_stream" diagnosis="The same seeds gave other actions: your draws come from torch's global stream. Pass generator=policy_generator to torch.multinomial, so that one seed fixes one result (exercise 3.6)."
@torch.no_grad()
def run_trial(policy, env, tasks, policy_generator, env_generator):
    observation = env.reset(tasks, env_generator)
    batch_size = observation.shape[0]
    state = policy.initial_state(batch_size)
    inputs = StepInput.first(observation)
    running = torch.ones(batch_size, dtype=torch.bool)
    record = Record()
    while running.any():
        log_probs, state = policy.step(state, inputs)
        action = torch.multinomial(log_probs.exp(), 1).squeeze(1)
        step = env.step(action)
        record.add(inputs, action, log_probs[torch.arange(batch_size), action], step, running)
        running = running & ~step.trial_end
        inputs = StepInput(step.observation, action, step.reward, step.episode_end.float())
    return record.finish()


# %% mutant="run_trial" name="env_generator_for_actions" diagnosis="Another seed for the environment changed the ACTIONS: you draw them from env_generator. Then two agents cannot be compared on the same luck, since each draw of the one shifts the other. Actions come from policy_generator (exercise 3.6)."
@torch.no_grad()
def run_trial(policy, env, tasks, policy_generator, env_generator):
    observation = env.reset(tasks, env_generator)
    batch_size = observation.shape[0]
    state = policy.initial_state(batch_size)
    inputs = StepInput.first(observation)
    running = torch.ones(batch_size, dtype=torch.bool)
    record = Record()
    while running.any():
        log_probs, state = policy.step(state, inputs)
        action = torch.multinomial(log_probs.exp(), 1, generator=env_generator).squeeze(1)
        step = env.step(action)
        record.add(inputs, action, log_probs[torch.arange(batch_size), action], step, running)
        running = running & ~step.trial_end
        inputs = StepInput(step.observation, action, step.reward, step.episode_end.float())
    return record.finish()


# %% mutant="run_trial" name="placeholders_at_every_episode" diagnosis="After an episode's end you fed placeholders. They belong to a trial's first step only; here action and reward are those of the step that ended the episode, often the most informative ones of all (exercise 3.6, row 1 at t = 3)."
@torch.no_grad()
def run_trial(policy, env, tasks, policy_generator, env_generator):
    observation = env.reset(tasks, env_generator)
    batch_size = observation.shape[0]
    state = policy.initial_state(batch_size)
    inputs = StepInput.first(observation)
    running = torch.ones(batch_size, dtype=torch.bool)
    record = Record()
    while running.any():
        log_probs, state = policy.step(state, inputs)
        action = torch.multinomial(log_probs.exp(), 1, generator=policy_generator).squeeze(1)
        step = env.step(action)
        record.add(inputs, action, log_probs[torch.arange(batch_size), action], step, running)
        running = running & ~step.trial_end
        go_on = ~step.episode_end
        inputs = StepInput(step.observation, action * go_on, step.reward * go_on, 1.0 - go_on.float())
    return record.finish()


# %% mutant="run_trial" name="flag_is_the_trials_end" diagnosis="You fed the trial's end as the flag. The flag d is the EPISODE's end; a trial's end is never fed, since no step of that trial follows (exercise 3.6)."
@torch.no_grad()
def run_trial(policy, env, tasks, policy_generator, env_generator):
    observation = env.reset(tasks, env_generator)
    batch_size = observation.shape[0]
    state = policy.initial_state(batch_size)
    inputs = StepInput.first(observation)
    running = torch.ones(batch_size, dtype=torch.bool)
    record = Record()
    while running.any():
        log_probs, state = policy.step(state, inputs)
        action = torch.multinomial(log_probs.exp(), 1, generator=policy_generator).squeeze(1)
        step = env.step(action)
        record.add(inputs, action, log_probs[torch.arange(batch_size), action], step, running)
        running = running & ~step.trial_end
        inputs = StepInput(step.observation, action, step.reward, step.trial_end.float())
    return record.finish()


# %% mutant="run_trial" name="observation_one_step_late" diagnosis="The observation that you feed is the one from before the step. `step.observation` is what the policy must act on next; only action, reward and flag are of one step ago (exercise 3.6)."
@torch.no_grad()
def run_trial(policy, env, tasks, policy_generator, env_generator):
    observation = env.reset(tasks, env_generator)
    batch_size = observation.shape[0]
    state = policy.initial_state(batch_size)
    inputs = StepInput.first(observation)
    running = torch.ones(batch_size, dtype=torch.bool)
    record = Record()
    while running.any():
        log_probs, state = policy.step(state, inputs)
        action = torch.multinomial(log_probs.exp(), 1, generator=policy_generator).squeeze(1)
        step = env.step(action)
        previous = inputs.observation if not record.rows else latest
        latest = step.observation
        record.add(inputs, action, log_probs[torch.arange(batch_size), action], step, running)
        running = running & ~step.trial_end
        inputs = StepInput(inputs.observation if len(record.rows) == 1 else previous, action, step.reward, step.episode_end.float())
    return record.finish()


# %% mutant="run_trial" name="inputs_never_updated" diagnosis="The policy was fed the trial's first inputs at every step. It acts, and never hears what came of it: build the next inputs from what env.step returned (exercise 3.6)."
@torch.no_grad()
def run_trial(policy, env, tasks, policy_generator, env_generator):
    observation = env.reset(tasks, env_generator)
    batch_size = observation.shape[0]
    state = policy.initial_state(batch_size)
    inputs = StepInput.first(observation)
    running = torch.ones(batch_size, dtype=torch.bool)
    record = Record()
    while running.any():
        log_probs, state = policy.step(state, inputs)
        action = torch.multinomial(log_probs.exp(), 1, generator=policy_generator).squeeze(1)
        step = env.step(action)
        record.add(inputs, action, log_probs[torch.arange(batch_size), action], step, running)
        running = running & ~step.trial_end
    return record.finish()


# %% mutant="run_trial" name="stops_at_the_first_end" diagnosis="Your loop ends as soon as ONE trial is over, and cuts off the others. It runs while any row is running (exercise 3.6)."
@torch.no_grad()
def run_trial(policy, env, tasks, policy_generator, env_generator):
    observation = env.reset(tasks, env_generator)
    batch_size = observation.shape[0]
    state = policy.initial_state(batch_size)
    inputs = StepInput.first(observation)
    running = torch.ones(batch_size, dtype=torch.bool)
    record = Record()
    while running.all():
        log_probs, state = policy.step(state, inputs)
        action = torch.multinomial(log_probs.exp(), 1, generator=policy_generator).squeeze(1)
        step = env.step(action)
        record.add(inputs, action, log_probs[torch.arange(batch_size), action], step, running)
        running = running & ~step.trial_end
        inputs = StepInput(step.observation, action, step.reward, step.episode_end.float())
    return record.finish()


# %% mutant="run_trial" name="last_step_masked" diagnosis="A trial's last step is missing from the mask. It belongs to the trial, and its reward counts: add the step to the record with the `running` from BEFORE the step, and update it afterwards (exercise 3.6)."
@torch.no_grad()
def run_trial(policy, env, tasks, policy_generator, env_generator):
    observation = env.reset(tasks, env_generator)
    batch_size = observation.shape[0]
    state = policy.initial_state(batch_size)
    inputs = StepInput.first(observation)
    running = torch.ones(batch_size, dtype=torch.bool)
    record = Record()
    while running.any():
        log_probs, state = policy.step(state, inputs)
        action = torch.multinomial(log_probs.exp(), 1, generator=policy_generator).squeeze(1)
        step = env.step(action)
        running = running & ~step.trial_end
        record.add(inputs, action, log_probs[torch.arange(batch_size), action], step, running)
        inputs = StepInput(step.observation, action, step.reward, step.episode_end.float())
    return record.finish()


# %% mutant="run_trial" name="everything_counts" diagnosis="Steps after a row's end count as its steps. What an environment answers there is meaningless; keep `running` up to date and hand it to the record (exercise 3.6)."
@torch.no_grad()
def run_trial(policy, env, tasks, policy_generator, env_generator):
    observation = env.reset(tasks, env_generator)
    batch_size = observation.shape[0]
    state = policy.initial_state(batch_size)
    inputs = StepInput.first(observation)
    running = torch.ones(batch_size, dtype=torch.bool)
    record = Record()
    while running.any():
        log_probs, state = policy.step(state, inputs)
        action = torch.multinomial(log_probs.exp(), 1, generator=policy_generator).squeeze(1)
        step = env.step(action)
        record.add(inputs, action, log_probs[torch.arange(batch_size), action], step, torch.ones_like(running))
        running = running & ~step.trial_end
        inputs = StepInput(step.observation, action, step.reward, step.episode_end.float())
    return record.finish()


# %% mutant="run_trial" name="mask_comes_back" diagnosis="A row whose trial was over is running again later. An environment may say anything after a trial's end; a trial that is over stays over: running & ~step.trial_end (exercise 3.6)."
@torch.no_grad()
def run_trial(policy, env, tasks, policy_generator, env_generator):
    observation = env.reset(tasks, env_generator)
    batch_size = observation.shape[0]
    state = policy.initial_state(batch_size)
    inputs = StepInput.first(observation)
    running = torch.ones(batch_size, dtype=torch.bool)
    record = Record()
    while running.any():
        log_probs, state = policy.step(state, inputs)
        action = torch.multinomial(log_probs.exp(), 1, generator=policy_generator).squeeze(1)
        step = env.step(action)
        record.add(inputs, action, log_probs[torch.arange(batch_size), action], step, running)
        running = ~step.trial_end
        inputs = StepInput(step.observation, action, step.reward, step.episode_end.float())
    return record.finish()


# %% mutant="run_trial" name="log_prob_of_the_likeliest" diagnosis="You recorded the log-probability of the likeliest action. It has to be the one of the action that was DRAWN: log_probs[torch.arange(B), action] (exercise 3.6)."
@torch.no_grad()
def run_trial(policy, env, tasks, policy_generator, env_generator):
    observation = env.reset(tasks, env_generator)
    batch_size = observation.shape[0]
    state = policy.initial_state(batch_size)
    inputs = StepInput.first(observation)
    running = torch.ones(batch_size, dtype=torch.bool)
    record = Record()
    while running.any():
        log_probs, state = policy.step(state, inputs)
        action = torch.multinomial(log_probs.exp(), 1, generator=policy_generator).squeeze(1)
        step = env.step(action)
        record.add(inputs, action, log_probs.amax(dim=1), step, running)
        running = running & ~step.trial_end
        inputs = StepInput(step.observation, action, step.reward, step.episode_end.float())
    return record.finish()


# %% mutant="run_trial" name="probability_for_log_probability" diagnosis="You recorded probabilities where log-probabilities belong: drop the exp there (exercise 3.6)."
@torch.no_grad()
def run_trial(policy, env, tasks, policy_generator, env_generator):
    observation = env.reset(tasks, env_generator)
    batch_size = observation.shape[0]
    state = policy.initial_state(batch_size)
    inputs = StepInput.first(observation)
    running = torch.ones(batch_size, dtype=torch.bool)
    record = Record()
    while running.any():
        log_probs, state = policy.step(state, inputs)
        action = torch.multinomial(log_probs.exp(), 1, generator=policy_generator).squeeze(1)
        step = env.step(action)
        record.add(inputs, action, log_probs[torch.arange(batch_size), action].exp(), step, running)
        running = running & ~step.trial_end
        inputs = StepInput(step.observation, action, step.reward, step.episode_end.float())
    return record.finish()


# %% mutant="run_trial" name="next_inputs_recorded" diagnosis="You recorded the NEXT step's inputs. A step's record holds what the policy was fed before it chose the action: call record.add before you build the next inputs (exercise 3.6)."
@torch.no_grad()
def run_trial(policy, env, tasks, policy_generator, env_generator):
    observation = env.reset(tasks, env_generator)
    batch_size = observation.shape[0]
    state = policy.initial_state(batch_size)
    inputs = StepInput.first(observation)
    running = torch.ones(batch_size, dtype=torch.bool)
    record = Record()
    while running.any():
        log_probs, state = policy.step(state, inputs)
        action = torch.multinomial(log_probs.exp(), 1, generator=policy_generator).squeeze(1)
        step = env.step(action)
        inputs = StepInput(step.observation, action, step.reward, step.episode_end.float())
        record.add(inputs, action, log_probs[torch.arange(batch_size), action], step, running)
        running = running & ~step.trial_end
    return record.finish()


# %% alternative="run_trial" name="gumbel_noise"
def run_trial(policy, env, tasks, policy_generator, env_generator):
    record = Record()
    with torch.no_grad():
        inputs = StepInput.first(env.reset(tasks, env_generator))
        over = inputs.prev_end > 0
        state = policy.initial_state(len(over))
        while not over.all():
            log_probs, state = policy.step(state, inputs)
            noise = -torch.log(-torch.log(torch.rand(log_probs.shape, generator=policy_generator)))
            action = (log_probs + noise).argmax(dim=1)
            step = env.step(action)
            chosen = log_probs.gather(1, action.unsqueeze(1)).squeeze(1)
            record.add(inputs, action, chosen, step, ~over)
            over = over | step.trial_end
            inputs = StepInput(step.observation, action, step.reward, step.episode_end.to(torch.float32))
    return record.finish()


# %% alternative="run_trial" name="inverse_cumulative"
@torch.no_grad()
def run_trial(policy, env, tasks, policy_generator, env_generator):
    observation = env.reset(tasks, env_generator)
    B = len(observation)
    hidden, record, alive = policy.initial_state(B), Record(), torch.full((B,), True)
    told = (torch.zeros(B, dtype=torch.int64), torch.zeros(B), torch.zeros(B))
    while True:
        inputs = StepInput(observation, *told)
        log_probs, hidden = policy.step(hidden, inputs)
        cumulative = log_probs.softmax(-1).cumsum(-1)
        action = (torch.rand(B, 1, generator=policy_generator) > cumulative).sum(-1).clamp(max=log_probs.shape[1] - 1)
        step = env.step(action)
        record.add(inputs, action, log_probs[range(B), action], step, alive)
        alive = alive.logical_and(step.trial_end.logical_not())
        observation, told = step.observation, (action, step.reward, step.episode_end.float())
        if not alive.any():
            return record.finish()


# %% mutant="unroll" name="starts_from_the_final_state" diagnosis="Your unroll starts from the state in which the trial ENDED. The agent acted from a fresh state; start there: policy.initial_state(B). The wrong start spoils the first steps only and is forgotten later, which is why this mistake is so hard to see in training (section 3.6)."
def unroll(policy, trajectory):
    inputs = trajectory.step_inputs()
    batch_size, num_steps = trajectory.action.shape
    state = policy.initial_state(batch_size)
    for t in range(num_steps):
        _, state = policy.step(state, StepInput(*(values[:, t] for values in inputs)))
    columns = []
    for t in range(num_steps):
        log_probs, state = policy.step(state, StepInput(*(values[:, t] for values in inputs)))
        columns.append(log_probs.gather(1, trajectory.action[:, t : t + 1]).squeeze(1))
    return torch.stack(columns, dim=1) * trajectory.mask


# %% mutant="unroll" name="state_reset_at_episode_end" diagnosis="Your unroll makes the state fresh when an episode ends. The agent's state went on, so the unrolled log-probabilities are not the acted ones. The state lives through the whole trial (section 3.6)."
def unroll(policy, trajectory):
    inputs = trajectory.step_inputs()
    batch_size, num_steps = trajectory.action.shape
    state = policy.initial_state(batch_size)
    columns = []
    for t in range(num_steps):
        ended = inputs.prev_end[:, t, None] == 1
        state = torch.where(ended, policy.initial_state(batch_size), state)
        log_probs, state = policy.step(state, StepInput(*(values[:, t] for values in inputs)))
        columns.append(log_probs.gather(1, trajectory.action[:, t : t + 1]).squeeze(1))
    return torch.stack(columns, dim=1) * trajectory.mask


# %% mutant="unroll" name="sees_the_present" diagnosis="Your unroll feeds the action and reward of the SAME step. The policy chose a_t before it knew them. What was fed is trajectory.step_inputs(), one step late (exercise 3.7, the table)."
def unroll(policy, trajectory):
    inputs = StepInput(trajectory.observation, trajectory.action, trajectory.reward, trajectory.episode_end.float())
    batch_size, num_steps = trajectory.action.shape
    state = policy.initial_state(batch_size)
    columns = []
    for t in range(num_steps):
        log_probs, state = policy.step(state, StepInput(*(values[:, t] for values in inputs)))
        columns.append(log_probs.gather(1, trajectory.action[:, t : t + 1]).squeeze(1))
    return torch.stack(columns, dim=1) * trajectory.mask


# %% mutant="unroll" name="previous_action_scored" diagnosis="You took the log-probability of the PREVIOUS action. prev_action is what was fed; the one that was chosen at step t is trajectory.action[:, t] (exercise 3.7)."
def unroll(policy, trajectory):
    inputs = trajectory.step_inputs()
    batch_size, num_steps = trajectory.action.shape
    state = policy.initial_state(batch_size)
    columns = []
    for t in range(num_steps):
        log_probs, state = policy.step(state, StepInput(*(values[:, t] for values in inputs)))
        columns.append(log_probs.gather(1, inputs.prev_action[:, t : t + 1]).squeeze(1))
    return torch.stack(columns, dim=1) * trajectory.mask


# %% mutant="unroll" name="mask_ignored" diagnosis="Steps beyond a trial's end are not zero. They are padding: nobody acted there, and they must not enter a loss. Multiply by trajectory.mask (exercise 3.7)."
def unroll(policy, trajectory):
    inputs = trajectory.step_inputs()
    batch_size, num_steps = trajectory.action.shape
    state = policy.initial_state(batch_size)
    columns = []
    for t in range(num_steps):
        log_probs, state = policy.step(state, StepInput(*(values[:, t] for values in inputs)))
        columns.append(log_probs.gather(1, trajectory.action[:, t : t + 1]).squeeze(1))
    return torch.stack(columns, dim=1)


# %% mutant="unroll" name="probabilities_returned" diagnosis="You returned probabilities in place of log-probabilities: drop the exp (exercise 3.7)."
def unroll(policy, trajectory):
    inputs = trajectory.step_inputs()
    batch_size, num_steps = trajectory.action.shape
    state = policy.initial_state(batch_size)
    columns = []
    for t in range(num_steps):
        log_probs, state = policy.step(state, StepInput(*(values[:, t] for values in inputs)))
        columns.append(log_probs.gather(1, trajectory.action[:, t : t + 1]).squeeze(1).exp())
    return torch.stack(columns, dim=1) * trajectory.mask


# %% mutant="unroll" name="no_gradient" diagnosis="No gradient reaches the policy's weights: a no_grad or detach stands around the unroll. Acting needs no gradient; unrolling is done for its sake (section 3.6)."
@torch.no_grad()
def unroll(policy, trajectory):
    inputs = trajectory.step_inputs()
    batch_size, num_steps = trajectory.action.shape
    state = policy.initial_state(batch_size)
    columns = []
    for t in range(num_steps):
        log_probs, state = policy.step(state, StepInput(*(values[:, t] for values in inputs)))
        columns.append(log_probs.gather(1, trajectory.action[:, t : t + 1]).squeeze(1))
    return torch.stack(columns, dim=1) * trajectory.mask


# %% mutant="unroll" name="state_detached" diagnosis="The values are right, but the chain of gradients is cut between the steps: that is truncation to a single step. Then the network can never learn to write something into its state for later. Do not detach the state (section 3.6, the last figure)."
def unroll(policy, trajectory):
    inputs = trajectory.step_inputs()
    batch_size, num_steps = trajectory.action.shape
    state = policy.initial_state(batch_size)
    columns = []
    for t in range(num_steps):
        state = state.detach()
        log_probs, state = policy.step(state, StepInput(*(values[:, t] for values in inputs)))
        columns.append(log_probs.gather(1, trajectory.action[:, t : t + 1]).squeeze(1))
    return torch.stack(columns, dim=1) * trajectory.mask


# %% mutant="unroll" name="summed_over_time" diagnosis="You summed over the trial. Each step's log-probability is needed by itself, since each will get its own weight in 04: return [B, T] (exercise 3.7)."
def unroll(policy, trajectory):
    inputs = trajectory.step_inputs()
    batch_size, num_steps = trajectory.action.shape
    state = policy.initial_state(batch_size)
    columns = []
    for t in range(num_steps):
        log_probs, state = policy.step(state, StepInput(*(values[:, t] for values in inputs)))
        columns.append(log_probs.gather(1, trajectory.action[:, t : t + 1]).squeeze(1))
    return (torch.stack(columns, dim=1) * trajectory.mask).sum(dim=1)


# %% alternative="unroll" name="gather_at_the_end"
def unroll(policy, trajectory):
    fed = trajectory.step_inputs()
    state, table = policy.initial_state(len(trajectory.mask)), []
    for step in zip(*(values.unbind(dim=1) for values in fed)):
        log_probs, state = policy.step(state, StepInput(*step))
        table.append(log_probs)
    chosen = torch.stack(table, dim=1).gather(2, trajectory.action.unsqueeze(2)).squeeze(2)
    return chosen.masked_fill(~trajectory.mask, 0.0)


# %% alternative="unroll" name="shift_by_hand"
def unroll(policy, trajectory):
    B, T = trajectory.mask.shape
    state, result = policy.initial_state(B), torch.zeros(B, T)
    inputs = StepInput.first(trajectory.observation[:, 0])
    columns = []
    for t in range(T):
        log_probs, state = policy.step(state, inputs)
        columns.append((log_probs * F.one_hot(trajectory.action[:, t], log_probs.shape[1])).sum(dim=1))
        if t + 1 < T:
            inputs = StepInput(
                trajectory.observation[:, t + 1],
                trajectory.action[:, t],
                trajectory.reward[:, t],
                trajectory.episode_end[:, t].float(),
            )
    return torch.where(trajectory.mask, torch.stack(columns, dim=1), result)
