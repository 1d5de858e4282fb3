"""The canonical body is one and the same for one state, and only for it."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keeper.errors import InputError
from keeper.state.body import decode, encode
from keeper.state.instruments import Instrument, Kind
from keeper.state.snapshot import ListingRow
from tests.books import FORWARDS, LISTED, UNDERLYINGS, account, exchange

pytestmark = pytest.mark.property

AMOUNTS = st.integers(-(2**63), 2**63 - 1)
LEGS = st.dictionaries(st.sampled_from(LISTED), AMOUNTS.filter(bool), max_size=8)
ACCOUNTS = st.lists(
    st.builds(account, st.integers(0, 2**160 - 1), LEGS, cash_usd6=AMOUNTS),
    max_size=5,
    unique_by=lambda row: row.account,
)
BODY = encode(exchange([account(1, dict.fromkeys(LISTED[:3], 5)), account(2, {LISTED[0]: -1})]))


@given(ACCOUNTS)
def test_codec__any_accounts__round_trip_to_the_byte(accounts):
    body = encode(exchange(accounts))
    assert encode(decode(body)) == body


@given(ACCOUNTS, st.randoms())
def test_encode__rows_in_any_order__the_same_bytes(accounts, random):
    listings = [ListingRow(instrument, 1, 0) for instrument in LISTED]

    def shuffled(rows):
        return random.sample(list(rows), len(rows))

    again = [
        account(
            int.from_bytes(row.account[:20], "big"),
            {leg.instrument: leg.lots for leg in shuffled(row.legs)},
            cash_usd6=row.cash_usd6,
        )
        for row in shuffled(accounts)
    ]
    permuted = exchange(
        again,
        underlyings=shuffled(UNDERLYINGS),
        forwards=shuffled(FORWARDS),
        listings=shuffled(listings),
    )
    assert encode(permuted) == encode(exchange(accounts, listings=listings))


@given(st.integers(0, len(BODY) - 1), st.integers(1, 255))
def test_decode__any_byte_changed__refused_or_another_state(at, change):
    changed = BODY[:at] + bytes([BODY[at] ^ change]) + BODY[at + 1 :]
    with suppress(InputError):
        assert encode(decode(changed)) == changed


@given(st.binary(max_size=400))
def test_decode__any_bytes__only_input_errors(noise):
    with pytest.raises(InputError):
        decode(b"PMKBODY1HEAD" + noise)


@given(st.integers(0, 2**128 - 1))
def test_unpack__any_integer__canonical_or_refused(packed):
    with suppress(InputError):
        assert Instrument.unpack(packed).pack() == packed


@given(
    st.integers(1, 2**16 - 1),
    st.integers(1, 2**40 - 1),
    st.sampled_from(Kind),
    st.integers(1, 2**64 - 1),
)
def test_pack__any_instrument__reads_back(underlying, expiry, kind, strike):
    instrument = Instrument(
        underlying, expiry if kind.expires else 0, kind, strike if kind.is_option else 0
    )
    assert Instrument.unpack(instrument.pack()) == instrument
