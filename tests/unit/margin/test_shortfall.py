"""Past days as shocks of today: volatility, answers of vol, windows, and how often it holds."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import mpmath as mp
import numpy as np
import pytest
from scipy.stats import chi2

from keeper.margin.filtering import ewma, filtered, log_returns_e9, today_sigmas
from keeper.margin.history import day_of
from keeper.margin.losses import Book
from keeper.margin.market import CELL_CAP_USD6, listing_market
from keeper.margin.portfolio import margin_book
from keeper.margin.risk_arrays import price_listings
from keeper.margin.shortfall import history_arrays, history_shocks
from keeper.margin.tail import Tail, tail_risk
from keeper.margin.volatility import daily_sigma, scan_ranges
from keeper.state.snapshot import ListingRow, UnderlyingRow
from keeper.state.tables import Observations
from keeper.units import E8, WAD, wad
from tests.books import (
    BTC,
    ETH,
    FAR,
    LISTED,
    MODEL,
    NEAR,
    NOW,
    PAST,
    UNDERLYINGS,
    account,
    call,
    exchange,
    future,
    perpetual,
    spot,
)
from tests.reference_history import PastDays

RULE, HISTORY = MODEL.shortfall, MODEL.history
DAYS = RULE.window_days
CRASH = DAYS + day_of("2020-03-12") - RULE.stressed_from_day  # its column


def shocked(snapshot=None):
    snapshot = exchange() if snapshot is None else snapshot
    market = listing_market(snapshot)
    return market, history_shocks(snapshot, market, MODEL)


def row_of(instrument):
    return sorted(LISTED).index(instrument)


def observed(*prices_by_underlying):
    """An exchange that keeps daily prices, with the scan ranges that follow from them."""
    rows = [
        (underlying, 20_000 + day, price)
        for underlying, prices in enumerate(prices_by_underlying, 1)
        for day, price in enumerate(prices)
    ]
    observations = Observations.of_rows(rows)
    ranges = scan_ranges(observations, MODEL.scan, MODEL.scan_sigmas())
    listed = [replace(u, scan_range_wad=ranges[u.underlying]) for u in UNDERLYINGS]
    return replace(exchange(underlyings=listed), observations=observations)


def test_today_sigmas__chain_without_daily_prices__what_its_scan_range_stands_for():
    expected = {BTC: 0.092 / 2.6, ETH: 0.122 / 2.6}
    assert today_sigmas(exchange(), MODEL) == pytest.approx(expected, rel=1e-15)


def test_today_sigmas__daily_prices__ewma_of_their_log_returns_from_stress():
    prices = [[60_000 * E8] * 28 + [66_000 * E8, 60_000 * E8], [3_000 * E8] * 30]
    found = today_sigmas(observed(*prices), MODEL)
    with mp.workdps(30):
        decay = mp.mpf(2) ** (-mp.mpf(1) / 14)
        square = mp.log(mp.mpf(11) / 10) ** 2
        btc = decay**29 * mp.mpf("0.81") / 365 + (1 - decay**2) * square
        eth = decay**29 * mp.mpf("1.15") ** 2 / 365
    assert found[BTC] == pytest.approx(float(mp.sqrt(btc)), rel=1e-8)
    assert found[ETH] == pytest.approx(float(mp.sqrt(eth)), rel=1e-8)


def test_today_sigmas__a_price_too_few__what_the_range_stands_for():
    few = replace(exchange(), observations=observed([E8] * 30, [E8] * 30).observations)
    rows = [
        row
        for row in zip(
            *(getattr(few.observations, c) for c in few.observations.columns()), strict=True
        )
        if row[:2] != (ETH, 20_000)
    ]
    few = replace(few, observations=Observations.of_rows(rows))
    assert today_sigmas(few, MODEL)[ETH] == pytest.approx(0.122 / 2.6, rel=1e-15)
    assert today_sigmas(few, MODEL)[BTC] != pytest.approx(0.092 / 2.6, rel=1e-3)


def test_today_sigmas__quiet_for_a_year__the_floor():
    still = [[E8] * 366, [E8] * 366]
    assert today_sigmas(observed(*still), MODEL) == {
        BTC: daily_sigma(wad("0.40")) / WAD,
        ETH: daily_sigma(wad("0.55")) / WAD,
    }


def test_log_returns__absurd_prints__count_as_the_winsor():
    nanos = log_returns_e9([1, 2**64 - 1, 1, 1])
    assert nanos == [int(mp.nint(mp.log(2**64 - 1) * 10**9)), -nanos[0], 0]
    halves = [5 * 10**8, -5 * 10**8, 0]
    expected = ewma(halves, RULE.decay_wad, WAD, 0)
    assert ewma(nanos, RULE.decay_wad, WAD // 2, 0) == expected


def test_filtered__committed_history__equals_the_reference():
    past = PastDays({"shortfall": {**_text_rule()}, "scan": {"winsor": "0.50"}})
    for symbol, scores in filtered(HISTORY, RULE.decay_wad, MODEL.scan.winsor_wad).items():
        expected = [float(z) for z in past.scores(symbol)]
        assert scores == pytest.approx(expected, rel=1e-12, abs=1e-15)
        assert scores[-DAYS:].std() == pytest.approx(1.0, abs=0.1)


def _text_rule():
    return {"tail_bps": 250, "decay": "0.951695153010619610", "window_days": DAYS}


def test_filtered__feed_that_stood_still__does_not_divide_by_zero():
    dead = {s: np.zeros_like(x) for s, x in HISTORY.returns_e9.items()}
    for scores in filtered(replace(HISTORY, returns_e9=dead), RULE.decay_wad, WAD // 2).values():
        assert not scores.any()


def test_history_shocks__same_day_for_all_underlyings_and_kinds():
    market, shocks = shocked()
    moves = {i: shocks.move[shocks.term[row_of(i)]] for i in LISTED}
    for underlying in (BTC, ETH):
        assert (moves[spot(underlying)] == moves[perpetual(underlying)]).all()
        assert (moves[spot(underlying)] == moves[future(FAR, underlying)]).all()
    # The stressed window is raw: the fall of 12 March 2020, from 194.61 to 107.82 and 7952 to 4865.
    assert moves[spot(ETH)][CRASH] == pytest.approx(107.82 / 194.61 - 1, rel=1e-8)
    assert moves[spot(BTC)][CRASH] == pytest.approx(np.exp(-0.4912261) - 1, rel=1e-6)
    last = HISTORY.returns_e9["BTC"][-1] / 1e9
    scores = filtered(HISTORY, RULE.decay_wad, MODEL.scan.winsor_wad)["BTC"]
    assert moves[spot(BTC)][DAYS - 1] == pytest.approx(np.expm1(scores[-1] * 0.092 / 2.6))
    assert np.sign(last) == np.sign(scores[-1])
    assert shocks.move.shape == (market_terms(market), DAYS + RULE.stressed_days)


def market_terms(market):
    keys = np.stack([market.underlying, market.kind >= 3, market.seconds], axis=1)
    return len(np.unique(keys, axis=0))


def test_history_shocks__a_day_passes():
    _, shocks = shocked()
    for expiry in (NEAR, FAR):
        years = shocks.years[shocks.term[row_of(call(3_000, expiry))]]
        assert (years == (expiry - NOW - 86_400) / (365 * 86_400)).all()


def test_history_shocks__vols__answer_by_the_power_of_their_term():
    _, shocks = shocked()
    near, far = (shocks.shift[shocks.term[row_of(call(3_000, e))]] for e in (NEAR, FAR))
    assert near / far == pytest.approx((89 / 6) ** 0.55, rel=1e-12)
    z = filtered(HISTORY, RULE.decay_wad, MODEL.scan.winsor_wad)["ETH"][-DAYS:]
    eps = HISTORY.residuals_e9["ETH"][-DAYS:] / 1e9
    at_30_days = -0.005 * z + 0.014 * (abs(z) - 0.7) + 0.026 * eps
    assert far[:DAYS] == pytest.approx(at_30_days * (30 / 89) ** 0.55, rel=1e-12, abs=1e-15)


def test_history_arrays__expired_and_settled__stands_still():
    lots = {call(2_900, PAST): 7, future(PAST): 2}
    listings = [ListingRow(i, 0, 3_050 * E8) for i in lots]
    book = margin_book(exchange([account(1, lots)], listings=listings), MODEL)
    assert book.shortfall_usd6[0] == 0
    assert book.measured[0]


def test_history_arrays__no_listings__is_empty():
    snapshot = exchange(listings=[])
    past = history_arrays(snapshot, listing_market(snapshot), MODEL)
    assert past.pnl.shape == (0, DAYS + RULE.stressed_days)


def test_margin_book__initial_margin__stands_on_the_larger_of_grid_and_shortfall():
    lots = {perpetual(): 1_000}
    book = margin_book(exchange([account(1, lots)]), MODEL)
    shortfall, worst = int(book.shortfall_usd6[0]), int(book.worst_loss_usd6[0])
    assert shortfall > worst  # an outright holder of ETH pays for March 2020
    scaled = -(-shortfall * 13 // 10)
    assert book.initial_usd6[0] == scaled + book.initial_add_ons_usd6[0] + 1_000
    assert book.maintenance_usd6[0] == worst  # MM does not see history


def test_margin_book__past_day_beyond_the_cell_cap__sentinel():
    # One lot is one coin: a rise of 172 % carries 10,000 USD over the cap of 17,179.87.
    column = HISTORY.returns_e9["ETH"].copy()
    column[RULE.stressed_from_day - HISTORY.first_day] = 10**9
    wild = replace(HISTORY, returns_e9={**HISTORY.returns_e9, "ETH": column})
    model = replace(MODEL, history=wild)
    dear = [UNDERLYINGS[0], UnderlyingRow(ETH, 10**18, 10_000 * E8, NOW, 10**17)]
    holders = [account(1, {perpetual(): 1}), account(2, {perpetual(BTC): 1})]
    snapshot = exchange(holders, underlyings=dear, model=model)
    market = listing_market(snapshot)
    past = history_arrays(snapshot, market, model)
    at = row_of(perpetual())
    assert price_listings(market, model).priced[at]
    assert not past.priced[at]
    book = margin_book(snapshot, model)
    assert book.sentinel.tolist() == [True, False]
    assert book.measured.tolist() == [False, True]
    assert book.shortfall_usd6[0] == book.value_at_risk_usd6[0] == 0
    assert np.abs(past.pnl).max() < CELL_CAP_USD6


LINEAR = {
    "long BTC": (1, 0),
    "short BTC": (-1, 0),
    "long ETH": (0, 1),
    "short ETH": (0, -1),
    "both long": (0.5, 0.5),
    "BTC - ETH": (0.5, -0.5),
    "ETH - BTC": (-0.5, 0.5),
}
FIRST_DAY = 560  # the calibration counts from here on


@cache
def walk():
    """(VaR, ES, profit) a day and book, each day from what was known the day before."""
    returns = np.array(list(HISTORY.returns_e9.values()))
    scores = np.array(list(filtered(HISTORY, RULE.decay_wad, MODEL.scan.winsor_wad).values()))
    floors = [daily_sigma(risk.sigma_floor) / WAD for risk in MODEL.underlyings]
    sigmas = returns[:, FIRST_DAY:] / 1e9 / scores[:, FIRST_DAY:]
    sigmas = np.maximum(sigmas, np.array(floors)[:, None])
    days, lots = returns.shape[1], np.array([[round(x * 10) for x in w] for w in LINEAR.values()])
    book = _accounts(lots)
    found = []
    for day in range(FIRST_DAY, days):
        z = scores[:, day - DAYS : day] * sigmas[:, [day - FIRST_DAY]]
        pnl = np.rint(np.expm1(z) * 1e8).astype(np.int64)
        risk, shortfall = tail_risk(pnl, book, [Tail.of(DAYS, RULE.tail_bps)])
        profit = lots @ np.expm1(returns[:, day] / 1e9)
        found.append((risk[0] / 1e8, shortfall[0] / 1e8, profit))
    return np.array(found)


def _accounts(lots):
    count = len(lots)
    return Book(np.tile([0, 1], count), lots.reshape(-1), np.arange(0, 2 * count, 2))


def kupiec(hits, days, share):
    """The p-value of Kupiec's proportion of failures."""

    def log_likelihood(p):
        return hits * np.log(p) + (days - hits) * np.log(1 - p)

    return chi2.sf(2 * (log_likelihood(hits / days) - log_likelihood(share)), 1)


@pytest.mark.parametrize("name", LINEAR)
def test_walk_forward__linear_books__var_within_kupiec_and_z2_above_its_bound(name):
    risk, shortfall, profit = walk()[:, :, list(LINEAR).index(name)].T
    hit = -profit > risk
    days = len(hit)
    assert days == 1_561
    assert kupiec(hit.sum(), days, 0.025) > 0.05
    # Acerbi and Szekely (2014), Z2; about -0.70 at 5 %.
    z2 = 1 + (profit * hit / shortfall).sum() / (days * 0.025)
    assert z2 > -0.70
    assert (-profit > shortfall).mean() < 0.0125
