"""A public exchange API of the Deribit form: option chains and index prices, without a key.

`public/get_book_summary_by_currency` has all options of a currency in one answer: names, best bid
and ask and mark in coins, vol of the mark in per cent, the forward of the expiry. Times are in
milliseconds. What answers wrongly is an error that names the method; rows are judged as those of
files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any, Final, Protocol, cast
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import numpy as np
from pydantic_core import from_json

from keeper.calibration.consensus import Reading
from keeper.errors import ConfigError, MarketDataError
from keeper.sources.finding import Fault, Findings
from keeper.sources.quotes import NUMBERS, RawQuotes, ReadChain, sound_chain
from keeper.units import FloatArray

SUMMARY: Final = "public/get_book_summary_by_currency"
INDEX: Final = "public/get_index_price"

_LONGEST_ANSWER: Final = 32 << 20
_LATEST_MILLISECONDS: Final = 2**32 * 1_000  # as no expiry of the engine is later
_FIELDS: Final = {
    "forward_usd": "underlying_price",
    "mark_coin": "mark_price",
    "iv": "mark_iv",
    "bid_coin": "bid_price",
    "ask_coin": "ask_price",
    "open_interest": "open_interest",
}


class Transport(Protocol):
    """Fetches one answer; recorded ones serve in tests."""

    def get(self, method: str, parameters: Mapping[str, str]) -> bytes:
        """Return the body; MarketDataError where there is none."""
        ...


@dataclass(frozen=True, slots=True)
class HttpTransport:
    """GET over HTTPS; `base_url` ends before the method, as https://www.deribit.com/api/v2."""

    base_url: str
    timeout_seconds: float = 10.0

    def get(self, method: str, parameters: Mapping[str, str]) -> bytes:
        """Return the body; MarketDataError where no answer comes, ConfigError without https."""
        if not self.base_url.startswith("https://"):
            raise ConfigError(f"exchange {self.base_url}: give an https:// address")
        url = f"{self.base_url.rstrip('/')}/{method}?{urlencode(parameters)}"
        request = Request(url, headers={"Accept": "application/json"})  # noqa: S310 - https only
        try:
            with urlopen(request, timeout=self.timeout_seconds) as answer:  # noqa: S310
                body: bytes = answer.read(_LONGEST_ANSWER + 1)
        except (URLError, HTTPException, OSError) as error:
            raise MarketDataError(f"exchange {url}: no answer: {error}") from error
        if len(body) > _LONGEST_ANSWER:
            raise MarketDataError(f"exchange {url}: more than {_LONGEST_ANSWER} bytes")
        return body


@dataclass(slots=True)
class ExchangeChain:
    """The `Source` of the options of some currencies, as one chain.

    Remembers the time of its last answer: a clock that runs backwards is refused.
    """

    transport: Transport
    underlyings: Mapping[str, int]
    name: str = "exchange"
    _last_time: int = field(default=0, init=False)

    def read(self) -> ReadChain:
        """Return the newest chain with its findings, rows by their position in the answers.

        Raises MarketDataError where an answer is none, has another form, or is older than the one
        before, and where no row is sound.
        """
        findings = Findings(self.name)
        rows: list[dict[str, Any]] = []
        for currency in self.underlyings:
            parameters = {"currency": currency, "kind": "option"}
            result = _result(self.transport.get(SUMMARY, parameters), SUMMARY)
            index = index_price(self.transport, currency, self.name)
            for row in _rows(result, SUMMARY):
                rows.append({**row, "index_usd": index.price_usd})
        times = [t for row in rows if (t := _milliseconds(row.get("creation_timestamp")))]
        if not times:
            raise MarketDataError(f"{self.name}: {SUMMARY} gives no option with a time")
        # The middle one: no single row dates the chain.
        time = sorted(times)[len(times) // 2] // 1_000
        if time < self._last_time:
            raise MarketDataError(
                f"{self.name}: its clock ran back by {self._last_time - time} s, to {time}"
            )
        read = sound_chain(self.name, time, _raw(rows, findings), self.underlyings, findings)
        if read.chain is None:
            raise MarketDataError(f"{self.name}: none of {len(rows)} rows is sound")
        self._last_time = time
        return read


@dataclass(frozen=True, slots=True)
class ExchangeIndex:
    """The `Source` of one index price."""

    transport: Transport
    currency: str
    name: str = "exchange index"

    def read(self) -> Reading:
        """Return the index; MarketDataError where there is none."""
        return index_price(self.transport, self.currency, self.name)


def index_price(transport: Transport, currency: str, name: str) -> Reading:
    """Return the index price of a currency with the time of the answer."""
    body = transport.get(INDEX, {"index_name": f"{currency.lower()}_usd"})
    answer = _answer(body, INDEX)
    price = _number(_result(body, INDEX).get("index_price"))
    microseconds = answer.get("usOut")
    if not price > 0 or type(microseconds) is not int:
        raise MarketDataError(f"{name}: {INDEX} gives price {price} at {microseconds!r}")
    return Reading(name, price, microseconds // 1_000_000)


def _answer(body: bytes, method: str) -> dict[str, Any]:
    try:
        # The standard library's reader overflows the stack where the limit of recursion was raised.
        answer: Any = from_json(body)
    except ValueError:
        raise MarketDataError(f"exchange: {method} answered {body[:40]!r}, not JSON") from None
    if not isinstance(answer, dict):
        raise MarketDataError(f"exchange: {method} answered no object")
    return cast("dict[str, Any]", answer)


def _result(body: bytes, method: str) -> Any:  # noqa: ANN401 - what JSON has
    answer = _answer(body, method)
    if "error" in answer or "result" not in answer:
        raise MarketDataError(f"exchange: {method} answered {answer.get('error', 'no result')}")
    result = answer["result"]
    if method == INDEX and not isinstance(result, dict):
        raise MarketDataError(f"exchange: {method} gives no object")
    return result


def _rows(result: Any, method: str) -> list[dict[str, Any]]:  # noqa: ANN401 - as above
    if not isinstance(result, list) or not all(
        isinstance(row, dict) for row in cast("list[Any]", result)
    ):
        raise MarketDataError(f"exchange: {method} gives no list of objects")
    return cast("list[dict[str, Any]]", result)


def _raw(rows: Sequence[dict[str, Any]], findings: Findings) -> RawQuotes:
    columns: dict[str, FloatArray] = {
        name: np.array([_number(row.get(key)) for row in rows]) for name, key in _FIELDS.items()
    }
    columns["iv"] = columns["iv"] / 100.0
    columns["index_usd"] = np.array([row["index_usd"] for row in rows], dtype=np.float64)
    names = [str(row.get("instrument_name", "")) for row in rows]
    position = np.arange(len(rows), dtype=np.int64)
    wrong = np.array([any(_is_text(row.get(key)) for key in _FIELDS.values()) for row in rows])
    findings.add_where(Fault.NOT_A_NUMBER, wrong, position, names)
    raw = RawQuotes(names, position, **{name: columns[name] for name in NUMBERS})
    return raw.take(np.flatnonzero(~wrong))


def _number(value: object) -> float:
    """Return a JSON number, infinite beyond the range of floats, NaN for null and what is none."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return float("nan")
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def _is_text(value: object) -> bool:
    return value is not None and (isinstance(value, bool) or not isinstance(value, int | float))


def _milliseconds(value: object) -> int:
    return value if type(value) is int and 0 < value < _LATEST_MILLISECONDS else 0
