"""All attested inputs of one block, columnar and in canonical order.

`Snapshot` holds numpy columns, so that ten million legs are arrays and not objects.
`build_snapshot` makes one from rows in any order, as a reader of the chain or a test has them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple, dataclass
from typing import Final

from keeper.errors import InputError
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
from keeper.state.validity import (
    require_accounts,
    require_accruals,
    require_ascending,
    require_balances,
    require_forwards,
    require_legs,
    require_listings,
    require_underlyings,
)

_TIME_END: Final = 1 << 40  # an expiry is a uint40


@dataclass(frozen=True, slots=True)
class Head:
    """Which block, and under which model: `model_hash` is 32 bytes, `ref_time` Unix seconds.

    Seconds stay below 2**40, as those of an expiry do, so that their differences fit an int64.
    """

    epoch: int
    ref_block: int
    ref_time: int
    model_hash: bytes

    def __post_init__(self) -> None:
        for name in ("epoch", "ref_block", "ref_time"):
            if not 0 <= getattr(self, name) < 1 << 64:
                raise InputError(f"HEAD.{name} {getattr(self, name)} is not a uint64")
        if self.ref_time >= _TIME_END:
            raise InputError(
                f"HEAD.ref_time {self.ref_time} is beyond 2**40: write Unix seconds, as an expiry"
            )
        if len(self.model_hash) != 32:
            raise InputError(f"HEAD.model_hash has {len(self.model_hash)} bytes: a hash has 32")


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """The tables of docs/encodings.md; `accruals` has rows only while an expiry settles."""

    head: Head
    underlyings: Underlyings
    forwards: Forwards
    second_marks: SecondMarks
    observations: Observations
    listings: Listings
    tokens: Tokens
    accounts: Accounts
    legs: Legs
    balances: Balances
    accruals: Accruals

    def validate(self) -> None:
        """Raise InputError unless the tables are canonical, naming table, row and fix."""
        require_underlyings(self.underlyings)
        require_forwards(self.forwards, self.underlyings)
        require_forwards(self.second_marks, self.underlyings)
        require_ascending(self.observations, "underlying", "day")
        require_listings(self.listings, self.underlyings)
        require_ascending(self.tokens, "token")
        require_accounts(self.accounts, self.legs)
        require_legs(self.legs, self.accounts, self.listings)
        require_balances(self.balances, self.accounts, self.tokens.token)
        require_accruals(self.accruals, self.underlyings)


@dataclass(frozen=True, slots=True)
class UnderlyingRow:
    """One underlying: lot size, spot with its time, scan range."""

    underlying: int
    lot_wad: int
    spot_e8: int
    spot_time: int
    scan_range_wad: int


@dataclass(frozen=True, slots=True)
class ForwardRow:
    """One expiry (0: the perpetual): ratio, SVI and confidence in wad, time published."""

    underlying: int
    expiry: int
    ratio_wad: int
    a: int
    b: int
    rho: int
    m: int
    sigma: int
    confidence_wad: int
    time: int


@dataclass(frozen=True, slots=True)
class AccrualRow:
    """How far a settlement average has come: spot in 1e-8 USD times seconds up to `until`."""

    underlying: int
    expiry: int
    until: int
    sum_e8: int


@dataclass(frozen=True, slots=True)
class ObservationRow:
    """The price at 00:00 of one UTC day (unix time // 86400)."""

    underlying: int
    day: int
    price_e8: int


@dataclass(frozen=True, slots=True)
class ListingRow:
    """One listed instrument id; open interest in lots."""

    instrument: int
    open_interest: int
    settlement_e8: int


@dataclass(frozen=True, slots=True)
class LegRow:
    """One open position: `cost_usd6` is the entry value of a perpetual or future, else zero."""

    instrument: int
    lots: int
    cost_usd6: int


@dataclass(frozen=True, slots=True)
class AccountRow:
    """One account: `account` is the 32-byte id, bit 0 of `flags` says flagged for liquidation."""

    account: bytes
    mode: int
    flags: int
    cash_usd6: int
    reserve_usd6: int
    legs: tuple[LegRow, ...]


@dataclass(frozen=True, slots=True)
class TokenRow:
    """One collateral token; token 0 is the settlement coin, of which cash is an amount."""

    token: int
    decimals: int
    price_e8: int
    haircut_wad: int


@dataclass(frozen=True, slots=True)
class BalanceRow:
    """An account's amount of one token, in the token's base units; `account` is the 32-byte id."""

    account: bytes
    token: int
    amount: int


def build_snapshot(
    head: Head,
    underlyings: Iterable[UnderlyingRow],
    forwards: Iterable[ForwardRow],
    listings: Iterable[ListingRow],
    accounts: Iterable[AccountRow],
    tokens: Iterable[TokenRow] = (),
    balances: Iterable[BalanceRow] = (),
    observations: Iterable[ObservationRow] = (),
    accruals: Iterable[AccrualRow] = (),
) -> Snapshot:
    """Sort the rows canonically, resolve references to row numbers, and validate.

    Raises InputError for repeated rows, for values that do not fit, for a leg whose instrument is
    not listed, and for a balance whose account is not there.
    """
    listed = sorted(listings, key=lambda row: row.instrument)
    row_of = {row.instrument: index for index, row in enumerate(listed)}
    holders = sorted(accounts, key=lambda row: row.account)
    row_of_account = {row.account: index for index, row in enumerate(holders)}
    snapshot = Snapshot(
        head=head,
        underlyings=Underlyings.of_rows(sorted(map(astuple, underlyings))),
        forwards=Forwards.of_rows(sorted(map(astuple, forwards))),
        second_marks=SecondMarks.of_rows([]),
        observations=Observations.of_rows(sorted(map(astuple, observations))),
        listings=Listings.of_rows(
            [(_halves(row.instrument), row.open_interest, row.settlement_e8) for row in listed]
        ),
        tokens=Tokens.of_rows(sorted(map(astuple, tokens))),
        accounts=Accounts.of_rows([_account_cells(row) for row in holders]),
        legs=Legs.of_rows([cells for row in holders for cells in _leg_cells(row, row_of)]),
        balances=Balances.of_rows(sorted(_balance_cells(row, row_of_account) for row in balances)),
        accruals=Accruals.of_rows(
            sorted((row.underlying, row.expiry, row.until, _halves(row.sum_e8)) for row in accruals)
        ),
    )
    snapshot.validate()
    return snapshot


def _halves(instrument: int) -> tuple[int, int]:
    return instrument >> 64, instrument & (1 << 64) - 1


def _account_cells(row: AccountRow) -> tuple[object, ...]:
    if len(row.account) != 32:
        raise InputError(f"account 0x{row.account.hex()} has {len(row.account)} bytes, not 32")
    key = tuple(row.account)
    return key, row.mode, row.flags, row.cash_usd6, row.reserve_usd6, len(row.legs)


def _leg_cells(row: AccountRow, row_of: dict[int, int]) -> list[tuple[int, int, int]]:
    for leg in row.legs:
        if leg.instrument not in row_of:
            raise InputError(
                f"account 0x{row.account.hex()} holds instrument {leg.instrument:#x}, "
                "which is not listed: read listings and accounts at the same block"
            )
    return sorted((row_of[leg.instrument], leg.lots, leg.cost_usd6) for leg in row.legs)


def _balance_cells(
    row: BalanceRow, row_of_account: dict[bytes, int]
) -> tuple[int, int, tuple[int, int]]:
    if row.account not in row_of_account:
        raise InputError(
            f"account 0x{row.account.hex()} has a balance of token {row.token}, but is not among "
            "the accounts: read both at the same block"
        )
    return row_of_account[row.account], row.token, _halves(row.amount)
