"""Is it independent normal noise? By frequencies; for both checks of notebook 07's `noisy_observation`."""

from __future__ import annotations

import torch
from torch import Tensor

from rl2lib.lab.handle import Handle
from rl2lib.lab.report import Report
from rl2lib.lab.values import Generator

HALF_OF_NORMAL = 0.674489750196  # half of all draws from N(0, 1) lie within this distance of 0
NUM_ROWS, NUM_COLUMNS = 400, 60


def normal_noise(student: Handle, report: Report, std: float, seed: int) -> Tensor:
    """Require independent N(0, std²) noise: its size, shape, signs, and how rows, columns and calls go together."""
    shown = torch.linspace(-2, 2, NUM_COLUMNS).expand(NUM_ROWS, -1).clone()
    generator = student.keep(Generator(seed))
    calls = [student.call("noisy_observation", shown, std, generator) for _ in range(2)]
    what = f"noisy_observation of {NUM_ROWS} equal rows of {NUM_COLUMNS} numbers, std {std:g}"
    first, second = (report.tensor(what, call, (NUM_ROWS, NUM_COLUMNS), torch.float32) - shown for call in calls)
    total = first.numel()
    shared = not bool((first - first[0]).abs().amax() > 1e-6)
    report.true(
        f"{what}: the noise of different trials",
        not shared,
        expected="different draws",
        got="the same draw in every trial of the batch",
    )
    along = not bool((first - first[:, :1]).abs().amax() > 1e-6)
    report.true(
        f"{what}: the noise of different features",
        not along,
        expected="different draws",
        got="one draw for all features of a trial",
    )
    report.true(
        f"{what}: two calls with the same generator",
        not torch.equal(first, second),
        expected="fresh noise in the second call",
        got="the same noise twice",
    )
    above = int((first > 0).sum())
    report.binomial(f"{what}: noise above 0", above, total, 0.5)
    within = int((first.abs() < HALF_OF_NORMAL * std).sum())
    # the quartile says the scale, the tail the form
    name = f"{what}: noise of less than {HALF_OF_NORMAL:.3f} standard deviations"
    report.binomial(name, within, total, 0.5)
    far = int((first.abs() > 2 * std).sum())
    report.binomial(f"{what}: noise of more than 2 standard deviations", far, total, 0.045500263896)
    for kind, one, other in (
        ("neighbouring trials", first[::2], first[1::2]),
        ("neighbouring features", first[:, ::2], first[:, 1::2]),
        ("one call and the next", first, second),
    ):
        alike = int((one * other > 0).sum())
        report.binomial(f"{what}: noise of the same sign in {kind}", alike, one.numel(), 0.5)
    return first
