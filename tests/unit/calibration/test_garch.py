"""GARCH fits against published figures, the arch package and the parameters simulated."""

from __future__ import annotations

import numpy as np
import pytest

from keeper.calibration import garch_optimum
from keeper.calibration.garch import LEAST_RETURNS, GarchParameters, fit_garch
from keeper.calibration.garch_optimum import Innovations, Shape
from keeper.calibration.returns import JointReturns
from keeper.errors import InputError, NotConverged
from tests.unit.calibration.simulated import ASSET, one_asset, simulated
from tests.unit.calibration.sp500 import sp500_percent

GARCH = (Shape.GARCH, Innovations.NORMAL)
GJR = (Shape.GJR, Innovations.NORMAL)
GARCH_T = (Shape.GARCH, Innovations.STUDENT_T)
GJR_T = (Shape.GJR, Innovations.STUDENT_T)


@pytest.fixture(scope="module")
def sp500():
    returns = one_asset(sp500_percent())
    return {kind: fit_garch(returns, ASSET, *kind) for kind in (GARCH, GJR, GARCH_T, GJR_T)}


def test_next_variance__hulls_example__1_53349_percent():
    # Hull, Options, Futures and Other Derivatives: GARCH(1,1), sigma 1.6 %, return 1 %.
    parameters = GarchParameters(mu=0, omega=2e-6, alpha=0.13, gamma=0, beta=0.86)
    variance = parameters.next_variance(0.016**2, 0.01)
    assert variance == pytest.approx(0.00023516, abs=1e-12)
    assert np.sqrt(variance) == pytest.approx(0.0153349, abs=5e-8)
    assert np.sqrt(parameters.long_run_variance) == pytest.approx(0.0141421, abs=5e-8)


def test_next_variance__gjr__weighs_falls_more():
    parameters = GarchParameters(mu=0.01, omega=1e-6, alpha=0.05, gamma=0.1, beta=0.8)
    assert parameters.next_variance(0.0, 0.03) == pytest.approx(1e-6 + 0.05 * 0.02**2)
    assert parameters.next_variance(0.0, -0.01) == pytest.approx(1e-6 + 0.15 * 0.02**2)
    assert parameters.persistence == pytest.approx(0.9)


# The arch package's documentation, S&P 500 1999 to 2018, daily returns in percent.
@pytest.mark.parametrize(
    ("kind", "log_likelihood", "parameters"),
    [
        (GARCH, -6936.718, {"mu": 0.056353, "omega": 0.017507, "alpha": 0.10215, "beta": 0.885206}),
        (GJR, -6822.883, {"omega": 0.019566, "alpha": 0.0, "gamma": 0.183069, "beta": 0.892236}),
        (GARCH_T, -6834.736, {"nu": 6.6072}),
    ],
)
def test_fit_garch__sp500__published_figures(sp500, kind, log_likelihood, parameters):
    fit = sp500[kind]
    assert fit.log_likelihood == pytest.approx(log_likelihood, abs=5e-4)
    for name, value in parameters.items():
        assert getattr(fit.parameters, name) == pytest.approx(value, abs=2e-6, rel=3e-5), name


@pytest.mark.parametrize("kind", [GARCH, GJR, GARCH_T, GJR_T])
def test_fit_garch__sp500__as_likely_as_arch_and_the_same_path(sp500, kind):
    from arch import arch_model

    shape, innovations = kind
    model = arch_model(
        sp500_percent(),
        o=int(shape is Shape.GJR),
        dist="normal" if innovations is Innovations.NORMAL else "t",
        rescale=False,
    )
    reference = model.fit(disp="off")
    fit = sp500[kind]
    assert fit.log_likelihood >= reference.loglikelihood - 1e-6
    assert fit.log_likelihood == pytest.approx(reference.loglikelihood, abs=1e-4)
    volatilities = np.asarray(reference.conditional_volatility)
    assert np.sqrt(fit.variances) == pytest.approx(volatilities, rel=2e-4)
    forecast = np.asarray(reference.forecast(horizon=20).variance)[-1]
    assert fit.forecast_variances(20) == pytest.approx(forecast, rel=5e-4)
    assert fit.residuals == pytest.approx(np.asarray(reference.std_resid), abs=2e-3)


def test_fit_garch__sp500__says_which_numbers_a_constraint_stopped(sp500):
    assert sp500[GARCH].at_bounds == ()
    assert sp500[GJR].at_bounds == ("alpha",)


def test_fit_garch__richer_model__is_at_least_as_likely(sp500):
    for simple, richer in ((GARCH, GJR), (GARCH, GARCH_T), (GJR, GJR_T), (GARCH_T, GJR_T)):
        assert sp500[richer].log_likelihood >= sp500[simple].log_likelihood


@pytest.mark.parametrize("kind", [GARCH, GJR, GARCH_T, GJR_T])
def test_fit_garch__simulated__finds_what_was_put_in(kind):
    shape, innovations = kind
    nu = 6.0 if innovations is Innovations.STUDENT_T else None
    gamma = 0.1 if shape is Shape.GJR else 0.0
    returns = simulated(20_000, alpha=0.08, beta=0.85, gamma=gamma, nu=nu, seed=11, volatility=0.03)
    fit = fit_garch(one_asset(returns), ASSET, *kind)
    found = fit.parameters
    assert found.alpha == pytest.approx(0.08, abs=0.02)
    assert found.gamma == pytest.approx(gamma, abs=0.03)
    assert found.beta == pytest.approx(0.85, abs=0.03)
    assert np.sqrt(found.long_run_variance) == pytest.approx(0.03, rel=0.1)
    assert found.nu == (None if nu is None else pytest.approx(nu, abs=1))
    assert np.var(fit.residuals) == pytest.approx(1, abs=0.03)
    assert fit.residuals == pytest.approx((returns - found.mu) / np.sqrt(fit.variances))


def test_fit_garch__path__steps_by_next_variance(sp500):
    fit, returns = sp500[GJR_T], sp500_percent()
    path = [*fit.variances, fit.next_variance]
    for n in (0, 1, 2_000, 5_029):
        step = fit.parameters.next_variance(path[n], returns[n])
        assert path[n + 1] == pytest.approx(step, rel=1e-12)


def test_forecast_variances__far_ahead__is_the_long_run(sp500):
    fit = sp500[GARCH]
    path = fit.forecast_variances(2_000)
    assert path[0] == fit.next_variance
    expected = fit.parameters.omega + fit.parameters.persistence * path[:-1]
    assert path[1:] == pytest.approx(expected, rel=1e-12)
    assert path[-1] == pytest.approx(fit.parameters.long_run_variance)
    with pytest.raises(InputError, match="periods 0"):
        fit.forecast_variances(0)


def test_fit_garch__asset_of_several__is_fitted_alone():
    ours = simulated(600, alpha=0.1, beta=0.8, seed=3)
    others = simulated(600, alpha=0.2, beta=0.5, seed=4)
    both = JointReturns(("OTHER", ASSET), np.column_stack([others, ours]))
    assert fit_garch(both, ASSET).parameters == fit_garch(one_asset(ours), ASSET).parameters


def test_fit_garch__again__the_same_bits():
    returns = one_asset(simulated(700, alpha=0.1, beta=0.8, seed=8))
    first, second = (fit_garch(returns, ASSET, *GJR_T) for _ in range(2))
    assert first.parameters == second.parameters
    assert np.array_equal(first.variances, second.variances)


def test_fit_garch__optimiser_stopped__is_an_error_with_its_message(monkeypatch):
    monkeypatch.setattr(garch_optimum, "_MOST_STEPS", 2)
    returns = one_asset(simulated(600, alpha=0.1, beta=0.8))
    with pytest.raises(NotConverged, match=r"X: the GARCH fit stopped after 2 steps: Iteration"):
        fit_garch(returns, ASSET)


def test_fit_garch__too_few_or_constant__is_named():
    short = simulated(LEAST_RETURNS - 1, alpha=0.1, beta=0.8)
    with pytest.raises(InputError, match="499 returns: a GARCH fit needs at least 500"):
        fit_garch(one_asset(short), ASSET)
    with pytest.raises(InputError, match=r"X: every return is 0.01: a GARCH fit needs an asset"):
        fit_garch(one_asset(np.full(600, 0.01)), ASSET)
    with pytest.raises(InputError, match=r"asset Y is not one of \('X',\)"):
        fit_garch(one_asset(np.append(short, 0.1)), "Y")


def test_fit_garch__nan__is_named():
    returns = simulated(600, alpha=0.1, beta=0.8)
    returns[17] = np.nan
    with pytest.raises(InputError, match="X: return 17 is nan"):
        fit_garch(one_asset(returns), ASSET)


@pytest.mark.parametrize(
    "changed",
    [
        {"omega": 0.0},
        {"omega": -1e-9},
        {"omega": np.inf},
        {"alpha": -0.01},
        {"beta": -0.01},
        {"alpha": 0.1, "gamma": -0.2},
        {"beta": 0.9},
        {"mu": np.nan},
        {"alpha": np.nan},
    ],
)
def test_parameters__outside_the_constraints__are_shown(changed):
    sound = {"mu": 0.0, "omega": 1e-5, "alpha": 0.1, "gamma": 0.0, "beta": 0.8}
    with pytest.raises(InputError, match="give omega > 0, alpha, alpha \\+ gamma and beta >= 0"):
        GarchParameters(**(sound | changed))


@pytest.mark.parametrize("nu", [2.0, -1.0])
def test_parameters__infinite_variance__is_refused(nu):
    with pytest.raises(InputError, match=f"nu {nu}: give more than 2"):
        GarchParameters(mu=0, omega=1e-5, alpha=0.1, gamma=0, beta=0.8, nu=nu)
