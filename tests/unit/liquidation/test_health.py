from dataclasses import dataclass, replace

import numpy as np
import pytest

from keeper.errors import InputError
from keeper.liquidation.health import Breach, judge


@dataclass(frozen=True)
class Columns:
    account: np.ndarray
    equity_usd6: np.ndarray
    standard_usd6: np.ndarray
    maintenance_usd6: np.ndarray
    worst_scenario: np.ndarray
    measured: np.ndarray


def book(*rows):
    """Rows of (account number, equity, standard, maintenance, scenario, measured)."""
    numbers, equity, standard, maintenance, scenario, measured = zip(*rows, strict=True)
    ids = b"".join(account(number) for number in numbers)
    return Columns(
        np.frombuffer(ids, np.uint8).reshape(-1, 32),
        np.array(equity),
        np.array(standard),
        np.array(maintenance),
        np.array(scenario, np.uint8),
        np.array(measured),
    )


def account(number):
    return number.to_bytes(32, "big")


def test_judge__one_micro_dollar__decides():
    report = judge(book((1, 99, 200, 100, 7, True), (2, 100, 200, 100, 7, True)))
    assert report.breaches == (Breach(account(1), 99, 100, 7),)
    assert report.skips == ()


def test_judge__standard_below_maintenance__clamps_the_requirement():
    report = judge(book((1, 99, 80, 100, 7, True), (2, 79, 80, 100, 9, True)))
    assert report.breaches == (Breach(account(2), 79, 80, 9),)


def test_judge__many__worst_ratio_first_then_account():
    report = judge(
        book(
            (5, 50, 200, 100, 1, True),  # half is missing
            (4, 500, 2000, 1000, 2, True),  # the same share of a larger book
            (3, 900, 2000, 1000, 3, True),  # more money than account 5, but a tenth
            (2, -10, 200, 100, 4, True),  # more than everything
            (1, -1, 0, 0, 5, True),  # no requirement at all
        )
    )
    assert [breach.scenario for breach in report.breaches] == [2 + 2, 5, 2, 1, 3]


def test_judge__ratios_closer_than_a_float_can_tell__are_ordered_exactly():
    large = 2**60
    report = judge(
        book((1, large - 1, large, large, 1, True), (2, large - 2, large + 1, large - 1, 2, True))
    )
    assert [breach.account for breach in report.breaches] == [account(2), account(1)]


def test_judge__unmeasured__is_skipped_with_a_reason_whatever_its_figures():
    report = judge(book((1, -5, 0, 0, 0, False), (2, -5, 10, 10, 0, True)))
    assert [breach.account for breach in report.breaches] == [account(2)]
    assert [skip.account for skip in report.skips] == [account(1)]
    assert "no price" in report.skips[0].reason


def test_judge__no_scenario_shows_the_breach__is_skipped_with_a_reason():
    report = judge(book((1, 5, 10, 10, 255, True), (2, 10, 10, 10, 255, True)))
    assert report.breaches == ()
    assert [skip.account for skip in report.skips] == [account(1)]
    assert "flag proves one" in report.skips[0].reason


def test_judge__empty_book__is_empty():
    empty = Columns(np.zeros((0, 32), np.uint8), *[np.zeros(0, int)] * 4, np.zeros(0, bool))
    assert judge(empty).breaches == ()


def test_judge__ragged_columns__are_refused():
    good = book((1, 99, 200, 100, 7, True))
    assert judge(good).breaches
    with pytest.raises(InputError, match="length"):
        judge(replace(good, standard_usd6=np.array([200, 1])))
