"""The array engine: what a load costs, for all positions of a slider at once."""
