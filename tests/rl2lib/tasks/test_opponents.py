import itertools

import pytest
import torch

from rl2lib.tasks.opponents import (
    OPPONENT_TYPES,
    DialogueEnv,
    HiddenListeners,
    HiddenOpponents,
    MatrixGameEnv,
    OpponentType,
)

NAMES = [kind.name for kind in OPPONENT_TYPES]
C, D = 0, 1


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(
    ("name", "answers"),
    [
        ("always cooperates", [C, C, C, C, C, C]),
        ("always defects", [D, D, D, D, D, D]),
        ("tit for tat", [C, C, D, D, C, D]),
        ("grim trigger", [C, C, D, D, D, D]),
        ("Pavlov", [C, C, D, C, C, D]),
    ],
)
def test_what_each_type_answers_to_c_d_d_c_d_c(name: str, answers: list[int]) -> None:
    env = MatrixGameEnv(horizon=7, episodes_per_trial=2)
    for _ in range(2):
        env.reset(torch.tensor([NAMES.index(name)]), generator())
        for _ in range(2):  # the second match starts as the first did
            told, payments = [], []
            for move in (C, D, D, C, D, C):
                step = env.step(torch.tensor([move]))
                told.append(int(step.observation.argmax()) - 1)
                payments.append(float(step.reward))
            assert told == answers
            payoff = {(C, C): 3.0, (C, D): 0.0, (D, C): 5.0, (D, D): 1.0}
            assert payments == [payoff[pair] for pair in zip((C, D, D, C, D, C), answers, strict=True)]
            last = env.step(torch.tensor([C]))
            assert bool(last.episode_end) and bool(last.timed_out) and last.observation.tolist() == [[1, 0, 0]]
        assert bool(last.trial_end)


def test_the_best_replies_earn_50_10_32_32_32_and_30() -> None:
    """All 1,024 ways to play ten rounds, against every type at once."""
    plays = torch.tensor(list(itertools.product((C, D), repeat=10)))
    types = torch.arange(len(NAMES)).repeat_interleave(len(plays))
    env = MatrixGameEnv(horizon=10, episodes_per_trial=1)
    env.reset(types, generator())
    earned = torch.zeros(len(types))
    for t in range(10):
        expected = env.step(plays[:, t].repeat(len(NAMES))).expected_reward
        assert expected is not None
        earned += expected
    assert earned.reshape(len(NAMES), -1).amax(dim=1).tolist() == [50, 10, 32, 32, 32, 30]


def test_the_random_type_plays_either_move_half_of_the_time() -> None:
    env = MatrixGameEnv()
    env.reset(torch.full((10_000,), NAMES.index("random")), generator())
    for _ in range(2):
        step = env.step(torch.ones(10_000, dtype=torch.int64))
        assert abs(float(step.observation[:, 1].mean()) - 0.5) < 0.025
        assert set(step.reward.tolist()) == {5.0, 1.0}


def test_types_are_equally_likely_and_others_can_be_played() -> None:
    counts = torch.bincount(HiddenOpponents().sample(6000, generator()))
    assert len(counts) == 6 and bool(((counts - 1000).abs() < 150).all())
    contrary = OpponentType("contrary", 1, (1.0, 0.0), ((1, 0), (1, 0)))
    env = MatrixGameEnv(types=(contrary,), payoff=((1.0, -1.0), (-1.0, 1.0)))  # matching pennies
    env.reset(torch.zeros(1, dtype=torch.int64), generator())
    assert [float(env.step(torch.tensor([move])).reward) for move in (D, D, C, C)] == [1.0, -1.0, 1.0, -1.0]


# ------------------------------------------------------------------------------------------ the listener


def test_a_dialogue_by_hand() -> None:
    """Intent 5 is 101 in bits: bit 0 yes, bit 1 no, bit 2 yes; offer 3 + 5."""
    env = DialogueEnv(num_bits=3, horizon=4, episodes_per_trial=3)
    assert env.num_actions == 11
    assert env.reset(torch.tensor([5]), generator()).tolist() == [[1, 0, 0]]
    told = []
    for action in (0, 1, 2, 8, 10, 0, 0, 0, 0):
        step = env.step(torch.tensor([action]))
        flags = (bool(step.episode_end), bool(step.timed_out), bool(step.trial_end))
        told.append((int(step.observation.argmax()), round(float(step.reward), 4), *flags))
    assert told == [
        (2, -0.1, False, False, False),
        (1, -0.1, False, False, False),
        (2, -0.1, False, False, False),
        (0, 1.0, True, False, False),
        (0, -1.0, True, False, False),
        (2, -0.1, False, False, False),
        (2, -0.1, False, False, False),
        (2, -0.1, False, False, False),
        (0, -0.1, True, True, True),
    ]


@pytest.mark.parametrize("num_bits", [1, 3])
def test_asking_everything_once_earns_n_less_a_tenth_for_each_bit(num_bits: int) -> None:
    intents = torch.arange(2**num_bits)
    env = DialogueEnv(num_bits, episodes_per_trial=3)
    env.reset(intents, generator())
    understood, earned = torch.zeros_like(intents), torch.zeros(len(intents))
    for bit in range(num_bits):
        step = env.step(torch.full_like(intents, bit))
        understood += (step.observation.argmax(dim=1) == 2) * 2**bit
        earned += step.reward
    for _ in range(3):
        step = env.step(num_bits + understood)
        earned += step.reward
    assert bool(step.trial_end.all())
    torch.testing.assert_close(earned, torch.full((len(intents),), 3 - num_bits / 10))


def test_replies_are_as_truthful_as_said_and_intents_equally_likely() -> None:
    env = DialogueEnv(truthful=0.8)
    env.reset(torch.full((10_000,), 4), generator())
    for bit, truth in ((0, 1), (2, 2)):
        replies = env.step(torch.full((10_000,), bit)).observation
        assert abs(float(replies[:, truth].mean()) - 0.8) < 0.02 and not replies[:, 0].any()
    counts = torch.bincount(HiddenListeners(3).sample(8000, generator()))
    assert len(counts) == 8 and bool(((counts - 1000).abs() < 150).all())


def test_bad_settings_are_named() -> None:
    with pytest.raises(ValueError, match="payoff: expected 2 × 2"):
        MatrixGameEnv(payoff=((1.0,), (2.0, 3.0)))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="payoff: expected a finite"):
        MatrixGameEnv(payoff=((1.0, float("inf")), (2.0, 3.0)))
    with pytest.raises(ValueError, match="types: expected at least one"):
        MatrixGameEnv(types=())
    with pytest.raises(ValueError, match="num_bits: expected at least 1"):
        DialogueEnv(0)
    with pytest.raises(ValueError, match="truthful: expected a probability"):
        DialogueEnv(truthful=2.0)
    with pytest.raises(ValueError, match=r"opponent types \[B\] = \(B,\), got \(2, 1\)"):
        MatrixGameEnv().reset(torch.zeros(2, 1, dtype=torch.int64), generator())
