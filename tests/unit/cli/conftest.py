import logging
import os

import pytest
import structlog


@pytest.fixture(autouse=True)
def clean_process(monkeypatch):
    """No settings from outside, and logging as it was afterwards."""
    for name in [name for name in os.environ if name.startswith("KEEPER_")]:
        monkeypatch.delenv(name)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)
