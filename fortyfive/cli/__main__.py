"""`python -m fortyfive.cli` is `forty`."""

from fortyfive.cli import main

main()
