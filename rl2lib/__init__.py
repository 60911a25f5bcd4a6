"""RL², a policy whose state survives the episode: the library behind the workbook.

Nothing heavy is imported here, so that ``import rl2lib.lab`` stays fast in the NumPy notebooks.
"""

__version__ = "0.2.0"
