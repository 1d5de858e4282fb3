"""What one sees of a demo: a live picture on a terminal, plain lines anywhere else, or nothing."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Final, Protocol, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from keeper.units import E8, usd

_SPARKS: Final = "▁▂▃▄▅▆▇█"
_BAR_CELLS: Final = 16
_NOTES_KEPT: Final = 7
_EPOCHS_KEPT: Final = 4
# Lines of the picture that are not accounts: two panels with borders, the table's head and frame.
_OTHER_LINES: Final = _NOTES_KEPT + _EPOCHS_KEPT + 11
_FEWEST_ROWS: Final = 6


@dataclass(frozen=True, slots=True)
class AccountLine:
    """One account at the end of an epoch, in micro-dollars as the margin engine computed them."""

    name: str
    equity_usd6: int
    maintenance_usd6: int
    status: str

    @property
    def used(self) -> float:
        """Share of the equity that maintenance takes; 1 and above can be liquidated."""
        if self.equity_usd6 <= 0:
            return 1.0 if self.maintenance_usd6 > 0 else 0.0
        return self.maintenance_usd6 / self.equity_usd6


@dataclass(frozen=True, slots=True)
class EpochLine:
    """One attested epoch and the market it was attested in. Spots are 1e-8 USD."""

    hour: int
    time: int
    eth_e8: int
    btc_e8: int
    epoch: int
    ref_block: int
    leaves: int
    sentinels: int
    root: bytes
    agreeing: int
    keepers: int
    signed: int
    accounts: tuple[AccountLine, ...]

    def text(self) -> str:
        """Return the epoch in one line."""
        sentinels = f" ({self.sentinels} sentinels)" if self.sentinels else ""
        return (
            f"epoch {self.epoch:>3} at block {self.ref_block:>4}  root 0x{self.root[:6].hex()}…  "
            f"{self.leaves} leaves{sentinels}  {self.agreeing}/{self.keepers} keepers agree, "
            f"{self.signed} signed"
        )


class View(Protocol):
    """Receives what happens, as it happens."""

    def epoch(self, line: EpochLine) -> None:
        """An epoch was attested."""
        ...

    def note(self, time: int, text: str) -> None:
        """Something happened that a reader should know of."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...


class QuietView:
    """Shows nothing."""

    def epoch(self, line: EpochLine) -> None:
        """Ignore it."""

    def note(self, time: int, text: str) -> None:
        """Ignore it."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        pass


class PlainView(QuietView):
    """One line for each thing that happens, for logs and pipes."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def epoch(self, line: EpochLine) -> None:
        """Print market and epoch."""
        spots = f"ETH {line.eth_e8 / E8:>7.2f}  BTC {line.btc_e8 / E8:>8.2f}"
        self._print(f"{_clock(line.time)}  hour {line.hour:>2}  {spots}  {line.text()}")

    def note(self, time: int, text: str) -> None:
        """Print it with its time."""
        self._print(f"{_clock(time)}    {text}")

    def _print(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)


@dataclass(slots=True)
class Picture:
    """What the live view shows: the state of the demo as one renderable."""

    eth: list[int] = field(default_factory=list[int])
    btc: list[int] = field(default_factory=list[int])
    last: EpochLine | None = None
    epochs: deque[str] = field(default_factory=lambda: deque(maxlen=_EPOCHS_KEPT))
    notes: deque[str] = field(default_factory=lambda: deque(maxlen=_NOTES_KEPT))

    def add_epoch(self, line: EpochLine) -> None:
        """Take in an epoch."""
        self.eth.append(line.eth_e8)
        self.btc.append(line.btc_e8)
        self.epochs.append(line.text())
        self.last = line

    def add_note(self, time: int, text: str) -> None:
        """Take in a note."""
        self.notes.append(f"{_clock(time)}  {text}")

    def render(self, height: int) -> RenderableType:
        """Return the picture, cut to so many lines: the most strained accounts stay in it."""
        head = Text("portfolio margin keeper · demo", style="bold")
        accounts: RenderableType = Text("opening the accounts …")
        if self.last is not None:
            head = self._market(self.last)
            accounts = accounts_table(
                _most_strained(self.last.accounts, max(height - _OTHER_LINES, _FEWEST_ROWS))
            )
        return Group(
            Panel(head, border_style="dim"),
            accounts,
            Panel(_lines(self.epochs, _EPOCHS_KEPT), title="attested", border_style="dim"),
            Panel(_lines(self.notes, _NOTES_KEPT), title="events", border_style="dim"),
        )

    def _market(self, line: EpochLine) -> Text:
        text = Text(f"{_clock(line.time)}  hour {line.hour:>2}   ", style="bold")
        for symbol, history in (("ETH", self.eth), ("BTC", self.btc)):
            change = history[-1] / history[0] - 1
            text.append(f"{symbol} {history[-1] / E8:,.2f} ", style="bold")
            text.append(f"{change:+.1%} ", style="red" if change < 0 else "green")
            text.append(f"{sparkline(history)}   ", style="cyan")
        return text


class LiveView(QuietView):
    """The picture, redrawn in place."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._picture = Picture()
        self._live = Live(self._frame(), console=console, refresh_per_second=8)

    def epoch(self, line: EpochLine) -> None:
        """Redraw."""
        self._picture.add_epoch(line)
        self._live.update(self._frame())

    def note(self, time: int, text: str) -> None:
        """Redraw."""
        self._picture.add_note(time, text)
        self._live.update(self._frame())

    def __enter__(self) -> Self:
        self._live.start(refresh=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._live.stop()

    def _frame(self) -> RenderableType:
        return self._picture.render(self._console.height)


def view_for(console: Console, *, plain: bool) -> View:
    """Return the view that fits where the console writes to."""
    return LiveView(console) if console.is_terminal and not plain else PlainView(console)


def accounts_table(accounts: Sequence[AccountLine]) -> Table:
    """Return accounts with what maintenance takes of their equity."""
    table = Table(expand=True, border_style="dim", header_style="bold")
    table.add_column("account")
    table.add_column("equity USD", justify="right")
    table.add_column("maintenance", justify="right")
    table.add_column("used")
    table.add_column("")
    for line in accounts:
        table.add_row(
            line.name,
            usd(line.equity_usd6),
            usd(line.maintenance_usd6),
            _bar(line.used),
            Text(line.status, style="" if line.status == "open" else "yellow"),
        )
    return table


def sparkline(values: Sequence[int]) -> str:
    """Draw values as eight heights between the least and the largest."""
    low, high = min(values), max(values)
    if low == high:
        return _SPARKS[-1] * len(values)
    return "".join(_SPARKS[(value - low) * (len(_SPARKS) - 1) // (high - low)] for value in values)


def _most_strained(accounts: Sequence[AccountLine], most: int) -> list[AccountLine]:
    """Return so many accounts in their order, leaving out those farthest from liquidation."""
    kept = sorted(accounts, key=lambda line: -line.used)[:most]
    return [line for line in accounts if line in kept]


def _bar(used: float) -> Text:
    style = "green" if used < 0.5 else "yellow" if used < 1 else "red"
    cells = min(round(used * _BAR_CELLS), _BAR_CELLS)
    share = f"{used:>4.0%}" if used < 10 else ">999%"
    return Text("█" * cells + "·" * (_BAR_CELLS - cells) + f" {share}", style=style)


def _lines(lines: Sequence[str], height: int) -> Text:
    padding = [""] * (height - len(lines))
    return Text("\n".join([*lines, *padding]), overflow="ellipsis", no_wrap=True)


def _clock(time: int) -> str:
    return datetime.fromtimestamp(time, tz=UTC).strftime("%d %b %H:%M:%S")
