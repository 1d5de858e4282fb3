"""Write keeper/backtest/episode_limits.py: `python -m scripts.derive_episode_limits FILE`.

FILE is an hourly history. A linear margin that is exact over all of it, the 99 % quantile of 24 h
losses over their EWMA volatility, is breached in clusters; in windows of a given length the
clusters are counted, and the 95 % quantile of the counts is what a right model must be allowed.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Final

import numpy as np

from keeper.backtest.episodes import episode_starts
from keeper.cli.model_file import load_model
from keeper.sources.price_files import read_prices
from keeper.units import WAD, BoolArray, FloatArray, IntArray

WINDOW_DAYS: Final = (7, 14, 30, 61, 91, 122, 152, 182, 243, 304, 365, 547, 730)
HORIZON_HOURS: Final = 24
EVERY_HOURS: Final = 6  # as chains are taken
HALF_LIFE_DAYS: Final = 14
BURN_DAYS: Final = 60
SHIFT_DAYS: Final = 7
QUANTILE: Final = 0.95
OUT: Final = Path("keeper/backtest/episode_limits.py")
HOUR: Final = 3_600


def main() -> int:
    """Write the table, with its source."""
    parser = argparse.ArgumentParser(prog="derive_episode_limits", description=__doc__)
    parser.add_argument("prices", type=Path)
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    history = read_prices(arguments.prices).history
    floors = {risk.symbol: risk.sigma_floor / WAD for risk in load_model(None).underlyings}
    floor = np.array([floors[symbol] for symbol in history.symbols]) / 365.0**0.5
    times, ratios = loss_ratios(history.known_at, history.close_usd, floor)
    breached = ratios > np.quantile(ratios, 0.99, axis=0)
    limits = {days: limit(times, breached, days) for days in WINDOW_DAYS}
    arguments.out.write_text(_text(limits, arguments.prices.name), encoding="utf-8")
    return 0


def loss_ratios(
    known_at: IntArray, usd: FloatArray, floor: FloatArray
) -> tuple[IntArray, FloatArray]:
    """Return times [N] and losses over volatility of the long and short book of each coin.

    `known_at` [T] are Unix seconds of hourly prices `usd` [T, coins]; `floor` [coins] is the least
    volatility a day. A window that spans a gap is left out.
    """
    returns = np.diff(np.log(usd), axis=0)
    decay = 0.5 ** (1.0 / (24 * HALF_LIFE_DAYS))
    variance = (returns[: 24 * 30] ** 2).mean(axis=0)
    variances = np.empty_like(returns)
    for row, move in enumerate(returns):
        variance = decay * variance + (1.0 - decay) * move * move
        variances[row] = variance
    last = len(usd) - HORIZON_HOURS
    at = np.arange(24 * BURN_DAYS, last, EVERY_HOURS)
    at = at[known_at[at + HORIZON_HOURS] - known_at[at] == HORIZON_HOURS * HOUR]
    sigma = np.maximum(np.sqrt(24.0 * variances[at - 1]), floor)
    moves = np.log(usd[at + HORIZON_HOURS] / usd[at]) / sigma
    return known_at[at], np.concatenate([-moves, moves], axis=1)


def limit(times: IntArray, breached: BoolArray, days: int) -> int:
    """Return the quantile of the number of episodes in windows of so many days, rounded up."""
    span = days * 24 * HOUR
    counts: list[int] = []
    for start in range(int(times[0]), int(times[-1]) - span + 1, SHIFT_DAYS * 24 * HOUR):
        inside = (times >= start) & (times < start + span)
        for book in breached.T:
            counts.append(len(episode_starts(times[inside & book].tolist())))
    return int(np.quantile(counts, QUANTILE, method="inverted_cdf"))


def _text(limits: dict[int, int], source: str) -> str:
    rows = "\n".join(f"    {days}: {count}," for days, count in limits.items())
    return f'''"""How many episodes a right model may have, by length of the sample.

The 95 % quantile of the number of clusters in which an exactly calibrated linear margin is breached
over 24 hours, in windows of so many days. Written by scripts/derive_episode_limits.py from the
hourly closes of {source}.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import Final

LIMITS: Final = {{
{rows}
}}


def episode_limit(days: float) -> int:
    """Return the limit for a sample of so many days: that of the longest window within it.

    A shorter sample than the shortest window has its limit; beyond the longest it grows in
    proportion.
    """
    windows = list(LIMITS)
    longest = windows[-1]
    if days >= longest:
        return int(LIMITS[longest] * days / longest)
    return LIMITS[windows[max(bisect_right(windows, days + 0.5) - 1, 0)]]
'''


if __name__ == "__main__":
    sys.exit(main())
