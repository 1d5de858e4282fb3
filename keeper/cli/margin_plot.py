"""A picture of one account's risk: P&L over price and vol, and where it could be liquidated.

matplotlib is imported here alone, and this module only where a picture is asked for. The same
account gives the same bytes: no date, no version and no random ids are written.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, cast

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import AsinhNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from keeper.errors import InputError
from keeper.margin.explanation import Explanation
from keeper.margin.leverage import UNLIMITED
from keeper.margin.price_vol import PriceVol
from keeper.units import BPS, E8, USD6, usd

_STYLE: Final = {
    "font.family": "DejaVu Sans",  # matplotlib brings it along: the same glyphs everywhere
    "font.size": 9,
    "svg.hashsalt": "keeper margin",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "hatch.linewidth": 0.4,
}
_LOSS_TO_GAIN: Final = "RdBu"
_INK: Final = "#222222"
_STAMP: Final = {".png": "Software", ".svg": "Date"}  # left out: versions and times differ
_DANGER: Final = "#ffb000"  # seen on the darkest losses
_DIAMOND: Final[dict[str, Any]] = {
    "marker": "D",
    "markersize": 7,
    "color": _DANGER,
    "markeredgecolor": _INK,
    "linestyle": "none",
}
_BANDS: Final = 48
_COLOUR_SHARE: Final = 98.0  # percent of the cells within the colour bar


def draw(panels: tuple[PriceVol, ...], explanation: Explanation, path: Path) -> None:
    """Write the picture, one panel an underlying; InputError where the file cannot be written."""
    with mpl.rc_context(cast(Any, _STYLE)):
        figure = Figure(figsize=(1.2 + 5.6 * len(panels), 5.4), dpi=120, layout="constrained")
        colours = _colours(panels)
        cells = figure.subplots(1, len(panels), squeeze=False)
        axes: list[Axes] = list(cells[0])
        for axis, panel in zip(axes, panels, strict=True):
            _panel(axis, panel, explanation, colours)
        axes[0].set_ylabel("change of its vols (scenarios: of the 30-day vol)")
        bar = figure.colorbar(
            ScalarMappable(colours, _LOSS_TO_GAIN), ax=axes, extend="both", pad=0.02, aspect=32
        )
        bar.ax.yaxis.set_major_formatter(FuncFormatter(_dollars))
        bar.set_label("P&L, USD")
        figure.suptitle(_title(explanation), x=0.01, ha="left", fontsize=10, color=_INK)
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower left", ncols=5, frameon=False, fontsize=8)
        try:
            figure.savefig(path, metadata={_STAMP[path.suffix]: None})
        except OSError as error:
            raise InputError(f"plot {path}: {error.strerror}") from error


def _panel(axis: Axes, panel: PriceVol, explanation: Explanation, colours: Normalize) -> None:
    moves, vols = panel.moves * 100, (panel.vol_factors - 1.0) * 100
    pnl, surplus = panel.pnl_usd6 / USD6, panel.surplus_usd6
    bands = colours.inverse(np.linspace(0.0, 1.0, _BANDS + 1))
    axis.contourf(moves, vols, pnl, levels=bands, norm=colours, cmap=_LOSS_TO_GAIN, extend="both")
    axis.axhline(0, color=_INK, linewidth=0.5, alpha=0.35)
    axis.axvline(0, color=_INK, linewidth=0.5, alpha=0.35)
    levels = [
        level for level in MaxNLocator(8).tick_values(np.nanmin(pnl), np.nanmax(pnl)) if level
    ]
    lines = axis.contour(moves, vols, pnl, levels=levels, colors=_INK, linewidths=0.4, alpha=0.5)
    for label in axis.clabel(lines, fmt=_short, fontsize=7):
        label.set(alpha=1.0, bbox={"facecolor": "white", "alpha": 0.6, "pad": 0.6, "linewidth": 0})
    if np.nanmin(pnl) < 0 < np.nanmax(pnl):
        axis.contour(moves, vols, pnl, levels=[0.0], colors=_INK, linewidths=1.3)
        axis.plot([], [], color=_INK, linewidth=1.3, label="P&L zero")
    if np.nanmin(surplus) < 0 < np.nanmax(surplus):
        axis.contourf(moves, vols, surplus, levels=[-np.inf, 0.0], colors="none", hatches=["////"])
        for colour, width in ((_INK, 3.2), (_DANGER, 2.0)):
            axis.contour(moves, vols, surplus, levels=[0.0], colors=colour, linewidths=width)
    _liquidation(axis, panel)
    _scenarios(axis, panel, explanation, colours)
    axis.plot(0, 0, marker="+", markersize=11, markeredgewidth=1.8, color=_INK, label="now",
              linestyle="none")  # fmt: skip
    axis.set_xlim(float(moves[0]), float(moves[-1]))
    axis.set_ylim(float(vols[0]), float(vols[-1]))
    axis.xaxis.set_major_formatter(FuncFormatter(_percent))
    axis.yaxis.set_major_formatter(FuncFormatter(_percent))
    axis.set_xlabel(f"{panel.symbol} spot alone, from {_price(panel.spot_e8)} USD")


def _liquidation(axis: Axes, panel: PriceVol) -> None:
    """Mark the prices on the axis, or say on which side there is none in sight."""
    axis.plot(
        [], [], color=_DANGER, linewidth=2.4, label="equity = min(SM, MM), less where hatched"
    )
    lowest, highest = float(panel.moves[0]), float(panel.moves[-1])
    notes: list[str] = []
    for price, side in ((panel.below_e8, "below"), (panel.above_e8, "above")):
        if price is None:
            notes.append(f"none {side}")
            continue
        move = price / panel.spot_e8 - 1.0
        notes.append(f"{_price(price)} ({move:+.1%})")
        if lowest <= move <= highest:
            axis.plot(move * 100, 0, **_DIAMOND, zorder=5)
    title = f"{panel.symbol} liquidation price: {', '.join(notes)}"
    axis.set_title(title, loc="left", fontsize=9, color=_INK)
    axis.plot([], [], **_DIAMOND, label="liquidation price")


def _scenarios(axis: Axes, panel: PriceVol, explanation: Explanation, colours: Normalize) -> None:
    """Show each scenario where it moves this underlying, in the colour of the whole book's P&L."""
    spots = panel.scenarios
    axis.scatter(
        [s.move * 100 for s in spots],
        [(s.vol_factor - 1.0) * 100 for s in spots],
        c=[s.pnl_usd6 / USD6 for s in spots],
        norm=colours,
        cmap=_LOSS_TO_GAIN,
        s=26,
        edgecolors=_INK,
        linewidths=0.6,
        label="scenarios, coloured by the book's P&L",
        zorder=4,
    )
    worst = next((s for s in spots if s.name == explanation.worst_scenario), None)
    if worst is None:
        return
    axis.annotate(
        f"worst: {worst.name}, {_short(worst.pnl_usd6 / USD6)}",
        (worst.move * 100, (worst.vol_factor - 1.0) * 100),
        xytext=(0.5, 0.04),
        textcoords="axes fraction",
        ha="center",
        fontsize=8,
        color=_INK,
        bbox={"boxstyle": "round,pad=0.25", "facecolor": "white", "alpha": 0.85, "linewidth": 0},
        arrowprops={"arrowstyle": "-", "color": _INK, "linewidth": 0.9},
        zorder=6,
    )


def _colours(panels: tuple[PriceVol, ...]) -> Normalize:
    """Return a scale around zero that most cells lie within, finer where little is at stake."""
    size = np.concatenate([np.abs(panel.pnl_usd6).ravel() for panel in panels]) / USD6
    limit = max(float(np.nanpercentile(size, _COLOUR_SHARE)), 1.0)
    return AsinhNorm(linear_width=limit / 8, vmin=-limit, vmax=limit)


def _title(explanation: Explanation) -> str:
    equity, required = explanation.equity_usd6 or 0, explanation.requirement_usd6 or 0
    used = explanation.utilisation_bps
    share = "" if used in (None, UNLIMITED) else f", {used / BPS:.1%} used"
    name = explanation.account.hex()
    return (
        f"account 0x{name[:8]}…{name[-4:]} at block {explanation.ref_block}: {explanation.health}\n"
        f"equity {usd(equity)} USD, requirement {usd(required)} USD{share}"
    )


def _percent(share: float, _position: int) -> str:
    return f"{share:+.0f} %" if share else "0"


def _dollars(amount: float, _position: int) -> str:
    return _short(amount)


def _price(price_e8: int) -> str:
    return f"{price_e8 / E8:,.2f}"


def _short(amount: float) -> str:
    """Return an amount in USD with at most four characters before its unit."""
    for size, unit in ((1e9, "bn"), (1e6, "m"), (1e3, "k")):
        if abs(amount) >= size:
            return f"{amount / size:+.3g}{unit}"
    return f"{amount:+.0f}" if amount else "0"
