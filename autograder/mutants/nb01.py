# %% mutant="pull" name="expected_reward" diagnosis="You returned the arm's mean instead of a coin. An agent never sees the mean, only 0 or 1: if it saw the mean, one pull of each arm would tell it everything and there would be nothing to explore. Toss a coin that lands 1 with that probability (section 1.1)."
def pull(means, arms, generator):
    return means[np.arange(len(arms)), arms]


# %% mutant="pull" name="one_toss_for_all_rows" diagnosis="One random number served the whole batch, so all rows are lucky or unlucky together. The rows are separate trials: draw one number for each of them, generator.random(len(arms)) (section 1.1)."
def pull(means, arms, generator):
    return (generator.random() < means[np.arange(len(arms)), arms]).astype(float)


# %% mutant="pull" name="first_row_only" diagnosis="All rows were paid by the task of row 0. Row b of the batch plays on its own task, means[b]: index with the row numbers as well, means[np.arange(B), arms] (section 1.1)."
def pull(means, arms, generator):
    return (generator.random(len(arms)) < means[0, arms]).astype(float)


# %% mutant="pull" name="inverted" diagnosis="Your arms pay with probability 1 minus their mean. A uniform number u lies BELOW p with probability p, so the arm pays where u < p (section 1.1)."
def pull(means, arms, generator):
    return (generator.random(len(arms)) > means[np.arange(len(arms)), arms]).astype(float)


# %% mutant="pull" name="thresholded" diagnosis="You rounded the mean: arms above one half always pay, the others never do. The payment is random: compare the mean with a fresh uniform number for each row, not with 0.5 (section 1.1)."
def pull(means, arms, generator):
    return (means[np.arange(len(arms)), arms] > 0.5).astype(float)


# %% mutant="pull" name="own_randomness" diagnosis="The randomness does not come from the generator that was handed in: np.random's global functions ignore it, and then a run cannot be repeated. Call methods of `generator` only (section 1.1)."
def pull(means, arms, generator):
    return (np.random.random(len(arms)) < means[np.arange(len(arms)), arms]).astype(float)


# %% mutant="pull" name="fixed_seed" diagnosis="You made a new generator with a fixed seed inside the function, so every call tosses the same coins: an arm that paid once will pay for ever. Use the generator that was handed in; it remembers how far it has come (section 1.1)."
def pull(means, arms, generator):
    generator = np.random.default_rng(0)
    return (generator.random(len(arms)) < means[np.arange(len(arms)), arms]).astype(float)


# %% mutant="pull" name="booleans" diagnosis="The tosses are right, but they are True and False. Rewards are numbers here (1 - reward fails on booleans in NumPy): finish with .astype(float) (section 1.1)."
def pull(means, arms, generator):
    return generator.random(len(arms)) < means[np.arange(len(arms)), arms]


# %% alternative="pull" name="binomial"
def pull(means, arms, generator):
    chosen = np.take_along_axis(means, arms[:, None], axis=1)[:, 0]
    return generator.binomial(1, chosen).astype(np.float64)


# %% alternative="pull" name="all_arms_tossed"
def pull(means, arms, generator):
    coins = np.where(generator.uniform(size=means.shape) < means, 1.0, 0.0)
    return coins[np.arange(len(arms)), arms]


# %% alternative="pull" name="row_by_row"
def pull(means, arms, generator):
    rewards = np.zeros(len(arms))
    for row in reversed(range(len(arms))):
        rewards[row] = 1.0 if generator.random() < means[row, arms[row]] else 0.0
    return rewards


# %% mutant="beta_posterior" name="prior_forgotten" diagnosis="These are bare counts: the prior is missing. Before any pull an arm's belief is Beta(1, 1), so both counts start at one. Without it an arm that was never pulled has mean 0/0, and one failure condemns an arm for ever (section 1.2)."
def beta_posterior(arms, rewards, num_arms):
    chosen = arms[:, :, None] == np.arange(num_arms)
    successes = (chosen * rewards[:, :, None]).sum(axis=1)
    return successes, chosen.sum(axis=1) - successes


# %% mutant="beta_posterior" name="swapped" diagnosis="Successes and failures changed places: alpha counts the payments, beta the failures, so that the mean alpha / (alpha + beta) rises when an arm pays (section 1.2)."
def beta_posterior(arms, rewards, num_arms):
    chosen = arms[:, :, None] == np.arange(num_arms)
    successes = (chosen * rewards[:, :, None]).sum(axis=1)
    return 1.0 + chosen.sum(axis=1) - successes, 1.0 + successes


# %% mutant="beta_posterior" name="beta_counts_pulls" diagnosis="Your beta counts all pulls of an arm. It should count the failures only, pulls minus payments; otherwise each payment is counted on both sides and every arm looks worse than it is (section 1.2)."
def beta_posterior(arms, rewards, num_arms):
    chosen = arms[:, :, None] == np.arange(num_arms)
    return 1.0 + (chosen * rewards[:, :, None]).sum(axis=1), 1.0 + chosen.sum(axis=1)


# %% mutant="beta_posterior" name="rows_mixed" diagnosis="The trials of the batch were added together. Each row is another task with other arms: sum over the steps (axis 1 of [B, T, K]) and keep the rows apart (section 1.2)."
def beta_posterior(arms, rewards, num_arms):
    chosen = arms[:, :, None] == np.arange(num_arms)
    successes = np.tile((chosen * rewards[:, :, None]).sum(axis=(0, 1)), (len(arms), 1))
    return 1.0 + successes, 1.0 + np.tile(chosen.sum(axis=(0, 1)), (len(arms), 1)) - successes


# %% mutant="beta_posterior" name="repeats_counted_once" diagnosis="When an arm is pulled several times, only one of its pulls is counted. NumPy's alpha[rows, arms] += rewards adds only once where an index is repeated. Loop over the steps, use np.add.at, or sum a table of which arm was pulled when (section 1.2)."
def beta_posterior(arms, rewards, num_arms):
    alpha, beta = np.ones((len(arms), num_arms)), np.ones((len(arms), num_arms))
    rows = np.arange(len(arms))[:, None]
    alpha[rows, arms] += rewards
    beta[rows, arms] += 1 - rewards
    return alpha, beta


# %% mutant="beta_posterior" name="prior_only_where_pulled" diagnosis="Arms that were pulled are right, but arms that were never pulled got 0 and 0. They have the prior too: Beta(1, 1), mean one half. An unknown arm is not a bad arm (section 1.2)."
def beta_posterior(arms, rewards, num_arms):
    chosen = arms[:, :, None] == np.arange(num_arms)
    pulls = chosen.sum(axis=1)
    successes = (chosen * rewards[:, :, None]).sum(axis=1)
    return successes + (pulls > 0), pulls - successes + (pulls > 0)


# %% alternative="beta_posterior" name="loop_over_steps"
def beta_posterior(arms, rewards, num_arms):
    alpha, beta = np.ones((len(arms), num_arms)), np.ones((len(arms), num_arms))
    rows = np.arange(len(arms))
    for t in range(arms.shape[1]):
        alpha[rows, arms[:, t]] += rewards[:, t]
        beta[rows, arms[:, t]] += 1 - rewards[:, t]
    return alpha, beta


# %% alternative="beta_posterior" name="add_at"
def beta_posterior(arms, rewards, num_arms):
    alpha, beta = np.ones((len(arms), num_arms)), np.ones((len(arms), num_arms))
    rows = np.broadcast_to(np.arange(len(arms))[:, None], arms.shape)
    np.add.at(alpha, (rows, arms), rewards)
    np.add.at(beta, (rows, arms), 1 - rewards)
    return alpha, beta


# %% alternative="beta_posterior" name="whole_numbers"
def beta_posterior(arms, rewards, num_arms):
    alpha = [[1 + int(rewards[b][arms[b] == k].sum()) for k in range(num_arms)] for b in range(len(arms))]
    beta = [[1 + int((rewards[b][arms[b] == k] == 0).sum()) for k in range(num_arms)] for b in range(len(arms))]
    return np.array(alpha), np.array(beta)


# %% mutant="thompson_sampling" name="greedy" diagnosis="You took the arm with the highest mean: that is greedy. It never asks what it does not know. Thompson sampling DRAWS a value for every arm from its Beta belief and takes the highest draw (section 1.3)."
def thompson_sampling(alpha, beta, generator):
    return (alpha / (alpha + beta)).argmax(axis=1)


# %% mutant="thompson_sampling" name="swapped" diagnosis="The arguments of the Beta draws changed places: generator.beta(alpha, beta) has mean alpha / (alpha + beta). As it is, your agent prefers the arms that failed most (section 1.3)."
def thompson_sampling(alpha, beta, generator):
    return generator.beta(beta, alpha).argmax(axis=1)


# %% mutant="thompson_sampling" name="one_world_for_all_rows" diagnosis="All rows of the batch share their random draws, so they are right or wrong together. The rows are separate trials: generator.beta(alpha, beta) with [B, K] arrays draws for each row and arm separately (section 1.3)."
def thompson_sampling(alpha, beta, generator):
    seed = int(generator.integers(2**31))
    return np.array([np.random.default_rng(seed).beta(a, b).argmax() for a, b in zip(alpha, beta)])


# %% mutant="thompson_sampling" name="proportional_to_mean" diagnosis="You pulled each arm in proportion to its mean. Thompson sampling pulls an arm as often as it is believed to be the BEST, which is much more decided: an arm known to be second best has a high mean and is never pulled. Draw from the beliefs, take the argmax (section 1.3)."
def thompson_sampling(alpha, beta, generator):
    mean = alpha / (alpha + beta)
    edges = (mean / mean.sum(axis=1, keepdims=True)).cumsum(axis=1)
    return np.minimum((generator.random((len(alpha), 1)) > edges).sum(axis=1), alpha.shape[1] - 1)


# %% mutant="thompson_sampling" name="samples_coins" diagnosis="You sampled a reward for every arm (0 or 1) and compared those. What has to be sampled is the arm's unknown mean: one draw from Beta(alpha, beta), a number between 0 and 1. A coin toss does not become more certain with more pulls, so your agent would never stop exploring (section 1.3)."
def thompson_sampling(alpha, beta, generator):
    return (generator.random(alpha.shape) < alpha / (alpha + beta)).argmax(axis=1)


# %% mutant="thompson_sampling" name="best_row_of_each_arm" diagnosis="The argmax ran down the batch (axis 0): for each arm you found the row that likes it best. You want, for each row, its best arm: argmax(axis=1) (section 1.3)."
def thompson_sampling(alpha, beta, generator):
    return generator.beta(alpha, beta).argmax(axis=0)


# %% mutant="thompson_sampling" name="own_randomness" diagnosis="The draws do not come from the generator that was handed in: np.random's global functions ignore it, and then a run cannot be repeated. Call methods of `generator` only (section 1.3)."
def thompson_sampling(alpha, beta, generator):
    return np.random.beta(alpha, beta).argmax(axis=1)


# %% mutant="thompson_sampling" name="fixed_seed" diagnosis="You made a new generator with a fixed seed inside the function, so every call imagines the same worlds. Use the generator that was handed in; it remembers how far it has come (section 1.3)."
def thompson_sampling(alpha, beta, generator):
    return np.random.default_rng(0).beta(alpha, beta).argmax(axis=1)


# %% mutant="thompson_sampling" name="mean_of_many_draws" diagnosis="You averaged many draws before comparing. The average of many draws is just the mean again, so this is greedy with extra work: the single draw IS the exploration (section 1.3)."
def thompson_sampling(alpha, beta, generator):
    return generator.beta(alpha, beta, size=(30, *alpha.shape)).mean(axis=0).argmax(axis=1)


# %% alternative="thompson_sampling" name="ratio_of_gammas"
def thompson_sampling(alpha, beta, generator):
    successes = generator.standard_gamma(alpha)
    failures = generator.standard_gamma(beta)
    return np.argmax(successes / (successes + failures), axis=1)


# %% alternative="thompson_sampling" name="row_by_row"
def thompson_sampling(alpha, beta, generator):
    return np.array([int(np.argmax([generator.beta(a, b) for a, b in zip(*row)])) for row in zip(alpha, beta)])


# %% mutant="ucb1" name="log_of_own_pulls" diagnosis="You took the logarithm of the arm's own pulls. It is of t, the common clock of all arms: that is what makes a neglected arm's bonus grow until it is tried again. With its own count, an arm that is not pulled never changes its index (section 1.3)."
def ucb1(alpha, beta, t, c):
    pulls = alpha + beta
    return (alpha / pulls + c * np.sqrt(2 * np.log(pulls) / pulls)).argmax(axis=1)


# %% mutant="ucb1" name="root_forgotten" diagnosis="The square root is missing: the bonus is c * sqrt(2 ln t / n_k). A mean of n coins is uncertain by about 1 / sqrt(n), and the bonus follows that (section 1.3)."
def ucb1(alpha, beta, t, c):
    pulls = alpha + beta
    return (alpha / pulls + c * 2 * np.log(t) / pulls).argmax(axis=1)


# %% mutant="ucb1" name="two_forgotten" diagnosis="The 2 under the root is missing: the bonus is c * sqrt(2 ln t / n_k). Without it your c means something else than in the tables you will compare with (section 1.3)."
def ucb1(alpha, beta, t, c):
    pulls = alpha + beta
    return (alpha / pulls + c * np.sqrt(np.log(t) / pulls)).argmax(axis=1)


# %% mutant="ucb1" name="width_inside_root" diagnosis="c stands inside the square root, so it works like its own root. It multiplies the root from outside: c * sqrt(2 ln t / n_k) (section 1.3)."
def ucb1(alpha, beta, t, c):
    pulls = alpha + beta
    return (alpha / pulls + np.sqrt(c * 2 * np.log(t) / pulls)).argmax(axis=1)


# %% mutant="ucb1" name="no_bonus" diagnosis="Your choice is the greedy one. Either the bonus is missing or it is the same for all arms, which changes nothing: it must be divided by each arm's OWN pulls, alpha + beta, so that it is large where little is known (section 1.3)."
def ucb1(alpha, beta, t, c):
    bonus = c * np.sqrt(2 * np.log(t) / (alpha + beta).sum(axis=1, keepdims=True))
    return (alpha / (alpha + beta) + bonus).argmax(axis=1)


# %% mutant="ucb1" name="bonus_only" diagnosis="You ranked the arms by the bonus alone, which pulls the least known arm for ever. The index is the mean PLUS the bonus: optimism on top of what the arm has paid (section 1.3)."
def ucb1(alpha, beta, t, c):
    return (c * np.sqrt(2 * np.log(t) / (alpha + beta))).argmax(axis=1)


# %% mutant="ucb1" name="successes_over_failures" diagnosis="Your mean is successes over failures, alpha / beta. The mean of Beta(alpha, beta) is alpha / (alpha + beta): successes over all pulls (section 1.2)."
def ucb1(alpha, beta, t, c):
    return (alpha / beta + c * np.sqrt(2 * np.log(t) / (alpha + beta))).argmax(axis=1)


# %% mutant="ucb1" name="first_row_only" diagnosis="All rows got the choice of row 0. Each row of the batch has its own counts: compute the index as a [B, K] array and take argmax(axis=1) (section 1.3)."
def ucb1(alpha, beta, t, c):
    pulls = alpha + beta
    index = alpha / pulls + c * np.sqrt(2 * np.log(t) / pulls)
    return np.full(len(alpha), index[0].argmax())


# %% mutant="ucb1" name="last_of_ties" diagnosis="Where arms tie you took the last one; this course takes the lowest arm number, as argmax does. It matters at the first pull of every trial, when all arms are equal (section 1.3)."
def ucb1(alpha, beta, t, c):
    pulls = alpha + beta
    index = alpha / pulls + c * np.sqrt(2 * np.log(t) / pulls)
    return index.shape[1] - 1 - index[:, ::-1].argmax(axis=1)


# %% mutant="ucb1" name="imaginary_pulls_removed" diagnosis="You divided by the real pulls only, so an arm that was never pulled gets 0/0 or an infinite bonus. Here n_k = alpha + beta counts the two imaginary pulls as well and is never zero (section 1.3)."
def ucb1(alpha, beta, t, c):
    real = alpha + beta - 2
    with np.errstate(divide="ignore", invalid="ignore"):
        index = alpha / (alpha + beta) + c * np.sqrt(2 * np.log(t) / real)
    return np.where(np.isnan(index), np.inf, index).argmax(axis=1)


# %% mutant="ucb1" name="logarithm_to_base_10" diagnosis="These are the choices with the logarithm to base 10, which makes every bonus smaller by a third. ln is the natural one: np.log (exercise 1.4)."
def ucb1(alpha, beta, t, c):
    pulls = alpha + beta
    return (alpha / pulls + c * np.sqrt(2 * np.log10(t) / pulls)).argmax(axis=1)


# %% alternative="ucb1" name="loop_over_arms"
def ucb1(alpha, beta, t, c):
    arms = []
    for successes, failures in zip(alpha, beta):
        best, best_index = 0, -np.inf
        for arm in range(len(successes)):
            pulls = successes[arm] + failures[arm]
            index = successes[arm] / pulls + c * np.sqrt(2 * np.log(t)) / np.sqrt(pulls)
            if index > best_index + 1e-12:
                best, best_index = arm, index
        arms.append(best)
    return np.array(arms)


# %% alternative="ucb1" name="clock_from_the_counts"
def ucb1(alpha, beta, t, c):
    pulls = alpha + beta
    clock = pulls.sum(axis=1, keepdims=True) - 2 * alpha.shape[1] + 1
    return np.argmax(alpha / pulls + c * (2 * np.log(clock) / pulls) ** 0.5, axis=1)


# %% mutant="regret" name="sampled_rewards" diagnosis="You subtracted the coins that were paid. Regret is made of means: pulling the best arm costs nothing even when it happens not to pay, and a lucky coin does not excuse a bad arm. Look up the pulled arms in `means`; `rewards` is not needed at all (section 1.5)."
def regret(means, arms, rewards):
    return (means.max(axis=1, keepdims=True) - rewards).cumsum(axis=1)


# %% mutant="regret" name="best_looking_arm" diagnosis="You compared with the arm that paid best in this trial. The yardstick is the truly best arm, means.max(axis=1), which the evaluator knows even when the agent never found it; otherwise an unlucky trial can have negative regret (section 1.5)."
def regret(means, arms, rewards):
    chosen = arms[:, :, None] == np.arange(means.shape[1])
    pulls, paid = chosen.sum(axis=1), (chosen * rewards[:, :, None]).sum(axis=1)
    looks_best = np.where(pulls > 0, paid / np.maximum(pulls, 1), -1.0).argmax(axis=1)
    best = means[np.arange(len(means)), looks_best][:, None]
    return (best - np.take_along_axis(means, arms, axis=1)).cumsum(axis=1)


# %% mutant="regret" name="best_pulled_arm" diagnosis="You compared with the best of the arms that were pulled. An agent that never tries the best arm would then look perfect, and that is exactly the failure regret should show: compare with means.max(axis=1), over all arms (section 1.5)."
def regret(means, arms, rewards):
    chosen = np.take_along_axis(means, arms, axis=1)
    return (chosen.max(axis=1, keepdims=True) - chosen).cumsum(axis=1)


# %% mutant="regret" name="not_cumulative" diagnosis="These are the losses of single steps. Regret adds them up: entry t holds the loss of all pulls up to and including t, a cumsum along the steps (section 1.5)."
def regret(means, arms, rewards):
    return means.max(axis=1, keepdims=True) - np.take_along_axis(means, arms, axis=1)


# %% mutant="regret" name="best_of_all_tasks" diagnosis="You compared every trial with the best arm of the whole batch. A trial can only pull the arms of its own task: take the maximum along the arms of each row, means.max(axis=1, keepdims=True) (section 1.5)."
def regret(means, arms, rewards):
    return (means.max() - np.take_along_axis(means, arms, axis=1)).cumsum(axis=1)


# %% mutant="regret" name="against_certain_pay" diagnosis="You compared with an arm that always pays, mean 1. No such arm need exist; regret compares with the best arm of this task, means.max(axis=1) (section 1.5)."
def regret(means, arms, rewards):
    return (1.0 - np.take_along_axis(means, arms, axis=1)).cumsum(axis=1)


# %% mutant="regret" name="sign" diagnosis="The sign is reversed. Regret is what was lost, best minus chosen: zero for perfect play, never negative (section 1.5)."
def regret(means, arms, rewards):
    return (np.take_along_axis(means, arms, axis=1) - means.max(axis=1, keepdims=True)).cumsum(axis=1)


# %% alternative="regret" name="clock_times_best"
def regret(means, arms, rewards):
    rows = np.arange(len(means))[:, None]
    steps = np.arange(1, arms.shape[1] + 1)
    return means.max(axis=1)[:, None] * steps - np.cumsum(means[rows, arms], axis=1)


# %% alternative="regret" name="running_sum"
def regret(means, arms, rewards):
    result = np.zeros(arms.shape)
    for b in range(len(means)):
        lost = 0.0
        for t in range(arms.shape[1]):
            lost += max(means[b]) - means[b, arms[b, t]]
            result[b, t] = lost
    return result


# %% mutant="bayes_optimal_value" name="frozen_beliefs" diagnosis="Your beliefs never change, so this is the value of the best plan that ignores what it sees: num_pulls times the higher mean. After a payment the pulled arm's alpha grows by one, after a failure its beta, and the next value must be computed from THAT belief (section 1.6)."
def bayes_optimal_value(alpha, beta, num_pulls):
    @cache
    def value(left):
        return 0.0 if left == 0 else max(a / (a + b) for a, b in zip(alpha, beta)) + value(left - 1)

    return float(value(num_pulls))


# %% mutant="bayes_optimal_value" name="greedy_play" diagnosis="This is the value of greedy play: at every belief you follow the arm with the higher mean. The optimum compares the whole future of both arms (coin now plus value afterwards) and takes the larger; a lower mean can win because it teaches more (section 1.6)."
def bayes_optimal_value(alpha, beta, num_pulls):
    @cache
    def value(a0, b0, a1, b1, left):
        if left == 0:
            return 0.0
        p0, p1 = a0 / (a0 + b0), a1 / (a1 + b1)
        if p0 >= p1:
            return p0 * (1 + value(a0 + 1, b0, a1, b1, left - 1)) + (1 - p0) * value(a0, b0 + 1, a1, b1, left - 1)
        return p1 * (1 + value(a0, b0, a1 + 1, b1, left - 1)) + (1 - p1) * value(a0, b0, a1, b1 + 1, left - 1)

    return value(int(alpha[0]), int(beta[0]), int(alpha[1]), int(beta[1]), num_pulls)


# %% mutant="bayes_optimal_value" name="failure_not_learned" diagnosis="After a failure your belief stays as it was. No payment is evidence too: in the failure branch the arm's beta grows by one before the next value is computed (section 1.6)."
def bayes_optimal_value(alpha, beta, num_pulls):
    @cache
    def value(a0, b0, a1, b1, left):
        if left == 0:
            return 0.0
        p0, p1 = a0 / (a0 + b0), a1 / (a1 + b1)
        failed = value(a0, b0, a1, b1, left - 1)
        arm0 = p0 * (1 + value(a0 + 1, b0, a1, b1, left - 1)) + (1 - p0) * failed
        arm1 = p1 * (1 + value(a0, b0, a1 + 1, b1, left - 1)) + (1 - p1) * failed
        return max(arm0, arm1)

    return value(int(alpha[0]), int(beta[0]), int(alpha[1]), int(beta[1]), num_pulls)


# %% mutant="bayes_optimal_value" name="wrong_arm_learns" diagnosis="The outcome of one arm is written into the counts of the other. A pull of arm 0 says something about arm 0 only: its alpha or its beta grows, arm 1 stays as it is (section 1.6)."
def bayes_optimal_value(alpha, beta, num_pulls):
    @cache
    def value(a0, b0, a1, b1, left):
        if left == 0:
            return 0.0
        p0, p1 = a0 / (a0 + b0), a1 / (a1 + b1)
        arm0 = p0 * (1 + value(a0, b0, a1 + 1, b1, left - 1)) + (1 - p0) * value(a0, b0, a1, b1 + 1, left - 1)
        arm1 = p1 * (1 + value(a0 + 1, b0, a1, b1, left - 1)) + (1 - p1) * value(a0, b0 + 1, a1, b1, left - 1)
        return max(arm0, arm1)

    return value(int(alpha[0]), int(beta[0]), int(alpha[1]), int(beta[1]), num_pulls)


# %% mutant="bayes_optimal_value" name="best_case" diagnosis="You took the better of the two outcomes instead of weighing them. You choose the arm, chance chooses the outcome: max over arms, but the average (weights p and 1 - p) over paid and failed (section 1.6)."
def bayes_optimal_value(alpha, beta, num_pulls):
    @cache
    def value(a0, b0, a1, b1, left):
        if left == 0:
            return 0.0
        arm0 = max(1 + value(a0 + 1, b0, a1, b1, left - 1), value(a0, b0 + 1, a1, b1, left - 1))
        arm1 = max(1 + value(a0, b0, a1 + 1, b1, left - 1), value(a0, b0, a1, b1 + 1, left - 1))
        return max(arm0, arm1)

    return value(int(alpha[0]), int(beta[0]), int(alpha[1]), int(beta[1]), num_pulls)


# %% mutant="bayes_optimal_value" name="average_arm" diagnosis="You averaged over the two arms: that is the value of random play, which learns everything and uses nothing. The learner chooses: take the larger of the two arms' values (section 1.6)."
def bayes_optimal_value(alpha, beta, num_pulls):
    @cache
    def value(a0, b0, a1, b1, left):
        if left == 0:
            return 0.0
        p0, p1 = a0 / (a0 + b0), a1 / (a1 + b1)
        arm0 = p0 * (1 + value(a0 + 1, b0, a1, b1, left - 1)) + (1 - p0) * value(a0, b0 + 1, a1, b1, left - 1)
        arm1 = p1 * (1 + value(a0, b0, a1 + 1, b1, left - 1)) + (1 - p1) * value(a0, b0, a1, b1 + 1, left - 1)
        return (arm0 + arm1) / 2

    return value(int(alpha[0]), int(beta[0]), int(alpha[1]), int(beta[1]), num_pulls)


# %% mutant="bayes_optimal_value" name="one_pull_short" diagnosis="The recursion stops one pull early: with ONE pull left there is still a coin to win, the higher mean. The value is 0 only when no pull is left (section 1.6)."
def bayes_optimal_value(alpha, beta, num_pulls):
    @cache
    def value(a0, b0, a1, b1, left):
        if left <= 1:
            return 0.0
        p0, p1 = a0 / (a0 + b0), a1 / (a1 + b1)
        arm0 = p0 * (1 + value(a0 + 1, b0, a1, b1, left - 1)) + (1 - p0) * value(a0, b0 + 1, a1, b1, left - 1)
        arm1 = p1 * (1 + value(a0, b0, a1 + 1, b1, left - 1)) + (1 - p1) * value(a0, b0, a1, b1 + 1, left - 1)
        return max(arm0, arm1)

    return value(int(alpha[0]), int(beta[0]), int(alpha[1]), int(beta[1]), num_pulls)


# %% mutant="bayes_optimal_value" name="told_the_best" diagnosis="This is what an agent earns that is TOLD which arm is better. The learner has to find out by pulling, and pays for it; its value lies below (section 1.6)."
def bayes_optimal_value(alpha, beta, num_pulls):
    nodes, weights = np.polynomial.legendre.leggauss(200)
    x = (nodes + 1) / 2
    below = []
    for a, b in zip(alpha, beta):
        density = x ** (a - 1) * (1 - x) ** (b - 1)
        total = (weights * density).sum()
        # P(mu <= x), by the same quadrature on [0, x].
        inner = x[:, None] * x
        below.append(x * (weights * inner ** (a - 1) * (1 - inner) ** (b - 1)).sum(axis=1) / total)
    return float(num_pulls * (1 - (weights / 2 * below[0] * below[1]).sum()))


# %% mutant="bayes_optimal_value" name="payments_left_out" diagnosis="No coin is ever counted, so every value is 0. A payment is worth 1 plus the value of what follows: p times (1 + the value after a success), plus (1 - p) times the value after a failure (section 1.6)."
def bayes_optimal_value(alpha, beta, num_pulls):
    @cache
    def value(a0, b0, a1, b1, left):
        if left == 0:
            return 0.0
        p0, p1 = a0 / (a0 + b0), a1 / (a1 + b1)
        arm0 = p0 * value(a0 + 1, b0, a1, b1, left - 1) + (1 - p0) * value(a0, b0 + 1, a1, b1, left - 1)
        arm1 = p1 * value(a0, b0, a1 + 1, b1, left - 1) + (1 - p1) * value(a0, b0, a1, b1 + 1, left - 1)
        return max(arm0, arm1)

    return value(int(alpha[0]), int(beta[0]), int(alpha[1]), int(beta[1]), num_pulls)


# %% alternative="bayes_optimal_value" name="merges_equal_arms"
def bayes_optimal_value(alpha, beta, num_pulls):
    @cache
    def value(belief, left):
        if left == 0:
            return 0.0
        options = []
        for arm, (a, b) in enumerate(belief):
            other = belief[1 - arm]
            paid = value(tuple(sorted([other, (a + 1, b)])), left - 1)
            failed = value(tuple(sorted([other, (a, b + 1)])), left - 1)
            options.append((a * (1 + paid) + b * failed) / (a + b))
        return max(options)

    return value(tuple(sorted(zip(alpha.tolist(), beta.tolist()))), num_pulls)


# %% alternative="bayes_optimal_value" name="does_not_merge_equal_arms"
def bayes_optimal_value(alpha, beta, num_pulls):
    known = {}

    def value(counts, left):
        if left == 0:
            return 0.0
        if counts not in known:
            totals = []
            for arm in (0, 1):
                a, b = counts[2 * arm], counts[2 * arm + 1]
                paid, failed = list(counts), list(counts)
                paid[2 * arm] += 1
                failed[2 * arm + 1] += 1
                p = a / (a + b)
                totals.append(p + p * value(tuple(paid), left - 1) + (1 - p) * value(tuple(failed), left - 1))
            known[counts] = max(totals)
        return known[counts]

    return float(value((alpha[0], beta[0], alpha[1], beta[1]), num_pulls))


# %% alternative="bayes_optimal_value" name="table_from_the_end"
def bayes_optimal_value(alpha, beta, num_pulls):
    # value[s0, f0, s1, f1]: successes and failures added since the start; unreachable entries are never read.
    n = num_pulls
    value = np.zeros((n + 2,) * 4)
    for made in range(n - 1, -1, -1):
        for s0 in range(made + 1):
            for f0 in range(made + 1 - s0):
                for s1 in range(made + 1 - s0 - f0):
                    f1 = made - s0 - f0 - s1
                    p0 = (alpha[0] + s0) / (alpha[0] + beta[0] + s0 + f0)
                    p1 = (alpha[1] + s1) / (alpha[1] + beta[1] + s1 + f1)
                    arm0 = p0 * (1 + value[s0 + 1, f0, s1, f1]) + (1 - p0) * value[s0, f0 + 1, s1, f1]
                    arm1 = p1 * (1 + value[s0, f0, s1 + 1, f1]) + (1 - p1) * value[s0, f0, s1, f1 + 1]
                    value[s0, f0, s1, f1] = max(arm0, arm1)
    return value[0, 0, 0, 0]


# %% mutant="value_of_information" name="not_times_pulls" diagnosis="You subtracted the value of one pull. The fixed plan makes all the pulls as well: num_pulls times the highest mean (exercise 1.7)."
def value_of_information(optimal_value, alpha, beta, num_pulls):
    return float(optimal_value - (alpha / (alpha + beta)).max())


# %% mutant="value_of_information" name="average_arm" diagnosis="Your fixed plan spreads its pulls over all arms alike. The BEST fixed plan pulls the arm with the highest mean every time: it ignores what it sees during the trial, not what is believed at the start (exercise 1.7)."
def value_of_information(optimal_value, alpha, beta, num_pulls):
    return float(optimal_value - num_pulls * (alpha / (alpha + beta)).mean())


# %% mutant="value_of_information" name="per_pull" diagnosis="You divided by the number of pulls. The value of information is asked for in coins over the whole trial; the share of one pull is printed by the cell after the exercise (exercise 1.7)."
def value_of_information(optimal_value, alpha, beta, num_pulls):
    return float(optimal_value / num_pulls - (alpha / (alpha + beta)).max())


# %% mutant="value_of_information" name="told_the_best" diagnosis="You subtracted what an agent earns that is told the best arm, so the result is negative. The comparison is with the best plan that is fixed in advance: it knows the belief at the start, and nothing more (exercise 1.7)."
def value_of_information(optimal_value, alpha, beta, num_pulls):
    x = (np.arange(20000) + 0.5) / 20000
    below = np.ones_like(x)
    for a, b in zip(alpha, beta):
        density = np.exp((a - 1) * np.log(x) + (b - 1) * np.log(1 - x))
        below = below * (density.cumsum() - density / 2) / density.sum()
    return float(optimal_value - num_pulls * (1 - below.mean()))


# %% mutant="value_of_information" name="first_arm" diagnosis="Your fixed plan always pulls arm 0. The best one pulls the arm with the highest mean, wherever it stands (exercise 1.7)."
def value_of_information(optimal_value, alpha, beta, num_pulls):
    return float(optimal_value - num_pulls * alpha[0] / (alpha[0] + beta[0]))


# %% mutant="value_of_information" name="prior_removed" diagnosis="You took the success frequency of the data, without the two imaginary pulls of the prior. What a pull is believed to pay is the mean of its Beta belief, alpha / (alpha + beta); an arm without data has mean one half (exercise 1.7)."
def value_of_information(optimal_value, alpha, beta, num_pulls):
    frequency = np.where(alpha + beta > 2, (alpha - 1) / np.maximum(alpha + beta - 2, 1), 0.5)
    return float(optimal_value - num_pulls * frequency.max())


# %% mutant="value_of_information" name="sign" diagnosis="The difference is reversed: information is worth the optimum MINUS the fixed plan. It is never negative, since the optimal learner is free to ignore what it sees (exercise 1.7)."
def value_of_information(optimal_value, alpha, beta, num_pulls):
    return float(num_pulls * (alpha / (alpha + beta)).max() - optimal_value)


# %% mutant="value_of_information" name="ratio" diagnosis="You divided the optimum by the fixed plan. The value of information is a difference, in coins (exercise 1.7)."
def value_of_information(optimal_value, alpha, beta, num_pulls):
    return float(optimal_value / (num_pulls * (alpha / (alpha + beta)).max()))


# %% alternative="value_of_information" name="enumerates_constant_plans"
def value_of_information(optimal_value, alpha, beta, num_pulls):
    plans = [sum(a / (a + b) for _ in range(num_pulls)) for a, b in zip(alpha.tolist(), beta.tolist())]
    return optimal_value - max(plans)


# %% alternative="value_of_information" name="numpy_scalar"
def value_of_information(optimal_value, alpha, beta, num_pulls):
    return optimal_value - num_pulls * np.max(1 / (1 + beta / alpha))
