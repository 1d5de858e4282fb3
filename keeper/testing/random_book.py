"""A valid exchange of any size from a seed: a million accounts, ten million positions in seconds.

Columns throughout, and integer draws alone: the same arguments give the same body everywhere.
"""

from __future__ import annotations

from dataclasses import astuple
from typing import Final

import numpy as np
from numpy.typing import NDArray

from keeper.draws import Draws
from keeper.errors import InputError
from keeper.margin.portfolio import MAX_LEGS
from keeper.margin.scenarios import Model, model_hash
from keeper.state.accounts import Mode
from keeper.state.instruments import Kind
from keeper.state.snapshot import Head, Snapshot
from keeper.state.tables import (
    Accounts,
    Accruals,
    Balances,
    Forwards,
    Legs,
    Listings,
    Observations,
    SecondMarks,
    Tokens,
    Underlyings,
)
from keeper.testing.random_market import NOW, RandomMarket, random_market
from keeper.units import BPS, USD6, IntArray

MAX_ACCOUNTS: Final = 1_000_000
MAX_POSITIONS: Final = 10_000_000
DEFAULT_LISTINGS: Final = 2_000

_EPOCH: Final = 1_000
_EPOCH_BLOCKS: Final = 32
_RESERVE_USD6: Final = 50 * USD6
_THIN_SHARE: Final = 33  # one account in so many has little cash


def random_book(
    model: Model, accounts: int, positions: int, seed: int, listings: int = DEFAULT_LISTINGS
) -> Snapshot:
    """Return an exchange with that many accounts, positions and listings, none of them at fault.

    Accounts hold at most 32 positions each, few hold many. With at least as many positions as
    accounts everybody holds one; with fewer, some accounts hold none. Most lots are small, spot is
    held long, and one account in 33 is thinly funded.

    Raises InputError for counts beyond 1,000,000 accounts or 10,000,000 positions, for more
    positions than 32 an account, and for fewer listings than the largest account has positions.
    """
    _require_counts(accounts, positions)
    draws = Draws(seed)
    counts = _leg_counts(accounts, positions, draws)
    largest = int(counts.max(initial=0))
    if listings < largest:
        raise InputError(
            f"listings {listings}: the largest account holds {largest} positions, each in a "
            f"listing of its own: use at least {largest}"
        )
    market = random_market(model, listings, draws)
    owner = np.repeat(np.arange(accounts), counts)
    listing = _chosen_listings(owner, counts, market.popular, draws)
    kind = np.array([instrument.kind for instrument in market.instruments])[listing]
    lots = _lots(kind, draws)
    gross = _sum_by(owner, np.abs(lots) * market.spot_lot_usd6[listing], accounts)
    return Snapshot(
        head=Head(_EPOCH, _EPOCH * _EPOCH_BLOCKS, NOW, model_hash(model)),
        underlyings=Underlyings.of_rows([astuple(row) for row in market.underlyings]),
        forwards=Forwards.of_rows([astuple(row) for row in market.forwards]),
        second_marks=SecondMarks.of_rows([]),
        accruals=Accruals.of_rows([]),
        observations=Observations.of_rows([]),
        listings=_listings(market, _sum_by(listing, np.maximum(lots, 0), listings)),
        tokens=Tokens.of_rows([]),
        accounts=_accounts(counts, gross, draws),
        legs=Legs(
            listing=listing.astype(np.uint32),
            lots=lots,
            cost_usd6=_costs(kind, lots * market.lot_usd6[listing], draws),
        ),
        balances=Balances.of_rows([]),
    )


def _require_counts(accounts: int, positions: int) -> None:
    if not 1 <= accounts <= MAX_ACCOUNTS:
        raise InputError(f"accounts {accounts}: choose 1 to {MAX_ACCOUNTS:,}")
    if not 0 <= positions <= MAX_POSITIONS:
        raise InputError(f"positions {positions}: choose 0 to {MAX_POSITIONS:,}")
    if positions > MAX_LEGS * accounts:
        raise InputError(
            f"positions {positions}: {accounts} accounts hold at most {MAX_LEGS} each, use at most "
            f"{MAX_LEGS * accounts}, or more accounts"
        )


def _leg_counts(accounts: int, positions: int, draws: Draws) -> IntArray:
    """Return legs int64 [A] that add up to `positions`, shared out by a Pareto-like weight."""
    least = 1 if positions >= accounts else 0
    weight = 2**44 // (draws.below("account size", accounts, 2**31) + 2**26)
    shared = (positions - least * accounts) * weight // int(weight.sum())
    counts = np.minimum(least + shared, MAX_LEGS)
    while left := positions - int(counts.sum()):
        counts[np.flatnonzero(counts < MAX_LEGS)[:left]] += 1
    return counts


def _chosen_listings(
    owner: IntArray, counts: IntArray, popular: IntArray, draws: Draws
) -> IntArray:
    """Return the listing of each leg, distinct and ascending within each account.

    Leg `k` of `c` draws from the k-th of `c` equal strata of [0, 1); squared, that favours what is
    popular. Ranks that do not descend over `L - c + 1` places become distinct ones over `L` by
    adding `k`.
    """
    held = counts[owner]
    place = np.arange(len(owner)) - (np.cumsum(counts) - counts)[owner]
    share = ((place << 31) + draws.below("listing", len(owner), 2**31)) // held
    rank = (share * share >> 31) * (len(popular) + 1 - held) >> 31
    rows = popular[rank + place]
    return np.sort(owner * len(popular) + rows) - owner * len(popular)


def _lots(kind: IntArray, draws: Draws) -> IntArray:
    """Return signed lots of 1 to 65,536, half of them small; spot is held long."""
    bits = 4 + draws.below("lot bits", len(kind), 13) * draws.below("few bits", len(kind), 13) // 12
    lots = 1 + (draws.below("lots below", len(kind), 2**31) >> (31 - bits))
    is_short = (draws.below("side", len(kind), 2) == 1) & (kind != Kind.SPOT)
    return np.where(is_short, -lots, lots)


def _costs(kind: IntArray, worth_usd6: IntArray, draws: Draws) -> IntArray:
    """Return what linear legs were entered at, within 5 % of their worth now; else zero."""
    entry_bps = BPS - 500 + draws.below("entry", len(kind), 1_001)
    is_linear = (kind == Kind.PERPETUAL) | (kind == Kind.FUTURE)
    return np.where(is_linear, worth_usd6 * entry_bps // BPS, 0)


def _listings(market: RandomMarket, open_interest: IntArray) -> Listings:
    ids = [(i.pack() >> 64, i.pack() & 2**64 - 1) for i in market.instruments]
    return Listings(
        instrument=np.array(ids, dtype=np.uint64),
        open_interest=open_interest.astype(np.uint64),
        settlement_e8=np.zeros(len(ids), dtype=np.uint64),
    )


def _accounts(counts: IntArray, gross_usd6: IntArray, draws: Draws) -> Accounts:
    """Return accounts with cash of 30 to 100 % of gross; thinly funded ones of 1 to 5 %."""
    rows = len(counts)
    is_thin = draws.below("is thin", rows, _THIN_SHARE) == 0
    ample_bps = 3_000 + draws.below("ample", rows, 7_000)
    thin_bps = 100 + draws.below("thin", rows, 400)
    pocket_usd6 = draws.below("pocket", rows, 10_000) * USD6
    margin_usd6 = gross_usd6 // BPS * np.where(is_thin, thin_bps, ample_bps)
    return Accounts(
        account=_account_ids(rows, draws),
        mode=np.full(rows, Mode.PORTFOLIO, dtype=np.uint8),
        flags=np.zeros(rows, dtype=np.uint8),
        cash_usd6=margin_usd6 + np.where(is_thin, 0, pocket_usd6),
        reserve_usd6=np.where(counts > 0, _RESERVE_USD6, 0).astype(np.uint64),
        legs=counts.astype(np.uint32),
    )


def _account_ids(rows: int, draws: Draws) -> NDArray[np.uint8]:
    """Return ascending ids [A, 32]; one owner in eight uses sub-account 1."""
    words = np.zeros((rows, 4), dtype=">u8")
    words[:, 0] = np.sort(draws.words("owner high", rows))  # no value twice
    words[:, 1] = draws.words("owner middle", rows)
    words[:, 2] = draws.words("owner low", rows) >> np.uint64(32) << np.uint64(32)
    words[:, 3] = draws.below("sub-account", rows, 8) == 0
    return words.view(np.uint8).reshape(rows, 32)


def _sum_by(key: IntArray, amounts: IntArray, rows: int) -> IntArray:
    """Return the sums of amounts by key, int64 [rows]: exact, as bincount's floats are not."""
    total = np.zeros(rows, dtype=np.int64)
    np.add.at(total, key, amounts)
    return total
