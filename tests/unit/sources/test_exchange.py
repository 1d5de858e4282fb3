"""The exchange's API, on answers in the recorded form that were written here."""

import json
import sys
from http.client import BadStatusLine

import numpy as np
import pytest

from keeper.errors import ConfigError, MarketDataError
from keeper.sources.exchange import (
    INDEX,
    SUMMARY,
    ExchangeChain,
    ExchangeIndex,
    HttpTransport,
)
from keeper.sources.finding import Fault

TIME = 1_767_600_000  # 5 January 2026, 08:00


def row(name="BTC-27MAR26-90000-C", **fields):
    return {
        "instrument_name": name,
        "underlying_price": 90_100.0,
        "underlying_index": "BTC-27MAR26",
        "mark_price": 0.06,
        "mark_iv": 51.5,
        "bid_price": 0.0595,
        "ask_price": 0.0605,
        "open_interest": 12.5,
        "creation_timestamp": TIME * 1_000,
        "base_currency": "BTC",
    } | fields


ROWS = (row(), row("BTC-27MAR26-80000-P", mark_price=0.02, bid_price=0.019, ask_price=0.021))


class Recorded:
    """Answers by method."""

    def __init__(self, rows=ROWS, summary=None, index=None):
        self.answers = {
            SUMMARY: {"jsonrpc": "2.0", "result": list(rows)} if summary is None else summary,
            INDEX: {"result": {"index_price": 90_000.0}, "usOut": TIME * 1_000_000 + 7}
            if index is None
            else index,
        }
        self.asked = []

    def get(self, method, parameters):
        self.asked.append((method, dict(parameters)))
        answer = self.answers[method]
        return answer if isinstance(answer, bytes) else json.dumps(answer).encode()


def source(recorded):
    return ExchangeChain(recorded, {"BTC": 1})


def test_read__recorded_answers__a_chain_in_coins_and_fractions():
    recorded = Recorded()
    chain, findings = source(recorded).read()
    assert findings == ()
    assert chain.time == TIME
    assert chain.is_call.tolist() == [False, True]
    assert chain.iv.tolist() == [0.515, 0.515]
    assert chain.bid_coin.tolist() == [0.019, 0.0595]
    assert chain.index_usd.tolist() == [90_000.0] * 2
    assert (SUMMARY, {"currency": "BTC", "kind": "option"}) in recorded.asked
    assert (INDEX, {"index_name": "btc_usd"}) in recorded.asked


def test_read__null_and_text__by_position():
    rows = (*ROWS, row("BTC-27MAR26-95000-C", bid_price=None), row(mark_iv="n/a"))
    chain, findings = source(Recorded(rows)).read()
    assert [(f.fault, f.rows) for f in findings] == [
        (Fault.NOT_A_NUMBER, (3,)),
        (Fault.NO_QUOTE, (2,)),
    ]
    assert len(chain) == 3
    assert np.isnan(chain.bid_coin[2])


def test_read__clock_runs_backwards__refused_until_it_is_right():
    recorded = Recorded()
    exchange = source(recorded)
    exchange.read()
    earlier = [{**one, "creation_timestamp": (TIME - 60) * 1_000} for one in ROWS]
    recorded.answers[SUMMARY] = {"result": earlier}
    with pytest.raises(MarketDataError, match="ran back by 60 s"):
        exchange.read()
    recorded.answers[SUMMARY] = {"result": list(ROWS)}
    assert exchange.read().chain is not None


@pytest.mark.parametrize(
    ("summary", "what"),
    [
        (b"<html>", "not JSON"),
        (b"[]", "no object"),
        ({"error": {"code": 10028, "message": "too_many_requests"}}, "too_many_requests"),
        ({"result": {}}, "no list"),
        ({"result": []}, "no option"),
        ({"result": [row(creation_timestamp=None)]}, "no option with a time"),
        ({"result": [row("BTC-PERPETUAL")]}, "none of 1 rows"),
    ],
)
def test_read__answer_that_is_none__named(summary, what):
    with pytest.raises(MarketDataError, match=what):
        source(Recorded(summary=summary)).read()


def test_read__one_row_of_another_time__neither_dates_the_chain_nor_locks_the_source():
    rows = [row(f"BTC-27MAR26-{strike}-C") for strike in (91_000, 92_000, 93_000)]
    recorded = Recorded([*ROWS, *rows, row(creation_timestamp=TIME * 2_000)])
    exchange = source(recorded)
    assert exchange.read().chain.time == TIME
    recorded.answers[SUMMARY] = {"result": [row(creation_timestamp=TIME * 2_000)]}
    with pytest.raises(MarketDataError, match="none of 1 rows"):
        exchange.read()
    recorded.answers[SUMMARY] = {"result": list(ROWS)}
    assert exchange.read().chain.time == TIME


@pytest.mark.parametrize(
    ("wrong", "fault"),
    [
        ({"open_interest": 10**400}, Fault.NO_INDEX),
        ({"mark_price": 10**400}, Fault.ABSURD_MARK),
        ({"underlying_price": -(10**400)}, Fault.FORWARD),
    ],
)
def test_read__number_beyond_all__is_a_finding(wrong, fault):
    rows = [*ROWS, row("BTC-27MAR26-95000-C", **wrong)]
    _, findings = source(Recorded(rows)).read()
    assert [(finding.fault, finding.rows) for finding in findings] == [(fault, (2,))]


def test_read__answer_nested_without_end__is_no_json():
    limit = sys.getrecursionlimit()
    # As other code may do; the reader of the standard library then ends the process.
    sys.setrecursionlimit(1_000_000)
    try:
        with pytest.raises(MarketDataError, match="not JSON"):
            source(Recorded(summary=b"[" * 200_000)).read()
    finally:
        sys.setrecursionlimit(limit)


def test_index__price_and_time():
    reading = ExchangeIndex(Recorded(), "BTC").read()
    assert (reading.price_usd, reading.time) == (90_000.0, TIME)
    for index in ({"result": {}}, {"result": {"index_price": 0}, "usOut": 5}, {"result": []}):
        with pytest.raises(MarketDataError):
            ExchangeIndex(Recorded(index=index), "BTC").read()


def test_http__plain_address__refused():
    with pytest.raises(ConfigError, match="https"):
        HttpTransport("http://127.0.0.1/api/v2").get(INDEX, {})
    with pytest.raises(MarketDataError, match="no answer"):
        HttpTransport("https://127.0.0.1:1/api/v2", timeout_seconds=1).get(INDEX, {})


def test_http__answer_that_is_no_http__is_no_answer(monkeypatch):
    def answer(*_, **__):
        raise BadStatusLine("junk")

    monkeypatch.setattr("keeper.sources.exchange.urlopen", answer)
    with pytest.raises(MarketDataError, match="no answer: junk"):
        HttpTransport("https://127.0.0.1/api/v2").get(INDEX, {})
