"""One file an experiment: its settings, its published numbers, and the function that runs it."""
