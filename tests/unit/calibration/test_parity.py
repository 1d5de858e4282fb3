"""Put-call parity: a known rate and forward found again, odd quotes borne, too few refused."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from keeper.calibration.parity import parities, parity
from keeper.sources.chain_files import read_chains
from keeper.units import E8
from tests.unit.calibration.smiles import BTC, TIME, chain_of, expiry_columns

CHAINS = Path(__file__).parents[4] / "shared/data/deribit_chains"
FORWARD = 90_000.0
YEAR = 365


def quoted(rate=0.0, forward=FORWARD, days=73, noise=0.0, seed=1, **expiry):
    """A chain whose options are worth `exp(-rate T)` of the undiscounted, on another forward.

    Rows still say FORWARD, so what parity finds is in the quotes alone.
    """
    chain = chain_of(expiry_columns(BTC, days, forward, **expiry))
    chance = np.random.default_rng(seed)
    scale = np.exp(-rate * days / YEAR) * forward / FORWARD
    middle = 0.5 * (chain.bid_coin + chain.ask_coin) * scale
    half = 0.5 * (chain.ask_coin - chain.bid_coin)
    middle = middle + noise * half * chance.standard_normal(len(chain))
    return replace(
        chain,
        forward_usd=np.full(len(chain), FORWARD),
        bid_coin=middle - half,
        ask_coin=middle + half,
    )


def only(chain):
    (found,) = parities(chain)
    return found


@pytest.mark.parametrize("rate", [-0.03, 0.0, 0.045, 0.2])
def test_parity__known_rate_and_forward__found_again(rate):
    found = only(quoted(rate, forward=90_450.0))
    assert found.accepted
    assert found.pairs == 25
    assert found.rate == pytest.approx(rate, abs=1e-6)
    assert found.discount == pytest.approx(np.exp(-rate * 73 / YEAR), rel=1e-6)
    assert found.forward_usd == pytest.approx(90_450.0, rel=1e-6)
    assert found.forward_spread == pytest.approx(0.0, abs=1e-6)
    assert found.rate_error == pytest.approx(0.0, abs=1e-5)


def test_parity__noise__error_says_how_far_off_the_rate_is():
    offs, errors = [], []
    for seed in range(200):
        found = only(quoted(0.05, noise=0.5, seed=seed))
        offs.append(found.rate - 0.05)
        errors.append(found.rate_error)
    # The Theil-Sen slope has 0.91 to 0.95 of the efficiency of least squares under normal noise.
    assert np.std(offs) == pytest.approx(np.median(errors), rel=0.35)
    assert abs(np.mean(offs)) < 3 * np.std(offs) / np.sqrt(len(offs))


def test_parity__a_fifth_of_the_strikes_absurd__hardly_moves():
    chain = quoted(0.05)
    rows = np.flatnonzero(chain.is_call)[::5]
    bid, ask = chain.bid_coin.copy(), chain.ask_coin.copy()
    bid[rows] += 0.05
    ask[rows] += 0.05
    found = only(replace(chain, bid_coin=bid, ask_coin=ask))
    worth = (bid + ask)[chain.is_call] - (bid + ask)[~chain.is_call]
    slope = np.polyfit(chain.strike_e8[chain.is_call] / E8, 0.5 * FORWARD * worth, 1)[0]
    assert found.rate == pytest.approx(0.05, abs=0.005)
    # The control: least squares through the same quotes.
    least_squares = -np.log(-slope) * YEAR / 73
    assert abs(least_squares - 0.05) > 4 * abs(found.rate - 0.05)


@pytest.mark.parametrize(("strikes", "accepted"), [(4, False), (5, True)])
def test_parity__few_strikes__refused_with_the_count(strikes, accepted):
    found = only(quoted(strikes=strikes))
    assert found.accepted is accepted
    if not accepted:
        assert found.reason == ("4 strikes with both sides of call and put, parity takes 5")
        assert np.isnan([found.rate, found.forward_usd, found.discount]).all()


def test_parity__side_missing__its_strike_is_no_pair():
    chain = quoted()
    bid = chain.bid_coin.copy()
    bid[np.flatnonzero(~chain.is_call)[:21]] = np.nan
    found = only(replace(chain, bid_coin=bid))
    assert (found.pairs, found.accepted) == (4, False)


def test_parity__call_less_put_rises__is_no_discount():
    chain = quoted()
    swapped = replace(chain, is_call=~chain.is_call)
    found = only(swapped)
    assert not found.accepted
    assert "no discount" in found.reason


def test_parities__several_expiries__each_its_own_in_order():
    near, far = (expiry_columns(BTC, days) for days in (7, 70))
    found = parities(chain_of(far, near))
    assert [one.expiry for one in found] == [TIME + 7 * 86_400, TIME + 70 * 86_400]
    assert found[1] == parity(chain_of(far), 1, TIME + 70 * 86_400)


@pytest.mark.skipif(not CHAINS.is_dir(), reason="the reference chains are not there")
def test_parities__reference_chains__no_rate_beside_the_exchanges_own_forward():
    """Real quotes: the exchange's options are undiscounted on its forward, within their errors."""
    chains = [read.chain for read in read_chains(CHAINS)][::60]
    found = [one for chain in chains if chain is not None for one in parities(chain)]
    kept = [one for one in found if one.accepted and one.years > 30 / YEAR]
    assert len(kept) > 50
    assert abs(np.median([one.rate for one in kept])) < 0.005
    assert np.median([one.forward_spread for one in kept]) < 10e-4
