"""What the course poses: situations as plain data, seeded; standard library only."""
