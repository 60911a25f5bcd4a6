"""What a learner touches: ``check``, ``hint``, ``solution``, ``quiz``, ``progress``, ``submit``."""

from rl2lib.lab.notebook import check, hint, progress, quiz, solution, submit

__all__ = ["check", "hint", "progress", "quiz", "solution", "submit"]
