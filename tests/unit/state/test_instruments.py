"""Instrument ids: golden values, refusals and names."""

from __future__ import annotations

import json
from dataclasses import astuple
from pathlib import Path

import pytest

from keeper.errors import InputError
from keeper.state.instruments import Instrument, Kind, parse_name

VECTORS = json.loads(
    (Path(__file__).parents[2] / "vectors" / "instruments.json").read_text("utf-8")
)
SYMBOLS = {1: "BTC", 2: "ETH"}
EXPIRY = 2_000_188_800  # 20 May 2033, 08:00 UTC


@pytest.mark.parametrize(
    ("instrument", "golden"),
    [
        (Instrument(1, 0, Kind.SPOT, 0), "00010000000000010000000000000000"),
        (Instrument(2, 0, Kind.PERPETUAL, 0), "00020000000000020000000000000000"),
        (Instrument(2, EXPIRY, Kind.FUTURE, 0), "000200773875800300000000" + "00000000"),
        (Instrument(2, EXPIRY, Kind.CALL, 180 * 10**8), "0002007738758004" + "0000000430e23400"),
        (Instrument(0xFFFF, 2**40 - 1, Kind.PUT, 2**64 - 1), "ffff" + "ff" * 5 + "05" + "ff" * 8),
    ],
)
def test_pack__golden_ids__bit_for_bit(instrument, golden):
    assert f"{instrument.pack():032x}" == golden
    assert Instrument.unpack(int(golden, 16)) == instrument


def test_pack__vectors__equal():
    names = ("underlying", "expiry", "kind", "strike_e8", "id")
    for underlying, expiry, kind, strike, packed in zip(*(VECTORS[n] for n in names), strict=True):
        instrument = Instrument(int(underlying), int(expiry), Kind(int(kind)), int(strike))
        assert instrument.pack() == int(packed)


@pytest.mark.parametrize("refused", [*map(int, VECTORS["refused"]), -1, 1 << 128])
def test_unpack__id_that_is_not_canonical__refused(refused):
    with pytest.raises(InputError):
        Instrument.unpack(refused)


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ((0, 0, Kind.SPOT, 0), "underlying is 0"),
        ((2**16, 0, Kind.SPOT, 0), "underlying 65536 does not fit"),
        ((1, EXPIRY, Kind.SPOT, 0), "expiry is 2000188800"),
        ((1, 0, Kind.FUTURE, 0), "expiry is 0"),
        ((1, 2**40, Kind.FUTURE, 0), "expiry 1099511627776"),
        ((1, EXPIRY, Kind.FUTURE, 1), "strike_e8 is 1"),
        ((1, EXPIRY, Kind.PUT, 0), "strike_e8 is 0"),
        ((1, EXPIRY, Kind.PUT, 2**64), "strike_e8"),
        ((1, EXPIRY, 6, 1), "kind 6"),
        ((1, EXPIRY, Kind.CALL, -1), "strike_e8 -1"),
    ],
)
def test_instrument__fields_that_are_not_canonical__refused_and_named(fields, problem):
    with pytest.raises(InputError, match=problem):
        Instrument(*fields)


@pytest.mark.parametrize(
    ("instrument", "name"),
    [
        (Instrument(2, EXPIRY, Kind.CALL, 180 * 10**8), "ETH-20330520-180-C"),
        (Instrument(2, EXPIRY, Kind.PUT, 180_50000000), "ETH-20330520-180.5-P"),
        (Instrument(1, EXPIRY, Kind.PUT, 1), "BTC-20330520-0.00000001-P"),
        (Instrument(1, EXPIRY, Kind.FUTURE, 0), "BTC-20330520-F"),
        (Instrument(2, 0, Kind.PERPETUAL, 0), "ETH-PERP"),
        (Instrument(2, 0, Kind.SPOT, 0), "ETH-SPOT"),
        (Instrument(2, 2**40 - 1, Kind.FUTURE, 0), "ETH-1099511627775s-F"),
    ],
)
def test_name__each_kind__for_people(instrument, name):
    assert instrument.name(SYMBOLS) == name


def test_name__unknown_symbol__refused():
    with pytest.raises(InputError, match="underlying 3"):
        Instrument(3, 0, Kind.SPOT, 0).name(SYMBOLS)


def test_order__ids__ascend_as_instruments_do():
    ids = [int(i) for i in VECTORS["id"]]
    assert [i.pack() for i in sorted(map(Instrument.unpack, ids))] == sorted(ids)


@pytest.mark.parametrize(
    "instrument",
    [
        Instrument(2, EXPIRY, Kind.CALL, 180 * 10**8),
        Instrument(2, EXPIRY, Kind.PUT, 180_50000000),
        Instrument(1, EXPIRY, Kind.PUT, 1),
        Instrument(1, EXPIRY, Kind.FUTURE, 0),
        Instrument(2, 0, Kind.PERPETUAL, 0),
        Instrument(2, 0, Kind.SPOT, 0),
        Instrument(2, 2**40 - 1, Kind.FUTURE, 0),
        Instrument(2, 2**40 - 1, Kind.CALL, 2**64 - 1),
    ],
)
def test_parse_name__every_name__means_its_instrument_and_no_other_kind(instrument):
    name = parse_name(instrument.name(SYMBOLS), SYMBOLS)
    assert name.means(instrument)
    assert name.first_expiry <= instrument.expiry <= name.last_expiry
    assert not name.means(Instrument(3 - instrument.underlying, *astuple(instrument)[1:]))


@pytest.mark.parametrize(
    ("text", "same"),
    [("ETH-20MAY33-180-C", "ETH-20330520-180-C"), ("ETH-1JUN33-180.50-P", "ETH-20330601-180.5-P")],
)
def test_parse_name__day_as_exchanges_write_it__is_the_same(text, same):
    assert parse_name(text, SYMBOLS) == parse_name(same, SYMBOLS)


def test_parse_name__a_day__is_its_first_to_its_last_second():
    name = parse_name("ETH-20330520-F", SYMBOLS)
    assert (name.first_expiry, name.last_expiry) == (EXPIRY - 8 * 3600, EXPIRY + 16 * 3600 - 1)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "no ticker"),
        ("SOL-PERP", "'SOL' is no ticker of this model, use one of BTC, ETH"),
        ("eth-perp", "no ticker"),
        ("ETH", "is no name: write ETH-SPOT"),
        ("ETH-", "is no name"),
        ("ETH-PERPS", "is no name"),
        ("ETH-20330520", "is no name"),
        ("ETH-20330520-180", "is no name"),
        ("ETH-20330520-180-X", "is no name"),
        ("ETH-20330520-1e3-C", "is no name"),
        ("ETH-20330520--180-C", "is no name"),
        ("ETH-20330520-180.123456789-C", "is no name"),
        ("ETH-20330230-F", "20330230 is no day"),
        ("ETH-31FEB33-F", "20330231 is no day"),
        ("ETH-00000000-F", "is no day"),
        ("ETH-٢٠٣٣٠٥٢٠-F", "is no name"),
    ],
)
def test_parse_name__anything_else__refused_with_how_to_write_it(text, problem):
    with pytest.raises(InputError, match=problem):
        parse_name(text, SYMBOLS)
