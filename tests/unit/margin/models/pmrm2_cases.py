"""Small PMRM_2 cases in round numbers: a neutral model, of which each test turns on one part."""

from __future__ import annotations

from dataclasses import replace

from keeper.margin.models.pmrm2.inputs import (
    Basis,
    Charges,
    Collateral,
    Expiry,
    Option,
    Parameters,
    Perp,
    Portfolio,
    Scenario,
    SkewCap,
    SkewShock,
    Smile,
    StaticDiscount,
    Vol,
    VolShock,
)

YEAR = 365 * 86400
FLAT = Scenario(1.0, Vol.NONE, 1.0)

# Factors one and two, no discount, no charge: every figure is what the part under test adds.
NEUTRAL = Parameters(
    scenarios=(FLAT,),
    vol_shock=VolShock(0.0, 0.0, 0.0, 0.0, 1.0, 0.0),
    skew_shock=SkewShock(SkewCap(0.0, 0.0), SkewCap(0.0, 0.0), 0.01, 0.0, 0.0, 0.0),
    maintenance_factor=1.0,
    initial_factor=2.0,
    long_discount=StaticDiscount(1.0, 0.0, 0.0),
    short_discount=StaticDiscount(1.0, 0.0, 0.0),
    basis=Basis(1.0, 1.0, 0.0, 0.0),
    charges=Charges(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0),
)
EMPTY = Portfolio(
    cash=0.0,
    spot=100.0,
    spot_confidence=1.0,
    stable=1.0,
    perp=Perp(0.0, 0.0, 0.0, 0.0),
    collaterals=(),
    expiries=(),
    options=(),
)


def expiry(seconds=YEAR, forward=100.0, vol=0.0, rate=0.0, confidence=1.0):
    """An expiry with one vol for all strikes; without vol its options are intrinsic, exactly."""
    years = max(seconds, 0) / YEAR
    smile = Smile(vol * vol * years, 0.0, 0.0, 0.0, 0.0, forward, years)
    return Expiry(seconds, forward, rate, confidence, smile)


def holding(*options, expiries=None, **changes):
    """The empty portfolio with options (strike, is_call, amount[, expiry])."""
    rows = tuple(Option((*rest, 0)[0], k, call, amount) for k, call, amount, *rest in options)
    expiries = (expiry(),) if expiries is None else expiries
    return replace(EMPTY, options=rows, expiries=expiries, **changes)


def collateral(amount, price, confidence=1.0, offsets_spot=False, haircuts=(0.0, 0.0)):
    return Collateral(amount, price, confidence, offsets_spot, *haircuts)


def model(*scenarios, charges=None, **changes):
    """The neutral model with scenarios (spot shock, vol[, dampening]) and other parts."""
    if scenarios:
        changes["scenarios"] = tuple(Scenario(x, v, (*d, 1.0)[0]) for x, v, *d in scenarios)
    if charges:
        changes["charges"] = replace(NEUTRAL.charges, **charges)
    return replace(NEUTRAL, **changes)


def document():
    """A case as published: one call, one collateral, three scenarios, and its results.

    With vol and rate zero: mark 2 * (100 - 60) = 80; static discount 0.9 on it gives the P&L of
    both unmoved scenarios; the collateral of 50 moves with spot: +5 and +20 * 0.9 up 10 %.
    """
    return {
        "Scenario": {
            "Cash": 10.0,
            "Collaterals": [
                {
                    "Name": "X", "Amount": 5.0, "Price": 10.0, "Confidence": 1.0,
                    "IsRiskCancelling": True, "IMHaircut": 0.02, "MMHaircut": 0.1,
                    "ConfidenceFactor": 0.5,
                }
            ],
            "SpotPrice": 100.0, "SpotConfidence": 1.0,
            "NumPerps": 0, "PerpPrice": 0, "PerpConfidence": 0,
            "UnrealisedPerpPNL": 0.0, "UnrealisedFunding": 0.0,
            "StablePrice": 1.0, "StableConfidence": 1.0,
            "Options": [
                {"Expiry": YEAR, "Strike": 60.0, "IsCall": 1, "MarkVol": 0.0, "Amount": 2.0}
            ],
            "OptionFeeds": [
                {
                    "FeedExpiry": YEAR, "Forward": 100.0, "ForwardConfidence": 1.0,
                    "Rate": 0.0, "RateConfidence": 1.0,
                    "SVIparam": ["0", "0", "0", "0", "0", 100.0, "1.0"],
                    "OptionVolConfidences": 0.95,
                }
            ],
        },
        "Parameters": {
            "Scenarios": [
                {"SpotShock": 1, "VolShockDirection": "None", "DampeningFactor": 1},
                {"SpotShock": 1.1, "VolShockDirection": "Down", "DampeningFactor": 0.5},
                {"SpotShock": 1, "VolShockDirection": "LINEAR", "DampeningFactor": 1.0},
            ],
            "SkewShock": {
                "LINEAR_SCALE_CAP": 0.15, "LINEAR_CBASE": -0.05, "ABS_SCALE_CAP": 0.15,
                "ABS_CBASE": -0.05, "MIN_K_STAR": 0.01, "MIN_WIDTH_SCALE": 4.0,
                "VOL_PARAM_STATIC": 0.6, "VOL_PARAM_SCALE": -0.1,
            },
            "VolShock": {
                "VOLRANGEUP": 0.5, "MIN_VOL_EVAL_SHOCKED": 0.45, "VOLRANGEDOWN": 0.3,
                "SHORTTERMPOWER": 0.3, "LONGTERMPOWER": 0.13, "DTE_FLOOR": 1.0,
            },
            "Margin": {
                "MM_LOSS_FACTOR": 0.8, "IM_LOSS_FACTOR": 1.0,
                "SHORT_RATE_MULTSCALE": 0.5, "LONG_RATE_MULTSCALE": 1,
                "SHORT_RATE_ADDSCALE": 0.0, "LONG_RATE_ADDSCALE": 0.0,
                "BASE_STATIC_DISCOUNT": 0.9, "BASE_STATIC_DISCOUNT_NEG": 1.04,
            },
            "BasisContingency": {
                "SCENARIO_SPOT_UP": 1.05, "SCENARIO_SPOT_DOWN": 0.95,
                "BASIS_CONT_ADD_FACTOR": 0.5, "BASIS_CONT_MULT_FACTOR": 2.0,
            },
            "OtherContingency": {
                "PEG_LOSS_THRESHOLD": 0.98, "PEG_LOSS_FACTOR": 2.0, "CONF_THRESHOLD": 0.5,
                "CONF_MARGIN": 1.0, "MM_PERP_PERCENT": 0.015, "IM_PERP_PERCENT": 0.005,
                "MM_OPTION_PERCENT": 0.003, "IM_OPTION_PERCENT": 0.002,
            },
        },
        "Result": {
            "reg_losses": [["0", 0, "-8"]],  # 72 - 80
            "tail_losses": [["0.1", -1, "7.5"]],  # (0.9 * 100 - 80 + 5) / 2
            "skew_losses": [["LINEAR", "-8"]],
            "ForwardContingency": -25.0,  # -10 * (0.5 + 2)
            "IM": 109.0,  # 10 + 80 + 50 - 25 - 5 - 1
            "MM": 115.0,  # 10 + 80 + 50 - 0.8 * 25 - 5
        },
    }  # fmt: skip
