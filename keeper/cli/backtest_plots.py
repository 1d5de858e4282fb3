"""The plots of the report, each with what it shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure

from keeper.backtest.books.all_archetypes import GROUPS
from keeper.backtest.efficiency import LEAST_C99
from keeper.backtest.report_data import ChainsReport
from keeper.backtest.sufficiency import EPISODE_SHARE, TARGET, shares_in_breach

_INK: Final = "#1d2733"
_OURS: Final = "#1f6f8b"
_BAD: Final = "#b3402e"
_OTHERS: Final = {"naive": "#c9a227", "pmrm2": "#8c7aa9"}
_LONG: Final = 1


@dataclass(frozen=True, slots=True)
class Plot:
    """One plot of the page."""

    title: str
    note: str
    draw: Callable[[ChainsReport], Figure]


def _figure(height: float) -> Figure:
    figure = Figure(figsize=(11.0, height), layout="constrained")
    return figure


def _rates(report: ChainsReport) -> Figure:
    verdict = report.result.verdict
    names = [group.name for group in verdict.groups]
    place = np.arange(len(names))
    figure = _figure(8.5)
    axis = figure.subplots()
    for other in verdict.others:
        rates = {group.name: group.rate for group in other.groups}
        axis.scatter(
            [max(100 * rates[name], 0.005) for name in names],
            place,
            marker="x",
            color=_OTHERS[other.name],
            label=other.name,
        )
    least = np.array([100 * group.least_rate for group in verdict.groups])
    rate = np.array([100 * group.rate for group in verdict.groups])
    axis.hlines(place, np.maximum(least, 0.005), np.maximum(rate, 0.005), color=_OURS, alpha=0.5)
    axis.scatter(
        np.maximum(rate, 0.005),
        place,
        color=[_OURS if group.passed else _BAD for group in verdict.groups],
        label="ours (line: to the lower 95 % bound)",
        zorder=3,
    )
    axis.axvline(100 * TARGET, color=_INK, linestyle="--", linewidth=0.9)
    axis.set_xscale("log")
    axis.set_xlabel("books in breach over 24 h, % (none is drawn at 0.005)")
    axis.set_yticks(place, names)
    axis.invert_yaxis()
    axis.grid(axis="x", alpha=0.25)
    figure.legend(loc="outside upper center", ncols=3, fontsize=8)
    return figure


def _calendar(report: ChainsReport) -> Figure:
    pool = report.pool
    margin = pool.required * report.result.verdict.scale
    losses = pool.losses[_LONG]
    known = np.isfinite(losses)
    shares = np.full((len(GROUPS), len(pool.times)), np.nan)
    for index in range(len(GROUPS)):
        own = known & (pool.group == index)
        shares[index] = shares_in_breach(
            losses[own] > margin[own], pool.moment[own], len(pool.times)
        )
    figure = _figure(7.5)
    axis = figure.subplots()
    # By the root, so that one book of sixteen is seen as well.
    image = axis.imshow(
        100 * shares,
        aspect="auto",
        cmap="Reds",
        norm=PowerNorm(0.5, vmin=0.0, vmax=100.0),
        interpolation="nearest",
    )
    axis.set_yticks(range(len(GROUPS)), GROUPS, fontsize=8)
    step = max(len(pool.times) // 10, 1)
    at = list(range(0, len(pool.times), step))
    axis.set_xticks(at, [_day(int(pool.times[n])) for n in at], fontsize=8)
    figure.colorbar(image, ax=axis, label="books in breach, %", shrink=0.6)
    return figure


def _c99(report: ChainsReport) -> Figure:
    groups = report.result.verdict.groups
    place = np.arange(len(groups))
    figure = _figure(7.5)
    axis = figure.subplots()
    axis.barh(
        place,
        [group.c99 for group in groups],
        color=[_BAD if g.c99 < LEAST_C99.get(g.name, 0.0) else _OURS for g in groups],
    )
    for row, group in enumerate(groups):
        if group.name in LEAST_C99:
            axis.plot([LEAST_C99[group.name]] * 2, [row - 0.4, row + 0.4], color=_INK, linewidth=1)
    axis.axvline(1.0, color=_INK, linestyle="--", linewidth=0.9)
    axis.set_yticks(place, [group.name for group in groups])
    axis.invert_yaxis()
    axis.set_xlabel("99 % quantile of loss over margin, 24 h")
    return figure


def _capital(report: ChainsReport) -> Figure:
    capital = report.result.verdict.capital
    place = np.arange(len(capital))
    figure = _figure(8.0)
    axis = figure.subplots()
    columns = (
        ("ours", _OURS, [group.maintenance for group in capital]),
        ("naive", _OTHERS["naive"], [group.naive for group in capital]),
        ("pmrm2", _OTHERS["pmrm2"], [group.pmrm2 for group in capital]),
        ("standard", "#9aa5b1", [group.standard for group in capital]),
    )
    for name, colour, values in columns:
        above = 3 if name == "ours" else 2
        shares = [100 * value for value in values]
        axis.scatter(shares, place, color=colour, label=name, s=22, zorder=above)
    axis.set_xscale("log")
    axis.set_xlabel("median margin, % of gross notional")
    axis.set_yticks(place, [group.name for group in capital])
    axis.invert_yaxis()
    axis.grid(axis="x", alpha=0.25)
    axis.legend(fontsize=8)
    return figure


def _ranges(report: ChainsReport) -> Figure:
    figure = _figure(5.5)
    upper, lower = figure.subplots(2, 1, sharex=True)
    for path, colour in zip(report.ranges, (_OURS, _BAD), strict=False):
        days = [datetime.fromisoformat(day) for day in path.days]
        price = np.array(path.price_usd)
        upper.plot(days, 100 * price / price[0], color=colour, label=path.symbol)
        lower.plot(days, [100 * value for value in path.scan_range], color=colour)
    upper.set_ylabel("price, first day = 100")
    upper.legend(fontsize=8)
    days = [datetime.fromisoformat(day) for day in report.margin_days]
    lower.plot(
        days,
        [100 * value for value in report.margin_of_gross],
        color="#9aa5b1",
        label="median margin of all books, % of gross",
    )
    lower.set_ylabel("scan range, %")
    lower.legend(fontsize=8)
    return figure


def _overshoot(report: ChainsReport) -> Figure:
    pool = report.pool
    figure = _figure(4.5)
    axis = figure.subplots()
    bins: list[float] = np.linspace(-1.0, 2.0, 121).tolist()
    for name, margin, colour in (
        ("ours", pool.required * report.result.verdict.scale, _OURS),
        ("naive", pool.naive, _OTHERS["naive"]),
        ("pmrm2", pool.pmrm2, _OTHERS["pmrm2"]),
    ):
        ratio = pool.losses[_LONG] / np.maximum(margin, 1e-9)
        ratio = np.clip(ratio[np.isfinite(ratio)], bins[0], bins[-1])
        axis.hist(ratio, bins=bins, histtype="step", color=colour, label=name)
    axis.axvline(1.0, color=_INK, linestyle="--", linewidth=0.9)
    axis.set_yscale("log")
    axis.set_xlabel("loss over margin, 24 h")
    axis.set_ylabel("book-windows")
    axis.legend(fontsize=8)
    return figure


def _day(time: int) -> str:
    return datetime.fromtimestamp(time, UTC).strftime("%d %b")


PLOTS: Final[tuple[Plot, ...]] = (
    Plot(
        "How often each group was in breach",
        "A group fails where the lower bound of its rate is beyond 1 % (dashed), where it has more "
        "episodes than a right model, or where breaches go too deep.",
        _rates,
    ),
    Plot(
        "When",
        "Share of a group in breach by when its window began. More than "
        f"{EPISODE_SHARE:.0%} begins an episode; those within 48 hours are one.",
        _calendar,
    ),
    Plot(
        "How much was to spare",
        "At 1 the margin is exact for this sample, at 0.5 twice what it needed. Marks show the "
        "least that point 5 asks.",
        _c99,
    ),
    Plot("What it costs", "Medians by group, on the same books.", _capital),
    Plot("How margins moved with markets", "Each day from what was known that day.", _ranges),
    Plot("Losses over margins", "Beyond 1 the margin was too small.", _overshoot),
)
