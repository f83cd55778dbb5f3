"""What a learner draws: typed components and the links between them, as a text, as a drawing and as data."""
