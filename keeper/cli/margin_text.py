"""Tables of `keeper margin` for people: at most 120 columns."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.table import Table

from keeper.margin.explanation import COMPONENTS, Explanation, GreeksOf
from keeper.margin.greeks import DollarGreeks
from keeper.margin.leverage import UNLIMITED
from keeper.margin.liquidation_price import LiquidationPrice
from keeper.margin.what_if import WhatIf
from keeper.units import BPS, E8, USD6, usd

if TYPE_CHECKING:
    from keeper.audit.account import AccountReport

PLAIN_WIDTH: Final = 120
_LAST_CALENDAR_SECOND: Final = 253_402_300_799
_UNKNOWN: Final = "unknown"
# Fields of `audit.account.Figures` and what each is called.
_BOTH_SIDES: Final = {
    "equity_usd6": "equity",
    "standard_usd6": "SM, standard",
    "standard_initial_usd6": "SM at initial level",
    "maintenance_usd6": "MM, to stay open",
    "grid_initial_usd6": "IM without a leaf",
    "worst_loss_usd6": "worst loss",
}
_HEADLINES: Final = {
    "equity_usd6": "equity",
    "requirement_usd6": "requirement: the smaller of SM and MM",
    "headroom_usd6": "headroom: equity less requirement",
    "initial_requirement_usd6": "initial requirement, for new risk",
}
# Ratios to equity: what each is called, what it is shown in, and that unit's sign.
_RATIOS: Final = {
    "utilisation_bps": ("utilisation: requirement over equity", 100, "%"),
    "initial_utilisation_bps": ("initial utilisation: initial requirement over equity", 100, "%"),
    "leverage_bps": ("leverage: gross over equity", 1, "times"),
}


def show(
    console: Console, shown: Explanation, report: AccountReport | None, trade: WhatIf | None
) -> None:
    """Print an explanation; with the contracts' figures and a hypothetical trade where given."""
    console.print(f"account 0x{shown.account.hex()}")
    console.print(f"block {shown.ref_block}, {shown.health}, cash {usd(shown.cash_usd6)} USD")
    for problem in shown.problems:
        console.print(problem)
    after = None if trade is None else trade.after
    tables = [_legs(shown, "Legs, USD")]
    if report is not None:
        tables.append(_both_sides(report))
    tables.append(_breakdown(shown, trade))
    tables.append(_ratios(shown, after))
    tables.append(_liquidation(shown, after))
    tables.append(_greeks(shown))
    tables.append(_scenarios(shown, after))
    if after is not None:
        tables.insert(1, _legs(after, "Legs after the trade, USD"))
        tables.insert(-1, _greeks(after, "after the trade", with_legs=False))
    for table in tables:
        if table.row_count:
            console.print()
            console.print(table)


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for index, column in enumerate(columns):
        table.add_column(column, justify="right" if index else "left")
    return table


def _legs(shown: Explanation, title: str) -> Table:
    table = _table(
        title, "instrument", "lots", "mark of a lot", "value", "entry cost",
        "loss in the worst", "MM less without",
    )  # fmt: skip
    for leg in shown.legs:
        table.add_row(
            leg.instrument,
            f"{leg.lots:,}",
            "no price" if leg.mark_usd6 is None else f"{leg.mark_usd6 / USD6:,.6f}",
            _usd(leg.value_usd6),
            usd(leg.entry_cost_usd6),
            _usd(leg.worst_loss_usd6),
            _usd(leg.maintenance_share_usd6),
        )
    return table


def _both_sides(report: AccountReport) -> Table:
    table = _table("Margins, USD", "", "keeper", "contracts", "difference, micro-dollars")
    for field, name in _BOTH_SIDES.items():
        table.add_row(
            name,
            usd(getattr(report.keeper, field)),
            usd(getattr(report.chain, field)),
            f"{report.difference_usd6[field]:+,}",
        )
    table.add_row("IM of a leaf", usd(report.initial_usd6), "", "")
    return table


def _breakdown(shown: Explanation, trade: WhatIf | None) -> Table:
    names = ["", "now", "of equity"] + (["after the trade", "change"] if trade else [])
    table = _table("Breakdown, USD", *names)
    for field, name in {**_HEADLINES, **COMPONENTS}.items():
        now = _amount(shown, field)
        cells = [name, _usd(now), _share(now, shown.equity_usd6)]
        if trade is not None:
            change = trade.difference_usd6[field]
            cells += [_usd(_amount(trade.after, field)), _change(change)]
        if field == "worst_loss_usd6" and shown.worst_scenario:
            cells[0] += f", {shown.worst_scenario}"
        table.add_row(*cells)
    return table


def _ratios(shown: Explanation, after: Explanation | None) -> Table:
    table = _table("Use of equity", "", "now", *(["after the trade"] if after else []))
    for field, (name, scale, unit) in _RATIOS.items():
        both = (getattr(one, field) for one in (shown, after) if one is not None)
        table.add_row(name, *(_ratio(bps, scale, unit) for bps in both))
    return table


def _ratio(bps: int | None, scale: int, unit: str) -> str:
    if bps is None:
        return _UNKNOWN
    return "unlimited" if bps == UNLIMITED else f"{bps / BPS * scale:,.2f} {unit}"


def _amount(shown: Explanation, field: str) -> int | None:
    if field in COMPONENTS:
        return shown.components[field]
    amount: int | None = getattr(shown, field)
    return amount


def _liquidation(shown: Explanation, after: Explanation | None) -> Table:
    title = "Liquidation price, one spot alone moving, USD"
    table = _table(title, "spot", "now", "if it falls to", "", "if it rises to", "")
    for name, prices in (("", shown), ("after the trade", after)):
        for found in () if prices is None else prices.liquidation:
            table.add_row(f"{found.symbol} {name}".strip(), _price(found.spot_e8), *_sides(found))
    return table


def _sides(found: LiquidationPrice) -> Iterator[str]:
    for price, reach in ((found.below_e8, found.lowest_e8), (found.above_e8, found.highest_e8)):
        if price is None:
            yield "none"
            yield f"to {_price(reach)}"
        else:
            yield _price(price)
            yield "now" if price == found.spot_e8 else f"{price / found.spot_e8 - 1.0:+.2%}"


def _greeks(shown: Explanation, when: str = "", *, with_legs: bool = True) -> Table:
    table = _table(
        f"Greeks {when}".strip() + ", USD", "", "delta, 1 % of spot", "gamma, 1 % of 1 %",
        "vega, a vol point", "theta, a day",
    )  # fmt: skip
    for row in shown.greeks:
        if row.expiry is None:
            table.add_row(f"{row.symbol}", *_amounts(row.greeks), style="bold")
            continue
        own = [leg for leg in shown.legs if (leg.underlying, leg.expiry) == _key(row)]
        table.add_row(f"  {_expiry(row.expiry)}", *_amounts(row.greeks))
        for leg in own:
            if with_legs and leg.greeks is not None:
                table.add_row(f"    {leg.instrument}", *_amounts(leg.greeks), style="dim")
    return table


def _key(row: GreeksOf) -> tuple[int, int | None]:
    return row.underlying, row.expiry


def _amounts(greeks: DollarGreeks) -> list[str]:
    return [
        usd(greeks.delta_usd6_per_percent),
        usd(greeks.gamma_usd6_per_percent2),
        usd(greeks.vega_usd6_per_vol_point),
        usd(greeks.theta_usd6_per_day),
    ]


def _scenarios(shown: Explanation, after: Explanation | None) -> Table:
    names = ["scenario", "loss", *(["after the trade"] if after else []), ""]
    table = _table("Loss by scenario, USD", *names)
    later = {} if after is None else {one.index: one.loss_usd6 for one in after.scenarios}
    for scenario in shown.scenarios:
        cells = [scenario.name, usd(scenario.loss_usd6)]
        if after is not None:
            cells.append(_usd(later.get(scenario.index)))
        table.add_row(*cells, "worst" if scenario.name == shown.worst_scenario else "")
    return table


def _expiry(expiry: int) -> str:
    if expiry == 0:
        return "without expiry"
    if expiry > _LAST_CALENDAR_SECOND:
        return f"{expiry} s"
    return datetime.fromtimestamp(expiry, tz=UTC).strftime("%Y-%m-%d %H:%M")


def _usd(amount: int | None) -> str:
    return _UNKNOWN if amount is None else usd(amount)


def _change(amount: int | None) -> str:
    if amount is None:
        return _UNKNOWN
    return f"+{usd(amount)}" if amount > 0 else usd(amount)


def _price(price_e8: int) -> str:
    return f"{price_e8 / E8:,.2f}"


def _share(part: int | None, whole: int | None) -> str:
    if part is None or whole is None or whole <= 0:
        return ""
    return f"{part * BPS / whole / 100:,.1f} %"
