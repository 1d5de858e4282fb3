"""Surfaces as text and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

from keeper.attestation.typed_data import ExpiryQuote
from keeper.calibration.expiry_fit import ExpiryFit, vols
from keeper.calibration.parity import Parity
from keeper.calibration.surface import Surface
from keeper.cli.options import plain
from keeper.pricing.svi_arbitrage import Smile
from keeper.sources.finding import Finding
from keeper.units import WAD, YEAR_SECONDS

_HEADER = (
    "expiry              days   forward      ATM   a        b       rho     m       sigma   "
    "liquid  inside     RMS  state"
)


_PARITY_HEADER = (
    "put-call parity     pairs     forward  of quoted   spread   discount      rate   error"
)


def fit_text(
    surface: Surface,
    parities: Sequence[Parity],
    findings: Sequence[Finding],
    symbols: Mapping[int, str],
) -> str:
    """Return a table of the fits, what was done to them, what parity says, and what the file had
    wrong.
    """
    lines = [f"{surface.source}, {_day(surface.time)}", _HEADER]
    lines += [_fit_line(fit, symbols) for fit in surface.fits]
    lines.append(_PARITY_HEADER)
    lines += [
        _parity_line(found, fit.forward_usd, symbols)
        for found, fit in zip(parities, surface.fits, strict=True)
    ]
    lines += [
        f"{symbols[fit.underlying]} {_day(fit.expiry)}: {fit.reason}"
        for fit in surface.fits
        if fit.reason
    ]
    lines += [finding.text() for finding in findings]
    return "\n".join(lines)


def fit_document(
    surface: Surface,
    parities: Sequence[Parity],
    findings: Sequence[Finding],
    symbols: Mapping[int, str],
) -> dict[str, Any]:
    """Return the same for machines; NaN is null."""
    fits = [
        {"symbol": symbols[fit.underlying], **plain(fit), "atm_vol": _atm(fit.smile)}
        for fit in surface.fits
    ]
    document = {
        "source": surface.source,
        "time": surface.time,
        "fits": fits,
        "parity": [{"symbol": symbols[found.underlying], **plain(found)} for found in parities],
        "findings": [
            {
                "file": finding.file,
                "fault": finding.fault.name,
                "rows": list(finding.rows),
                "text": finding.text(),
            }
            for finding in findings
        ],
    }
    return _without_nan(document)


def quotes_text(quotes: Sequence[ExpiryQuote], time: int) -> str:
    """Return published quotes as a table; `carry` is what a forward is above spot, a year."""
    lines = [
        f"block time {_day(time)}",
        "expiry              ratio     carry    confidence  ATM    smile",
    ]
    for quote in quotes:
        a, b, rho, m, sigma = (x / WAD for x in (quote.a, quote.b, quote.rho, quote.m, quote.sigma))
        name = "perpetual" if quote.expiry == 0 else _day(quote.expiry)
        smile = "" if quote.expiry == 0 else f"{a:.4f} {b:.4f} {rho:+.4f} {m:+.4f} {sigma:.4f}"
        atm = None if quote.expiry == 0 else _atm(Smile(a, b, rho, m, sigma))
        lines.append(
            f"{name:18}  {quote.ratio / WAD:.6f}  {_carry(quote, time):7}  "
            f"{quote.confidence / WAD:.6f}    "
            f"{'' if atm is None else f'{atm:.1%}':6} {smile}"
        )
    return "\n".join(lines)


def _fit_line(fit: ExpiryFit, symbols: Mapping[int, str]) -> str:
    smile, atm = fit.smile, _atm(fit.smile)
    numbers = " " * 39
    if smile is not None:
        numbers = f"{smile.a:+.4f} {smile.b:7.4f} {smile.rho:+.4f} {smile.m:+.4f} {smile.sigma:.4f}"
    share = fit.residuals.inside / max(fit.residuals.two_sided, 1)
    state = fit.origin.name.lower() if fit.accepted else "REFUSED"
    return (
        f"{symbols[fit.underlying]:4}{_day(fit.expiry):16} {fit.years * 365:6.1f} "
        f"{fit.forward_usd:10,.2f} {'' if atm is None else f'{atm:.1%}':>7}  {numbers} "
        f"{fit.residuals.liquid:6} {share:7.0%} {fit.residuals.rms_points:7.2f}  {state}"
    )


def _parity_line(found: Parity, quoted_usd: float, symbols: Mapping[int, str]) -> str:
    name = f"{symbols[found.underlying]:4}{_day(found.expiry):16}{found.pairs:5}"
    if not found.accepted:
        return f"{name}  refused: {found.reason}"
    beyond = 1e4 * (found.forward_usd / quoted_usd - 1.0)
    return (
        f"{name} {found.forward_usd:11,.2f} {beyond:+7.1f} bp {1e4 * found.forward_spread:5.1f} bp "
        f"{found.discount:9.6f} {found.rate:+8.2%}  {found.rate_error:6.2%}"
    )


def _carry(quote: ExpiryQuote, time: int) -> str:
    """Return ln of the forward over spot, a year, in percent; none for what does not expire."""
    if quote.expiry <= time:
        return ""
    return f"{np.log(quote.ratio / WAD) * YEAR_SECONDS / (quote.expiry - time):+.2%}"


def _atm(smile: Smile | None) -> float | None:
    return None if smile is None else float(vols(smile, np.zeros(1))[0])


def _day(time: int) -> str:
    return datetime.fromtimestamp(time, tz=UTC).strftime("%Y-%m-%d %H:%M")


def _without_nan(value: Any) -> Any:  # noqa: ANN401 - anything that JSON has
    if isinstance(value, float) and not np.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_nan(item) for item in value]
    return value
