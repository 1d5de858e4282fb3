"""PMRM_2 in round numbers: without vol options are intrinsic, so that each figure is exact."""

from __future__ import annotations

from dataclasses import replace

import mpmath as mp
import pytest

from keeper.errors import InputError
from keeper.margin.models.pmrm2.inputs import (
    Basis,
    Perp,
    SkewCap,
    SkewShock,
    Smile,
    StaticDiscount,
    Vol,
)
from keeper.margin.models.pmrm2.margins import margins
from tests.unit.margin.models.pmrm2_cases import (
    EMPTY,
    NEUTRAL,
    YEAR,
    collateral,
    expiry,
    holding,
    model,
)

CALL, PUT = True, False


def near(value):
    return pytest.approx(value, rel=1e-14, abs=1e-14)


def test_margins__cash_only__is_the_cash():
    result = margins(replace(EMPTY, cash=1000.0), NEUTRAL)
    assert (result.initial, result.maintenance, result.mark_to_market) == (1000.0,) * 3
    assert result.scenario_pnl == (0.0,)


def test_margins__factors__scale_the_worst_scenario_only():
    charges = {"maintenance_perp": 0.01, "initial_perp": 0.02}
    perp = Perp(-3.0, 90.0, 1.0, -7.0)
    result = margins(
        replace(EMPTY, cash=500.0, perp=perp),
        model((0.9, Vol.UP), (1.1, Vol.DOWN), (3.0, Vol.UP, 0.25), charges=charges),
    )
    # The perp's own price moves it, spot gives its notional.
    assert result.scenario_pnl == near((27.0, -27.0, -135.0))
    assert result.worst == 2
    assert result.maintenance == near(500 - 7 - 135 - 3)
    assert result.initial == near(500 - 7 - 2 * 135 - 3 - 6)


def test_margins__no_perp_held__unrealised_does_not_count():
    result = margins(replace(EMPTY, perp=Perp(0.0, 90.0, 1.0, -7.0)), NEUTRAL)
    assert result.mark_to_market == 0.0


def test_margins__collateral__haircuts_add_up_and_only_some_moves_with_spot():
    held = (
        collateral(2.0, 100.0, offsets_spot=True, haircuts=(0.1, 0.05)),
        collateral(30.0, 10.0, haircuts=(0.2, 0.0)),
    )
    result = margins(replace(EMPTY, collaterals=held, stable=0.5), model((0.8, Vol.UP)))
    assert result.scenario_pnl == near((-80.0,))  # 20 % of 400
    assert result.mark_to_market == near(1000.0)
    assert result.maintenance == near(1000 - 80 - 40 - 120)
    assert result.initial == near(1000 - 160 - 40 - 120 - 20)


def test_margins__lost_peg__raises_the_initial_factor_only():
    charges = {"peg_threshold": 0.9, "peg_factor": 4.0}
    held = replace(EMPTY, stable=0.5, perp=Perp(1.0, 100.0, 1.0, 0.0))
    result = margins(held, model((0.9, Vol.UP), charges=charges))
    assert result.maintenance == near(-10.0)
    assert result.initial == near(-10.0 * (2 + 0.4 * 4))


@pytest.mark.parametrize(
    ("amount", "rate", "pnl"),
    [
        (1.0, 0.0, 40 * 0.95 - 40),
        (-1.0, 0.0, 0.0),  # a debt is marked at most undiscounted, and without a rate it is
        (-1.0, -0.5, 0.0),  # rates are floored at zero
    ],
)
def test_margins__static_discount__makes_gains_smaller_and_debts_larger(amount, rate, pnl):
    parameters = model(
        long_discount=StaticDiscount(0.95, 0.0, 0.0),
        short_discount=StaticDiscount(1.04, 0.0, 0.0),
    )
    held = holding((60.0, CALL, amount), expiries=(expiry(rate=rate),))
    assert margins(held, parameters).scenario_pnl == near((pnl,))


def test_margins__static_discount__grows_with_rate_and_time():
    parameters = model(
        long_discount=StaticDiscount(0.95, 1.5, 0.08),
        short_discount=StaticDiscount(0.9, 0.5, 0.02),
    )
    long, short = (
        margins(holding((60.0, CALL, n), expiries=(expiry(2 * YEAR, rate=0.1),)), parameters)
        for n in (1.0, -1.0)
    )
    mark = 40 * mp.exp(mp.mpf("-0.2"))
    assert long.mark_to_market == near(float(mark))
    assert long.scenario_pnl[0] == near(float(mark * (0.95 * mp.exp(-2 * mp.mpf("0.23")) - 1)))
    assert short.scenario_pnl[0] == near(float(-mark * (0.9 * mp.exp(2 * mp.mpf("0.07")) - 1)))


def test_margins__skew__never_gains_and_expiries_do_not_offset():
    shock = SkewShock(SkewCap(0.5, 0.0), SkewCap(0.5, 0.0), 0.01, 1.0, 1.0, 0.0)
    parameters = model((1.3, Vol.LINEAR), (1.3, Vol.ABS), skew_shock=shock)
    near_expiry, far_expiry = expiry(YEAR, vol=0.5), expiry(2 * YEAR, vol=0.5)
    call, put = (130.0, CALL, 1.0), (130.0, PUT, -1.0, 1)

    def pnl(*options):
        return margins(
            holding(*options, expiries=(near_expiry, far_expiry)), parameters
        ).scenario_pnl

    long, short, other, both = (
        pnl(call),
        pnl((130.0, CALL, -1.0)),
        pnl(put),
        pnl(call, put),
    )
    assert long[0] < -1.0  # the vol of the wing rises, and still it counts as a loss
    assert long == near(short)
    assert long == near((long[0], long[0]))  # above the forward both skews are the same
    assert both == near((long[0] + other[0], long[1] + other[1]))


def test_margins__skew__moves_no_forward_but_what_is_linear():
    held = holding((60.0, CALL, 1.0), perp=Perp(1.0, 100.0, 1.0, 0.0))
    result = margins(held, model((1.3, Vol.LINEAR), (1.3, Vol.NONE)))
    assert result.scenario_pnl == near((30.0, 60.0))


def test_margins__basis__each_expiry_for_itself_and_longer_ones_more():
    parameters = model(basis=Basis(1.1, 0.95, 0.5, 2.0))
    spread = (expiry(YEAR // 2), expiry(YEAR))
    held = holding((60.0, CALL, 1.0, 0), (60.0, CALL, -1.0, 1), expiries=spread)
    result = margins(held, parameters)
    # Long: 5 down, times 0.5 + 1. Short: 10 up, times 0.5 + 2.
    assert result.basis == near(-(5 * 1.5 + 10 * 2.5))
    assert result.worst == 1
    assert result.maintenance == near(-32.5)
    assert result.initial == near(-65.0)


def test_margins__nothing_loses__no_requirement():
    assert (
        margins(replace(EMPTY, perp=Perp(1.0, 100.0, 1.0, 0.0)), model((1.1, Vol.UP))).initial == 0
    )


@pytest.mark.parametrize(
    ("seconds", "pnl"), [(1800, 20.0), (3600, 20.0), (900, 10.0), (1, 20 / 1800), (0, 0.0)]
)
def test_margins__last_half_hour__what_is_averaged_moves_no_more(seconds, pnl):
    held = holding((60.0, CALL, 1.0), expiries=(expiry(seconds),))
    result = margins(held, model((1.2, Vol.UP)))
    assert result.scenario_pnl == pytest.approx((pnl,), rel=1e-12, abs=1e-14)


@pytest.mark.parametrize("seconds", [0, -60])
def test_margins__expired__intrinsic_whatever_the_smile_says(seconds):
    wild = replace(expiry(seconds, rate=0.3), smile=Smile(9.0, 1.0, 0.0, 0.0, 1.0, 100.0, 0.0))
    held = holding((60.0, CALL, 2.0), (170.0, PUT, -1.0), (90.0, PUT, 5.0), expiries=(wild,))
    assert margins(held, model((1.0, Vol.UP))).mark_to_market == 2 * 40 - 70


def test_margins__naked_shorts__calls_and_puts_offset_at_a_strike_of_an_expiry_only():
    charges = {"maintenance_option": 0.01, "initial_option": 0.002}
    held = holding(
        (200.0, CALL, -3.0), (200.0, PUT, 1.0), (210.0, CALL, 5.0), (200.0, CALL, 9.0, 1),
        expiries=(expiry(YEAR), expiry(2 * YEAR)),
    )  # fmt: skip
    result = margins(held, model(charges=charges))
    assert result.maintenance == near(100 - 2 * 100 * 0.01)
    assert result.initial == near(100 - 2 * 100 * 0.012)


def oracle(portfolio):
    charges = {"confidence_threshold": 0.55, "confidence_factor": 2.0}
    result = margins(portfolio, model(charges=charges))
    assert result.maintenance == result.mark_to_market
    return result.mark_to_market - result.initial


def test_margins__unsure_collateral__lower_of_its_own_and_of_spot():
    held = tuple(collateral(1.0, 100.0, confidence) for confidence in (0.5, 0.55, 1.0))
    assert oracle(replace(EMPTY, collaterals=held)) == near(100.0)
    assert oracle(replace(EMPTY, collaterals=held, spot_confidence=0.2)) == near(3 * 160.0)


def test_margins__unsure_perp__reaches_options_but_not_collateral():
    perp = Perp(-2.0, 50.0, 0.4, 0.0)
    held = holding((500.0, CALL, 1.0), collaterals=(collateral(1.0, 100.0),), perp=perp)
    assert oracle(held) == near((2 + 1) * 100 * 0.6 * 2)
    assert oracle(replace(held, perp=Perp(0.0, 50.0, 0.4, 0.0))) == 0.0


def test_margins__unsure_expiry__charges_gross_amounts():
    unsure, sure = expiry(YEAR, confidence=0.5), expiry(2 * YEAR)
    held = holding(
        (500.0, CALL, 1.0), (500.0, CALL, -4.0), (600.0, CALL, 7.0, 1), expiries=(unsure, sure)
    )
    assert oracle(held) == near(5 * 100 * 0.5 * 2)


def test_margins__negative_variance__refused_with_expiry_and_strike():
    bent = replace(expiry(), smile=Smile(0.1, 1.0, -3.0, 0.0, 0.1, 100.0, 1.0))
    with pytest.raises(
        InputError, match=r"SVIparam of expiry 31536000: variance is -.* strike 200"
    ):
        margins(holding((200.0, CALL, 1.0), expiries=(bent,)), NEUTRAL)
    sunk = replace(expiry(), smile=Smile(-0.1, 0.0, 0.0, 0.0, 0.1, 100.0, 1.0))
    with pytest.raises(InputError, match=r"a \+ b sigma is -0.1"):
        margins(holding((200.0, CALL, 1.0), expiries=(sunk,)), NEUTRAL)
