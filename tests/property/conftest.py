"""Hypothesis for the whole suite: no deadlines, as the machines that run it are shared."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("keeper", deadline=None)
settings.load_profile("keeper")
