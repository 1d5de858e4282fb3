"""What a trade in a perpetual or future does to cash and entry cost, as `PositionsLib.enter`."""

from __future__ import annotations


def entered(held: int, cost_usd6: int, lots: int, notional_usd6: int) -> tuple[int, int]:
    """Return the cash that a trade of `lots` realises, and the leg's entry cost after it.

    `held` lots stand at `cost_usd6`; the trade is worth `notional_usd6`, of the sign of `lots`,
    which are not 0. What grows keeps its notional as cost; what shrinks realises its share, both
    shares rounded towards zero.
    """
    if held == 0 or (held > 0) == (lots > 0):
        return 0, cost_usd6 + notional_usd6
    closed = min(abs(lots), abs(held))
    closing = towards_zero(notional_usd6 * closed, abs(lots))
    released = towards_zero(cost_usd6 * closed, abs(held))
    return -closing - released, cost_usd6 - released + notional_usd6 - closing


def towards_zero(x: int, divisor: int) -> int:
    """Return `x / divisor` as the EVM divides; `divisor` is above zero."""
    quotient = abs(x) // divisor
    return quotient if x >= 0 else -quotient
