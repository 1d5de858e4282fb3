"""Raw rows of quotes made into an `OptionChain`: what is sound is used, the rest reported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np

from keeper.pricing import black76
from keeper.sources.finding import Fault, Finding, Findings
from keeper.sources.option_names import OptionName, parse_option
from keeper.state.option_chain import OptionChain
from keeper.units import E8, YEAR_SECONDS, BoolArray, FloatArray, IntArray

UNDERLYINGS: Final[Mapping[str, int]] = {"BTC": 1, "ETH": 2}
"""Tickers of the shipped model."""

# Forwards of one expiry, read within a minute, differ by 44 bp at most in three months of chains.
FARTHEST_FORWARD: Final = 0.05
# Of two expiries 5 % at most; a contango of half a price a year makes 30 % in seven months.
FARTHEST_EXPIRY: Final = 0.3
# Marks lie at most 0.5 % of the forward from their own vols; no forward is farther from its median.
FARTHEST_MARK: Final = FARTHEST_FORWARD
MOST_INTEREST: Final = 1e9  # coins: no option has as many, and as lots they fit their field
# What marks are clamped to, docs/model.md.
LOWEST_VOL: Final = 0.01
HIGHEST_VOL: Final = 5.0


class ReadChain(NamedTuple):
    """A chain and what was found wrong with it; no chain where nothing could be used."""

    chain: OptionChain | None
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, eq=False)
class RawQuotes:
    """Rows [Q] as they came, each number float64, NaN where there is none.

    `rows` are where they stand in the file or answer; units as in `OptionChain`.
    """

    names: list[str]
    rows: IntArray
    forward_usd: FloatArray
    index_usd: FloatArray
    mark_coin: FloatArray
    iv: FloatArray
    bid_coin: FloatArray
    ask_coin: FloatArray
    open_interest: FloatArray

    def take(self, at: IntArray) -> RawQuotes:
        """Return the rows at these positions, in this order."""
        columns = {name: getattr(self, name)[at] for name in ("rows", *NUMBERS)}
        return RawQuotes([self.names[n] for n in at.tolist()], **columns)


NUMBERS: Final = (
    "forward_usd",
    "index_usd",
    "mark_coin",
    "iv",
    "bid_coin",
    "ask_coin",
    "open_interest",
)


@dataclass(frozen=True, slots=True, eq=False)
class _Terms:
    """What the names of the rows [Q] say."""

    underlying: IntArray
    expiry: IntArray
    strike_e8: IntArray
    is_call: BoolArray

    def take(self, at: IntArray) -> _Terms:
        return _Terms(self.underlying[at], self.expiry[at], self.strike_e8[at], self.is_call[at])


def sound_chain(
    source: str, time: int, raw: RawQuotes, underlyings: Mapping[str, int], findings: Findings
) -> ReadChain:
    """Return the chain of what is sound in `raw`, with all findings so far.

    `underlyings` maps tickers to the model's numbers; `time` is in Unix seconds.
    """
    raw, terms = _named(raw, underlyings, findings)
    raw, terms = _kept(raw, terms, terms.expiry > time, Fault.EXPIRED, findings)
    raw, terms = _sorted_once(raw, terms, findings)
    sound = np.isfinite(raw.forward_usd) & (raw.forward_usd > 0)
    raw, terms = _kept(raw, terms, sound, Fault.FORWARD, findings)
    raw, terms = _kept(raw, terms, _near_the_others(raw, terms), Fault.FORWARD, findings)
    raw, terms = _kept(raw, terms, _near_other_expiries(raw, terms), Fault.FORWARD, findings)
    if not raw.names:
        return ReadChain(None, findings.all())
    raw = _without_absurdities(raw, terms, findings)
    raw = _without_contradictions(raw, terms, time, findings)
    findings.add_where(Fault.SINGLE_STRIKE, _single_strikes(terms), raw.rows, raw.names)
    chain = OptionChain(
        source=source,
        time=time,
        underlying=terms.underlying.astype(np.uint16),
        expiry=terms.expiry,
        strike_e8=terms.strike_e8,
        is_call=terms.is_call,
        **{name: getattr(raw, name) for name in NUMBERS},
    )
    return ReadChain(chain, findings.all())


def _named(
    raw: RawQuotes, underlyings: Mapping[str, int], findings: Findings
) -> tuple[RawQuotes, _Terms]:
    parsed = [parse_option(name) for name in raw.names]
    known = [name is not None and name.symbol in underlyings for name in parsed]
    if not all(known):
        nameless = np.array([name is None for name in parsed])
        findings.add_where(Fault.NAME, nameless, raw.rows, raw.names)
        foreign = ~nameless & ~np.array(known)
        findings.add_where(Fault.UNDERLYING, foreign, raw.rows, raw.names)
        raw = raw.take(np.flatnonzero(known))
    names: list[OptionName] = [n for n, k in zip(parsed, known, strict=True) if n is not None and k]
    terms = _Terms(
        underlying=np.array([underlyings[name.symbol] for name in names], dtype=np.int64),
        expiry=np.array([name.expiry for name in names], dtype=np.int64),
        strike_e8=np.array([name.strike_e8 for name in names], dtype=np.int64),
        is_call=np.array([name.is_call for name in names], dtype=np.bool_),
    )
    return raw, terms


def _kept(
    raw: RawQuotes, terms: _Terms, sound: BoolArray, fault: Fault, findings: Findings
) -> tuple[RawQuotes, _Terms]:
    if sound.all():
        return raw, terms
    findings.add_where(fault, ~sound, raw.rows, raw.names)
    at = np.flatnonzero(sound)
    return raw.take(at), terms.take(at)


def _sorted_once(raw: RawQuotes, terms: _Terms, findings: Findings) -> tuple[RawQuotes, _Terms]:
    """Sort the rows; of equal ones keep the first, of contradicting ones none."""
    keys = (terms.is_call, terms.strike_e8, terms.expiry, terms.underlying)
    order = np.lexsort(keys)
    raw, terms = raw.take(order), terms.take(order)
    count = len(order)
    again = np.zeros(count, dtype=np.bool_)
    if count > 1:
        again[1:] = np.all([np.diff(key[order].astype(np.int64)) == 0 for key in keys], axis=0)
    if not again.any():
        return raw, terms
    group = np.cumsum(~again) - 1
    first = np.flatnonzero(~again)[group]
    numbers = np.column_stack([getattr(raw, name) for name in NUMBERS])
    same = ((numbers == numbers[first]) | (np.isnan(numbers) & np.isnan(numbers[first]))).all(1)
    torn = np.zeros(count, dtype=np.bool_)
    np.logical_or.at(torn, group, ~same)
    findings.add_where(Fault.CONFLICT, torn[group], raw.rows, raw.names)
    findings.add_where(Fault.DUPLICATE, again & ~torn[group], raw.rows, raw.names)
    at = np.flatnonzero(~again & ~torn[group])
    return raw.take(at), terms.take(at)


def _starts(terms: _Terms) -> IntArray:
    """Return where each expiry of an underlying begins, and the end, in sorted rows."""
    count = len(terms.expiry)
    new = (np.diff(terms.expiry) != 0) | (np.diff(terms.underlying) != 0)
    return np.concatenate([[0], np.flatnonzero(new) + 1, [count]]).astype(np.int64)


def _near_the_others(raw: RawQuotes, terms: _Terms) -> BoolArray:
    near = np.ones(len(raw.names), dtype=np.bool_)
    if not raw.names:
        return near
    starts = _starts(terms).tolist()
    for first, last in pairwise(starts):
        forwards = raw.forward_usd[first:last]
        middle = np.median(forwards)
        near[first:last] = np.abs(forwards - middle) <= FARTHEST_FORWARD * middle
    return near


def _near_other_expiries(raw: RawQuotes, terms: _Terms) -> BoolArray:
    """Whether the forward of the row's expiry is near the median of those of its underlying."""
    near = np.ones(len(raw.names), dtype=np.bool_)
    if not raw.names:
        return near
    starts = _starts(terms)
    forwards = np.array([np.median(raw.forward_usd[a:b]) for a, b in pairwise(starts.tolist())])
    underlying = terms.underlying[starts[:-1]]
    for number in np.unique(underlying).tolist():
        own = underlying == number
        middle = float(np.median(forwards[own]))
        wild = own & (np.abs(forwards - middle) > FARTHEST_EXPIRY * middle)
        near &= ~np.repeat(wild, np.diff(starts))
    return near


def _single_strikes(terms: _Terms) -> BoolArray:
    starts = _starts(terms)
    strikes = np.concatenate([[True], np.diff(terms.strike_e8) != 0])
    strikes[starts[:-1]] = True
    single = np.add.reduceat(strikes.astype(np.int64), starts[:-1]) == 1
    return np.repeat(single, np.diff(starts))


def _without_absurdities(raw: RawQuotes, terms: _Terms, findings: Findings) -> RawQuotes:
    """Return the rows with NaN for the numbers that cannot be, and report what is missing."""

    def note(fault: Fault, broken: BoolArray) -> None:
        findings.add_where(fault, broken, raw.rows, raw.names)

    most = np.where(terms.is_call, 1.0, terms.strike_e8 / E8 / raw.forward_usd)
    bid, ask, mark, iv = raw.bid_coin, raw.ask_coin, raw.mark_coin, raw.iv
    note(Fault.NO_QUOTE, np.isnan(bid) | np.isnan(ask))
    note(Fault.NO_MARK, np.isnan(mark) | np.isnan(iv))
    no_index = ~((raw.index_usd > 0) & np.isfinite(raw.index_usd))
    no_interest = ~((raw.open_interest >= 0) & (raw.open_interest <= MOST_INTEREST))
    note(Fault.NO_INDEX, no_index | no_interest)
    note(Fault.ZERO_QUOTE, (bid == 0) | (ask == 0))
    bid, ask = (np.where(quote == 0, np.nan, quote) for quote in (bid, ask))
    note(Fault.ABSURD_QUOTE, _absurd(bid, most) | _absurd(ask, most))
    (
        bid,
        ask,
    ) = (np.where(_absurd(quote, most), np.nan, quote) for quote in (bid, ask))
    crossed = bid > ask
    note(Fault.CROSSED, crossed)
    note(Fault.ABSURD_MARK, _absurd(mark, most))
    note(Fault.ABSURD_VOL, (iv < LOWEST_VOL) | (iv > HIGHEST_VOL))
    return replace(
        raw,
        bid_coin=np.where(crossed, np.nan, bid),
        ask_coin=np.where(crossed, np.nan, ask),
        mark_coin=np.where(_absurd(mark, most), np.nan, mark),
        iv=np.where((iv >= LOWEST_VOL) & (iv <= HIGHEST_VOL), iv, np.nan),
        index_usd=np.where(no_index, np.nan, raw.index_usd),
        open_interest=np.where(no_interest, np.nan, raw.open_interest),
    )


def _without_contradictions(
    raw: RawQuotes, terms: _Terms, time: int, findings: Findings
) -> RawQuotes:
    """Return the rows without marks and vols that speak of different prices."""
    strike = terms.strike_e8 / E8 / raw.forward_usd
    years = (terms.expiry - time) / YEAR_SECONDS
    vol = np.where(np.isnan(raw.iv), 1.0, raw.iv)
    said = black76.price(np.ones(len(strike)), strike, vol, years, terms.is_call)
    apart = np.isfinite(raw.iv) & (np.abs(said - raw.mark_coin) > FARTHEST_MARK)
    findings.add_where(Fault.CONTRADICTION, apart, raw.rows, raw.names)
    mark, iv = (np.where(apart, np.nan, column) for column in (raw.mark_coin, raw.iv))
    return replace(raw, mark_coin=mark, iv=iv)


def _absurd(price: FloatArray, most: FloatArray) -> BoolArray:
    """Whether a price is none that an option can have; NaN is no price and not absurd."""
    return (price < 0) | (price > most * (1 + 1e-9))
