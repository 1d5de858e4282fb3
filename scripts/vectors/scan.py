"""Scan ranges of random daily prices under random rules and the committed one, by the keeper.

Both sides compute in integers that round down at the same places, so every word must be equal.
"""

from __future__ import annotations

import random

from keeper.chain.engine import scan_words
from keeper.chain.model_file import read_model
from keeper.margin.volatility import (
    SCAN_RULE_LIMITS,
    SCAN_SIGMA_LIMITS,
    ScanRule,
    ScanSigmas,
    scan_range,
)
from scripts.vectors.columns import Columns
from scripts.vectors.model import MODEL

CASES = 40
LARGEST_PRICE_E8 = 2**60 - 1


def all_vectors() -> dict[str, Columns]:
    """Return the content of `scan_range.json`: rules flat, seven words each, a row of prices."""
    model, draw = read_model(MODEL), random.Random(20)  # noqa: S311 - no secret
    rules, sigmas, prices, ranges = [], [], [], []
    for case in range(CASES):
        rule = model.scan if case % 2 == 0 else _any_rule(draw)
        leaning = model.scan_sigmas()[1 + case % 4 // 2] if case % 2 == 0 else _any_sigmas(draw)
        path = _path(draw, case)
        rules.append([str(word) for word in scan_words(rule)])
        sigmas.append([str(leaning.sigma_floor_wad), str(leaning.sigma_stress_wad)])
        prices.append([str(price) for price in path])
        ranges.append(str(scan_range(path, rule, leaning)))
    columns = {"rule": rules, "sigmas": sigmas, "price_e8": prices, "scan_range_wad": ranges}
    return {"scan_range": columns}  # pyright: ignore[reportReturnType] - rows of rows


def _any_rule(draw: random.Random) -> ScanRule:
    words = {f"{n}_wad": draw.randint(low, high) for n, (low, high) in SCAN_RULE_LIMITS.items()}
    return ScanRule(**words)


def _any_sigmas(draw: random.Random) -> ScanSigmas:
    words = {f"{n}_wad": draw.randint(low, high) for n, (low, high) in SCAN_SIGMA_LIMITS.items()}
    return ScanSigmas(**words)


def _path(draw: random.Random, case: int) -> list[int]:
    """Calm, wild and absurd prices; from one day to a whole ring."""
    days = (1, 2, 30, 64, 128)[case % 5]
    if case % 7 == 6:
        return [draw.choice((1, LARGEST_PRICE_E8, draw.randint(1, 10**13))) for _ in range(days)]
    price, path = draw.randint(10**8, 10**13), list[int]()
    for _ in range(days):
        price = min(max(1, price * draw.randint(7_000, 13_500) // 10_000), LARGEST_PRICE_E8)
        path.append(price)
    return path
