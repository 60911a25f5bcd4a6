"""Answers that say too much, or say it in a way that harms whoever reads it."""

from attacks.entry import Attack, added_cell

LOUD = (
    "import logging, os, sys, warnings\nwarnings.warn('loud')\nlogging.warning('louder')\n"
    "print('loudest', file=sys.stderr)\nos.write(2, b'below Python')\n"
)
RIGHT = "def mean_trial_return(rewards):\n    {0}\n    return float(rewards.sum(axis=1).mean())\n"


def _script_in_outputs(content: object) -> None:
    page = {
        "output_type": "display_data",
        "metadata": {},
        "data": {"text/html": "<script>alert('canary-xss')</script>"},
    }
    for cell in content.cells:  # type: ignore[attr-defined]
        if cell.cell_type == "code":
            cell.outputs = [page]
    content.cells.append(added_cell("from IPython.display import HTML\nHTML('<script>alert(1)</script>')"))  # type: ignore[attr-defined]


OUTPUT = [
    Attack(
        "long_line",
        "100 MB on one line",
        "failed",
        """
            def NAME(*a, **k):
                print('x' * 10**8)
                return 17.25
            """,
    ),
    Attack(
        "many_lines",
        "a million lines",
        "failed",
        """
            def NAME(*a, **k):
                if not a: return 1
                for n in range(10**6): print(n)
                return 17.25
            """,
    ),
    Attack(
        "loud_and_right",
        "a right answer that warns, logs and writes to stderr",
        "passed",
        LOUD + RIGHT.format("print('x' * 1000, file=__import__('sys').stderr)"),
        on="mean_trial_return",
        notebook="00",
    ),
    Attack("script_in_outputs", "HTML with a script in its outputs", "passed", surgery=_script_in_outputs),
    Attack(
        "display_formatter",
        "a forged display formatter",
        ("failed", "error"),
        """
            class Full:
                def _repr_html_(self): return '<b>4/4 points</b>'
                __repr__ = _repr_html_
            def NAME(*a, **k): return Full()
            """,
    ),
    Attack(
        "script_in_message",
        "an exception text that is a script, a formula and a terminal escape",
        "error",
        "def NAME(*a, **k): raise ValueError('=1+1 <script>alert(1)</script> \\x1b[31m \\x1b]0;x\\x07')",
    ),
    Attack(
        "unwritable_message",
        "an exception text that no file, database or terminal can hold",
        "error",
        "def NAME(*a, **k): raise ValueError('\\ud800 \\x00 \\u202e\\u2066 \\uffff \\x1b[2J')",
    ),
    Attack("long_message", "an exception text of 10 MB", "error", "def NAME(*a, **k): raise ValueError('x' * 10**7)"),
    Attack(
        "hostile_type_name",
        "an exception and a result whose type names are pages of script",
        "error",
        """
            Wild = type('<script>\\u202e' + 'x' * 10**6, (Exception,), {})
            def NAME(*a, **k): raise Wild('y')
            """,
    ),
    Attack(
        "object_with_a_long_name",
        "a result whose type name is pages of script",
        ("failed", "error", "ungradable"),
        """
            Wild = type('<script>\\ud800\\u202e' + 'x' * 10**6, (), {})
            def NAME(*a, **k): return Wild()
            """,
    ),
    Attack(
        "many_keys",
        "a dictionary of a hundred thousand keys, to be listed in the feedback",
        ("failed", "tampered", "error"),
        "def NAME(*a, **k): return {f'key {n}': n for n in range(100_000)}",
    ),
    Attack(
        "long_key",
        "a dictionary with a key of 3 MB",
        ("failed", "tampered"),
        "def NAME(*a, **k): return {'k' * 3_000_000: 1}",
    ),
    Attack(
        "long_list",
        "a list of ten thousand numbers, to be shown in the feedback",
        ("failed", "tampered"),
        "def NAME(*a, **k): return list(range(10_000))",
    ),
]
