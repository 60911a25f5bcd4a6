"""The attack corpus: submissions that try to fool, stop or rob the grader, each with the grade that it should get."""
