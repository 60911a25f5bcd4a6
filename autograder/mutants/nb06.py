"""Notebook 06: wrong answers with the diagnosis a learner should read, and other right ones. Parsed, never imported."""


# %% mutant="gridworld_step" name="walls_wrap" diagnosis="Your agent walks off one edge and comes back in at the other: the row or column was taken modulo size. A grid has walls. Limit the row and the column to 0..size-1 (clamp), so that a step against the wall stays where it is (section 6.1)."
def gridworld_step(state, action, size=5, horizon=30):
    row, column = state["cell"] // size, state["cell"] % size
    row = (row + (action == 2).long() - (action == 0).long()) % size
    column = (column + (action == 1).long() - (action == 3).long()) % size
    cell, steps = row * size + column, state["steps"] + 1
    arrived = cell == state["goal"]
    timed_out = (steps >= horizon) & ~arrived
    episode_end = arrived | timed_out
    after = {"cell": torch.where(episode_end, 0, cell), "goal": state["goal"], "steps": torch.where(episode_end, 0, steps)}
    return after, torch.where(arrived, 0.96, -0.04), episode_end, timed_out


# %% mutant="gridworld_step" name="rows_and_columns_swapped" diagnosis="Up and down changed the column, left and right the row. Cells are numbered row by row: row = cell // size, column = cell % size; up is one row less, right is one column more (section 6.1)."
def gridworld_step(state, action, size=5, horizon=30):
    row, column = state["cell"] // size, state["cell"] % size
    column = (column + (action == 2).long() - (action == 0).long()).clamp(0, size - 1)
    row = (row + (action == 1).long() - (action == 3).long()).clamp(0, size - 1)
    cell, steps = row * size + column, state["steps"] + 1
    arrived = cell == state["goal"]
    timed_out = (steps >= horizon) & ~arrived
    episode_end = arrived | timed_out
    after = {"cell": torch.where(episode_end, 0, cell), "goal": state["goal"], "steps": torch.where(episode_end, 0, steps)}
    return after, torch.where(arrived, 0.96, -0.04), episode_end, timed_out


# %% mutant="gridworld_step" name="goal_does_not_end_the_episode" diagnosis="The goal pays, and the episode goes on: the agent can step off the goal and onto it again, for another 1. It will learn to do just that. Arriving at the goal ends the episode (episode_end), and the agent starts the next one in cell 0 (section 6.1)."
def gridworld_step(state, action, size=5, horizon=30):
    row, column = state["cell"] // size, state["cell"] % size
    row = (row + (action == 2).long() - (action == 0).long()).clamp(0, size - 1)
    column = (column + (action == 1).long() - (action == 3).long()).clamp(0, size - 1)
    cell, steps = row * size + column, state["steps"] + 1
    arrived = cell == state["goal"]
    timed_out = (steps >= horizon) & ~arrived
    after = {"cell": torch.where(timed_out, 0, cell), "goal": state["goal"], "steps": torch.where(timed_out, 0, steps)}
    return after, torch.where(arrived, 0.96, -0.04), timed_out, timed_out


# %% mutant="gridworld_step" name="goal_resampled_each_episode" diagnosis="The goal changed when an episode ended. The goal IS the task, and a task lasts for the whole trial: if it moves at every episode, what was found out in episode 1 is worth nothing in episode 2, and there is nothing to remember. Hand the goals on as they came (section 6.1)."
def gridworld_step(state, action, size=5, horizon=30):
    row, column = state["cell"] // size, state["cell"] % size
    row = (row + (action == 2).long() - (action == 0).long()).clamp(0, size - 1)
    column = (column + (action == 1).long() - (action == 3).long()).clamp(0, size - 1)
    cell, steps = row * size + column, state["steps"] + 1
    arrived = cell == state["goal"]
    timed_out = (steps >= horizon) & ~arrived
    episode_end = arrived | timed_out
    other = 1 + state["goal"] % (size * size - 1)
    after = {"cell": torch.where(episode_end, 0, cell), "goal": torch.where(episode_end, other, state["goal"]), "steps": torch.where(episode_end, 0, steps)}
    return after, torch.where(arrived, 0.96, -0.04), episode_end, timed_out


# %% mutant="gridworld_step" name="time_out_without_flag" diagnosis="At the horizon the agent is put back to the start, but episode_end stays False. The policy is fed that flag: without it, it sees itself jump to cell 0 for no reason and cannot know that an episode has ended without a goal, which is evidence. A time-out sets episode_end, and timed_out besides (section 6.1)."
def gridworld_step(state, action, size=5, horizon=30):
    row, column = state["cell"] // size, state["cell"] % size
    row = (row + (action == 2).long() - (action == 0).long()).clamp(0, size - 1)
    column = (column + (action == 1).long() - (action == 3).long()).clamp(0, size - 1)
    cell, steps = row * size + column, state["steps"] + 1
    arrived = cell == state["goal"]
    timed_out = (steps >= horizon) & ~arrived
    over = arrived | timed_out
    after = {"cell": torch.where(over, 0, cell), "goal": state["goal"], "steps": torch.where(over, 0, steps)}
    return after, torch.where(arrived, 0.96, -0.04), arrived, timed_out


# %% mutant="gridworld_step" name="goal_step_costs_nothing" diagnosis="The step onto the goal paid 1 and cost nothing. Every step costs 0.04, the last one too, so that step pays 0.96. It is a small thing, but then no number in this notebook would match yours."
def gridworld_step(state, action, size=5, horizon=30):
    row, column = state["cell"] // size, state["cell"] % size
    row = (row + (action == 2).long() - (action == 0).long()).clamp(0, size - 1)
    column = (column + (action == 1).long() - (action == 3).long()).clamp(0, size - 1)
    cell, steps = row * size + column, state["steps"] + 1
    arrived = cell == state["goal"]
    timed_out = (steps >= horizon) & ~arrived
    episode_end = arrived | timed_out
    after = {"cell": torch.where(episode_end, 0, cell), "goal": state["goal"], "steps": torch.where(episode_end, 0, steps)}
    return after, torch.where(arrived, 1.0, -0.04), episode_end, timed_out


# %% mutant="gridworld_step" name="goal_on_the_last_step_is_a_time_out" diagnosis="An agent that reaches the goal on the very last step got timed_out as well. It did find the goal: timed_out means that the episode ended by the horizon and NOT by the task. Leave out those that have arrived: (steps >= horizon) & ~arrived."
def gridworld_step(state, action, size=5, horizon=30):
    row, column = state["cell"] // size, state["cell"] % size
    row = (row + (action == 2).long() - (action == 0).long()).clamp(0, size - 1)
    column = (column + (action == 1).long() - (action == 3).long()).clamp(0, size - 1)
    cell, steps = row * size + column, state["steps"] + 1
    arrived = cell == state["goal"]
    timed_out = steps >= horizon
    episode_end = arrived | timed_out
    after = {"cell": torch.where(episode_end, 0, cell), "goal": state["goal"], "steps": torch.where(episode_end, 0, steps)}
    return after, torch.where(arrived, 0.96, -0.04), episode_end, timed_out


# %% mutant="gridworld_step" name="one_step_too_many" diagnosis="Your episodes last one step longer than the horizon. `steps` counts the steps taken before this one; this step makes it one more, and the episode times out when that reaches the horizon: steps + 1 >= horizon."
def gridworld_step(state, action, size=5, horizon=30):
    row, column = state["cell"] // size, state["cell"] % size
    row = (row + (action == 2).long() - (action == 0).long()).clamp(0, size - 1)
    column = (column + (action == 1).long() - (action == 3).long()).clamp(0, size - 1)
    cell = row * size + column
    arrived = cell == state["goal"]
    timed_out = (state["steps"] >= horizon) & ~arrived
    episode_end = arrived | timed_out
    after = {"cell": torch.where(episode_end, 0, cell), "goal": state["goal"], "steps": torch.where(episode_end, 0, state["steps"] + 1)}
    return after, torch.where(arrived, 0.96, -0.04), episode_end, timed_out


# %% mutant="gridworld_step" name="agent_stays_at_the_goal" diagnosis="After reaching the goal the agent is still there: its next episode would begin on the goal's cell. The next episode begins at the start, cell 0, and the observation that follows must be that one."
def gridworld_step(state, action, size=5, horizon=30):
    row, column = state["cell"] // size, state["cell"] % size
    row = (row + (action == 2).long() - (action == 0).long()).clamp(0, size - 1)
    column = (column + (action == 1).long() - (action == 3).long()).clamp(0, size - 1)
    cell, steps = row * size + column, state["steps"] + 1
    arrived = cell == state["goal"]
    timed_out = (steps >= horizon) & ~arrived
    episode_end = arrived | timed_out
    after = {"cell": torch.where(timed_out, 0, cell), "goal": state["goal"], "steps": torch.where(episode_end, 0, steps)}
    return after, torch.where(arrived, 0.96, -0.04), episode_end, timed_out


# %% mutant="gridworld_step" name="clock_not_reset" diagnosis="The step count runs on after an episode's end, so every later episode is shorter than the one before, and soon each ends after a single step. Set it to 0 where an episode ended, as you do with the cell."
def gridworld_step(state, action, size=5, horizon=30):
    row, column = state["cell"] // size, state["cell"] % size
    row = (row + (action == 2).long() - (action == 0).long()).clamp(0, size - 1)
    column = (column + (action == 1).long() - (action == 3).long()).clamp(0, size - 1)
    cell, steps = row * size + column, state["steps"] + 1
    arrived = cell == state["goal"]
    timed_out = (steps >= horizon) & ~arrived
    episode_end = arrived | timed_out
    after = {"cell": torch.where(episode_end, 0, cell), "goal": state["goal"], "steps": steps}
    return after, torch.where(arrived, 0.96, -0.04), episode_end, timed_out


# %% mutant="gridworld_step" name="edge_runs_on" diagnosis="You added the move to the cell's NUMBER. There is no wall between cells 9 and 10 then: a step to the right at the end of a row comes out at the head of the next one. Take the number apart first (row = cell // size, column = cell % size) and limit row and column each to 0..size-1 (section 6.1)."
def gridworld_step(state, action, size=5, horizon=30):
    cell = (state["cell"] + torch.tensor([-size, 1, size, -1])[action]).clamp(0, size * size - 1)
    steps = state["steps"] + 1
    arrived = cell == state["goal"]
    timed_out = (steps >= horizon) & ~arrived
    episode_end = arrived | timed_out
    after = {"cell": torch.where(episode_end, 0, cell), "goal": state["goal"], "steps": torch.where(episode_end, 0, steps)}
    return after, torch.where(arrived, 0.96, -0.04), episode_end, timed_out


# %% mutant="gridworld_step" name="edge_runs_on_modulo" diagnosis="You added the move to the cell's NUMBER. There is no wall between cells 9 and 10 then: a step to the right at the end of a row comes out at the head of the next one. Take the number apart first (row = cell // size, column = cell % size) and limit row and column each to 0..size-1 (section 6.1)."
def gridworld_step(state, action, size=5, horizon=30):
    cell = (state["cell"] + torch.tensor([-size, 1, size, -1])[action]) % (size * size)
    steps = state["steps"] + 1
    arrived = cell == state["goal"]
    timed_out = (steps >= horizon) & ~arrived
    episode_end = arrived | timed_out
    after = {"cell": torch.where(episode_end, 0, cell), "goal": state["goal"], "steps": torch.where(episode_end, 0, steps)}
    return after, torch.where(arrived, 0.96, -0.04), episode_end, timed_out


# %% mutant="gridworld_step" name="goal_looked_for_before_the_move" diagnosis="You asked whether the agent stood on the goal BEFORE it moved. The step that arrives is the one that pays and ends the episode: compare the new cell with the goal (section 6.1)."
def gridworld_step(state, action, size=5, horizon=30):
    row, column = state["cell"] // size, state["cell"] % size
    row = (row + (action == 2).long() - (action == 0).long()).clamp(0, size - 1)
    column = (column + (action == 1).long() - (action == 3).long()).clamp(0, size - 1)
    cell, steps = row * size + column, state["steps"] + 1
    arrived = state["cell"] == state["goal"]
    timed_out = (steps >= horizon) & ~arrived
    episode_end = arrived | timed_out
    after = {"cell": torch.where(episode_end, 0, cell), "goal": state["goal"], "steps": torch.where(episode_end, 0, steps)}
    return after, torch.where(arrived, 0.96, -0.04), episode_end, timed_out


# %% mutant="gridworld_step" name="time_out_does_not_end_the_episode" diagnosis="At the horizon you set timed_out, and the episode goes on. A time-out ends the episode as the goal does: episode_end = arrived | timed_out, the agent goes back to cell 0 and its clock to 0 (section 6.1)."
def gridworld_step(state, action, size=5, horizon=30):
    row, column = state["cell"] // size, state["cell"] % size
    row = (row + (action == 2).long() - (action == 0).long()).clamp(0, size - 1)
    column = (column + (action == 1).long() - (action == 3).long()).clamp(0, size - 1)
    cell, steps = row * size + column, state["steps"] + 1
    arrived = cell == state["goal"]
    timed_out = (steps >= horizon) & ~arrived
    episode_end = arrived
    after = {"cell": torch.where(episode_end, 0, cell), "goal": state["goal"], "steps": torch.where(episode_end, 0, steps)}
    return after, torch.where(arrived, 0.96, -0.04), episode_end, timed_out


# %% mutant="gridworld_step" name="flags_exchanged" diagnosis="The last two results came in the other order. First episode_end (goal or horizon), then timed_out (horizon only)."
def gridworld_step(state, action, size=5, horizon=30):
    row, column = state["cell"] // size, state["cell"] % size
    row = (row + (action == 2).long() - (action == 0).long()).clamp(0, size - 1)
    column = (column + (action == 1).long() - (action == 3).long()).clamp(0, size - 1)
    cell, steps = row * size + column, state["steps"] + 1
    arrived = cell == state["goal"]
    timed_out = (steps >= horizon) & ~arrived
    episode_end = arrived | timed_out
    after = {"cell": torch.where(episode_end, 0, cell), "goal": state["goal"], "steps": torch.where(episode_end, 0, steps)}
    return after, torch.where(arrived, 0.96, -0.04), timed_out, episode_end


# %% alternative="gridworld_step" name="with_a_table_of_moves"
def gridworld_step(state, action, size=5, horizon=30):
    moves = torch.tensor([[-1, 0], [0, 1], [1, 0], [0, -1]])
    place = torch.stack([state["cell"] // size, state["cell"] % size], dim=-1)
    place = (place + moves[action]).clamp(0, size - 1)
    cell = place[:, 0] * size + place[:, 1]
    steps = state["steps"] + 1
    arrived = cell == state["goal"]
    episode_end = arrived | (steps >= horizon)
    going_on = (~episode_end).long()
    after = {"cell": cell * going_on, "goal": state["goal"], "steps": steps * going_on}
    return after, arrived.float() - 0.04, episode_end, episode_end & ~arrived


# %% alternative="gridworld_step" name="walls_by_condition"
def gridworld_step(state, action, size=5, horizon=30):
    cell, goal = state["cell"].clone(), state["goal"].clone()
    reward = torch.empty(len(cell))
    ended, late = torch.zeros(len(cell), dtype=torch.bool), torch.zeros(len(cell), dtype=torch.bool)
    steps = state["steps"] + 1
    for b in range(len(cell)):
        c, a = int(cell[b]), int(action[b])
        if a == 0 and c >= size:
            c -= size
        elif a == 1 and c % size < size - 1:
            c += 1
        elif a == 2 and c < size * (size - 1):
            c += size
        elif a == 3 and c % size > 0:
            c -= 1
        found = c == int(goal[b])
        reward[b] = 0.96 if found else -0.04
        late[b] = not found and int(steps[b]) >= horizon
        ended[b] = found or bool(late[b])
        cell[b] = 0 if ended[b] else c
        if ended[b]:
            steps[b] = 0
    return {"cell": cell, "goal": goal, "steps": steps}, reward, ended, late


# %% alternative="gridworld_step" name="in_place"
def gridworld_step(state, action, size=5, horizon=30):
    down, right = torch.tensor([-1, 0, 1, 0])[action], torch.tensor([0, 1, 0, -1])[action]
    row = (state["cell"] // size + down).clamp(0, size - 1)
    state["cell"] = row * size + (state["cell"] % size + right).clamp(0, size - 1)
    state["steps"] += 1
    arrived = state["cell"] == state["goal"]
    timed_out = (state["steps"] == horizon) & ~arrived
    episode_end = arrived | timed_out
    state["cell"][episode_end] = 0
    state["steps"][episode_end] = 0
    return state, torch.where(arrived, 0.96, -0.04), episode_end, timed_out


# %% mutant="gridworld_observe" name="goal_beside_the_position" diagnosis="The goal is in the observation, as a second map beside the first. Then there is nothing left to find out: the agent walks straight to it in episode 1, memory is useless, and the task has become an ordinary one. The goal is hidden; show the position alone (section 6.2)."
def gridworld_observe(state, size=5):
    cells = torch.arange(size * size)
    position = (cells == state["cell"][:, None]).float()
    goal = (cells == state["goal"][:, None]).float()
    return torch.cat([position, goal], dim=-1)


# %% mutant="gridworld_observe" name="goal_marked_on_the_map" diagnosis="Your observation changes with the goal: it is marked on the map. Then there is nothing left to find out, and no need for a memory. Two agents in the same cell must see the same, wherever their goals are (section 6.2)."
def gridworld_observe(state, size=5):
    cells = torch.arange(size * size)
    return (cells == state["cell"][:, None]).float() + (cells == state["goal"][:, None]).float()


# %% mutant="gridworld_observe" name="goal_marked_by_minus_one" diagnosis="The goal shows in the observation, as a -1. However it is written, the network will read it: the task is then no longer hidden, and no memory is needed. Show the position alone (section 6.2)."
def gridworld_observe(state, size=5):
    cells = torch.arange(size * size)
    return (cells == state["cell"][:, None]).float() - (cells == state["goal"][:, None]).float()


# %% mutant="gridworld_observe" name="way_to_the_goal" diagnosis="One of your columns is the way to the goal. That is the goal itself in other words: position plus difference. It leaks the task (section 6.2). Show the position alone."
def gridworld_observe(state, size=5):
    position = torch.nn.functional.one_hot(state["cell"], size * size).float()
    return torch.cat([position, (state["goal"] - state["cell"])[:, None].float()], dim=-1)


# %% mutant="gridworld_observe" name="goal_in_place_of_the_position" diagnosis="You showed the goal in place of the agent's cell. It is the other way round: state['cell'] is seen, state['goal'] is hidden (section 6.2)."
def gridworld_observe(state, size=5):
    return torch.nn.functional.one_hot(state["goal"], size * size).float()


# %% mutant="gridworld_observe" name="cell_number" diagnosis="You handed out the cell's number. To a network the number 24 is twelve times as much of something as the number 2, and cells 4 and 5, at opposite edges, look alike. One-hot gives every cell an input of its own: [B, size * size]."
def gridworld_observe(state, size=5):
    return state["cell"][:, None].float()


# %% mutant="gridworld_observe" name="row_and_column" diagnosis="You returned row and column, [B, 2]. That would do as an observation of a grid, but the policy here is built for one-hot cells, [B, size * size] (exercise 6.2)."
def gridworld_observe(state, size=5):
    return torch.stack([state["cell"] // size, state["cell"] % size], dim=-1).float()


# %% mutant="gridworld_observe" name="still_integers" diagnosis="Right places, wrong type: one_hot returns int64, and a network multiplies floats. Convert with .float()."
def gridworld_observe(state, size=5):
    return torch.nn.functional.one_hot(state["cell"], size * size)


# %% mutant="gridworld_observe" name="transposed" diagnosis="Your map is mirrored: cells are numbered row by row (cell = row * size + column), and you marked column * size + row. There is no need to take the number apart; mark the cell as it is."
def gridworld_observe(state, size=5):
    row, column = state["cell"] // size, state["cell"] % size
    return torch.nn.functional.one_hot(column * size + row, size * size).float()


# %% mutant="gridworld_observe" name="every_cell_of_the_batch" diagnosis="Every agent sees the cells of all agents: x[:, cells] = 1 writes each of the B cells into every row. Pair each row with its own cell, x[torch.arange(B), cell] = 1, or let one_hot do it."
def gridworld_observe(state, size=5):
    seen = torch.zeros(len(state["cell"]), size * size)
    seen[:, state["cell"]] = 1.0
    return seen


# %% mutant="gridworld_observe" name="width_from_the_batch" diagnosis="The width of your observation depends on who happens to be in the batch: one_hot without num_classes stops at the largest cell that it sees. A network wants the same size * size inputs always; say so: one_hot(cell, size * size)."
def gridworld_observe(state, size=5):
    return torch.nn.functional.one_hot(state["cell"]).float()


# %% mutant="gridworld_observe" name="size_fixed_at_five" diagnosis="Your observation has 25 places in a grid of another size. The argument `size` says how many there are: size * size."
def gridworld_observe(state, size=5):
    return (torch.arange(25) == state["cell"][:, None]).float()


# %% alternative="gridworld_observe" name="by_comparison"
def gridworld_observe(state, size=5):
    return (torch.arange(size * size) == state["cell"].unsqueeze(-1)).to(torch.float32)


# %% alternative="gridworld_observe" name="rows_of_the_identity"
def gridworld_observe(state, size=5):
    return torch.eye(size * size)[state["cell"]]


# %% mutant="sample_goals" name="held_out_goals_in_training" diagnosis="Held-out goals came up in your draws. A test on goals that were trained on measures memory of the training, not generalisation, and it looks splendid. Take them out BEFORE drawing (section 6.3)."
def sample_goals(candidates, held_out, num_trials, generator):
    cells = torch.tensor(candidates)
    return cells[torch.randint(len(cells), (num_trials,), generator=generator)]


# %% mutant="sample_goals" name="index_for_cell" diagnosis="You returned positions in the list of goals, not the cells that stand there. With goals [4, 20, 24] a draw of 0 means cell 4. Index the list with what you drew."
def sample_goals(candidates, held_out, num_trials, generator):
    allowed = [cell for cell in candidates if cell not in held_out]
    return torch.randint(len(allowed), (num_trials,), generator=generator)


# %% mutant="sample_goals" name="one_goal_for_all_trials" diagnosis="All trials got the same goal: you drew once and repeated it. Each trial is a task of its own. (If every trial of a batch shares its goal, the gradient of that batch says 'go to this goal', the next one 'go to that', and nobody learns to search.)"
def sample_goals(candidates, held_out, num_trials, generator):
    allowed = torch.tensor([cell for cell in candidates if cell not in held_out])
    return allowed[torch.randint(len(allowed), (1,), generator=generator)].expand(num_trials).clone()


# %% mutant="sample_goals" name="in_turn" diagnosis="Your goals come in a fixed turn, one after the other. They should be drawn, independently and evenly, with the generator that is handed in: otherwise two runs of different seeds meet the same tasks, and seeds say less than they seem to."
def sample_goals(candidates, held_out, num_trials, generator):
    allowed = torch.tensor([cell for cell in candidates if cell not in held_out])
    return allowed[torch.arange(num_trials) % len(allowed)]


# %% mutant="sample_goals" name="global_stream" diagnosis="Your draw ignored the generator that is handed in and took torch's global stream. Then a run cannot be repeated, and two agents that should meet the same goals do not. Pass generator=generator."
def sample_goals(candidates, held_out, num_trials, generator):
    allowed = torch.tensor([cell for cell in candidates if cell not in held_out])
    return allowed[torch.randint(len(allowed), (num_trials,))]


# %% mutant="sample_goals" name="sorted_by_cell" diagnosis="The goals came out sorted: trials with the same goal stand side by side. Split such a batch and each half holds other tasks. Return the goals in the order in which they were drawn."
def sample_goals(candidates, held_out, num_trials, generator):
    allowed = torch.tensor([cell for cell in candidates if cell not in held_out])
    return allowed[torch.randint(len(allowed), (num_trials,), generator=generator)].sort().values


# %% mutant="sample_goals" name="last_goal_never_drawn" diagnosis="One allowed goal never comes. torch.randint(high, ...) already leaves `high` out, so len(allowed) is right, and len(allowed) - 1 loses the last one."
def sample_goals(candidates, held_out, num_trials, generator):
    allowed = torch.tensor([cell for cell in candidates if cell not in held_out])
    return allowed[torch.randint(max(len(allowed) - 1, 1), (num_trials,), generator=generator)]


# %% mutant="sample_goals" name="drawn_without_replacement" diagnosis="You drew without replacement, so there are as many goals as allowed cells, each once. A goal may come again: it is drawn anew for every trial. torch.randint(len(allowed), (num_trials,), generator=generator) does that."
def sample_goals(candidates, held_out, num_trials, generator):
    allowed = torch.tensor([cell for cell in candidates if cell not in held_out])
    return allowed[torch.randperm(len(allowed), generator=generator)[:num_trials]]


# %% mutant="sample_goals" name="dealt_from_a_deck" diagnosis="You dealt the goals from a shuffled deck, so that each comes exactly as often as the others. Evenly means: with the same probability in every draw. Independently means: what came before does not count. With two goals and two trials both get the same goal in half of the cases; with yours, never."
def sample_goals(candidates, held_out, num_trials, generator):
    allowed = torch.tensor([cell for cell in candidates if cell not in held_out])
    return allowed[torch.randperm(num_trials, generator=generator) % len(allowed)]


# %% alternative="sample_goals" name="multinomial"
def sample_goals(candidates, held_out, num_trials, generator):
    weights = torch.tensor([0.0 if cell in held_out else 1.0 for cell in candidates])
    places = torch.multinomial(weights, num_trials, replacement=True, generator=generator)
    return torch.tensor(candidates)[places]


# %% alternative="sample_goals" name="floor_of_a_uniform"
def sample_goals(candidates, held_out, num_trials, generator):
    allowed = sorted(set(candidates) - set(held_out))
    places = (torch.rand(num_trials, generator=generator) * len(allowed)).long().clamp(max=len(allowed) - 1)
    return torch.tensor([allowed[place] for place in places.tolist()])


# %% mutant="evaluate_by_episode" name="time_outs_are_successes" diagnosis="You counted every episode that ended as a success. A time-out ends an episode too, and that is how an agent fails here. A success ended and did not time out (section 6.4)."
def evaluate_by_episode(trajectory, num_episodes):
    ends = trajectory.episode_end & trajectory.mask
    number = ends.long().cumsum(dim=1) - ends.long()
    found = {"return": [], "steps": [], "success": []}
    for episode in range(num_episodes):
        inside = (number == episode) & trajectory.mask
        found["return"].append((trajectory.reward * inside).sum(dim=1).mean())
        found["steps"].append(inside.sum(dim=1).float().mean())
        found["success"].append((inside & ends).any(dim=1).float().mean())
    return {name: torch.stack(values) for name, values in found.items()}


# %% mutant="evaluate_by_episode" name="success_read_from_the_return" diagnosis="You called an episode a success when its return was positive. A goal found late has a negative return (1 - 0.04 * 30 = -0.2) and is found all the same, and with other rewards the sign says nothing at all. The record tells you: timed_out."
def evaluate_by_episode(trajectory, num_episodes):
    ends = trajectory.episode_end & trajectory.mask
    number = ends.long().cumsum(dim=1) - ends.long()
    found = {"return": [], "steps": [], "success": []}
    for episode in range(num_episodes):
        inside = (number == episode) & trajectory.mask
        earned = (trajectory.reward * inside).sum(dim=1)
        found["return"].append(earned.mean())
        found["steps"].append(inside.sum(dim=1).float().mean())
        found["success"].append((earned > 0).float().mean())
    return {name: torch.stack(values) for name, values in found.items()}


# %% mutant="evaluate_by_episode" name="end_counted_with_the_next_episode" diagnosis="The step that ends an episode was counted with the next one, and it is the one that carries the 1. The number of a step's episode is the number of ends BEFORE it: cumsum(episode_end) - episode_end (section 6.4)."
def evaluate_by_episode(trajectory, num_episodes):
    ends = trajectory.episode_end & trajectory.mask
    number = ends.long().cumsum(dim=1)
    missed = ((ends & trajectory.timed_out).long().cumsum(dim=1))
    found = {"return": [], "steps": [], "success": []}
    for episode in range(num_episodes):
        inside = (number == episode) & trajectory.mask
        found["return"].append((trajectory.reward * inside).sum(dim=1).mean())
        found["steps"].append(inside.sum(dim=1).float().mean())
        own = (number - ends.long() == episode) & trajectory.mask
        found["success"].append((own & ends & ~trajectory.timed_out).any(dim=1).float().mean())
    return {name: torch.stack(values) for name, values in found.items()}


# %% mutant="evaluate_by_episode" name="padding_counts_as_steps" diagnosis="Padding was counted as steps of the last episode, so short trials look slow. Steps where mask is False belong to no episode."
def evaluate_by_episode(trajectory, num_episodes):
    ends = trajectory.episode_end & trajectory.mask
    number = (ends.long().cumsum(dim=1) - ends.long()).clamp(max=num_episodes - 1)
    found = {"return": [], "steps": [], "success": []}
    for episode in range(num_episodes):
        inside = number == episode
        found["return"].append((trajectory.reward * inside).sum(dim=1).mean())
        found["steps"].append(inside.sum(dim=1).float().mean())
        found["success"].append((inside & ends & ~trajectory.timed_out).any(dim=1).float().mean())
    return {name: torch.stack(values) for name, values in found.items()}


# %% mutant="evaluate_by_episode" name="sum_over_trials" diagnosis="You summed over trials. Average over them, so that the numbers do not grow with the size of the test."
def evaluate_by_episode(trajectory, num_episodes):
    ends = trajectory.episode_end & trajectory.mask
    number = ends.long().cumsum(dim=1) - ends.long()
    found = {"return": [], "steps": [], "success": []}
    for episode in range(num_episodes):
        inside = (number == episode) & trajectory.mask
        found["return"].append((trajectory.reward * inside).sum())
        found["steps"].append(inside.sum().float())
        found["success"].append((inside & ends & ~trajectory.timed_out).any(dim=1).float().sum())
    return {name: torch.stack(values) for name, values in found.items()}


# %% mutant="evaluate_by_episode" name="steps_of_successes_only" diagnosis="You averaged the steps over found episodes only. That hides failures: an agent that gives up on the hard goals looks fast. Average over all episodes here, time-outs with their full length. (Papers that leave time-outs out report the success rate beside it.)"
def evaluate_by_episode(trajectory, num_episodes):
    ends = trajectory.episode_end & trajectory.mask
    number = ends.long().cumsum(dim=1) - ends.long()
    found = {"return": [], "steps": [], "success": []}
    for episode in range(num_episodes):
        inside = (number == episode) & trajectory.mask
        good = (inside & ends & ~trajectory.timed_out).any(dim=1)
        found["return"].append((trajectory.reward * inside).sum(dim=1).mean())
        found["steps"].append((inside.sum(dim=1).float() * good).sum() / good.sum().clamp(min=1))
        found["success"].append(good.float().mean())
    return {name: torch.stack(values) for name, values in found.items()}


# %% mutant="evaluate_by_episode" name="reward_per_step" diagnosis="You divided the reward by the number of steps. A return is a sum over the episode; the mean is taken over trials only."
def evaluate_by_episode(trajectory, num_episodes):
    ends = trajectory.episode_end & trajectory.mask
    number = ends.long().cumsum(dim=1) - ends.long()
    found = {"return": [], "steps": [], "success": []}
    for episode in range(num_episodes):
        inside = (number == episode) & trajectory.mask
        found["return"].append(((trajectory.reward * inside).sum(dim=1) / inside.sum(dim=1)).mean())
        found["steps"].append(inside.sum(dim=1).float().mean())
        found["success"].append((inside & ends & ~trajectory.timed_out).any(dim=1).float().mean())
    return {name: torch.stack(values) for name, values in found.items()}


# %% mutant="evaluate_by_episode" name="returns_pile_up" diagnosis="Your returns pile up: episode 2 holds episode 1's reward as well. Each episode's return is its own reward only, otherwise a rising curve says nothing about learning."
def evaluate_by_episode(trajectory, num_episodes):
    ends = trajectory.episode_end & trajectory.mask
    number = ends.long().cumsum(dim=1) - ends.long()
    found = {"return": [], "steps": [], "success": []}
    for episode in range(num_episodes):
        inside = (number == episode) & trajectory.mask
        found["return"].append((trajectory.reward * (number <= episode)).sum(dim=1).mean())
        found["steps"].append(inside.sum(dim=1).float().mean())
        found["success"].append((inside & ends & ~trajectory.timed_out).any(dim=1).float().mean())
    return {name: torch.stack(values) for name, values in found.items()}


# %% mutant="evaluate_by_episode" name="by_step_not_by_episode" diagnosis="Your curve runs over the trial's first steps, not over its episodes. Sum over all steps that belong to episode 1, then to episode 2, and so on."
def evaluate_by_episode(trajectory, num_episodes):
    ends = trajectory.episode_end & trajectory.mask
    number = ends.long().cumsum(dim=1) - ends.long()
    found = {"return": list(trajectory.reward[:, :num_episodes].mean(dim=0)), "steps": [], "success": []}
    found["return"] += [torch.tensor(0.0)] * (num_episodes - len(found["return"]))
    for episode in range(num_episodes):
        inside = (number == episode) & trajectory.mask
        found["steps"].append(inside.sum(dim=1).float().mean())
        found["success"].append((inside & ends & ~trajectory.timed_out).any(dim=1).float().mean())
    return {name: torch.stack(values) for name, values in found.items()}


# %% mutant="evaluate_by_episode" name="reward_per_step_pooled" diagnosis="That is the mean reward of a STEP of this episode, over all trials together. A return is the sum over an episode's steps; only then comes the mean, over trials: (reward * inside).sum(dim=1).mean()."
def evaluate_by_episode(trajectory, num_episodes):
    ends = trajectory.episode_end & trajectory.mask
    number = ends.long().cumsum(dim=1) - ends.long()
    found = {"return": [], "steps": [], "success": []}
    for episode in range(num_episodes):
        inside = (number == episode) & trajectory.mask
        found["return"].append(trajectory.reward[inside].mean())
        found["steps"].append(inside.sum(dim=1).float().mean())
        found["success"].append((inside & ends & ~trajectory.timed_out).any(dim=1).float().mean())
    return {name: torch.stack(values) for name, values in found.items()}


# %% mutant="evaluate_by_episode" name="equal_slices" diagnosis="You cut the record into slices of equal length. Episodes have different lengths, in every trial others: where one ends, episode_end says (section 6.4)."
def evaluate_by_episode(trajectory, num_episodes):
    ends = trajectory.episode_end & trajectory.mask
    number = (torch.arange(ends.shape[1]) // max(ends.shape[1] // num_episodes, 1)).expand_as(ends)
    found = {"return": [], "steps": [], "success": []}
    for episode in range(num_episodes):
        inside = (number == episode) & trajectory.mask
        found["return"].append((trajectory.reward * inside).sum(dim=1).mean())
        found["steps"].append(inside.sum(dim=1).float().mean())
        found["success"].append((inside & ends & ~trajectory.timed_out).any(dim=1).float().mean())
    return {name: torch.stack(values) for name, values in found.items()}


# %% mutant="evaluate_by_episode" name="episodes_counted_across_trials" diagnosis="You counted episode ends down the batch (dimension 0) and not along time (dimension 1): a trial's episodes got numbers that depend on the trials above it. The record is batch-first, [B, T]: cumsum(dim=1)."
def evaluate_by_episode(trajectory, num_episodes):
    ends = trajectory.episode_end & trajectory.mask
    number = ends.long().cumsum(dim=0) - ends.long()
    found = {"return": [], "steps": [], "success": []}
    for episode in range(num_episodes):
        inside = (number == episode) & trajectory.mask
        found["return"].append((trajectory.reward * inside).sum(dim=1).mean())
        found["steps"].append(inside.sum(dim=1).float().mean())
        found["success"].append((inside & ends & ~trajectory.timed_out).any(dim=1).float().mean())
    return {name: torch.stack(values) for name, values in found.items()}


# %% mutant="evaluate_by_episode" name="success_read_from_the_reward" diagnosis="You read success off the last step's reward. In this grid that happens to work; where every step pays a little, or the goal pays less than a step costs, it does not. The record says it outright: the episode ended, and it was not timed_out."
def evaluate_by_episode(trajectory, num_episodes):
    ends = trajectory.episode_end & trajectory.mask
    number = ends.long().cumsum(dim=1) - ends.long()
    found = {"return": [], "steps": [], "success": []}
    for episode in range(num_episodes):
        inside = (number == episode) & trajectory.mask
        found["return"].append((trajectory.reward * inside).sum(dim=1).mean())
        found["steps"].append(inside.sum(dim=1).float().mean())
        found["success"].append((inside & ends & (trajectory.reward > 0)).any(dim=1).float().mean())
    return {name: torch.stack(values) for name, values in found.items()}


# %% alternative="evaluate_by_episode" name="padding_is_beyond_the_last_episode"
def evaluate_by_episode(trajectory, num_episodes):
    ends = trajectory.episode_end.long()
    number = ends.cumsum(dim=1) - ends  # num_episodes after the last end, so the padding belongs to none
    inside = torch.stack([number == episode for episode in range(num_episodes)], dim=-1)
    found = (trajectory.episode_end & ~trajectory.timed_out).unsqueeze(-1)
    return {
        "return": (trajectory.reward.unsqueeze(-1) * inside).sum(dim=1).mean(dim=0),
        "steps": inside.float().sum(dim=1).mean(dim=0),
        "success": (found & inside).float().sum(dim=1).mean(dim=0),
    }


# %% alternative="evaluate_by_episode" name="scatter_add"
def evaluate_by_episode(trajectory, num_episodes):
    mask, ends = trajectory.mask, trajectory.episode_end & trajectory.mask
    number = torch.where(mask, ends.long().cumsum(dim=1) - ends.long(), num_episodes)

    def summed(values):
        rows = torch.zeros(len(mask), num_episodes + 1)
        return rows.scatter_add(1, number, values.float())[:, :num_episodes].mean(dim=0)

    return {
        "return": summed(trajectory.reward),
        "steps": summed(mask),
        "success": summed(ends & ~trajectory.timed_out),
    }


# %% alternative="evaluate_by_episode" name="trial_by_trial"
def evaluate_by_episode(trajectory, num_episodes):
    rows = torch.zeros(3, len(trajectory.mask), num_episodes)
    for b in range(len(trajectory.mask)):
        episode = 0
        for t in range(int(trajectory.mask[b].sum())):
            rows[0, b, episode] += trajectory.reward[b, t]
            rows[1, b, episode] += 1
            if trajectory.episode_end[b, t]:
                rows[2, b, episode] = float(not trajectory.timed_out[b, t])
                episode += 1
    means = rows.mean(dim=1)
    return {"return": means[0], "steps": means[1], "success": means[2]}


# %% mutant="generalisation_curve" name="held_out_goals_in_training" diagnosis="Held-out goals were among the training goals. Training goals are the FIRST ones of an order, held-out goals its LAST ones; an agent that has trained on a goal cannot show that it generalises to it (section 6.7)."
def generalisation_curve(orders, counts, num_held_out, train, success):
    rows = {"training": [], "held_out": []}
    for repetition, order in enumerate(orders):
        training, held_out = [], []
        for count in counts:
            goals = order[-count:]
            agent = train(goals, repetition)
            training.append(success(agent, goals))
            held_out.append(success(agent, order[-num_held_out:]))
        rows["training"].append(training)
        rows["held_out"].append(held_out)
    return {name: torch.tensor(values) for name, values in rows.items()}


# %% mutant="generalisation_curve" name="held_out_changes_with_the_count" diagnosis="You tested each agent on all goals that it had not trained on. So every point of the curve stands on other goals: with more training goals the test gets smaller and different, and the curve mixes two things. Test all agents of a repetition on the SAME held-out goals, the last ones of its order (section 6.7)."
def generalisation_curve(orders, counts, num_held_out, train, success):
    rows = {"training": [], "held_out": []}
    for repetition, order in enumerate(orders):
        training, held_out = [], []
        for count in counts:
            agent = train(order[:count], repetition)
            training.append(success(agent, order[:count]))
            held_out.append(success(agent, order[count:]))
        rows["training"].append(training)
        rows["held_out"].append(held_out)
    return {name: torch.tensor(values) for name, values in rows.items()}


# %% mutant="generalisation_curve" name="tested_on_all_goals" diagnosis="Your test set holds all goals, training goals among them. With k of them trained on, even an agent that generalises not at all rises with k. Test on the held-out goals only (section 6.7)."
def generalisation_curve(orders, counts, num_held_out, train, success):
    rows = {"training": [], "held_out": []}
    for repetition, order in enumerate(orders):
        training, held_out = [], []
        for count in counts:
            agent = train(order[:count], repetition)
            training.append(success(agent, order[:count]))
            held_out.append(success(agent, order))
        rows["training"].append(training)
        rows["held_out"].append(held_out)
    return {name: torch.tensor(values) for name, values in rows.items()}


# %% mutant="generalisation_curve" name="one_agent_for_all_counts" diagnosis="One agent was trained for each repetition and then tested again and again. Every point of the curve needs a fresh agent, trained on just that many goals: call train inside the loop over counts."
def generalisation_curve(orders, counts, num_held_out, train, success):
    rows = {"training": [], "held_out": []}
    for repetition, order in enumerate(orders):
        agent = train(order[: max(counts)], repetition)
        rows["training"].append([success(agent, order[:count]) for count in counts])
        rows["held_out"].append([success(agent, order[-num_held_out:]) for _ in counts])
    return {name: torch.tensor(values) for name, values in rows.items()}


# %% mutant="generalisation_curve" name="same_seed_in_every_repetition" diagnosis="Every agent was trained as repetition 0. The repetition is the seed: with the same one everywhere your three curves share their luck, and the band between them is too narrow. Pass the repetition's own number to train."
def generalisation_curve(orders, counts, num_held_out, train, success):
    rows = {"training": [], "held_out": []}
    for order in orders:
        agents = [train(order[:count], 0) for count in counts]
        rows["training"].append([success(agent, order[:count]) for agent, count in zip(agents, counts)])
        rows["held_out"].append([success(agent, order[-num_held_out:]) for agent in agents])
    return {name: torch.tensor(values) for name, values in rows.items()}


# %% mutant="generalisation_curve" name="one_order_for_all" diagnosis="All repetitions used the first order, so all share one choice of training and held-out goals. Some goals are easy (they lie on the way) and some are hard; each repetition has an order of its own so that this luck shows in the band. Use orders[repetition]."
def generalisation_curve(orders, counts, num_held_out, train, success):
    rows = {"training": [], "held_out": []}
    for repetition in range(len(orders)):
        order = orders[0]
        agents = [train(order[:count], repetition) for count in counts]
        rows["training"].append([success(agent, order[:count]) for agent, count in zip(agents, counts)])
        rows["held_out"].append([success(agent, order[-num_held_out:]) for agent in agents])
    return {name: torch.tensor(values) for name, values in rows.items()}


# %% mutant="generalisation_curve" name="training_and_held_out_swapped" diagnosis="The two curves are swapped: what you call training was measured on held-out goals."
def generalisation_curve(orders, counts, num_held_out, train, success):
    rows = {"training": [], "held_out": []}
    for repetition, order in enumerate(orders):
        agents = [train(order[:count], repetition) for count in counts]
        rows["held_out"].append([success(agent, order[:count]) for agent, count in zip(agents, counts)])
        rows["training"].append([success(agent, order[-num_held_out:]) for agent in agents])
    return {name: torch.tensor(values) for name, values in rows.items()}


# %% mutant="generalisation_curve" name="one_number_a_count" diagnosis="You averaged over repetitions, and the spread is gone. One number for a count is an anecdote with the names taken off: return all repetitions, [R, C], and let the figure show the band."
def generalisation_curve(orders, counts, num_held_out, train, success):
    rows = {"training": [], "held_out": []}
    for repetition, order in enumerate(orders):
        agents = [train(order[:count], repetition) for count in counts]
        rows["training"].append([success(agent, order[:count]) for agent, count in zip(agents, counts)])
        rows["held_out"].append([success(agent, order[-num_held_out:]) for agent in agents])
    return {name: torch.tensor(values).mean(dim=0) for name, values in rows.items()}


# %% mutant="generalisation_curve" name="best_repetition_reported" diagnosis="You reported the best repetition of each count. The best of three seeds is a statement about luck, and the more seeds you try the better it looks. Return all of them, [R, C]."
def generalisation_curve(orders, counts, num_held_out, train, success):
    rows = {"training": [], "held_out": []}
    for repetition, order in enumerate(orders):
        agents = [train(order[:count], repetition) for count in counts]
        rows["training"].append([success(agent, order[:count]) for agent, count in zip(agents, counts)])
        rows["held_out"].append([success(agent, order[-num_held_out:]) for agent in agents])
    return {name: torch.tensor(values).amax(dim=0) for name, values in rows.items()}


# %% mutant="generalisation_curve" name="counts_along_the_rows" diagnosis="Right numbers, turned round: rows are repetitions, columns are counts, [R, C]."
def generalisation_curve(orders, counts, num_held_out, train, success):
    rows = {"training": [], "held_out": []}
    for count in counts:
        agents = [train(order[:count], repetition) for repetition, order in enumerate(orders)]
        rows["training"].append([success(agent, order[:count]) for agent, order in zip(agents, orders)])
        rows["held_out"].append([success(agent, order[-num_held_out:]) for agent, order in zip(agents, orders)])
    return {name: torch.tensor(values) for name, values in rows.items()}


# %% mutant="generalisation_curve" name="held_out_goals_follow_training_goals" diagnosis="Your test goals follow upon the training goals. The held-out ones are the LAST of the order, order[-num_held_out:]; between the two there may be cells that are used for neither (section 6.7)."
def generalisation_curve(orders, counts, num_held_out, train, success):
    rows = {"training": [], "held_out": []}
    for repetition, order in enumerate(orders):
        agents = [train(order[:count], repetition) for count in counts]
        rows["training"].append([success(agent, order[:count]) for agent, count in zip(agents, counts)])
        rows["held_out"].append([success(agent, order[max(counts) : max(counts) + num_held_out]) for agent in agents])
    return {name: torch.tensor(values) for name, values in rows.items()}


# %% mutant="generalisation_curve" name="another_agent_for_the_test" diagnosis="You trained twice for every entry: the agent that was tested on held-out goals is another one than the agent tested on its training goals. Keep what train returns, and test that one agent twice."
def generalisation_curve(orders, counts, num_held_out, train, success):
    rows = {"training": [], "held_out": []}
    for repetition, order in enumerate(orders):
        agents = [train(order[:count], repetition) for count in counts]
        rows["training"].append([success(agent, order[:count]) for agent, count in zip(agents, counts)])
        rows["held_out"].append([success(train(order[:count], repetition), order[-num_held_out:]) for count in counts])
    return {name: torch.tensor(values) for name, values in rows.items()}


# %% alternative="generalisation_curve" name="filled_tables"
def generalisation_curve(orders, counts, num_held_out, train, success):
    shape = (len(orders), len(counts))
    training, held_out = torch.empty(shape), torch.empty(shape)
    for c, count in enumerate(counts):
        for r, order in enumerate(orders):
            goals, hidden = order[:count], order[len(order) - num_held_out :]
            agent = train(list(goals), r)
            held_out[r, c] = success(agent, hidden)
            training[r, c] = success(agent, goals)
    return {"training": training, "held_out": held_out}


# %% alternative="generalisation_curve" name="comprehensions"
def generalisation_curve(orders, counts, num_held_out, train, success):
    agents = [[train(order[:k], r) for k in counts] for r, order in enumerate(orders)]
    pairs = list(zip(agents, orders))
    return {
        "held_out": torch.tensor([[success(a, order[-num_held_out:]) for a in row] for row, order in pairs]),
        "training": torch.tensor([[success(a, order[:k]) for a, k in zip(row, counts)] for row, order in pairs]),
    }
