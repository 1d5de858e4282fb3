import pytest

from keeper.errors import InputError
from keeper.liquidation.auction import (
    DURATION_SECONDS,
    MIN_FRACTION_WAD,
    cash_to_buyer_usd6,
    largest_bid_wad,
    line_usd6,
    max_fraction_wad,
    sold_fraction_wad,
)
from keeper.units import USD6, WAD


@pytest.mark.parametrize(
    ("elapsed", "line"),
    [(0, 1020), (450, 765), (900, 510), (1799, 0.566666), (1800, 0), (10**9, 0)],
)
def test_line__positive_equity__falls_from_1_02_to_zero(elapsed, line):
    assert line_usd6(1000 * USD6, elapsed) == int(line * USD6)


@pytest.mark.parametrize("elapsed", [0, 900, 1800, 10**9])
@pytest.mark.parametrize("equity", [0, -1, -(10**15)])
def test_line__no_equity__is_the_equity(equity, elapsed):
    assert line_usd6(equity, elapsed) == equity


def test_line__rounds_down_in_two_steps_as_the_contract():
    # 99 * 1.02 = 100.98 -> 100, then 100 * 1799 / 1800 = 99.94 -> 99
    assert line_usd6(99, 1) == 99
    # In one step 98 * 1.02 * 1799 / 1800 = 99.904 would do the same; 49 * 1.02 = 49.98 -> 49 -> 48.
    assert line_usd6(49, 1) == 48


def test_line__negative_time__is_refused():
    with pytest.raises(InputError):
        line_usd6(1, -1)


def test_max_fraction__by_hand():
    # E = 1000, 1.01 * 1287 = 1299.87 -> 1299, line = 897: 299 / 1196
    assert max_fraction_wad(1000, 1287, 897) == WAD // 4
    assert max_fraction_wad(1000, 1287, 896) == 299 * WAD // 1195 + 1, "rounded up"


@pytest.mark.parametrize("line", [0, -1, -(10**12)])
def test_max_fraction__line_exhausted__is_the_whole_book(line):
    assert max_fraction_wad(line, 1300, line) == WAD


def test_max_fraction__healthy__is_nothing():
    assert max_fraction_wad(1313, 1300, 1) == 0
    assert max_fraction_wad(1400, 1300, 1) == 0
    assert max_fraction_wad(1312, 1300, 1) == WAD // 2


PERCENT = WAD // 100


@pytest.mark.parametrize(
    ("wanted", "most", "already", "sold"),
    [
        (50, 80, 0, 50),
        (90, 80, 0, 80),
        (10, 80, 0, 10),
        (9, 80, 0, 10),  # raised to a tenth
        (5, 5, 0, 10),
        (0, 80, 0, 10),
        (100, 100, 0, 100),
        (91, 100, 0, 100),  # the remaining 9 % go along
        (90, 100, 0, 90),
        (80, 100, 50, 80),  # a fifth of one half is left: a tenth
        (81, 100, 50, 100),
        (50, 95, 85, 100),  # 7.5 % would be left
    ],
)
def test_sold_fraction__rules_of_the_contract(wanted, most, already, sold):
    bid = (wanted * PERCENT, most * PERCENT, already * PERCENT)
    assert sold_fraction_wad(*bid) == sold * PERCENT
    assert sold_fraction_wad(*bid, divisible=False) == WAD


@pytest.mark.parametrize(
    ("limit", "most", "already", "bid"),
    [
        (50, 80, 0, 50),
        (95, 80, 0, 80),
        (95, 100, 0, 90),  # 95 would become the whole book, which the limit forbids
        (100, 100, 0, 100),
        (9, 80, 0, None),
        (15, 5, 0, 10),
        (90, 100, 50, 80),
        (99, 100, 85, 100 / 3),  # a tenth of the first book is two thirds of what is left
        (99, 100, 90, None),
        (0, 100, 0, None),
    ],
)
def test_largest_bid__limit__is_never_exceeded(limit, most, already, bid):
    got = largest_bid_wad(limit * PERCENT, most * PERCENT, already * PERCENT)
    if bid is None:
        assert got is None
    else:
        assert got == pytest.approx(bid * PERCENT, rel=1e-15)
        assert got <= limit * PERCENT


def test_largest_bid__indivisible_book__is_all_or_nothing():
    assert largest_bid_wad(WAD, WAD // 2, 0, divisible=False) == WAD
    assert largest_bid_wad(WAD - 1, WAD // 2, 0, divisible=False) is None


@pytest.mark.parametrize(
    ("equity", "line", "fraction", "cash"),
    [
        (1000, 900, WAD, 100),
        (1000, 900, WAD // 4, 25),
        (1000, 1020, WAD, -20),
        (1000, 999, WAD // 2, 0),
        (1000, 1001, WAD // 2, 0),  # towards zero, not down
        (-500, -500, WAD, 0),
    ],
)
def test_cash_to_buyer__by_hand(equity, line, fraction, cash):
    assert cash_to_buyer_usd6(equity, line, fraction) == cash


def test_constants__as_specified():
    assert (DURATION_SECONDS, MIN_FRACTION_WAD) == (1800, 10**17)
