"""VaR and expected shortfall: closed forms, published figures, and integers without limit."""

from __future__ import annotations

from fractions import Fraction
from unittest.mock import patch

import mpmath as mp
import numpy as np
import pytest

from keeper.errors import InputError
from keeper.margin.losses import Book
from keeper.margin.tail import Tail, tail_risk
from keeper.pricing import backend
from tests.reference_history import expected_shortfall, value_at_risk

BOTH_TWINS = pytest.mark.parametrize("compiled", sorted({False, backend.COMPILED}))
SHARE = Fraction(250, 10**4)


def tail_of(losses, tail_bps=250):
    """VaR and ES of one account that loses these amounts."""
    pnl = -np.array([losses], dtype=np.int64)
    one = Book(np.zeros(1, dtype=np.int64), np.ones(1, dtype=np.int64), np.zeros(1, dtype=np.int64))
    risk, shortfall = tail_risk(pnl, one, [Tail.of(len(losses), tail_bps)])
    return int(risk[0, 0]), int(shortfall[0, 0])


@pytest.mark.parametrize(
    ("scenarios", "bps", "expected"),
    [
        (1_000, 250, Tail(1_000, 25, 1, 0)),
        (500, 250, Tail(500, 12, 2, 1)),  # 12.5
        (250, 250, Tail(250, 6, 4, 1)),  # 6.25
        (365, 250, Tail(365, 9, 8, 1)),  # 9.125
        (100, 500, Tail(100, 5, 1, 0)),
        (1, 250, Tail(1, 0, 40, 1)),  # a fortieth of a scenario
    ],
)
def test_tail__weights__are_the_reduced_fraction(scenarios, bps, expected):
    assert Tail.of(scenarios, bps) == expected
    assert Fraction(expected.total, expected.each) == Fraction(scenarios * bps, 10**4)


@pytest.mark.parametrize(("scenarios", "bps"), [(0, 250), (500, 0), (500, 10_000), (500, -1)])
def test_tail__none__refused(scenarios, bps):
    with pytest.raises(InputError, match="is none: give at least 1 scenario"):
        Tail.of(scenarios, bps)


def test_tail_risk__hundred_losses__var_95_is_the_sixth_largest():
    # skfolio's convention: of 100 observations, 95 % leaves the sixth largest.
    assert tail_of(range(1, 101), 500) == (95, 98)


def test_tail_risk__a_half_scenario__counts_half():
    losses = [10**6] * 12 + [200_000] + [0] * 487
    assert tail_of(losses) == (200_000, -(-(12 * 10**6 + 100_000) * 2 // 25))


def test_tail_risk__only_gains__zero():
    assert tail_of([-5] * 500) == (0, 0)


# Anchored in Acerbi and Tasche; figures by closed form at 30 digits: normal density over tail, and
# for Student t f(q) (nu + q^2) / ((nu - 1) alpha).
CLOSED = {
    "normal": (mp.mpf("1.959963984540054"), mp.mpf("2.337802792201413")),
    "t3": (mp.mpf("3.182446305284263"), mp.mpf("5.039583061113474")),
    "t4": (mp.mpf("2.776445105197799"), mp.mpf("3.9935570227128516")),
    "t5": (mp.mpf("2.570581835636314"), mp.mpf("3.5215773317394268")),
    "t10": (mp.mpf("2.228138851964939"), mp.mpf("2.818997590565497")),
}


def quantiles(name, count):
    """The middle quantiles of `count` equal parts, the sample that stands for the law."""
    from scipy.stats import norm, t

    law = norm if name == "normal" else t(int(name[1:]))
    return law.ppf((np.arange(count) + 0.5) / count)


@pytest.mark.parametrize("name", CLOSED)
def test_tail_risk__large_sample_of_a_law__tends_to_its_closed_form(name):
    micro = np.rint(quantiles(name, 60_000) * 1e9).astype(np.int64)
    risk, shortfall = tail_of(np.random.default_rng(5).permutation(micro))
    exact_risk, exact = CLOSED[name]
    assert risk / 1e9 == pytest.approx(float(exact_risk), rel=5e-4)
    # Middle quantiles leave a little of a heavy tail out.
    assert shortfall / 1e9 == pytest.approx(float(exact), rel=3e-3 if name == "t3" else 1e-3)
    assert shortfall / 1e9 < float(exact)


def test_tail_risk__hull_historical_simulation__losses_in_his_order():
    # Hull, Risk Management and Financial Institutions, chapter 14: four indices, first scenarios.
    holdings = np.array([4_000, 3_000, 1_000, 2_000])  # thousands of dollars
    today = np.array([11_022.06, 9_599.90, 6_200.40, 112.82])
    days = np.array(
        [
            [11_219.38, 11_131.84, 6_373.89, 131.77],
            [11_173.59, 11_096.28, 6_378.16, 134.38],
            [11_076.18, 11_185.35, 6_474.04, 135.94],
            [11_124.37, 11_016.71, 6_357.49, 135.44],
        ]
    )
    moved = today * days[1:] / days[:-1]
    assert moved[0] == pytest.approx([10_977.08, 9_569.23, 6_204.55, 115.05], abs=0.005)
    pnl = np.rint((moved / today - 1) * 10**9).astype(np.int64).T  # a dollar's gain, 1e-9
    book = Book(np.arange(4), holdings, np.zeros(1, dtype=np.int64))
    losses = -(holdings @ pnl) / 1e9
    assert losses == pytest.approx([-14.334, -27.481, 53.264], abs=0.1)
    # A third of three scenarios is the worst alone; VaR is then the next.
    for bps, expected in ((3_333, losses[2]), (6_667, (losses[2] + losses[0]) / 2)):
        _, shortfall = tail_risk(pnl, book, [Tail.of(3, bps)])
        assert shortfall[0, 0] / 1e9 == pytest.approx(expected, abs=0.02)


@BOTH_TWINS
@pytest.mark.parametrize("limit", [1, 5, 10**6, 2**55 - 1])
@pytest.mark.parametrize("windows", [(500, 250), (365,), (7, 1, 100), (40, 41), (1_000,)])
def test_tail_risk__any_losses__as_with_python_fractions(limit, windows, compiled):
    random = np.random.default_rng(limit % 97 + sum(windows))
    starts = np.array([0, 1, 3, 7, 20])
    lots = random.integers(-1, 2, 52)
    pnl = random.integers(-limit, limit + 1, (9, sum(windows)))
    book = Book(random.integers(0, 9, 52), lots, starts)
    tails = [Tail.of(days, 250) for days in windows]
    with patch.object(backend, "COMPILED", compiled):
        risk, shortfall = tail_risk(pnl, book, tails)
    cells = pnl.astype(object)
    for account, (first, last) in enumerate(zip(starts, [*starts[1:], 52], strict=True)):
        sums = -(lots[first:last, None] * cells[book.listing[first:last]]).sum(axis=0)
        begin = 0
        for w, days in enumerate(windows):
            losses = sums[begin : begin + days].tolist()
            begin += days
            exact = expected_shortfall(losses, SHARE)
            assert risk[w, account] == max(0, value_at_risk(losses, SHARE))
            assert shortfall[w, account] == max(0, -(-exact.numerator // exact.denominator))


@BOTH_TWINS
@pytest.mark.parametrize("sign", [-1, 1])
def test_tail_risk__losses_at_the_exposure_cap__do_not_overflow(sign, compiled):
    # Every loss next to 2**60, the widest weights that a model may ask for.
    pnl = np.full((1, 4_999), sign * (2**60 - 1))
    one = Book(np.zeros(1, dtype=np.int64), np.ones(1, dtype=np.int64), np.zeros(1, dtype=np.int64))
    with patch.object(backend, "COMPILED", compiled):
        risk, shortfall = tail_risk(pnl, one, [Tail.of(4_999, 4_999)])
    assert risk[0, 0] == shortfall[0, 0] == max(0, -sign * (2**60 - 1))


def test_tail_risk__columns_that_no_window_takes__refused():
    book = Book(
        np.zeros(1, dtype=np.int64), np.ones(1, dtype=np.int64), np.zeros(1, dtype=np.int64)
    )
    with pytest.raises(InputError, match="have 3 scenarios: the windows take 2"):
        tail_risk(np.zeros((1, 3), dtype=np.int64), book, [Tail.of(2, 250)])
    with pytest.raises(InputError, match="legs are in listings 0 to 0, but risk arrays have 0"):
        tail_risk(np.zeros((0, 2), dtype=np.int64), book, [Tail.of(2, 250)])
