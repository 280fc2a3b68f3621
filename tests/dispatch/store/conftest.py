"""Every table is known to the tests that compare them, whichever pages a test has loaded before."""

from importlib import import_module
from pkgutil import iter_modules

import dispatch.store

for module in iter_modules(dispatch.store.__path__):
    if module.name.endswith("tables"):
        import_module(f"dispatch.store.{module.name}")
