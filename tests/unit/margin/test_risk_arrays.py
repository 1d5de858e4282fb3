"""Marks and scenario results per lot, against the reference in mpmath."""

from __future__ import annotations

from dataclasses import asdict, replace

import mpmath as mp
import numpy as np
import pytest

from keeper.errors import InputError
from keeper.margin.risk_arrays import risk_arrays
from keeper.margin.scenarios import model_hash
from keeper.state.snapshot import ListingRow, UnderlyingRow
from tests.books import (
    ETH,
    FORWARDS,
    LISTED,
    MODEL,
    MODEL_TEXT,
    NOW,
    STILL,
    UNDERLYINGS,
    call,
    exchange,
    forward,
    future,
    perpetual,
    put,
    spot,
)
from tests.reference import Reference


def cell(instrument, **changes):
    """Return mark and pnl of one listing in one scenario."""
    model = replace(MODEL, scenarios=(replace(STILL, **changes),))
    snapshot = exchange(listings=[ListingRow(instrument, 0, 0)], model=model)
    arrays = risk_arrays(snapshot, model)
    return int(arrays.marks[0]), int(arrays.pnl[0, 0])


def test_risk_arrays__every_listing_and_scenario__equal_the_reference():
    arrays = risk_arrays(exchange(), MODEL)
    reference = Reference(MODEL_TEXT, UNDERLYINGS, FORWARDS, NOW)
    for row, instrument in enumerate(sorted(LISTED)):
        mark = reference.per_lot(instrument, reference.mark(instrument))
        assert arrays.marks[row] == mark, hex(instrument)
        assert arrays.pnl[row].tolist() == reference.pnl(instrument), hex(instrument)
    assert not arrays.fault.any()
    assert arrays.priced.all()
    assert (arrays.pnl.dtype, arrays.pnl.shape) == (np.int64, (len(LISTED), 48))


def test_risk_arrays__linear_move__is_a_share_of_the_scan_range():
    mark, pnl = cell(perpetual(), spot_bps=-10_000)
    assert mark == 3_012_740
    assert pnl == round(-0.122 * 3_012_740.18517)
    assert cell(perpetual(), spot_bps=-10_000, weight_bps=5_000)[1] == round(pnl / 2)
    assert cell(spot(), spot_bps=20_000)[1] == round(0.244 * 3_011_234.56789)


@pytest.mark.parametrize(("spot_bps", "move"), [(60_000, 5.0), (-60_000, -0.9)])
def test_risk_arrays__extreme_move__is_clamped(spot_bps, move):
    wide = [UNDERLYINGS[0], replace(UNDERLYINGS[1], scan_range_wad=10**18)]
    model = replace(MODEL, scenarios=(replace(STILL, spot_bps=spot_bps),))
    snapshot = exchange(listings=[ListingRow(spot(), 0, 0)], model=model, underlyings=wide)
    assert risk_arrays(snapshot, model).pnl[0, 0] == round(move * 3_011_234.56789)


def test_risk_arrays__vol_shock__clamped_and_scaled_by_term():
    # 7 days: 0.25 * sqrt(30 / 7) = 0.5175; three times that passes the clamp of 1.2, as does six.
    rises = [cell(put(3_000), vol_bps=bps)[1] for bps in (10_000, 30_000, 60_000)]
    assert 0 < rises[0] < rises[1] == rises[2]
    falls = [cell(put(3_000), vol_bps=-bps)[1] for bps in (10_000, 60_000)]
    assert falls[1] < falls[0] < 0
    assert -falls[0] < rises[0]  # vol_down is smaller than vol_up


@pytest.mark.parametrize("vol_bps", [10_000, -10_000, 60_000, -60_000])
@pytest.mark.parametrize("clock_seconds", [0, 6 * 86400 + 43_200])
def test_risk_arrays__vol_shock__equals_the_reference(vol_bps, clock_seconds):
    # After six and a half of seven days the term is below its shortest.
    moved = replace(STILL, vol_bps=vol_bps, clock_seconds=clock_seconds)
    reference = Reference(MODEL_TEXT, UNDERLYINGS, FORWARDS, NOW)
    change = reference.mark(put(3_000), asdict(moved)) - reference.mark(put(3_000))
    assert cell(put(3_000), **asdict(moved))[1] == reference.per_lot(put(3_000), change)


def test_risk_arrays__clock_past_expiry__leaves_the_intrinsic_value():
    mark, pnl = cell(call(2_700), clock_seconds=8 * 86400)
    assert mark + pnl == pytest.approx(317_257, abs=1)  # forward 3017.25703702 less 2700


def test_risk_arrays__call_less_put__is_a_synthetic_future():
    arrays = risk_arrays(exchange(), MODEL)
    row = {instrument: n for n, instrument in enumerate(sorted(LISTED))}
    synthetic = arrays.pnl[row[call(3_000)]] - arrays.pnl[row[put(3_000)]]
    assert np.abs(synthetic - arrays.pnl[row[future()]]).max() <= 1


def test_risk_arrays__nearest__not_up_nor_down():
    reference = Reference(MODEL_TEXT, UNDERLYINGS, FORWARDS, NOW)
    arrays = risk_arrays(exchange(), MODEL)
    sides = set()
    for row, instrument in enumerate(sorted(LISTED)):
        exact = reference.mark(instrument) * 1_000_000 / 1_000
        sides.add(int(arrays.marks[row]) > exact)
        assert abs(int(arrays.marks[row]) - exact) <= mp.mpf("0.5")
    assert sides == {True, False}


def test_risk_arrays__cell_beyond_the_cap__fault_and_zero():
    # A lot at spot is below 2**34 micro-dollars, but the scenario that adds five times it is not.
    dear = [UNDERLYINGS[0], UnderlyingRow(ETH, 10**18, 4_000 * 10**8, NOW, 10**18)]
    model = replace(MODEL, scenarios=(replace(STILL, spot_bps=50_000),))
    snapshot = exchange(listings=[ListingRow(spot(), 0, 0)], underlyings=dear, model=model)
    arrays = risk_arrays(snapshot, model)
    assert (arrays.fault[0], arrays.priced[0], arrays.marks[0], arrays.pnl[0, 0]) == (
        True,
        False,
        0,
        0,
    )
    cheaper = [dear[0], replace(dear[1], spot_e8=3_435 * 10**8)]
    fits = risk_arrays(
        exchange(listings=[ListingRow(spot(), 0, 0)], underlyings=cheaper, model=model), model
    )
    assert (fits.fault[0], fits.pnl[0, 0]) == (False, 5 * 3_435 * 10**6)


def test_risk_arrays__stale_surface__priced_but_at_fault():
    aged = [forward(ETH, f.expiry, time=NOW - 7_201) for f in FORWARDS if f.underlying == ETH]
    arrays = risk_arrays(exchange(listings=[ListingRow(future(), 0, 0)], forwards=aged), MODEL)
    assert (arrays.fault[0], arrays.priced[0], arrays.marks[0] > 0) == (True, True, True)


def test_risk_arrays__model_of_another_epoch__refused():
    other = replace(MODEL, scenarios=MODEL.scenarios[:-1])
    assert model_hash(other) != model_hash(MODEL)
    with pytest.raises(InputError, match=r"HEAD\.model_hash"):
        risk_arrays(exchange(), other)


def test_risk_arrays__underlying_without_parameters__refused():
    model = replace(MODEL, underlyings=MODEL.underlyings[:1])
    with pytest.raises(InputError, match=r"lacks underlyings \[2\]"):
        risk_arrays(exchange(model=model), model)
