"""How a check reaches a learner's answer, without caring where that answer lives.

A check speaks to a `Handle`. `LocalHandle` wraps a namespace of this process (the learner's kernel, the
reference); the grader's box handle sends the same operations to another process, whose server holds a
`LocalHandle` too. So there is one meaning of "call the learner's function", and it is written here.

Values cross as plain data only (`rl2lib.lab.values`). Everything else stays where it is and is represented by a `Ref`.
"""

from __future__ import annotations

import contextlib
import inspect
import linecache
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from rl2lib.lab.limits import TimeLimitReached, time_limit
from rl2lib.lab.values import (
    Callback,
    Generator,
    Lib,
    Ref,
    is_record,
    library_constructor,
    make_generator,
    record_fields,
)

MAX_DEPTH = 12
NO_MEMORY = "can't allocate memory"  # what torch says where Python would raise MemoryError


# --------------------------------------------------------------------------------------- errors


class StudentError(Exception):
    """The learner's code raised.

    Args:
        kind: the exception's type name.
        message: its text.
        line: the learner's own line in which it arose, "" where unknown.

    Attributes:
        during: the call that was being made, "" where it was not a plain call.
    """

    def __init__(self, kind: str, message: str, line: str = ""):
        super().__init__(kind, message, line)
        self.kind, self.message, self.line = kind, message, line
        self.during = ""


class StudentTimeout(Exception):
    """The learner's code did not return within `seconds`."""

    def __init__(self, seconds: float):
        super().__init__(seconds)
        self.seconds = seconds


class StudentGone(Exception):
    """The process that ran the learner's code ended or lied; `status` is crashed, memory or tampered."""

    def __init__(self, status: str, detail: str):
        super().__init__(status, detail)
        self.status, self.detail = status, detail


# --------------------------------------------------------------------------------------- protocol


class Handle(Protocol):
    """Everything that a check may do with a learner's answer."""

    def kind(self, name: str) -> str: ...
    def origin(self, name: str) -> str: ...
    def call(self, name: str, *args: Any, **kwargs: Any) -> Any: ...
    def construct(self, name: str, *args: Any, **kwargs: Any) -> Ref: ...
    def method(self, ref: Ref, name: str, *args: Any, **kwargs: Any) -> Any: ...
    def attribute(self, ref: Ref, name: str) -> Any: ...
    def state_dict(self, ref: Ref) -> dict[str, Any]: ...
    def load_state_dict(self, ref: Ref, state: Mapping[str, Any]) -> None: ...
    def grad(
        self, function: str | tuple[Ref, str], args: Sequence[Any], wrt: Sequence[int | Ref], cotangent: Any = None
    ) -> list[Any]: ...
    def keep(self, value: Any) -> Ref: ...


class LocalHandle:
    """A `Handle` on a namespace of this process.

    Args:
        namespace: names to objects, for instance a notebook kernel's globals. Read, never written.
        seconds: best-effort time limit for one operation; None for no limit.
    """

    def __init__(self, namespace: Mapping[str, Any], seconds: float | None = None):
        self._namespace = namespace
        self._seconds = seconds
        self._objects: dict[int, Any] = {}

    # ------------------------------------------------------------------ looking

    def kind(self, name: str) -> str:
        """Return "missing", "class", "function", or the type name of what stands under `name`."""
        if name not in self._namespace:
            return "missing"
        value = self._namespace[name]
        if inspect.isclass(value):
            return "class"
        return "function" if callable(value) else type(value).__name__

    def origin(self, name: str) -> str:
        """Return the module in which the thing called `name` was defined, "" where that is unknown."""
        value: Any = self._namespace.get(name)
        while hasattr(value, "func") and hasattr(value, "keywords"):  # functools.partial
            value = value.func
        value = inspect.unwrap(value) if callable(value) else value
        module = getattr(value, "__module__", None)
        return module if isinstance(module, str) else ""

    # ------------------------------------------------------------------ doing

    def call(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """Call the learner's function `name` and return its result as plain data."""
        with naming_the_call(name, args, kwargs):
            return self._outward(self._run(self._named(name), args, kwargs))

    def construct(self, name: str, *args: Any, **kwargs: Any) -> Ref:
        """Build an object of the learner's class `name`; it stays inside."""
        return self._store(self._run(self._named(name), args, kwargs))

    def method(self, ref: Ref, name: str, *args: Any, **kwargs: Any) -> Any:
        """Call a method of an object that stayed inside."""
        return self._outward(self._run(self._attribute(ref, name), args, kwargs))

    def attribute(self, ref: Ref, name: str) -> Any:
        """Read an attribute of an object that stayed inside."""
        return self._outward(self._attribute(ref, name))

    def state_dict(self, ref: Ref) -> dict[str, Any]:
        """Return a module's parameters and buffers, detached copies."""
        return self._outward(dict(self._run(self._attribute(ref, "state_dict"), (), {})))

    def load_state_dict(self, ref: Ref, state: Mapping[str, Any]) -> None:
        """Set a module's parameters and buffers."""
        self._run(self._attribute(ref, "load_state_dict"), (dict(state),), {})

    def keep(self, value: Any) -> Ref:
        """Put a value inside, so that its state (a generator's, say) lives on from call to call."""
        return self._store(self._inward(value))

    def grad(
        self, function: str | tuple[Ref, str], args: Sequence[Any], wrt: Sequence[int | Ref], cotangent: Any = None
    ) -> list[Any]:
        """Differentiate the learner's function with respect to arguments or modules.

        Args:
            function: a name, or (ref, method name).
            args: its positional arguments.
            wrt: argument positions, and Refs of modules (all their parameters).
            cotangent: weights of a non-scalar output; None for a scalar one.

        Returns:
            one entry for each of `wrt`: the gradient, or None where none arrived; for a module a dictionary
            of those by parameter name.
        """
        import torch

        target = self._named(function) if isinstance(function, str) else self._attribute(*function)
        inside = [self._inward(argument) for argument in args]
        leaves: list[Any] = []
        for entry in wrt:
            if isinstance(entry, Ref):
                leaves.extend(self._objects[entry.key].parameters())
            else:
                inside[entry] = inside[entry].detach().clone().requires_grad_()
                leaves.append(inside[entry])
        output = self._guarded(lambda: target(*inside))
        if not isinstance(output, torch.Tensor):
            raise StudentError("TypeError", f"a tensor was expected here, {_article(output)} came back")
        if output.requires_grad:
            weighted = output if cotangent is None else (output * self._inward(cotangent)).sum()
            if weighted.numel() != 1:
                raise StudentError("ValueError", f"a scalar was expected here, shape {tuple(output.shape)} came back")
            found = iter(self._guarded(lambda: torch.autograd.grad(weighted.sum(), leaves, allow_unused=True)))
        else:
            found = iter([None] * len(leaves))
        result: list[Any] = []
        for entry in wrt:
            if isinstance(entry, Ref):
                names = [name for name, _ in self._objects[entry.key].named_parameters()]
                result.append({name: self._outward(next(found)) for name in names})
            else:
                result.append(self._outward(next(found)))
        return result

    # ------------------------------------------------------------------ running learner code

    def _named(self, name: str) -> Any:
        if name not in self._namespace:
            raise StudentError("NameError", f"nothing is called {name!r} here yet: has its cell been run?")
        value = self._namespace[name]
        if not callable(value):
            raise StudentError("TypeError", f"{name!r} should be a function or class, it is {_article(value)}")
        return value

    def _attribute(self, ref: Ref, name: str) -> Any:
        return self._guarded(lambda: getattr(self._objects[ref.key], name))

    def _run(self, function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        inside = [self._inward(argument) for argument in args]
        named = {key: self._inward(value) for key, value in kwargs.items()}
        return self._guarded(lambda: function(*inside, **named))

    def _guarded(self, action: Callable[[], Any]) -> Any:
        # A learner's warnings and progress bars must not reach stderr: nbgrader gives such a cell nothing.
        with contextlib.redirect_stderr(sys.stdout):
            try:
                with time_limit(self._seconds):
                    return action()
            except (StudentError, StudentTimeout, StudentGone):
                raise
            except TimeLimitReached:
                raise StudentTimeout(self._seconds or 0.0) from None
            except BaseException as error:
                raise student_error(error) from None

    # ------------------------------------------------------------------ crossing

    def _store(self, value: Any) -> Ref:
        key = len(self._objects)
        self._objects[key] = value
        return Ref(key, type(value).__name__)

    def _outward(self, value: Any, depth: int = 0) -> Any:
        """Inside object -> plain data or Ref."""
        if depth > MAX_DEPTH:
            raise StudentError("ValueError", f"the result is nested more than {MAX_DEPTH} deep")
        again = depth + 1
        if value is None or type(value) in (bool, int, float, str):
            return value
        if isinstance(value, np.generic):
            return value.item()
        if isinstance(value, np.ndarray):
            return np.array(value, copy=True) if value.dtype.kind in "biuf" else self._store(value)
        torch = sys.modules.get("torch")
        if torch is not None and isinstance(value, torch.Tensor):
            return value.detach().cpu().clone().as_subclass(torch.Tensor)
        if is_record(value):
            return type(value)(**{name: self._outward(item, again) for name, item in record_fields(value).items()})
        if isinstance(value, list):
            return [self._outward(item, again) for item in value]
        if isinstance(value, tuple):
            return tuple(self._outward(item, again) for item in value)
        if isinstance(value, dict) and all(type(key) in (str, int) for key in value):
            return {key: self._outward(item, again) for key, item in value.items()}
        return self._store(value)

    def _inward(self, value: Any, depth: int = 0) -> Any:
        """Plain data, Ref, Lib, Generator or Callback -> the object that learner code receives."""
        if depth > MAX_DEPTH:
            raise ValueError(f"an argument is nested more than {MAX_DEPTH} deep")
        again = depth + 1
        if isinstance(value, Ref):
            if value.key not in self._objects:
                raise ValueError(f"no object {value.key} is kept here; a Ref belongs to the handle that gave it")
            return self._objects[value.key]
        if isinstance(value, Lib):
            build = library_constructor(value.path)
            args = [self._inward(item, again) for item in value.args]
            return build(*args, **{key: self._inward(item, again) for key, item in value.kwargs.items()})
        if isinstance(value, Generator):
            return make_generator(value)
        if isinstance(value, Callback):
            return _CallbackProxy(value, self)
        if isinstance(value, np.ndarray):
            return value.copy()
        torch = sys.modules.get("torch")
        if torch is not None and isinstance(value, torch.Tensor):
            return value.detach().clone()
        if is_record(value):
            return type(value)(**{name: self._inward(item, again) for name, item in record_fields(value).items()})
        if isinstance(value, list | tuple):
            return type(value)(self._inward(item, again) for item in value)
        if isinstance(value, dict):
            return {key: self._inward(item, again) for key, item in value.items()}
        return value


class _CallbackProxy:
    """What learner code sees of a `Callback`: its listed methods and attributes, nothing else."""

    def __init__(self, callback: Callback, handle: LocalHandle):
        def forward(name: str) -> Callable[..., Any]:
            def method(*args: Any, **kwargs: Any) -> Any:
                plain = [handle._outward(argument) for argument in args]
                named = {key: handle._outward(item) for key, item in kwargs.items()}
                return handle._inward(getattr(callback.target, name)(*plain, **named))

            return method

        self._methods = {name: forward(name) for name in callback.methods}
        self._attributes = {name: handle._inward(getattr(callback.target, name)) for name in callback.attributes}

    def __getattr__(self, name: str) -> Any:
        if name in ("_methods", "_attributes"):
            raise AttributeError(name)
        if name in self._methods:
            return self._methods[name]
        if name in self._attributes:
            return self._attributes[name]
        raise AttributeError(f"this object offers {sorted(self._methods) + sorted(self._attributes)}, not {name!r}")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if "__call__" not in self._methods:
            raise TypeError("this object is not callable")
        return self._methods["__call__"](*args, **kwargs)


@contextlib.contextmanager
def naming_the_call(name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Iterator[None]:
    """Add to a `StudentError` of the block which call was being made, arguments by kind and shape."""
    try:
        yield
    except StudentError as error:
        parts = [_brief(value) for value in args] + [f"{key}={_brief(value)}" for key, value in kwargs.items()]
        error.during = f"{name}({', '.join(parts)})"
        raise


def _brief(value: Any) -> str:
    if hasattr(value, "shape"):
        return f"{'array' if isinstance(value, np.ndarray) else 'tensor'} {list(value.shape)}"
    if isinstance(value, bool | int | float | str):
        return repr(value)[:40]
    return "generator" if isinstance(value, Generator) else getattr(value, "type_name", type(value).__name__)


def run_cell(source: str, namespace: dict[str, Any], label: str) -> None:
    """Execute a cell in `namespace`, its lines known to tracebacks under `label`."""
    linecache.cache[label] = (len(source), None, source.splitlines(True), label)
    exec(compile(source, label, "exec"), namespace)


def student_error(error: BaseException) -> StudentError:
    """Describe an exception of learner code by its type, its message and the learner's own line."""
    try:
        message = str(error)[:2000]
    except BaseException:  # an exception that raises when it is read
        message = "(its message cannot be read)"
    kind = "MemoryError" if NO_MEMORY in message else type(error).__name__
    return StudentError(kind, message, _learner_line(error))


def _learner_line(error: BaseException) -> str:
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        ours = "rl2lib" in frame.filename or "autograder" in frame.filename
        if ours or "site-packages" in frame.filename or "/lib/python" in frame.filename:
            continue
        text = (frame.line or linecache.getline(frame.filename, frame.lineno or 0)).strip()
        return f"line {frame.lineno} of the cell: {text}" if text else f"line {frame.lineno} of the cell"
    return ""


def _article(value: Any) -> str:
    name = type(value).__name__
    return "None" if value is None else f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"
