"""Random inputs from a seed: options, an exchange with its listings, books of any size."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from keeper.chain.model_file import read_model
from keeper.margin.scenarios import Model, Scenario, model_hash
from keeper.state.accounts import Mode
from keeper.state.instruments import Instrument, Kind
from keeper.state.snapshot import (
    ForwardRow,
    Head,
    ListingRow,
    Snapshot,
    UnderlyingRow,
    build_snapshot,
)
from keeper.state.tables import Accounts, Legs
from keeper.units import BPS, E8, WAD, BoolArray, FloatArray, IntArray

SEED: Final = 20_240_601
MAX_LEGS: Final = 32
MODEL_FILE: Final = Path(__file__).resolve().parents[2] / "config" / "model.toml"
_NOW: Final = 1_900_000_000
_EXPIRIES: Final = tuple(_NOW + days * 86_400 for days in (1, 2, 7, 14, 30, 61, 91, 182, 273, 365))
_SPOTS_USD: Final = (90_000, 3_000)


@dataclass(frozen=True, slots=True, eq=False)
class Options:
    """European options, float64 [N]: prices in USD, vol a year, years to expiry."""

    forward: FloatArray
    strike: FloatArray
    vol: FloatArray
    years: FloatArray
    is_call: BoolArray

    def __len__(self) -> int:
        return len(self.forward)

    def part(self, rows: slice) -> Options:
        """Return some of them, as views."""
        return Options(
            self.forward[rows],
            self.strike[rows],
            self.vol[rows],
            self.years[rows],
            self.is_call[rows],
        )


def random_options(count: int) -> Options:
    """Return options from 1 to 100,000 USD, half to twice the strike, 15 to 200 % of vol."""
    random = np.random.default_rng(SEED)
    forward = np.exp(random.uniform(0.0, np.log(100_000.0), count))
    return Options(
        forward=forward,
        strike=forward * np.exp(random.uniform(np.log(0.5), np.log(2.0), count)),
        vol=random.uniform(0.15, 2.0, count),
        years=random.uniform(1 / 365, 2.0, count),
        is_call=random.random(count) < 0.5,
    )


@dataclass(frozen=True, slots=True, eq=False)
class LeafColumns:
    """What leaves are made of: ids and hashes uint8 [A, 32], margins int64 [A] in micro-dollars."""

    epoch: int
    account: NDArray[np.uint8]
    positions_hash: NDArray[np.uint8]
    initial_usd6: IntArray
    maintenance_usd6: IntArray
    worst_scenario: NDArray[np.uint8]


def random_leaves(count: int) -> LeafColumns:
    """Return columns of that many distinct accounts."""
    random = np.random.default_rng(SEED)
    maintenance = random.integers(0, 10**12, count)
    return LeafColumns(
        epoch=7,
        account=_account_ids(random, count),
        positions_hash=random.integers(0, 256, (count, 32), dtype=np.uint8),
        initial_usd6=maintenance + random.integers(0, 10**12, count),
        maintenance_usd6=maintenance,
        worst_scenario=random.integers(0, 48, count).astype(np.uint8),
    )


def model_with(scenarios: int) -> Model:
    """Return the shipped model with that many scenarios of spot and vol alone.

    A model file holds at most 48; in memory there is no such limit.
    """
    model = read_model(MODEL_FILE)
    random = np.random.default_rng(SEED)
    moves = random.integers(-10_000, 10_001, (scenarios, 2)).tolist()
    return replace(
        model,
        scenarios=tuple(
            replace(_still(model), name=f"random {number}", spot_bps=spot, vol_bps=vol)
            for number, (spot, vol) in enumerate(moves)
        ),
    )


def _still(model: Model) -> Scenario:
    """Return a scenario that moves nothing, at full weight."""
    any_row = model.scenarios[0]
    switches = {
        field.name: type(value)(0)
        for field in fields(any_row)
        if isinstance(value := getattr(any_row, field.name), int)
    }
    return replace(any_row, **(switches | {"weight_bps": BPS}))


def random_snapshot(model: Model, accounts: int, legs_each: int, listings: int) -> Snapshot:
    """Return an exchange with `accounts * legs_each` legs; no account has more than MAX_LEGS."""
    head = Head(epoch=7, ref_block=224, ref_time=_NOW, model_hash=model_hash(model))
    empty = build_snapshot(head, _underlyings(model), _forwards(model), _listings(listings), ())
    random = np.random.default_rng(SEED)
    counts = _leg_counts(random, accounts, legs_each)
    snapshot = replace(
        empty,
        accounts=Accounts(
            account=_account_ids(random, accounts),
            mode=np.full(accounts, Mode.PORTFOLIO, dtype=np.uint8),
            flags=np.zeros(accounts, dtype=np.uint8),
            cash_usd6=random.integers(10**9, 10**12, accounts),
            reserve_usd6=np.full(accounts, 50 * 10**6, dtype=np.uint64),
            legs=counts.astype(np.uint32),
        ),
        legs=_legs(random, counts, listings),
    )
    snapshot.validate()
    return snapshot


def _leg_counts(random: np.random.Generator, accounts: int, legs_each: int) -> IntArray:
    """Return how many legs each account has: log-normal, between 1 and MAX_LEGS, to the sum."""
    drawn = np.exp(random.normal(np.log(legs_each), 0.6, accounts))
    counts = np.clip(np.rint(drawn), 1, MAX_LEGS).astype(np.int64)
    while missing := accounts * legs_each - int(counts.sum()):
        step = 1 if missing > 0 else -1
        free = np.flatnonzero((counts + step >= 1) & (counts + step <= MAX_LEGS))
        counts[random.permutation(free)[: abs(missing)]] += step
    return counts


def _legs(random: np.random.Generator, counts: IntArray, listings: int) -> Legs:
    """Return legs that ascend by listing within each account, by random gaps."""
    total = int(counts.sum())
    widest = listings // MAX_LEGS
    gaps = random.integers(1, widest + 1, total)
    starts = np.cumsum(counts) - counts
    gaps[starts] = random.integers(0, widest, len(counts))
    climbed = np.cumsum(gaps)
    listing = climbed - np.repeat(climbed[starts] - gaps[starts], counts)
    size = random.integers(1, 1_000, total)
    return Legs(
        listing=listing.astype(np.uint32),
        lots=np.where(random.random(total) < 0.5, size, -size),
        cost_usd6=np.zeros(total, dtype=np.int64),
    )


def _account_ids(random: np.random.Generator, accounts: int) -> NDArray[np.uint8]:
    """Return ids that ascend by a random head, so that each stands once."""
    ids = random.integers(0, 256, (accounts, 32), dtype=np.uint8)
    heads = np.cumsum(random.integers(1, 2**40, accounts)).astype(">u8")
    ids[:, :8] = heads.view(np.uint8).reshape(accounts, 8)
    return ids


def _underlyings(model: Model) -> list[UnderlyingRow]:
    return [
        UnderlyingRow(risk.underlying, risk.lot, spot * E8, _NOW - 30, risk.scan_range)
        for risk, spot in zip(model.underlyings, _SPOTS_USD, strict=True)
    ]


def _forwards(model: Model) -> list[ForwardRow]:
    """Return the perpetual and every expiry of each underlying, all with the same skewed smile."""
    milli = WAD // 1000
    none = (0, 0, 0, 0, 0)
    smile = (250 * milli, 180 * milli, -220 * milli, 30 * milli, 150 * milli)
    return [
        ForwardRow(
            risk.underlying, expiry, 1_002 * milli, *(smile if expiry else none), milli, _NOW
        )
        for risk in model.underlyings
        for expiry in (0, *_EXPIRIES)
    ]


def _listings(count: int) -> list[ListingRow]:
    """Return `count` listings, nearly all options, half of them on each underlying."""
    half = count // len(_SPOTS_USD)
    strikes_each = -(-half // (2 * len(_EXPIRIES)))
    rows: list[ListingRow] = []
    for underlying, spot_usd in enumerate(_SPOTS_USD, start=1):
        strikes_e8 = np.linspace(0.5, 2.0, strikes_each) * spot_usd * E8
        linear = [Instrument(underlying, 0, Kind.PERPETUAL, 0)]
        linear += [Instrument(underlying, expiry, Kind.FUTURE, 0) for expiry in _EXPIRIES]
        options = (
            Instrument(underlying, expiry, kind, strike)
            for strike, expiry, kind in itertools.product(
                strikes_e8.astype(np.int64).tolist(), _EXPIRIES, (Kind.CALL, Kind.PUT)
            )
        )
        wanted = [*linear, *options][:half]
        rows += [ListingRow(instrument.pack(), 10**6, 0) for instrument in wanted]
    return rows
