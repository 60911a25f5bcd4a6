"""Results that lie about what they are, grow, hold themselves, or have no end."""

import textwrap

from attacks.entry import Attack


def returning(
    name: str, tries: str, body: str, status: str | tuple[str, ...] = "failed", seconds: float = 10.0
) -> Attack:
    """Return an attack whose result is the last line of `body`, an expression."""
    *before, last = textwrap.dedent(body).strip().split("\n")
    lines = "\n".join(before)
    return Attack(
        name, tries, status, f"{lines}\ndef NAME(*a, **k): return {last}", seconds=seconds, stock=name in STOCK
    )


STOCK = {"always_equal", "float_subclass", "number_that_lies", "array_subclass", "generator", "class_property"}

LIES = [
    returning(
        "always_equal",
        "an object equal to everything",
        """
            class Yes:
                def __eq__(self, other): return True
                __ne__ = __lt__ = __le__ = __gt__ = __ge__ = lambda s, o: True
                def __getattr__(self, name): return self
                def __call__(self, *a, **k): return self
                __hash__ = lambda s: 1
                __float__ = lambda s: 1.0
                __abs__ = __sub__ = __rsub__ = lambda s, *o: 0.0
            Yes()
            """,
        ("failed", "error", "ungradable"),
    ),
    returning(
        "float_subclass",
        "a float that is never far from another",
        """
            class Near(float):
                def __sub__(self, o): return 0.0
                __rsub__ = __sub__
                __eq__ = lambda s, o: True
                __hash__ = float.__hash__
            Near(17.25)
            """,
    ),
    returning(
        "number_that_lies",
        "an int that is every int",
        """
            class N(int):
                __eq__ = lambda s, o: True
                __hash__ = int.__hash__
            N(3)
            """,
    ),
    returning(
        "text_subclass",
        "a str subclass",
        """
            class S(str):
                __eq__ = lambda s, o: True
                __hash__ = str.__hash__
            S('x')
            """,
    ),
    returning(
        "array_subclass",
        "an array close to everything",
        """
            import numpy
            class A(numpy.ndarray):
                def __array_ufunc__(self, *a, **k): return True
                def __array_function__(self, *a, **k): return True
            numpy.zeros(3).view(A)
            """,
        ("failed", "error"),
    ),
    returning(
        "tensor_subclass",
        "a tensor close to everything",
        """
            import torch
            class T(torch.Tensor):
                @classmethod
                def __torch_function__(cls, *a, **k): return True
            torch.zeros(3).as_subclass(T)
            """,
        ("failed", "error"),
    ),
    returning(
        "class_property",
        "an object whose class depends on who asks",
        """
            class C:
                n = 0
                @property
                def __class__(self):
                    C.n += 1
                    return (float, list, dict)[C.n % 3]
            C()
            """,
        ("failed", "error", "ungradable"),
    ),
    returning(
        "class_of_a_record",
        "a class that says it comes from rl2lib.types",
        """
            class Step(tuple):
                __module__ = 'rl2lib.types'
                _fields = ('a',)
                a = property(lambda s: s)
                __new__ = lambda c, *a, **k: tuple.__new__(c)
            Step()
            """,
        ("failed", "error", "tampered", "ungradable"),
    ),
    returning(
        "generator",
        "a generator without end",
        """
            import itertools
            (n for n in itertools.count())
            """,
    ),
    returning(
        "endless_sequence",
        "a list that grows while it is read",
        """
            class L(list):
                def __iter__(self):
                    while True: yield 1
            L([1])
            """,
        ("failed", "timeout", "memory"),
        seconds=1.0,
    ),
    returning(
        "zero_strides",
        "an array of 2**62 entries that takes eight bytes",
        """
            import numpy
            numpy.broadcast_to(0.0, (2**31, 2**28))
            """,
        ("memory", "error", "failed"),
    ),
    returning(
        "zero_strides_torch",
        "a tensor of 2**62 entries",
        """
            import torch
            torch.zeros(1).expand(2**31, 2**28)
            """,
        ("memory", "error", "failed"),
    ),
    returning(
        "empty_and_endless",
        "two billion empty rows",
        """
            import torch
            torch.zeros(2**31 - 1, 0)
            """,
        ("tampered", "failed"),
    ),
    returning(
        "empty_and_endless_8",
        "eight long dimensions and an empty one",
        """
            import numpy
            numpy.zeros((2**9,) * 6 + (0,))
            """,
        ("tampered", "failed", "error"),
    ),
    returning("not_a_number_keys", "NaN for keys", "{float('nan'): 1, float('nan'): 2}"),
    returning("long_integer", "an integer of a million bits", "1 << 10**6", ("failed", "tampered", "error")),
    returning(
        "deep_list",
        "a list nested ten thousand deep",
        """
            import functools
            functools.reduce(lambda x, _: [x], range(10_000), [])
            """,
        "error",
    ),
    returning(
        "list_in_itself",
        "a list that holds itself",
        """
            own = []
            own.append(own)
            own
            """,
        "error",
    ),
    returning(
        "wide_list",
        "two hundred thousand empty lists",
        "[[] for _ in range(2 * 10**5)]",
        ("failed", "tampered", "error"),
    ),
    returning(
        "shared_lists",
        "lists that double sixteen times",
        """
            import functools
            functools.reduce(lambda x, _: [x, x], range(11), [0] * 99)
            """,
        ("failed", "tampered"),
    ),
    returning(
        "large_array",
        "an array of 200 MB",
        """
            import numpy
            numpy.zeros(25_000_000)
            """,
        ("failed", "tampered"),
    ),
    returning(
        "objects_in_array",
        "an array of objects",
        """
            import numpy
            numpy.array([[], {}, object()], dtype=object)
            """,
    ),
    returning(
        "odd_dtypes",
        "dates, records, complex numbers",
        """
            import numpy
            [numpy.zeros(2, 'M8[s]'), numpy.zeros(2, 'i4,f8'), 1j, numpy.float128(1)]
            """,
        ("failed", "error"),
    ),
    returning(
        "not_finite",
        "NaN everywhere",
        """
            import numpy
            numpy.full((64,), numpy.nan)
            """,
    ),
    returning(
        "sparse_tensor",
        "tensors that have no plain memory",
        """
            import torch
            torch.zeros(3, device='meta')
            """,
        ("failed", "error"),
    ),
    returning("lone_surrogate", "a text that cannot be written", "'\\ud800\\x00\\u202e' * 99"),
    returning(
        "coroutine",
        "a coroutine",
        """
            async def later(): return 1
            later()
            """,
    ),
    returning(
        "a_module",
        "a module",
        """
            import sys
            sys.modules[__name__]
            """,
    ),
]
