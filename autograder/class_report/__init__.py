"""The instructor's view of graded submissions: a page, tables, JSON, and a few lines for the terminal."""

from autograder.class_report.reading import NothingToReport
from autograder.class_report.terminal import overview, table
from autograder.class_report.write import write_report

__all__ = ["NothingToReport", "overview", "table", "write_report"]
