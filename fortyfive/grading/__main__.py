"""Entry of the process that runs a learner's code; a module of its own, so that drivers and it share one `child`."""

from fortyfive.grading.child import main

main()
