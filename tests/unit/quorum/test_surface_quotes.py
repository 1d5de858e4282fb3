"""What a fit may give is what MarketFeeds takes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from keeper.calibration import svi_fit
from keeper.calibration.expiry_fit import ExpiryFit, Origin, Residuals
from keeper.calibration.surface import Surface
from keeper.errors import InputError, MarketDataError
from keeper.pricing.svi_arbitrage import Smile
from keeper.quorum.surface_quotes import BANDS, quotes_of
from keeper.units import WAD

NOW, EXPIRY = 1_900_000_020, 1_900_086_420
FEEDS = Path(__file__).parents[3] / "contracts" / "src" / "MarketFeeds.sol"


def published(smile, at=NOW):
    fit = ExpiryFit(
        underlying=1, expiry=EXPIRY, years=1 / 365, forward_usd=90_000.0, forward_spread=0.0,
        smile=smile, origin=Origin.FITTED, quoted_at=NOW, strikes=20, quoted_from=-0.1,
        quoted_to=0.1, deviation=0.03, residuals=Residuals(20, 20, 20, 0.1, 0.1),
        repair_points=0.0, accepted=True, reason="",
    )  # fmt: skip
    return quotes_of(Surface("test", NOW, (fit,)), 1, (0, EXPIRY), at, WAD)[1]


# The ends of what the fitter searches; no chain of days has all of them at once.
@pytest.mark.parametrize("a", [svi_fit._LEAST_A, 8.9])
@pytest.mark.parametrize("b", [0.0, svi_fit._MOST_B])
@pytest.mark.parametrize("rho", [-svi_fit._MOST_RHO, svi_fit._MOST_RHO])
@pytest.mark.parametrize("m", [-svi_fit._MOST_M, svi_fit._MOST_M])
@pytest.mark.parametrize("sigma", [svi_fit._LEAST_SIGMA, 4.48])
def test_quotes_of__whatever_the_fitter_may_give__is_inside_the_bands(a, b, rho, m, sigma):
    quote = published(Smile(a, b, rho, m, sigma))
    assert (quote.a, quote.b) == (round(a * WAD), round(b * WAD))


@pytest.mark.parametrize(
    ("smile", "named"),
    [
        (Smile(-9.01, 1.0, 0.0, 0.0, 1.0), "a -9.01"),
        (Smile(0.0, 9.01, 0.0, 0.0, 1.0), "b 9.01"),
    ],
)
def test_quotes_of__beyond_a_band__refused_with_the_band(smile, named):
    with pytest.raises(InputError, match=rf"{named}0000 is outside .* 9: QuoteOutOfBounds"):
        published(smile)


def test_quotes_of__chain_older_than_a_quote_lives__refused():
    life = 2 * 3_600
    smile = Smile(0.01, 0.1, 0.0, 0.0, 1.0)
    aged = published(smile, NOW + life)
    assert published(smile).confidence < aged.confidence
    with pytest.raises(MarketDataError, match="the chain is 7201 s older than the update"):
        published(smile, NOW + life + 1)
    with pytest.raises(InputError, match="the chain is 1 s newer than the update"):
        published(smile, NOW - 1)


@pytest.mark.parametrize("name", ["a", "b", "m"])
def test_bands__are_those_of_the_contract(name):
    low, high = (end * WAD for end in ends_in_the_contract(name))
    assert BANDS[name] == (low, high)


def ends_in_the_contract(name):
    """Lower and upper end of a smile's member as MarketFeeds has them, in units."""
    line = rf"q\.{name} < (-?\d+)(?: \* WAD)? \|\| q\.{name} > (\d+) \* WAD"
    found = re.search(line, FEEDS.read_text("utf-8"))
    assert found is not None
    return int(found[1]), int(found[2])
