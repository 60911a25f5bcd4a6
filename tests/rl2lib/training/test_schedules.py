import json
import math
from dataclasses import asdict

import pytest

from rl2lib.training.ppo import PPOConfig
from rl2lib.training.schedules import Schedule, as_schedule


def test_shapes_by_hand() -> None:
    assert [Schedule(4.0, 2.0)(p) for p in (0.0, 0.25, 0.5)] == [4.0, 3.5, 3.0]
    cosine = Schedule(4.0, 2.0, "cosine")
    assert cosine(0.0) == 4.0 and cosine(0.5) == pytest.approx(3.0)
    assert cosine(1 / 3) == pytest.approx(3 + math.cos(math.pi / 3))
    assert Schedule(4.0, 2.0, "constant")(0.9) == 4.0


def test_a_bare_number_falls_to_zero_unless_it_is_to_stay() -> None:
    assert as_schedule(0.1)(0.75) == 0.1 * (1 - 0.75)  # to the last bit: runs of old repeat
    assert as_schedule(0.1, "constant")(0.75) == 0.1
    kept = Schedule(1.0, 2.0)
    assert as_schedule(kept, "constant") is kept


def test_a_config_with_schedules_goes_through_json() -> None:
    config = PPOConfig(learning_rate=Schedule(1e-3, 1e-4, "cosine"))
    card = json.loads(json.dumps(asdict(config)))
    assert card["learning_rate"] == {"start": 1e-3, "end": 1e-4, "shape": "cosine"} and card["entropy_bonus"] == 0.01
    assert Schedule(**card["learning_rate"]) == config.learning_rate


def test_an_unknown_shape_is_named() -> None:
    with pytest.raises(ValueError, match="shape: expected one of linear, cosine, constant, got 'step'"):
        Schedule(1.0, shape="step")  # type: ignore[arg-type]
