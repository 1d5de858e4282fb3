"""The arithmetic of `contracts/src/LiquidationAuction.sol`, to the last unit and with its rounding.

Money is micro-dollars, fractions are wad, times are Unix seconds. `equity` is the account's, of the
whole present book; `fraction` is a share of the present book unless it is called cumulative.
"""

from __future__ import annotations

from keeper.errors import InputError
from keeper.units import USD6, WAD, ceil_div

DURATION_SECONDS = 30 * 60
LINE_START_WAD = 102 * WAD // 100
MIN_FRACTION_WAD = WAD // 10
SMALLEST_DIVISIBLE_LEG = 10
"""Lots of which a tenth is at least one: a book of smaller legs is sold whole (docs/model.md)."""
HEALTH_PERCENT = 101
UNSOLD_AFTER_SECONDS = 15 * 60
NEVER = 2**64 - 1
"""When a line begins while the L2's sequencer is down."""
BOUNTY_BASE_USD6 = 20 * USD6
BONUS_BASE_USD6 = 10 * USD6


def line_usd6(equity_usd6: int, elapsed_seconds: int) -> int:
    """Return the price line for the whole book, rounded down.

    From 1.02 of positive equity it falls to 0 in half an hour; negative equity is its own line.

    Raises:
        InputError: negative elapsed time.
    """
    if elapsed_seconds < 0:
        raise InputError(f"an auction cannot have run for {elapsed_seconds} s")
    if equity_usd6 <= 0:
        return equity_usd6
    left = max(DURATION_SECONDS - elapsed_seconds, 0)
    return equity_usd6 * LINE_START_WAD // WAD * left // DURATION_SECONDS


def max_fraction_wad(
    equity_usd6: int, initial_usd6: int, line_usd6: int, reserve_usd6: int = 0
) -> int:
    """Return the share whose sale restores health, rounded up; the whole book if the line is <= 0.

    `initial_usd6` is the margin of the whole present book at initial level (1.3 x the loss, plus
    add-ons, at most SM_im). After a sale of `f` the seller has `E (1 - f) + f line` and needs
    `(1 - f) 1.01 initial`, a percent over because lots are rounded, and a new bounty reserve of
    `reserve_usd6`: this is the least `f`, at most all.
    """
    if line_usd6 <= 0:
        return WAD
    gap = max(initial_usd6 * HEALTH_PERCENT // 100 - equity_usd6, 0)
    return min(ceil_div((gap + reserve_usd6) * WAD, gap + line_usd6), WAD)


def sold_fraction_wad(
    wanted_wad: int, most_wad: int, already_sold_wad: int, *, divisible: bool = True
) -> int:
    """Return the share that a bid for `wanted_wad` buys.

    A bid is cut to `most_wad`, raised to a tenth, and takes a remainder of less than a tenth of the
    first book along.

    Args:
        wanted_wad: share of the present book asked for.
        most_wad: see `max_fraction_wad`.
        already_sold_wad: cumulative share of the book at the first bid.
        divisible: whether a leg has ten lots or more; a book of smaller ones is sold whole.
    """
    cut = max(min(wanted_wad, most_wad), MIN_FRACTION_WAD)
    left = (WAD - already_sold_wad) * (WAD - cut) // WAD
    return cut if divisible and left >= MIN_FRACTION_WAD else WAD


def largest_bid_wad(
    limit_wad: int, most_wad: int, already_sold_wad: int, *, divisible: bool = True
) -> int | None:
    """Return the largest share that a bid can buy without buying more than `limit_wad`, or None."""
    # A bid that leaves a tenth behind never has the remainder added to it.
    leaves_a_tenth = WAD - ceil_div(MIN_FRACTION_WAD * WAD, max(WAD - already_sold_wad, 1))
    for wanted in (limit_wad, min(limit_wad, leaves_a_tenth)):
        sold = sold_fraction_wad(wanted, most_wad, already_sold_wad, divisible=divisible)
        if sold <= limit_wad:
            return sold
    return None


def cash_to_buyer_usd6(equity_usd6: int, line_usd6: int, fraction_wad: int) -> int:
    """Return the cash that comes with the lots, which move at marks; negative: the buyer pays.

    Rounded towards zero, as the EVM divides. It is the buyer's gain over marks.
    """
    amount = (equity_usd6 - line_usd6) * fraction_wad
    return amount // WAD if amount >= 0 else -(-amount // WAD)


def least_bounties_usd6(reserve_usd6: int) -> tuple[int, int]:
    """Return what the flagger and the first buyer have of a reserve at a base fee of nothing."""
    bounty = min(BOUNTY_BASE_USD6, reserve_usd6 * 2 // 5)
    return bounty, min(BONUS_BASE_USD6, reserve_usd6 - bounty)
