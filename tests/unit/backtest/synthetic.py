"""Chains that nobody quoted: flat smiles on forwards with a carry, options at their values."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from keeper.backtest.moment import forwards_of
from keeper.pricing import black76
from keeper.pricing.svi_arbitrage import Smile
from keeper.sources.chain_files import COLUMNS
from keeper.state.option_chain import OptionChain
from keeper.units import E8, YEAR_SECONDS

BTC, ETH = 1, 2
DAY = 86_400
START = 1_767_225_600 + 9 * 3600  # 2026-01-01 09:00 UTC
TERMS_DAYS = (0.96, 1.96, 2.96, 6.96, 13.96, 27.96, 83.96, 174.96)
VOL = {BTC: 0.5, ETH: 0.7}
SPOT = {BTC: 90_000.0, ETH: 3_000.0}
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")


def expiries(since: int = START, days: int = 40) -> list[int]:
    """Dailies at 08:00 for as long as a test runs, and the terms beyond."""
    first = since // DAY * DAY + 8 * 3600
    dailies = [first + n * DAY for n in range(1, days)]
    return sorted(
        {*dailies, *(round(since + term * DAY) // DAY * DAY + 8 * 3600 for term in TERMS_DAYS)}
    )


def chain(
    time: int = START,
    spot: Mapping[int, float] = SPOT,
    terms: Sequence[int] | None = None,
    vol: Mapping[int, float] = VOL,
) -> OptionChain:
    """All strikes from a third under the spot to a third over it, on the terms still alive."""
    live = [term for term in (expiries() if terms is None else terms) if term > time]
    rows = [
        (number, term, round(SPOT[number] * percent) * E8 // 100, is_call)
        for number in (BTC, ETH)
        for term in live
        for percent in range(66, 136, 3)
        for is_call in (False, True)
    ]
    number, term, strike, is_call = (np.array(column) for column in zip(*rows, strict=True))
    years = (term - time) / YEAR_SECONDS
    forward = np.array([spot[n] for n in number.tolist()]) * (1.0 + 0.04 * years)
    vols = np.array([vol[n] for n in number.tolist()])
    mark = black76.price(forward, strike / E8, vols, years, is_call) / forward
    spread = 0.0005
    return OptionChain(
        source=f"{time}.csv",
        time=time,
        underlying=number.astype(np.uint16),
        expiry=term.astype(np.int64),
        strike_e8=strike.astype(np.int64),
        is_call=is_call.astype(np.bool_),
        forward_usd=forward,
        index_usd=forward * 1.01,
        mark_coin=mark,
        iv=vols,
        bid_coin=np.where(mark > spread, mark - spread, np.nan),
        ask_coin=mark + spread,
        open_interest=np.full(len(rows), 100.0),
    )


def flat_smiles(
    quoted: OptionChain, vol: Mapping[int, float] = VOL
) -> dict[tuple[int, int], Smile]:
    """The smile that every expiry of `chain` has."""
    return {key: Smile(vol[key[0]] ** 2, 0.0, 0.0, 0.0, 0.1) for key in forwards_of(quoted)}


def write_chain(folder: Path, quoted: OptionChain) -> Path:
    """Write a chain in the exchange's form."""
    name = datetime.fromtimestamp(quoted.time, UTC).strftime("%Y%m%dT%H%M%SZ.csv.gz")
    with gzip.open(folder / name, "wt", newline="") as out:
        rows = csv.writer(out, lineterminator="\n")
        rows.writerow(COLUMNS)
        for row in range(len(quoted.expiry)):
            day = datetime.fromtimestamp(int(quoted.expiry[row]), UTC)
            symbol = {1: "BTC", 2: "ETH"}[int(quoted.underlying[row])]
            strike = int(quoted.strike_e8[row]) // E8
            right = "C" if quoted.is_call[row] else "P"
            term = f"{day.day}{MONTHS[day.month - 1]}{day:%y}"
            numbers = (float(getattr(quoted, name)[row]) for name in COLUMNS[1:])
            texts = (repr(number) if np.isfinite(number) else "" for number in numbers)
            rows.writerow([f"{symbol}-{term}-{strike}-{right}", *texts])
    return folder / name
