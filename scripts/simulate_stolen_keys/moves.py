"""Markets that moved: spots by real hours, marks by what feed signers may sign."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from keeper.margin.scenarios import Model
from keeper.state.snapshot import Snapshot
from keeper.units import WAD, FloatArray, IntArray

_Integer = TypeVar("_Integer", bound=np.integer[Any])

RATIO_BAND = (0.5, 2.0)
"""Hard band of a forward's ratio to spot in MarketFeeds."""


@dataclass(frozen=True, slots=True)
class Window:
    """Returns of the underlyings, by number, over hours that begin at `hour` since 1970."""

    hour: int
    returns: Mapping[int, float]


def windows(
    prices: Mapping[str, tuple[IntArray, FloatArray]], model: Model, hours: int, most: int
) -> list[Window]:
    """Return the `most` windows of that length with the largest moves in scan ranges, one a day.

    A coin that the prices lack stands still.
    """
    risks = {risk.symbol: risk for risk in model.underlyings if risk.symbol in prices}
    moves: dict[int, dict[int, float]] = {}
    for symbol, risk in risks.items():
        hour, price = prices[symbol]
        at = dict(zip(hour.tolist(), price.tolist(), strict=True))
        for begin, first in at.items():
            if last := at.get(begin + hours):
                moves.setdefault(begin, {})[risk.underlying] = last / first - 1.0
    ranges = {risk.underlying: risk.scan_range / WAD for risk in risks.values()}
    size = {h: max(abs(m) / ranges[u] for u, m in row.items()) for h, row in moves.items()}
    chosen: dict[int, int] = {}
    for begin in sorted(size, key=size.__getitem__, reverse=True):
        chosen.setdefault(begin // 24, begin)
        if len(chosen) == most:
            break
    return [Window(begin, moves[begin]) for begin in chosen.values()]


def after(snapshot: Snapshot, window: Window) -> Snapshot:
    """Return the exchange with its spots moved; forwards follow by their ratio, smiles stand."""
    spots = snapshot.underlyings
    factors = [1.0 + window.returns.get(u, 0.0) for u in spots.underlying.tolist()]
    moved = np.rint(spots.spot_e8 * np.array(factors)).astype(spots.spot_e8.dtype)
    return replace(snapshot, underlyings=replace(spots, spot_e8=moved))


def signed(snapshot: Snapshot, model: Model, shocks: int) -> Iterator[tuple[str, Snapshot]]:
    """Yield the exchange with all marks moved by so many whole shocks, each way of ratio and vol.

    A shock of the ratio is one scan range, one of the vols vol_up or vol_down, at every expiry: an
    upper bound, since the limits are narrower for long terms.
    """
    risks = {risk.underlying: risk for risk in model.underlyings}
    curves = snapshot.forwards
    own = [risks[u] for u in curves.underlying.tolist()]
    scan = np.array([risk.scan_range / WAD for risk in own])
    ups = np.array([1.0 + risk.vol_up / WAD for risk in own])
    downs = np.array([1.0 - risk.vol_down / WAD for risk in own])
    for ratio, vol in product((1, 0, -1), (1, 0, -1)):
        if not ratio and not vol:
            continue
        factor = np.clip(1.0 + ratio * shocks * scan, *RATIO_BAND)
        scale = {1: ups, 0: np.ones(len(own)), -1: downs}[vol] ** shocks
        moved = replace(
            curves,
            ratio_wad=_scaled(curves.ratio_wad, factor),
            a=_scaled(curves.a, scale * scale),
            b=_scaled(curves.b, scale),
            m=_scaled(curves.m, scale),
            sigma=_scaled(curves.sigma, scale),
        )
        yield f"ratio {ratio:+d}, vol {vol:+d}", replace(snapshot, forwards=moved)


def _scaled(column: NDArray[_Integer], factor: FloatArray) -> NDArray[_Integer]:
    """Return the column times the factors, stopped at the hard bands of MarketFeeds (9 in wad)."""
    most = 9.0 * WAD
    return np.rint(np.clip(column * factor, -most, most)).astype(column.dtype)
