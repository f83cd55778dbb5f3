"""Real stores as child processes of a notebook: a lesson's claim, shown once on what the trade runs."""
