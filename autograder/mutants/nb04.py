"""Notebook 04: wrong answers with the diagnosis a learner should read, and other right ones. Parsed, never imported."""


# %% mutant="discounted_returns" name="cut_at_episode_ends" diagnosis="You cut the return at every episode's end, with a factor (1 - d) as for ordinary deep RL. Here the episodes of a trial belong together: what is found out in episode 1 pays in episode 2, and the action that found it out must get credit for that. Let the return run to the trial's end (section 4.1)."
def discounted_returns(trajectory, discount):
    to_go = torch.zeros_like(trajectory.reward[:, 0])
    found = torch.zeros_like(trajectory.reward)
    for t in reversed(range(trajectory.reward.shape[1])):
        to_go = trajectory.reward[:, t] + discount * to_go * (~trajectory.episode_end[:, t])
        found[:, t] = to_go
    return found


# %% mutant="discounted_returns" name="cut_at_time_outs" diagnosis="You cut the return where an episode timed out. A time-out ends an episode like any other end, and the trial goes on: the return runs across it (section 4.1). The flag matters to value functions that bootstrap, not here."
def discounted_returns(trajectory, discount):
    to_go = torch.zeros_like(trajectory.reward[:, 0])
    found = torch.zeros_like(trajectory.reward)
    for t in reversed(range(trajectory.reward.shape[1])):
        to_go = trajectory.reward[:, t] + discount * to_go * (~trajectory.timed_out[:, t])
        found[:, t] = to_go
    return found


# %% mutant="discounted_returns" name="exponent_restarts_each_episode" diagnosis="Your discount's exponent counts from the start of each episode. It counts the steps from t to the reward, across all episode ends: a reward k steps ahead weighs discount**k, whatever episode it is in (section 4.1)."
def discounted_returns(trajectory, discount):
    age = torch.zeros_like(trajectory.reward[:, 0])
    weighted = []
    for reward, end in zip(trajectory.reward.unbind(1), trajectory.episode_end.unbind(1)):
        weighted.append(reward * discount**age)
        age = (age + 1) * (~end)
    return torch.stack(weighted, dim=1).flip(1).cumsum(1).flip(1)


# %% mutant="discounted_returns" name="no_discount_across_episodes" diagnosis="You do not discount the step over an episode's end. The discount counts steps of the trial, and the step into the next episode is one of them: G_t = r_t + discount * G_{t+1} everywhere (section 4.1)."
def discounted_returns(trajectory, discount):
    to_go = torch.zeros_like(trajectory.reward[:, 0])
    found = torch.zeros_like(trajectory.reward)
    for t in reversed(range(trajectory.reward.shape[1])):
        to_go = trajectory.reward[:, t] + torch.where(trajectory.episode_end[:, t], 1.0, discount) * to_go
        found[:, t] = to_go
    return found


# %% mutant="discounted_returns" name="reward_to_go_reversed" diagnosis="Your sum runs over the past: G_t holds the rewards up to t. An action cannot be the cause of what came before it. Walk from the last step back to the first, so that G_t holds the rewards from t on."
def discounted_returns(trajectory, discount):
    so_far = torch.zeros_like(trajectory.reward[:, 0])
    found = torch.zeros_like(trajectory.reward)
    for t in range(trajectory.reward.shape[1]):
        so_far = trajectory.reward[:, t] + discount * so_far
        found[:, t] = so_far
    return found


# %% mutant="discounted_returns" name="exponent_counts_from_the_trials_start" diagnosis="You weigh every reward by discount**(its own step), counted from the trial's start, so late returns shrink to nothing. G_t counts from t: the reward at t itself has weight 1. The backward recursion G_t = r_t + discount * G_{t+1} does that by itself."
def discounted_returns(trajectory, discount):
    weight = discount ** torch.arange(trajectory.reward.shape[1])
    return (trajectory.reward * weight).flip(1).cumsum(1).flip(1)


# %% mutant="discounted_returns" name="own_reward_left_out" diagnosis="Your return starts at the NEXT reward. The reward r_t is paid for the action a_t, so it is the first term of G_t, with weight 1."
def discounted_returns(trajectory, discount):
    to_go = torch.zeros_like(trajectory.reward[:, 0])
    found = torch.zeros_like(trajectory.reward)
    for t in reversed(range(trajectory.reward.shape[1])):
        found[:, t] = discount * to_go
        to_go = trajectory.reward[:, t] + discount * to_go
    return found


# %% mutant="discounted_returns" name="whole_return_at_every_step" diagnosis="Every step got the whole trial's return. That estimator is unbiased too, but each action is then also praised and blamed for what came before it, which is pure noise. G_t starts at step t."
def discounted_returns(trajectory, discount):
    weight = discount ** torch.arange(trajectory.reward.shape[1])
    whole = (trajectory.reward * weight).sum(dim=1, keepdim=True)
    return whole.expand_as(trajectory.reward).clone()


# %% mutant="discounted_returns" name="discount_forgotten" diagnosis="Your returns do not use the discount. Multiply what comes after: G_t = r_t + discount * G_{t+1}."
def discounted_returns(trajectory, discount):
    to_go = torch.zeros_like(trajectory.reward[:, 0])
    found = torch.zeros_like(trajectory.reward)
    for t in reversed(range(trajectory.reward.shape[1])):
        to_go = trajectory.reward[:, t] + to_go
        found[:, t] = to_go
    return found


# %% mutant="discounted_returns" name="along_the_batch" diagnosis="You summed along dimension 0, over other trials. Tensors are [B, T]; time is dimension 1."
def discounted_returns(trajectory, discount):
    to_go = torch.zeros_like(trajectory.reward[0])
    found = torch.zeros_like(trajectory.reward)
    for b in reversed(range(len(trajectory.reward))):
        to_go = trajectory.reward[b] + discount * to_go
        found[b] = to_go
    return found


# %% mutant="discounted_returns" name="one_number_a_trial" diagnosis="You returned one number for each trial, G_0. The loss needs the return from EVERY step on: [B, T]."
def discounted_returns(trajectory, discount):
    weight = discount ** torch.arange(trajectory.reward.shape[1])
    return (trajectory.reward * weight).sum(dim=1)


# %% alternative="discounted_returns" name="matrix"
def discounted_returns(trajectory, discount):
    steps = torch.arange(trajectory.reward.shape[1])
    ahead = steps[None, :] - steps[:, None]  # [t, s]
    weight = torch.where(ahead >= 0, discount ** ahead.clamp(min=0).float(), 0.0)
    return trajectory.reward @ weight.T


# %% alternative="discounted_returns" name="fill_with_mask"
def discounted_returns(trajectory, discount):
    found = trajectory.reward.clone() * trajectory.mask
    for t in range(found.shape[1] - 2, -1, -1):
        found[:, t] += discount * found[:, t + 1]
    return found


# %% mutant="reinforce_loss" name="sign_forgotten" diagnosis="The sign is missing. An optimiser walks down the loss, and you want the log-probability of good actions to go UP: loss = minus the mean. As it stands, training makes the policy worse, reliably."
def reinforce_loss(log_prob, advantage, mask):
    return torch.where(mask, log_prob * advantage.detach(), 0.0).sum(dim=1).mean()


# %% mutant="reinforce_loss" name="mean_over_steps" diagnosis="You averaged over all steps. Sum over the steps of a trial, then average over trials: the sum over t belongs to the policy gradient, and a mean over steps makes every gradient smaller by the average trial's length (section 4.2)."
def reinforce_loss(log_prob, advantage, mask):
    return -torch.where(mask, log_prob * advantage.detach(), 0.0).sum() / mask.sum()


# %% mutant="reinforce_loss" name="mean_over_padding_too" diagnosis="You averaged over everything, padding included. Sum over a trial's steps (dimension 1), then average over the trials."
def reinforce_loss(log_prob, advantage, mask):
    return -torch.where(mask, log_prob * advantage.detach(), 0.0).mean()


# %% mutant="reinforce_loss" name="mean_over_each_trials_steps" diagnosis="You averaged over each trial's own steps, so a step of a long trial weighs less than a step of a short one. The policy gradient is a SUM over steps (section 4.2)."
def reinforce_loss(log_prob, advantage, mask):
    return -(torch.where(mask, log_prob * advantage.detach(), 0.0).sum(dim=1) / mask.sum(dim=1)).mean()


# %% mutant="reinforce_loss" name="mean_over_the_wrong_axis" diagnosis="Sum and mean are on the wrong axes: you summed over trials (dimension 0) and averaged over time. Sum over time, dimension 1; average over trials."
def reinforce_loss(log_prob, advantage, mask):
    return -torch.where(mask, log_prob * advantage.detach(), 0.0).sum(dim=0).mean()


# %% mutant="reinforce_loss" name="sum_over_trials" diagnosis="You summed over trials as well, so twice as many trials make a gradient twice as long, and the learning rate means something else for each batch size. Average over trials."
def reinforce_loss(log_prob, advantage, mask):
    return -torch.where(mask, log_prob * advantage.detach(), 0.0).sum()


# %% mutant="reinforce_loss" name="padding_counts" diagnosis="The padding counts: steps after a trial's end add to your loss. Log-probabilities and advantages stand there too (a baseline has a value at every step), but nobody took these actions. Put zeros where the mask is false."
def reinforce_loss(log_prob, advantage, mask):
    return -(log_prob * advantage.detach()).sum(dim=1).mean()


# %% mutant="reinforce_loss" name="advantage_not_detached" diagnosis="Gradient flows into your advantage. With a baseline in it, minimising this loss moves the BASELINE to make the policy's loss small, which has nothing to do with predicting returns. Use advantage.detach(): it is a number, not a function (section 4.2)."
def reinforce_loss(log_prob, advantage, mask):
    return -torch.where(mask, log_prob * advantage, 0.0).sum(dim=1).mean()


# %% mutant="reinforce_loss" name="log_prob_detached" diagnosis="No gradient reaches the log-probabilities, so the policy cannot learn. Detach the advantage only."
def reinforce_loss(log_prob, advantage, mask):
    return -torch.where(mask, log_prob.detach() * advantage.detach(), 0.0).sum(dim=1).mean()


# %% mutant="reinforce_loss" name="probability_for_log_probability" diagnosis="You used the probability in place of its logarithm. Actions are drawn by the policy, so rare ones already come rarely; the logarithm's gradient (grad pi / pi) makes up for that. Without it, likely actions are counted twice."
def reinforce_loss(log_prob, advantage, mask):
    return -torch.where(mask, log_prob.exp() * advantage.detach(), 0.0).sum(dim=1).mean()


# %% mutant="reinforce_loss" name="one_number_a_trial" diagnosis="You returned one number for each trial. A loss is one number: take the mean over trials."
def reinforce_loss(log_prob, advantage, mask):
    return -torch.where(mask, log_prob * advantage.detach(), 0.0).sum(dim=1)


# %% alternative="reinforce_loss" name="multiply_by_mask"
def reinforce_loss(log_prob, advantage, mask):
    return (log_prob * advantage.detach() * mask.float()).sum() / -len(mask)


# %% alternative="reinforce_loss" name="trial_by_trial"
def reinforce_loss(log_prob, advantage, mask):
    total = torch.zeros(())
    for b in range(log_prob.shape[0]):
        total = total - (log_prob[b][mask[b]] * advantage[b][mask[b]].detach()).sum()
    return total / log_prob.shape[0]


# %% mutant="baseline_must_not_see_the_action" name="sign_of_the_baseline" diagnosis="The sign is the other way round. The baseline is SUBTRACTED from the reward, so the bias is minus the expectation of score times baseline (exercise 4.3, first hint)."
def baseline_must_not_see_the_action(probs, pay, baseline):
    given_action = (1 - pay) * baseline[:, 0] + pay * baseline[:, 1]
    return probs * (given_action - (probs * given_action).sum())


# %% mutant="baseline_must_not_see_the_action" name="expected_estimate_in_place_of_its_bias" diagnosis="You returned the expected estimate itself. The bias is what is left after subtracting the true gradient, which is the same expression with the reward alone. What remains is the part with the baseline."
def baseline_must_not_see_the_action(probs, pay, baseline):
    given_action = (1 - pay) * baseline[:, 0] + pay * baseline[:, 1]
    gap = pay - given_action
    return probs * (gap - (probs * gap).sum())


# %% mutant="baseline_must_not_see_the_action" name="never_any_bias" diagnosis="You answered that a baseline never biases. That proof takes b out of the expectation over actions, which is allowed only if b does not depend on the action. Here it may: follow the four-row table of section 4.3 with b = r."
def baseline_must_not_see_the_action(probs, pay, baseline):
    return torch.zeros_like(probs)


# %% mutant="baseline_must_not_see_the_action" name="policy_left_out" diagnosis="You weighed all arms equally. Actions are drawn by the policy: arm a has probability probs[a], in the average over actions as well as in the score."
def baseline_must_not_see_the_action(probs, pay, baseline):
    given_action = (1 - pay) * baseline[:, 0] + pay * baseline[:, 1]
    probs = torch.full_like(probs, 1 / len(probs))
    return -probs * (given_action - (probs * given_action).sum())


# %% mutant="baseline_must_not_see_the_action" name="one_hot_without_pi" diagnosis="Your score is 1 for the arm that was pulled and 0 elsewhere. The gradient of log softmax in the logits is one-hot MINUS pi: every other logit goes down a little. With that term a constant baseline has no bias; check that yours gives zero for one."
def baseline_must_not_see_the_action(probs, pay, baseline):
    given_action = (1 - pay) * baseline[:, 0] + pay * baseline[:, 1]
    return -probs * given_action


# %% mutant="baseline_must_not_see_the_action" name="rewards_equally_likely" diagnosis="You gave the two columns the same weight. Arm a pays 1 with probability pay[a]: the mean of its baseline is (1 - pay[a]) * b(a, 0) + pay[a] * b(a, 1)."
def baseline_must_not_see_the_action(probs, pay, baseline):
    given_action = baseline.mean(dim=1)
    return -probs * (given_action - (probs * given_action).sum())


# %% mutant="baseline_must_not_see_the_action" name="columns_swapped" diagnosis="The two columns are swapped: column 0 is the baseline's value when the arm paid 0, which has probability 1 - pay."
def baseline_must_not_see_the_action(probs, pay, baseline):
    given_action = pay * baseline[:, 0] + (1 - pay) * baseline[:, 1]
    return -probs * (given_action - (probs * given_action).sum())


# %% mutant="baseline_must_not_see_the_action" name="action_probability_forgotten" diagnosis="The factor pi_k is missing. Logit k is moved by what happens when arm k is pulled, and that has probability probs[k]."
def baseline_must_not_see_the_action(probs, pay, baseline):
    given_action = (1 - pay) * baseline[:, 0] + pay * baseline[:, 1]
    return -(given_action - (probs * given_action).sum())


# %% mutant="baseline_must_not_see_the_action" name="gradient_in_the_probabilities" diagnosis="You differentiated in the probabilities. They are not free numbers (they sum to 1); the policy's parameters here are the logits, and log pi has the gradient one-hot minus pi in them."
def baseline_must_not_see_the_action(probs, pay, baseline):
    given_action = (1 - pay) * baseline[:, 0] + pay * baseline[:, 1]
    return -given_action


# %% alternative="baseline_must_not_see_the_action" name="enumeration"
def baseline_must_not_see_the_action(probs, pay, baseline):
    num_arms = len(probs)
    bias = torch.zeros(num_arms)
    for arm in range(num_arms):
        score = torch.eye(num_arms)[arm] - probs
        for reward in (0, 1):
            chance = pay[arm] if reward else 1 - pay[arm]
            bias = bias - probs[arm] * chance * score * baseline[arm, reward]
    return bias


# %% alternative="baseline_must_not_see_the_action" name="estimate_less_truth"
def baseline_must_not_see_the_action(probs, pay, baseline):
    scores = torch.eye(len(probs)) - probs  # [a, k]
    chances = probs[:, None] * torch.stack([1 - pay, pay], dim=1)  # [a, r]
    rewards = torch.tensor([0.0, 1.0])
    expected = ((chances * (rewards - baseline)).sum(1)[:, None] * scores).sum(0)
    truth = ((chances * rewards).sum(1)[:, None] * scores).sum(0)
    return expected - truth


# %% mutant="RecurrentBaseline" name="sees_the_action" diagnosis="Your value at t knows a_t: it reads the action column one step too early. Such a baseline can predict the return of each arm, subtracts exactly what the policy should learn from, and the gradient's average goes to zero (section 4.3). Feed the inputs as they are: their action is a_{t-1}."
class RecurrentBaseline(nn.Module):
    def __init__(self, observation_shape, num_actions, hidden_size=32):
        super().__init__()
        self.embedding = StepEmbedding(observation_shape, num_actions)
        self.gru = nn.GRU(self.embedding.size, hidden_size, batch_first=True)
        self.head = nn.Linear(hidden_size, 1)

    def values(self, inputs):
        action = torch.cat([inputs.prev_action[:, 1:], inputs.prev_action[:, -1:]], dim=1)
        states, _ = self.gru(self.embedding(inputs._replace(prev_action=action)))
        return self.head(states).squeeze(-1)


# %% mutant="RecurrentBaseline" name="sees_the_reward" diagnosis="Your value at t knows r_t: it reads the reward column one step too early. The action caused that reward, so the baseline is no longer independent of the action, and the gradient is biased (section 4.3). Feed the inputs as they are: their reward is r_{t-1}."
class RecurrentBaseline(nn.Module):
    def __init__(self, observation_shape, num_actions, hidden_size=32):
        super().__init__()
        self.embedding = StepEmbedding(observation_shape, num_actions)
        self.gru = nn.GRU(self.embedding.size, hidden_size, batch_first=True)
        self.head = nn.Linear(hidden_size, 1)

    def values(self, inputs):
        reward = torch.cat([inputs.prev_reward[:, 1:], inputs.prev_reward[:, -1:]], dim=1)
        states, _ = self.gru(self.embedding(inputs._replace(prev_reward=reward)))
        return self.head(states).squeeze(-1)


# %% mutant="RecurrentBaseline" name="reads_the_future" diagnosis="Your values change when something LATER in the trial changes, as with a bidirectional GRU. A value that has seen what followed has seen the action's consequences: a biased gradient (section 4.3). One GRU, forward in time."
class RecurrentBaseline(nn.Module):
    def __init__(self, observation_shape, num_actions, hidden_size=32):
        super().__init__()
        self.embedding = StepEmbedding(observation_shape, num_actions)
        self.gru = nn.GRU(self.embedding.size, hidden_size, batch_first=True, bidirectional=True)
        self.head = nn.Linear(2 * hidden_size, 1)

    def values(self, inputs):
        states, _ = self.gru(self.embedding(inputs))
        return self.head(states).squeeze(-1)


# %% mutant="RecurrentBaseline" name="time_and_batch_swapped" diagnosis="Your GRU runs along the batch: one trial's values depend on the other trials. nn.GRU takes time first unless you say batch_first=True."
class RecurrentBaseline(nn.Module):
    def __init__(self, observation_shape, num_actions, hidden_size=32):
        super().__init__()
        self.embedding = StepEmbedding(observation_shape, num_actions)
        self.gru = nn.GRU(self.embedding.size, hidden_size)
        self.head = nn.Linear(hidden_size, 1)

    def values(self, inputs):
        states, _ = self.gru(self.embedding(inputs))
        return self.head(states).squeeze(-1)


# %% mutant="RecurrentBaseline" name="extra_dimension" diagnosis="Your values are [B, T, 1]. Then returns - values crashes or, with as many trials as steps, broadcasts to [T, T, T] without a word. Take the last dimension away: .squeeze(-1) (exercise 4.4)."
class RecurrentBaseline(nn.Module):
    def __init__(self, observation_shape, num_actions, hidden_size=32):
        super().__init__()
        self.embedding = StepEmbedding(observation_shape, num_actions)
        self.gru = nn.GRU(self.embedding.size, hidden_size, batch_first=True)
        self.head = nn.Linear(hidden_size, 1)

    def values(self, inputs):
        states, _ = self.gru(self.embedding(inputs))
        return self.head(states)


# %% mutant="RecurrentBaseline" name="last_state_only" diagnosis="You used the last state only, one value for each trial. Every step needs its own: the GRU's first result holds all states, [B, T, H]."
class RecurrentBaseline(nn.Module):
    def __init__(self, observation_shape, num_actions, hidden_size=32):
        super().__init__()
        self.embedding = StepEmbedding(observation_shape, num_actions)
        self.gru = nn.GRU(self.embedding.size, hidden_size, batch_first=True)
        self.head = nn.Linear(hidden_size, 1)

    def values(self, inputs):
        _, last = self.gru(self.embedding(inputs))
        return self.head(last[0]).squeeze(-1)


# %% mutant="RecurrentBaseline" name="no_memory" diagnosis="Your baseline has no memory: its value depends on the newest input only. What return to expect depends on everything that happened in the trial; use a GRU (section 4.4)."
class RecurrentBaseline(nn.Module):
    def __init__(self, observation_shape, num_actions, hidden_size=32):
        super().__init__()
        self.embedding = StepEmbedding(observation_shape, num_actions)
        self.layer = nn.Linear(self.embedding.size, hidden_size)
        self.head = nn.Linear(hidden_size, 1)

    def values(self, inputs):
        return self.head(torch.tanh(self.layer(self.embedding(inputs)))).squeeze(-1)


# %% mutant="RecurrentBaseline" name="state_reset_at_episode_ends" diagnosis="Your state starts afresh at every episode. It lives for the whole TRIAL, as the policy's does: what happened in earlier episodes is what tells which return to expect (section 4.4)."
class RecurrentBaseline(nn.Module):
    def __init__(self, observation_shape, num_actions, hidden_size=32):
        super().__init__()
        self.embedding = StepEmbedding(observation_shape, num_actions)
        self.gru = nn.GRU(self.embedding.size, hidden_size, batch_first=True)
        self.head = nn.Linear(hidden_size, 1)

    def values(self, inputs):
        features = self.embedding(inputs)
        state = features.new_zeros(1, len(features), self.gru.hidden_size)
        values = []
        for t in range(features.shape[1]):
            state = state * (1 - inputs.prev_end[:, t])[None, :, None]
            output, state = self.gru(features[:, t : t + 1], state)
            values.append(self.head(output[:, 0]).squeeze(-1))
        return torch.stack(values, dim=1)


# %% mutant="RecurrentBaseline" name="state_survives_the_trial" diagnosis="Your baseline keeps its state from one call to the next, so these trials start with memories of other trials. Every call starts at a trial's start: let the GRU begin from zeros."
class RecurrentBaseline(nn.Module):
    def __init__(self, observation_shape, num_actions, hidden_size=32):
        super().__init__()
        self.embedding = StepEmbedding(observation_shape, num_actions)
        self.gru = nn.GRU(self.embedding.size, hidden_size, batch_first=True)
        self.head = nn.Linear(hidden_size, 1)
        self.state = None

    def values(self, inputs):
        states, self.state = self.gru(self.embedding(inputs), self.state)
        self.state = self.state.detach()
        return self.head(states).squeeze(-1)


# %% mutant="RecurrentBaseline" name="never_negative" diagnosis="Your values cannot be negative. A return can be any number (in the maze every step costs something), so the last layer is linear, as it is."
class RecurrentBaseline(nn.Module):
    def __init__(self, observation_shape, num_actions, hidden_size=32):
        super().__init__()
        self.embedding = StepEmbedding(observation_shape, num_actions)
        self.gru = nn.GRU(self.embedding.size, hidden_size, batch_first=True)
        self.head = nn.Linear(hidden_size, 1)

    def values(self, inputs):
        states, _ = self.gru(self.embedding(inputs))
        return torch.relu(self.head(states)).squeeze(-1)


# %% mutant="RecurrentBaseline" name="squashed" diagnosis="Your values are squashed into (-1, 1). A return can be any number; ten pulls can be worth 9.5. The last layer is linear, as it is."
class RecurrentBaseline(nn.Module):
    def __init__(self, observation_shape, num_actions, hidden_size=32):
        super().__init__()
        self.embedding = StepEmbedding(observation_shape, num_actions)
        self.gru = nn.GRU(self.embedding.size, hidden_size, batch_first=True)
        self.head = nn.Linear(hidden_size, 1)

    def values(self, inputs):
        states, _ = self.gru(self.embedding(inputs))
        return torch.tanh(self.head(states)).squeeze(-1)


# %% mutant="RecurrentBaseline" name="reads_observations_only" diagnosis="Your values do not depend on previous actions and rewards. A bandit shows nothing else, so such a baseline knows only the time. Give it the same inputs as the policy: all four columns."
class RecurrentBaseline(nn.Module):
    def __init__(self, observation_shape, num_actions, hidden_size=32):
        super().__init__()
        self.embedding = StepEmbedding(observation_shape, num_actions)
        self.gru = nn.GRU(self.embedding.size, hidden_size, batch_first=True)
        self.head = nn.Linear(hidden_size, 1)

    def values(self, inputs):
        nothing = inputs._replace(prev_action=0 * inputs.prev_action, prev_reward=0 * inputs.prev_reward)
        states, _ = self.gru(self.embedding(nothing))
        return self.head(states).squeeze(-1)


# %% mutant="RecurrentBaseline" name="gradient_cut" diagnosis="No gradient reaches some of your baseline's parameters (a no_grad or detach inside `values`?). It must learn, by its own loss. Detach its values where the ADVANTAGE is made, not here."
class RecurrentBaseline(nn.Module):
    def __init__(self, observation_shape, num_actions, hidden_size=32):
        super().__init__()
        self.embedding = StepEmbedding(observation_shape, num_actions)
        self.gru = nn.GRU(self.embedding.size, hidden_size, batch_first=True)
        self.head = nn.Linear(hidden_size, 1)

    def values(self, inputs):
        with torch.no_grad():
            states, _ = self.gru(self.embedding(inputs))
        return self.head(states).squeeze(-1)


# %% mutant="RecurrentBaseline" name="no_output_layer" diagnosis="There is no output layer: you averaged hidden units, which lie in (-1, 1). One linear layer with one output turns the state into a return of any size."
class RecurrentBaseline(nn.Module):
    def __init__(self, observation_shape, num_actions, hidden_size=32):
        super().__init__()
        self.embedding = StepEmbedding(observation_shape, num_actions)
        self.gru = nn.GRU(self.embedding.size, hidden_size, batch_first=True)

    def values(self, inputs):
        states, _ = self.gru(self.embedding(inputs))
        return states.mean(dim=-1)


# %% alternative="RecurrentBaseline" name="cell_by_cell"
class RecurrentBaseline(nn.Module):
    def __init__(self, observation_shape, num_actions, hidden_size=32):
        super().__init__()
        self.embedding = StepEmbedding(observation_shape, num_actions)
        self.cell = nn.GRUCell(self.embedding.size, hidden_size)
        self.out = nn.Linear(hidden_size, 1)

    def values(self, inputs):
        features = self.embedding(inputs)
        state = features.new_zeros(len(features), self.cell.hidden_size)
        values = []
        for now in features.unbind(dim=1):
            state = self.cell(now, state)
            values.append(self.out(state)[:, 0])
        return torch.stack(values, dim=1)


# %% alternative="RecurrentBaseline" name="time_first_inside"
class RecurrentBaseline(nn.Module):
    def __init__(self, observation_shape, num_actions, hidden_size=32):
        super().__init__()
        self.features = StepEmbedding(observation_shape, num_actions)
        self.memory = nn.GRU(self.features.size, hidden_size)
        self.to_value = nn.Linear(hidden_size, 1)

    def values(self, inputs):
        states, _ = self.memory(self.features(inputs).transpose(0, 1))
        return self.to_value(states)[..., 0].transpose(0, 1)


# %% mutant="baseline_loss" name="padding_counts" diagnosis="The padding counts: the baseline is trained to predict zeros at steps that never happened, and its real errors weigh less. Average over the steps where the mask is true."
def baseline_loss(value, target, mask):
    return 0.5 * (value - target.detach()).square().mean()


# %% mutant="baseline_loss" name="divided_by_padding_too" diagnosis="The padding is left out of the sum and not of the count: you divided by B * T. Divide by the number of steps that count, mask.sum()."
def baseline_loss(value, target, mask):
    return 0.5 * torch.where(mask, (value - target.detach()).square(), 0.0).mean()


# %% mutant="baseline_loss" name="half_forgotten" diagnosis="The factor one half is missing. It is a convention (the gradient is then value minus target), and the contract here."
def baseline_loss(value, target, mask):
    return (value - target.detach()).square()[mask].mean()


# %% mutant="baseline_loss" name="sum_over_steps" diagnosis="You summed over the steps of a trial, as in REINFORCE's loss. This is a plain regression: average over all steps that count (exercise 4.5)."
def baseline_loss(value, target, mask):
    return 0.5 * torch.where(mask, (value - target.detach()).square(), 0.0).sum(dim=1).mean()


# %% mutant="baseline_loss" name="sum_over_everything" diagnosis="You summed over all steps, so a larger batch makes a larger gradient. Average over the steps that count."
def baseline_loss(value, target, mask):
    return 0.5 * (value - target.detach()).square()[mask].sum()


# %% mutant="baseline_loss" name="absolute_error" diagnosis="You used the absolute error. Its best guess is the MEDIAN return; a baseline wants the mean, and that is what the squared error finds."
def baseline_loss(value, target, mask):
    return 0.5 * (value - target.detach()).abs()[mask].mean()


# %% mutant="baseline_loss" name="square_of_the_mean_error" diagnosis="You squared the mean error. Errors of both signs cancel then, and a baseline that is wrong everywhere can have loss 0. Square first, then average."
def baseline_loss(value, target, mask):
    return 0.5 * (value - target.detach())[mask].mean().square()


# %% mutant="baseline_loss" name="values_detached" diagnosis="No gradient reaches the values, so the baseline cannot learn. It is the target that is held fixed: detach that one."
def baseline_loss(value, target, mask):
    return 0.5 * (value.detach() - target).square()[mask].mean()


# %% mutant="baseline_loss" name="gradient_enters_the_target" diagnosis="Gradient flows into the target. Returns are plain numbers today, but from 09 on the target is made from values, and then it would be moved towards the guess. Hold it fixed: target.detach()."
def baseline_loss(value, target, mask):
    return 0.5 * (value - target).square()[mask].mean()


# %% alternative="baseline_loss" name="mse_of_selected"
def baseline_loss(value, target, mask):
    return 0.5 * torch.nn.functional.mse_loss(value[mask], target[mask].detach())


# %% alternative="baseline_loss" name="masked_sum"
def baseline_loss(value, target, mask):
    return (((value - target.detach()) ** 2) * mask).sum() / (2 * mask.sum())


# %% mutant="train_step" name="sign_forgotten" diagnosis="The policy went the wrong way: its step is the opposite of what it should be. losses.reinforce_loss carries its minus already; go backward from it as it is."
def train_step(policy, baseline, optimisers, trajectory, discount=1.0, max_grad_norm=1.0):
    inputs, mask = trajectory.step_inputs(), trajectory.mask
    target = returns.discounted_returns(trajectory.reward, mask, discount)
    value = baseline.values(inputs)
    advantage = target - value.detach()
    logits, _ = policy.unroll(inputs)
    log_prob = losses.action_log_probs(logits, trajectory.action)
    found = {
        "policy": losses.reinforce_loss(log_prob, advantage, mask),
        "baseline": losses.baseline_loss(value, target, mask),
    }
    for name, module in (("policy", policy), ("baseline", baseline)):
        optimisers[name].zero_grad()
        (found[name] if name == "baseline" else -found[name]).backward()
        nn.utils.clip_grad_norm_(module.parameters(), max_grad_norm)
        optimisers[name].step()
    return {name: loss.item() for name, loss in found.items()}


# %% mutant="train_step" name="returns_cut_at_episode_ends" diagnosis="Your returns are cut at episode ends. Then nobody ever gets credit for what was found out in an earlier episode, and the agent has no reason to explore (section 4.1). Use returns.discounted_returns over the whole trial."
def train_step(policy, baseline, optimisers, trajectory, discount=1.0, max_grad_norm=1.0):
    inputs, mask = trajectory.step_inputs(), trajectory.mask
    target, to_go = torch.zeros_like(trajectory.reward), torch.zeros_like(trajectory.reward[:, 0])
    for t in reversed(range(target.shape[1])):
        to_go = trajectory.reward[:, t] + discount * to_go * (~trajectory.episode_end[:, t])
        target[:, t] = to_go
    value = baseline.values(inputs)
    advantage = target - value.detach()
    logits, _ = policy.unroll(inputs)
    log_prob = losses.action_log_probs(logits, trajectory.action)
    found = {
        "policy": losses.reinforce_loss(log_prob, advantage, mask),
        "baseline": losses.baseline_loss(value, target, mask),
    }
    for name, module in (("policy", policy), ("baseline", baseline)):
        optimisers[name].zero_grad()
        found[name].backward()
        nn.utils.clip_grad_norm_(module.parameters(), max_grad_norm)
        optimisers[name].step()
    return {name: loss.item() for name, loss in found.items()}


# %% mutant="train_step" name="baseline_not_subtracted" diagnosis="You trained the baseline and did not use it: the advantage is the return less the baseline's value. Without that the gradient is right on average and far noisier (section 4.3)."
def train_step(policy, baseline, optimisers, trajectory, discount=1.0, max_grad_norm=1.0):
    inputs, mask = trajectory.step_inputs(), trajectory.mask
    target = returns.discounted_returns(trajectory.reward, mask, discount)
    value = baseline.values(inputs)
    advantage = target
    logits, _ = policy.unroll(inputs)
    log_prob = losses.action_log_probs(logits, trajectory.action)
    found = {
        "policy": losses.reinforce_loss(log_prob, advantage, mask),
        "baseline": losses.baseline_loss(value, target, mask),
    }
    for name, module in (("policy", policy), ("baseline", baseline)):
        optimisers[name].zero_grad()
        found[name].backward()
        nn.utils.clip_grad_norm_(module.parameters(), max_grad_norm)
        optimisers[name].step()
    return {name: loss.item() for name, loss in found.items()}


# %% mutant="train_step" name="baseline_fitted_before_use" diagnosis="You fitted the baseline to these returns first and used it afterwards. By then it has seen what the actions led to, and part of the signal is subtracted with the noise. Predict first, fit afterwards (exercise 4.6)."
def train_step(policy, baseline, optimisers, trajectory, discount=1.0, max_grad_norm=1.0):
    inputs, mask = trajectory.step_inputs(), trajectory.mask
    target = returns.discounted_returns(trajectory.reward, mask, discount)
    value = baseline.values(inputs)
    fit = losses.baseline_loss(value, target, mask)
    optimisers["baseline"].zero_grad()
    fit.backward()
    nn.utils.clip_grad_norm_(baseline.parameters(), max_grad_norm)
    optimisers["baseline"].step()
    advantage = target - baseline.values(inputs).detach()
    logits, _ = policy.unroll(inputs)
    log_prob = losses.action_log_probs(logits, trajectory.action)
    found = {
        "policy": losses.reinforce_loss(log_prob, advantage, mask),
    }
    for name, module in (("policy", policy),):
        optimisers[name].zero_grad()
        found[name].backward()
        nn.utils.clip_grad_norm_(module.parameters(), max_grad_norm)
        optimisers[name].step()
    found["baseline"] = fit
    return {name: loss.item() for name, loss in found.items()}


# %% mutant="train_step" name="baseline_sees_the_action" diagnosis="The baseline's values in your advantage were computed from a_t and r_t, not from the step inputs. Such a baseline explains away what the action did, and the gradient is biased (section 4.3). Use baseline.values(trajectory.step_inputs())."
def train_step(policy, baseline, optimisers, trajectory, discount=1.0, max_grad_norm=1.0):
    inputs, mask = trajectory.step_inputs(), trajectory.mask
    target = returns.discounted_returns(trajectory.reward, mask, discount)
    value = baseline.values(inputs)
    now = inputs._replace(prev_action=trajectory.action, prev_reward=trajectory.reward)
    advantage = target - baseline.values(now).detach()
    logits, _ = policy.unroll(inputs)
    log_prob = losses.action_log_probs(logits, trajectory.action)
    found = {
        "policy": losses.reinforce_loss(log_prob, advantage, mask),
        "baseline": losses.baseline_loss(value, target, mask),
    }
    for name, module in (("policy", policy), ("baseline", baseline)):
        optimisers[name].zero_grad()
        found[name].backward()
        nn.utils.clip_grad_norm_(module.parameters(), max_grad_norm)
        optimisers[name].step()
    return {name: loss.item() for name, loss in found.items()}


# %% mutant="train_step" name="policy_fed_the_current_action" diagnosis="The policy was unrolled over a_t and r_t in place of a_{t-1} and r_{t-1}: it is asked how likely an action is, having been told that action. Use trajectory.step_inputs(), the very inputs it was fed while acting (02)."
def train_step(policy, baseline, optimisers, trajectory, discount=1.0, max_grad_norm=1.0):
    inputs, mask = trajectory.step_inputs(), trajectory.mask
    target = returns.discounted_returns(trajectory.reward, mask, discount)
    value = baseline.values(inputs)
    advantage = target - value.detach()
    logits, _ = policy.unroll(inputs._replace(prev_action=trajectory.action, prev_reward=trajectory.reward))
    log_prob = losses.action_log_probs(logits, trajectory.action)
    found = {
        "policy": losses.reinforce_loss(log_prob, advantage, mask),
        "baseline": losses.baseline_loss(value, target, mask),
    }
    for name, module in (("policy", policy), ("baseline", baseline)):
        optimisers[name].zero_grad()
        found[name].backward()
        nn.utils.clip_grad_norm_(module.parameters(), max_grad_norm)
        optimisers[name].step()
    return {name: loss.item() for name, loss in found.items()}


# %% mutant="train_step" name="advantage_not_detached" diagnosis="The policy's loss moved the baseline: gradient flowed through the advantage into its weights. The baseline learns from its own loss only. Detach the values where the advantage is made (section 4.2)."
def train_step(policy, baseline, optimisers, trajectory, discount=1.0, max_grad_norm=1.0):
    inputs, mask = trajectory.step_inputs(), trajectory.mask
    target = returns.discounted_returns(trajectory.reward, mask, discount)
    value = baseline.values(inputs)
    advantage = target - value
    logits, _ = policy.unroll(inputs)
    log_prob = losses.action_log_probs(logits, trajectory.action)
    found = {
        "policy": -torch.where(mask, log_prob * advantage, 0.0).sum(dim=1).mean(),
        "baseline": losses.baseline_loss(value, target, mask),
    }
    for name in found:
        optimisers[name].zero_grad()
    (found["policy"] + found["baseline"]).backward()
    for name, module in (("policy", policy), ("baseline", baseline)):
        nn.utils.clip_grad_norm_(module.parameters(), max_grad_norm)
        optimisers[name].step()
    return {name: loss.item() for name, loss in found.items()}


# %% mutant="train_step" name="gradients_accumulate" diagnosis="Old gradients are added to new ones: PyTorch accumulates them until somebody clears them. Call zero_grad() before each backward()."
def train_step(policy, baseline, optimisers, trajectory, discount=1.0, max_grad_norm=1.0):
    inputs, mask = trajectory.step_inputs(), trajectory.mask
    target = returns.discounted_returns(trajectory.reward, mask, discount)
    value = baseline.values(inputs)
    advantage = target - value.detach()
    logits, _ = policy.unroll(inputs)
    log_prob = losses.action_log_probs(logits, trajectory.action)
    found = {
        "policy": losses.reinforce_loss(log_prob, advantage, mask),
        "baseline": losses.baseline_loss(value, target, mask),
    }
    for name, module in (("policy", policy), ("baseline", baseline)):
        found[name].backward()
        nn.utils.clip_grad_norm_(module.parameters(), max_grad_norm)
        optimisers[name].step()
    return {name: loss.item() for name, loss in found.items()}


# %% mutant="train_step" name="not_clipped" diagnosis="The step was taken with a gradient that had not been clipped, so one unlucky batch can throw the policy far off. nn.utils.clip_grad_norm_(module.parameters(), max_grad_norm) stands between backward() and step(): earlier there is nothing to clip, later it is too late."
def train_step(policy, baseline, optimisers, trajectory, discount=1.0, max_grad_norm=1.0):
    inputs, mask = trajectory.step_inputs(), trajectory.mask
    target = returns.discounted_returns(trajectory.reward, mask, discount)
    value = baseline.values(inputs)
    advantage = target - value.detach()
    logits, _ = policy.unroll(inputs)
    log_prob = losses.action_log_probs(logits, trajectory.action)
    found = {
        "policy": losses.reinforce_loss(log_prob, advantage, mask),
        "baseline": losses.baseline_loss(value, target, mask),
    }
    for name, module in (("policy", policy), ("baseline", baseline)):
        optimisers[name].zero_grad()
        found[name].backward()
        optimisers[name].step()
    return {name: loss.item() for name, loss in found.items()}


# %% mutant="train_step" name="clipped_after_the_step" diagnosis="The step was taken with a gradient that had not been clipped, so one unlucky batch can throw the policy far off. nn.utils.clip_grad_norm_(module.parameters(), max_grad_norm) stands between backward() and step(): earlier there is nothing to clip, later it is too late."
def train_step(policy, baseline, optimisers, trajectory, discount=1.0, max_grad_norm=1.0):
    inputs, mask = trajectory.step_inputs(), trajectory.mask
    target = returns.discounted_returns(trajectory.reward, mask, discount)
    value = baseline.values(inputs)
    advantage = target - value.detach()
    logits, _ = policy.unroll(inputs)
    log_prob = losses.action_log_probs(logits, trajectory.action)
    found = {
        "policy": losses.reinforce_loss(log_prob, advantage, mask),
        "baseline": losses.baseline_loss(value, target, mask),
    }
    for name, module in (("policy", policy), ("baseline", baseline)):
        optimisers[name].zero_grad()
        found[name].backward()
        optimisers[name].step()
        nn.utils.clip_grad_norm_(module.parameters(), max_grad_norm)
    return {name: loss.item() for name, loss in found.items()}


# %% mutant="train_step" name="clipped_entry_by_entry" diagnosis="You clipped each entry of the gradient by itself (clip_grad_value_), which changes its direction. Clip its norm: clip_grad_norm_."
def train_step(policy, baseline, optimisers, trajectory, discount=1.0, max_grad_norm=1.0):
    inputs, mask = trajectory.step_inputs(), trajectory.mask
    target = returns.discounted_returns(trajectory.reward, mask, discount)
    value = baseline.values(inputs)
    advantage = target - value.detach()
    logits, _ = policy.unroll(inputs)
    log_prob = losses.action_log_probs(logits, trajectory.action)
    found = {
        "policy": losses.reinforce_loss(log_prob, advantage, mask),
        "baseline": losses.baseline_loss(value, target, mask),
    }
    for name, module in (("policy", policy), ("baseline", baseline)):
        optimisers[name].zero_grad()
        found[name].backward()
        nn.utils.clip_grad_value_(module.parameters(), max_grad_norm)
        optimisers[name].step()
    return {name: loss.item() for name, loss in found.items()}


# %% mutant="train_step" name="clipped_together" diagnosis="Both networks' gradients were clipped by one common norm, so a large error of the baseline shortens the policy's step. Clip each network's gradient by itself."
def train_step(policy, baseline, optimisers, trajectory, discount=1.0, max_grad_norm=1.0):
    inputs, mask = trajectory.step_inputs(), trajectory.mask
    target = returns.discounted_returns(trajectory.reward, mask, discount)
    value = baseline.values(inputs)
    advantage = target - value.detach()
    logits, _ = policy.unroll(inputs)
    log_prob = losses.action_log_probs(logits, trajectory.action)
    found = {
        "policy": losses.reinforce_loss(log_prob, advantage, mask),
        "baseline": losses.baseline_loss(value, target, mask),
    }
    for name in found:
        optimisers[name].zero_grad()
        found[name].backward()
    nn.utils.clip_grad_norm_([*policy.parameters(), *baseline.parameters()], max_grad_norm)
    for name in found:
        optimisers[name].step()
    return {name: loss.item() for name, loss in found.items()}


# %% mutant="train_step" name="baseline_never_steps" diagnosis="The baseline's weights did not move. It has a loss and an optimiser of its own: zero_grad, backward, clip, step, as for the policy."
def train_step(policy, baseline, optimisers, trajectory, discount=1.0, max_grad_norm=1.0):
    inputs, mask = trajectory.step_inputs(), trajectory.mask
    target = returns.discounted_returns(trajectory.reward, mask, discount)
    value = baseline.values(inputs)
    advantage = target - value.detach()
    logits, _ = policy.unroll(inputs)
    log_prob = losses.action_log_probs(logits, trajectory.action)
    found = {
        "policy": losses.reinforce_loss(log_prob, advantage, mask),
        "baseline": losses.baseline_loss(value, target, mask),
    }
    for name, module in (("policy", policy),):
        optimisers[name].zero_grad()
        found[name].backward()
        nn.utils.clip_grad_norm_(module.parameters(), max_grad_norm)
        optimisers[name].step()
    return {name: loss.item() for name, loss in found.items()}


# %% mutant="train_step" name="policy_never_steps" diagnosis="The policy's weights did not move. Did its loss go backward through policy.unroll, outside of any no_grad, and did its optimiser step?"
def train_step(policy, baseline, optimisers, trajectory, discount=1.0, max_grad_norm=1.0):
    inputs, mask = trajectory.step_inputs(), trajectory.mask
    target = returns.discounted_returns(trajectory.reward, mask, discount)
    value = baseline.values(inputs)
    advantage = target - value.detach()
    logits, _ = policy.unroll(inputs)
    log_prob = losses.action_log_probs(logits, trajectory.action)
    found = {
        "policy": losses.reinforce_loss(log_prob, advantage, mask),
        "baseline": losses.baseline_loss(value, target, mask),
    }
    for name, module in (("baseline", baseline),):
        optimisers[name].zero_grad()
        found[name].backward()
        nn.utils.clip_grad_norm_(module.parameters(), max_grad_norm)
        optimisers[name].step()
    return {name: loss.item() for name, loss in found.items()}


# %% mutant="train_step" name="discount_ignored" diagnosis="Your advantage does not use the discount that the baseline is trained with. Return and baseline must speak of the same quantity: compute the returns once, with the given discount, and use them for both."
def train_step(policy, baseline, optimisers, trajectory, discount=1.0, max_grad_norm=1.0):
    inputs, mask = trajectory.step_inputs(), trajectory.mask
    target = returns.discounted_returns(trajectory.reward, mask, discount)
    undiscounted = returns.discounted_returns(trajectory.reward, mask, 1.0)
    value = baseline.values(inputs)
    advantage = undiscounted - value.detach()
    logits, _ = policy.unroll(inputs)
    log_prob = losses.action_log_probs(logits, trajectory.action)
    found = {
        "policy": losses.reinforce_loss(log_prob, advantage, mask),
        "baseline": losses.baseline_loss(value, target, mask),
    }
    for name, module in (("policy", policy), ("baseline", baseline)):
        optimisers[name].zero_grad()
        found[name].backward()
        nn.utils.clip_grad_norm_(module.parameters(), max_grad_norm)
        optimisers[name].step()
    return {name: loss.item() for name, loss in found.items()}


# %% mutant="train_step" name="truncated" diagnosis="The gradient is cut between steps (a detached state), so the policy never learns what to remember. Unroll it over the whole trial in one go: policy.unroll(inputs) (section 4.5)."
def train_step(policy, baseline, optimisers, trajectory, discount=1.0, max_grad_norm=1.0):
    inputs, mask = trajectory.step_inputs(), trajectory.mask
    target = returns.discounted_returns(trajectory.reward, mask, discount)
    value = baseline.values(inputs)
    advantage = target - value.detach()
    state, columns = policy.initial_state(len(mask)), []
    for t in range(mask.shape[1]):
        output, state = policy.step(state.detach(), type(inputs)(*(column[:, t] for column in inputs)))
        columns.append(output)
    logits = torch.stack(columns, dim=1)
    log_prob = losses.action_log_probs(logits, trajectory.action)
    found = {
        "policy": losses.reinforce_loss(log_prob, advantage, mask),
        "baseline": losses.baseline_loss(value, target, mask),
    }
    for name, module in (("policy", policy), ("baseline", baseline)):
        optimisers[name].zero_grad()
        found[name].backward()
        nn.utils.clip_grad_norm_(module.parameters(), max_grad_norm)
        optimisers[name].step()
    return {name: loss.item() for name, loss in found.items()}


# %% alternative="train_step" name="one_backward"
def train_step(policy, baseline, optimisers, trajectory, discount=1.0, max_grad_norm=1.0):
    inputs, mask = trajectory.step_inputs(), trajectory.mask
    target = returns.discounted_returns(trajectory.reward, mask, discount)
    value = baseline.values(inputs)
    advantage = target - value.detach()
    logits, _ = policy.unroll(inputs)
    log_prob = losses.action_log_probs(logits, trajectory.action)
    found = {
        "policy": losses.reinforce_loss(log_prob, advantage, mask),
        "baseline": losses.baseline_loss(value, target, mask),
    }
    for name in found:
        optimisers[name].zero_grad()
    (found["policy"] + found["baseline"]).backward()
    for name, module in (("policy", policy), ("baseline", baseline)):
        nn.utils.clip_grad_norm_(module.parameters(), max_grad_norm)
        optimisers[name].step()
    return {name: loss.item() for name, loss in found.items()}


# %% alternative="train_step" name="baseline_first_values_kept"
def train_step(policy, baseline, optimisers, trajectory, discount=1.0, max_grad_norm=1.0):
    inputs, mask = trajectory.step_inputs(), trajectory.mask
    target = returns.discounted_returns(trajectory.reward, mask, discount)
    value = baseline.values(inputs)
    advantage = (target - value).detach()

    def descend(name, module, loss):
        optimisers[name].zero_grad(set_to_none=False)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(module.parameters(), max_norm=max_grad_norm)
        optimisers[name].step()
        return float(loss.detach())

    fit = descend("baseline", baseline, losses.baseline_loss(value, target, mask))
    log_probs = policy.unroll(inputs)[0].log_softmax(dim=-1)
    taken = log_probs.gather(-1, trajectory.action.unsqueeze(-1)).squeeze(-1)
    loss = -(taken * advantage * mask).sum(dim=1).mean()
    return {"policy": descend("policy", policy, loss), "baseline": fit}
