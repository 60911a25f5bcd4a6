"""Answers that change the grader, the library or the interpreter around them, or look for the reference in them."""

from attacks.entry import Attack

PATCH = (
    "import builtins, gc, sys\nimport numpy, torch\nfor place in (numpy, numpy.testing, torch, torch.testing):\n"
    "    for what in ('isclose', 'allclose', 'array_equal', 'equal', 'assert_allclose', 'assert_close'):\n"
    "        if hasattr(place, what): setattr(place, what, lambda *a, **k: numpy.True_)\n"
)

PATCHES = [
    Attack(
        "patched_numpy",
        "numpy and torch, comparing as the student likes, while the function runs",
        "failed",
        "def NAME(*a, **k):\n" + "\n".join("    " + line for line in PATCH.split("\n")) + "\n    return 17.25",
    ),
    Attack(
        "patched_print",
        "print, isinstance and AssertionError replaced",
        ("failed", "crashed"),
        """
            def NAME(*a, **k):
                import builtins
                builtins.AssertionError = type('Fine', (Exception,), {})
                builtins.print = builtins.isinstance = lambda *a, **k: True
                return 17.25
            """,
    ),
    Attack(
        "patched_rl2lib",
        "checks and reports of rl2lib that find nothing wrong",
        "failed",
        """
            def NAME(*a, **k):
                import rl2lib.lab.checking as c, rl2lib.lab.report as r, rl2lib.lab.handle as h
                c.run_check = lambda name, *a: c.Outcome(name, 'passed')
                c.run_visible = lambda name, h: c.Outcome(name, 'passed')
                for what in ('close', 'true', 'array', 'tensor', 'number', 'fail'): setattr(r.Report, what, lambda *a, **k: 1.0)
                return 17.25
            """,
    ),
    Attack(
        "patched_check",
        "the name `check` shadowed",
        "failed",
        """
            def check(*a, **k): print('passed')
            def kernel_check(*a): pass
            """,
        then_wrong=True,
    ),
    Attack(
        "input_transformer",
        "IPython told to drop every check",
        ("failed", "error"),
        """
            try:
                from IPython import get_ipython
                shell = get_ipython()
                shell.input_transformers_cleanup.append(lambda lines: ['pass\\n'] if any('check' in x for x in lines) else lines)
            except Exception: pass
            """,
        then_wrong=True,
    ),
    Attack(
        "ast_transformer",
        "every call of a check turned into nothing",
        ("failed", "error"),
        """
            import ast
            class Drop(ast.NodeTransformer):
                def visit_Expr(self, node): return ast.Pass()
            try:
                from IPython import get_ipython
                get_ipython().ast_transformers.append(Drop())
            except Exception: pass
            """,
        then_wrong=True,
    ),
    Attack(
        "patched_run_cell",
        "run_cell that runs nothing more",
        ("failed", "error"),
        """
            try:
                from IPython import get_ipython
                shell = get_ipython()
                old = shell.run_cell
                shell.run_cell_async = shell.run_cell = lambda code, *a, **k: old('pass')
            except Exception: pass
            """,
        then_wrong=True,
    ),
    Attack(
        "frames",
        "looks through the callers' frames for what is expected",
        ("failed", "error"),
        """
            import sys
            def NAME(*a, **k):
                frame = sys._getframe()
                while frame:
                    for value in list(frame.f_locals.values()):
                        if type(value).__name__ == 'Report':
                            value.close = value.true = lambda *a, **k: None
                        if hasattr(value, '_namespace') and 'reference' in str(frame.f_locals.keys()):
                            return frame.f_locals['reference'].call('NAME', *a, **k)
                    frame = frame.f_back
                return 17.25
            """,
    ),
    Attack(
        "garbage_collector",
        "looks through all objects for the reference",
        ("failed", "error"),
        """
            import gc
            def NAME(*a, **k):
                for thing in gc.get_objects():
                    if isinstance(thing, dict):
                        other = thing.get('NAME')
                        if callable(other) and other is not NAME:
                            return other(*a, **k)
                return 17.25
            """,
    ),
    Attack(
        "grader_by_import",
        "imports the grader's own modules",
        "error",
        """
            def NAME(*a, **k):
                from autograder.reference import reference_handle
                from autograder.source import load_course
                return reference_handle(next(n for n in load_course() if n.number == '01')).call('NAME', *a, **k)
            """,
    ),
    Attack(
        "solution",
        "asks the library for the solution",
        ("failed", "error"),
        """
            def NAME(*a, **k):
                from rl2lib.lab import notebook, store, solution
                store.Store.passed = lambda self: {'NAME'}
                notebook.Store = type('S', (), {'passed': lambda s: {'NAME'}})
                return solution('NAME')
            """,
    ),
    Attack(
        "own",
        "asks the library for the learner's earlier answer",
        ("failed", "error"),
        """
            def NAME(*a, **k):
                from rl2lib.lab.answers_so_far import own
                return own('NAME', lambda *a, **k: 17.25)(*a, **k)
            """,
    ),
    Attack(
        "reseeding",
        "seeds every generator that there is",
        "failed",
        """
            import random
            def NAME(*a, **k):
                import numpy, torch
                random.seed(0), numpy.random.seed(0), torch.manual_seed(0)
                return 17.25
            """,
    ),
    Attack(
        "state_dict_games",
        "the answer is an object that is also a function and a class",
        ("failed", "error"),
        """
            class Both(type):
                def __call__(cls, *a, **k): return cls
            class NAME(metaclass=Both): pass
            """,
    ),
    Attack("not_callable", "a number where the function should be", "error", "NAME = 3"),
    Attack(
        "homoglyph",
        "a name that looks the same",
        "not_attempted",
        "def " + "p\u03c5ll" + "(*a, **k): return 17.25",
        on="pull",
    ),
    Attack(
        "same_name_after_all",
        "a name that Python takes for the same",
        "passed",
        """
            def \uff50ull(means, arms, generator):
                return (generator.random(len(arms)) < means[np.arange(len(arms)), arms]).astype(float)
            """,
        on="pull",
    ),
    Attack(
        "bidi",
        "code that reads otherwise than it runs",
        "failed",
        """
            def NAME(*a, **k):
                # \u202e\u2066 return right \u2069\u2066
                return 17.25
            """,
    ),
]

LIBRARY = [
    Attack(
        "library_object",
        "the library's own function under its own name",
        "failed",
        "from rl2lib.training.returns import discounted_returns",
        on="discounted_returns",
        notebook="04",
        says="library's own",
    ),
    Attack(
        "library_partial",
        "the library's own function in a functools.partial",
        "failed",
        """
            import functools
            from rl2lib.training import returns
            discounted_returns = functools.partial(returns.discounted_returns)
            """,
        on="discounted_returns",
        notebook="04",
        says="library's own",
    ),
    Attack(
        "library_called",
        "the library's function under a name of the student's own: what it calls is its own affair",
        "passed",
        """
            from rl2lib.training import returns
            def discounted_returns(trajectory, discount):
                return returns.discounted_returns(trajectory.reward, trajectory.mask, discount)
            """,
        on="discounted_returns",
        notebook="04",
    ),
]

SETTINGS = [
    Attack(
        "torch_settings",
        "torch's defaults changed when the function is called",
        ("failed", "error"),
        """
            def trial_start_input(*a, **k):
                torch.set_default_dtype(torch.float64)
                torch.set_default_device('meta')
                torch.set_grad_enabled(False)
                torch.set_num_threads(64)
                torch.use_deterministic_algorithms(True)
                return 17.25
            """,
        on="trial_start_input",
        notebook="02",
    ),
    Attack(
        "torch_settings_in_cell",
        "torch's defaults changed for the whole notebook",
        ("failed", "error"),
        """
            torch.set_default_dtype(torch.float64)
            torch.set_default_device('meta')
            torch.set_grad_enabled(False)
            """,
        on="trial_start_input",
        notebook="02",
        others=("passed", "failed", "error"),
        then_wrong=True,
    ),
    Attack(
        "gradients_patched",
        "autograd that returns what it likes",
        ("failed", "error"),
        """
            def learn_lines(gru, readout, x, y):
                torch.autograd.grad = lambda out, leaves, **k: [torch.ones_like(leaf) for leaf in leaves]
                return x
            """,
        on="learn_lines",
        notebook="03",
    ),
    Attack(
        "module_that_lies",
        "a module whose methods grow, lie, call back and raise",
        ("failed", "error", "tampered", "ungradable"),
        """
            class JointEmbedding(nn.Module):
                calls = 0
                def __init__(self, *a): super().__init__(); self.w = nn.Parameter(torch.ones(3))
                def forward(self, *a):
                    type(self).calls += 1
                    self.register_buffer(f'b{self.calls}', torch.zeros(10**6))
                    setattr(type(self), f'm{self.calls}', lambda s: s)
                    return torch.zeros(1, self.calls)
                def state_dict(self, *a, **k): return {'w': self, 3: [self], 'x' * 150: torch.zeros(1)}
                def load_state_dict(self, *a, **k): raise KeyError('w')
                def parameters(self, *a):
                    while True: yield self.w
            """,
        on="JointEmbedding",
        notebook="02",
        seconds=3.0,
    ),
]
