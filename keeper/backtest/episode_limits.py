"""How many episodes a right model may have, by length of the sample.

The 95 % quantile of the number of clusters in which an exactly calibrated linear margin is breached
over 24 hours, in windows of so many days. Written by scripts/derive_episode_limits.py from the
hourly closes of btc_eth_1h_2022_2025.csv.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import Final

LIMITS: Final = {
    7: 1,
    14: 1,
    30: 2,
    61: 3,
    91: 4,
    122: 4,
    152: 5,
    182: 6,
    243: 7,
    304: 8,
    365: 10,
    547: 14,
    730: 15,
}


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
