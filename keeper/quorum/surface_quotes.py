"""From a fitted surface to the quotes that `MarketFeeds` takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from keeper.attestation.typed_data import ExpiryQuote
from keeper.calibration.expiry_fit import ExpiryFit
from keeper.calibration.surface import Surface
from keeper.errors import InputError, MarketDataError
from keeper.units import WAD, YEAR_SECONDS

PERPETUAL: Final = 0
"""The expiry by which MarketFeeds names it."""

MOST_CHAIN_AGE_SECONDS: Final = 2 * 3_600
"""The life of a quote in MarketFeeds: what is older would be posted as fresh though it is stale."""

# MarketFeeds refuses quotes outside of these bands, both ends included.
BANDS: Final[Mapping[str, tuple[int, int]]] = {
    "ratio": (WAD // 2, 2 * WAD),
    "confidence": (0, WAD),
    "a": (-9 * WAD, 9 * WAD),
    "b": (0, 9 * WAD),
    "rho": (1 - WAD, WAD - 1),
    "m": (-2 * WAD, 2 * WAD),
    "sigma": (WAD // 1_000, 5 * WAD),
}


def spot_usd(surface: Surface, underlying: int) -> float:
    """Return the forward of the nearest expiry, which stands for spot.

    An exchange's index is read at other moments than its forwards, by up to a per cent of price.
    Raises MarketDataError where the surface has no expiry of the underlying.
    """
    fits = [fit for fit in surface.fits if fit.underlying == underlying]
    if not fits:
        raise MarketDataError(f"the surface of {surface.source} has no underlying {underlying}")
    return min(fits, key=lambda fit: fit.expiry).forward_usd


def quotes_of(
    surface: Surface,
    underlying: int,
    expiries: Sequence[int],
    time: int,
    perpetual_ratio_wad: int,
) -> tuple[ExpiryQuote, ...]:
    """Return one quote for each of `expiries`, the live ones of the feed with 0 for the perpetual.

    Options say nothing about the perpetual, so its ratio to spot comes from elsewhere. `time` is
    that of the update: what price may have moved since the chain is part of the confidence.
    Raises MarketDataError for an expiry that the surface lacks or that was not accepted, since
    MarketFeeds takes all or nothing, and for a chain older than a quote lives; InputError outside
    of its bands and for an update older than the chain.
    """
    spot = spot_usd(surface, underlying)
    quotes: list[ExpiryQuote] = []
    for expiry in expiries:
        if expiry == PERPETUAL:
            quotes.append(ExpiryQuote(PERPETUAL, perpetual_ratio_wad, 0, 0, 0, 0, 0, 0))
        else:
            quotes.append(_quote(_accepted(surface, underlying, expiry), spot, time - surface.time))
        _require_bands(quotes[-1])
    return tuple(quotes)


def _accepted(surface: Surface, underlying: int, expiry: int) -> ExpiryFit:
    fit = surface.find(underlying, expiry)
    if fit is None:
        raise MarketDataError(f"expiry {expiry} of {underlying} is live, {surface.source} lacks it")
    if not fit.accepted or fit.smile is None:
        raise MarketDataError(f"expiry {expiry} of {underlying} is not accepted: {fit.reason}")
    return fit


def _quote(fit: ExpiryFit, spot: float, age_seconds: int) -> ExpiryQuote:
    smile = fit.smile
    if smile is None:
        raise MarketDataError(f"expiry {fit.expiry} has no smile")
    if age_seconds < 0:
        raise InputError(
            f"the chain is {-age_seconds} s newer than the update: choose a later time"
        )
    if age_seconds > MOST_CHAIN_AGE_SECONDS:
        raise MarketDataError(
            f"the chain is {age_seconds} s older than the update, at most "
            f"{MOST_CHAIN_AGE_SECONDS} s are published: take a newer chain"
        )
    moved = fit.deviation / fit.years**0.5 * (age_seconds / YEAR_SECONDS) ** 0.5
    confidence = (fit.forward_spread**2 + moved**2) ** 0.5
    return ExpiryQuote(
        expiry=fit.expiry,
        ratio=_wad(fit.forward_usd / spot),
        confidence=_wad(confidence),
        a=_wad(smile.a),
        b=_wad(smile.b),
        rho=_wad(smile.rho),
        m=_wad(smile.m),
        sigma=_wad(smile.sigma),
    )


def _wad(value: float) -> int:
    return round(value * WAD)


def _require_bands(quote: ExpiryQuote) -> None:
    for name, (low, high) in BANDS.items():
        value: int = getattr(quote, name)
        smile = name in ("a", "b", "rho", "m", "sigma")
        if smile and quote.expiry == PERPETUAL:
            continue
        if not low <= value <= high:
            raise InputError(
                f"expiry {quote.expiry}: {name} {value / WAD:.6f} is outside of the band of "
                f"MarketFeeds, {low / WAD:g} to {high / WAD:g}: QuoteOutOfBounds"
            )
