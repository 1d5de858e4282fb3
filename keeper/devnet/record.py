"""What a demo leaves behind, as data: its epochs, what became of the accounts, gas and times."""

from __future__ import annotations

from dataclasses import dataclass, field

from keeper.audit.replay import EpochVerdict
from keeper.devnet.view import EpochLine


@dataclass(frozen=True, slots=True)
class EpochRecord:
    """One epoch as attested, with the canonical body behind it."""

    line: EpochLine
    bundle_hash: bytes
    body: bytes


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A withdrawal that needs a leaf; `refusal` is what the contract said without it."""

    account: str
    amount_usd6: int
    equity_usd6: int
    standard_usd6: int
    grid_usd6: int
    attested_usd6: int
    refusal: str
    accepted: bool


@dataclass(frozen=True, slots=True)
class Sale:
    """One bid on a flagged book; `line_usd6` is what was asked for all of its equity."""

    buyer: str
    time: int
    fraction_wad: int
    equity_usd6: int
    line_usd6: int
    cash_to_buyer_usd6: int


@dataclass(slots=True)
class Liquidation:
    """One auction, from the flag to its end: open, cured or emptied."""

    account: str
    time: int
    scenario: str
    equity_usd6: int
    required_usd6: int
    bounty_usd6: int = 0
    sales: list[Sale] = field(default_factory=list[Sale])
    covered_usd6: int = 0
    uncovered_usd6: int = 0
    end: str = "open"


@dataclass(frozen=True, slots=True)
class Settlement:
    """An expiry whose price was fixed, and how many legs were turned into cash at it."""

    underlying: str
    expiry: int
    price_e8: int
    legs: int


@dataclass(frozen=True, slots=True)
class GasUse:
    """Gas of all transactions of one kind."""

    kind: str
    count: int
    least: int
    median: int
    most: int


@dataclass(slots=True)
class Record:
    """Everything that is printed at the end. `problems` is empty when all went as it must.

    `dust_usd6` is what the clearinghouse holds over what it owes to all accounts together.
    """

    epochs: list[EpochRecord] = field(default_factory=list[EpochRecord])
    verdicts: list[EpochVerdict] = field(default_factory=list[EpochVerdict])
    withdrawal: Withdrawal | None = None
    liquidations: list[Liquidation] = field(default_factory=list[Liquidation])
    settlements: list[Settlement] = field(default_factory=list[Settlement])
    dust_usd6: int | None = None
    gas: list[GasUse] = field(default_factory=list[GasUse])
    seconds: dict[str, float] = field(default_factory=dict[str, float])
    problems: list[str] = field(default_factory=list[str])
