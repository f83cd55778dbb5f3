"""Authoring: notebooks from their sources, the gates that compare the two, and the book."""

from fortyfive.startup import skip_address_grammars

skip_address_grammars()
