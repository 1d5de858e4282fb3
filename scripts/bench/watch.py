"""Runs a command and prints what it took as JSON: `watch.py COMMAND ...`; no imports but Python's.

Linux lets a process inherit the peak memory of the one that started it. So the benchmark, which is
large, starts this one, which is small, and only then the command.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

_MAXRSS_BYTES = 1 if sys.platform == "darwin" else 1024

if __name__ == "__main__":
    began = time.perf_counter()
    child = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    taken = {"seconds": time.perf_counter() - began, "peak_bytes": usage.ru_maxrss * _MAXRSS_BYTES}
    if os.waitstatus_to_exitcode(status):
        sys.exit(1)
    print(json.dumps(taken))
