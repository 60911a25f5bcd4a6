# %% mutant="mean_trial_return" name="wrong_axis" diagnosis="You summed down the batch (axis 0) instead of along the trial (axis 1). rewards is [B, T]: one row a trial, one column a step. A return belongs to one trial, so add along its row first, then average over rows (section 0.2)."
def mean_trial_return(rewards):
    return float(rewards.sum(axis=0).mean())


# %% mutant="mean_trial_return" name="sum_over_trials" diagnosis="You added up every reward of the batch, so the number grows with the number of trials you happened to run. Sum along each trial, then take the mean over the B trials (section 0.2)."
def mean_trial_return(rewards):
    return float(rewards.sum())


# %% mutant="mean_trial_return" name="one_trial_only" diagnosis="You returned the return of the first trial alone. One trial is mostly luck; the tables of this course average over all B trials of the batch (section 0.2)."
def mean_trial_return(rewards):
    return float(rewards[0].sum())


# %% mutant="mean_trial_return" name="divided_by_steps" diagnosis="You averaged over the steps as well: that is the mean reward of one step. A trial's return is a sum over its steps; only the trials are averaged (section 0.2)."
def mean_trial_return(rewards):
    return float(rewards.mean())


# %% mutant="mean_trial_return" name="last_reward_only" diagnosis="You kept only the reward of each trial's last step. RL² is scored on the whole trial: the early steps, where it explores, count as much as the last one (section 0.2)."
def mean_trial_return(rewards):
    return float(rewards[:, -1].mean())


# %% mutant="mean_trial_return" name="discounted" diagnosis="You discounted the rewards. A discount helps training (notebook 04), but the score in our tables is the plain, undiscounted sum over the trial (section 0.2)."
def mean_trial_return(rewards):
    discounts = 0.99 ** np.arange(rewards.shape[1])
    return float((rewards * discounts).sum(axis=1).mean())


# %% mutant="mean_trial_return" name="not_averaged" diagnosis="You returned one number for each trial. The sums along the rows are right; what is missing is the mean over the B trials (section 0.2)."
def mean_trial_return(rewards):
    return rewards.sum(axis=1)


# %% mutant="mean_trial_return" name="forgotten_return" diagnosis="Your function computes something and then returns None: the return statement is missing, or sits in a branch that was not reached."
def mean_trial_return(rewards):
    rewards.sum(axis=1).mean()


# %% alternative="mean_trial_return" name="total_over_trials"
def mean_trial_return(rewards):
    num_trials, _ = rewards.shape
    return rewards.sum() / num_trials


# %% alternative="mean_trial_return" name="plain_python"
def mean_trial_return(rewards):
    total = 0.0
    for trial in rewards:
        for reward in trial:
            total += float(reward)
    return total / len(rewards)


# %% alternative="mean_trial_return" name="einsum"
def mean_trial_return(rewards):
    return np.einsum("bt->b", rewards).mean()
