# %% mutant="train_bandit_agent" name="evaluated_on_training_tasks" diagnosis="Your score is made on tasks that the updates have learned from. An agent can remember those, or at least was pulled towards what happened to pay there, so such a score flatters. Draw the test tasks from generators['test tasks'] after the last update (exercise 5.1, step 2)."
def train_bandit_agent(policy, update, distribution, env, num_iterations, trials_per_iteration, num_test_tasks, generators):
    streams = {"policy_generator": generators["policy"], "env_generator": generators["env"]}
    curve, seen = [], []
    for _ in range(num_iterations):
        tasks = distribution.sample(trials_per_iteration, generators["tasks"])
        seen.append(tasks)
        trajectory = rollout(policy, env, tasks, **streams)
        curve.append(trajectory.trial_return(expected=True).mean())
        update(trajectory)
    tasks = torch.cat(seen).repeat(num_test_tasks, 1)[:num_test_tasks]
    tested = rollout(policy, env, tasks, **streams)
    return torch.stack(curve), tested.trial_return(expected=True).mean().item()


# %% mutant="train_bandit_agent" name="last_of_the_curve" diagnosis="Your score is the curve's last entry. Those trials were played on tasks that an update then learned from, with the weights of before that update. Play fresh tasks after the last update, and score these (exercise 5.1, step 2)."
def train_bandit_agent(policy, update, distribution, env, num_iterations, trials_per_iteration, num_test_tasks, generators):
    streams = {"policy_generator": generators["policy"], "env_generator": generators["env"]}
    curve = []
    for _ in range(num_iterations):
        tasks = distribution.sample(trials_per_iteration, generators["tasks"])
        trajectory = rollout(policy, env, tasks, **streams)
        curve.append(trajectory.trial_return(expected=True).mean())
        update(trajectory)
    return torch.stack(curve), curve[-1].item()


# %% mutant="train_bandit_agent" name="state_carried_across_test_tasks" diagnosis="Your test trials begin in the state in which the trials before them ended: the agent meets a new bandit with its head full of the old one. The state lives for exactly one trial. Let `rollout` play the test tasks: it asks the policy for a fresh state by itself."
def train_bandit_agent(policy, update, distribution, env, num_iterations, trials_per_iteration, num_test_tasks, generators):
    streams = {"policy_generator": generators["policy"], "env_generator": generators["env"]}
    curve = []
    for _ in range(num_iterations):
        tasks = distribution.sample(trials_per_iteration, generators["tasks"])
        trajectory = rollout(policy, env, tasks, **streams)
        curve.append(trajectory.trial_return(expected=True).mean())
        update(trajectory)
    state, total = policy.initial_state(1), []
    for task in distribution.sample(num_test_tasks, generators["test tasks"]):
        inputs, earned, over = StepInput.first(env.reset(task[None], generators["env"])), 0.0, False
        while not over:
            action, state = policy.act(state, inputs, generators["policy"])
            step = env.step(action)
            earned, over = earned + step.expected_reward, bool(step.trial_end)
            inputs = StepInput(step.observation, action, step.reward, step.episode_end.float())
        total.append(earned)
    return torch.stack(curve), torch.cat(total).mean().item()


# %% mutant="train_bandit_agent" name="one_batch_of_tasks" diagnosis="You drew one batch of tasks and trained on it in every iteration. The agent then learns these bandits by heart instead of learning to find out. Draw fresh tasks inside the loop (exercise 5.1, step 1)."
def train_bandit_agent(policy, update, distribution, env, num_iterations, trials_per_iteration, num_test_tasks, generators):
    streams = {"policy_generator": generators["policy"], "env_generator": generators["env"]}
    curve = []
    tasks = distribution.sample(trials_per_iteration, generators["tasks"])
    for _ in range(num_iterations):
        trajectory = rollout(policy, env, tasks, **streams)
        curve.append(trajectory.trial_return(expected=True).mean())
        update(trajectory)
    tasks = distribution.sample(num_test_tasks, generators["test tasks"])
    tested = rollout(policy, env, tasks, **streams)
    return torch.stack(curve), tested.trial_return(expected=True).mean().item()


# %% mutant="train_bandit_agent" name="update_while_testing" diagnosis="You handed the test trials to `update` as well. Then the test tasks are training tasks, and the weights that you hand back are not the ones you scored. Nothing is learned from test trials (exercise 5.1, step 2)."
def train_bandit_agent(policy, update, distribution, env, num_iterations, trials_per_iteration, num_test_tasks, generators):
    streams = {"policy_generator": generators["policy"], "env_generator": generators["env"]}
    curve = []
    for _ in range(num_iterations):
        tasks = distribution.sample(trials_per_iteration, generators["tasks"])
        trajectory = rollout(policy, env, tasks, **streams)
        curve.append(trajectory.trial_return(expected=True).mean())
        update(trajectory)
    tasks = distribution.sample(num_test_tasks, generators["test tasks"])
    tested = rollout(policy, env, tasks, **streams)
    update(tested)
    return torch.stack(curve), tested.trial_return(expected=True).mean().item()


# %% mutant="train_bandit_agent" name="tested_before_training" diagnosis="You played the test tasks before the first update, so your score is the untrained agent's. Test after the loop."
def train_bandit_agent(policy, update, distribution, env, num_iterations, trials_per_iteration, num_test_tasks, generators):
    streams = {"policy_generator": generators["policy"], "env_generator": generators["env"]}
    tested = rollout(policy, env, distribution.sample(num_test_tasks, generators["test tasks"]), **streams)
    curve = []
    for _ in range(num_iterations):
        tasks = distribution.sample(trials_per_iteration, generators["tasks"])
        trajectory = rollout(policy, env, tasks, **streams)
        curve.append(trajectory.trial_return(expected=True).mean())
        update(trajectory)
    return torch.stack(curve), tested.trial_return(expected=True).mean().item()


# %% mutant="train_bandit_agent" name="sampled_rewards" diagnosis="You summed the rewards that were drawn. Their mean is the same, but the coins' luck is in it, and differences between good agents are small against that. Use trial_return(expected=True)."
def train_bandit_agent(policy, update, distribution, env, num_iterations, trials_per_iteration, num_test_tasks, generators):
    streams = {"policy_generator": generators["policy"], "env_generator": generators["env"]}
    curve = []
    for _ in range(num_iterations):
        tasks = distribution.sample(trials_per_iteration, generators["tasks"])
        trajectory = rollout(policy, env, tasks, **streams)
        curve.append(trajectory.trial_return().mean())
        update(trajectory)
    tasks = distribution.sample(num_test_tasks, generators["test tasks"])
    tested = rollout(policy, env, tasks, **streams)
    return torch.stack(curve), tested.trial_return().mean().item()


# %% mutant="train_bandit_agent" name="mean_over_pulls" diagnosis="You averaged over pulls as well: your numbers are per pull. A trial's return is the SUM over its pulls; only trials are averaged."
def train_bandit_agent(policy, update, distribution, env, num_iterations, trials_per_iteration, num_test_tasks, generators):
    streams = {"policy_generator": generators["policy"], "env_generator": generators["env"]}
    curve = []
    for _ in range(num_iterations):
        tasks = distribution.sample(trials_per_iteration, generators["tasks"])
        trajectory = rollout(policy, env, tasks, **streams)
        curve.append(trajectory.expected_reward.mean())
        update(trajectory)
    tasks = distribution.sample(num_test_tasks, generators["test tasks"])
    tested = rollout(policy, env, tasks, **streams)
    return torch.stack(curve), tested.expected_reward.mean().item()


# %% mutant="train_bandit_agent" name="test_tasks_from_the_training_stream" diagnosis="Your test tasks come from generators['tasks']. They are fresh, but which ones they are depends on how long you trained, so two runs of different length are scored on different tasks. Use generators['test tasks']."
def train_bandit_agent(policy, update, distribution, env, num_iterations, trials_per_iteration, num_test_tasks, generators):
    streams = {"policy_generator": generators["policy"], "env_generator": generators["env"]}
    curve = []
    for _ in range(num_iterations):
        tasks = distribution.sample(trials_per_iteration, generators["tasks"])
        trajectory = rollout(policy, env, tasks, **streams)
        curve.append(trajectory.trial_return(expected=True).mean())
        update(trajectory)
    tasks = distribution.sample(num_test_tasks, generators["tasks"])
    tested = rollout(policy, env, tasks, **streams)
    return torch.stack(curve), tested.trial_return(expected=True).mean().item()


# %% mutant="train_bandit_agent" name="policy_and_env_swapped" diagnosis="The two generators of `rollout` changed places: policy_generator takes generators['policy'], env_generator takes generators['env']. Each has a stream of its own so that an agent that draws more often does not change the arms' luck."
def train_bandit_agent(policy, update, distribution, env, num_iterations, trials_per_iteration, num_test_tasks, generators):
    streams = {"policy_generator": generators["env"], "env_generator": generators["policy"]}
    curve = []
    for _ in range(num_iterations):
        tasks = distribution.sample(trials_per_iteration, generators["tasks"])
        trajectory = rollout(policy, env, tasks, **streams)
        curve.append(trajectory.trial_return(expected=True).mean())
        update(trajectory)
    tasks = distribution.sample(num_test_tasks, generators["test tasks"])
    tested = rollout(policy, env, tasks, **streams)
    return torch.stack(curve), tested.trial_return(expected=True).mean().item()


# %% mutant="train_bandit_agent" name="curve_is_a_list" diagnosis="Your curve is a list (or a tuple) of numbers. It should be one tensor [num_iterations]: the next cell stacks the curves of several seeds. torch.stack makes it of a list of tensors, torch.tensor of a list of numbers."
def train_bandit_agent(policy, update, distribution, env, num_iterations, trials_per_iteration, num_test_tasks, generators):
    streams = {"policy_generator": generators["policy"], "env_generator": generators["env"]}
    curve = []
    for _ in range(num_iterations):
        tasks = distribution.sample(trials_per_iteration, generators["tasks"])
        trajectory = rollout(policy, env, tasks, **streams)
        curve.append(trajectory.trial_return(expected=True).mean().item())
        update(trajectory)
    tasks = distribution.sample(num_test_tasks, generators["test tasks"])
    tested = rollout(policy, env, tasks, **streams)
    return curve, tested.trial_return(expected=True).mean().item()


# %% alternative="train_bandit_agent" name="one_function_for_both"
def train_bandit_agent(policy, update, distribution, env, num_iterations, trials_per_iteration, num_test_tasks, generators):
    def trials(number, stream):
        tasks = distribution.sample(number, generators[stream])
        return rollout(policy, env, tasks, policy_generator=generators["policy"], env_generator=generators["env"])

    curve = torch.zeros(num_iterations)
    for iteration in range(num_iterations):
        played = trials(trials_per_iteration, "tasks")
        update(played)
        curve[iteration] = played.expected_reward.sum() / trials_per_iteration
    score = trials(num_test_tasks, "test tasks").expected_reward.sum(dim=1).mean()
    return curve, float(score)


# %% alternative="train_bandit_agent" name="tests_one_by_one"
def train_bandit_agent(policy, update, distribution, env, num_iterations, trials_per_iteration, num_test_tasks, generators):
    streams = {"policy_generator": generators["policy"], "env_generator": generators["env"]}
    curve = []
    for _ in range(num_iterations):
        trajectory = rollout(policy, env, distribution.sample(trials_per_iteration, generators["tasks"]), **streams)
        curve.append(trajectory.trial_return(expected=True).mean())
        update(trajectory)
    tested = rollout(policy, env, distribution.sample(num_test_tasks, generators["test tasks"]), **streams)
    total = 0.0
    for value in tested.trial_return(expected=True).tolist():
        total += value / num_test_tasks
    return torch.tensor([float(value) for value in curve]), total


# %% mutant="normalised_score" name="best_row_as_reference" diagnosis="You took the table's best row as the reference. Then somebody always scores 1, and if that is an agent who was TOLD the task, everybody else is measured against a present they never got. The reference is the agent that the argument names (section 5.2)."
def normalised_score(scores, random, reference):
    means = {name: values.mean().item() for name, values in scores.items()}
    low, high = means[random], max(means.values())
    return {name: (mean - low) / (high - low) for name, mean in means.items()}


# %% mutant="normalised_score" name="worst_row_as_random" diagnosis="You put the table's worst row at 0. Agents can be worse than random play, and should show it by a score below 0. The zero is the agent that the argument `random` names."
def normalised_score(scores, random, reference):
    means = {name: values.mean().item() for name, values in scores.items()}
    low, high = min(means.values()), means[reference]
    return {name: (mean - low) / (high - low) for name, mean in means.items()}


# %% mutant="normalised_score" name="random_not_subtracted" diagnosis="You divided by the reference's score without subtracting random's. Then random play scores 5 / 6.66 = 0.75 on our bandits, which looks like most of the way. Subtract random's mean above AND below."
def normalised_score(scores, random, reference):
    means = {name: values.mean().item() for name, values in scores.items()}
    return {name: mean / means[reference] for name, mean in means.items()}


# %% mutant="normalised_score" name="random_subtracted_above_only" diagnosis="You subtracted random's mean in the numerator only. Then the reference itself does not score 1. The denominator is the way from random to the reference."
def normalised_score(scores, random, reference):
    means = {name: values.mean().item() for name, values in scores.items()}
    return {name: (mean - means[random]) / means[reference] for name, mean in means.items()}


# %% mutant="normalised_score" name="mean_of_ratios" diagnosis="You divided task by task and averaged the ratios. On a single task the reference may earn hardly more than random, or less, and such a ratio can be anything. Take the means first, then ONE ratio (section 5.2)."
def normalised_score(scores, random, reference):
    gap = scores[reference] - scores[random]
    return {name: ((values - scores[random]) / gap).mean().item() for name, values in scores.items()}


# %% mutant="normalised_score" name="roles_swapped" diagnosis="Random scores 1 and the reference 0: the two changed places. Subtract random's mean, divide by (reference - random)."
def normalised_score(scores, random, reference):
    means = {name: values.mean().item() for name, values in scores.items()}
    low, high = means[reference], means[random]
    return {name: (mean - low) / (high - low) for name, mean in means.items()}


# %% mutant="normalised_score" name="clipped" diagnosis="You clipped the score to [0, 1]. An agent below random, or above the reference, is the most interesting row of a table; do not hide it."
def normalised_score(scores, random, reference):
    means = {name: values.mean().item() for name, values in scores.items()}
    low, high = means[random], means[reference]
    return {name: min(max((mean - low) / (high - low), 0.0), 1.0) for name, mean in means.items()}


# %% mutant="normalised_score" name="percent" diagnosis="Your scores are percentages. The scale runs from 0 (random) to 1 (reference)."
def normalised_score(scores, random, reference):
    means = {name: values.mean().item() for name, values in scores.items()}
    low, high = means[random], means[reference]
    return {name: 100 * (mean - low) / (high - low) for name, mean in means.items()}


# %% mutant="normalised_score" name="brackets_forgotten" diagnosis="Brackets are missing: `a - b / c` divides first. The difference belongs in brackets, (mean - random's mean) / (reference's mean - random's mean); then random itself scores 0."
def normalised_score(scores, random, reference):
    means = {name: values.mean().item() for name, values in scores.items()}
    low, high = means[random], means[reference]
    return {name: mean - low / (high - low) for name, mean in means.items()}


# %% mutant="normalised_score" name="names_ignored" diagnosis="Your zero is always the agent that is CALLED \"random\". Which agent scores 0 is what the argument `random` says: scores[random], without quotes. Below greedy takes that place."
def normalised_score(scores, random, reference):
    means = {name: values.mean().item() for name, values in scores.items()}
    low, high = means["random"], means["optimal"]
    return {name: (mean - low) / (high - low) for name, mean in means.items()}


# %% alternative="normalised_score" name="stacked"
def normalised_score(scores, random, reference):
    table = torch.stack(list(scores.values())).mean(dim=1)
    names = list(scores)
    low, high = table[names.index(random)], table[names.index(reference)]
    return dict(zip(names, ((table - low) / (high - low)).tolist()))


# %% alternative="normalised_score" name="sums_of_gains"
def normalised_score(scores, random, reference):
    lead = (scores[reference] - scores[random]).sum()
    return {name: float((values - scores[random]).sum() / lead) for name, values in scores.items()}


# %% mutant="imitate" name="leaks_the_teachers_action" diagnosis="The student reads the teacher's current action: you put the label of step t into the input of step t. The loss falls to zero at once, and the student has learned to copy a column that is not there when it plays. Its input at t is a_{t-1}, what was PLAYED one step before: use trajectory.step_inputs() as it is (exercise 5.3)."
def imitate(policy, teacher, trajectory, generator):
    inputs = trajectory.step_inputs()
    state, labels = teacher.initial_state(len(trajectory.mask)), []
    for t in range(trajectory.mask.shape[1]):
        action, state = teacher.act(state, StepInput(*(column[:, t] for column in inputs)), generator)
        labels.append(action)
    labels = torch.stack(labels, dim=1)
    logits, _ = policy.unroll(inputs._replace(prev_action=labels))
    return -losses.masked_mean(losses.action_log_probs(logits, labels), trajectory.mask)


# %% mutant="imitate" name="leaks_the_action_played" diagnosis="You fed a_t where the contract wants a_{t-1}: the student's input of step t tells what was played at step t. If the teacher plays, that is the label itself. Use trajectory.step_inputs(), which is one step late (notebook 02)."
def imitate(policy, teacher, trajectory, generator):
    inputs = trajectory.step_inputs()
    state, labels = teacher.initial_state(len(trajectory.mask)), []
    for t in range(trajectory.mask.shape[1]):
        action, state = teacher.act(state, StepInput(*(column[:, t] for column in inputs)), generator)
        labels.append(action)
    labels = torch.stack(labels, dim=1)
    logits, _ = policy.unroll(inputs._replace(prev_action=trajectory.action))
    return -losses.masked_mean(losses.action_log_probs(logits, labels), trajectory.mask)


# %% mutant="imitate" name="copies_what_was_played" diagnosis="Your labels are the actions that were played. If the student played, it is trained to repeat itself. The label is what the TEACHER would have done at that step: replay it over the step inputs."
def imitate(policy, teacher, trajectory, generator):
    logits, _ = policy.unroll(trajectory.step_inputs())
    return -losses.masked_mean(losses.action_log_probs(logits, trajectory.action), trajectory.mask)


# %% mutant="imitate" name="teacher_fed_its_own_choices" diagnosis="You told the teacher that its own choice had been played. It was not: the reward beside it came from another arm, so its counts are of a trial that never was. At the next step tell it what was really played: input t as it is (exercise 5.3)."
def imitate(policy, teacher, trajectory, generator):
    inputs = trajectory.step_inputs()
    state, labels = teacher.initial_state(len(trajectory.mask)), []
    for t in range(trajectory.mask.shape[1]):
        told = StepInput(*(column[:, t] for column in inputs))
        if labels:
            told = told._replace(prev_action=labels[-1])
        action, state = teacher.act(state, told, generator)
        labels.append(action)
    logits, _ = policy.unroll(inputs)
    log_prob = losses.action_log_probs(logits, torch.stack(labels, dim=1))
    return -losses.masked_mean(log_prob, trajectory.mask)


# %% mutant="imitate" name="teacher_forgets" diagnosis="Your teacher starts afresh at every step, so it says the same at each: it knows of no pull. Its state (its counts) is its knowledge of the trial: make it once, before the loop, and carry it from step to step, `action, state = teacher.act(state, ...)`."
def imitate(policy, teacher, trajectory, generator):
    inputs = trajectory.step_inputs()
    labels = []
    for t in range(trajectory.mask.shape[1]):
        state = teacher.initial_state(len(trajectory.mask))
        action, _ = teacher.act(state, StepInput(*(column[:, t] for column in inputs)), generator)
        labels.append(action)
    logits, _ = policy.unroll(inputs)
    log_prob = losses.action_log_probs(logits, torch.stack(labels, dim=1))
    return -losses.masked_mean(log_prob, trajectory.mask)


# %% mutant="imitate" name="padding_counts" diagnosis="You averaged over padding as well. Steps after a trial's end belong to nobody: average where trajectory.mask is true."
def imitate(policy, teacher, trajectory, generator):
    inputs = trajectory.step_inputs()
    state, labels = teacher.initial_state(len(trajectory.mask)), []
    for t in range(trajectory.mask.shape[1]):
        action, state = teacher.act(state, StepInput(*(column[:, t] for column in inputs)), generator)
        labels.append(action)
    logits, _ = policy.unroll(inputs)
    return -losses.action_log_probs(logits, torch.stack(labels, dim=1)).mean()


# %% mutant="imitate" name="divided_by_all_steps" diagnosis="You left out the padding in the sum and counted it in the number of steps: `.mean()` divides by B times T. Divide by the steps that belong to a trial, trajectory.mask.sum(), or use losses.masked_mean."
def imitate(policy, teacher, trajectory, generator):
    inputs = trajectory.step_inputs()
    state, labels = teacher.initial_state(len(trajectory.mask)), []
    for t in range(trajectory.mask.shape[1]):
        action, state = teacher.act(state, StepInput(*(column[:, t] for column in inputs)), generator)
        labels.append(action)
    logits, _ = policy.unroll(inputs)
    log_prob = losses.action_log_probs(logits, torch.stack(labels, dim=1))
    return -(log_prob * trajectory.mask).mean()


# %% mutant="imitate" name="trials_count_alike" diagnosis="You averaged within each trial first, then over trials, so a step of a short trial weighs more than one of a long trial. Here every step is one example: one sum over all steps, divided by their number."
def imitate(policy, teacher, trajectory, generator):
    inputs = trajectory.step_inputs()
    state, labels = teacher.initial_state(len(trajectory.mask)), []
    for t in range(trajectory.mask.shape[1]):
        action, state = teacher.act(state, StepInput(*(column[:, t] for column in inputs)), generator)
        labels.append(action)
    logits, _ = policy.unroll(inputs)
    log_prob = losses.action_log_probs(logits, torch.stack(labels, dim=1))
    per_trial = (log_prob * trajectory.mask).sum(dim=1) / trajectory.mask.sum(dim=1)
    return -per_trial.mean()


# %% mutant="imitate" name="logits_for_log_probabilities" diagnosis="You took the label's logit as it is. Logits are log-probabilities only up to a constant of each step: normalise them first, log_softmax over the actions (losses.action_log_probs does it, and so does cross_entropy). Otherwise the loss falls without end while all logits rise together."
def imitate(policy, teacher, trajectory, generator):
    inputs = trajectory.step_inputs()
    state, labels = teacher.initial_state(len(trajectory.mask)), []
    for t in range(trajectory.mask.shape[1]):
        action, state = teacher.act(state, StepInput(*(column[:, t] for column in inputs)), generator)
        labels.append(action)
    logits, _ = policy.unroll(inputs)
    chosen = logits.gather(-1, torch.stack(labels, dim=1)[..., None])[..., 0]
    return -losses.masked_mean(chosen, trajectory.mask)


# %% mutant="imitate" name="student_reads_the_present" diagnosis="Your student reads the trajectory's own columns: at step t it sees a_t and r_t, the action that it is asked about and what came of it. When it plays, they are not there yet. What was known at step t is in trajectory.step_inputs(), one step late."
def imitate(policy, teacher, trajectory, generator):
    inputs = trajectory.step_inputs()
    state, labels = teacher.initial_state(len(trajectory.mask)), []
    for t in range(trajectory.mask.shape[1]):
        action, state = teacher.act(state, StepInput(*(column[:, t] for column in inputs)), generator)
        labels.append(action)
    present = StepInput(trajectory.observation, trajectory.action, trajectory.reward, trajectory.episode_end.float())
    logits, _ = policy.unroll(present)
    log_prob = losses.action_log_probs(logits, torch.stack(labels, dim=1))
    return -losses.masked_mean(log_prob, trajectory.mask)


# %% mutant="imitate" name="teacher_reads_the_present" diagnosis="You told your teacher at step t what was played AT step t, and what it paid, before it chose. So it answers for the step after, and never hears of the first pull. Tell it what was known then, trajectory.step_inputs(): the pull before."
def imitate(policy, teacher, trajectory, generator):
    inputs = trajectory.step_inputs()
    present = StepInput(trajectory.observation, trajectory.action, trajectory.reward, trajectory.episode_end.float())
    state, labels = teacher.initial_state(len(trajectory.mask)), []
    for t in range(trajectory.mask.shape[1]):
        action, state = teacher.act(state, StepInput(*(column[:, t] for column in present)), generator)
        labels.append(action)
    logits, _ = policy.unroll(inputs)
    log_prob = losses.action_log_probs(logits, torch.stack(labels, dim=1))
    return -losses.masked_mean(log_prob, trajectory.mask)


# %% mutant="imitate" name="sign_forgotten" diagnosis="The sign is missing: an optimiser walks down, and the teacher's action should become LIKELIER. The loss is minus the log-probability."
def imitate(policy, teacher, trajectory, generator):
    inputs = trajectory.step_inputs()
    state, labels = teacher.initial_state(len(trajectory.mask)), []
    for t in range(trajectory.mask.shape[1]):
        action, state = teacher.act(state, StepInput(*(column[:, t] for column in inputs)), generator)
        labels.append(action)
    logits, _ = policy.unroll(inputs)
    log_prob = losses.action_log_probs(logits, torch.stack(labels, dim=1))
    return losses.masked_mean(log_prob, trajectory.mask)


# %% mutant="imitate" name="sum_over_steps" diagnosis="You summed over the steps of a trial. Here a mean over all steps is asked for: this is a classification, every step one example."
def imitate(policy, teacher, trajectory, generator):
    inputs = trajectory.step_inputs()
    state, labels = teacher.initial_state(len(trajectory.mask)), []
    for t in range(trajectory.mask.shape[1]):
        action, state = teacher.act(state, StepInput(*(column[:, t] for column in inputs)), generator)
        labels.append(action)
    logits, _ = policy.unroll(inputs)
    log_prob = losses.action_log_probs(logits, torch.stack(labels, dim=1))
    return -(log_prob * trajectory.mask).sum(dim=1).mean()


# %% mutant="imitate" name="probability_for_log_probability" diagnosis="You used the label's probability in place of its logarithm. Cross-entropy is minus the LOG-probability: it grows without bound where the student is sure and wrong, which is where it should learn most."
def imitate(policy, teacher, trajectory, generator):
    inputs = trajectory.step_inputs()
    state, labels = teacher.initial_state(len(trajectory.mask)), []
    for t in range(trajectory.mask.shape[1]):
        action, state = teacher.act(state, StepInput(*(column[:, t] for column in inputs)), generator)
        labels.append(action)
    logits, _ = policy.unroll(inputs)
    log_prob = losses.action_log_probs(logits, torch.stack(labels, dim=1))
    return -losses.masked_mean(log_prob.exp(), trajectory.mask)


# %% mutant="imitate" name="gradient_cut" diagnosis="No gradient reaches the student: its logits are detached, or computed under no_grad. The teacher needs no gradient, the student does."
def imitate(policy, teacher, trajectory, generator):
    inputs = trajectory.step_inputs()
    state, labels = teacher.initial_state(len(trajectory.mask)), []
    with torch.no_grad():
        for t in range(trajectory.mask.shape[1]):
            action, state = teacher.act(state, StepInput(*(column[:, t] for column in inputs)), generator)
            labels.append(action)
        logits, _ = policy.unroll(inputs)
    log_prob = losses.action_log_probs(logits, torch.stack(labels, dim=1))
    return -losses.masked_mean(log_prob, trajectory.mask)


# %% alternative="imitate" name="cross_entropy"
def imitate(policy, teacher, trajectory, generator):
    inputs, mask = trajectory.step_inputs(), trajectory.mask
    labels = torch.zeros_like(trajectory.action)
    state = teacher.initial_state(mask.shape[0])
    with torch.no_grad():
        for t in range(mask.shape[1]):
            now = StepInput(inputs.observation[:, t], inputs.prev_action[:, t], inputs.prev_reward[:, t], inputs.prev_end[:, t])
            labels[:, t], state = teacher.act(state, now, generator)
    logits, _ = policy.unroll(inputs)
    return nn.functional.cross_entropy(logits[mask], labels[mask])


# %% alternative="imitate" name="step_by_step"
def imitate(policy, teacher, trajectory, generator):
    inputs, total = trajectory.step_inputs(), 0.0
    told, known = teacher.initial_state(len(trajectory.mask)), policy.initial_state(len(trajectory.mask))
    for t in range(trajectory.mask.shape[1]):
        now = StepInput(*(column[:, t] for column in inputs))
        label, told = teacher.act(told, now, generator)
        logits, known = policy.step(known, now)
        right = logits.log_softmax(dim=-1).gather(1, label[:, None])[:, 0]
        total = total - (right * trajectory.mask[:, t]).sum()
    return total / trajectory.mask.sum()


# %% mutant="dependent_bandit" name="arms_taken_for_independent" diagnosis="You gave each arm the posterior of its own pulls. Here the arms are tied: a failure of arm 1 is as good as a success of arm 0, and all pulls speak about the one unknown p (section 5.5)."
def dependent_bandit(successes, failures):
    return (successes + 1) / (successes + failures + 2)


# %% mutant="dependent_bandit" name="prior_forgotten" diagnosis="The prior is missing: your mean is the plain share of pulls for p (the posterior's mode), which is 0/0 before the first pull and much too sure after it. With p from U[0, 1] the posterior's mean is (h + 1) / (n + 2)."
def dependent_bandit(successes, failures):
    for_p = successes[:, 0] + failures[:, 1]
    p = for_p / (successes + failures).sum(dim=1)
    return torch.stack([p, 1 - p], dim=1)


# %% mutant="dependent_bandit" name="prior_half_counted" diagnosis="Your mean is (h + 1) / (n + 1), which is 1 before the first pull. The prior U[0, 1] is Beta(1, 1): one pull for p AND one against it, so n + 2 below."
def dependent_bandit(successes, failures):
    for_p = successes[:, 0] + failures[:, 1]
    p = (for_p + 1) / ((successes + failures).sum(dim=1) + 1)
    return torch.stack([p, 1 - p], dim=1)


# %% mutant="dependent_bandit" name="prior_counted_twice" diagnosis="You gave each arm a prior of its own, so the prior counts twice: (h + 2) / (n + 4). There is one unknown, p, and it has one prior: (h + 1) / (n + 2)."
def dependent_bandit(successes, failures):
    alpha, beta = successes + 1, failures + 1
    p = (alpha[:, 0] + beta[:, 1]) / (alpha + beta).sum(dim=1)
    return torch.stack([p, 1 - p], dim=1)


# %% mutant="dependent_bandit" name="failures_of_arm_1_left_out" diagnosis="You counted the successes of arm 0 for p, and forgot the failures of arm 1. Arm 1 pays with probability 1 - p, so it fails with probability p: each of its failures speaks for a large p just as a success of arm 0 does."
def dependent_bandit(successes, failures):
    p = (successes[:, 0] + 1) / ((successes + failures).sum(dim=1) + 2)
    return torch.stack([p, 1 - p], dim=1)


# %% mutant="dependent_bandit" name="each_arms_own_pulls_below" diagnosis="You counted both arms' pulls for each mean, and divided by the pulls of one arm: some of your means exceed 1. All n pulls of the trial speak about p, so n + 2 stands below both means."
def dependent_bandit(successes, failures):
    evidence = successes + failures.flip(dims=(1,)) + 1
    return evidence / (successes + failures + 2)


# %% mutant="dependent_bandit" name="posteriors_averaged" diagnosis="You took each arm's posterior by itself and averaged the two. Then an arm that was hardly pulled weighs as much as one that was pulled often, and the prior counts twice. Add up the PULLS for p, and take one posterior."
def dependent_bandit(successes, failures):
    alone = (successes + 1) / (successes + failures + 2)
    p = (alone[:, 0] + 1 - alone[:, 1]) / 2
    return torch.stack([p, 1 - p], dim=1)


# %% mutant="dependent_bandit" name="successes_of_both_speak_for_p" diagnosis="You counted the successes of BOTH arms for p. Arm 1 pays with probability 1 - p: its successes speak against p, its failures for it."
def dependent_bandit(successes, failures):
    pulls = (successes + failures).sum(dim=1)
    p = (successes.sum(dim=1) + 1) / (pulls + 2)
    return torch.stack([p, 1 - p], dim=1)


# %% mutant="dependent_bandit" name="only_arm_0_counts" diagnosis="You used the pulls of arm 0 only. Those of arm 1 tell just as much about p: its failures speak for p, its successes against it."
def dependent_bandit(successes, failures):
    p = (successes[:, 0] + 1) / (successes[:, 0] + failures[:, 0] + 2)
    return torch.stack([p, 1 - p], dim=1)


# %% mutant="dependent_bandit" name="arms_swapped" diagnosis="The two columns are swapped: column 0 is arm 0, whose mean is p."
def dependent_bandit(successes, failures):
    for_p = successes[:, 0] + failures[:, 1]
    p = (for_p + 1) / ((successes + failures).sum(dim=1) + 2)
    return torch.stack([1 - p, p], dim=1)


# %% mutant="dependent_bandit" name="same_mean_for_both" diagnosis="Both of your columns hold p. Arm 1's mean is 1 - p."
def dependent_bandit(successes, failures):
    for_p = successes[:, 0] + failures[:, 1]
    p = (for_p + 1) / ((successes + failures).sum(dim=1) + 2)
    return torch.stack([p, p], dim=1)


# %% mutant="dependent_bandit" name="one_number_a_bandit" diagnosis="You returned one number for each bandit, p. Both arms' means are asked for: [B, 2]."
def dependent_bandit(successes, failures):
    for_p = successes[:, 0] + failures[:, 1]
    return (for_p + 1) / ((successes + failures).sum(dim=1) + 2)


# %% alternative="dependent_bandit" name="flip_the_failures"
def dependent_bandit(successes, failures):
    evidence = successes + failures.flip(dims=(1,)) + 1
    return evidence / evidence.sum(dim=1, keepdim=True)


# %% mutant="eleven_arms" name="information_is_free" diagnosis="Your paying agent is not paid for its first pull. The informative arm is poor, not free: it pays 0.1 to 1.0, .55 on average."
def eleven_arms(pay, read, num_pulls=5):
    paid = (num_pulls - 1) * (1 + 4 * read)
    search = sum((min(j, num_pulls) + 5 * (num_pulls - min(j, num_pulls))) / 10 for j in range(10))
    return pay * paid + (1 - pay) * search


# %% mutant="eleven_arms" name="information_costs_no_pull" diagnosis="Your paying agent pulls n candidates after it has paid. The informative arm takes one of the n pulls: n - 1 are left."
def eleven_arms(pay, read, num_pulls=5):
    paid = 0.55 + num_pulls * (1 + 4 * read)
    search = sum((min(j, num_pulls) + 5 * (num_pulls - min(j, num_pulls))) / 10 for j in range(10))
    return pay * paid + (1 - pay) * search


# %% mutant="eleven_arms" name="targets_counted_from_0" diagnosis="You counted targets from 0, so that the informative arm pays 0.0 to 0.9. It pays a tenth of the target's number, 1 to 10: .55 on average."
def eleven_arms(pay, read, num_pulls=5):
    paid = 0.45 + (num_pulls - 1) * (1 + 4 * read)
    search = sum((min(j, num_pulls) + 5 * (num_pulls - min(j, num_pulls))) / 10 for j in range(10))
    return pay * paid + (1 - pay) * search


# %% mutant="eleven_arms" name="paid_like_a_candidate" diagnosis="Your informative arm pays 1.4, as a random candidate does. It pays a tenth of the target's number: .55 on average."
def eleven_arms(pay, read, num_pulls=5):
    paid = 1.4 + (num_pulls - 1) * (1 + 4 * read)
    search = sum((min(j, num_pulls) + 5 * (num_pulls - min(j, num_pulls))) / 10 for j in range(10))
    return pay * paid + (1 - pay) * search


# %% mutant="eleven_arms" name="misreading_pays_nothing" diagnosis="Your agent earns nothing when it misreads. Every candidate but the target pays 1, so a misreading agent earns 1 a pull: 1 + 4c on average, not 5c."
def eleven_arms(pay, read, num_pulls=5):
    paid = 0.55 + (num_pulls - 1) * 5 * read
    search = sum((min(j, num_pulls) + 5 * (num_pulls - min(j, num_pulls))) / 10 for j in range(10))
    return pay * paid + (1 - pay) * search


# %% mutant="eleven_arms" name="always_reads_rightly" diagnosis="Your paying agent always finds the target: `read` is not used. That it cannot read yet is the whole point (section 5.6)."
def eleven_arms(pay, read, num_pulls=5):
    paid = 0.55 + (num_pulls - 1) * 5.0 + 0 * read
    search = sum((min(j, num_pulls) + 5 * (num_pulls - min(j, num_pulls))) / 10 for j in range(10))
    return pay * paid + (1 - pay) * search


# %% mutant="eleven_arms" name="pulls_at_random_otherwise" diagnosis="Your agent that does not pay earns 1.4 a pull, 7 in all: what random pulls earn, and also a search that goes on after it has found the target. It searches: new candidates one after the other, and once one has paid 5 it STAYS. That earns 11 in five pulls."
def eleven_arms(pay, read, num_pulls=5):
    paid = 0.55 + (num_pulls - 1) * (1 + 4 * read)
    return pay * paid + (1 - pay) * 1.4 * num_pulls


# %% mutant="eleven_arms" name="search_forgets_what_it_tried" diagnosis="Your search finds the target with probability 1/10 at each pull, so it tries candidates that it has tried before. It tries NEW ones: the target is at place 1 to 10 of its order, equally likely."
def eleven_arms(pay, read, num_pulls=5):
    paid = 0.55 + (num_pulls - 1) * (1 + 4 * read)
    search = sum(1 + 4 * (1 - 0.9**j) for j in range(1, num_pulls + 1))
    return pay * paid + (1 - pay) * search


# %% mutant="eleven_arms" name="search_finds_at_once" diagnosis="Your search earns 5 at every pull. It does not know the target: it has to try candidates, which earn 1, until it finds it."
def eleven_arms(pay, read, num_pulls=5):
    paid = 0.55 + (num_pulls - 1) * (1 + 4 * read)
    return pay * paid + (1 - pay) * 5.0 * num_pulls


# %% mutant="eleven_arms" name="unlucky_search_left_out" diagnosis="You left out the searches that do not find the target within n pulls. For five pulls that is every second one, and it still earns 1 a pull: 5 in all."
def eleven_arms(pay, read, num_pulls=5):
    paid = 0.55 + (num_pulls - 1) * (1 + 4 * read)
    search = sum((j + 5 * (num_pulls - j)) / 10 for j in range(min(num_pulls, 10)))
    return pay * paid + (1 - pay) * search


# %% mutant="eleven_arms" name="half_on_average" diagnosis="Your informative arm pays 0.5 on average. It pays 0.1, 0.2, ... 1.0, each equally likely: 5.5 / 10 = .55."
def eleven_arms(pay, read, num_pulls=5):
    paid = 0.5 + (num_pulls - 1) * (1 + 4 * read)
    search = sum((min(j, num_pulls) + 5 * (num_pulls - min(j, num_pulls))) / 10 for j in range(10))
    return pay * paid + (1 - pay) * search


# %% mutant="eleven_arms" name="finding_pays_1" diagnosis="The pull that finds the target earns 1 in your search. It earns 5 itself: found at pull j there are j - 1 misses, which earn 1 each, and n - j + 1 pulls that earn 5 (25, 21, 17, ... for five pulls)."
def eleven_arms(pay, read, num_pulls=5):
    paid = 0.55 + (num_pulls - 1) * (1 + 4 * read)
    search = sum((j + 5 * (num_pulls - j)) / 10 for j in range(1, min(num_pulls, 10) + 1))
    search += max(0, 1 - num_pulls / 10) * num_pulls
    return pay * paid + (1 - pay) * search


# %% mutant="eleven_arms" name="chance_below_0" diagnosis="Beyond ten pulls your chance of not finding the target, 1 - n / 10, is below 0. Ten candidates are tried in ten pulls; from then on it is 0."
def eleven_arms(pay, read, num_pulls=5):
    paid = 0.55 + (num_pulls - 1) * (1 + 4 * read)
    search = sum((j + 5 * (num_pulls - j)) / 10 for j in range(min(num_pulls, 10)))
    return pay * paid + (1 - pay) * (search + (1 - num_pulls / 10) * num_pulls)


# %% mutant="eleven_arms" name="more_than_ten_candidates" diagnosis="Beyond ten pulls your search goes on to an eleventh and a twelfth candidate, and the chances add up to more than 1. There are ten: the target is at place 1 to 10 of the order, whatever n is."
def eleven_arms(pay, read, num_pulls=5):
    paid = 0.55 + (num_pulls - 1) * (1 + 4 * read)
    search = sum((j + 5 * (num_pulls - j)) / 10 for j in range(num_pulls))
    return pay * paid + (1 - pay) * (search + (1 - num_pulls / 10) * num_pulls)


# %% mutant="eleven_arms" name="five_pulls_always" diagnosis="Your values are those of five pulls, whatever num_pulls is. After paying n - 1 pulls are left, and the 11 of the search belong to n = 5: write both with num_pulls."
def eleven_arms(pay, read, num_pulls=5):
    paid = 0.55 + 4 * (1 + 4 * read)
    return pay * paid + (1 - pay) * 11.0


# %% mutant="eleven_arms" name="search_not_weighted" diagnosis="You added the search's value whole, so an agent that pays is credited with searching too. It searches only when it has not paid: weigh it with 1 - pay."
def eleven_arms(pay, read, num_pulls=5):
    paid = 0.55 + (num_pulls - 1) * (1 + 4 * read)
    search = sum((min(j, num_pulls) + 5 * (num_pulls - min(j, num_pulls))) / 10 for j in range(10))
    return pay * paid + search


# %% mutant="eleven_arms" name="pay_and_search_swapped" diagnosis="The two weights changed places: with probability `pay` the agent pays, otherwise it searches."
def eleven_arms(pay, read, num_pulls=5):
    paid = 0.55 + (num_pulls - 1) * (1 + 4 * read)
    search = sum((min(j, num_pulls) + 5 * (num_pulls - min(j, num_pulls))) / 10 for j in range(10))
    return (1 - pay) * paid + pay * search


# %% mutant="eleven_arms" name="gradient_cut" diagnosis="No gradient reaches `pay` or `read`: somewhere a tensor became a plain number (float, item, detach). Leave them tensors; ordinary arithmetic does the rest."
def eleven_arms(pay, read, num_pulls=5):
    pay, read = pay.detach(), read.detach()
    paid = 0.55 + (num_pulls - 1) * (1 + 4 * read)
    search = sum((min(j, num_pulls) + 5 * (num_pulls - min(j, num_pulls))) / 10 for j in range(10))
    return pay * paid + (1 - pay) * search


# %% alternative="eleven_arms" name="closed_form"
def eleven_arms(pay, read, num_pulls=5):
    places = torch.arange(10.0)
    misses = places.clamp(max=num_pulls)
    search = (misses + 5 * (num_pulls - misses)).mean()
    told = 5 * read + 1 * (1 - read)
    return search + pay * (0.55 + (num_pulls - 1) * told - search)


# %% alternative="eleven_arms" name="pull_by_pull"
def eleven_arms(pay, read, num_pulls=5):
    search, paid = 0.0, 0.0
    for pull in range(1, num_pulls + 1):
        found = min(pull, 10) / 10
        search = search + 5 * found + (1 - found)
        paid = paid + (sum(range(1, 11)) / 100 if pull == 1 else 5 * read + 1 - read)
    return pay * paid + (1 - pay) * search
