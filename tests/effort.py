"""How much is tried of that of which more can always be tried: made-up cases, hours, pages in each setting.

`make test` tries some of it on every change, `make test-long` (``THOROUGH=1``) much more.
"""

from __future__ import annotations

import os

THOROUGH = os.environ.get("THOROUGH") == "1"


def examples(whole: int) -> int:
    """So many examples in a thorough run; else a quarter of them, and ten at least."""
    return whole if THOROUGH else min(whole, max(10, whole // 4))
