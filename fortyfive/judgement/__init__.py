"""Judge a design against a prompt: what holds, what breaks, and what an interviewer would say about it."""
