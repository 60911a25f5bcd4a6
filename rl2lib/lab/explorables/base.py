"""What every explorable is: declared controls, a pure state, a drawing, and words for it.

``show()`` builds ipywidgets around that; where no kernel runs, the saved output still holds the figure for
the controls' first values. Controls are ordinary ipywidgets and so work from the keyboard.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Slider:
    """A number in a range; integers where `step` is one."""

    label: str
    minimum: float
    maximum: float
    step: float
    value: float


@dataclass(frozen=True)
class Choice:
    """One of several options."""

    label: str
    options: tuple[str, ...]
    value: str


@dataclass(frozen=True)
class Toggle:
    """On or off."""

    label: str
    value: bool


@dataclass(frozen=True)
class Button:
    """Counts its presses; `value` is where the count starts."""

    label: str
    value: int = 0


Control = Slider | Choice | Toggle | Button


class Explorable(ABC):
    """Something to play with. Subclasses say what the controls are and what they show."""

    title: str

    @abstractmethod
    def controls(self) -> dict[str, Control]:
        """Return the controls by name; the names are the keyword arguments of `state`."""

    @abstractmethod
    def state(self, **values: Any) -> dict[str, Any]:
        """Return everything that is drawn, a pure function of the controls' values."""

    @abstractmethod
    def draw(self, state: Mapping[str, Any]) -> Figure:
        """Draw the state, within 200 ms."""

    @abstractmethod
    def describe(self, state: Mapping[str, Any]) -> str:
        """Say the state in words, for the figure's alternative text."""

    def first_values(self) -> dict[str, Any]:
        """Return every control's starting value."""
        return {name: control.value for name, control in self.controls().items()}

    def render(self, **values: Any) -> tuple[bytes, str]:
        """Return (PNG bytes, alternative text) for the given values, starting values elsewhere."""
        import matplotlib.pyplot as plt

        from rl2lib.evaluation.figures import png, style

        state = self.state(**(self.first_values() | values))
        with style():
            figure = self.draw(state)
            picture = png(figure)
        plt.close(figure)
        return picture, self.describe(state)

    def show(self) -> None:
        """Display the explorable: live with a kernel, the first figure without one."""
        from IPython.display import Image, display

        picture, words = self.render()
        still, metadata = Image(data=picture, format="png", alt=words)._repr_mimebundle_()
        try:
            bundle = self._widget(picture, words)._repr_mimebundle_()
        except Exception as error:  # a front end without widgets still gets the figure
            print(f"{self.title}: the controls could not be built ({error}); this is the still picture.")
            bundle = {}
        display({**bundle, **still, "text/plain": f"{self.title}: {words}"}, metadata=metadata, raw=True)

    def _widget(self, picture: bytes, words: str) -> Any:
        import ipywidgets as widgets

        canvas = widgets.Image(value=picture, format="png", layout=widgets.Layout(max_width="100%"))
        caption = widgets.HTML(value=words)
        values = self.first_values()

        def redraw(name: str, value: Any) -> None:
            values[name] = value
            canvas.value, caption.value = self.render(**values)

        rows = [widgets.HTML(value=f"<b>{self.title}</b>")]
        for name, control in self.controls().items():
            rows.append(_control_widget(name, control, redraw))
        return widgets.VBox([*rows, canvas, caption])


def _control_widget(name: str, control: Control, redraw: Any) -> Any:
    import ipywidgets as widgets

    wide = {"description_width": "initial"}
    if isinstance(control, Button):
        button = widgets.Button(description=control.label, layout=widgets.Layout(width="auto"))
        presses = {"count": control.value}

        def pressed(_: Any) -> None:
            presses["count"] += 1
            redraw(name, presses["count"])

        button.on_click(pressed)
        return button
    if isinstance(control, Slider):
        whole = all(float(number).is_integer() for number in (control.minimum, control.step, control.value))
        kind = widgets.IntSlider if whole else widgets.FloatSlider
        cast = int if whole else float
        bounds = {"min": cast(control.minimum), "max": cast(control.maximum), "step": cast(control.step)}
        widget = kind(
            value=cast(control.value), description=control.label, continuous_update=False, style=wide, **bounds
        )
    elif isinstance(control, Choice):
        widget = widgets.Dropdown(options=control.options, value=control.value, description=control.label, style=wide)
    else:
        widget = widgets.Checkbox(value=control.value, description=control.label, style=wide)
    widget.observe(lambda change: redraw(name, change["new"]), names="value")
    return widget
