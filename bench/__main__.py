"""``python -m bench [NAME...]``: the measurements, each file of this folder in a process of its own.

Standard output has one JSON line a figure: {"figure", "value", "unit", "peer", "peer_value", "ratio", "conditions"}; everything
else goes to standard error. Exit code 1 when a measurement failed, 2 for an unknown name.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def main(names: list[str]) -> int:
    """Run the named measurements, all without a name."""
    known = sorted(p.stem for p in HERE.glob("*.py") if not p.stem.startswith("_"))
    unknown = [name for name in names if name not in known]
    if unknown:
        print(f"no measurement {', '.join(unknown)}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    failed = []
    for name in names or known:
        print(f"bench: {name}", file=sys.stderr, flush=True)
        if subprocess.run([sys.executable, "-m", f"bench.{name}"], cwd=HERE.parent, check=False).returncode:
            failed.append(name)
    if failed:
        print(f"bench: failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
