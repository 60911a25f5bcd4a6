"""Figures that survive grey-scale printing and dark mode, and that can be read aloud."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's colours, ordered so that neighbours differ in lightness as well as in hue.
PALETTE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#000000", "#999999")
LINES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)), (0, (6, 3)))
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")


@contextlib.contextmanager
def style() -> Iterator[None]:
    """Apply the course's figure style to the block: colours, line styles and markers change together."""
    import matplotlib.pyplot as plt
    from cycler import cycler

    cycle = cycler(color=PALETTE) + cycler(linestyle=LINES)
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
    with plt.rc_context(settings):
        yield


def band(axes: Axes, x: Any, low: Any, middle: Any, high: Any, **line: Any) -> None:
    """Draw a curve with its band (an interval, or the range over seeds)."""
    (curve,) = axes.plot(x, middle, **line)
    axes.fill_between(x, low, high, color=curve.get_color(), alpha=0.2, linewidth=0)


def png(figure: Figure) -> bytes:
    """Return the figure as PNG bytes."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", bbox_inches="tight", metadata={"Software": None})
    return buffer.getvalue()


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

    if not alt.strip():
        raise ValueError("alt: expected a sentence that says what the figure shows, got nothing")
    picture = png(figure)
    plt.close(figure)
    display(Image(data=picture, format="png", alt=alt))
