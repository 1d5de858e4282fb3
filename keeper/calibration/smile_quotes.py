"""The quotes of one expiry that a smile is fitted to: out of the money, in vols."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from keeper.calibration.implied_vol import implied_vol
from keeper.state.option_chain import OptionChain
from keeper.units import E8, YEAR_SECONDS, BoolArray, FloatArray

# docs/calibration.md: a quote is liquid up to this spread, the greater of vol and a share of it.
LIQUID_SPREAD: Final = 0.05
LIQUID_SHARE: Final = 0.10

# A narrower market than a vol point says no more, and one without both sides little.
_NARROWEST: Final = 0.01
_ONE_SIDED: Final = 0.5
# Far wings have wide markets and no vega; beyond six deviations nothing is left of either.
_WING_DEVIATIONS: Final = 3.5
_FARTHEST_DEVIATIONS: Final = 6.0


@dataclass(frozen=True, slots=True, eq=False)
class SmileQuotes:
    """Quotes out of the money [N], ascending in log-moneyness `k` = ln(K / F).

    `bid_vol` and `ask_vol` are NaN where there is no quote; `target` is what is fitted, the mid
    where it is liquid and else the exchange's own vol, NaN where there is neither; `weight` is 0
    where the fit ignores it. `forward_spread` is how far the forward of a row lies from their
    median at most, as a share. `deviation` is the vol at the money times the root of time, NaN
    without any target.
    """

    underlying: int
    expiry: int
    years: float
    forward_usd: float
    forward_spread: float
    k: FloatArray
    bid_vol: FloatArray
    ask_vol: FloatArray
    mark_vol: FloatArray
    target: FloatArray
    weight: FloatArray
    deviation: float

    @property
    def two_sided(self) -> BoolArray:
        """Where both sides have a vol, [N]."""
        return np.isfinite(self.bid_vol) & np.isfinite(self.ask_vol)

    @property
    def mid(self) -> FloatArray:
        """Middle of the two vols, NaN unless two-sided, [N]."""
        return 0.5 * (self.bid_vol + self.ask_vol)

    @property
    def liquid(self) -> BoolArray:
        """Where both sides have a vol and the spread is narrow, [N]."""
        return _liquid(self.bid_vol, self.ask_vol, self.mark_vol)

    @property
    def used(self) -> BoolArray:
        """Where the fit looks, [N]."""
        return self.weight > 0

    def quoted_range(self) -> tuple[float, float] | None:
        """Return the lowest and highest log-moneyness with both sides quoted, if any."""
        k = self.k[self.two_sided]
        return (float(k[0]), float(k[-1])) if len(k) else None


def smile_quotes(chain: OptionChain, underlying: int, expiry: int) -> SmileQuotes:
    """Return the quotes of one expiry that is in the chain.

    The forward is the median of its rows, which were read at different moments. Prices in coins
    are shares of the forward, so vols need no other price of the underlying.
    """
    chain = chain.take((chain.underlying == underlying) & (chain.expiry == expiry))
    forward = float(np.median(chain.forward_usd))
    spread = float(np.max(np.abs(chain.forward_usd / forward - 1.0)))
    years = (expiry - chain.time) / YEAR_SECONDS
    strike = chain.strike_e8 / E8
    chain = chain.take(chain.is_call == (strike >= forward))
    moneyness = chain.strike_e8 / E8 / forward
    k = np.log(moneyness)

    def vol(price: FloatArray) -> FloatArray:
        ones = np.ones(len(price))
        return implied_vol(price, ones, moneyness, years * ones, chain.is_call)

    bid, ask, mark = vol(chain.bid_coin), vol(chain.ask_coin), chain.iv
    target = np.where(_liquid(bid, ask, mark), 0.5 * (bid + ask), mark)
    known = np.isfinite(target)
    deviation = np.nan
    if known.any():
        deviation = float(np.interp(0.0, k[known], target[known]) * np.sqrt(years))
    return SmileQuotes(
        underlying=underlying,
        expiry=expiry,
        years=years,
        forward_usd=forward,
        forward_spread=spread,
        k=k,
        bid_vol=bid,
        ask_vol=ask,
        mark_vol=mark,
        target=target,
        weight=_weights(k / deviation, ask - bid, known),
        deviation=deviation,
    )


def _liquid(bid: FloatArray, ask: FloatArray, mark: FloatArray) -> BoolArray:
    level = np.where(np.isfinite(mark), mark, 0.5 * (bid + ask))
    return (ask - bid) <= np.maximum(LIQUID_SPREAD, LIQUID_SHARE * level)


def _weights(deviations: FloatArray, spread: FloatArray, known: BoolArray) -> FloatArray:
    """Return weights up to 1: inverse spreads, less in the wings, 0 where nothing is known."""
    width = np.where(np.isnan(spread), _ONE_SIDED, np.maximum(spread, _NARROWEST))
    weight = np.exp(-0.25 * (deviations / _WING_DEVIATIONS) ** 2) / width
    weight = np.where(known & (np.abs(deviations) < _FARTHEST_DEVIATIONS), weight, 0.0)
    largest = np.max(weight, initial=0.0)
    return weight / largest if largest > 0 else weight
