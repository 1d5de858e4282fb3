"""Jobs on a timer: a signal lets the running one finish, a fatal error ends all.

One worker thread, because the jobs share one node, one signing log and one key: a job that is late
waits for the one that runs, and of several missed turns only one is made up for.
"""

from __future__ import annotations

import queue
import signal
import threading
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from types import FrameType

import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from keeper.errors import ConfigError, KeeperError, SignerError

log = structlog.get_logger(__name__)

# NotDeployed and WrongChain are ConfigErrors: none of these heals by trying again.
FATAL = (ConfigError, SignerError)

MISFIRE_GRACE_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Job:
    """A function to call every `seconds`."""

    name: str
    run: Callable[[], object]
    seconds: float


class Ending:
    """Ends `run_forever`, from any thread and from a signal handler (`SimpleQueue` allows both)."""

    def __init__(self) -> None:
        self._reasons: queue.SimpleQueue[BaseException | None] = queue.SimpleQueue()
        self._over = False

    def end(self, error: BaseException | None = None) -> None:
        """Start no further turn; the first call's error is the one that counts."""
        self._over = True
        self._reasons.put(error)

    @property
    def is_over(self) -> bool:
        """Whether `end` was called."""
        return self._over

    def wait(self) -> BaseException | None:
        """Block until then and return the error."""
        return self._reasons.get()


def run_once(jobs: Iterable[Job]) -> None:
    """Run each job once, in order; the first error is raised after all had their turn."""
    first: KeeperError | None = None
    for job in jobs:
        try:
            job.run()
        except FATAL:
            raise
        except KeeperError as error:
            if first is None:
                first = error
            else:
                _report(job, error)
    if first is not None:
        raise first


def run_forever(jobs: Sequence[Job], ending: Ending | None = None) -> None:
    """Run jobs on their timers until SIGTERM, SIGINT, `ending`, or a fatal error, which is raised.

    A job that fails otherwise is logged and has its next turn. The running job always finishes; a
    second signal does not wait for it.
    """
    ending = Ending() if ending is None else ending
    scheduler = BackgroundScheduler(
        executors={"default": ThreadPoolExecutor(1)},
        job_defaults={
            "coalesce": True,
            "max_instances": 1,
            "misfire_grace_time": MISFIRE_GRACE_SECONDS,
        },
        timezone=UTC,
    )
    for job in jobs:
        scheduler.add_job(
            _turn,
            "interval",
            args=[job, ending],
            seconds=job.seconds,
            id=job.name,
            next_run_time=datetime.now(UTC),  # now, not one interval from now
        )
    with _signals(ending):
        log.info("keeper_started", jobs=[job.name for job in jobs])
        scheduler.start()
        try:
            error = ending.wait()
        finally:
            scheduler.shutdown(wait=True)
    log.info("keeper_stopped", error=None if error is None else str(error))
    if error is not None:
        raise error


def _turn(job: Job, ending: Ending) -> None:
    if ending.is_over:
        return
    try:
        job.run()
    except FATAL as error:
        ending.end(error)
    except KeeperError as error:
        _report(job, error)
    except Exception as error:
        log.exception("job_crashed", job=job.name, error=str(error))


def _report(job: Job, error: KeeperError) -> None:
    log.error("job_failed", job=job.name, error=str(error), kind=type(error).__name__)


@contextmanager
def _signals(ending: Ending) -> Generator[None]:
    """End on the first SIGTERM or SIGINT; from then on both act as they did before."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may handle signals
        return

    def handle(number: int, _frame: FrameType | None) -> None:
        restore()
        log.info("signal_received", signal=signal.Signals(number).name)
        ending.end()

    before = {number: signal.signal(number, handle) for number in (signal.SIGTERM, signal.SIGINT)}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    try:
        yield
    finally:
        restore()
