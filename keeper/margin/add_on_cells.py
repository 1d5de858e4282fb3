"""What a lot of each listing asks of initial margin on top of scenarios: the cells of the add-ons.

All integers but for two derivatives of the price, which are rounded to wad first. Formulas and
reasons: docs/model.md, Add-ons of the initial margin. How they add up: `keeper.margin.add_ons`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import isqrt
from typing import NamedTuple

import numpy as np

from keeper.margin.add_on_rules import AddOnRules
from keeper.margin.market import ListingMarket
from keeper.pricing import black76
from keeper.state.instruments import Kind
from keeper.units import E8, USD6, WAD, YEAR_SECONDS, IntArray, ceil_div

_PER_USD6_LOT = E8 * WAD * WAD // USD6  # from price_e8 * rate_wad a unit, times lot_wad


@dataclass(frozen=True, slots=True, eq=False)
class AddOnsPerLot:
    """Per listing int64 [L], micro-dollars a lot, not negative but for basis.

    Concentration, confidence and depeg are for a lot of either sign, pin for a short one, all
    rounded up. Basis and vega are signed sensitivities of a long lot, rounded to nearest; they net
    within a `term`, the key of (underlying, expiry).
    """

    concentration_usd6: IntArray
    basis_usd6: IntArray
    vega_usd6: IntArray
    confidence_usd6: IntArray
    depeg_usd6: IntArray
    pin_usd6: IntArray
    term: IntArray

    def largest_usd6(self) -> IntArray:
        """Return a bound [L] on what all add-ons together ask for one lot."""
        netted = np.abs(self.basis_usd6) + self.vega_usd6
        return self.either_side_usd6() + self.pin_usd6 + netted

    def either_side_usd6(self) -> IntArray:
        """Return what a lot adds whichever side it is held on [L]: rates, without pin."""
        return self.concentration_usd6 + self.confidence_usd6 + self.depeg_usd6


def add_ons_per_lot(
    market: ListingMarket, rules: AddOnRules, settlement_price_e8: int | None
) -> AddOnsPerLot:
    """Return the cells of every listing; all zero where it has no price or is settled.

    `settlement_price_e8` is the price of the settlement coin, None on a chain that publishes none:
    there the coin is the unit of account and nothing is charged for it.
    """
    depeg = depeg_wad(settlement_price_e8, rules)
    rows = [_cells(row, rules, depeg) for row in _rows(market)]
    columns = np.array(rows, dtype=np.int64).reshape(len(rows), 6).T.copy()
    concentration, basis, vega, confidence, of_depeg, pin = columns
    return AddOnsPerLot(
        concentration_usd6=concentration,
        basis_usd6=basis,
        vega_usd6=vega,
        confidence_usd6=confidence,
        depeg_usd6=of_depeg,
        pin_usd6=pin,
        term=market.underlying.astype(np.int64) << 40 | market.expiry,
    )


class Row(NamedTuple):
    """One listing: prices 1e-8 USD; `delta_wad` per unit of forward, `vega_wad` per whole vol."""

    kind: int
    settled: bool
    spot_e8: int
    reference_e8: int
    strike_e8: int
    lot_wad: int
    seconds: int
    open_interest: int
    confidence_wad: int
    delta_wad: int
    vega_wad: int

    def priced_at_spot(self, rate_wad: int) -> int:
        """Return `rate` of the spot of a lot, micro-dollars, rounded up."""
        if rate_wad == 0:  # as most are
            return 0
        return ceil_div(self.spot_e8 * rate_wad * self.lot_wad, _PER_USD6_LOT)

    def priced_at_forward(self, rate_wad: int, sensitivity_wad: int) -> int:
        """Return `rate` of the forward times a sensitivity, micro-dollars a lot, to nearest.

        Half goes away from zero, so that a lot and its opposite have opposite cells.
        """
        amount = abs(sensitivity_wad) * self.reference_e8 * rate_wad * self.lot_wad
        size = (2 * amount + _PER_USD6_LOT * WAD) // (2 * _PER_USD6_LOT * WAD)
        return size if sensitivity_wad >= 0 else -size


def _rows(market: ListingMarket) -> Iterator[Row]:
    delta, vega = _sensitivities(market)
    columns = (
        market.kind,
        market.settled,
        market.spot_e8,
        market.reference_e8,
        market.strike_e8,
        market.lot_wad,
        market.seconds,
        market.open_interest,
        market.confidence_wad,
        delta,
        vega,
    )
    return map(Row._make, zip(*(column.tolist() for column in columns), strict=True))


def _sensitivities(market: ListingMarket) -> tuple[IntArray, IntArray]:
    """Return delta and `vega * vol / forward` of each listing, wad: the float zone ends here.

    The second is what a unit gains where its vol doubles, to first order, as a share of the
    forward: `sqrt(w) phi(d1)` of total variance w, and at most 1, as no option is worth more.
    """
    forward, strike = market.reference_e8 / E8, market.strike_e8 / E8
    vol, years = np.sqrt(market.variance), market.seconds / float(YEAR_SECONDS)
    greeks = black76.price_and_greeks(forward, strike, vol, years, market.is_call)
    delta = np.where(market.is_option, greeks.delta, 1.0) * market.moving
    per_forward = greeks.vega * vol / np.where(forward > 0.0, forward, 1.0)
    vega = np.where(market.is_option & (forward > 0.0), np.minimum(per_forward, 1.0), 0.0)
    return np.rint(delta * WAD).astype(np.int64), np.rint(vega * WAD).astype(np.int64)


def _cells(row: Row, rules: AddOnRules, depeg: int) -> tuple[int, int, int, int, int, int]:
    """Return concentration, basis, vega, confidence, depeg and pin of a lot."""
    if row.settled or row.reference_e8 == 0:
        return 0, 0, 0, 0, 0, 0
    unsure = max(row.confidence_wad - rules.confidence_threshold, 0)
    return (
        row.priced_at_spot(concentration_wad(row, rules)),
        row.priced_at_forward(basis_wad(row, rules), row.delta_wad),
        row.priced_at_forward(rules.vega, row.vega_wad),
        row.priced_at_spot(ceil_div(unsure * rules.confidence_factor, WAD)),
        row.priced_at_spot(depeg),
        row.priced_at_spot(pin_wad(row, rules)),
    )


def concentration_wad(row: Row, rules: AddOnRules) -> int:
    """Return the half-spread, times the square root of how thin the listing's market is."""
    far = row.seconds > rules.liquidity_term_seconds
    half_spread = rules.liquidity_far if far else rules.liquidity_near
    open_usd6 = row.open_interest * row.priced_at_spot(WAD)
    if open_usd6 == 0:
        thinness = rules.concentration_most
    else:
        root = isqrt(rules.concentration_depth_usd * USD6 * WAD * WAD // open_usd6)
        thinness = min(max(root, WAD), rules.concentration_most)
    return ceil_div(half_spread * thinness, WAD)


def basis_wad(row: Row, rules: AddOnRules) -> int:
    """Return the share of the forward by which it may move against spot; none for SPOT itself."""
    if row.kind == Kind.SPOT:
        return 0
    if row.kind == Kind.PERPETUAL:
        return rules.basis_perpetual
    seconds = min(row.seconds, rules.basis_longest_seconds)
    if seconds == 0:
        return 0
    root_years = isqrt(seconds * WAD * WAD // YEAR_SECONDS) + 1
    return ceil_div(rules.basis * root_years, WAD)


def depeg_wad(settlement_price_e8: int | None, rules: AddOnRules) -> int:
    """Return the share of spot asked for a settlement coin below its threshold."""
    if settlement_price_e8 is None:
        return 0
    missing = max(rules.depeg_threshold - settlement_price_e8 * (WAD // E8), 0)
    return ceil_div(missing * rules.depeg_factor, WAD)


def pin_wad(row: Row, rules: AddOnRules) -> int:
    """Return the share of spot for a short option that may settle on either side of its strike.

    Whole at expiry at the strike; falls in a straight line with time and with distance.
    """
    left = rules.pin_seconds - row.seconds
    if row.kind < Kind.CALL or left <= 0:
        return 0
    width_e26 = rules.pin_width * row.reference_e8
    near_e26 = max(width_e26 - abs(row.strike_e8 - row.reference_e8) * WAD, 0)
    return ceil_div(rules.pin * left * near_e26, rules.pin_seconds * width_e26)
