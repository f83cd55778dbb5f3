"""Compile the engine into its cache on disk, so that no notebook waits for it: `python -m fortyfive.flow`."""

from __future__ import annotations

import importlib
import pkgutil

import fortyfive.flow
from fortyfive.flow.compiled import warm_up

if __name__ == "__main__":
    for module in pkgutil.iter_modules(fortyfive.flow.__path__, "fortyfive.flow."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    warm_up().join()
