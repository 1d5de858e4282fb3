"""The liquidation price, re-priced by the contracts: the spot feed is set beside it, on both sides.

The keeper rounds marks and losses per lot, the contracts once per account (docs/model.md, Per lot,
in integers): equity differs by at most one micro-dollar a lot, the requirement by two, a leg's own
arithmetic by two. So the contracts need not flip at the very unit. They have to flip between the
nearest spots at which the keeper's surplus is twice that tolerance (once for rounding, once for the
second or two that posting a spot takes), and those spots lie within 0.05 % of each other.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import numpy as np
import pytest

from keeper.chain.lens import read_snapshot
from keeper.devnet import keys
from keeper.devnet.actors import ACTORS, DEALERS
from keeper.devnet.exchange import account_of
from keeper.margin.explain import explain
from keeper.margin.one_account import account_index, account_row, versions
from keeper.margin.portfolio import margin_book
from tests.chain.stages import opened

pytestmark = pytest.mark.chain

# Along ETH downwards, upwards, both ways, and along BTC and ETH.
NAMES = ("over-levered long", "short put", "short call", "hedged straddle", "BTC against ETH")
PEOPLE = tuple(actor for actor in ACTORS if actor.name in NAMES)
MICRO_A_LOT, MICRO_A_LEG = 3, 2
WIDEST = 5e-4


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    stage = opened(tmp_path_factory.mktemp("prices"), (*DEALERS, *PEOPLE))
    yield stage
    stage.close()


@pytest.fixture(scope="module")
def snapshot(stage):
    return read_snapshot(
        stage.client, stage.exchange.contracts.deployment, stage.model, stage.client.head()
    )


def keeper_surplus(snapshot, model, account, underlying, spot_e8):
    """Equity less requirement by the engine, with that spot in the snapshot."""
    index = account_index(snapshot, account)
    alone = versions(snapshot, index, [account_row(snapshot, index)])
    table = alone.underlyings
    spots = np.where(table.underlying == underlying, np.uint64(spot_e8), table.spot_e8)
    book = margin_book(replace(alone, underlyings=replace(table, spot_e8=spots)), model)
    required = np.minimum(book.standard_usd6, book.maintenance_usd6)
    return int(book.equity_usd6[0] - required[0])


def nearest(snapshot, model, account, underlying, start, step, wanted):
    """The nearest spot from `start` in steps that double at which the surplus is as wanted."""
    for power in count():
        spot = start + step * 2**power
        if wanted(keeper_surplus(snapshot, model, account, underlying, spot)):
            return spot
    raise AssertionError


def contract_view(stage, account, underlying, spot_e8):
    """Post the spot; return the surplus of MarginLens, and whether `flag` would succeed."""
    stage.exchange.post_spot(underlying, spot_e8)
    health = stage.exchange.health(account)
    auction = stage.exchange.contracts.deployment.liquidation_auction
    refused = stage.client.simulate(
        auction, "flag", (account, health["worstScenario"]), sender=keys.address(keys.LIQUIDATOR)
    )
    return health["equity"] - min(health["standard"], health["maintenance"]), refused


@pytest.mark.parametrize("name", NAMES)
def test_liquidation_price__posted_to_the_feed__the_contracts_flip_there(stage, snapshot, name):
    account = account_of(name)
    shown = explain(snapshot, stage.model, account)
    lots = sum(abs(leg.lots) for leg in shown.legs)
    tolerance = MICRO_A_LOT * lots + MICRO_A_LEG * len(shown.legs)
    tried = 0
    for price in shown.liquidation:
        for found, outwards in ((price.below_e8, -1), (price.above_e8, 1)):
            if found is None:
                continue
            tried += 1
            where = (snapshot, stage.model, account, price.underlying)
            assert (
                keeper_surplus(*where, found)
                < 0
                <= keeper_surplus(*where, found - outwards * price.tick_e8)
            )
            beyond = nearest(*where, found, outwards, lambda surplus: surplus < -2 * tolerance)
            before = nearest(*where, found, -outwards, lambda surplus: surplus > 2 * tolerance)
            assert abs(beyond - before) < WIDEST * found
            for spot, flaggable in ((before, False), (beyond, True)):
                surplus, refused = contract_view(stage, account, price.underlying, spot)
                assert abs(surplus - keeper_surplus(*where, spot)) <= 2 * tolerance
                assert (surplus < 0) == flaggable
                assert (refused is None) == flaggable, refused
                assert flaggable or refused.name == "Healthy"
        stage.exchange.post_spot(price.underlying, price.spot_e8)
    print(f"{name}: {tried} prices, tolerance {tolerance} micro-dollars")  # noqa: T201 - by -rP
    assert tried == {"hedged straddle": 2, "BTC against ETH": 2}.get(name, 1)
