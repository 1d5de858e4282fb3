"""Cash and entry cost of a linear leg through trades, by hand and by what must hold."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keeper.margin.entry import entered, towards_zero

LOTS = st.integers(-(2**24), 2**24).filter(bool)


@pytest.mark.parametrize(
    ("held", "cost", "lots", "notional", "cash", "after"),
    [
        (0, 0, 5, 500, 0, 500),
        (0, 0, -5, -500, 0, -500),
        (10, 1_000, 5, 600, 0, 1_600),
        (-10, -1_000, -5, -600, 0, -1_600),
        (10, 1_000, -4, -440, 40, 600),  # bought at 100, four sold at 110
        (-10, -1_000, 4, 440, -40, -600),
        (10, 1_000, -10, -1_100, 100, 0),
        (10, 1_000, -15, -1_650, 100, -550),  # ten close, five are sold short at 110
        (3, 100, -1, -50, 17, 67),  # 33.3 released as 33
        (-3, -100, 1, 50, -17, -67),
        (3, -100, -1, 0, 33, -67),
        (1, 7, -3, -10, -4, -7),  # 3.3 of the notional close
    ],
)
def test_entered__cases_by_hand(held, cost, lots, notional, cash, after):
    assert entered(held, cost, lots, notional) == (cash, after)


@given(st.integers(-(2**24), 2**24), st.integers(-(2**40), 2**40), LOTS, st.integers(0, 2**34 - 1))
def test_entered__any_trade__moves_cash_less_cost_by_its_notional(held, cost, lots, mark):
    cost = cost if held else 0
    cash, after = entered(held, cost, lots, lots * mark)
    assert cash - after == -cost - lots * mark
    if held + lots == 0:
        assert after == 0


@pytest.mark.parametrize(("x", "quotient"), [(7, 3), (-7, -3), (0, 0), (1, 0), (-1, 0)])
def test_towards_zero__either_sign__is_cut(x, quotient):
    assert towards_zero(x, 2) == quotient
