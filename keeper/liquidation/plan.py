"""The liquidator's strategy: a pure function from what is seen to intents, with reasons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from keeper.errors import InputError
from keeper.liquidation.auction import (
    DURATION_SECONDS,
    MIN_FRACTION_WAD,
    NEVER,
    UNSOLD_AFTER_SECONDS,
    cash_to_buyer_usd6,
    largest_bid_wad,
    line_usd6,
    max_fraction_wad,
)
from keeper.liquidation.health import Breach, Skip
from keeper.units import WAD, ceil_div, usd


@dataclass(frozen=True, slots=True)
class OpenAuction:
    """A flagged account as seen now. Money is micro-dollars, margins are of the whole present book.

    Attributes:
        begins_at: Unix seconds at which the line begins: at the flag, when its grace is over, or a
            while after the L2's sequencer is back; out of reach while that is down.
        fraction_sold_wad: cumulative share of the book at the first bid.
        standard_usd6: standard margin; 0 when no leg is left.
        initial_usd6: margin at initial level from the grid, at most SM_im: what health means here.
        buyer_margin_usd6: margin that the whole book would cost its buyer, without a leaf.
        divisible: whether a leg has ten lots or more; a book of smaller ones is sold whole.
        required_usd6: maintenance requirement at which a bid is refused; None leaves that to the
            simulation of the bid.
        bounty_usd6: what the first bid pays out to us for it, and for the flag where that was ours.
        reserve_usd6: bounty reserve of a book with so many legs.
        backstop: whether the protocol's Backstop holds it: then all of it is on sale, at any time.
    """

    account: bytes
    begins_at: int
    fraction_sold_wad: int
    equity_usd6: int
    standard_usd6: int
    initial_usd6: int
    buyer_margin_usd6: int
    divisible: bool = True
    required_usd6: int | None = None
    bounty_usd6: int = 0
    reserve_usd6: int = 0
    backstop: bool = False


@dataclass(frozen=True, slots=True)
class PlanConfig:
    """How much a liquidator wants.

    Attributes:
        min_profit_usd6: least gain, discount and own bounty, for which a bid is sent; cover gas
            with it.
        max_fraction_wad: largest share of a book in one bid.
    """

    min_profit_usd6: int
    max_fraction_wad: int = WAD

    def __post_init__(self) -> None:
        """Check ranges.

        Raises:
            InputError: a negative profit, or a fraction that no bid can have.
        """
        if self.min_profit_usd6 < 0:
            raise InputError(f"min_profit_usd6 must not be negative, got {self.min_profit_usd6}")
        if not MIN_FRACTION_WAD <= self.max_fraction_wad <= WAD:
            raise InputError(f"max_fraction_wad must lie in [0.1, 1] wad: {self.max_fraction_wad}")


@dataclass(frozen=True, slots=True)
class Flag:
    """Start an auction, with the scenario that proves the breach."""

    account: bytes
    scenario: int
    reason: str


@dataclass(frozen=True, slots=True)
class Bid:
    """Buy a share of a flagged book; the buyer's account needs `buyer_margin_usd6` beforehand."""

    account: bytes
    fraction_wad: int
    min_cash_to_buyer_usd6: int
    expected_profit_usd6: int
    buyer_margin_usd6: int
    reason: str


@dataclass(frozen=True, slots=True)
class Cure:
    """End an auction whose account is healthy again or empty."""

    account: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class TakeOver:
    """Move a book that nobody bought to the Backstop."""

    account: bytes
    reason: str


Intent: TypeAlias = Flag | Bid | Cure | TakeOver


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do, in order, and what was left and why."""

    intents: tuple[Intent, ...]
    skips: tuple[Skip, ...]


def make_plan(
    breaches: Sequence[Breach],
    auctions: Sequence[OpenAuction],
    *,
    now: int,
    capital_usd6: int,
    config: PlanConfig,
) -> Plan:
    """Return flags for new breaches, worst first, then cures and bids on open auctions.

    Bids share `capital_usd6`, the cash at hand for buyers' margins; the largest discount is served
    first. Times are Unix seconds, `now` the time of the block the state was read at.
    """
    decisions: list[Intent | Skip] = []
    in_auction = {auction.account for auction in auctions}
    decisions += [_flag(breach) for breach in breaches if breach.account not in in_auction]
    for auction in sorted(auctions, key=lambda item: (-_discount(item, now), item.account)):
        decision = _cure(auction) or _bid(auction, now, capital_usd6, config)
        if isinstance(decision, Skip):
            decision = _take_over(auction, now) or decision
        if isinstance(decision, Bid):
            capital_usd6 -= decision.buyer_margin_usd6
        decisions.append(decision)
    return Plan(
        intents=tuple(item for item in decisions if not isinstance(item, Skip)),
        skips=tuple(item for item in decisions if isinstance(item, Skip)),
    )


def _flag(breach: Breach) -> Flag:
    shortfall = f"equity {usd(breach.equity_usd6)} below {usd(breach.required_usd6)}"
    return Flag(breach.account, breach.scenario, f"{shortfall} in scenario {breach.scenario}")


def _cure(auction: OpenAuction) -> Cure | None:
    if auction.standard_usd6 == 0 and not auction.backstop:
        return Cure(auction.account, "no leg is left")
    if auction.backstop:
        return None
    target = min(auction.standard_usd6, auction.initial_usd6)
    if auction.equity_usd6 < target:
        return None
    return Cure(auction.account, f"equity {usd(auction.equity_usd6)} reaches {usd(target)}")


def _bid(auction: OpenAuction, now: int, capital_usd6: int, config: PlanConfig) -> Bid | Skip:
    if _is_healthy(auction):
        return Skip(auction.account, "above maintenance, so no bid is taken, but not yet cured")
    if now < auction.begins_at and not _is_deep(auction):
        return Skip(auction.account, _waiting(auction.begins_at, now))
    line = line_usd6(auction.equity_usd6, _elapsed(auction, now))
    most = WAD if auction.backstop else _most(auction, line)
    # The cash that comes with the lots is left out: it pays for the rounding of lots.
    affordable = capital_usd6 * WAD // max(auction.buyer_margin_usd6, 1)
    limit = min(config.max_fraction_wad, affordable)
    sold = auction.fraction_sold_wad
    fraction = largest_bid_wad(limit, most, sold, divisible=auction.divisible)
    if fraction is None:
        return Skip(auction.account, _too_small(auction, capital_usd6, limit, most))
    discount = cash_to_buyer_usd6(auction.equity_usd6, line, fraction)
    profit = discount + auction.bounty_usd6
    share = f"{fraction / WAD:.2%} of the book at {usd(discount)} below marks"
    if auction.bounty_usd6:
        share += f" and our bounty of {usd(auction.bounty_usd6)}"
    if profit < config.min_profit_usd6:
        hope = "wait" if auction.equity_usd6 > 0 else "equity is gone, so no discount will come"
        return Skip(auction.account, f"{share}, less than {usd(config.min_profit_usd6)}: {hope}")
    return Bid(
        account=auction.account,
        fraction_wad=fraction,
        # Equity moves until the bid is mined; the bid is wanted down to the least profit.
        min_cash_to_buyer_usd6=config.min_profit_usd6 - auction.bounty_usd6,
        expected_profit_usd6=profit,
        buyer_margin_usd6=ceil_div(auction.buyer_margin_usd6 * fraction, WAD),
        reason=share,
    )


def _waiting(begins_at: int, now: int) -> str:
    if begins_at == NEVER:
        return "its line waits for the sequencer, which is down"
    return f"its line begins in {begins_at - now} s"


def _most(auction: OpenAuction, line: int) -> int:
    return max_fraction_wad(auction.equity_usd6, auction.initial_usd6, line, auction.reserve_usd6)


def _is_deep(auction: OpenAuction) -> bool:
    """Whether no grace counts: less than half of the requirement is left."""
    required = auction.required_usd6
    return required is not None and auction.equity_usd6 < required // 2


def _take_over(auction: OpenAuction, now: int) -> TakeOver | None:
    unsold_at = auction.begins_at + DURATION_SECONDS + UNSOLD_AFTER_SECONDS
    if auction.backstop or now < unsold_at or auction.standard_usd6 == 0 or _is_healthy(auction):
        return None
    return TakeOver(auction.account, f"unsold {now - auction.begins_at} s after its line began")


def _is_healthy(auction: OpenAuction) -> bool:
    return auction.required_usd6 is not None and auction.equity_usd6 >= auction.required_usd6


def _too_small(auction: OpenAuction, capital_usd6: int, limit_wad: int, most_wad: int) -> str:
    return (
        f"no bid within {limit_wad / WAD:.2%} of the book is allowed ({most_wad / WAD:.2%} is on "
        f"sale): capital {usd(capital_usd6)}, margin {usd(auction.buyer_margin_usd6)}"
    )


def _discount(auction: OpenAuction, now: int) -> int:
    return auction.equity_usd6 - line_usd6(auction.equity_usd6, _elapsed(auction, now))


def _elapsed(auction: OpenAuction, now: int) -> int:
    # Clocks of nodes differ by seconds; the next block cannot be older than the flag.
    return max(now - auction.begins_at, 0)
