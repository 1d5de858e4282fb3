"""Names of options as exchanges write them."""

from datetime import UTC, datetime

import pytest

from keeper.sources.option_names import OptionName, parse_option


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "BTC-27MAR26-90000-C",
            OptionName(
                "BTC", int(datetime(2026, 3, 27, 8, tzinfo=UTC).timestamp()), 9 * 10**12, True
            ),
        ),
        (
            "XRP_USDC-5JUN26-0d5-P",
            OptionName(
                "XRP_USDC", int(datetime(2026, 6, 5, 8, tzinfo=UTC).timestamp()), 5 * 10**7, False
            ),
        ),
        (
            "MATIC_USDC-29FEB28-1d0625-C",
            OptionName(
                "MATIC_USDC",
                int(datetime(2028, 2, 29, 8, tzinfo=UTC).timestamp()),
                106_250_000,
                True,
            ),
        ),
    ],
)
def test_parse_option__name__what_it_says(text, expected):
    assert parse_option(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "BTC", "BTC-PERPETUAL", "BTC-27MAR26", "BTC-27MAR26-90000-X", "BTC-29FEB26-90000-C",
     "BTC-27MRZ26-90000-C", "BTC-27MAR26-0-C", "BTC-27MAR26-0d0-C", "BTC-27MAR26-9.5-C",
     "btc-27MAR26-90000-C", "BTC-27MAR26-90000-C ", "BTC-0MAR26-90000-C", "BTC-²MAR26-90000-C"],
)  # fmt: skip
def test_parse_option__no_such_name__none(text):
    assert parse_option(text) is None
