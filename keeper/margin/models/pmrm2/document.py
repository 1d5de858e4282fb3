"""A published test case, from decoded JSON: its objects `Scenario` and `Parameters`.

Fields that follow from others (discounts, multipliers, `MarkVol`) are not read into the case.
"""

from __future__ import annotations

from typing import Final

from keeper.margin.models.pmrm2.fields import Fields, fields
from keeper.margin.models.pmrm2.inputs import (
    Basis,
    Case,
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
from keeper.margin.models.pmrm2.published import parse_published

_SMILE_TERMS: Final = 7
_VOLS: Final = {vol.value: vol for vol in Vol}


def parse_case(name: str, document: object) -> Case:
    """Return a case from its decoded JSON.

    Raises InputError that names the case, the field, its value and what to write: fields that are
    missing, not finite or of the wrong sign, options without a feed, results that do not match the
    scenarios.
    """
    root = fields(name, "", document)
    parameters = _parameters(root.table("Parameters"))
    return Case(
        name=name,
        portfolio=_portfolio(root.table("Scenario")),
        parameters=parameters,
        published=parse_published(root.table("Result"), parameters.scenarios),
    )


def _portfolio(table: Fields) -> Portfolio:
    feeds = table.tables("OptionFeeds")
    expiries = tuple(_expiry(feed) for feed in feeds)
    place: dict[int, int] = {}
    for index, (feed, expiry) in enumerate(zip(feeds, expiries, strict=True)):
        if expiry.seconds in place:
            raise feed.refused("FeedExpiry", expiry.seconds, "give one feed an expiry")
        place[expiry.seconds] = index
    return Portfolio(
        cash=table.real("Cash"),
        spot=table.positive("SpotPrice"),
        spot_confidence=table.fraction("SpotConfidence"),
        stable=table.positive("StablePrice"),
        perp=Perp(
            amount=table.real("NumPerps"),
            price=table.amount("PerpPrice"),
            confidence=table.fraction("PerpConfidence"),
            unrealised=table.real("UnrealisedPerpPNL") + table.real("UnrealisedFunding"),
        ),
        collaterals=tuple(_collateral(row) for row in table.tables("Collaterals")),
        expiries=expiries,
        options=tuple(_option(row, place) for row in table.tables("Options")),
    )


def _collateral(row: Fields) -> Collateral:
    return Collateral(
        amount=row.amount("Amount"),
        price=row.amount("Price"),
        confidence=row.fraction("Confidence"),
        offsets_spot=row.flag("IsRiskCancelling"),
        maintenance_haircut=row.fraction("MMHaircut"),
        initial_haircut=row.fraction("IMHaircut"),
    )


def _expiry(feed: Fields) -> Expiry:
    seconds = feed.integer("FeedExpiry")
    return Expiry(
        seconds=seconds,
        forward=feed.positive("Forward"),
        rate=feed.real("Rate"),
        confidence=min(
            feed.fraction("ForwardConfidence"),
            feed.fraction("RateConfidence"),
            feed.fraction("OptionVolConfidences"),
        ),
        smile=_smile(feed, live=seconds > 0),
    )


def _smile(feed: Fields, live: bool) -> Smile:
    name = "SVIparam"
    terms = [feed.to_real(name, item) for item in feed.items(name, _SMILE_TERMS)]
    a, b, rho, m, sigma, forward, years = terms
    shaped = b >= 0.0 and abs(rho) < 1.0 and sigma >= 0.0
    if not (shaped and forward > 0.0 and (years > 0.0 or (years == 0.0 and not live))):
        fix = "with b and sigma not negative, rho within -1 and 1, F and tau above 0"
        raise feed.refused(name, terms, f"write [a, b, rho, m, sigma, F, tau] {fix}")
    return Smile(a, b, rho, m, sigma, forward, years)


def _option(row: Fields, place: dict[int, int]) -> Option:
    seconds = row.integer("Expiry")
    if seconds not in place:
        raise row.refused("Expiry", seconds, "add a row of OptionFeeds with this FeedExpiry")
    return Option(
        expiry=place[seconds],
        strike=row.positive("Strike"),
        is_call=row.flag("IsCall"),
        amount=row.real("Amount"),
    )


def _parameters(table: Fields) -> Parameters:
    margin = table.table("Margin")
    return Parameters(
        scenarios=_scenarios(table),
        vol_shock=_vol_shock(table.table("VolShock")),
        skew_shock=_skew_shock(table.table("SkewShock")),
        maintenance_factor=margin.amount("MM_LOSS_FACTOR"),
        initial_factor=margin.amount("IM_LOSS_FACTOR"),
        long_discount=StaticDiscount(
            base=margin.amount("BASE_STATIC_DISCOUNT"),
            rate_factor=margin.amount("LONG_RATE_MULTSCALE"),
            rate_add=margin.amount("LONG_RATE_ADDSCALE"),
        ),
        short_discount=StaticDiscount(
            base=margin.amount("BASE_STATIC_DISCOUNT_NEG"),
            rate_factor=margin.amount("SHORT_RATE_MULTSCALE"),
            rate_add=margin.amount("SHORT_RATE_ADDSCALE"),
        ),
        basis=_basis(table.table("BasisContingency")),
        charges=_charges(table.table("OtherContingency")),
    )


def _scenarios(table: Fields) -> tuple[Scenario, ...]:
    rows = table.tables("Scenarios")
    if not rows:
        raise table.refused("Scenarios", [], "write at least one")
    return tuple(
        Scenario(
            spot_shock=row.amount("SpotShock"),
            vol=row.choice("VolShockDirection", _VOLS),
            dampening=row.amount("DampeningFactor"),
        )
        for row in rows
    )


def _vol_shock(table: Fields) -> VolShock:
    return VolShock(
        range_up=table.amount("VOLRANGEUP"),
        range_down=table.amount("VOLRANGEDOWN"),
        short_term_power=table.amount("SHORTTERMPOWER"),
        long_term_power=table.amount("LONGTERMPOWER"),
        floor_days=table.amount("DTE_FLOOR"),
        least_vol_up=table.amount("MIN_VOL_EVAL_SHOCKED"),
    )


def _skew_shock(table: Fields) -> SkewShock:
    return SkewShock(
        linear=SkewCap(table.real("LINEAR_SCALE_CAP"), table.real("LINEAR_CBASE")),
        absolute=SkewCap(table.real("ABS_SCALE_CAP"), table.real("ABS_CBASE")),
        least_k_star=table.amount("MIN_K_STAR"),
        width=table.amount("MIN_WIDTH_SCALE"),
        vol_static=table.amount("VOL_PARAM_STATIC"),
        vol_per_root_year=table.real("VOL_PARAM_SCALE"),
    )


def _basis(table: Fields) -> Basis:
    return Basis(
        shock_up=table.amount("SCENARIO_SPOT_UP"),
        shock_down=table.amount("SCENARIO_SPOT_DOWN"),
        add_factor=table.amount("BASIS_CONT_ADD_FACTOR"),
        per_year_factor=table.amount("BASIS_CONT_MULT_FACTOR"),
    )


def _charges(table: Fields) -> Charges:
    return Charges(
        peg_threshold=table.amount("PEG_LOSS_THRESHOLD"),
        peg_factor=table.amount("PEG_LOSS_FACTOR"),
        confidence_threshold=table.amount("CONF_THRESHOLD"),
        confidence_factor=table.amount("CONF_MARGIN"),
        maintenance_perp=table.amount("MM_PERP_PERCENT"),
        initial_perp=table.amount("IM_PERP_PERCENT"),
        maintenance_option=table.amount("MM_OPTION_PERCENT"),
        initial_option=table.amount("IM_OPTION_PERCENT"),
    )
