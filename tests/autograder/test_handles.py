"""LocalHandle and BoxHandle give the same results for every operation and every kind of value."""

import math
import textwrap

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from autograder.box.handle import BoxHandle
from rl2lib.lab.handle import LocalHandle, StudentError, StudentGone, StudentTimeout
from rl2lib.lab.values import Callback, Generator, Lib, Ref
from rl2lib.types import StepInput

STUDENT = textwrap.dedent(
    """
    import time
    import numpy as np
    import torch

    def echo(value): return value
    def swap(first, second=None): return second, first
    def draw(generator): return float(torch.rand((), generator=generator))
    def draw_numpy(generator): return float(generator.random())
    def broken(value): return undefined_name + value
    def endless():
        while True: time.sleep(0.01)
    def leave(): import os; os._exit(3)
    def scaled_square(x, y): return (x * x * y).sum()
    def detached(x): return (x.detach() ** 2).sum()
    def vector(x): return x * 2
    def play(env):
        total = env.reset(4)
        for _ in range(env.steps):
            total = total + env.step(torch.ones(3), note="hello")
        return total
    def peek(env): return env.secret
    def count_arms(bandits): return bandits.num_arms
    def odd(): return object()

    class Linear(torch.nn.Module):
        def __init__(self, size):
            super().__init__()
            self.size = size
            self.weight = torch.nn.Parameter(torch.arange(float(size)))
            self.unused = torch.nn.Parameter(torch.ones(1))
        def forward(self, x): return (self.weight * x).sum()
    """
)


class Environment:
    steps = 2
    secret = "answer"

    def reset(self, start):
        return torch.full((3,), float(start))

    def step(self, action, note):
        assert note == "hello"
        return action * 10


@pytest.fixture(scope="module")
def handles(sandbox):
    namespace = {"__name__": "__main__"}
    exec(compile(STUDENT, "<student>", "exec"), namespace)
    with BoxHandle(sandbox, 20.0) as box:
        box.run(STUDENT, "<student>", 60.0)
        yield LocalHandle(namespace), box


def same(one, other):
    assert type(one) is type(other), (one, other)
    if isinstance(one, torch.Tensor):
        assert one.dtype == other.dtype and torch.equal(torch.nan_to_num(one, 7.0), torch.nan_to_num(other, 7.0))
    elif isinstance(one, np.ndarray):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)
    elif isinstance(one, tuple | list):
        assert len(one) == len(other)
        for pair in zip(one, other, strict=True):
            same(*pair)
    elif isinstance(one, dict):
        assert list(one) == list(other)
        for key in one:
            same(one[key], other[key])
    elif isinstance(one, float) and math.isnan(one):
        assert math.isnan(other)
    elif isinstance(one, Ref):
        assert one.type_name == other.type_name
    else:
        assert one == other


DTYPES = st.sampled_from(["bool", "int32", "int64", "uint8", "float32", "float64"])
ARRAYS = DTYPES.flatmap(lambda name: hnp.arrays(name, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3)))
SCALARS = st.none() | st.booleans() | st.integers(-(2**62), 2**62) | st.floats() | st.text(max_size=20)
TENSORS = ARRAYS.map(lambda array: torch.from_numpy(np.array(array)))
VALUES = st.recursive(
    SCALARS | ARRAYS | TENSORS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=5) | st.integers(-5, 5), inner, max_size=3)
    ),
    max_leaves=6,
)


@pytest.mark.slow
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=VALUES)
def test_every_value_crosses_unchanged(handles, value):
    local, box = handles
    same(local.call("echo", value), value)
    same(box.call("echo", value), value)
    same(local.call("swap", value, second=1), box.call("swap", value, second=1))


def test_records_cross(handles):
    step = StepInput(torch.zeros(2, 1), torch.tensor([1, 0]), torch.tensor([0.5, 1.0]), torch.tensor([0.0, 1.0]))
    for handle in handles:
        back = handle.call("echo", step)
        assert isinstance(back, StepInput)
        assert torch.equal(back.prev_reward, step.prev_reward)


def test_a_generator_kept_inside_goes_on_and_a_fresh_one_starts_again(handles):
    for name, library in (("draw", "torch"), ("draw_numpy", "numpy")):
        seen = []
        for handle in handles:
            kept = handle.keep(Generator(3, library))
            seen.append([handle.call(name, kept), handle.call(name, kept), handle.call(name, Generator(3, library))])
        assert seen[0] == seen[1]
        assert seen[0][0] == seen[0][2] != seen[0][1]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(x=hnp.arrays("float32", 3, elements=st.floats(-5, 5, width=32)))
def test_gradients_agree_with_calculus(handles, x):
    tensor, weight = torch.from_numpy(np.array(x)), torch.tensor([1.0, 2.0, 3.0])
    for handle in handles:
        by_x, by_y = handle.grad("scaled_square", [tensor, weight], [0, 1])
        assert torch.allclose(by_x, 2 * tensor * weight)
        assert torch.allclose(by_y, tensor**2)
        assert handle.grad("detached", [tensor], [0]) == [None]
        (by_vector,) = handle.grad("vector", [tensor], [0], cotangent=weight)
        assert torch.allclose(by_vector, 2 * weight)


def test_objects_stay_inside(handles):
    for handle in handles:
        layer = handle.construct("Linear", 3)
        assert layer.type_name == "Linear" and handle.attribute(layer, "size") == 3
        assert handle.method(layer, "forward", torch.ones(3)).item() == 3.0
        assert handle.method(layer, "__call__", torch.ones(3)).item() == 3.0
        assert set(handle.state_dict(layer)) == {"weight", "unused"}
        handle.load_state_dict(layer, {"weight": torch.ones(3), "unused": torch.ones(1)})
        assert handle.method(layer, "forward", torch.ones(3)).item() == 3.0
        (gradient,) = handle.grad((layer, "forward"), [torch.tensor([1.0, 2.0, 3.0])], [layer])
        assert gradient["unused"] is None and torch.equal(gradient["weight"], torch.tensor([1.0, 2.0, 3.0]))
        assert isinstance(handle.call("odd"), Ref)


def test_an_environment_stays_outside_and_shows_only_what_is_listed(handles):
    for handle in handles:
        environment = Callback(Environment(), ["reset", "step"], ["steps"])
        assert torch.equal(handle.call("play", environment), torch.full((3,), 24.0))
        with pytest.raises(StudentError, match="secret"):
            handle.call("peek", environment)


def test_library_objects_are_built_inside_from_an_allow_list(handles):
    for handle in handles:
        assert handle.call("count_arms", Lib("rl2lib.tasks.bandit.IndependentBandits", 4)) == 4
        with pytest.raises((StudentError, ValueError), match="expected a public name"):
            handle.call("echo", Lib("os.system", "true"))


def test_kinds_and_origins(handles):
    for handle in handles:
        assert [handle.kind(name) for name in ("echo", "Linear", "nothing", "np")] == [
            "function",
            "class",
            "missing",
            "module",
        ]
        assert handle.origin("echo") == "__main__"


def test_an_exception_names_its_type_and_the_learners_line(handles):
    for handle in handles:
        with pytest.raises(StudentError) as caught:
            handle.call("broken", 1)
        assert caught.value.kind == "NameError" and "undefined_name" in caught.value.message
        assert caught.value.during == "broken(1)"
    assert "undefined_name + value" in caught.value.line


def test_an_endless_loop_ends_at_the_limit(sandbox):
    namespace = {"__name__": "__main__"}
    exec(STUDENT, namespace)
    with pytest.raises(StudentTimeout):
        LocalHandle(namespace, seconds=0.3).call("endless")
    with BoxHandle(sandbox, 0.5) as box:
        box.run(STUDENT, "<student>", 60.0)
        with pytest.raises(StudentTimeout):
            box.call("endless")
        with pytest.raises(StudentGone, match="gone"):
            box.call("echo", 1)


def test_a_process_that_leaves_is_named(sandbox):
    with BoxHandle(sandbox, 5.0) as box:
        box.run(STUDENT, "<student>", 60.0)
        with pytest.raises(StudentGone, match="exit code 3"):
            box.call("leave")
