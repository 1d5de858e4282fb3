"""The scan rule of docs/model.md and its path a second time, in mpmath, without any rounding."""

from __future__ import annotations

from collections.abc import Sequence

import mpmath as mp

from keeper.margin.volatility import ScanRule, ScanSigmas
from keeper.units import wad

mp.mp.dps = 50

RULE = ScanRule(
    kappa_wad=wad("2.6"),
    decay_wad=wad("0.977159968434245955"),
    stress_weight_wad=wad("0.25"),
    winsor_wad=wad("0.50"),
    cap_wad=wad("0.40"),
    rise_wad=wad("1.15"),
    fall_wad=wad("0.95"),
)
BTC = ScanSigmas(sigma_floor_wad=wad("0.40"), sigma_stress_wad=wad("0.90"))
ETH = ScanSigmas(sigma_floor_wad=wad("0.55"), sigma_stress_wad=wad("1.15"))


def exact_path(prices: Sequence[int], rule: ScanRule, sigmas: ScanSigmas) -> list[mp.mpf]:
    """The range after each price as a fraction; nothing of keeper's arithmetic is called."""

    def number(wad_units: int) -> mp.mpf:
        return mp.mpf(wad_units) / 10**18

    decay, weight = number(rule.decay_wad), number(rule.stress_weight_wad)
    floor = number(sigmas.sigma_floor_wad) / mp.sqrt(365)
    stress = number(sigmas.sigma_stress_wad) / mp.sqrt(365)
    path: list[mp.mpf] = []
    variance = stress**2
    for day, price in enumerate(prices):
        if day:
            change = abs(mp.mpf(price) / prices[day - 1] - 1)
            variance = decay * variance + (1 - decay) * min(change, number(rule.winsor_wad)) ** 2
        sigma = max(mp.sqrt(variance), floor)
        target = number(rule.kappa_wad) * ((1 - weight) * sigma + weight * stress)
        target = min(target, number(rule.cap_wad))
        if path:
            target = min(target, path[-1] * number(rule.rise_wad))
            target = max(target, path[-1] * number(rule.fall_wad))
        path.append(target)
    return path
