"""A network of its own for the load: no packet leaves, and every engine has the same address.

Janus offers no loopback address, so the load runs in a network namespace whose one address is local to it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

ADDRESS = "10.99.0.1"
INSIDE = "BENCH_NETWORK"
SET_UP = (
    "ip link set lo up",
    "ip link add load0 type veth peer name load1",
    f"ip address add {ADDRESS}/32 dev load0",
    "ip link set load0 up",
    "ip link set load1 up",
)


def enter(module: str) -> str:  # noqa: RET503 - the last line does not return
    """Begin `module` again inside a namespace, or return the address to use: 127.0.0.1 where there can be no namespace."""
    if os.environ.get(INSIDE):
        return ADDRESS
    root = ["unshare", "-n"] if os.geteuid() == 0 else ["unshare", "-rn"]
    if shutil.which("unshare") is None or shutil.which("ip") is None:
        return "127.0.0.1"
    script = " && ".join(SET_UP)
    if subprocess.run([*root, "sh", "-c", script], check=False, capture_output=True).returncode:
        return "127.0.0.1"
    inside = [*root, "sh", "-c", f'{script} && exec "$@"', "sh", sys.executable, "-m", module, *sys.argv[1:]]
    os.execvpe(inside[0], inside, {**os.environ, INSIDE: "1"})
