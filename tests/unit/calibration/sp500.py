"""The returns behind the figures that the arch package publishes: S&P 500, 1999 to 2018."""

from __future__ import annotations

from functools import cache

import numpy as np


@cache
def sp500_percent():
    """Daily simple returns in percent, (5030,), in the order of their days."""
    import arch.data.sp500  # slow to import: for the tests that need it alone

    prices = arch.data.sp500.load()["Adj Close"].to_numpy()
    returns = 100 * (prices[1:] / prices[:-1] - 1)
    returns.setflags(write=False)
    assert returns.shape == (5030,)
    assert np.all(np.isfinite(returns))
    return returns
