"""What an instructor runs: builds the course, grades submissions. Never shipped to learners."""

__version__ = "0.2.0"
