"""Results of backtests as text for people."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from keeper.backtest.prices import PricesResult
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
    console.print(
        f"point 2 {_word(result.point_2)}, point 6 {_word(result.point_6)}: {_word(result.passed)}"
    )


def _table(first: str, *others: str) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column(first)
    for name in others:
        table.add_column(name, justify="right")
    return table


def _word(passed: bool) -> str:
    return "passed" if passed else "FAILED"
