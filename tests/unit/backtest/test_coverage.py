import numpy as np
import pytest
from scipy.stats import binom, chi2

from keeper.backtest.coverage import (
    Transitions,
    Zone,
    accepted_breaches,
    at_least,
    at_most,
    conditional_coverage,
    independence,
    kupiec,
    rate_limits,
    traffic_light,
    transitions,
)
from keeper.errors import InputError

# Kupiec (1995), non-rejection regions at 5 % by days, as the likelihood ratio gives them: the
# printed table has N < 7 in its first cell, though no breach in 255 days is refused as well.
REGIONS = {
    0.01: ((1, 6), (2, 10), (5, 16)),
    0.025: ((3, 11), (7, 20), (16, 35)),
    0.05: ((7, 20), (17, 35), (38, 64)),
    0.075: ((12, 27), (28, 50), (60, 91)),
    0.10: ((17, 35), (39, 64), (82, 119)),
}
# Basel Committee (1996), table 1: cumulative probability of 0 to 10 exceptions, per cent.
BASEL = [8.11, 28.58, 54.32, 75.81, 89.22, 95.88, 98.63, 99.60, 99.89, 99.97, 99.99]


@pytest.mark.parametrize("probability", REGIONS)
def test_accepted_breaches__kupiecs_table__equal(probability):
    found = [accepted_breaches(days, probability, 0.05) for days in (255, 510, 1000)]
    assert tuple((r[0], r[-1]) for r in found) == REGIONS[probability]


def test_accepted_breaches__days_of_the_calibration__as_stated_there():
    assert accepted_breaches(2060, 0.01, 0.05) == range(13, 31)


@pytest.mark.parametrize(
    ("breaches", "days", "probability", "statistic", "p_value"),
    [
        (57, 1043, 0.05, 0.46147, 0.49694),  # MATLAB, VaR backtesting: pof
        (3, 250, 0.05, 10.81233, 0.0010083),
        (3, 250, 0.01, 0.0949401, 0.757988),
        (0, 250, 0.01, 5.0252, 0.02498),
    ],
)
def test_kupiec__published_figures__equal(breaches, days, probability, statistic, p_value):
    found = kupiec(breaches, days, probability)
    assert found.statistic == pytest.approx(statistic, abs=5e-5)
    assert found.p_value == pytest.approx(p_value, abs=5e-6)


def test_independence__published_transitions__equal():
    found = independence(Transitions(932, 53, 53, 4))
    assert found.statistic == pytest.approx(0.25866, abs=5e-6)
    assert found.p_value == pytest.approx(0.61104, abs=5e-6)


def test_conditional_coverage__series_with_the_published_transitions__equal():
    # 49 single breaches and 4 double ones, each followed by a quiet day; it begins quiet.
    series = [False, True] * 49 + [False, True, True] * 4 + [False]
    series = [False] * (1043 - len(series)) + series
    found = transitions(series)
    assert (found.quiet_quiet, found.quiet_breach) == (932, 53)
    assert (found.breach_quiet, found.breach_breach) == (53, 4)
    joint = conditional_coverage(series, 0.05)
    assert joint.statistic == pytest.approx(0.72013, abs=5e-6)
    assert joint.p_value == pytest.approx(0.69763, abs=5e-6)


def test_at_most__baselines_of_the_traffic_light__equal():
    found = [100 * at_most(n, 250, 0.01) for n in range(11)]
    assert np.round(found, 2).tolist() == BASEL
    assert at_most(57, 1043, 0.05) == pytest.approx(0.77913, abs=5e-6)
    assert at_least(57, 1043, 0.05) == pytest.approx(0.26396, abs=5e-6)


@pytest.mark.parametrize(
    ("days", "probability", "yellow", "red"),
    [
        (250, 0.01, 5, 10),
        (250, 0.005, 3, 7),
        (250, 0.05, 18, 27),
        (750, 0.005, 7, 13),
        (750, 0.01, 12, 20),
        (750, 0.05, 48, 61),
    ],
)
def test_traffic_light__published_zones__begin_there(days, probability, yellow, red):
    zones = [traffic_light(n, days, probability) for n in range(red + 1)]
    assert zones.index(Zone.YELLOW) == yellow
    assert zones.index(Zone.RED) == red


def test_independence__clustered_breaches__are_refused_and_scattered_ones_not():
    clustered = [False] * 100 + [True] * 10 + [False] * 890
    scattered = ([False] * 99 + [True]) * 10
    assert independence(transitions(clustered)).rejects(0.05)
    assert not independence(transitions(scattered)).rejects(0.05)


@pytest.mark.parametrize("series", [[False, False], [True, True], [False, True], [True, False]])
def test_independence__no_day_of_one_kind__is_zero(series):
    found = independence(transitions(series))
    assert found.statistic == 0.0
    assert found.p_value == 1.0


def test_kupiec__true_model__refuses_about_as_often_as_it_says():
    # Independent reference: the exact size by summing binomial chances over the refused counts.
    kept = accepted_breaches(1000, 0.05, 0.05)
    size = 1.0 - sum(binom.pmf(n, 1000, 0.05) for n in kept)
    assert 0.03 < size < 0.07
    assert kupiec(kept[-1] + 1, 1000, 0.05).statistic > chi2.ppf(0.95, 1)


def test_rate_limits__three_of_250__as_clopper_and_pearson():
    low, high = rate_limits(3, 250, 0.05)
    assert at_least(3, 250, low) == pytest.approx(0.025)
    assert at_most(3, 250, high) == pytest.approx(0.025)
    assert rate_limits(0, 88, 0.05)[0] == 0.0
    assert rate_limits(88, 88, 0.05)[1] == 1.0


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: kupiec(4, 3, 0.01),
        lambda: kupiec(-1, 3, 0.01),
        lambda: kupiec(0, 0, 0.01),
        lambda: kupiec(1, 3, 1.0),
        lambda: transitions([True]),
    ],
)
def test_coverage__counts_that_cannot_be__are_refused(wrong):
    with pytest.raises(InputError, match="give"):
        wrong()
