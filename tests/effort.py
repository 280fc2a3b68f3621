"""How much is tried of what never comes to an end: made-up cases, and kills at any moment.

`make test` tries some of it on every change, `make test-long` (``THOROUGH=1``) much more.
"""

from __future__ import annotations

import os

THOROUGH = os.environ.get("THOROUGH") == "1"


def examples(whole: int) -> int:
    """So many examples in a thorough run; else a quarter of them, and ten at least."""
    return whole if THOROUGH else min(whole, max(10, whole // 4))
