"""Whether a co-signer's own quotes bear out a proposed update."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from keeper.attestation.typed_data import ExpiryQuote
from keeper.errors import SigningRefused
from keeper.quorum.speed_limit import vol_moves
from keeper.units import WAD


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far two honest fits of one moment may lie apart, in logarithms."""

    ratio: float = 0.002
    vol: float = 0.03
    confidence: float = 0.005


TOLERANCE: Final = Tolerance()


def require_agreement(
    proposed: Sequence[ExpiryQuote],
    own: Sequence[ExpiryQuote],
    time: int,
    tolerance: Tolerance = TOLERANCE,
) -> None:
    """Raise SigningRefused, naming expiry and field, where `proposed` is not what `own` says.

    Vols are compared at the forward and two deviations to either side, as the speed limits do.
    """
    if [quote.expiry for quote in proposed] != [quote.expiry for quote in own]:
        raise SigningRefused(
            f"the update quotes expiries {[q.expiry for q in proposed]}, here are "
            f"{[q.expiry for q in own]}: read the same live expiries"
        )
    for theirs, ours in zip(proposed, own, strict=True):
        found = {
            "ratio": (abs(float(np.log(theirs.ratio / ours.ratio))), tolerance.ratio),
            "confidence": (abs(theirs.confidence - ours.confidence) / WAD, tolerance.confidence),
        }
        if theirs.expiry:
            found["vol"] = (float(np.max(np.abs(vol_moves(ours, theirs, time)))), tolerance.vol)
        for name, (apart, allowed) in found.items():
            if not apart <= allowed:
                raise SigningRefused(
                    f"expiry {theirs.expiry}: {name} lies {apart:.4f} from the own fit, "
                    f"the tolerance is {allowed}: compare the chains, sign nothing"
                )
