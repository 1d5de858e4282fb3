"""Limited liability as a free option: two accounts of one owner, long and short the same perpetual.

Both open at the same price with the least margin that is asked, and are opened anew every `hold`
hours, which costs nothing, as the owner trades with himself. Whoever of them falls below
maintenance is flagged, and closed `delay` hours later at the price then: what is lost beyond its
margin, others pay, and the other account keeps the gain. Nothing is charged for fees, funding,
bounty or what a bidder keeps, so what comes out bounds the owner's gain from above, on prices read
once an hour.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from keeper.units import FloatArray, IntArray

HOURS_PER_YEAR = 8_760


@dataclass(frozen=True, slots=True)
class Terms:
    """What the protocol asks, as shares of the notional, and how it is played, in hours.

    `initial` is what an account has when it opens; it is flagged below `maintenance`. `hold` is the
    time between openings, `delay` that from the flag to the last lot sold: grace and auction.
    """

    initial: float
    maintenance: float
    hold: int
    delay: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the pair took over the prices given, as shares of the notional of one side.

    `gain_a_year` is over both accounts; `worst_gain` that of one opening.
    """

    openings: int
    flags: int
    deficits: int
    gain_a_year: float
    worst_gain: float

    def return_a_year(self, terms: Terms) -> float:
        """Return the gain over the capital of both accounts."""
        return self.gain_a_year / (2.0 * terms.initial)


def play(hour: IntArray, price: FloatArray, terms: Terms) -> Outcome:
    """Return the outcome over hourly prices (n,) at their `hour` since 1970, ascending.

    An opening whose hours are not all there is left out. Raises ValueError for prices that are not
    above zero, or terms that could never be played.
    """
    if not (price > 0.0).all() or terms.hold < 1 or terms.delay < 0:
        raise ValueError("prices must be above zero, hold at least an hour, delay not below none")
    span = terms.hold + terms.delay
    openings = flags = deficits = 0
    gain = worst = 0.0
    for first in range(0, len(price) - span, terms.hold):
        if hour[first + span] - hour[first] != span:
            continue
        openings += 1
        moves = price[first : first + span + 1] / price[first] - 1.0
        flagged = np.flatnonzero(
            terms.initial - np.abs(moves[1 : terms.hold + 1]) < terms.maintenance
        )
        if not len(flagged):
            continue
        flags += 1
        at = int(flagged[0]) + 1
        # The side that was flagged loses with the sign of the move then, whatever comes after.
        loss = float(moves[at + terms.delay] * np.sign(moves[at]))
        taken = max(loss - terms.initial, 0.0)
        deficits += taken > 0.0
        gain, worst = gain + taken, max(worst, taken)
    years = openings * terms.hold / HOURS_PER_YEAR
    return Outcome(openings, flags, deficits, gain / years if openings else 0.0, worst)
