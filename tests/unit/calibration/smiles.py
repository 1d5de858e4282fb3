"""Chains made from known smiles, as an exchange would quote them."""

import numpy as np

from keeper.calibration.expiry_fit import vols
from keeper.pricing import black76
from keeper.pricing.svi_arbitrage import Smile
from keeper.state.option_chain import OptionChain
from keeper.units import E8, YEAR_SECONDS

TIME = 1_770_000_000
DAY = 86_400
BTC = Smile(a=0.12, b=0.35, rho=-0.3, m=0.02, sigma=0.18)


def expiry_columns(smile, days, forward=90_000.0, spread=0.01, deviations=3.0, strikes=25):
    """One expiry: strikes evenly over so many deviations, markets `spread` vols wide."""
    years = days / 365
    deviation = vols(smile, np.zeros(1))[0] * np.sqrt(years)
    k = np.linspace(-deviations, deviations, strikes) * deviation
    strike = np.round(forward * np.exp(k), 2)
    k = np.log(strike / forward)
    vol = vols(smile, k)
    rows = {name: [] for name in ("strike", "call", "mark", "iv", "bid", "ask")}
    for is_call in (False, True):
        price = [
            black76.price(forward, strike, v, years, is_call) / forward
            for v in (vol, vol - spread / 2, vol + spread / 2)
        ]
        for name, column in zip(
            rows, (strike, np.full(strikes, is_call), price[0], vol, *price[1:]), strict=True
        ):
            rows[name].append(column)
    flat = {name: np.concatenate(columns) for name, columns in rows.items()}
    count = 2 * strikes
    return {
        "expiry": np.full(count, TIME + round(years * YEAR_SECONDS)),
        "forward": np.full(count, forward),
        **flat,
    }


def chain_of(*expiries, underlying=1, time=TIME):
    columns = {name: np.concatenate([e[name] for e in expiries]) for name in expiries[0]}
    order = np.lexsort((columns["call"], columns["strike"], columns["expiry"]))
    columns = {name: column[order] for name, column in columns.items()}
    count = len(order)
    return OptionChain(
        source="made up",
        time=time,
        underlying=np.full(count, underlying, dtype=np.uint16),
        expiry=columns["expiry"].astype(np.int64),
        strike_e8=np.round(columns["strike"] * E8).astype(np.int64),
        is_call=columns["call"].astype(np.bool_),
        forward_usd=columns["forward"],
        index_usd=columns["forward"],
        mark_coin=columns["mark"],
        iv=columns["iv"],
        bid_coin=columns["bid"],
        ask_coin=columns["ask"],
        open_interest=np.ones(count),
    )
