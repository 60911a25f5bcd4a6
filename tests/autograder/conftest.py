"""A course of one tiny notebook, so that the tools are tested apart from the course they serve."""

import textwrap
from pathlib import Path

import pytest

from autograder.box.sandbox import Sandbox
from autograder.grade import course_sandbox

SOURCE = '''
# %% [markdown] title="Doubling" reading=5 needs="00"
# # 07 · Doubling
# {minutes} minutes, {points} points.

# %% setup=true
import numpy as np
from rl2lib.lab import check

# %% [markdown]
# ## Exercise 7.1: twice

# %% exercise="double" minutes=3 difficulty=1
def double(x):
    """Return twice x."""
    ### BEGIN SOLUTION
    secret = 2 * x
    return secret
    ### END SOLUTION

# %% check="double" points=2
check("double")

# %% [markdown] hint="double"
# What is twice three?

# %% [markdown] hint="double"
# Add it to itself.

# %% [markdown] quiz="what_is_doubling"
# **Question.** Twice two?
# - [ ] three :: one too few
# - [x] four :: as the sum
#   says

# %%
print("a demonstration")
'''


@pytest.fixture
def tiny(tmp_path) -> Path:
    """The root of a course with one notebook, 07_doubling."""
    folder = tmp_path / "tiny"
    (folder / "solutions").mkdir(parents=True)
    (folder / "solutions" / "07_doubling.py").write_text(textwrap.dedent(SOURCE).lstrip())
    return folder


@pytest.fixture(scope="session")
def sandbox() -> Sandbox:
    """What opens boxes: the real thing."""
    return course_sandbox(True)
