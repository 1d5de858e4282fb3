"""The compiled cells and their numpy twin: the same integers, whatever the inputs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keeper.margin.cells import CELL_LIMIT, ListingFloats, scenario_cells
from keeper.margin.market import listing_market
from keeper.margin.shocks import Shocks, shocks
from keeper.pricing import backend
from tests.books import LISTED, MODEL, exchange

TERMS, SCENARIOS = 7, 33


@pytest.fixture(autouse=True)
def _compiled():
    if not backend.COMPILED:
        pytest.skip("numba is disabled: numpy alone answers")


def both(floats, shocked):
    """The compiled cells, and those of numpy."""
    compiled = scenario_cells(floats, shocked)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backend, "_compiled", lambda: False)
        assert not backend.COMPILED
        return compiled, scenario_cells(floats, shocked)


def test_cells__of_an_exchange__equal_in_both():
    market = listing_market(exchange())
    compiled, twin = both(ListingFloats.of(market), shocks(market, MODEL))
    assert compiled.shape == (len(LISTED), len(MODEL.scenarios))
    assert np.count_nonzero(compiled) > compiled.size / 2
    assert np.array_equal(compiled, twin)


def test_cells__of_settled_listings__zero_in_both():
    market = listing_market(exchange())
    floats = ListingFloats.of(market)
    dead = replace(floats, settled=np.ones_like(floats.settled), mark=floats.reference)
    dead = replace(dead, is_option=np.zeros_like(floats.is_option))
    compiled, twin = both(dead, shocks(market, MODEL))
    assert not compiled.any()
    assert not twin.any()


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), listings=st.integers(0, 40))
def test_cells__of_any_numbers__equal_in_both(seed, listings):
    floats, shocked = anything(np.random.default_rng(seed), listings)
    compiled, twin = both(floats, shocked)
    assert np.array_equal(compiled, twin)


def test_cells__beyond_the_cap__stay_beyond_it():
    floats, shocked = anything(np.random.default_rng(1), 40)
    huge = replace(floats, micro_per_lot=np.full(40, 1e15), settled=np.zeros(40, dtype=bool))
    compiled, twin = both(huge, shocked)
    assert np.array_equal(compiled, twin)
    assert np.abs(compiled).max() == CELL_LIMIT


def anything(random, listings):
    """Prices of eighteen magnitudes, vols and times that may be zero, shifts beyond the limit."""
    reference = np.exp(random.uniform(-18.0, 23.0, listings))
    strike = reference * np.exp(random.normal(0.0, 0.5, listings))
    reference[random.random(listings) < 0.05] = 0.0
    settled = random.random(listings) < 0.1
    mark = reference * random.uniform(0.0, 1.0, listings)
    is_option = random.random(listings) < 0.8
    floats = ListingFloats(
        is_option=is_option & ~settled,
        is_call=random.random(listings) < 0.5,
        settled=settled,
        reference=reference,
        fixed=reference * np.where(random.random(listings) < 0.3, random.random(listings), 0.0),
        strike=strike,
        vol=np.where(random.random(listings) < 0.1, 0.0, random.uniform(0.01, 5.0, listings)),
        moneyness=random.uniform(-2.5, 2.5, listings),
        micro_per_lot=np.exp(random.uniform(0.0, 15.0, listings)),
        mark=np.where(settled, reference, mark),
    )
    table = (TERMS, SCENARIOS)
    years = np.where(random.random(table) < 0.2, 0.0, random.uniform(0.0, 3.0, table))
    return floats, Shocks(
        term=random.integers(0, TERMS, listings),
        move=random.uniform(-0.9, 5.0, table),
        years=years,
        shift=random.normal(0.0, 1.0, table),
        skew=random.normal(0.0, 0.2, table),
        curvature=random.normal(0.0, 0.2, table),
        weight=random.uniform(0.0001, 1.0, SCENARIOS),
    )
