"""What the views of a small deployment answer: two accounts, one option, one perpetual."""

from __future__ import annotations

from dataclasses import astuple
from typing import Any

from keeper.chain.model_file import read_model
from keeper.margin.scenarios import Model, model_hash
from keeper.state.instruments import Instrument, Kind
from keeper.units import E8, WAD
from tests.unit.chain.fake_node import AGGREGATOR, T0

MODEL: Model = read_model()
EXPIRY = T0 + 30 * 86_400
PUT = Instrument(2, EXPIRY, Kind.PUT, 180 * E8).pack()
PERPETUAL = Instrument(2, 0, Kind.PERPETUAL, 0).pack()
ALICE, BOB = b"\xaa" * 20 + bytes(12), b"\xbb" * 20 + bytes(12)


BACKSTOP = b"\x77" * 20 + bytes(12)


def quote(time: int = T0, **smile: int) -> dict[str, int]:
    fields = {"a": WAD // 2, "b": WAD // 10, "rho": -WAD // 4, "m": 0, "sigma": WAD // 5} | smile
    return {
        "ratio": WAD,
        "confidence": WAD // 1000,
        "sigma": fields["sigma"],
        "time": time,
        "a": fields["a"],
        "b": fields["b"],
        "rho": fields["rho"],
        "m": fields["m"],
    }


NOT_ACCRUED = {"until": 0, "sum": 0}


def market(underlying: int, spot_e8: int, fresh: bool = True) -> dict[str, Any]:
    flat = quote(a=0, b=0, rho=0, sigma=0)
    return {
        "underlying": underlying,
        "lot": WAD // 1000,
        "spot": spot_e8,
        "spotTime": T0,
        "spotFresh": fresh,
        "scanRange": 122 * WAD // 1000,
        "forwards": [
            {"expiry": 0, "quote": flat, "settlement": 0, "accrual": NOT_ACCRUED},
            {"expiry": EXPIRY, "quote": quote(), "settlement": 0, "accrual": NOT_ACCRUED},
        ],
        "observedDays": [],
        "observedPrices": [],
    }


def state(cash: int) -> dict[str, Any]:
    return {
        "cash": cash,
        "reserve": 0,
        "mode": 2,
        "enlisted": True,
        "locked": False,
        "voidSince": 0,
        "lastPermitBlock": 0,
    }


def account(
    name: bytes, cash: int, legs: list[tuple[int, int, int]], locked: bool = False
) -> dict[str, Any]:
    return {
        "account": name,
        "cash": cash,
        "reserve": 50_000_000,
        "mode": 2,
        "locked": locked,
        "positions": [
            {"instrument": instrument, "lots": lots, "cost": cost}
            for instrument, lots, cost in legs
        ],
        "pledged": [],
    }


def parameters(model: Model = MODEL) -> dict[tuple[str, str], Any]:
    """What an engine with that model answers, whatever its hash."""
    risks = {risk.underlying: astuple(risk)[2:9] for risk in model.underlyings}
    sigmas = {r.underlying: (r.sigma_floor, r.sigma_stress) for r in model.underlyings}
    return {
        ("InitialAddOns", "rules"): astuple(model.add_ons),
        ("SpotFeeds", "scanRule"): astuple(model.scan),
        ("SpotFeeds", "scanSigmas"): sigmas.__getitem__,
        ("RiskEngine", "factors"): astuple(model.factors),
        ("RiskEngine", "underlyingRisk"): risks.__getitem__,
        ("RiskEngine", "scenarioCount"): len(model.scenarios),
        ("RiskEngine", "scenario"): lambda index: astuple(model.scenarios[index])[1:],
    }


def views(
    markets: list[dict[str, Any]] | None = None, accounts: list[dict[str, Any]] | None = None
) -> dict[tuple[str, str], Any]:
    """Alice is short puts and perpetuals, Bob is on the other side."""
    if markets is None:
        markets = [market(1, 7_940 * E8), market(2, 19_461_000_000)]
    if accounts is None:
        cost = 19_461_000
        accounts = [
            account(BOB, 9_000_000_000, [(PERPETUAL, 100, cost), (PUT, 5_000, 0)]),
            account(ALICE, 5_000_000_000, [(PERPETUAL, -100, -cost), (PUT, -5_000, 0)]),
        ]
    listings = [
        {"instrument": PUT, "openInterest": 5_000, "settlement": 0},
        {"instrument": PERPETUAL, "openInterest": 100, "settlement": 0},
    ]
    return parameters() | {
        ("SpotFeeds", "aggregatorOf"): AGGREGATOR.address,
        ("SpotFeeds", "closedAt"): 0,
        ("MarketFeeds", "SETTLEMENT_WINDOW"): 1_800,
        ("PriceFeedMock", "latestRoundData"): (7, 180 * E8, T0, T0, 7),
        ("RiskEngine", "modelHash"): model_hash(MODEL),
        ("RiskEngine", "gridMask"): (1 << len(MODEL.scenarios)) - 1,
        ("MarginLens", "markets"): markets,
        ("MarginLens", "tokens"): [],
        ("MarginLens", "listings"): lambda first, count: listings[first : first + count],
        ("Listings", "listingCount"): len(listings),
        ("MarginLens", "accounts"): lambda first, count: accounts[first : first + count],
        ("Clearinghouse", "accountCount"): len(accounts),
        ("LiquidationAuction", "backstopAccount"): BACKSTOP,
        ("InsuranceFund", "coverRoom"): 0,
        ("Clearinghouse", "accountState"): state(0),
        ("MarginOracle", "epochBlocks"): 32,
        ("MarginOracle", "configOf"): b"\xcd" * 32,
        ("MarginOracle", "modelOf"): lambda epoch: model_hash(MODEL),
        ("MarginOracle", "latest"): (0, 0, 0, 0, bytes(32), bytes(32)),
    }
