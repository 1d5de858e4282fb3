"""What holds for every restoration: confirmed by the engine, never dearer than pro rata."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keeper.errors import CannotRestore
from keeper.liquidation.objectives import Health, LeastMargin, Level, Restrictions
from keeper.liquidation.restore import restore
from keeper.margin.portfolio import LOTS_CAP, MAX_LEGS
from keeper.state.accounts import Mode
from keeper.state.instruments import Instrument
from tests.books import LISTED, MODEL, UNDERLYINGS, account
from tests.unhealthy import first_account, pledging, random_owing, short_of

pytestmark = pytest.mark.property

BOOKS = st.dictionaries(
    st.sampled_from(LISTED[2:]), st.integers(-5_000, 5_000).filter(bool), min_size=1, max_size=5
)
SHARES = st.floats(0.3, 1.1)
SEEDS = st.integers(0, 10**6)


def found_or_lacking(snapshot, objective, restrictions):
    try:
        return restore(snapshot, MODEL, first_account(snapshot), objective, restrictions)
    except CannotRestore:
        return None


def check(found):
    problem, plan = found.problem, found.plan
    held, after = problem.trials.held, problem.trials.held + plan.trades
    judged = problem.plans(plan.trades[None, :])[0]
    assert judged.after == plan.after
    assert judged.cost_usd6 == plan.cost_usd6
    assert problem.requirement.surplus_usd6(judged.after) >= problem.least_surplus_usd6
    assert judged.after.equity_usd6 == problem.before.equity_usd6 - plan.cost_usd6
    assert np.count_nonzero(after) <= max(MAX_LEGS, np.count_nonzero(held))
    assert np.abs(after).max(initial=0) < LOTS_CAP
    if problem.restrictions.reduce_only:
        assert (np.abs(after) <= np.abs(held)).all()
        assert (after * held >= 0).all()
    if found.pro_rata is not None:
        assert problem.is_met(found.pro_rata)
        assert problem.score(plan) <= problem.score(found.pro_rata)


@settings(max_examples=20)
@given(BOOKS, SHARES, st.sampled_from(Level), st.booleans())
def test_restore__any_book__confirmed_and_never_dearer_than_pro_rata(lots, share, level, shrink):
    found = found_or_lacking(
        short_of(lots, share=share), Health(level), Restrictions(reduce_only=shrink)
    )
    if found is not None:
        check(found)


@settings(max_examples=20)
@given(
    BOOKS,
    SHARES,
    st.floats(-0.5, 0.9),
    st.floats(-0.2, 0.2),
    st.sampled_from(Level),
    st.sampled_from(Mode),
)
def test_restore__tokens_any_mode__confirmed_and_never_dearer_than_pro_rata(
    lots, share, in_cash, gain, level, mode
):
    spots = {row.underlying: row.spot_e8 // 10**5 for row in UNDERLYINGS}  # micro-dollars a lot
    costs = {
        i: int(n * spots[Instrument.unpack(i).underlying] * (1 + gain)) for i, n in lots.items()
    }
    row = account(1, lots, costs=costs, mode=mode)
    found = found_or_lacking(pledging(row, share, in_cash), Health(level), Restrictions())
    if found is not None:
        check(found)


@settings(max_examples=8)
@given(SEEDS, st.integers(1, 32), SHARES, st.integers(10_000, 13_000))
def test_restore__random_account__confirmed_and_never_dearer_than_pro_rata(
    seed, legs, share, buffer_bps
):
    snapshot = random_owing(seed, legs=legs, listings=100, share=share)
    found = found_or_lacking(snapshot, Health(Level.INITIAL, buffer_bps), Restrictions())
    if found is not None:
        check(found)


@settings(max_examples=8)
@given(BOOKS, SHARES, st.integers(0, 100_000_000))
def test_restore__least_margin__never_above_what_it_was(lots, share, budget):
    found = found_or_lacking(short_of(lots, share=share), LeastMargin(budget), Restrictions())
    assert found is not None
    check(found)
    before = found.problem.requirement.required_usd6(found.problem.before)
    assert found.problem.requirement.required_usd6(found.plan.after) <= before
    assert found.plan.cost_usd6 <= budget
