"""Verdicts: against a published number, and at a level."""

from math import nan

import pytest

from rl2lib.evaluation.rows import Row
from rl2lib.evaluation.statistics import normal_estimate
from rl2lib.experiments.verdicts import against_published, at_least, judged, level_everywhere
from tests.rl2lib.evaluation.test_rows import row

VERDICTS: dict[str, tuple[Row, str]] = {
    "the noise of ours": (row(mean=6.4, se=0.1, published=6.6), "matched"),
    "not below their noise": (row(mean=6.4, se=0.01, published=6.6), "not reached"),
    "the noise of theirs": (row(mean=6.4, se=0.01, published=6.6, published_se=0.1), "matched"),
    "both together": (row(mean=6.35, se=0.08, published=6.6, published_se=0.08), "matched"),
    "above": (row(mean=6.8, se=0.01, published=6.6), "surpassed"),
    "less is better": (row(mean=6.4, se=0.01, published=6.6, better="lower"), "surpassed"),
    "more is worse": (row(mean=6.8, se=0.01, published=6.6, better="lower"), "not reached"),
    "within rounding": (row(mean=6.645, se=0, published=6.6), "matched"),
    "beyond rounding": (row(mean=6.655, se=0, published=6.6), "surpassed"),
    "two decimals": (row(mean=6.645, se=0, published=6.63), "surpassed"),
    "5 in a table of tenths is 5.0": (row(mean=5.3, se=0, published=5.0), "surpassed"),
    "249 is 249.0": (row(mean=249.04, se=0, published=249.0), "matched"),
    "a small number": (row(mean=2e-5, se=0, published=1e-5), "surpassed"),
    "a large one": (row(mean=2e12, se=0, published=1e12), "surpassed"),
    "a sum of decimals is no more exact than they are": (row(mean=0.34, se=0, published=0.1 + 0.2), "matched"),
    "nothing published": (row(), "not measured"),
    "no mean": (row(mean=nan, published=1.0), "not measured"),
    "no error": (row(mean=3.0, se=nan, published=1.0), "not measured"),
}


@pytest.mark.parametrize("name", VERDICTS)
def test_verdict(name: str) -> None:
    line, word = VERDICTS[name]
    assert against_published(line).word == word


def test_a_verdict_shows_its_numbers() -> None:
    assert against_published(row(mean=6.4, se=0.1, published=6.6)).evidence == "6.4 ± 0.2, published 6.6"


@pytest.mark.parametrize(
    ("means", "word"), [((1.3, 1.25), "matched"), ((1.3, 1.1), "open"), ((0.7, 1.1), "not reached"), ((), "matched")]
)
def test_at_a_level_is_shown_by_all_lower_ends_and_refuted_by_one_upper_end(
    means: tuple[float, ...], word: str
) -> None:
    assert at_least([normal_estimate(mean, 0.1) for mean in means], 1.0) == word


@pytest.mark.parametrize(
    ("shown", "refuted", "word"), [(True, False, "matched"), (False, True, "not reached"), (False, False, "open")]
)
def test_what_is_neither_shown_nor_refuted_is_open(shown: bool, refuted: bool, word: str) -> None:
    assert judged(shown, "why", refuted=refuted) == (word, "why")


def test_what_can_only_be_shown_is_not_reached_until_it_is() -> None:
    assert judged(False, "").word == "not reached"


def test_a_level_everywhere_names_every_cell() -> None:
    shares = {"n10": normal_estimate(0.995, 0.001), "n100": normal_estimate(0.95, 0.001)}
    assert level_everywhere(shares, 0.9) == ("matched", "n10 99.5% ± 0.2; n100 95.0% ± 0.2")
    assert level_everywhere(shares, 0.99).word == "not reached"
