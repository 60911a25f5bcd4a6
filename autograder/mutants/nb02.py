# %% mutant="trial_start_input" name="flag_one" diagnosis="You fed flag 1 at the trial's start, as if an episode had just ended. Nothing has ended yet: the placeholder of the flag is 0. (Some implementations do start with 1, as a mark of the start. It is a sound choice elsewhere, not our contract.) See exercise 2.1."
def trial_start_input(observation):
    batch_size = observation.shape[0]
    return StepInput(
        observation,
        torch.zeros(batch_size, dtype=torch.int64),
        torch.zeros(batch_size),
        torch.ones(batch_size),
    )


# %% mutant="trial_start_input" name="action_minus_one" diagnosis="You used -1 for 'no previous action'. That is a clear sign for a reader, but one_hot(-1) raises an error, and our contract is the paper's: action 0 (exercise 2.1)."
def trial_start_input(observation):
    batch_size = observation.shape[0]
    return StepInput(
        observation,
        torch.full((batch_size,), -1),
        torch.zeros(batch_size),
        torch.zeros(batch_size),
    )


# %% mutant="trial_start_input" name="observation_zeroed" diagnosis="You replaced the observation by zeros. Only action, reward and flag have no real value at the trial's start; o_0 is what the environment really showed, and the agent must act on it (exercise 2.1)."
def trial_start_input(observation):
    batch_size = observation.shape[0]
    return StepInput(
        torch.zeros_like(observation),
        torch.zeros(batch_size, dtype=torch.int64),
        torch.zeros(batch_size),
        torch.zeros(batch_size),
    )


# %% mutant="trial_start_input" name="one_for_the_batch" diagnosis="Your placeholders have one entry for the whole batch. B trials start side by side and each has its own row: shape [B], with B = observation.shape[0]."
def trial_start_input(observation):
    batch_size = 1
    return StepInput(
        observation,
        torch.zeros(batch_size, dtype=torch.int64),
        torch.zeros(batch_size),
        torch.zeros(batch_size),
    )


# %% mutant="trial_start_input" name="action_is_a_float" diagnosis="Your placeholder action is a float. An action is the number of a choice: int64, or one_hot and nn.Embedding will refuse it. Use torch.zeros(B, dtype=torch.int64)."
def trial_start_input(observation):
    batch_size = observation.shape[0]
    return StepInput(
        observation,
        torch.zeros(batch_size),
        torch.zeros(batch_size),
        torch.zeros(batch_size),
    )


# %% mutant="trial_start_input" name="placeholders_shaped_like_the_observation" diagnosis="You made the placeholders with zeros_like(observation), so they have the observation's shape. An action, a reward and a flag are one number for each trial: shape [B], whatever an observation looks like (exercise 2.1)."
def trial_start_input(observation):
    batch_size = observation.shape[0]
    return StepInput(
        observation,
        torch.zeros_like(observation).long(),
        torch.zeros_like(observation).float(),
        torch.zeros_like(observation).float(),
    )


# %% alternative="trial_start_input" name="new_zeros"
def trial_start_input(observation):
    zeros = observation.new_zeros(len(observation), dtype=torch.float32)
    return StepInput(prev_end=zeros, prev_reward=zeros.clone(), prev_action=zeros.long(), observation=observation)


# %% alternative="trial_start_input" name="full_from_numpy"
def trial_start_input(observation):
    batch_size = observation.size(0)
    action = torch.tensor([0] * batch_size)
    return StepInput(observation.clone(), action, action.float(), action.to(torch.float32))


# %% mutant="shift_to_inputs" name="current_action" diagnosis="You fed a_t where the contract wants a_{t-1}: the input of step t tells the network which action it is about to choose. In training that looks like perfect foresight; in use there is nothing to feed. Shift actions by one step, with action 0 at t = 0 (exercise 2.2)."
def shift_to_inputs(first_observation, actions, rewards, episode_ends, observations, final_observations):
    def late(values, first=None):
        first = torch.zeros_like(values[:, 0]) if first is None else first
        return torch.cat([first.unsqueeze(1), values[:, :-1]], dim=1)

    ends = episode_ends.float()
    return StepInput(late(observations, first_observation), actions, late(rewards), late(episode_ends.float()))


# %% mutant="shift_to_inputs" name="current_reward" diagnosis="You fed r_t where the contract wants r_{t-1}: the reward of an action that has not been chosen yet. Shift rewards by one step, with 0 at t = 0, so that action and reward of one input belong together (exercise 2.2)."
def shift_to_inputs(first_observation, actions, rewards, episode_ends, observations, final_observations):
    def late(values, first=None):
        first = torch.zeros_like(values[:, 0]) if first is None else first
        return torch.cat([first.unsqueeze(1), values[:, :-1]], dim=1)

    ends = episode_ends.float()
    return StepInput(late(observations, first_observation), late(actions), rewards, late(episode_ends.float()))


# %% mutant="shift_to_inputs" name="current_flag" diagnosis="You fed d_t where the contract wants d_{t-1}: the network would be told that the episode ends before it acts, and at the new episode's first step it would be told nothing. Shift the flag by one step, with 0 at t = 0 (exercise 2.2)."
def shift_to_inputs(first_observation, actions, rewards, episode_ends, observations, final_observations):
    def late(values, first=None):
        first = torch.zeros_like(values[:, 0]) if first is None else first
        return torch.cat([first.unsqueeze(1), values[:, :-1]], dim=1)

    ends = episode_ends.float()
    return StepInput(late(observations, first_observation), late(actions), late(rewards), episode_ends.float())


# %% mutant="shift_to_inputs" name="placeholders_at_every_episode" diagnosis="You put placeholders at every episode's first step. They belong to a TRIAL's first step only. At an episode's start the previous action and reward are real, and often the most informative ones of all: here they tell which action reached the goal and that it paid 1. Leave them as they are; the flag marks the boundary (exercise 2.2, look at t = 2)."
def shift_to_inputs(first_observation, actions, rewards, episode_ends, observations, final_observations):
    def late(values, first=None):
        first = torch.zeros_like(values[:, 0]) if first is None else first
        return torch.cat([first.unsqueeze(1), values[:, :-1]], dim=1)

    ends = episode_ends.float()
    return StepInput(late(observations, first_observation), late(actions) * (late(ends) == 0), late(rewards) * (1 - late(ends)), late(episode_ends.float()))


# %% mutant="shift_to_inputs" name="flag_dropped" diagnosis="Your flag column is all zeros. The fast learner needs it to tell a restart from a move of the task (section 2.2, the error of the counted model). Feed episode_ends, one step late, as floats."
def shift_to_inputs(first_observation, actions, rewards, episode_ends, observations, final_observations):
    def late(values, first=None):
        first = torch.zeros_like(values[:, 0]) if first is None else first
        return torch.cat([first.unsqueeze(1), values[:, :-1]], dim=1)

    ends = episode_ends.float()
    return StepInput(late(observations, first_observation), late(actions), late(rewards), torch.zeros_like(rewards))


# %% mutant="shift_to_inputs" name="terminal_observation" diagnosis="You fed the observation in which an episode ended (final_observations) where the next one begins. The policy acts in the NEW episode and was shown the new episode's first observation: that is what env.step returned in `observations`. The terminal one is for value functions (section 2.1)."
def shift_to_inputs(first_observation, actions, rewards, episode_ends, observations, final_observations):
    def late(values, first=None):
        first = torch.zeros_like(values[:, 0]) if first is None else first
        return torch.cat([first.unsqueeze(1), values[:, :-1]], dim=1)

    ends = episode_ends.float()
    return StepInput(late(final_observations, first_observation), late(actions), late(rewards), late(episode_ends.float()))


# %% mutant="shift_to_inputs" name="terminal_reward_zeroed" diagnosis="You zeroed the reward that came with an episode's end, probably by a factor (1 - d). That factor belongs into bootstrapped values, never into the input: in a goal task the terminal reward is the only one there is, and the agent would never hear of it (exercise 2.2, look at t = 2)."
def shift_to_inputs(first_observation, actions, rewards, episode_ends, observations, final_observations):
    def late(values, first=None):
        first = torch.zeros_like(values[:, 0]) if first is None else first
        return torch.cat([first.unsqueeze(1), values[:, :-1]], dim=1)

    ends = episode_ends.float()
    return StepInput(late(observations, first_observation), late(actions), late(rewards * (1 - ends)), late(episode_ends.float()))


# %% mutant="shift_to_inputs" name="future_observation" diagnosis="You fed what step t returned as the observation of step t. That is o_{t+1}: the policy would see the result of an action before choosing it. The observation at t is what step t-1 returned, and at t = 0 what reset returned (exercise 2.2)."
def shift_to_inputs(first_observation, actions, rewards, episode_ends, observations, final_observations):
    def late(values, first=None):
        first = torch.zeros_like(values[:, 0]) if first is None else first
        return torch.cat([first.unsqueeze(1), values[:, :-1]], dim=1)

    ends = episode_ends.float()
    return StepInput(observations, late(actions), late(rewards), late(episode_ends.float()))


# %% mutant="shift_to_inputs" name="wraps_around" diagnosis="Your shift wraps around (torch.roll does): the trial's LAST action, reward and flag stand at t = 0. The start would tell of the end. Put the placeholders at t = 0 (exercise 2.2)."
def shift_to_inputs(first_observation, actions, rewards, episode_ends, observations, final_observations):
    def late(values, first=None):
        first = torch.zeros_like(values[:, 0]) if first is None else first
        return torch.cat([first.unsqueeze(1), values[:, :-1]], dim=1)

    ends = episode_ends.float()
    return StepInput(late(observations, first_observation), actions.roll(1, dims=1), rewards.roll(1, dims=1), ends.roll(1, dims=1))


# %% mutant="shift_to_inputs" name="one_input_too_many" diagnosis="You returned T + 1 inputs. T actions were chosen, so T inputs were fed: the result of the last step is fed nowhere, because no action follows it (exercise 2.2)."
def shift_to_inputs(first_observation, actions, rewards, episode_ends, observations, final_observations):
    def late(values, first=None):
        first = torch.zeros_like(values[:, 0]) if first is None else first
        return torch.cat([first.unsqueeze(1), values], dim=1)

    return StepInput(late(observations, first_observation), late(actions), late(rewards), late(episode_ends.float()))


# %% mutant="shift_to_inputs" name="shifted_along_the_batch" diagnosis="You shifted along dimension 0, from one trial to the next one of the batch: a trial would be fed another trial's actions. Tensors are [B, T]; time is dimension 1."
def shift_to_inputs(first_observation, actions, rewards, episode_ends, observations, final_observations):
    def late(values, first=None):
        first = torch.zeros_like(values[:, 0]) if first is None else first
        return torch.cat([first.unsqueeze(1), values[:, :-1]], dim=1)

    ends = episode_ends.float()
    return StepInput(late(observations, first_observation), actions.roll(1, dims=0), rewards.roll(1, dims=0), ends.roll(1, dims=0))


# %% mutant="shift_to_inputs" name="flag_still_boolean" diagnosis="Your flags are booleans. The record holds booleans, the input holds float32 0 or 1, because a network multiplies it by weights: episode_ends.float()."
def shift_to_inputs(first_observation, actions, rewards, episode_ends, observations, final_observations):
    def late(values, first=None):
        first = torch.zeros_like(values[:, 0]) if first is None else first
        return torch.cat([first.unsqueeze(1), values[:, :-1]], dim=1)

    ends = episode_ends.float()
    return StepInput(late(observations, first_observation), late(actions), late(rewards), late(episode_ends))


# %% alternative="shift_to_inputs" name="zeros_then_fill"
def shift_to_inputs(first_observation, actions, rewards, episode_ends, observations, final_observations):
    observation = torch.empty_like(observations)
    observation[:, 0], observation[:, 1:] = first_observation, observations[:, :-1]
    prev_action, prev_reward = torch.zeros_like(actions), torch.zeros_like(rewards)
    prev_action[:, 1:], prev_reward[:, 1:] = actions[:, :-1], rewards[:, :-1]
    prev_end = torch.zeros(episode_ends.shape)
    prev_end[:, 1:] = episode_ends[:, :-1].float()
    return StepInput(observation, prev_action, prev_reward, prev_end)


# %% alternative="shift_to_inputs" name="step_by_step"
def shift_to_inputs(first_observation, actions, rewards, episode_ends, observations, final_observations):
    batch_size, num_steps = actions.shape
    nothing = torch.zeros(batch_size)
    rows = [(first_observation, nothing.long(), nothing, nothing)]
    for t in range(1, num_steps):
        rows.append((observations[:, t - 1], actions[:, t - 1], rewards[:, t - 1], episode_ends[:, t - 1] * 1.0))
    return StepInput(*(torch.stack(column, dim=1) for column in zip(*rows)))


# %% alternative="shift_to_inputs" name="pad"
def shift_to_inputs(first_observation, actions, rewards, episode_ends, observations, final_observations):
    return StepInput(
        torch.cat([first_observation[:, None], observations], dim=1)[:, :-1],
        F.pad(actions, (1, 0))[:, :-1],
        F.pad(rewards, (1, 0))[:, :-1],
        F.pad(episode_ends.float(), (1, 0))[:, :-1],
    )


# %% mutant="embed_bandit" name="zero_vector_for_action_0" diagnosis="Action 0 became a vector of zeros. That is valid elsewhere (some implementations mark 'no action yet' so), but it is not our contract: action 0 is a name like the others, its one-hot vector is (1, 0, ..., 0), and the placeholder at a trial's start is the embedding of action 0 (section 2.3)."
def embed_bandit(observation, prev_action, prev_reward, prev_end, num_actions):
    nothing = torch.zeros_like(prev_reward).unsqueeze(-1)
    action = F.one_hot(prev_action, num_actions).float() * (prev_action != 0).unsqueeze(-1)
    reward, flag = prev_reward.unsqueeze(-1), prev_end.unsqueeze(-1)
    return torch.cat([nothing, action, reward, flag], dim=-1)


# %% mutant="embed_bandit" name="zero_vector_at_trial_start" diagnosis="A trial's first input got a vector of zeros for its action. That is valid elsewhere, but it is not our contract: the placeholder is the embedding of action 0, one-hot (1, 0, ..., 0), and the embedding does not treat the first step specially (section 2.3)."
def embed_bandit(observation, prev_action, prev_reward, prev_end, num_actions):
    nothing = torch.zeros_like(prev_reward).unsqueeze(-1)
    action = F.one_hot(prev_action, num_actions).float() * prev_end.unsqueeze(-1)
    reward, flag = prev_reward.unsqueeze(-1), prev_end.unsqueeze(-1)
    return torch.cat([nothing, action, reward, flag], dim=-1)


# %% mutant="embed_bandit" name="flag_dropped" diagnosis="The flag is missing: your vector has 1 + K + 1 columns. In a bandit the flag tells nothing new, true, but the layout is shared by all tasks: [observation, action, reward, flag] (section 2.3)."
def embed_bandit(observation, prev_action, prev_reward, prev_end, num_actions):
    nothing = torch.zeros_like(prev_reward).unsqueeze(-1)
    action = F.one_hot(prev_action, num_actions).float()
    reward, flag = prev_reward.unsqueeze(-1), prev_end.unsqueeze(-1)
    return torch.cat([nothing, action, reward], dim=-1)


# %% mutant="embed_bandit" name="observation_left_out" diagnosis="The observation's column is missing. A bandit shows nothing, but the layout keeps its place: one constant 0 in front, so 1 + K + 2 columns (exercise 2.3)."
def embed_bandit(observation, prev_action, prev_reward, prev_end, num_actions):
    nothing = torch.zeros_like(prev_reward).unsqueeze(-1)
    action = F.one_hot(prev_action, num_actions).float()
    reward, flag = prev_reward.unsqueeze(-1), prev_end.unsqueeze(-1)
    return torch.cat([action, reward, flag], dim=-1)


# %% mutant="embed_bandit" name="flag_before_reward" diagnosis="Reward and flag changed places. Any fixed order would learn as well, but weights and checkpoints are made for one: [observation, action, reward, flag] (section 2.3)."
def embed_bandit(observation, prev_action, prev_reward, prev_end, num_actions):
    nothing = torch.zeros_like(prev_reward).unsqueeze(-1)
    action = F.one_hot(prev_action, num_actions).float()
    reward, flag = prev_reward.unsqueeze(-1), prev_end.unsqueeze(-1)
    return torch.cat([nothing, action, flag, reward], dim=-1)


# %% mutant="embed_bandit" name="action_first" diagnosis="The action stands before the observation. Any fixed order would learn as well, but weights and checkpoints are made for one: [observation, action, reward, flag] (section 2.3)."
def embed_bandit(observation, prev_action, prev_reward, prev_end, num_actions):
    nothing = torch.zeros_like(prev_reward).unsqueeze(-1)
    action = F.one_hot(prev_action, num_actions).float()
    reward, flag = prev_reward.unsqueeze(-1), prev_end.unsqueeze(-1)
    return torch.cat([action, nothing, reward, flag], dim=-1)


# %% mutant="embed_bandit" name="action_as_a_number" diagnosis="You fed the arm's number itself. As a number, arm 2 lies between arms 1 and 3 and is twice arm 1; arms are names and have no such order. Use a one-hot vector of K entries (section 2.3)."
def embed_bandit(observation, prev_action, prev_reward, prev_end, num_actions):
    nothing = torch.zeros_like(prev_reward).unsqueeze(-1)
    action = prev_action.float().unsqueeze(-1)
    reward, flag = prev_reward.unsqueeze(-1), prev_end.unsqueeze(-1)
    return torch.cat([nothing, action, reward, flag], dim=-1)


# %% mutant="embed_bandit" name="reward_clipped" diagnosis="You clipped the reward to [-1, 1]. The reward goes in as it is: clipped, an arm that pays 1 and an arm that pays 3 look the same to the fast learner (section 2.2, 'as is')."
def embed_bandit(observation, prev_action, prev_reward, prev_end, num_actions):
    nothing = torch.zeros_like(prev_reward).unsqueeze(-1)
    action = F.one_hot(prev_action, num_actions).float()
    reward, flag = prev_reward.clamp(-1, 1).unsqueeze(-1), prev_end.unsqueeze(-1)
    return torch.cat([nothing, action, reward, flag], dim=-1)


# %% mutant="embed_bandit" name="integers" diagnosis="You made everything integers (one_hot returns int64), so a reward of 0.5 became 0. Turn the one-hot into floats, not the reward into an integer: F.one_hot(...).float()."
def embed_bandit(observation, prev_action, prev_reward, prev_end, num_actions):
    nothing = torch.zeros_like(prev_reward).unsqueeze(-1)
    action = F.one_hot(prev_action, num_actions)
    reward, flag = prev_reward.unsqueeze(-1), prev_end.unsqueeze(-1)
    return torch.cat([nothing.long(), action, reward.long(), flag.long()], dim=-1)


# %% mutant="embed_bandit" name="placeholders_at_every_episode" diagnosis="You put the placeholders back wherever the flag is 1. In a bandit the flag is 1 at every step but the first, so the agent would never hear what any pull paid. Placeholders belong to a TRIAL's first step, and they are already in the arguments: embed what is handed in."
def embed_bandit(observation, prev_action, prev_reward, prev_end, num_actions):
    nothing = torch.zeros_like(prev_reward).unsqueeze(-1)
    action = F.one_hot(torch.where(prev_end == 1, 0, prev_action), num_actions).float()
    reward, flag = (prev_reward * (1 - prev_end)).unsqueeze(-1), prev_end.unsqueeze(-1)
    return torch.cat([nothing, action, reward, flag], dim=-1)


# %% mutant="embed_bandit" name="concatenated_along_dimension_1" diagnosis="You concatenated along dimension 1. That is the last one for a batch of steps [B], but for whole trials [B, T] it is time. Use dim=-1, and one line serves both."
def embed_bandit(observation, prev_action, prev_reward, prev_end, num_actions):
    nothing = torch.zeros_like(prev_reward).unsqueeze(-1)
    action = F.one_hot(prev_action, num_actions).float()
    reward, flag = prev_reward.unsqueeze(-1), prev_end.unsqueeze(-1)
    return torch.cat([nothing, action, reward, flag], dim=1)


# %% alternative="embed_bandit" name="identity_matrix"
def embed_bandit(observation, prev_action, prev_reward, prev_end, num_actions):
    action = torch.eye(num_actions)[prev_action]
    return torch.cat([observation, action, torch.stack([prev_reward, prev_end], dim=-1)], dim=-1)


# %% alternative="embed_bandit" name="scatter_into_zeros"
def embed_bandit(observation, prev_action, prev_reward, prev_end, num_actions):
    vector = torch.zeros(*prev_action.shape, 1 + num_actions + 2)
    vector.scatter_(-1, 1 + prev_action.unsqueeze(-1), 1.0)
    vector[..., -2] = prev_reward
    vector[..., -1] = prev_end
    return vector


# %% mutant="embed_tabular" name="one_hot_over_pairs" diagnosis="You made one one-hot over all S * A pairs of state and action. The paper embeds state and action separately, S + A columns: what is learned about an action then carries over to all states. (Note also that the pair would join the state of NOW with the action of one step AGO.) See exercise 2.4."
def embed_tabular(observation, prev_action, prev_reward, prev_end, num_states, num_actions):
    state = F.one_hot(observation * num_actions + prev_action, num_states * num_actions).float()
    action = F.one_hot(prev_action, num_actions).float()
    reward = prev_reward
    return torch.cat([state, reward.unsqueeze(-1), prev_end.unsqueeze(-1)], dim=-1)


# %% mutant="embed_tabular" name="action_before_state" diagnosis="The action stands before the state. Any fixed order would learn as well, but weights and checkpoints are made for one: [observation, action, reward, flag] (section 2.3)."
def embed_tabular(observation, prev_action, prev_reward, prev_end, num_states, num_actions):
    state = F.one_hot(observation, num_states).float()
    action = F.one_hot(prev_action, num_actions).float()
    reward = prev_reward
    return torch.cat([action, state, reward.unsqueeze(-1), prev_end.unsqueeze(-1)], dim=-1)


# %% mutant="embed_tabular" name="flag_dropped" diagnosis="The flag is missing: your vector has S + A + 1 columns. Where episodes are longer than one step the flag is what tells a restart from a move of the task (section 2.2)."
def embed_tabular(observation, prev_action, prev_reward, prev_end, num_states, num_actions):
    state = F.one_hot(observation, num_states).float()
    action = F.one_hot(prev_action, num_actions).float()
    reward = prev_reward
    return torch.cat([state, action, reward.unsqueeze(-1)], dim=-1)


# %% mutant="embed_tabular" name="zero_vector_for_action_0" diagnosis="Action 0 became a vector of zeros. That is valid elsewhere, but it is not our contract: action 0 is a name like the others, its one-hot vector is (1, 0, ..., 0), also where it is the placeholder (section 2.3)."
def embed_tabular(observation, prev_action, prev_reward, prev_end, num_states, num_actions):
    state = F.one_hot(observation, num_states).float()
    action = F.one_hot(prev_action, num_actions).float() * (prev_action > 0).unsqueeze(-1)
    reward = prev_reward
    return torch.cat([state, action, reward.unsqueeze(-1), prev_end.unsqueeze(-1)], dim=-1)


# %% mutant="embed_tabular" name="numbers_for_names" diagnosis="You fed the numbers of state and action. They are names: state 4 is not four times state 1. Use one-hot vectors of S and A entries (section 2.3)."
def embed_tabular(observation, prev_action, prev_reward, prev_end, num_states, num_actions):
    state = observation.float().unsqueeze(-1)
    action = prev_action.float().unsqueeze(-1)
    reward = prev_reward
    return torch.cat([state, action, reward.unsqueeze(-1), prev_end.unsqueeze(-1)], dim=-1)


# %% mutant="embed_tabular" name="same_width_for_both" diagnosis="State and action got one-hot vectors of the same width. The state's has S entries, the action's has A: S + A + 2 columns in all (exercise 2.4)."
def embed_tabular(observation, prev_action, prev_reward, prev_end, num_states, num_actions):
    state = F.one_hot(observation, num_states).float()
    action = F.one_hot(prev_action, num_states).float()
    reward = prev_reward
    return torch.cat([state, action, reward.unsqueeze(-1), prev_end.unsqueeze(-1)], dim=-1)


# %% mutant="embed_tabular" name="reward_clipped" diagnosis="You clipped the reward to [-1, 1]. The reward goes in as it is: the fast learner is scored in its unit and must see its size (section 2.2, 'as is')."
def embed_tabular(observation, prev_action, prev_reward, prev_end, num_states, num_actions):
    state = F.one_hot(observation, num_states).float()
    action = F.one_hot(prev_action, num_actions).float()
    reward = prev_reward.clamp(-1, 1)
    return torch.cat([state, action, reward.unsqueeze(-1), prev_end.unsqueeze(-1)], dim=-1)


# %% mutant="embed_tabular" name="reward_standardised" diagnosis="You standardised the rewards over the batch. Then one task's reward depends on which other tasks were drawn beside it, and a single trial could not be embedded at all. The reward goes in as it is (section 2.2, 'as is')."
def embed_tabular(observation, prev_action, prev_reward, prev_end, num_states, num_actions):
    state = F.one_hot(observation, num_states).float()
    action = F.one_hot(prev_action, num_actions).float()
    reward = (prev_reward - prev_reward.mean()) / prev_reward.std()
    return torch.cat([state, action, reward.unsqueeze(-1), prev_end.unsqueeze(-1)], dim=-1)


# %% mutant="embed_tabular" name="placeholders_at_every_episode" diagnosis="You put the placeholders back wherever the flag is 1, that is at every episode's first step. They belong to a TRIAL's first step, and they are already in the arguments: embed what is handed in (exercise 2.2, look at t = 2)."
def embed_tabular(observation, prev_action, prev_reward, prev_end, num_states, num_actions):
    state = F.one_hot(observation, num_states).float()
    action = F.one_hot(torch.where(prev_end == 1, 0, prev_action), num_actions).float()
    reward = prev_reward * (1 - prev_end)
    return torch.cat([state, action, reward.unsqueeze(-1), prev_end.unsqueeze(-1)], dim=-1)


# %% mutant="embed_tabular" name="concatenated_along_dimension_1" diagnosis="You concatenated along dimension 1. That is the last one for a batch of steps [B], but for whole trials [B, T] it is time. Use dim=-1, and one line serves both."
def embed_tabular(observation, prev_action, prev_reward, prev_end, num_states, num_actions):
    state = F.one_hot(observation, num_states).float()
    action = F.one_hot(prev_action, num_actions).float()
    reward = prev_reward
    return torch.cat([state, action, reward.unsqueeze(-1), prev_end.unsqueeze(-1)], dim=1)


# %% alternative="embed_tabular" name="identity_matrices"
def embed_tabular(observation, prev_action, prev_reward, prev_end, num_states, num_actions):
    numbers = torch.stack([prev_reward, prev_end], dim=-1)
    return torch.cat([torch.eye(num_states)[observation], torch.eye(num_actions)[prev_action], numbers], dim=-1)


# %% alternative="embed_tabular" name="comparison_with_arange"
def embed_tabular(observation, prev_action, prev_reward, prev_end, num_states, num_actions):
    state = (observation[..., None] == torch.arange(num_states)).float()
    action = (prev_action[..., None] == torch.arange(num_actions)).float()
    return torch.cat((state, action, prev_reward[..., None], prev_end[..., None]), -1)


# %% mutant="JointEmbedding" name="reward_and_flag_inside" diagnosis="You sent reward and flag through the joint layer with the image. They join AFTER it, as they are, in the last two columns: inside, the reward is one number among all the pixels, and what comes out is no longer the reward (exercise 2.5, step 4)."
class JointEmbedding(nn.Module):
    def __init__(self, image_shape, num_actions, action_dim=256, joint_dim=256):
        super().__init__()
        self.num_actions = num_actions
        self.action_vectors = nn.Embedding(num_actions, action_dim)
        self.joint = nn.Linear(math.prod(image_shape) + action_dim + 2, joint_dim)

    def forward(self, observation, prev_action, prev_reward, prev_end):
        features = observation.flatten(start_dim=-3)
        vector = self.action_vectors(prev_action)
        joint = F.relu(self.joint(torch.cat([features, vector, prev_reward.unsqueeze(-1), prev_end.unsqueeze(-1)], dim=-1)))
        return joint


# %% mutant="JointEmbedding" name="reward_inside_too" diagnosis="You appended reward and flag after the joint layer, which is right, and sent them through it as well, which is not: the joint layer reads the image's features and the action's vector only (exercise 2.5). Your module has 2 J parameters too many."
class JointEmbedding(nn.Module):
    def __init__(self, image_shape, num_actions, action_dim=256, joint_dim=256):
        super().__init__()
        self.num_actions = num_actions
        self.action_vectors = nn.Embedding(num_actions, action_dim)
        self.joint = nn.Linear(math.prod(image_shape) + action_dim + 2, joint_dim)

    def forward(self, observation, prev_action, prev_reward, prev_end):
        features = observation.flatten(start_dim=-3)
        vector = self.action_vectors(prev_action)
        joint = F.relu(self.joint(torch.cat([features, vector, prev_reward.unsqueeze(-1), prev_end.unsqueeze(-1)], dim=-1)))
        return torch.cat([joint, prev_reward.unsqueeze(-1), prev_end.unsqueeze(-1)], dim=-1)


# %% mutant="JointEmbedding" name="flag_dropped" diagnosis="The flag is missing: the output has J + 1 columns. Append both, reward and flag, after the joint layer (exercise 2.5, step 4)."
class JointEmbedding(nn.Module):
    def __init__(self, image_shape, num_actions, action_dim=256, joint_dim=256):
        super().__init__()
        self.num_actions = num_actions
        self.action_vectors = nn.Embedding(num_actions, action_dim)
        self.joint = nn.Linear(math.prod(image_shape) + action_dim, joint_dim)

    def forward(self, observation, prev_action, prev_reward, prev_end):
        features = observation.flatten(start_dim=-3)
        vector = self.action_vectors(prev_action)
        joint = F.relu(self.joint(torch.cat([features, vector], dim=-1)))
        return torch.cat([joint, prev_reward.unsqueeze(-1)], dim=-1)


# %% mutant="JointEmbedding" name="flag_before_reward" diagnosis="Reward and flag changed places in the last two columns. The contract's order is [observation, action, reward, flag] (section 2.3)."
class JointEmbedding(nn.Module):
    def __init__(self, image_shape, num_actions, action_dim=256, joint_dim=256):
        super().__init__()
        self.num_actions = num_actions
        self.action_vectors = nn.Embedding(num_actions, action_dim)
        self.joint = nn.Linear(math.prod(image_shape) + action_dim, joint_dim)

    def forward(self, observation, prev_action, prev_reward, prev_end):
        features = observation.flatten(start_dim=-3)
        vector = self.action_vectors(prev_action)
        joint = F.relu(self.joint(torch.cat([features, vector], dim=-1)))
        return torch.cat([joint, prev_end.unsqueeze(-1), prev_reward.unsqueeze(-1)], dim=-1)


# %% mutant="JointEmbedding" name="reward_squashed" diagnosis="You squashed the reward (tanh). It goes in as it is, outside the learned layer: the fast learner must see its size (section 2.2, 'as is')."
class JointEmbedding(nn.Module):
    def __init__(self, image_shape, num_actions, action_dim=256, joint_dim=256):
        super().__init__()
        self.num_actions = num_actions
        self.action_vectors = nn.Embedding(num_actions, action_dim)
        self.joint = nn.Linear(math.prod(image_shape) + action_dim, joint_dim)

    def forward(self, observation, prev_action, prev_reward, prev_end):
        features = observation.flatten(start_dim=-3)
        vector = self.action_vectors(prev_action)
        joint = F.relu(self.joint(torch.cat([features, vector], dim=-1)))
        return torch.cat([joint, prev_reward.tanh().unsqueeze(-1), prev_end.unsqueeze(-1)], dim=-1)


# %% mutant="JointEmbedding" name="no_relu" diagnosis="The joint layer has no ReLU: with all parameters at -0.1 your units are negative. The paper uses rectified linear units for every hidden layer: relu(linear(...)) (exercise 2.5, step 3)."
class JointEmbedding(nn.Module):
    def __init__(self, image_shape, num_actions, action_dim=256, joint_dim=256):
        super().__init__()
        self.num_actions = num_actions
        self.action_vectors = nn.Embedding(num_actions, action_dim)
        self.joint = nn.Linear(math.prod(image_shape) + action_dim, joint_dim)

    def forward(self, observation, prev_action, prev_reward, prev_end):
        features = observation.flatten(start_dim=-3)
        vector = self.action_vectors(prev_action)
        joint = self.joint(torch.cat([features, vector], dim=-1))
        return torch.cat([joint, prev_reward.unsqueeze(-1), prev_end.unsqueeze(-1)], dim=-1)


# %% mutant="JointEmbedding" name="one_hot_into_the_joint_layer" diagnosis="You fed the action's one-hot vector straight into the joint layer. The paper first looks the action up in a LEARNED table with one vector of D entries for each action (exercise 2.5, step 2): nn.Embedding(num_actions, action_dim)."
class JointEmbedding(nn.Module):
    def __init__(self, image_shape, num_actions, action_dim=256, joint_dim=256):
        super().__init__()
        self.num_actions = num_actions
        self.action_vectors = None
        self.joint = nn.Linear(math.prod(image_shape) + num_actions, joint_dim)

    def forward(self, observation, prev_action, prev_reward, prev_end):
        features = observation.flatten(start_dim=-3)
        vector = F.one_hot(prev_action, self.num_actions).float()
        joint = F.relu(self.joint(torch.cat([features, vector], dim=-1)))
        return torch.cat([joint, prev_reward.unsqueeze(-1), prev_end.unsqueeze(-1)], dim=-1)


# %% mutant="JointEmbedding" name="bias_on_the_action_vector" diagnosis="Your action vectors come from a linear layer with a bias: D parameters too many, and every action shares that offset. A table has one free vector for each action and nothing else: nn.Embedding, or a one-hot through nn.Linear(..., bias=False)."
class JointEmbedding(nn.Module):
    def __init__(self, image_shape, num_actions, action_dim=256, joint_dim=256):
        super().__init__()
        self.num_actions = num_actions
        self.action_vectors = nn.Linear(num_actions, action_dim)
        self.joint = nn.Linear(math.prod(image_shape) + action_dim, joint_dim)

    def forward(self, observation, prev_action, prev_reward, prev_end):
        features = observation.flatten(start_dim=-3)
        vector = self.action_vectors(F.one_hot(prev_action, self.num_actions).float())
        joint = F.relu(self.joint(torch.cat([features, vector], dim=-1)))
        return torch.cat([joint, prev_reward.unsqueeze(-1), prev_end.unsqueeze(-1)], dim=-1)


# %% mutant="JointEmbedding" name="action_0_never_learns" diagnosis="Action 0 has no vector of its own: no gradient reaches it, probably because of padding_idx=0. A zero vector for action 0 is valid elsewhere, but it is not our contract: action 0 is an action like the others, and the placeholder is its learned vector (section 2.3)."
class JointEmbedding(nn.Module):
    def __init__(self, image_shape, num_actions, action_dim=256, joint_dim=256):
        super().__init__()
        self.num_actions = num_actions
        self.action_vectors = nn.Embedding(num_actions, action_dim, padding_idx=0)
        self.joint = nn.Linear(math.prod(image_shape) + action_dim, joint_dim)

    def forward(self, observation, prev_action, prev_reward, prev_end):
        features = observation.flatten(start_dim=-3)
        vector = self.action_vectors(prev_action)
        joint = F.relu(self.joint(torch.cat([features, vector], dim=-1)))
        return torch.cat([joint, prev_reward.unsqueeze(-1), prev_end.unsqueeze(-1)], dim=-1)


# %% mutant="JointEmbedding" name="action_vectors_do_not_learn" diagnosis="The gradient does not reach the action vectors: they are detached, or made under no_grad. The embedding of the action is LEARNED, together with everything else (exercise 2.5, step 2)."
class JointEmbedding(nn.Module):
    def __init__(self, image_shape, num_actions, action_dim=256, joint_dim=256):
        super().__init__()
        self.num_actions = num_actions
        self.action_vectors = nn.Embedding(num_actions, action_dim)
        self.joint = nn.Linear(math.prod(image_shape) + action_dim, joint_dim)

    def forward(self, observation, prev_action, prev_reward, prev_end):
        features = observation.flatten(start_dim=-3)
        vector = self.action_vectors(prev_action).detach()
        joint = F.relu(self.joint(torch.cat([features, vector], dim=-1)))
        return torch.cat([joint, prev_reward.unsqueeze(-1), prev_end.unsqueeze(-1)], dim=-1)


# %% mutant="JointEmbedding" name="image_only" diagnosis="The previous action is not part of your embedding: the joint layer reads the image alone. The network does not know which action was drawn unless the input says so (section 2.1)."
class JointEmbedding(nn.Module):
    def __init__(self, image_shape, num_actions, action_dim=256, joint_dim=256):
        super().__init__()
        self.num_actions = num_actions
        self.action_vectors = None
        self.joint = nn.Linear(math.prod(image_shape), joint_dim)

    def forward(self, observation, prev_action, prev_reward, prev_end):
        features = observation.flatten(start_dim=-3)
        vector = None
        joint = F.relu(self.joint(features))
        return torch.cat([joint, prev_reward.unsqueeze(-1), prev_end.unsqueeze(-1)], dim=-1)


# %% mutant="JointEmbedding" name="time_flattened_too" diagnosis="You flattened everything after the first dimension. For a batch of steps [B, C, H, W] that is right, for whole trials [B, T, C, H, W] it mixes the steps. Flatten the image's own three dimensions only: observation.flatten(start_dim=-3)."
class JointEmbedding(nn.Module):
    def __init__(self, image_shape, num_actions, action_dim=256, joint_dim=256):
        super().__init__()
        self.num_actions = num_actions
        self.action_vectors = nn.Embedding(num_actions, action_dim)
        self.joint = nn.Linear(math.prod(image_shape) + action_dim, joint_dim)

    def forward(self, observation, prev_action, prev_reward, prev_end):
        features = observation.flatten(start_dim=1)
        vector = self.action_vectors(prev_action)
        joint = F.relu(self.joint(torch.cat([features, vector], dim=-1)))
        return torch.cat([joint, prev_reward.unsqueeze(-1), prev_end.unsqueeze(-1)], dim=-1)


# %% mutant="JointEmbedding" name="relu_on_the_action_vector" diagnosis="You sent the action's vector through a ReLU before the joint layer. It is a learned vector with entries of either sign; only the joint layer has a ReLU (exercise 2.5, step 3)."
class JointEmbedding(nn.Module):
    def __init__(self, image_shape, num_actions, action_dim=256, joint_dim=256):
        super().__init__()
        self.num_actions = num_actions
        self.action_vectors = nn.Embedding(num_actions, action_dim)
        self.joint = nn.Linear(math.prod(image_shape) + action_dim, joint_dim)

    def forward(self, observation, prev_action, prev_reward, prev_end):
        features = observation.flatten(start_dim=-3)
        vector = F.relu(self.action_vectors(prev_action))
        joint = F.relu(self.joint(torch.cat([features, vector], dim=-1)))
        return torch.cat([joint, prev_reward.unsqueeze(-1), prev_end.unsqueeze(-1)], dim=-1)


# %% mutant="JointEmbedding" name="relu_on_everything" diagnosis="A ReLU reaches the reward and cuts off what is negative: a reward of -5 leaves as 0. It belongs to the joint layer alone; reward and flag join behind it as they came (exercise 2.5, steps 3 and 4)."
class JointEmbedding(nn.Module):
    def __init__(self, image_shape, num_actions, action_dim=256, joint_dim=256):
        super().__init__()
        self.action_vectors = nn.Embedding(num_actions, action_dim)
        self.joint = nn.Linear(math.prod(image_shape) + action_dim, joint_dim)

    def forward(self, observation, prev_action, prev_reward, prev_end):
        features = observation.flatten(start_dim=-3)
        joint = self.joint(torch.cat([features, self.action_vectors(prev_action)], dim=-1))
        return F.relu(torch.cat([joint, prev_reward.unsqueeze(-1), prev_end.unsqueeze(-1)], dim=-1))


# %% alternative="JointEmbedding" name="one_hot_times_linear_without_bias"
class JointEmbedding(nn.Module):
    def __init__(self, image_shape, num_actions, action_dim=256, joint_dim=256):
        super().__init__()
        self.num_actions = num_actions
        self.action_vectors = nn.Linear(num_actions, action_dim, bias=False)
        self.joint = nn.Linear(math.prod(image_shape) + action_dim, joint_dim)

    def forward(self, observation, prev_action, prev_reward, prev_end):
        features = observation.flatten(start_dim=-3)
        vector = self.action_vectors(F.one_hot(prev_action, self.num_actions).float())
        joint = F.relu(self.joint(torch.cat([features, vector], dim=-1)))
        return torch.cat([joint, prev_reward.unsqueeze(-1), prev_end.unsqueeze(-1)], dim=-1)


# %% alternative="JointEmbedding" name="sequential_with_other_names"
class JointEmbedding(nn.Module):
    def __init__(self, image_shape, num_actions, action_dim=256, joint_dim=256):
        super().__init__()
        channels, height, width = image_shape
        self.register_buffer("names", torch.eye(num_actions))
        self.table = nn.Parameter(torch.randn(num_actions, action_dim))
        self.net = nn.Sequential(nn.Linear(channels * height * width + action_dim, joint_dim), nn.ReLU())

    def forward(self, observation, prev_action, prev_reward, prev_end):
        flat = observation.reshape(*prev_action.shape, -1)
        hidden = self.net(torch.cat([flat, self.names[prev_action] @ self.table], dim=-1))
        return torch.cat([hidden, torch.stack([prev_reward, prev_end], dim=-1)], dim=-1)


# %% alternative="JointEmbedding" name="joint_layer_in_two_pieces"
class JointEmbedding(nn.Module):
    def __init__(self, image_shape, num_actions, action_dim=256, joint_dim=256):
        super().__init__()
        self.lookup = nn.Embedding(num_actions, action_dim)
        self.from_image = nn.Linear(image_shape[0] * image_shape[1] * image_shape[2], joint_dim)
        self.from_action = nn.Linear(action_dim, joint_dim, bias=False)

    def forward(self, observation, prev_action, prev_reward, prev_end):
        joint = self.from_image(observation.flatten(-3)) + self.from_action(self.lookup(prev_action))
        return torch.cat([joint.clamp(min=0), prev_reward[..., None], prev_end[..., None]], dim=-1)


# %% mutant="explain_placeholder" name="episode_start_for_trial_start" diagnosis="You marked the starts of episodes. The question is about the TRIAL's start: at a later episode's first step the flag is 1 and action and reward tell of the step before. The placeholder's flag is 0 (exercise 2.6)."
def explain_placeholder(inputs, start_observations, sees_flag, memory):
    marks = inputs.prev_end == 1
    marks[:, 0] = True
    return marks


# %% mutant="explain_placeholder" name="never_ambiguous" diagnosis="You marked t = 0 only, whatever the agent. An agent without memory has nothing but the input, and 'I took action 0, it paid 0, the episode goes on' is the very same input (t = 4 of the paper trial). See exercise 2.6."
def explain_placeholder(inputs, start_observations, sees_flag, memory):
    marks = torch.zeros_like(inputs.prev_end, dtype=torch.bool)
    marks[:, 0] = True
    return marks


# %% mutant="explain_placeholder" name="memory_ignored" diagnosis="You asked only whether the input looks like a start. An agent whose state is not fresh knows that something went before, whatever the input looks like; that is why RL² can afford this placeholder (exercise 2.6, the second table)."
def explain_placeholder(inputs, start_observations, sees_flag, memory):
    seen = torch.isin(inputs.observation, start_observations)
    looks = (inputs.prev_action == 0) & (inputs.prev_reward == 0) & seen
    if sees_flag:
        looks &= inputs.prev_end == 0
    fresh = torch.ones_like(looks)
    pass
    return looks & fresh


# %% mutant="explain_placeholder" name="flag_never_used" diagnosis="You never use the flag. Where the agent sees it, flag 1 says that an episode has just ended, so this cannot be the trial's start: with sees_flag the input looks like a start only if prev_end is 0 (exercise 2.6)."
def explain_placeholder(inputs, start_observations, sees_flag, memory):
    seen = torch.isin(inputs.observation, start_observations)
    looks = (inputs.prev_action == 0) & (inputs.prev_reward == 0) & seen
    pass
    fresh = torch.ones_like(looks)
    if memory != "none":
        fresh[:, 1:] = (inputs.prev_end[:, 1:] == 1) & (memory == "episode")
    return looks & fresh


# %% mutant="explain_placeholder" name="flag_always_used" diagnosis="You use the flag even where the agent does not see it. With sees_flag=False the column is not part of its input and cannot warn it; then action, reward and observation have to tell (exercise 2.6)."
def explain_placeholder(inputs, start_observations, sees_flag, memory):
    seen = torch.isin(inputs.observation, start_observations)
    looks = (inputs.prev_action == 0) & (inputs.prev_reward == 0) & seen
    looks &= inputs.prev_end == 0
    fresh = torch.ones_like(looks)
    if memory != "none":
        fresh[:, 1:] = (inputs.prev_end[:, 1:] == 1) & (memory == "episode")
    return looks & fresh


# %% mutant="explain_placeholder" name="observation_ignored" diagnosis="You do not look at the observation. If episodes can only start in cell 2, an input from cell 1 cannot be a start, whatever the other columns say: compare with start_observations (exercise 2.6)."
def explain_placeholder(inputs, start_observations, sees_flag, memory):
    seen = torch.ones_like(inputs.prev_end, dtype=torch.bool)
    looks = (inputs.prev_action == 0) & (inputs.prev_reward == 0) & seen
    if sees_flag:
        looks &= inputs.prev_end == 0
    fresh = torch.ones_like(looks)
    if memory != "none":
        fresh[:, 1:] = (inputs.prev_end[:, 1:] == 1) & (memory == "episode")
    return looks & fresh


# %% mutant="explain_placeholder" name="action_ignored" diagnosis="You do not look at the action. The placeholder is action 0, so after any other action the input cannot be a trial's first (exercise 2.6)."
def explain_placeholder(inputs, start_observations, sees_flag, memory):
    seen = torch.isin(inputs.observation, start_observations)
    looks = (inputs.prev_reward == 0) & seen
    if sees_flag:
        pass
    fresh = torch.ones_like(looks)
    if memory != "none":
        fresh[:, 1:] = (inputs.prev_end[:, 1:] == 1) & (memory == "episode")
    return looks & fresh


# %% mutant="explain_placeholder" name="reward_ignored" diagnosis="You do not look at the reward. The placeholder is reward 0, so after any other reward the input cannot be a trial's first (exercise 2.6)."
def explain_placeholder(inputs, start_observations, sees_flag, memory):
    seen = torch.isin(inputs.observation, start_observations)
    looks = (inputs.prev_action == 0) & seen
    if sees_flag:
        looks &= inputs.prev_end == 0
    fresh = torch.ones_like(looks)
    if memory != "none":
        fresh[:, 1:] = (inputs.prev_end[:, 1:] == 1) & (memory == "episode")
    return looks & fresh


# %% mutant="explain_placeholder" name="episode_memory_is_trial_memory" diagnosis="You treat 'episode' like 'trial'. A state that lives for an episode is made fresh again after every episode's end, so at those steps it knows nothing of what went before. That is what sets RL² apart (exercise 2.6, the second table)."
def explain_placeholder(inputs, start_observations, sees_flag, memory):
    seen = torch.isin(inputs.observation, start_observations)
    looks = (inputs.prev_action == 0) & (inputs.prev_reward == 0) & seen
    if sees_flag:
        looks &= inputs.prev_end == 0
    fresh = torch.ones_like(looks)
    if memory != "none":
        fresh[:, 1:] = False
    return looks & fresh


# %% mutant="explain_placeholder" name="trial_memory_is_episode_memory" diagnosis="You treat 'trial' like 'episode': fresh again after every episode's end. The state of RL² survives episodes and is fresh at t = 0 only (exercise 2.6, the second table)."
def explain_placeholder(inputs, start_observations, sees_flag, memory):
    seen = torch.isin(inputs.observation, start_observations)
    looks = (inputs.prev_action == 0) & (inputs.prev_reward == 0) & seen
    if sees_flag:
        looks &= inputs.prev_end == 0
    fresh = torch.ones_like(looks)
    if memory != "none":
        fresh[:, 1:] = inputs.prev_end[:, 1:] == 1
    return looks & fresh


# %% mutant="explain_placeholder" name="first_step_denied" diagnosis="You did not mark t = 0. At t = 0 it IS the trial's start, so every agent can take it for one, rightly: the answer there is always True (exercise 2.6)."
def explain_placeholder(inputs, start_observations, sees_flag, memory):
    seen = torch.isin(inputs.observation, start_observations)
    looks = (inputs.prev_action == 0) & (inputs.prev_reward == 0) & seen
    if sees_flag:
        looks &= inputs.prev_end == 0
    fresh = torch.ones_like(looks)
    if memory != "none":
        fresh[:, 1:] = (inputs.prev_end[:, 1:] == 1) & (memory == "episode")
    fresh[:, 0] = False
    return looks & fresh


# %% mutant="explain_placeholder" name="says_what_can_be_told" diagnosis="You marked the steps that CAN be told from a trial's start: the answer is upside down. True means 'this agent can take the step for the first one' (exercise 2.6)."
def explain_placeholder(inputs, start_observations, sees_flag, memory):
    seen = torch.isin(inputs.observation, start_observations)
    looks = (inputs.prev_action == 0) & (inputs.prev_reward == 0) & seen
    if sees_flag:
        looks &= inputs.prev_end == 0
    fresh = torch.ones_like(looks)
    if memory != "none":
        fresh[:, 1:] = (inputs.prev_end[:, 1:] == 1) & (memory == "episode")
    return ~(looks & fresh)


# %% mutant="explain_placeholder" name="fresh_a_step_late" diagnosis="Your state is fresh one step late. prev_end[t] already tells of step t-1, so the new episode begins where prev_end is 1: do not shift it again (exercise 2.6)."
def explain_placeholder(inputs, start_observations, sees_flag, memory):
    looks = (inputs.prev_action == 0) & (inputs.prev_reward == 0) & torch.isin(inputs.observation, start_observations)
    if sees_flag:
        looks &= inputs.prev_end == 0
    fresh = torch.ones_like(looks)
    if memory != "none":
        fresh[:, 1:] = False
    if memory == "episode":
        fresh[:, 2:] = inputs.prev_end[:, 1:-1] == 1
    return looks & fresh


# %% mutant="explain_placeholder" name="first_start_only" diagnosis="You compare with the first of start_observations only. An episode may start with any of them: torch.isin(inputs.observation, start_observations) (exercise 2.6)."
def explain_placeholder(inputs, start_observations, sees_flag, memory):
    looks = (inputs.prev_action == 0) & (inputs.prev_reward == 0) & (inputs.observation == start_observations[0])
    if sees_flag:
        looks &= inputs.prev_end == 0
    fresh = torch.ones_like(looks)
    if memory != "none":
        fresh[:, 1:] = (inputs.prev_end[:, 1:] == 1) & (memory == "episode")
    return looks & fresh


# %% alternative="explain_placeholder" name="loop_over_steps"
def explain_placeholder(inputs, start_observations, sees_flag, memory):
    starts = set(start_observations.tolist())
    batch_size, num_steps = inputs.prev_action.shape
    marks = torch.zeros(batch_size, num_steps, dtype=torch.bool)
    for b in range(batch_size):
        for t in range(num_steps):
            ended = inputs.prev_end[b, t].item() == 1
            fresh = t == 0 or memory == "none" or (memory == "episode" and ended)
            same = inputs.prev_action[b, t].item() == 0 and inputs.prev_reward[b, t].item() == 0
            known = inputs.observation[b, t].item() in starts
            marks[b, t] = fresh and same and known and not (sees_flag and ended)
    return marks


# %% alternative="explain_placeholder" name="from_a_table_of_memories"
def explain_placeholder(inputs, start_observations, sees_flag, memory):
    observation, action, reward, flag = inputs
    first = torch.zeros_like(flag, dtype=torch.bool)
    first[:, 0] = True
    fresh = {"none": torch.ones_like(first), "episode": first | (flag > 0), "trial": first}[memory]
    can_start = (observation.unsqueeze(-1) == start_observations).any(dim=-1)
    warned = (flag > 0) & sees_flag
    return fresh & can_start & ~warned & (action == 0) & (reward == 0.0)
