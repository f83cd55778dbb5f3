"""Authoring: notebooks from their sources, the gates that compare the two, and the book."""
