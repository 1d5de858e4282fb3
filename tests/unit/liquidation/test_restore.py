"""Plans on small books: against every integer trade, and against what was asked for."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace

import numpy as np
import pytest

from keeper.cli.options import plain
from keeper.errors import CannotRestore, InputError
from keeper.liquidation.advice import advice
from keeper.liquidation.objectives import (
    DeltaTarget,
    Health,
    LeastMargin,
    Level,
    Restrictions,
)
from keeper.liquidation.restore import restore
from keeper.margin.portfolio import LOTS_CAP, margin_book
from keeper.state.snapshot import ListingRow
from tests.books import (
    BTC,
    ETH,
    FAR,
    LISTED,
    MODEL,
    account,
    call,
    exchange,
    future,
    perpetual,
    put,
    spot,
)
from tests.unhealthy import first_account, random_owing, short_of

AT_RISK = {call(3_300): -40, put(2_700): -25}
BOOKS = {
    "short strangle": ({call(3_300): -40, put(2_700): -25}, (call(3_300), put(2_700), perpetual())),
    "short call, hedges": ({call(3_300): -30}, (call(3_300), call(4_000), perpetual())),
    "long future": ({future(): 20}, (future(), put(2_700), put(3_000))),
    "calendar": ({call(3_000): -25, call(3_000, FAR): 10}, (call(3_000), call(3_000, FAR))),
    "covered call": ({call(3_000): -20, spot(): 10}, (call(3_000), perpetual(), spot())),
    "linear spread": ({perpetual(): 30, future(FAR): -12}, (perpetual(), future(FAR), put(3_000))),
}


def thin(instruments, open_interest):
    return [ListingRow(instrument, open_interest, 0) for instrument in sorted(instruments)]


def run(snapshot, objective=None, **restrictions):
    limits = Restrictions(**restrictions)
    return restore(snapshot, MODEL, first_account(snapshot), objective or Health(), limits)


def trades_of(found):
    listed = found.problem.snapshot.listings.instrument.tolist()
    return {
        listed[row][0] << 64 | listed[row][1]: int(found.plan.trades[row])
        for row in np.flatnonzero(found.plan.trades).tolist()
    }


def after_by_hand(snapshot, lots, cost_usd6, equity_usd6):
    """The engine on a book that is written down anew, entered at marks."""
    fresh = exchange([account(1, lots)], listings=listings_of(snapshot))
    book = margin_book(fresh, MODEL)
    required = min(int(book.initial_usd6[0]), int(book.standard_initial_usd6[0]))
    return equity_usd6 - cost_usd6, required


def listings_of(snapshot):
    table = snapshot.listings
    return [
        ListingRow(high << 64 | low, int(interest), 0)
        for (high, low), interest in zip(
            table.instrument.tolist(), table.open_interest.tolist(), strict=True
        )
    ]


def two_lots_each(found):
    """What rounding may cost: two lots more of every listing, at the depth of the plan."""
    ladders, trades = found.problem.trials.ladders, found.plan.trades
    more = [ladders.cost_usd6(trades + sign) - ladders.cost_usd6(trades) for sign in (1, -1)]
    return 2 * int(np.maximum(*more).sum())


@pytest.mark.parametrize("scale", [1, 500])
@pytest.mark.parametrize("open_interest", [1_000_000, 400])
@pytest.mark.parametrize("level", Level)
@pytest.mark.parametrize("name", BOOKS)
def test_restore__every_trade_of_a_grid__none_cheaper_by_more_than_two_lots_a_listing(
    name, level, open_interest, scale
):
    lots, instruments = BOOKS[name]
    book = {instrument: size * scale for instrument, size in lots.items()}
    found = run(short_of(book, thin(instruments, open_interest * scale), 0.6), Health(level))
    problem = found.problem
    reach, step = (26, 2) if len(instruments) == 3 else (60, 1)
    # At scale 1 every lot around the answer as well.
    near = range(-3, 4) if scale == 1 else ()
    grids = [
        sorted(
            {*range(-reach * scale, reach * scale + 1, step * scale), *(int(n) + k for k in near)}
        )
        if can
        else [0]
        for n, can in zip(found.plan.trades, problem.most_bought > 0, strict=True)
    ]
    candidates = np.array(list(itertools.product(*grids)), dtype=np.int64)
    cheaper = candidates[problem.trials.cost_usd6(candidates) < found.plan.cost_usd6]
    met = [plan for plan in problem.plans(cheaper) if problem.is_met(plan)] if len(cheaper) else []
    best = min((plan.cost_usd6 for plan in met), default=found.plan.cost_usd6)
    assert found.plan.cost_usd6 <= best + two_lots_each(found)
    if scale > 1:
        assert found.plan.cost_usd6 <= best * 1.02


@pytest.mark.parametrize("name", BOOKS)
def test_restore__any_plan__confirmed_by_the_engine_on_a_book_written_anew(name):
    lots, instruments = BOOKS[name]
    snapshot = short_of(lots, thin(instruments, 1_000_000))
    found = run(snapshot)
    held = dict(lots)
    for instrument, traded in trades_of(found).items():
        held[instrument] = held.get(instrument, 0) + traded
    left = {i: n for i, n in held.items() if n}
    before = int(margin_book(snapshot, MODEL).equity_usd6[0])
    equity, required = after_by_hand(snapshot, left, found.plan.cost_usd6, before)
    assert found.plan.after.equity_usd6 == equity
    assert equity >= required


def test_restore__already_healthy__no_trade_at_no_cost():
    found = run(short_of(AT_RISK, share=1.0))
    assert (trades_of(found), found.plan.cost_usd6, found.found_by) == ({}, 0, "nothing to do")


def test_restore__between_mm_and_im__nothing_to_do_for_maintenance_alone():
    snapshot = short_of(AT_RISK, share=0.9)
    assert not trades_of(run(snapshot, Health(Level.MAINTENANCE)))
    assert trades_of(run(snapshot, Health(Level.INITIAL)))


def test_restore__buffer__equity_reaches_that_many_times_the_margin():
    found = run(short_of(AT_RISK), Health(Level.INITIAL, 12_500))
    after = found.plan.after
    assert after.equity_usd6 * 10_000 >= after.initial_usd6 * 12_500


def test_restore__equity_gone__error_says_what_is_lacking():
    snapshot = short_of(AT_RISK, share=-0.5)
    with pytest.raises(CannotRestore, match=r"lacks [0-9.,]+ USD.*deposit") as caught:
        run(snapshot)
    owed = -int(margin_book(snapshot, MODEL).equity_usd6[0])
    # At best everything is closed, and its cost comes on top.
    assert owed < caught.value.lacking_usd6 < 2 * owed


def test_restore__what_was_lacking_deposited__a_plan_is_found():
    row = account(1, AT_RISK)
    with pytest.raises(CannotRestore) as caught:
        restore(exchange([row]), MODEL, row.account, Health(), Restrictions())
    deposit = caught.value.lacking_usd6 + 10**6  # what rounding may hide
    enough = exchange([account(1, AT_RISK, cash_usd6=deposit)])
    found = restore(enough, MODEL, row.account, Health(), Restrictions())
    assert found.problem.is_met(found.plan)


def test_restore__reduce_only__legs_shrink_and_none_opens():
    found = run(short_of(AT_RISK, share=0.6), reduce_only=True)
    for instrument, traded in trades_of(found).items():
        held = AT_RISK[instrument]
        assert held * traded < 0
        assert abs(traded) <= abs(held)


def test_restore__only_one_instrument__trades_nothing_else():
    found = run(short_of(AT_RISK, share=0.9), only=frozenset({call(3_300)}))
    assert set(trades_of(found)) == {call(3_300)}


def test_restore__unlisted_instrument_named__refused():
    with pytest.raises(InputError, match="not listed"):
        run(short_of(AT_RISK), only=frozenset({call(1)}))


def test_restore__spot__is_never_ordered():
    found = run(short_of({spot(): 1_000, call(3_000): -3_000}, share=0.5))
    assert spot() not in trades_of(found)


def test_restore__most_lots__respected():
    found = run(short_of(AT_RISK, share=0.7), max_lots=9)
    assert max(map(abs, trades_of(found).values())) <= 9


def test_restore__few_legs_allowed__no_more_are_opened():
    found = run(short_of(AT_RISK, share=0.5), max_legs=2)
    assert np.count_nonzero(found.problem.trials.held + found.plan.trades) <= 2


def test_restore__book_at_the_cap_of_legs__stays_within():
    snapshot = random_owing(3, legs=32, listings=120)
    found = run(snapshot)
    after = found.problem.trials.held + found.plan.trades
    assert trades_of(found)
    assert np.count_nonzero(after) <= 32
    assert np.abs(after).max() < LOTS_CAP


def test_restore__lots_at_the_cap__sells_and_never_passes_it():
    lots = {future(): LOTS_CAP - 1, put(2_700): -1_000}
    found = run(short_of(lots, share=0.9))
    assert np.abs(found.problem.trials.held + found.plan.trades).max() < LOTS_CAP


@pytest.mark.parametrize("coins", [-2, 0, 3])
def test_restore__delta__reached_within_a_lot_and_health_kept(coins):
    snapshot = short_of(AT_RISK, share=1.5)
    found = run(snapshot, DeltaTarget(ETH, coins * 10))
    assert abs(found.plan.after_delta[ETH] - coins * 10) <= 1
    assert found.problem.requirement.surplus_usd6(found.plan.after) >= 0


def test_restore__delta_already_there__nothing_to_do():
    snapshot = short_of({perpetual(): 500}, share=1.5)
    assert not trades_of(run(snapshot, DeltaTarget(ETH, 500)))


def test_restore__delta_out_of_reach__error_says_so():
    with pytest.raises(CannotRestore, match="delta"):
        run(short_of(AT_RISK, share=2.0), DeltaTarget(ETH, 10**6), only=frozenset({call(3_300)}),
            max_lots=5)  # fmt: skip


def test_restore__delta_of_an_unknown_underlying__refused():
    with pytest.raises(InputError, match="underlying 9"):
        run(short_of(AT_RISK), DeltaTarget(9, 0))


def test_restore__least_margin__within_budget_and_monotone_in_it():
    snapshot = short_of(AT_RISK, share=1.2)
    margins = []
    for budget in (0, 20_000, 60_000, 10**9):
        found = run(snapshot, LeastMargin(budget))
        assert found.plan.cost_usd6 <= budget
        margins.append(found.problem.requirement.required_usd6(found.plan.after))
    assert margins == sorted(margins, reverse=True)
    assert margins[0] > margins[1] > margins[2]
    assert margins[-1] < margins[0] // 100  # everything can be closed


def test_restore__pro_rata__cost_reported_and_not_lower():
    for share in (0.5, 0.8, 0.95):
        found = run(short_of(AT_RISK, share=share))
        assert found.pro_rata is not None
        assert found.plan.cost_usd6 <= found.pro_rata.cost_usd6
        assert found.problem.is_met(found.pro_rata)


def test_restore__offsetting_instruments__much_cheaper_than_pro_rata():
    found = run(random_owing(5, legs=20, listings=200, share=0.7))
    assert found.pro_rata is not None
    assert found.plan.cost_usd6 * 2 < found.pro_rata.cost_usd6


def test_restore__linear_legs_with_entry_values__equity_moves_by_the_cost_alone():
    lots = {perpetual(): 1_000, future(FAR, BTC): -20}
    costs = {perpetual(): 2_500_000_000, future(FAR, BTC): -1_700_000_000}
    snapshot = exchange([account(1, lots, cash_usd6=600_000_000, costs=costs)])
    found = run(snapshot)
    before = found.problem.before.equity_usd6
    assert found.plan.after.equity_usd6 == before - found.plan.cost_usd6


def test_restore__same_again_and_listings_in_any_order__same_json():
    rows = [ListingRow(i, 1_000_000, 0) for i in LISTED]
    texts = []
    for listings in (rows, rows, rows[::-1], rows[7:] + rows[:7]):
        snapshot = short_of(AT_RISK, listings, 0.6)
        texts.append(json.dumps(plain(advice(run(snapshot), MODEL))))
    assert len(set(texts)) == 1


def test_restore__engine_that_asks_for_more__learns_it_and_is_confirmed(monkeypatch):
    # As a shortfall or a concentration add-on would: the programme knows nothing of it.
    def stricter(snapshot, model):
        book = margin_book(snapshot, model)
        more = book.initial_usd6 + book.gross_usd6 // 50
        return replace(book, initial_usd6=more, standard_initial_usd6=more + 1)

    snapshot = random_owing(5, legs=12, listings=120)
    plain_cost = run(snapshot).plan.cost_usd6
    monkeypatch.setattr("keeper.liquidation.trials.margin_book", stricter)
    found = run(snapshot)
    assert found.problem.is_met(found.plan)
    assert found.found_by == "programme"
    assert plain_cost < found.plan.cost_usd6 < found.pro_rata.cost_usd6


def test_restore__unknown_account__refused():
    with pytest.raises(InputError, match="held no position"):
        restore(short_of(AT_RISK), MODEL, bytes(32), Health())


def test_restore__unpriced_leg__refused_by_name():
    far = call(3_000, FAR + 1)
    snapshot = exchange([account(1, {far: -3})], listings=[ListingRow(far, 0, 0)])
    with pytest.raises(InputError, match="cannot be measured"):
        run(snapshot)


@pytest.mark.parametrize("wrong", [{"max_lots": 0}, {"max_lots": LOTS_CAP}, {"max_legs": 33}])
def test_restrictions__beyond_every_account__refused(wrong):
    with pytest.raises(InputError, match="choose"):
        Restrictions(**wrong)


@pytest.mark.parametrize("buffer_bps", [0, 9_999, 100_001])
def test_health__absurd_buffer__refused(buffer_bps):
    with pytest.raises(InputError, match="buffer"):
        Health(Level.INITIAL, buffer_bps)


def test_least_margin__negative_budget__refused():
    with pytest.raises(InputError, match="negative"):
        LeastMargin(-1)
