"""Figures that survive grey-scale printing and dark mode, and that can be read aloud."""

from __future__ import annotations

import contextlib
import html
import io
import itertools
import math
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import numpy as np

from rl2lib.evaluation.curves import Curve
from rl2lib.files import write_whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's colours, ordered so that neighbours differ in lightness as well as in hue.
PALETTE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#000000", "#999999")
# The same hues in the same order, each light enough for a dark ground.
DARK_PALETTE = ("#4A9FE8", "#E69F00", "#1FBF8F", "#E39AC6", "#9ED8F7", "#F47B3B", "#FFFFFF", "#9AA4AE")
DARK_GROUND = "#0D1117"
LINES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)), (0, (6, 3)))
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
SAVED_DPI = 200  # sharp where a page shows it at half its size


@contextlib.contextmanager
def style(*, dark: bool = False) -> Iterator[None]:
    """Apply the course's figure style to the block: colours and line styles change together.

    Args:
        dark: for a dark page. What is drawn must then take its colours from the style: no "black", no `PALETTE`.
    """
    import matplotlib.pyplot as plt
    from cycler import cycler

    cycle = cycler(color=DARK_PALETTE if dark else PALETTE) + cycler(linestyle=LINES)
    settings: Any = {
        "figure.figsize": (6.4, 3.6),
        "figure.dpi": 110,
        # An opaque light ground reads the same in a dark notebook.
        "figure.facecolor": "white",
        "axes.facecolor": "white",
        "savefig.facecolor": "white",
        "axes.prop_cycle": cycle,
        "axes.grid": True,
        "grid.color": "#DDDDDD",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "font.size": 10,
        "legend.frameon": False,
    }
    if dark:
        settings |= {name: DARK_GROUND for name in settings if name.endswith("facecolor")}
        settings |= dict.fromkeys(("text.color", "axes.labelcolor", "axes.titlecolor"), "#E6EDF3")
        settings |= dict.fromkeys(("axes.edgecolor", "xtick.color", "ytick.color"), "#B1BAC4")
        settings["grid.color"] = "#30363D"
    with plt.rc_context(settings):
        yield


def band(axes: Axes, x: Any, low: Any, middle: Any, high: Any, **line: Any) -> None:
    """Draw a curve with its band (an interval, or the range over seeds)."""
    (curve,) = axes.plot(x, middle, **line)
    axes.fill_between(x, low, high, color=curve.get_color(), alpha=0.2, linewidth=0)


def plot_regret(axes: Axes, curves: Mapping[str, Curve]) -> None:
    """Draw cumulative regret against pulls.

    Args:
        axes: where to draw.
        curves: by agent, from `curves.regret_curve`; an agent's colour is its place, so keep to one order.
    """
    for name, curve in curves.items():
        # before the first pull nothing is lost
        x, low, middle, high = ([0, *line.tolist()] for line in (curve.x, curve.low, curve.mean, curve.high))
        band(axes, x, low, middle, high, label=name)
    axes.set(xlabel="pull", ylabel="cumulative regret")
    axes.margins(x=0)
    axes.set_ylim(bottom=0)
    _legend(axes)


def plot_by_episode(
    axes: Axes, curves: Mapping[str, Curve], *, ylabel: str = "return", references: Mapping[str, float] | None = None
) -> None:
    """Draw one point an episode of the trial, with bands, and reference lines across.

    Args:
        axes: where to draw.
        curves: by agent, from `curves.return_curve`, `steps_curve` or `success_curve`; in one order everywhere.
        ylabel: what was measured.
        references: lines by name, e.g. {"optimum": 0.84}; each carries its name.
    """
    from matplotlib.ticker import MaxNLocator

    longest = max(len(curve.x) for curve in curves.values())
    for (name, curve), marker in zip(curves.items(), itertools.cycle(MARKERS)):
        # past some thirty points markers run into one another
        every = math.ceil(longest / 30)
        x, low, middle, high = (line.numpy() for line in (curve.x, curve.low, curve.mean, curve.high))
        band(axes, x, low, middle, high, label=name, marker=marker, markersize=5, markevery=every)
    for name, value in (references or {}).items():
        line = axes.axhline(value, color=axes.yaxis.label.get_color(), linestyle=":", linewidth=1)
        # in the margin, where no curve can run through it
        axes.annotate(
            name,
            (1, value),
            xycoords=("axes fraction", "data"),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            color=line.get_color(),
        )
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.set(xlabel="episode of the trial", ylabel=ylabel)
    _legend(axes)


def png(figure: Figure, alt: str = "", *, dpi: float | None = None) -> bytes:
    """Return the figure as PNG bytes.

    Args:
        figure: what to write.
        alt: what the picture says; kept in the file as its Description.
        dpi: dots an inch; None: the figure's own.
    """
    buffer = io.BytesIO()
    metadata = {"Software": None} | ({"Description": alt} if alt else {})
    figure.savefig(buffer, format="png", bbox_inches="tight", metadata=metadata, dpi=dpi or "figure")
    return buffer.getvalue()


def save(draw: Callable[[], Figure], path: Path, alt: str, *, root: Path | None = None) -> str:
    """Draw a figure on a light and on a dark ground; write NAME.png and NAME-dark.png.

    Args:
        draw: makes the figure; called once within each style, since colours are fixed as lines are drawn.
        path: NAME.png.
        alt: what the picture says, for whoever cannot see it; kept in both files as their Description.
        root: the folder whose page shows the picture; None: the picture's own.

    Returns:
        HTML for a Markdown page in `root`: the variant that suits the reader's theme, with the alternative text.

    Raises:
        ValueError: `alt` is empty, or `path` does not end in .png.
    """
    import matplotlib.pyplot as plt

    _expect_alt(alt)
    if path.suffix != ".png":
        raise ValueError(f"path: expected NAME.png, got {path.name}")
    night = path.with_stem(f"{path.stem}-dark")
    for place, dark in ((path, False), (night, True)):
        with style(dark=dark):
            figure = draw()
            picture = png(figure, alt, dpi=SAVED_DPI)
        plt.close(figure)
        write_whole(place, picture)
    light_link, dark_link = (
        quote(Path(os.path.relpath(place, root or path.parent)).as_posix()) for place in (path, night)
    )
    return (
        "<picture>\n"
        f'  <source media="(prefers-color-scheme: dark)" srcset="{dark_link}">\n'
        f'  <img src="{light_link}" alt="{html.escape(" ".join(alt.split()))}">\n'
        "</picture>"
    )


def show(figure: Figure, alt: str) -> None:
    """Display a figure once, with its alternative text, and close it.

    Args:
        figure: what to show.
        alt: what the picture says, for whoever cannot see it.

    Raises:
        ValueError: `alt` is empty.
    """
    import matplotlib.pyplot as plt
    from IPython.display import Image, display

    _expect_alt(alt)
    picture = png(figure)
    plt.close(figure)
    display(Image(data=picture, format="png", alt=alt))


def _legend(axes: Axes) -> None:
    """Name the lines in the order in which they end, from the top, on a ground that hides the grid."""
    named = [line for line in axes.get_lines() if not str(line.get_label()).startswith("_")]
    named.sort(key=lambda line: -np.asarray(line.get_ydata())[-1])
    legend = axes.legend(handles=named, handlelength=3, frameon=True)
    legend.get_frame().set(facecolor=axes.get_facecolor(), edgecolor="none", alpha=0.85)


def _expect_alt(alt: str) -> None:
    if not alt.strip():
        raise ValueError("alt: expected a sentence that says what the figure shows, got nothing")
