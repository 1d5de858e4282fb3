"""Whether a co-signer's own quotes bear out a proposed update."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from keeper.attestation.typed_data import ExpiryQuote
from keeper.errors import SigningRefused
from keeper.pricing.svi_arbitrage import Smile, butterfly_violation
from keeper.quorum.speed_limit import vol_moves
from keeper.units import WAD, YEAR_SECONDS


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far two honest fits of one moment may lie apart, in logarithms.

    `perpetual` is of its ratio to spot, which no chain tells: from the co-signer's own or from 1.
    `wing_vol` is at three and four deviations, where a tenth of the quotes less moves vols by up to
    8 % in 99 of 100 expiries.
    """

    ratio: float = 0.002
    perpetual: float = 0.01
    vol: float = 0.03
    wing_vol: float = 0.15
    confidence: float = 0.005


TOLERANCE: Final = Tolerance()
_WINGS: Final = (3.0, 4.0)
_JUDGED_DEVIATIONS: Final = 5.0
_JUDGED_POINTS: Final = 201
# The proposer's fit is free of butterflies for the term of its chain, minutes longer than this one.
_SLACK: Final = 0.01


def require_agreement(
    proposed: Sequence[ExpiryQuote],
    own: Sequence[ExpiryQuote],
    time: int,
    tolerance: Tolerance = TOLERANCE,
) -> None:
    """Raise SigningRefused, naming expiry and field, where `proposed` is not what `own` says.

    Vols are compared at the forward and two deviations to either side, as the speed limits do, and
    less strictly farther out. A smile of `proposed` with butterflies within five deviations is
    refused whatever it agrees with.
    """
    if [quote.expiry for quote in proposed] != [quote.expiry for quote in own]:
        raise SigningRefused(
            f"the update quotes expiries {[q.expiry for q in proposed]}, here are "
            f"{[q.expiry for q in own]}: read the same live expiries"
        )
    for theirs, ours in zip(proposed, own, strict=True):
        moved = abs(float(np.log(theirs.ratio / ours.ratio)))
        found = {
            "ratio": (moved, tolerance.ratio if theirs.expiry else tolerance.perpetual),
            "confidence": (abs(theirs.confidence - ours.confidence) / WAD, tolerance.confidence),
        }
        if theirs.expiry:
            found["vol"] = (_apart(ours, theirs, time, (2.0,)), tolerance.vol)
            found["wing vol"] = (_apart(ours, theirs, time, _WINGS), tolerance.wing_vol)
        for name, (apart, allowed) in found.items():
            if not apart <= allowed:
                raise SigningRefused(
                    f"expiry {theirs.expiry}: {name} lies {apart:.4f} from the own fit, "
                    f"the tolerance is {allowed}: compare the chains, sign nothing"
                )
        if theirs.expiry:
            _require_density(theirs, time)


def _apart(ours: ExpiryQuote, theirs: ExpiryQuote, time: int, wings: Sequence[float]) -> float:
    moves = [vol_moves(ours, theirs, time, deviations) for deviations in wings]
    return float(np.max(np.abs(moves)))


def _require_density(quote: ExpiryQuote, time: int) -> None:
    smile = Smile(*(x / WAD for x in (quote.a, quote.b, quote.rho, quote.m, quote.sigma)))
    years = max(quote.expiry - time, 1) / YEAR_SECONDS
    bend = (smile.m**2 + smile.sigma**2) ** 0.5
    at_forward = max(smile.a + smile.b * (bend - smile.rho * smile.m), 0.0)
    reach = _JUDGED_DEVIATIONS * (at_forward * years) ** 0.5
    worst = butterfly_violation(smile, years, np.linspace(-reach, reach, _JUDGED_POINTS))
    if worst is not None and worst.g < -_SLACK:
        raise SigningRefused(
            f"expiry {quote.expiry}: the smile has a butterfly at log-moneyness "
            f"{worst.log_moneyness:.4f}, where g is {worst.g:.4f}: sign nothing"
        )
