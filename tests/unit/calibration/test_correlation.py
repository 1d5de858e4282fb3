"""Correlation matrices: what is refused, and by which words; blends and bounds."""

from __future__ import annotations

import numpy as np
import pytest

from keeper.calibration.correlation import (
    Candidate,
    Correlations,
    blended,
    bounded,
    correlations_of,
    pair_bounds,
)
from keeper.errors import InputError

NAMES = ("BTC", "ETH", "SOL")
VALUES = np.array([[1.0, 0.8, 0.6], [0.8, 1.0, 0.7], [0.6, 0.7, 1.0]])
NORMAL = Correlations(NAMES, VALUES)


def with_entry(row, column, value):
    values = VALUES.copy()
    values[row, column] = value
    return values


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (with_entry(0, 1, 0.5), r"BTC, ETH is 0.5: its mirror entry is another"),
        (with_entry(1, 1, 0.9), r"ETH, ETH is 0.9: an asset's correlation with itself is 1"),
        (with_entry(2, 2, 1.1), r"SOL, SOL is 1.1: an asset's correlation with itself is 1"),
        (with_entry(2, 0, 1.2), r"SOL, BTC is 1.2: give a number from -1 to 1"),
        (with_entry(0, 2, -1.01), r"BTC, SOL is -1.01: give a number from -1 to 1"),
        (with_entry(1, 2, np.nan), r"ETH, SOL is nan: give a number"),
        (with_entry(0, 0, np.nan), r"BTC, BTC is nan: give a number"),
        (with_entry(1, 2, np.inf), r"ETH, SOL is inf: give a number"),
        (VALUES[:2], r"shape \(2, 3\): give 3 rows and columns"),
        (VALUES[:2, :2], r"shape \(2, 2\): give 3 rows and columns"),
    ],
)
def test_correlations__no_correlation_matrix__entry_value_and_fix_are_named(values, message):
    with pytest.raises(InputError, match=message):
        Correlations(NAMES, values)


# BTC moves with ETH and ETH with SOL, yet BTC against SOL: eigenvalue 1 - 2 * 0.9.
IMPOSSIBLE = np.array([[1.0, 0.9, -0.9], [0.9, 1.0, 0.9], [-0.9, 0.9, 1.0]])


def test_correlations__rounding__passes():
    Correlations(NAMES, with_entry(0, 1, 0.8 + 1e-15))
    Correlations(NAMES, np.ones((3, 3)))  # eigenvalues 3, 0 and 0, as rounding has them


def test_correlations__no_joint_distribution__eigenvalue_and_repair_are_named():
    with pytest.raises(InputError, match=r"an eigenvalue of -0.8, .* nearest_correlations\("):
        Correlations(NAMES, IMPOSSIBLE)
    with pytest.raises(InputError, match=r"'ETH', 'SOL'\) have an eigenvalue of -0.8"):
        correlations_of(4.0 * IMPOSSIBLE, NAMES)
    edge = np.array([[1.0, 0.6, -0.28], [0.6, 1.0, 0.6], [-0.28, 0.6, 1.0]])  # singular
    Correlations(NAMES, edge)
    edge[0, 2] = edge[2, 0] = -0.281
    with pytest.raises(InputError, match="so no joint distribution"):
        Correlations(NAMES, edge)


def test_candidate__no_joint_distribution__is_what_bounds_may_make():
    found = bounded(NORMAL, pair_bounds(NAMES, {}, {("BTC", "SOL"): -0.9}))
    assert not isinstance(found, Correlations)
    assert found.smallest_eigenvalue() < 0
    with pytest.raises(InputError, match=r"ETH, ETH is 0\.9"):
        Candidate(NAMES, with_entry(1, 1, 0.9))
    with pytest.raises(InputError, match=r"bounds have shape \(2, 2\): make them for"):
        bounded(NORMAL, pair_bounds(NAMES[:2], {}, {}))


def test_correlations__pair_and_eigenvalue():
    assert NORMAL.pair("SOL", "ETH") == 0.7
    assert NORMAL.smallest_eigenvalue() == pytest.approx(np.linalg.eigvals(VALUES).min())
    with pytest.raises(InputError, match="XRP is not one of"):
        NORMAL.pair("BTC", "XRP")


def test_correlations_of__covariance__divides_by_the_deviations():
    deviations = np.array([0.02, 3.0, 0.5])
    found = correlations_of(VALUES * np.outer(deviations, deviations), NAMES)
    assert found.values == pytest.approx(VALUES, abs=1e-15)
    assert np.array_equal(np.diagonal(found.values), np.ones(3))


@pytest.mark.parametrize("variance", [0.0, -0.1, np.nan])
def test_correlations_of__asset_without_variance__is_named(variance):
    with pytest.raises(InputError, match=f"ETH: variance {variance}"):
        correlations_of(with_entry(1, 1, variance), NAMES)


def test_correlations_of__covariance_that_exceeds_the_variances__is_refused():
    with pytest.raises(InputError, match=r"BTC, ETH is 1.5: give a number from -1 to 1"):
        correlations_of(np.array([[1.0, 1.5], [1.5, 1.0]]), ("BTC", "ETH"))
    with pytest.raises(InputError, match=r"covariance has shape \(2, 2\)"):
        correlations_of(np.eye(2), NAMES)


def test_blended__weight__is_the_share_of_the_stressed():
    stressed = Correlations(NAMES, np.ones((3, 3)))
    found = blended(NORMAL, stressed, 0.25)
    assert found.pair("BTC", "SOL") == pytest.approx(0.75 * 0.6 + 0.25)
    assert np.array_equal(blended(NORMAL, stressed, 0.0).values, VALUES)
    assert np.array_equal(blended(NORMAL, stressed, 1.0).values, stressed.values)


@pytest.mark.parametrize("weight", [-0.01, 1.01, np.nan])
def test_blended__weight_outside_0_to_1__is_named(weight):
    with pytest.raises(InputError, match=f"stress_weight {weight}"):
        blended(NORMAL, NORMAL, weight)


def test_blended__asset_missing_or_in_another_order__is_named():
    two = Correlations(NAMES[:2], VALUES[:2, :2])
    with pytest.raises(InputError, match=r"\['SOL'\] stand in one alone"):
        blended(NORMAL, two, 0.5)
    with pytest.raises(InputError, match="reorder one"):
        blended(NORMAL, Correlations(NAMES[::-1], VALUES[::-1, ::-1]), 0.5)


def test_bounded__floor_and_ceiling_of_pairs__hold_and_leave_the_rest():
    bounds = pair_bounds(NAMES, {("ETH", "BTC"): 0.85}, {("BTC", "SOL"): 0.5, ("ETH", "BTC"): 0.9})
    found = bounded(NORMAL, bounds)
    assert [found.pair(*pair) for pair in (NAMES[:2], NAMES[::2], NAMES[1:])] == [0.85, 0.5, 0.7]
    assert np.array_equal(found.values, found.values.T)
    assert np.array_equal(bounded(NORMAL, pair_bounds(NAMES, {}, {})).values, VALUES)


@pytest.mark.parametrize(
    ("floors", "ceilings", "message"),
    [
        ({("BTC", "XRP"): 0.5}, {}, "XRP is not one of"),
        ({("BTC", "BTC"): 0.5}, {}, "name two assets"),
        ({("BTC", "ETH"): 1.5}, {}, r"floor of \('BTC', 'ETH'\) is 1.5"),
        ({}, {("BTC", "ETH"): np.nan}, r"ceiling of \('BTC', 'ETH'\) is nan"),
        ({("BTC", "ETH"): 0.5, ("ETH", "BTC"): 0.6}, {}, "stands in both orders"),
        ({("BTC", "ETH"): 0.5}, {("ETH", "BTC"): 0.4}, r"floor 0.5 is above ceiling 0.4"),
    ],
)
def test_pair_bounds__senseless__is_named(floors, ceilings, message):
    with pytest.raises(InputError, match=message):
        pair_bounds(NAMES, floors, ceilings)
