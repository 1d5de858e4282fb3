"""Clocks: each tells whole seconds."""

from __future__ import annotations

import time

import pytest

from keeper.clock import Clock, FixedClock, ManualClock, SystemClock


def test_system_clock__now__is_this_machine_s():
    clock: Clock = SystemClock()
    assert abs(clock.now() - time.time()) < 5
    assert isinstance(clock.now(), int)


def test_fixed_clock__now__stands():
    assert FixedClock(5).now() == 5


def test_manual_clock__advance__only_forward():
    clock = ManualClock(5)
    clock.advance(3)
    assert clock.now() == 8
    with pytest.raises(ValueError, match="-1"):
        clock.advance(-1)
