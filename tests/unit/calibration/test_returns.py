"""Joint returns: what is computed, and that broken history is refused by name."""

from __future__ import annotations

import numpy as np
import pytest

from keeper.calibration.returns import JointReturns, joint_returns
from keeper.errors import InputError

NAMES = ("BTC", "ETH")
FIRST = 18_000  # 2019-04-14
PRICES = np.array([[100.0, 10.0], [110.0, 9.0], [99.0, 9.9], [99.0, 11.0]])
DAYS = np.arange(FIRST, FIRST + 4)


def changed(values, row, column, value):
    result = values.copy()
    result[row, column] = value
    return result


def test_joint_returns__sound_prices__log_returns_of_each_day():
    returns = joint_returns(DAYS, PRICES, NAMES, 0.7)
    assert len(returns) == 3
    assert returns.names == NAMES
    assert returns.rows[0] == pytest.approx([np.log(1.1), np.log(0.9)])
    assert returns.rows.sum(axis=0) == pytest.approx([np.log(0.99), np.log(1.1)])


def test_joint_returns__unit_of_prices__does_not_matter():
    cents = joint_returns(DAYS, 100 * PRICES, NAMES, 0.7)
    assert cents.rows == pytest.approx(joint_returns(DAYS, PRICES, NAMES, 0.7).rows, abs=1e-15)


@pytest.mark.parametrize(
    ("days", "message"),
    [
        (
            DAYS + np.array([0, 0, 1, 1]),
            "2019-04-17 follows 2019-04-15: a return would span 2 days",
        ),
        (
            DAYS - np.array([0, 0, 1, 1]),
            "2019-04-15 follows 2019-04-15: a return would span 0 days",
        ),
        (DAYS[::-1], "2019-04-16 follows 2019-04-17: a return would span -1 days"),
    ],
)
def test_joint_returns__days_not_one_after_another__are_named(days, message):
    with pytest.raises(InputError, match=message):
        joint_returns(days, PRICES, NAMES, 0.7)


@pytest.mark.parametrize("price", [np.nan, 0.0, -1.0, np.inf])
def test_joint_returns__no_positive_price__asset_and_day_are_named(price):
    with pytest.raises(InputError, match=f"ETH: price of 2019-04-16 is {price}: give a positive"):
        joint_returns(DAYS, changed(PRICES, 2, 1, price), NAMES, 0.7)


def test_joint_returns__jump__asset_day_and_move_are_named():
    misprint = changed(PRICES, 2, 0, 9.9)
    with pytest.raises(InputError, match=r"BTC: log return -2.4079 on 2019-04-16 is beyond 0.7"):
        joint_returns(DAYS, misprint, NAMES, 0.7)
    assert len(joint_returns(DAYS, misprint, NAMES, 2.5)) == 3


@pytest.mark.parametrize(
    ("prices", "names"),
    [(PRICES[:, :1], NAMES), (PRICES[:3], NAMES), (PRICES, ("BTC", "ETH", "SOL"))],
)
def test_joint_returns__asset_or_day_missing__shape_is_named(prices, names):
    with pytest.raises(InputError, match="prices have shape"):
        joint_returns(DAYS, prices, names, 0.7)


def test_joint_returns__one_day__is_refused():
    with pytest.raises(InputError, match="give at least 2 days"):
        joint_returns(DAYS[:1], PRICES[:1], NAMES, 0.7)


@pytest.mark.parametrize("largest", [0.0, -1.0, np.nan, np.inf])
def test_joint_returns__no_limit_of_moves__is_refused(largest):
    with pytest.raises(InputError, match=f"largest {largest}"):
        joint_returns(DAYS, PRICES, NAMES, largest)


@pytest.mark.parametrize("names", [(), ("", "ETH"), ("ETH", "ETH")])
def test_returns__names_that_do_not_tell_apart__are_refused(names):
    with pytest.raises(InputError, match="asset names"):
        JointReturns(names, np.zeros((3, len(names))))


def test_returns__nan__asset_and_row_are_named():
    with pytest.raises(InputError, match="ETH: return 1 is nan"):
        JointReturns(NAMES, np.array([[0.1, 0.1], [0.1, np.nan]]))


def test_returns__a_column_too_few__is_refused():
    with pytest.raises(InputError, match=r"returns have shape \(3, 1\)"):
        JointReturns(NAMES, np.zeros((3, 1)))


def test_require__too_few_or_constant__says_what_for():
    returns = JointReturns(NAMES, np.array([[0.1, 0.2], [0.3, 0.2]]))
    with pytest.raises(InputError, match="2 returns: a test needs at least 3"):
        returns.require(3, "a test")
    with pytest.raises(InputError, match=r"ETH: every return is 0.2: a test needs an asset"):
        returns.require(2, "a test")
