"""Ledoit-Wolf against the example that scikit-learn publishes, and against its definition."""

from __future__ import annotations

import numpy as np
import pytest

from keeper.calibration.returns import JointReturns
from keeper.calibration.shrinkage import ledoit_wolf
from keeper.errors import InputError


def names(count):
    return tuple(f"A{n}" for n in range(count))


def test_ledoit_wolf__documented_example__published_figures():
    # scikit-learn's documentation of LedoitWolf: 50 draws by the generator of seed 0.
    rows = np.random.RandomState(0).multivariate_normal([0, 0], [[0.4, 0.2], [0.2, 0.8]], size=50)
    found = ledoit_wolf(JointReturns(("A", "B"), rows))
    expected = np.array([[0.44067332, 0.16161585], [0.16161585, 0.80226294]])
    assert found.covariance == pytest.approx(expected, abs=5e-9)
    assert found.mean == pytest.approx([0.0595348, -0.00756804], abs=5e-8)
    assert found.shrinkage == pytest.approx(0.23025406, abs=5e-9)


def test_ledoit_wolf__fewer_returns_than_assets__can_be_inverted():
    # scikit-learn 1.9.1 on the same draws: shrinkage 0.969333170690475.
    rows = np.random.RandomState(1).standard_normal((20, 30))
    found = ledoit_wolf(JointReturns(names(30), rows))
    assert found.shrinkage == pytest.approx(0.969333170690475, abs=1e-14)
    assert np.linalg.eigvalsh(np.cov(rows.T))[0] < 1e-12, "the sample's own has no inverse"
    assert np.linalg.eigvalsh(found.covariance)[0] > 0.5


def test_ledoit_wolf__definition__row_by_row():
    rows = np.random.default_rng(3).standard_normal((40, 4)) @ np.diag([1, 2, 3, 4])
    found = ledoit_wolf(JointReturns(names(4), rows))
    centred = rows - rows.mean(axis=0)
    sample = centred.T @ centred / 40
    target = np.trace(sample) / 4 * np.eye(4)
    spread = sum(np.sum((np.outer(x, x) - sample) ** 2) for x in centred) / 40**2
    shrinkage = spread / np.sum((sample - target) ** 2)
    assert found.shrinkage == pytest.approx(shrinkage)
    assert found.covariance == pytest.approx((1 - shrinkage) * sample + shrinkage * target)


def test_ledoit_wolf__total_variance__is_kept():
    rows = np.random.default_rng(4).standard_normal((30, 5))
    found = ledoit_wolf(JointReturns(names(5), rows))
    assert np.trace(found.covariance) == pytest.approx(np.var(rows, axis=0).sum())


def test_ledoit_wolf__one_asset__is_its_variance():
    rows = np.random.default_rng(4).standard_normal((30, 1))
    found = ledoit_wolf(JointReturns(("A",), rows))
    assert (found.covariance[0, 0], found.shrinkage) == (pytest.approx(np.var(rows)), 0.0)


def test_ledoit_wolf__constant_asset__is_named():
    with pytest.raises(InputError, match=r"A1: every return is 0.5: a covariance needs"):
        ledoit_wolf(JointReturns(names(2), np.array([[0.1, 0.5], [0.2, 0.5]])))


def test_ledoit_wolf__one_return__is_refused():
    with pytest.raises(InputError, match="1 returns: a covariance needs at least 2"):
        ledoit_wolf(JointReturns(names(2), np.array([[0.1, 0.5]])))
