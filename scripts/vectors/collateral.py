"""What pledged tokens are worth, by the keeper: micro-dollars, rounded down on both sides alike."""

from __future__ import annotations

import random

from keeper.margin.collateral import token_value_usd6
from keeper.units import WAD
from scripts.vectors.columns import Columns, transposed

CASES = 120
DECIMALS = (6, 8, 18)
LARGEST = (2**128 - 1, 2**64 - 1)
LEAST_HAIRCUT_WAD = WAD // 50


def all_vectors() -> dict[str, Columns]:
    """Return the content of `collateral.json`: as many cases of 6 decimals as of 8 and of 18."""
    draw = random.Random(24)  # noqa: S311 - no secret
    rows = []
    for case in range(CASES):
        decimals = DECIMALS[case % len(DECIMALS)]
        amount, price_e8 = (
            LARGEST
            if case < len(DECIMALS)
            else (draw.getrandbits(draw.randint(1, 128)), _price(draw))
        )
        haircut_wad = draw.choice(
            (LEAST_HAIRCUT_WAD, WAD - 1, draw.randint(LEAST_HAIRCUT_WAD, WAD))
        )
        value_usd6 = token_value_usd6(amount, decimals, price_e8, haircut_wad)
        rows.append(
            {
                "amount": str(amount),
                "decimals": str(decimals),
                "price_e8": str(price_e8),
                "haircut_wad": str(haircut_wad),
                "value_usd6": str(value_usd6),
            }
        )
    return {"collateral": transposed(rows)}


def _price(draw: random.Random) -> int:
    return draw.getrandbits(draw.randint(1, 64))
