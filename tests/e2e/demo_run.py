"""One run of `keeper demo --json` on the embedded chain, shared by every test of a session.

Under pytest-xdist each worker has its own session: the first to come runs it, the others wait.
"""

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

LIMIT_SECONDS = 600
POLL_SECONDS = 0.5


@dataclass(frozen=True)
class DemoRun:
    """How it ended; `document` is what it printed, where that is JSON."""

    exit_code: int
    seconds: float
    out: str
    err: str

    @property
    def document(self):
        return json.loads(self.out)


def run_keeper(*args, path=None):
    """The keeper command of this environment in a process of its own."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("KEEPER_")
    }
    if path is not None:
        environment["PATH"] = path
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "keeper", *args],
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        env=environment,
        check=False,
    )
    return DemoRun(done.returncode, time.monotonic() - started, done.stdout, done.stderr)


def embedded_demo(tmp_path_factory):
    """The shared run, with no Node on the PATH."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    result, claimed = shared / "demo.json", shared / "demo.claimed"
    try:
        claimed.touch(exist_ok=False)
    except FileExistsError:
        return waited_for(result)
    empty = shared / "empty"
    empty.mkdir()
    run = run_keeper("demo", "--json", path=str(empty))
    # Renamed into place, so that nobody reads half of it.
    part = Path(f"{result}.part")
    part.write_text(json.dumps([run.exit_code, run.seconds, run.out, run.err]))
    part.rename(result)
    return run


def waited_for(result):
    deadline = time.monotonic() + LIMIT_SECONDS
    while not result.exists():
        if time.monotonic() > deadline:
            raise TimeoutError("the worker that runs the demo did not finish")
        time.sleep(POLL_SECONDS)
    return DemoRun(*json.loads(result.read_text()))
