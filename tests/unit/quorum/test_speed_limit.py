"""Limits of speed: which one a move breaks, and that a small one breaks none."""

from dataclasses import replace

import pytest

from keeper.attestation.typed_data import ExpiryQuote
from keeper.chain.feeds import SpeedLimits
from keeper.errors import SigningRefused
from keeper.quorum.speed_limit import excesses, vol_moves
from keeper.quorum.surface_check import require_agreement
from keeper.units import WAD

TIME = 2_000_000_040
MONTH = TIME + 30 * 86_400
LIMITS = SpeedLimits(3 * WAD // 10, 18 * WAD // 100, 12 * WAD // 10, 9 * WAD // 100)
QUOTE = ExpiryQuote(MONTH, WAD, 0, WAD // 5, 3 * WAD // 10, -WAD // 5, 0, 3 * WAD // 10)


def moved(vol=1.0, ratio=1.0):
    scale = vol * vol
    return replace(
        QUOTE, a=round(QUOTE.a * scale), b=round(QUOTE.b * scale), ratio=round(WAD * ratio)
    )


@pytest.mark.parametrize(
    ("after", "broken"),
    [
        (moved(), []),
        (moved(vol=1.104), []),  # a third of 0.30: exp(0.1) = 1.1052
        (moved(vol=1.107), ["volUp"]),
        (moved(vol=0.943), []),  # a third of 0.18: exp(-0.06) = 0.9418
        (moved(vol=0.940), ["volDown"]),
        (moved(ratio=1.030), []),  # a third of 0.09: exp(0.03) = 1.0305
        (moved(ratio=1.031), ["ratio"]),
        (moved(ratio=0.970), ["ratio"]),
        (moved(vol=1.2, ratio=1.04), ["ratio", "volUp"]),
    ],
)
def test_excesses__moves__limit_named(after, broken):
    assert [item.limit for item in excesses((QUOTE,), (after,), LIMITS, TIME)] == broken


def test_excesses__whole_shock_or_no_past__none():
    assert excesses((QUOTE,), (moved(vol=1.3),), LIMITS, TIME, divisor=1) == ()
    assert excesses((), (moved(vol=3.0),), LIMITS, TIME) == ()


def test_require_agreement__vol_or_ratio_apart__refused():
    require_agreement((moved(vol=1.01, ratio=1.001),), (QUOTE,), TIME)
    with pytest.raises(SigningRefused, match="vol lies"):
        require_agreement((moved(vol=1.05),), (QUOTE,), TIME)
    with pytest.raises(SigningRefused, match="ratio lies"):
        require_agreement((moved(ratio=1.004),), (QUOTE,), TIME)
    with pytest.raises(SigningRefused, match="same live expiries"):
        require_agreement((), (QUOTE,), TIME)


def test_require_agreement__perpetual_far_from_the_own__refused():
    own = ExpiryQuote(0, WAD, 0, 0, 0, 0, 0, 0)
    require_agreement((replace(own, ratio=WAD * 1_005 // 1_000),), (own,), TIME)
    with pytest.raises(SigningRefused, match=r"expiry 0: ratio lies 0\.0198"):
        require_agreement((replace(own, ratio=WAD * 102 // 100),), (own,), TIME)


def test_require_agreement__same_middle_and_other_wing__refused():
    # Within 3 % of QUOTE at the forward and two deviations beside it, three times it at four.
    smile = {
        "a": 0.18239331,
        "b": 5.9355634,
        "rho": 0.94969226,
        "m": 0.30203419,
        "sigma": 0.0166769,
    }
    steep = replace(QUOTE, **{name: round(value * WAD) for name, value in smile.items()})
    assert abs(vol_moves(QUOTE, steep, TIME)).max() < 0.03
    assert vol_moves(QUOTE, steep, TIME, 4.0).max() > 1.0
    with pytest.raises(SigningRefused, match="wing vol lies"):
        require_agreement((steep,), (QUOTE,), TIME)


def test_require_agreement__butterfly_that_both_have__refused():
    kinked = replace(QUOTE, b=5 * WAD, a=-WAD // 3, rho=0, sigma=WAD // 10)
    with pytest.raises(SigningRefused, match="has a butterfly"):
        require_agreement((kinked,), (kinked,), TIME)
    require_agreement((QUOTE,), (QUOTE,), TIME)
