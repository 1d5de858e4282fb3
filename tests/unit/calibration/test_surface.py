"""Surfaces: known smiles come back, arbitrage is repaired at a price or refused."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from keeper.calibration.expiry_fit import Origin, has_butterfly, vols
from keeper.calibration.surface import fit_surface, has_calendar_arbitrage
from keeper.pricing.svi_arbitrage import Smile, butterfly_violation
from tests.unit.calibration.smiles import BTC, DAY, TIME, chain_of, expiry_columns


def errors(fit, smile):
    """Vol points between a fit and the truth, within the quotes."""
    k = np.linspace(fit.quoted_from, fit.quoted_to, 101)
    return 100 * np.abs(vols(fit.smile, k) - vols(smile, k))


@pytest.mark.parametrize("days", [0.5, 2, 9, 30, 100, 360])
def test_fit_surface__quotes_of_one_svi__it_comes_back(days):
    [fit] = fit_surface(chain_of(expiry_columns(BTC, days))).fits
    assert fit.accepted
    assert fit.origin is Origin.FITTED
    assert np.max(errors(fit, BTC)) < 0.02
    assert fit.residuals.rms_points < 0.02
    assert fit.residuals.inside == fit.residuals.two_sided == 25
    assert fit.forward_usd == 90_000


def test_fit_surface__wide_grid_of_quotes__parameters_themselves_come_back():
    [fit] = fit_surface(chain_of(expiry_columns(BTC, 100, deviations=5.5, strikes=60))).fits
    for name in ("a", "b", "rho", "m", "sigma"):
        assert getattr(fit.smile, name) == pytest.approx(getattr(BTC, name), abs=2e-3)


def test_fit_surface__mids_with_noise_within_the_market__inside_almost_everywhere():
    columns = expiry_columns(BTC, 40, strikes=40, spread=0.02)
    noise = np.random.default_rng(5).uniform(-0.4, 0.4, len(columns["bid"]))
    width = columns["ask"] - columns["bid"]
    columns["bid"], columns["ask"] = (columns[side] + noise * width for side in ("bid", "ask"))
    [fit] = fit_surface(chain_of(columns)).fits
    assert fit.residuals.inside >= 0.95 * fit.residuals.two_sided
    assert np.max(errors(fit, BTC)) < 0.5


def test_fit_surface__one_wild_quote__does_not_bend_the_smile():
    columns = expiry_columns(BTC, 40)
    wild = int(np.argmax(columns["call"] & (columns["strike"] > 100_000)))
    columns["bid"][wild] *= 1.6
    columns["ask"][wild] *= 1.6
    [fit] = fit_surface(chain_of(columns)).fits
    assert np.median(errors(fit, BTC)) < 0.5
    assert fit.residuals.inside >= 0.85 * fit.residuals.two_sided


def test_fit_surface__forwards_that_differ__their_median():
    columns = expiry_columns(BTC, 40)
    columns["forward"][:3] *= 1.004
    [fit] = fit_surface(chain_of(columns)).fits
    assert fit.forward_usd == 90_000


def test_fit_surface__too_few_strikes__previous_smile_in_moneyness_for_a_day():
    full = fit_surface(chain_of(expiry_columns(BTC, 0.5)))
    few = chain_of(expiry_columns(BTC, 0.5, strikes=3, deviations=0.5))
    [alone] = fit_surface(few).fits
    assert not alone.accepted
    assert alone.origin is Origin.MISSING
    assert alone.smile is None
    [fit] = fit_surface(few, full).fits
    assert fit.accepted
    assert fit.origin is Origin.CARRIED
    assert fit.smile == full.fits[0].smile
    assert fit.quoted_at == TIME
    assert fit.reason == "3 usable strikes, a fit takes 5: previous smile carried"
    old = replace(full, fits=(replace(full.fits[0], quoted_at=TIME - DAY - 1),))
    [stale] = fit_surface(few, old).fits
    assert not stale.accepted


def test_fit_surface__empty_wing__shape_of_the_previous_smile_at_todays_level():
    before = fit_surface(chain_of(expiry_columns(BTC, 40)))
    higher = Smile(BTC.a * 1.44, BTC.b * 1.44, BTC.rho, BTC.m, BTC.sigma)
    columns = expiry_columns(higher, 40)
    for name in ("bid", "ask", "iv"):
        columns[name] = np.where(columns["strike"] < 90_000, np.nan, columns[name])
    [alone] = fit_surface(chain_of(columns)).fits
    assert not alone.accepted
    assert "no quotes below the forward" in alone.reason
    [fit] = fit_surface(chain_of(columns), before).fits
    assert fit.accepted
    assert "that wing as before" in fit.reason
    k = np.array([-0.3, -0.2, -0.1, 0.0, 0.1])
    assert 100 * np.abs(vols(fit.smile, k) - vols(higher, k)) == pytest.approx(0, abs=1.5)


# Gatheral and Jacquier (2014), example 3.1, after Axel Vogt: total variance at one year.
VOGT = Smile(a=-0.0410, b=0.1331, rho=0.3060, m=0.3586, sigma=0.4153)


def test_fit_surface__vogt_smile__its_butterfly_is_seen_and_repaired_or_refused():
    assert butterfly_violation(VOGT, 1.0) is not None
    columns = expiry_columns(VOGT, 365, deviations=5.0, strikes=60, spread=0.004)
    [fit] = fit_surface(chain_of(columns)).fits
    assert "butterfly" in fit.reason
    if fit.accepted:
        assert fit.origin is Origin.REPAIRED
        assert not has_butterfly(fit)
        assert fit.repair_points <= 0.5
    else:
        assert fit.repair_points == 0.0
    sound = fit_surface(chain_of(expiry_columns(BTC, 365, deviations=5.0, strikes=60))).fits[0]
    assert sound.reason == ""


def scaled(smile, factor):
    return replace(smile, a=smile.a * factor, b=smile.b * factor)


def test_fit_surface__slight_calendar_arbitrage__one_is_bent_and_it_is_said():
    near, far = expiry_columns(BTC, 30), expiry_columns(scaled(BTC, 0.965), 31)
    fits = fit_surface(chain_of(near, far)).fits
    assert all(fit.accepted for fit in fits)
    assert not has_calendar_arbitrage(*fits)
    bent = [fit for fit in fits if fit.origin is Origin.REPAIRED]
    assert len(bent) == 1
    assert "calendar arbitrage" in bent[0].reason
    assert 0 < bent[0].repair_points <= 0.5


def test_fit_surface__gross_calendar_arbitrage__the_thinner_expiry_is_refused():
    near = expiry_columns(BTC, 30)
    far = expiry_columns(scaled(BTC, 0.6), 32, strikes=15)
    fits = fit_surface(chain_of(near, far)).fits
    assert [fit.accepted for fit in fits] == [True, False]
    assert "more than 0.5" in fits[1].reason
    assert np.max(errors(fits[1], scaled(BTC, 0.6))) < 0.05  # the raw fit stays to be looked at


def pairs_with_arbitrage(fits):
    accepted = [fit for fit in fits if fit.accepted]
    return [pair for pair in combinations(accepted, 2) if has_calendar_arbitrage(*pair)]


def test_fit_surface__expiry_between_refused__the_others_are_judged_as_neighbours():
    first, third = expiry_columns(BTC, 30, strikes=25), expiry_columns(scaled(BTC, 0.6), 32)
    wild = expiry_columns(scaled(BTC, 2.0), 31, strikes=9)
    fits = fit_surface(chain_of(first, wild, third)).fits
    assert [fit.accepted for fit in fits].count(True) == 1
    assert not pairs_with_arbitrage(fits)
    sound = fit_surface(chain_of(first, wild, expiry_columns(BTC, 32))).fits
    assert [fit.accepted for fit in sound] == [True, False, True]
    assert not pairs_with_arbitrage(sound)


def test_fit_surface__expiry_between_carried__the_others_are_judged_as_neighbours():
    first, second = expiry_columns(BTC, 30), expiry_columns(BTC, 31)
    third = expiry_columns(scaled(BTC, 0.6), 32)
    before = fit_surface(chain_of(first, second))
    thin = {name: column[:3] for name, column in second.items()}
    fits = fit_surface(chain_of(first, thin, third), before).fits
    assert fits[1].origin is Origin.CARRIED
    assert not pairs_with_arbitrage(fits)


@pytest.mark.parametrize("level", [1.0, 1.05, 2.0])
def test_fit_surface__expiry_without_any_number__carried_or_refused_and_never_bent(level):
    second = expiry_columns(BTC, 31)
    before = fit_surface(chain_of(expiry_columns(BTC, 30), second))
    numbers = {name: np.full(50, np.nan) for name in ("mark", "iv", "bid", "ask")}
    fits = fit_surface(
        chain_of(expiry_columns(scaled(BTC, level), 30), second | numbers), before
    ).fits
    assert fits[1].smile == before.fits[1].smile
    assert fits[1].accepted == (level < 2.0)
    assert not pairs_with_arbitrage(fits)


def test_fit_surface__calendar_beyond_the_quotes__is_no_reason_to_touch_anything():
    near = expiry_columns(BTC, 30, deviations=1.0)
    flat = Smile(a=0.2, b=0.01, rho=0.0, m=0.0, sigma=0.3)
    far = expiry_columns(flat, 45, deviations=1.0)
    fits = fit_surface(chain_of(near, far)).fits
    assert [fit.reason for fit in fits] == ["", ""]


def test_fit_surface__two_underlyings__no_calendar_between_them():
    near = chain_of(expiry_columns(BTC, 30))
    far = chain_of(expiry_columns(scaled(BTC, 0.5), 60), underlying=2)
    joined = {
        name: np.concatenate([getattr(near, name), getattr(far, name)])
        for name in near.__dataclass_fields__
        if name not in ("source", "time")
    }
    surface = fit_surface(replace(near, **joined))
    assert [fit.underlying for fit in surface.fits] == [1, 2]
    assert [fit.reason for fit in surface.fits] == ["", ""]
    assert surface.find(2, surface.fits[1].expiry) is surface.fits[1]
    assert surface.find(3, 1) is None


def test_fit_surface__nothing_but_marks__fitted_to_them():
    columns = expiry_columns(BTC, 30)
    columns["bid"][:] = np.nan
    columns["ask"][:] = np.nan
    [fit] = fit_surface(chain_of(columns)).fits
    assert fit.accepted
    assert fit.residuals.liquid == fit.residuals.two_sided == 0
    assert fit.residuals.rms_points < 0.02
