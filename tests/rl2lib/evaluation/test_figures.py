import io
from pathlib import Path

import matplotlib.pyplot as plt
import pytest
import torch
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from PIL import Image

from rl2lib.evaluation.curves import Curve, mean_curve
from rl2lib.evaluation.figures import (
    DARK_GROUND,
    DARK_PALETTE,
    PALETTE,
    plot_by_episode,
    plot_regret,
    png,
    save,
    style,
)

ALT = 'Regret of "RL²" & ε-greedy: both rise.'


def curve(*means: float) -> Curve:
    return mean_curve(torch.tensor([[mean - 1 for mean in means], [mean + 1 for mean in means]]))


def draw() -> Figure:
    figure, axes = plt.subplots()
    plot_regret(axes, {"low": curve(1, 2), "high": curve(2, 9)})
    return figure


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.1)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_dark_colours_stand_out_from_their_ground() -> None:
    """Three to one is what WCAG 2.1 asks of graphics; text gets more."""
    assert len(set(DARK_PALETTE)) == len(DARK_PALETTE) == len(PALETTE)
    ground = luminance(DARK_GROUND) + 0.05
    assert all((luminance(colour) + 0.05) / ground > 4.5 for colour in DARK_PALETTE)
    with style(dark=True):
        for name in ("text.color", "axes.labelcolor", "xtick.color", "ytick.color"):
            assert (luminance(plt.rcParams[name]) + 0.05) / ground > 4.5


def test_a_style_ends_with_its_block_and_light_is_the_default() -> None:
    before = dict(plt.rcParams)
    for dark, ground, first in ((False, "white", PALETTE[0]), (True, DARK_GROUND, DARK_PALETTE[0])):
        with style(dark=dark):
            assert plt.rcParams["figure.facecolor"] == plt.rcParams["savefig.facecolor"] == ground
            assert plt.rcParams["axes.prop_cycle"].by_key()["color"][0] == first
    assert dict(plt.rcParams) == before
    with style():
        assert plt.rcParams["figure.facecolor"] == "white"


def test_regret_starts_at_nothing_and_the_legend_follows_the_lines() -> None:
    with style():
        axes = draw().axes[0]
    low, high = axes.get_lines()
    assert low.get_xydata().tolist() == [[0, 0], [1, 1], [2, 2]]
    assert high.get_xydata().tolist() == [[0, 0], [1, 2], [2, 9]]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["high", "low"]
    assert len(axes.collections) == 2 and axes.get_ylim()[0] == 0
    plt.close("all")


def test_by_episode_draws_points_and_named_references() -> None:
    with style():
        figure, axes = plt.subplots()
        plot_by_episode(axes, {"a": curve(1, 2, 3), "b": curve(3, 2, 1)}, ylabel="steps", references={"optimum": 5})
    one, other, optimum = axes.get_lines()
    assert one.get_xydata().tolist() == [[1, 1], [2, 2], [3, 3]]
    assert one.get_marker() != other.get_marker() and one.get_linestyle() != other.get_linestyle()
    assert list(optimum.get_ydata()) == [5, 5] and [text.get_text() for text in axes.texts] == ["optimum"]
    assert axes.get_ylabel() == "steps"
    figure.canvas.draw()
    assert all(float(tick).is_integer() for tick in axes.get_xticks())
    assert axes.get_ylim()[1] > 5
    plt.close("all")


def test_both_variants_are_saved_with_their_words(tmp_path: Path) -> None:
    place = tmp_path / "results" / "regret 1.png"
    snippet = save(draw, place, ALT, root=tmp_path)
    grounds = []
    for path in (place, place.with_name("regret 1-dark.png")):
        with Image.open(path) as picture:
            assert picture.text["Description"] == ALT
            grounds.append(picture.convert("RGB").getpixel((0, 0)))
    assert grounds == [(255, 255, 255), tuple(round(255 * c) for c in to_rgb(DARK_GROUND))]
    assert snippet.splitlines() == [
        "<picture>",
        '  <source media="(prefers-color-scheme: dark)" srcset="results/regret%201-dark.png">',
        '  <img src="results/regret%201.png" alt="Regret of &quot;RL²&quot; &amp; ε-greedy: both rise.">',
        "</picture>",
    ]
    assert 'src="regret%201.png"' in save(draw, place, ALT)
    assert not plt.get_fignums()
    assert sorted(path.name for path in place.parent.iterdir()) == ["regret 1-dark.png", "regret 1.png"]


def test_a_picture_without_words_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="alt: expected a sentence"):
        save(draw, tmp_path / "a.png", " ")
    with pytest.raises(ValueError, match=r"path: expected NAME\.png, got a\.jpg"):
        save(draw, tmp_path / "a.jpg", ALT)
    assert not list(tmp_path.iterdir())


def test_png_bytes_depend_on_the_figure_alone() -> None:
    """Executed notebooks are compared byte for byte: no date, no version, no words unless asked for."""
    with style():
        figure = draw()
        first, second, described = png(figure), png(figure), png(figure, ALT)
    plt.close(figure)
    assert first == second != described
    with Image.open(io.BytesIO(first)) as picture:
        assert not picture.text
