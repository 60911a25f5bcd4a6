"""Measuring: every agent of a comparison on the same tasks, every number with its error."""
