import pytest
import torch

from rl2lib.agents.masked import Hidden, MaskedPolicy
from rl2lib.agents.recurrent import RecurrentPolicy
from rl2lib.types import StepInput


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def some_inputs() -> StepInput:
    g = generator(1)
    return StepInput(
        torch.randn(4, 6, 3, generator=g),
        torch.randint(2, (4, 6), generator=g),
        torch.randn(4, 6, generator=g),
        (torch.rand(4, 6, generator=g) < 0.5).to(torch.float32),
    )


OTHER = {
    "prev_action": lambda values: 1 - values,
    "prev_reward": lambda values: values + 1.0,
    "prev_end": lambda values: 1 - values,
}


@pytest.mark.parametrize(
    ("hides", "field"), [("action", "prev_action"), ("reward", "prev_reward"), ("flag", "prev_end")]
)
def test_what_is_hidden_changes_nothing_and_the_rest_does(hides: Hidden, field: str) -> None:
    policy = MaskedPolicy((3,), 2, 5, hides=(hides,), generator=generator())
    inputs = some_inputs()
    logits, _ = policy.unroll(inputs)
    for name, other in OTHER.items():
        changed, _ = policy.unroll(inputs._replace(**{name: other(getattr(inputs, name))}))
        assert torch.equal(changed, logits) == (name == field)


@pytest.mark.parametrize("hides", [(), ("action",), ("action", "reward", "flag")])
def test_it_acts_as_it_unrolls(hides: tuple[Hidden, ...]) -> None:
    policy = MaskedPolicy((3,), 2, 5, hides=hides, generator=generator())
    inputs = some_inputs()
    state, acted = policy.initial_state(4), []
    for t in range(6):
        logits, state = policy.step(state, StepInput(*(column[:, t] for column in inputs)))
        acted.append(logits)
    unrolled, last = policy.unroll(inputs)
    torch.testing.assert_close(torch.stack(acted, dim=1), unrolled)
    torch.testing.assert_close(state, last)


def test_with_nothing_hidden_it_is_the_plain_policy_and_its_card_says_what_is() -> None:
    plain = RecurrentPolicy((3,), 2, 5, generator=generator())
    masked = MaskedPolicy((3,), 2, 5, hides=(), generator=generator())
    assert torch.equal(plain.unroll(some_inputs())[0], masked.unroll(some_inputs())[0])
    assert "hides=('reward',)" in str(MaskedPolicy((3,), 2, 5, hides=("reward",), generator=generator()))


def test_it_hides_nothing_else() -> None:
    with pytest.raises(ValueError, match="hides: expected some of action, reward, flag, got 'observation'"):
        MaskedPolicy((3,), 2, 5, hides=("observation",), generator=generator())  # type: ignore[arg-type]
