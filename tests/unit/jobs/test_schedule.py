import os
import signal
import subprocess
import sys
import threading
import time

import pytest
import structlog

from keeper.errors import (
    ChainUnavailable,
    ConfigError,
    NotDeployed,
    QuorumNotReached,
    SignerError,
    WrongChain,
)
from keeper.jobs.schedule import Ending, Job, run_forever, run_once


def failing(error):
    def run():
        raise error

    return run


def test_run_once__some_fail__all_have_their_turn_and_the_first_is_raised():
    done = []
    jobs = [
        Job("attest", failing(QuorumNotReached("1 of 2")), 1),
        Job("liquidate", lambda: done.append("liquidate"), 1),
        Job("settle", failing(ChainUnavailable("no answer")), 1),
    ]
    with structlog.testing.capture_logs() as logs, pytest.raises(QuorumNotReached, match="1 of 2"):
        run_once(jobs)
    assert done == ["liquidate"]
    assert logs[0]["event"] == "job_failed"
    assert (logs[0]["job"], logs[0]["kind"]) == ("settle", "ChainUnavailable")


def test_run_once__fatal__stops_at_once():
    done = []
    jobs = [Job("a", failing(NotDeployed("no code")), 1), Job("b", lambda: done.append("b"), 1)]
    with pytest.raises(NotDeployed):
        run_once(jobs)
    assert done == []


def test_run_forever__job_fails__is_logged_and_has_its_next_turn():
    ending, turns = Ending(), []

    def sometimes():
        turns.append(len(turns))
        if len(turns) == 1:
            raise ChainUnavailable("no answer")
        if len(turns) == 2:
            raise ZeroDivisionError("bug")
        ending.end()

    with structlog.testing.capture_logs() as logs:
        run_forever([Job("attest", sometimes, 0.05)], ending)
    events = [entry["event"] for entry in logs]
    assert events[:3] == ["keeper_started", "job_failed", "job_crashed"]
    assert len(turns) >= 3


@pytest.mark.parametrize(
    "error", [WrongChain("chain"), NotDeployed("code"), SignerError("key"), ConfigError("field")]
)
def test_run_forever__fatal_error__ends_and_is_raised(error):
    with pytest.raises(type(error)) as caught:
        run_forever([Job("attest", failing(error), 0.05)])
    assert caught.value is error


def test_run_forever__ended__running_job_finishes_and_none_starts():
    ending, log = Ending(), []

    def slow():
        log.append("start")
        ending.end()
        time.sleep(0.2)
        log.append("end")

    run_forever([Job("slow", slow, 0.05), Job("other", lambda: log.append("other"), 0.05)], ending)
    assert log in (["start", "end"], ["other", "start", "end"])


def test_run_forever__two_jobs__never_run_together():
    ending, running, most, turns = Ending(), [], [], []
    lock = threading.Lock()

    def job():
        with lock:
            running.append(1)
            most.append(len(running))
        time.sleep(0.02)
        with lock:
            running.pop()
            turns.append(1)
        if len(turns) >= 6:
            ending.end()

    run_forever([Job("a", job, 0.03), Job("b", job, 0.03)], ending)
    assert max(most) == 1


SCRIPT = """
import sys, time
from keeper.jobs.schedule import Job, run_forever
def slow():
    print("start", flush=True)
    time.sleep(float(sys.argv[1]))
    print("end", flush=True)
run_forever([Job("slow", slow, 60)])
print("stopped", flush=True)
"""


def start(seconds):
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(seconds)],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    assert process.stdout is not None
    while process.stdout.readline() != "start\n":
        pass
    return process


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_run_forever__signal__finishes_the_job_and_exits_cleanly(number):
    with start(0.4) as process:
        process.send_signal(number)
        output, _ = process.communicate(timeout=20)
    lines = [line for line in output.splitlines() if line in ("end", "stopped")]
    assert lines == ["end", "stopped"]
    assert process.returncode == 0


def test_run_forever__second_signal__does_not_wait():
    with start(30) as process:
        process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=10)
    assert process.returncode == -signal.SIGTERM
