"""Results of backtests as text for people."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from keeper.backtest.chains import Verdict
from keeper.backtest.prices import PricesResult
from keeper.backtest.report_data import ChainsResult
from keeper.margin.history import day_text


def show_prices(console: Console, result: PricesResult) -> None:
    """Print both tables and the verdict."""
    console.print(f"{result.source}: {result.first_day} to {result.last_day}")
    linear = _table("Book", "days", "beyond", "accepted", "Kupiec", "Christ.", "beyond IM", "worst")
    for book in result.linear:
        linear.add_row(
            book.book,
            str(book.days),
            str(book.breaches),
            f"{book.accepted_least}..{book.accepted_most}",
            f"{book.kupiec_p:.3f}",
            f"{book.christoffersen_p:.3f}",
            str(book.initial_breaches),
            f"{book.worst_loss_over_margin:.2f} on {day_text(book.worst_day)}",
        )
    console.print(linear)
    tail = _table(
        "Book", "days", "beyond VaR", "expected", "Kupiec", "Z2", "beyond ES", "median ES"
    )
    for book in result.shortfall:
        tail.add_row(
            book.book,
            str(book.days),
            str(book.breaches),
            f"{book.expected:.1f}",
            f"{book.kupiec_p:.3f}",
            f"{book.z2:+.2f}",
            str(book.beyond_shortfall),
            f"{book.median_shortfall:.2%}",
        )
    console.print(tail)
    naked = result.naked
    console.print(
        f"naked books: {naked.below} of {naked.margins:,} initial margins below the 99 % quantile "
        f"of the stressed window, least {naked.least_ratio:.2f} times it ({naked.least_book}, "
        f"{day_text(naked.least_day)})"
    )
    for symbol, moved in result.procyclicality.items():
        console.print(
            f"scan range {symbol}: peak over trough {moved.peak_to_trough:.2f}, largest rise "
            f"{moved.rise_1d:.0%} in a day, {moved.rise_5d:.0%} in 5, {moved.rise_30d:.0%} in 30"
        )
    if result.unjudged:
        console.print(f"no prices, so nothing is shown: {_list(result.unjudged)}")
    console.print(
        f"point 2 {_word(result.point_2)}, point 6 {_word(result.point_6)}: {_word(result.passed)}"
    )


def show_chains(console: Console, result: ChainsResult) -> None:
    """Print the groups, the other margins, sabotage, months and the verdict."""
    sample, verdict = result.sample, result.verdict
    console.print(
        f"{sample.source}: {sample.chains} chains over {sample.days:.1f} days, {sample.books:,} "
        f"books, windows {sample.windows}, seed {sample.seed}, margins times {verdict.scale:g}"
    )
    if any(sample.unvalued.values()):
        console.print(f"in no statistic, as a leg has no price at the end: {sample.unvalued}")
    console.print(_groups(verdict))
    for other in verdict.others:
        console.print(f"{other.name}: {len(other.failing)} groups fail: {_list(other.failing)}")
    efficient = verdict.efficiency
    console.print(
        f"aggregate margin {efficient.of_pmrm2:.2f} of pmrm2; c99 too low: "
        f"{_list(efficient.c99_below)}; discount too low: {_list(efficient.discount_below)}; "
        f"exempt: {efficient.exempt}"
    )
    for wrong in verdict.sabotage:
        console.print(
            f"margins times {wrong.scale:g}: {wrong.rate} groups fail by rate, {wrong.episodes} by "
            f"episodes, {wrong.inefficient} become inefficient: "
            f"{'seen' if wrong.met else 'NOT SEEN'} (needs {wrong.needed})"
        )
    for month in verdict.months:
        console.print(
            f"{month.month}: {month.breaches} of {month.windows:,} in breach, worst "
            f"{month.worst} {month.worst_rate:.2%}; {month.statement}"
        )
    console.print(f"amber: {_list(verdict.amber)}; types: {_list(verdict.amber_types)}")
    console.print(f"failing: {_list(verdict.failing)}; over 6 h: {_list(verdict.failing_short)}")
    if verdict.unjudged or verdict.unjudged_short:
        console.print(
            f"no window, so nothing is shown: {_list(verdict.unjudged)}; "
            f"over 6 h: {_list(verdict.unjudged_short)}"
        )
    console.print(
        f"point 3 {_word(verdict.point_3)}, point 4 {_word(verdict.point_4)}, "
        f"point 5 {_word(verdict.point_5)}: {_word(verdict.passed)}"
    )


def _groups(verdict: Verdict) -> Table:
    """Return a row a group: over 24 h, over 6 h, and shares of gross."""
    table = _table(
        *("Group", "24 h %", "least %", "episodes", "overshoot", "c99", "6 h %"),
        *("naive %", "pmrm2 %", "MM/gross %", "pmrm2", "SM", "discount", ""),
    )
    short = {group.name: group for group in verdict.groups_short}
    capital = {group.name: group for group in verdict.capital}
    others = {other.name: {group.name: group for group in other.groups} for other in verdict.others}
    for group in verdict.groups:
        asked, brief = capital[group.name], short.get(group.name)
        table.add_row(
            group.name,
            f"{group.rate:.2%}"[:-1],
            f"{group.least_rate:.2%}"[:-1],
            f"{group.episodes}/{group.episode_limit}",
            f"{group.overshoot_mean:.2f}/{group.overshoot_most:.2f}",
            f"{group.c99:.2f}",
            "" if brief is None else f"{brief.rate:.3%}"[:-1],
            *(f"{others[name][group.name].rate:.2%}"[:-1] for name in ("naive", "pmrm2")),
            *(f"{share:.2%}"[:-1] for share in (asked.maintenance, asked.pmrm2, asked.standard)),
            f"{asked.discount_p50:.0%}",
            ", ".join(group.failures) or ("amber" if group.amber else ""),
        )
    return table


def _list(names: tuple[str, ...]) -> str:
    return ", ".join(names) or "none"


def _table(first: str, *others: str) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column(first)
    for name in others:
        table.add_column(name, justify="right")
    return table


def _word(passed: bool) -> str:
    return "passed" if passed else "FAILED"
