"""Notebook 07: wrong answers with the diagnosis a learner should read, and other right ones. Parsed, never imported."""


# %% mutant="last_k_observation" name="k_off_by_one" diagnosis="Your K is off by one: the window at step t does not end with the observation of step t, or it has one more or one less than K. It holds this step's observation and the K - 1 before it (exercise 7.1: with K = 2 the second window is 1, 2)."
def last_k_observation(observation, episode_end, num_observations):
    window = observation.new_zeros(len(observation), num_observations, observation.shape[2])
    columns = []
    for t in range(observation.shape[1]):
        if t > 0:
            window = torch.where(episode_end[:, t - 1, None, None], 0.0, window)
        columns.append(window)
        window = torch.cat([window[:, 1:], observation[:, t, None]], dim=1)
    return torch.stack(columns, dim=1)


# %% mutant="last_k_observation" name="crosses_episodes" diagnosis="Your windows reach back across an episode's end. They belong to one episode: where a new one begins, everything before its first observation is zero (exercise 7.1). A window across episodes is worth having, as section 7.1 shows, but it is another agent."
def last_k_observation(observation, episode_end, num_observations):
    window = observation.new_zeros(len(observation), num_observations, observation.shape[2])
    columns = []
    for t in range(observation.shape[1]):
        window = torch.cat([window[:, 1:], observation[:, t, None]], dim=1)
        columns.append(window)
    return torch.stack(columns, dim=1)


# %% mutant="last_k_observation" name="cut_a_step_early" diagnosis="You empty the window at the step that ENDS an episode. Its observation was made before the end and still belongs to that episode; observation t + 1 is the next one's first. Look at episode_end[:, t - 1], not at episode_end[:, t]."
def last_k_observation(observation, episode_end, num_observations):
    window = observation.new_zeros(len(observation), num_observations, observation.shape[2])
    columns = []
    for t in range(observation.shape[1]):
        window = torch.where(episode_end[:, t, None, None], 0.0, window)
        window = torch.cat([window[:, 1:], observation[:, t, None]], dim=1)
        columns.append(window)
    return torch.stack(columns, dim=1)


# %% mutant="last_k_observation" name="newest_first" diagnosis="Your windows are the wrong way round: the newest observation comes first. The oldest is the first of the K and the newest the last, so that a window reads like a stretch of the trial."
def last_k_observation(observation, episode_end, num_observations):
    window = observation.new_zeros(len(observation), num_observations, observation.shape[2])
    columns = []
    for t in range(observation.shape[1]):
        if t > 0:
            window = torch.where(episode_end[:, t - 1, None, None], 0.0, window)
        window = torch.cat([observation[:, t, None], window[:, :-1]], dim=1)
        columns.append(window)
    return torch.stack(columns, dim=1)


# %% mutant="last_k_observation" name="one_trials_end_cuts_all" diagnosis="One trial's episode end empties the windows of the whole batch. Trials run side by side and end their episodes at different steps: keep the mask as [B] and let torch.where decide row by row, without any()."
def last_k_observation(observation, episode_end, num_observations):
    window = observation.new_zeros(len(observation), num_observations, observation.shape[2])
    columns = []
    for t in range(observation.shape[1]):
        if t > 0 and episode_end[:, t - 1].any():
            window = torch.zeros_like(window)
        window = torch.cat([window[:, 1:], observation[:, t, None]], dim=1)
        columns.append(window)
    return torch.stack(columns, dim=1)


# %% mutant="last_k_observation" name="filled_with_the_first" diagnosis="Before an episode's first observation you repeat that observation. Zeros belong there: a repeated one would look like an agent that stood still (exercise 7.1)."
def last_k_observation(observation, episode_end, num_observations):
    columns, window = [], None
    for t in range(observation.shape[1]):
        now = observation[:, t, None].expand(-1, num_observations, -1)
        if window is None:
            window = now
        else:
            window = torch.where(episode_end[:, t - 1, None, None], now, window)
        window = torch.cat([window[:, 1:], observation[:, t, None]], dim=1)
        columns.append(window)
    return torch.stack(columns, dim=1)


# %% mutant="last_k_observation" name="one_window_for_all_steps" diagnosis="Every step holds the same window, the trial's last one. You keep ONE tensor, write into it in place and collect it at every step: the list then holds that tensor T times, and shows what was written last. Collect window.clone(), or make a new window at each step, as torch.cat does."
def last_k_observation(observation, episode_end, num_observations):
    window = observation.new_zeros(len(observation), num_observations, observation.shape[2])
    columns = []
    for t in range(observation.shape[1]):
        if t > 0:
            window[episode_end[:, t - 1]] = 0.0
        window[:, :-1] = window[:, 1:].clone()
        window[:, -1] = observation[:, t]
        columns.append(window)
    return torch.stack(columns, dim=1)


# %% mutant="last_k_observation" name="features_before_the_window" diagnosis="Your axes are [B, T, F, K]: each feature has its own K numbers (Tensor.unfold puts the window last). What is wanted is [B, T, K, F], K whole observations one after the other: swap the last two axes."
def last_k_observation(observation, episode_end, num_observations):
    window = observation.new_zeros(len(observation), num_observations, observation.shape[2])
    columns = []
    for t in range(observation.shape[1]):
        if t > 0:
            window = torch.where(episode_end[:, t - 1, None, None], 0.0, window)
        window = torch.cat([window[:, 1:], observation[:, t, None]], dim=1)
        columns.append(window)
    return torch.stack(columns, dim=1).transpose(2, 3)


# %% alternative="last_k_observation" name="by_age"
def last_k_observation(observation, episode_end, num_observations):
    steps = torch.arange(observation.shape[1])
    number = episode_end.long().cumsum(dim=1) - episode_end.long()  # which episode a step belongs to
    lags = []
    for lag in reversed(range(num_observations)):
        source = (steps - lag).clamp(min=0)
        same = (number[:, source] == number) & (steps >= lag)
        lags.append(observation[:, source] * same[..., None])
    return torch.stack(lags, dim=2)


# %% alternative="last_k_observation" name="trial_by_trial"
def last_k_observation(observation, episode_end, num_observations):
    found = torch.zeros(*observation.shape[:2], num_observations, observation.shape[2])
    for b in range(observation.shape[0]):
        begun = 0
        for t in range(observation.shape[1]):
            seen = observation[b, max(begun, t - num_observations + 1) : t + 1]
            found[b, t, num_observations - len(seen) :] = seen
            if episode_end[b, t]:
                begun = t + 1
    return found


# %% mutant="noisy_observation" name="noise_shared_across_the_batch" diagnosis="All trials of the batch got the same noise. Then they are not independent any more: an error of the sensor moves all of them alike, and the mean over the batch does not average it out. Draw as many numbers as the observation has, observation.shape, batch included (exercise 7.2)."
def noisy_observation(observation, std, generator):
    return observation + std * torch.randn(observation.shape[1:], generator=generator)


# %% mutant="noisy_observation" name="noise_shared_across_features" diagnosis="All features of a trial got the same noise: one number is added to the whole observation. Every number gets a draw of its own."
def noisy_observation(observation, std, generator):
    noise = torch.randn(observation.shape[0], generator=generator)
    return observation + std * noise.reshape(-1, *[1] * (observation.ndim - 1))


# %% mutant="noisy_observation" name="variance_for_standard_deviation" diagnosis="Your noise has standard deviation std squared. torch.randn has standard deviation 1; multiplied by std it has std. Its VARIANCE is then std squared."
def noisy_observation(observation, std, generator):
    return observation + std**2 * torch.randn(observation.shape, generator=generator)


# %% mutant="noisy_observation" name="global_generator" diagnosis="The noise does not come from the generator that you were handed, so a run cannot be repeated from its seed: pass generator=generator to torch.randn."
def noisy_observation(observation, std, generator):
    return observation + std * torch.randn(observation.shape)


# %% mutant="noisy_observation" name="same_noise_every_call" diagnosis="You make a generator of your own, so every call adds the same noise, and the noise never averages out over time. Use the generator that you were handed: its state moves on from call to call."
def noisy_observation(observation, std, generator):
    return observation + std * torch.randn(observation.shape, generator=torch.Generator().manual_seed(0))


# %% mutant="noisy_observation" name="uniform_noise" diagnosis="The noise is uniform, between -std and +std or so. It should be normal, N(0, std squared): torch.randn, with an n, not torch.rand."
def noisy_observation(observation, std, generator):
    return observation + std * (2 * torch.rand(observation.shape, generator=generator) - 1)


# %% mutant="noisy_observation" name="uniform_noise_in_0_1" diagnosis="You drew with torch.rand: uniform between 0 and 1, never negative. That moves every observation upwards. torch.randn, with an n, is normal around 0."
def noisy_observation(observation, std, generator):
    return observation + std * torch.rand(observation.shape, generator=generator)


# %% mutant="noisy_observation" name="noise_times_the_observation" diagnosis="You multiplied the observation by the noise, so that zeros stay exactly zero: a one-hot cell is still perfectly clear. The noise is added."
def noisy_observation(observation, std, generator):
    return observation * (1 + std * torch.randn(observation.shape, generator=generator))


# %% mutant="noisy_observation" name="written_in_place" diagnosis="You wrote the noise into the observation that you were handed (+=, add_). Whoever handed it in still holds it, and it is noisy now as well. Make a new tensor: observation + noise."
def noisy_observation(observation, std, generator):
    observation += std * torch.randn(observation.shape, generator=generator)
    return observation


# %% mutant="noisy_observation" name="only_the_noise" diagnosis="You returned the noise alone. Add it to the observation."
def noisy_observation(observation, std, generator):
    return std * torch.randn(observation.shape, generator=generator)


# %% mutant="noisy_observation" name="clipped_to_0_1" diagnosis="You clip the noisy observation back to [0, 1]. Then a 0 can only rise and a 1 only fall: the noise is no longer normal, nor of mean 0. Leave the numbers as they come, (1.15, -0.60) as in the text's example."
def noisy_observation(observation, std, generator):
    return (observation + std * torch.randn(observation.shape, generator=generator)).clamp(0, 1)


# %% alternative="noisy_observation" name="torch_normal"
def noisy_observation(observation, std, generator):
    return torch.normal(observation, torch.full_like(observation, std), generator=generator)


# %% alternative="noisy_observation" name="clone_and_add"
def noisy_observation(observation, std, generator):
    noise = torch.empty_like(observation).normal_(generator=generator)
    return observation.clone().add_(noise, alpha=std)


# %% mutant="belief_update" name="not_normalised" diagnosis="Your belief does not sum to 1: the factor eta is missing. Divide each row by its sum. The sum itself is the probability of what was just seen and paid, which shrinks step by step; without the division the belief fades to zero (section 7.2)."
def belief_update(belief, action, observation, reward, transition, observation_model, reward_table):
    moved = transition[:, action].transpose(0, 1)
    paid = reward_table[:, action].transpose(0, 1) == reward[:, None, None]
    return (belief[:, :, None] * moved * paid).sum(dim=1) * observation_model[action, :, observation]


# %% mutant="belief_update" name="normalised_over_the_batch" diagnosis="You divided by the sum over the batch (dimension 0). Every trial has a belief of its own: each ROW sums to 1, so sum over dimension 1, with keepdim=True."
def belief_update(belief, action, observation, reward, transition, observation_model, reward_table):
    moved = transition[:, action].transpose(0, 1)
    paid = reward_table[:, action].transpose(0, 1) == reward[:, None, None]
    weight = (belief[:, :, None] * moved * paid).sum(dim=1) * observation_model[action, :, observation]
    return weight / weight.sum(dim=0, keepdim=True)


# %% mutant="belief_update" name="reward_evidence_ignored" diagnosis="The reward does not enter your update. In the corridor nothing else tells the two tasks apart: the cells look alike, and only what is paid, or NOT paid, at an end says where the goal is. Multiply by 1 where the table's reward equals the one received, and by 0 elsewhere (eq. 1)."
def belief_update(belief, action, observation, reward, transition, observation_model, reward_table):
    moved = transition[:, action].transpose(0, 1)
    weight = (belief[:, :, None] * moved).sum(dim=1) * observation_model[action, :, observation]
    return weight / weight.sum(dim=1, keepdim=True)


# %% mutant="belief_update" name="zero_reward_is_no_evidence" diagnosis="You skip the reward where it is 0, as if nothing had been learned. No reward here IS evidence: a state that would have paid is ruled out by a 0 just as a state that would not is ruled out by a 10. Treat 0 like any other reward (section 7.2)."
def belief_update(belief, action, observation, reward, transition, observation_model, reward_table):
    moved = transition[:, action].transpose(0, 1)
    paid = reward_table[:, action].transpose(0, 1) == reward[:, None, None]
    paid = paid | (reward == 0)[:, None, None]
    weight = (belief[:, :, None] * moved * paid).sum(dim=1) * observation_model[action, :, observation]
    return weight / weight.sum(dim=1, keepdim=True)


# %% mutant="belief_update" name="observation_of_the_old_state" diagnosis="Your observation model is indexed by the OLD state. The observation o_{t+1} is made after the step, in the state that was arrived in: O(a, s', o). So it multiplies after the sum over s, or it is broadcast along s', not along s (exercise 7.3)."
def belief_update(belief, action, observation, reward, transition, observation_model, reward_table):
    moved = transition[:, action].transpose(0, 1)
    paid = reward_table[:, action].transpose(0, 1) == reward[:, None, None]
    seen = observation_model[action, :, observation]
    weight = (belief[:, :, None] * seen[:, :, None] * moved * paid).sum(dim=1)
    return weight / weight.sum(dim=1, keepdim=True)


# %% mutant="belief_update" name="transition_transposed" diagnosis="Your transition is transposed: it gives the probability of going from s' to s. transition[s, a, s'] leads FROM the first index TO the last; the sum runs over the first, where the agent may have been."
def belief_update(belief, action, observation, reward, transition, observation_model, reward_table):
    moved = transition[:, action].permute(1, 2, 0)
    paid = reward_table[:, action].transpose(0, 1) == reward[:, None, None]
    weight = (belief[:, :, None] * moved * paid).sum(dim=1) * observation_model[action, :, observation]
    return weight / weight.sum(dim=1, keepdim=True)


# %% mutant="belief_update" name="transition_left_out" diagnosis="Your belief stays with the old state: you weigh b(s) by what was seen and paid, and do not move it along to s'. The state changes at every step; sum over where the agent could have been, and answer with where it is now."
def belief_update(belief, action, observation, reward, transition, observation_model, reward_table):
    moved = transition[:, action].transpose(0, 1)
    paid = reward_table[:, action].transpose(0, 1) == reward[:, None, None]
    weight = belief * (moved * paid).sum(dim=2) * observation_model[action, :, observation]
    return weight / weight.sum(dim=1, keepdim=True)


# %% mutant="belief_update" name="observation_ignored" diagnosis="The observation does not enter your update. Multiply by observation_model[a, s', o], the chance of seeing what was seen if the agent is now in s'."
def belief_update(belief, action, observation, reward, transition, observation_model, reward_table):
    moved = transition[:, action].transpose(0, 1)
    paid = reward_table[:, action].transpose(0, 1) == reward[:, None, None]
    weight = (belief[:, :, None] * moved * paid).sum(dim=1)
    return weight / weight.sum(dim=1, keepdim=True)


# %% mutant="belief_update" name="old_belief_ignored" diagnosis="You start from an even belief at every step, so everything that was learned before is forgotten. Start from b_t: yesterday's answer is today's prior."
def belief_update(belief, action, observation, reward, transition, observation_model, reward_table):
    moved = transition[:, action].transpose(0, 1)
    paid = reward_table[:, action].transpose(0, 1) == reward[:, None, None]
    weight = (moved * paid).sum(dim=1) * observation_model[action, :, observation]
    return weight / weight.sum(dim=1, keepdim=True)


# %% mutant="belief_update" name="normalised_over_everything" diagnosis="You divided by the sum of the whole tensor, so that the beliefs of all trials together sum to 1. Every trial has a belief of its own: each ROW sums to 1, so sum over dimension 1, with keepdim=True."
def belief_update(belief, action, observation, reward, transition, observation_model, reward_table):
    moved = transition[:, action].transpose(0, 1)
    paid = reward_table[:, action].transpose(0, 1) == reward[:, None, None]
    weight = (belief[:, :, None] * moved * paid).sum(dim=1) * observation_model[action, :, observation]
    return weight / weight.sum()


# %% mutant="belief_update" name="weighed_by_the_reward" diagnosis="You multiplied by the reward that a step pays. Eq. 1 has P(r | s, a, s'), the PROBABILITY of the reward received: 1 where the table's entry equals it and 0 elsewhere. With the reward itself every step that pays 0 loses its weight, and where nothing pays the sum is 0/0 (section 7.2)."
def belief_update(belief, action, observation, reward, transition, observation_model, reward_table):
    moved = transition[:, action].transpose(0, 1)
    paid = reward_table[:, action].transpose(0, 1)
    weight = (belief[:, :, None] * moved * paid).sum(dim=1) * observation_model[action, :, observation]
    return weight / weight.sum(dim=1, keepdim=True)


# %% alternative="belief_update" name="einsum"
def belief_update(belief, action, observation, reward, transition, observation_model, reward_table):
    paid = (reward_table[:, action] == reward[None, :, None]).float()
    weight = torch.einsum("bs,sbt,sbt->bt", belief, transition[:, action], paid)
    weight = weight * observation_model[action, :, observation]
    return torch.nn.functional.normalize(weight, p=1, dim=1)


# %% alternative="belief_update" name="trial_by_trial"
def belief_update(belief, action, observation, reward, transition, observation_model, reward_table):
    rows = []
    for b in range(len(belief)):
        a = action[b]
        step = transition[:, a] * (reward_table[:, a] == reward[b])
        weight = (belief[b] @ step) * observation_model[a, :, observation[b]]
        rows.append(weight / weight.sum())
    return torch.stack(rows)


# %% mutant="corridor_step" name="walls_wrap" diagnosis="Your walls wrap: who goes left from cell 0 comes out at the other end. A wall stops you; the cell stays between 0 and 2d (clamp)."
def corridor_step(cell, side, action, half_length):
    arrived = (cell + 2 * action - 1) % (2 * half_length + 1)
    ended = arrived == side * 2 * half_length
    return torch.where(ended, half_length, arrived), 10.0 * ended.float(), ended


# %% mutant="corridor_step" name="paid_for_the_old_cell" diagnosis="You look for the goal in the cell that was LEFT. Reward and end belong to the cell that is arrived in; otherwise they come a step late, and here never, since nobody stands on the goal."
def corridor_step(cell, side, action, half_length):
    arrived = (cell + 2 * action - 1).clamp(0, 2 * half_length)
    ended = cell == side * 2 * half_length
    return torch.where(ended, half_length, arrived), 10.0 * ended.float(), ended


# %% mutant="corridor_step" name="stays_at_the_goal" diagnosis="After the goal the agent stays there. The next episode begins at once, in the middle: where the episode ended, the new cell is d (exercise 7.4)."
def corridor_step(cell, side, action, half_length):
    arrived = (cell + 2 * action - 1).clamp(0, 2 * half_length)
    ended = arrived == side * 2 * half_length
    return arrived, 10.0 * ended.float(), ended


# %% mutant="corridor_step" name="pays_one" diagnosis="The goal pays 10, not 1."
def corridor_step(cell, side, action, half_length):
    arrived = (cell + 2 * action - 1).clamp(0, 2 * half_length)
    ended = arrived == side * 2 * half_length
    return torch.where(ended, half_length, arrived), ended.float(), ended


# %% mutant="corridor_step" name="either_end_pays" diagnosis="Both ends pay. Then there is nothing hidden and nothing to find out: the goal is at one end only, cell 0 if side is 0, cell 2d if side is 1. The other end is a wall."
def corridor_step(cell, side, action, half_length):
    arrived = (cell + 2 * action - 1).clamp(0, 2 * half_length)
    ended = (arrived == 0) | (arrived == 2 * half_length)
    return torch.where(ended, half_length, arrived), 10.0 * ended.float(), ended


# %% mutant="corridor_step" name="restarts_at_cell_0" diagnosis="The next episode begins in cell 0. It begins in the middle, cell d."
def corridor_step(cell, side, action, half_length):
    arrived = (cell + 2 * action - 1).clamp(0, 2 * half_length)
    ended = arrived == side * 2 * half_length
    return torch.where(ended, 0, arrived), 10.0 * ended.float(), ended


# %% mutant="corridor_step" name="left_and_right_swapped" diagnosis="Left and right are swapped: action 0 goes left, to the smaller cell; action 1 goes right. 2 * action - 1 is the direction."
def corridor_step(cell, side, action, half_length):
    arrived = (cell + 1 - 2 * action).clamp(0, 2 * half_length)
    ended = arrived == side * 2 * half_length
    return torch.where(ended, half_length, arrived), 10.0 * ended.float(), ended


# %% mutant="corridor_step" name="sides_swapped" diagnosis="The goal is at the wrong end: side 0 means cell 0, side 1 means cell 2d."
def corridor_step(cell, side, action, half_length):
    arrived = (cell + 2 * action - 1).clamp(0, 2 * half_length)
    ended = arrived == (1 - side) * 2 * half_length
    return torch.where(ended, half_length, arrived), 10.0 * ended.float(), ended


# %% mutant="corridor_step" name="pays_without_ending" diagnosis="The goal pays and the episode goes on. Arriving ends it: the third value is true there, and the new cell is the middle."
def corridor_step(cell, side, action, half_length):
    arrived = (cell + 2 * action - 1).clamp(0, 2 * half_length)
    at_goal = arrived == side * 2 * half_length
    return arrived, 10.0 * at_goal.float(), torch.zeros_like(at_goal)


# %% mutant="corridor_step" name="all_restart_together" diagnosis="When one trial reaches its goal, all of them are sent back to the middle. Trials run side by side and know nothing of each other: decide row by row (torch.where), without any()."
def corridor_step(cell, side, action, half_length):
    arrived = (cell + 2 * action - 1).clamp(0, 2 * half_length)
    ended = arrived == side * 2 * half_length
    new_cell = torch.full_like(cell, half_length) if ended.any() else arrived
    return new_cell, 10.0 * ended.float(), ended


# %% mutant="corridor_step" name="no_walls" diagnosis="There is no wall: who goes left from cell 0 comes to cell -1. At a wall you stay where you are, so the new cell is kept between 0 and 2d (clamp)."
def corridor_step(cell, side, action, half_length):
    arrived = cell + 2 * action - 1
    ended = arrived == side * 2 * half_length
    return torch.where(ended, half_length, arrived), 10.0 * ended.float(), ended


# %% mutant="corridor_step" name="goal_in_the_middle" diagnosis="Your goal of side 1 is cell d, the middle. half_length is d, and the corridor has 2d + 1 cells: its right end is cell 2d, twice half_length."
def corridor_step(cell, side, action, half_length):
    arrived = (cell + 2 * action - 1).clamp(0, 2 * half_length)
    ended = arrived == side * half_length
    return torch.where(ended, half_length, arrived), 10.0 * ended.float(), ended


# %% alternative="corridor_step" name="with_masks"
def corridor_step(cell, side, action, half_length):
    direction = torch.where(action == 1, 1, -1)
    arrived = torch.minimum(
        torch.maximum(cell + direction, torch.zeros_like(cell)), torch.full_like(cell, 2 * half_length)
    )
    ended = ((side == 0) & (arrived == 0)) | ((side == 1) & (arrived == 2 * half_length))
    reward = torch.zeros(len(cell))
    reward[ended] = 10.0
    new_cell = arrived.clone()
    new_cell[ended] = half_length
    return new_cell, reward, ended


# %% mutant="belief_policy_value" name="belief_never_updated" diagnosis="Your belief stays at the prior: every pull is chosen and valued as the first one. After each outcome the belief moves (by Bayes' rule), and the next pull is chosen from the new one. That is where 9.5 comes from instead of 5 (section 7.4)."
def belief_policy_value(prior, means, num_pulls, choose):
    return num_pulls * float(prior @ means[:, choose(prior)])


# %% mutant="belief_policy_value" name="reward_of_the_outcome_left_out" diagnosis="The reward of the pull itself is missing, so nothing is ever earned. The outcome 1 is worth 1 + the value of what follows, the outcome 0 only what follows."
def belief_policy_value(prior, means, num_pulls, choose):
    if num_pulls == 0:
        return 0.0
    pulled, value = means[:, choose(prior)], 0.0
    for likelihood in (pulled, 1 - pulled):
        joint = prior * likelihood
        probability = joint.sum().item()
        if probability > 0:
            value += probability * belief_policy_value(joint / probability, means, num_pulls - 1, choose)
    return value


# %% mutant="belief_policy_value" name="outcomes_equally_likely" diagnosis="You gave both outcomes the weight one half. They have the probabilities m and 1 - m, where m is the pulled arm's mean averaged over the belief."
def belief_policy_value(prior, means, num_pulls, choose):
    if num_pulls == 0:
        return 0.0
    pulled, value = means[:, choose(prior)], 0.0
    for reward, likelihood in ((1.0, pulled), (0.0, 1 - pulled)):
        joint = prior * likelihood
        probability = joint.sum().item()
        if probability > 0:
            value += 0.5 * (reward + belief_policy_value(joint / probability, means, num_pulls - 1, choose))
    return value


# %% mutant="belief_policy_value" name="best_arm_in_place_of_the_policys" diagnosis="You took the best arm at every step: that is the OPTIMAL value, as in notebook 01. Here the policy is given, and its own value is asked for, however badly it plays: pull the arm that choose(belief) names."
def belief_policy_value(prior, means, num_pulls, choose):
    if num_pulls == 0:
        return 0.0
    found = []
    for arm in range(means.shape[1]):
        value = 0.0
        for reward, likelihood in ((1.0, means[:, arm]), (0.0, 1 - means[:, arm])):
            joint = prior * likelihood
            probability = joint.sum().item()
            if probability > 0:
                later = belief_policy_value(joint / probability, means, num_pulls - 1, choose)
                value += probability * (reward + later)
        found.append(value)
    return max(found)


# %% mutant="belief_policy_value" name="one_pull_too_few" diagnosis="You stop one pull too early. With one pull left there is still a reward to earn; the value is 0 only when NO pull is left."
def belief_policy_value(prior, means, num_pulls, choose):
    if num_pulls <= 1:
        return 0.0
    pulled, value = means[:, choose(prior)], 0.0
    for reward, likelihood in ((1.0, pulled), (0.0, 1 - pulled)):
        joint = prior * likelihood
        probability = joint.sum().item()
        if probability > 0:
            value += probability * (reward + belief_policy_value(joint / probability, means, num_pulls - 1, choose))
    return value


# %% mutant="belief_policy_value" name="one_pull_too_many" diagnosis="You pull once more than there are pulls. With none left the value is 0."
def belief_policy_value(prior, means, num_pulls, choose):
    if num_pulls < 0:
        return 0.0
    pulled, value = means[:, choose(prior)], 0.0
    for reward, likelihood in ((1.0, pulled), (0.0, 1 - pulled)):
        joint = prior * likelihood
        probability = joint.sum().item()
        if probability > 0:
            value += probability * (reward + belief_policy_value(joint / probability, means, num_pulls - 1, choose))
    return value


# %% mutant="belief_policy_value" name="told_the_task" diagnosis="You let the policy know the task: in each task the best arm, averaged over tasks. That is the informed maximum, 10 on the two-point bandit. A policy of the belief has to find out, and that costs (section 7.4: the two lines)."
def belief_policy_value(prior, means, num_pulls, choose):
    return num_pulls * (prior * means.amax(dim=1)).sum().item()


# %% mutant="belief_policy_value" name="belief_after_0_as_after_1" diagnosis="After a 0 you update the belief as after a 1. The likelihood of a 0 in task i is 1 - mu_i, so tasks in which the arm is good become LESS likely."
def belief_policy_value(prior, means, num_pulls, choose):
    if num_pulls == 0:
        return 0.0
    pulled = means[:, choose(prior)]
    probability = (prior * pulled).sum().item()
    later = prior * pulled / probability if probability > 0 else prior
    following = belief_policy_value(later, means, num_pulls - 1, choose)
    return probability + following


# %% mutant="belief_policy_value" name="impossible_outcomes_counted" diagnosis="You divide by the probability of an outcome that cannot happen: 0/0 is NaN, and NaN times 0 is still NaN. Leave outcomes of probability 0 out (exercise 7.5)."
def belief_policy_value(prior, means, num_pulls, choose):
    if num_pulls == 0:
        return 0.0
    pulled, value = means[:, choose(prior)], 0.0
    for reward, likelihood in ((1.0, pulled), (0.0, 1 - pulled)):
        joint = prior * likelihood
        probability = joint.sum()
        later = belief_policy_value(joint / probability, means, num_pulls - 1, choose)
        value += float(probability) * (reward + later)
    return value


# %% mutant="belief_policy_value" name="joint_taken_for_the_belief" diagnosis="You hand prior * likelihood on as it is. It does not sum to 1, so it is no belief, and the next pull's chances come out too small. Divide it by its sum: that is the outcome's probability, m after a 1 and 1 - m after a 0 (section 7.4)."
def belief_policy_value(prior, means, num_pulls, choose):
    if num_pulls == 0:
        return 0.0
    pulled, value = means[:, choose(prior)], 0.0
    paid = (prior @ pulled).item()
    if paid > 0:
        value += paid * (1 + belief_policy_value(prior * pulled, means, num_pulls - 1, choose))
    if paid < 1:
        value += (1 - paid) * belief_policy_value(prior * (1 - pulled), means, num_pulls - 1, choose)
    return value


# %% mutant="belief_policy_value" name="failures_left_out" diagnosis="With a 0 your trial is over: what follows it is missing. The 0 itself pays nothing, but the pulls after it do; add (1 - m) times the value of the belief after a 0, with one pull fewer to go."
def belief_policy_value(prior, means, num_pulls, choose):
    if num_pulls == 0:
        return 0.0
    joint = prior * means[:, choose(prior)]
    probability = joint.sum().item()
    if probability == 0:
        return 0.0
    return probability * (1.0 + belief_policy_value(joint / probability, means, num_pulls - 1, choose))


# %% alternative="belief_policy_value" name="forward_over_histories"
def belief_policy_value(prior, means, num_pulls, choose):
    branches, total = [(1.0, prior)], 0.0
    for _ in range(num_pulls):
        following = []
        for probability, belief in branches:
            pulled = means[:, choose(belief)]
            paid = (belief * pulled).sum().item()
            total += probability * paid
            if paid > 0:
                following.append((probability * paid, belief * pulled / (belief * pulled).sum()))
            if paid < 1 and (belief * (1 - pulled)).sum() > 0:
                missed = belief * (1 - pulled)
                following.append((probability * missed.sum().item(), missed / missed.sum()))
        branches = following
    return total


# %% alternative="belief_policy_value" name="task_by_task"
def belief_policy_value(prior, means, num_pulls, choose):
    def within(task, belief, left):
        if left == 0:
            return 0.0
        arm = choose(belief)
        chance, value = means[task, arm].item(), 0.0
        for reward, probability, likelihood in ((1.0, chance, means[:, arm]), (0.0, 1 - chance, 1 - means[:, arm])):
            if probability > 0:
                joint = belief * likelihood
                value += probability * (reward + within(task, joint / joint.sum(), left - 1))
        return value

    return sum(prior[task].item() * within(task, prior, num_pulls) for task in range(len(prior)) if prior[task] > 0)


# %% mutant="reveal_task" name="told_in_the_first_episode" diagnosis="Your RL1 is told the task in the first episode. Then it never has to find out, and earns 10 where the optimum of finding out is 9.5: the comparison with RL2 means nothing. The one-hot task is zeros while no episode is over (episode == 0)."
def reveal_task(inputs, state, task, episode, num_tasks):
    fresh = inputs.prev_end == 1
    told = one_hot(task, num_tasks).float()
    seen = StepInput(
        torch.cat([inputs.observation, told], dim=1),
        torch.where(fresh, 0, inputs.prev_action),
        torch.where(fresh, 0.0, inputs.prev_reward),
        torch.zeros_like(inputs.prev_end),
    )
    return seen, torch.where(fresh[:, None], 0.0, state)


# %% mutant="reveal_task" name="told_an_episode_late" diagnosis="You tell the task an episode late: from the third one on. `episode` counts the episodes that are OVER, so it is 1 during the second."
def reveal_task(inputs, state, task, episode, num_tasks):
    fresh = inputs.prev_end == 1
    told = one_hot(task, num_tasks).float() * (episode > 1)[:, None]
    seen = StepInput(
        torch.cat([inputs.observation, told], dim=1),
        torch.where(fresh, 0, inputs.prev_action),
        torch.where(fresh, 0.0, inputs.prev_reward),
        torch.zeros_like(inputs.prev_end),
    )
    return seen, torch.where(fresh[:, None], 0.0, state)


# %% mutant="reveal_task" name="told_at_the_first_step_only" diagnosis="You tell the task at the first step of an episode only, so RL1 has to remember it through the episode. The control should carry as little as possible: it is told at EVERY step from the second episode on."
def reveal_task(inputs, state, task, episode, num_tasks):
    fresh = inputs.prev_end == 1
    told = one_hot(task, num_tasks).float() * ((episode > 0) & fresh)[:, None]
    seen = StepInput(
        torch.cat([inputs.observation, told], dim=1),
        torch.where(fresh, 0, inputs.prev_action),
        torch.where(fresh, 0.0, inputs.prev_reward),
        torch.zeros_like(inputs.prev_end),
    )
    return seen, torch.where(fresh[:, None], 0.0, state)


# %% mutant="reveal_task" name="never_told" diagnosis="The task is never told: the added columns are always zero. Such an agent searches anew in every episode (5.0 on the bandit, 20 steps in the corridor). From the second episode on they hold the one-hot task."
def reveal_task(inputs, state, task, episode, num_tasks):
    fresh = inputs.prev_end == 1
    told = torch.zeros(len(task), num_tasks)
    seen = StepInput(
        torch.cat([inputs.observation, told], dim=1),
        torch.where(fresh, 0, inputs.prev_action),
        torch.where(fresh, 0.0, inputs.prev_reward),
        torch.zeros_like(inputs.prev_end),
    )
    return seen, torch.where(fresh[:, None], 0.0, state)


# %% mutant="reveal_task" name="state_not_wiped" diagnosis="The state survives the episode, so this is RL2 with the answers beside it. At an episode's first step (prev_end is 1) it becomes zeros."
def reveal_task(inputs, state, task, episode, num_tasks):
    fresh = inputs.prev_end == 1
    told = one_hot(task, num_tasks).float() * (episode > 0)[:, None]
    seen = StepInput(
        torch.cat([inputs.observation, told], dim=1),
        torch.where(fresh, 0, inputs.prev_action),
        torch.where(fresh, 0.0, inputs.prev_reward),
        torch.zeros_like(inputs.prev_end),
    )
    return seen, state


# %% mutant="reveal_task" name="inputs_not_blanked" diagnosis="The state is wiped, but the inputs still hold the last episode's action and reward: (left, 10) tells everything without any memory. At an episode's first step they become the placeholders of a trial's start: action 0, reward 0, flag 0 (section 7.5)."
def reveal_task(inputs, state, task, episode, num_tasks):
    fresh = inputs.prev_end == 1
    told = one_hot(task, num_tasks).float() * (episode > 0)[:, None]
    seen = inputs._replace(observation=torch.cat([inputs.observation, told], dim=1))
    return seen, torch.where(fresh[:, None], 0.0, state)


# %% mutant="reveal_task" name="one_trials_end_wipes_all" diagnosis="One trial's new episode wipes the state of the whole batch. Decide row by row: fresh[:, None] as the condition of torch.where, without any()."
def reveal_task(inputs, state, task, episode, num_tasks):
    fresh = inputs.prev_end == 1
    told = one_hot(task, num_tasks).float() * (episode > 0)[:, None]
    seen = StepInput(
        torch.cat([inputs.observation, told], dim=1),
        torch.where(fresh, 0, inputs.prev_action),
        torch.where(fresh, 0.0, inputs.prev_reward),
        torch.zeros_like(inputs.prev_end),
    )
    return seen, torch.zeros_like(state) if fresh.any() else state


# %% mutant="reveal_task" name="wiped_at_every_step" diagnosis="From the second episode on you wipe state and inputs at EVERY step, so RL1 has no memory even within an episode. It is an ordinary recurrent agent that begins anew with each episode: wipe where prev_end is 1, not where episode > 0."
def reveal_task(inputs, state, task, episode, num_tasks):
    later = episode > 0
    told = one_hot(task, num_tasks).float() * later[:, None]
    seen = StepInput(
        torch.cat([inputs.observation, told], dim=1),
        torch.where(later, 0, inputs.prev_action),
        torch.where(later, 0.0, inputs.prev_reward),
        torch.where(later, 0.0, inputs.prev_end),
    )
    return seen, torch.where(later[:, None], 0.0, state)


# %% mutant="reveal_task" name="flag_left_in" diagnosis="The flag d stays 1 at an episode's first step. Action, reward AND flag become 0 there, as at a trial's start."
def reveal_task(inputs, state, task, episode, num_tasks):
    fresh = inputs.prev_end == 1
    told = one_hot(task, num_tasks).float() * (episode > 0)[:, None]
    seen = StepInput(
        torch.cat([inputs.observation, told], dim=1),
        torch.where(fresh, 0, inputs.prev_action),
        torch.where(fresh, 0.0, inputs.prev_reward),
        inputs.prev_end,
    )
    return seen, torch.where(fresh[:, None], 0.0, state)


# %% mutant="reveal_task" name="task_in_front" diagnosis="The task's columns stand before the observation. They are wanted after it: torch.cat([observation, told], dim=1). (A network would learn either way; whoever reads the columns off, as your training cell does, would read the wrong ones.)"
def reveal_task(inputs, state, task, episode, num_tasks):
    fresh = inputs.prev_end == 1
    told = one_hot(task, num_tasks).float() * (episode > 0)[:, None]
    seen = StepInput(
        torch.cat([told, inputs.observation], dim=1),
        torch.where(fresh, 0, inputs.prev_action),
        torch.where(fresh, 0.0, inputs.prev_reward),
        torch.zeros_like(inputs.prev_end),
    )
    return seen, torch.where(fresh[:, None], 0.0, state)


# %% mutant="reveal_task" name="told_in_the_second_episode_only" diagnosis="You tell the task in the second episode only. `episode` counts those that are OVER, and a trial may have many: the ten pulls of the bandit are ten episodes. Tell it wherever at least one is over, episode > 0, not episode == 1."
def reveal_task(inputs, state, task, episode, num_tasks):
    fresh = inputs.prev_end == 1
    told = one_hot(task, num_tasks).float() * (episode == 1)[:, None]
    seen = StepInput(
        torch.cat([inputs.observation, told], dim=1),
        torch.where(fresh, 0, inputs.prev_action),
        torch.where(fresh, 0.0, inputs.prev_reward),
        torch.zeros_like(inputs.prev_end),
    )
    return seen, torch.where(fresh[:, None], 0.0, state)


# %% alternative="reveal_task" name="by_multiplication"
def reveal_task(inputs, state, task, episode, num_tasks):
    keep = 1 - inputs.prev_end
    told = torch.zeros(len(task), num_tasks)
    rows = torch.nonzero(episode > 0).flatten()
    told[rows, task[rows]] = 1.0
    seen = inputs._replace(
        observation=torch.cat([inputs.observation, told], dim=-1),
        prev_action=inputs.prev_action * keep.long(),
        prev_reward=inputs.prev_reward * keep,
        prev_end=inputs.prev_end * keep,
    )
    return seen, state * keep[:, None]


# %% alternative="reveal_task" name="from_a_trials_start"
def reveal_task(inputs, state, task, episode, num_tasks):
    start = StepInput.first(inputs.observation)
    fresh = inputs.prev_end > 0.5
    told = torch.where((episode >= 1)[:, None], one_hot(task, num_tasks), 0).float()
    columns = [torch.where(fresh, one, other) for one, other in zip(start[1:], inputs[1:])]
    return StepInput(torch.cat([inputs.observation, told], dim=1), *columns), state.masked_fill(fresh[:, None], 0.0)


# %% mutant="transplant_state" name="everyone_is_operated_on" diagnosis="You gave every trial a donor's state. Only those where `moment` is true are operated on; the others go on with their own."
def transplant_state(state, kept, donor, moment):
    return kept[donor]


# %% mutant="transplant_state" name="own_kept_state" diagnosis="Each trial got back its OWN kept state. It is given the donor's: kept[donor]."
def transplant_state(state, kept, donor, moment):
    return torch.where(moment[:, None], kept, state)


# %% mutant="transplant_state" name="donors_state_of_now" diagnosis="You took the donor's state of NOW. The two trials are not at the same place at the same time, so it would be a state from another moment of its trial; the one to be moved was kept for that: kept[donor]."
def transplant_state(state, kept, donor, moment):
    return torch.where(moment[:, None], state[donor], state)


# %% mutant="transplant_state" name="donor_and_receiver_confused" diagnosis="Donor and receiver are confused: you sent trial b's state TO trial donor[b]. Trial b RECEIVES the state of trial donor[b]. With two trials you cannot tell the difference, in a ring of three you can."
def transplant_state(state, kept, donor, moment):
    sent = torch.empty_like(kept)
    sent[donor] = kept
    return torch.where(moment[:, None], sent, state)


# %% mutant="transplant_state" name="half_of_the_state" diagnosis="Only the first half of the state was moved. For an LSTM both belong to it, h and c, which lie side by side in one vector; with c left behind, the agent keeps half of its own mind."
def transplant_state(state, kept, donor, moment):
    half = state.shape[1] // 2
    hidden = torch.where(moment[:, None], kept[donor][:, :half], state[:, :half])
    return torch.cat([hidden, state[:, half:]], dim=1)


# %% mutant="transplant_state" name="moment_of_the_donor" diagnosis="You looked at the donor's `moment`. Trial b is operated on when moment[b] is true, whatever its donor does."
def transplant_state(state, kept, donor, moment):
    return torch.where(moment[donor][:, None], kept[donor], state)


# %% mutant="transplant_state" name="nothing_happens" diagnosis="Nothing was moved: you returned the states as they were."
def transplant_state(state, kept, donor, moment):
    return state.clone()


# %% mutant="transplant_state" name="averaged" diagnosis="You mixed the two states. The donor's takes the place of the trial's own."
def transplant_state(state, kept, donor, moment):
    return torch.where(moment[:, None], (state + kept[donor]) / 2, state)


# %% mutant="transplant_state" name="written_in_place" diagnosis="You wrote into the states that you were handed. The caller still needs them: the undisturbed states are what the operated ones are compared with. Make a new tensor (torch.where does)."
def transplant_state(state, kept, donor, moment):
    state[moment] = kept[donor][moment]
    return state


# %% alternative="transplant_state" name="clone_and_index"
def transplant_state(state, kept, donor, moment):
    result = state.clone()
    result[moment] = kept[donor[moment]]
    return result


# %% alternative="transplant_state" name="row_by_row"
def transplant_state(state, kept, donor, moment):
    rows = [kept[int(donor[b])] if bool(moment[b]) else state[b] for b in range(len(state))]
    return torch.stack(rows)
