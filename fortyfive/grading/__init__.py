"""Grading: checks, verdicts, and the child process that runs a learner's code; standard library only."""
