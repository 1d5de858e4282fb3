"""The loop over accounts, legs and scenarios; see `losses` for what it computes.

Serial, and without the interpreter lock: callers split the accounts between threads.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from keeper.pricing.jit import kernel
from keeper.units import IntArray


@kernel
def worst_losses(
    pnl: NDArray[np.signedinteger[Any]],
    listing: NDArray[np.integer[Any]],
    lots: NDArray[np.signedinteger[Any]],
    starts: IntArray,
    loss: IntArray,
    scenario: NDArray[np.uint16],
) -> None:
    """Write the largest loss above zero of each account, and its first scenario.

    Four legs at a time, so that the row of losses passes the cache a quarter as often.
    """
    row = np.empty(pnl.shape[1], np.int64)
    for account in range(starts.size):
        leg = starts[account]
        end = starts[account + 1] if account + 1 < starts.size else lots.size
        row[:] = 0
        while leg + 4 <= end:
            n0, n1 = np.int64(lots[leg]), np.int64(lots[leg + 1])
            n2, n3 = np.int64(lots[leg + 2]), np.int64(lots[leg + 3])
            p0, p1 = pnl[listing[leg]], pnl[listing[leg + 1]]
            p2, p3 = pnl[listing[leg + 2]], pnl[listing[leg + 3]]
            for s in range(row.size):
                row[s] -= (
                    n0 * np.int64(p0[s])
                    + n1 * np.int64(p1[s])
                    + n2 * np.int64(p2[s])
                    + n3 * np.int64(p3[s])
                )
            leg += 4
        while leg < end:
            n0, p0 = np.int64(lots[leg]), pnl[listing[leg]]
            for s in range(row.size):
                row[s] -= n0 * np.int64(p0[s])
            leg += 1
        worst = np.int64(0)
        for s in range(row.size):
            worst = max(worst, row[s])
        first = 0
        if worst > 0:
            while row[first] != worst:
                first += 1
        loss[account] = worst
        scenario[account] = first
