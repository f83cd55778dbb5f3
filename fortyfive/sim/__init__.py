"""Worlds that call the learner's own code, deterministically; standard library only."""
