"""Log set-up, once per process at the composition root: events with fields to stderr, as a readable
line on a terminal and as one JSON object per line anywhere else."""

from __future__ import annotations

import logging
import sys
from typing import TextIO

import structlog

from keeper.telemetry.redaction import redaction_processor

# At these levels and below, libraries log each request with its URL and payload.
_QUIET_LIBRARIES = ("urllib3", "web3", "apscheduler", "numba", "asyncio", "eth_tester", "eth")


class _StructlogBridge(logging.Handler):
    """Passes what libraries log by the standard module to structlog, so it is redacted too."""

    def emit(self, record: logging.LogRecord) -> None:
        logger = structlog.get_logger(library=record.name)
        logger.log(record.levelno, record.getMessage(), exc_info=record.exc_info)


def configure_logging(
    level: str = "info", *, json_lines: bool | None = None, stream: TextIO | None = None
) -> None:
    """Send events of at least `level` to `stream` (stderr); JSON lines unless it is a terminal."""
    out = sys.stderr if stream is None else stream
    as_json = not out.isatty() if json_lines is None else json_lines
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(sort_keys=False)
        if as_json
        else structlog.dev.ConsoleRenderer(colors=out.isatty())
    )
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="ts"),
            structlog.processors.format_exc_info,
            redaction_processor,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(file=out),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(handlers=[_StructlogBridge()], level=logging.WARNING, force=True)
    for name in _QUIET_LIBRARIES:
        logging.getLogger(name).setLevel(logging.WARNING)
