"""Scenario rows as shocks: what each does to an underlying and to a term, strikes left aside.

Listings of one underlying and one time to expiry share everything but their strike, so this is
computed once a term. Formulas: docs/model.md, Scenarios.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from keeper.errors import InputError
from keeper.margin.market import ListingMarket
from keeper.margin.scenarios import Model, Scenario, UnderlyingRisk
from keeper.pricing.exp import exp
from keeper.pricing.log import log
from keeper.state.instruments import Kind
from keeper.units import BPS, WAD, YEAR_SECONDS, BoolArray, FloatArray, IntArray

DAY: Final = 86_400.0
MOVE_LIMITS: Final = (-0.9, 5.0)
VOL_TENOR_SECONDS: Final = 30.0 * DAY
SHORTEST_SECONDS: Final = 0.8 * DAY
SLOW_EXPONENT: Final = 0.2
LN_30: Final = 3.4011973816621555
STEEPEST: Final = 3.0  # of sqrt(30 d / t), where skew and curvature grow no more
FRONT_SECONDS: Final = (5.0 * DAY, 3.0 * DAY)  # begins below the first, full after the second
ROLL_SECONDS: Final = (30.0 * 3600, 6.0 * 3600)  # likewise
CARRY: Final = 0.1  # how much farther a forward of a year or more moves where legs roll


@dataclass(frozen=True, slots=True, eq=False)
class Shocks:
    """Shocks by term and scenario, float64 [G, S]; `term` int64 [L] is each listing's row.

    `move` is relative: of a term's forward, and of spot for what never expires. `years` is the time
    left after the clock has moved; `shift` is the change of ln vol at the forward, to which a
    strike adds `skew` times its standardised moneyness and `curvature` times the size of that.
    `weight` [S] is a fraction.
    """

    term: IntArray
    move: FloatArray
    years: FloatArray
    shift: FloatArray
    skew: FloatArray
    curvature: FloatArray
    weight: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Terms:
    """Distinct (underlying, time to expiry), columns [G, 1], so that they broadcast over [S]."""

    underlying: IntArray
    expires: BoolArray
    seconds: FloatArray
    scan_range: FloatArray
    vol_up: FloatArray
    vol_down: FloatArray


def shocks(market: ListingMarket, model: Model) -> Shocks:
    """Return what every scenario does to every term of `market`.

    Raises InputError for an underlying that the model lacks.
    """
    terms, term = terms_of(market, risks_of(market, model))
    rows = model.scenarios
    left = np.maximum(terms.seconds - _column(rows, "clock_seconds"), 0.0)
    tenor = VOL_TENOR_SECONDS / np.maximum(left, SHORTEST_SECONDS)
    root = np.sqrt(tenor)
    steepness = np.minimum(root, STEEPEST)
    return Shocks(
        term=term,
        move=_move(terms, rows),
        years=left / float(YEAR_SECONDS),
        shift=_shift(terms, rows, root, log(tenor)),
        skew=_fraction(rows, "skew_bps") * steepness,
        curvature=_fraction(rows, "curvature_bps") * steepness,
        weight=_fraction(rows, "weight_bps"),
    )


def risks_of(market: ListingMarket, model: Model) -> dict[int, UnderlyingRisk]:
    """Return the model's parameters by underlying; raise InputError where one is lacking."""
    risks = {risk.underlying: risk for risk in model.underlyings}
    listed: list[int] = market.underlying.tolist()
    if missing := sorted(set(listed) - risks.keys()):
        raise InputError(f"the model lacks underlyings {missing}, which are listed: add them")
    return risks


def _move(terms: Terms, rows: Sequence[Scenario]) -> FloatArray:
    """Return the relative move of prices; in rows that roll legs carry, or are held back."""
    spot = _aimed(terms, rows, "spot_bps")
    years = np.minimum(terms.seconds / float(YEAR_SECONDS), 1.0)
    rolls = np.array([row.rolls for row in rows], dtype=np.bool_) & terms.expires
    reach = np.where(rolls, 1.0 + CARRY * np.sqrt(years), 1.0)
    move = clamp((spot * terms.scan_range) * reach, *MOVE_LIMITS)
    begin, span = ROLL_SECONDS
    held = clamp((begin - terms.seconds) / span, 0.0, 1.0)
    return np.where(rolls, move * (1.0 - held), move)


def _shift(
    terms: Terms, rows: Sequence[Scenario], root: FloatArray, log_tenor: FloatArray
) -> FloatArray:
    """Return the change of ln vol at the forward: parallel, flat, front and twist, in this order.

    `root` is sqrt(30 d / t) and `log_tenor` ln(30 d / t), [G, S].
    """
    vol, flat = _aimed(terms, rows, "vol_bps"), _fraction(rows, "flat_bps")
    slow = exp(SLOW_EXPONENT * log_tenor)
    begin, span = FRONT_SECONDS
    near = clamp((begin - terms.seconds) / span, 0.0, 1.0)
    place = clamp(-log_tenor / LN_30, -1.0, 1.0)
    leverage = np.where(place < 0.0, place * (slow * slow), place)
    parallel = vol * _level(terms, vol) * root
    slowly = flat * _level(terms, flat) * slow
    fronts = _fraction(rows, "front_bps") * near
    twist = _fraction(rows, "twist_bps") * leverage
    return ((parallel + slowly) + fronts) - twist


def _aimed(terms: Terms, rows: Sequence[Scenario], name: str) -> FloatArray:
    """Return column `name` where the row is for the underlying, the others' elsewhere, [G, S]."""
    focus = np.array([row.focus for row in rows], dtype=np.int64)
    meant = (focus == 0) | (focus == terms.underlying)
    return np.where(meant, _fraction(rows, name), _fraction(rows, f"others_{name}"))


def _level(terms: Terms, share: FloatArray) -> FloatArray:
    """Return vol_up where vol rises, else vol_down."""
    return np.where(share > 0.0, terms.vol_up, terms.vol_down)


def _column(rows: Sequence[Scenario], name: str) -> FloatArray:
    return np.array([getattr(row, name) for row in rows], dtype=np.float64)


def _fraction(rows: Sequence[Scenario], name: str) -> FloatArray:
    return _column(rows, name) / BPS


def clamp(x: FloatArray, low: float, high: float) -> FloatArray:
    """Return `x` within [low, high]."""
    return np.minimum(np.maximum(x, low), high)


def terms_of(market: ListingMarket, risks: dict[int, UnderlyingRisk]) -> tuple[Terms, IntArray]:
    """Return the distinct terms and the term of each listing.

    An unpriced listing has no scan range, which makes it a term of its own.
    """
    keys = (
        market.underlying.astype(np.int64),
        (market.kind >= Kind.FUTURE).astype(np.int64),
        market.seconds,
        market.scan_range_wad,
    )
    distinct, term = np.unique(np.stack(keys, axis=1), axis=0, return_inverse=True)
    underlying, expires, seconds, scan_range = (distinct[:, [column]] for column in range(4))
    numbers: list[int] = underlying[:, 0].tolist()

    def of_risk(name: str) -> FloatArray:
        return np.array([[getattr(risks[n], name) / WAD] for n in numbers]).reshape(-1, 1)

    return (
        Terms(
            underlying=underlying,
            expires=expires == 1,
            seconds=seconds.astype(np.float64),
            scan_range=scan_range / WAD,
            vol_up=of_risk("vol_up"),
            vol_down=of_risk("vol_down"),
        ),
        term.reshape(-1),
    )
