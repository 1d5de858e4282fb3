"""A picture of quotes and fits, one panel an expiry.

matplotlib is imported here, and this module only where a picture is asked for. The same chain gives
the same bytes: no date, no version and no random ids are written.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from math import ceil
from pathlib import Path
from typing import Any, Final, cast

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from keeper.calibration.expiry_fit import ExpiryFit, vols
from keeper.calibration.smile_quotes import smile_quotes
from keeper.calibration.surface import Surface
from keeper.errors import InputError
from keeper.state.option_chain import OptionChain

_STYLE: Final = {
    "font.family": "DejaVu Sans",  # matplotlib brings it along: the same glyphs everywhere
    "font.size": 7,
    "svg.hashsalt": "keeper surface",
    "axes.spines.top": False,
    "axes.spines.right": False,
}
_STAMP: Final = {".png": "Software", ".svg": "Date"}  # left out: versions and times differ
_COLUMNS: Final = 4
_QUOTE, _FIT, _REFUSED = "#4477aa", "#222222", "#cc3311"
_SHOWN_DEVIATIONS: Final = 5.0


def draw(chain: OptionChain, surface: Surface, symbols: Mapping[int, str], path: Path) -> None:
    """Write the picture; InputError where the file cannot be written or has another ending."""
    if path.suffix not in _STAMP:
        raise InputError(f"plot {path}: name it .png or .svg")
    rows = ceil(len(surface.fits) / _COLUMNS)
    with mpl.rc_context(cast(Any, _STYLE)):
        figure = Figure(figsize=(3.2 * _COLUMNS, 2.3 * rows), dpi=110, layout="constrained")
        cells = figure.subplots(rows, _COLUMNS, squeeze=False)
        axes: list[Axes] = list(cells.ravel())
        for axis in axes[len(surface.fits) :]:
            axis.set_visible(False)
        for axis, fit in zip(axes, surface.fits, strict=False):
            _panel(axis, chain, fit, symbols)
        when = datetime.fromtimestamp(surface.time, tz=UTC).strftime("%Y-%m-%d %H:%M UTC")
        figure.suptitle(
            f"{surface.source}, {when}: vols of bid and ask (bars) and fit (line) over ln(K/F)",
            x=0.01,
            ha="left",
        )
        try:
            figure.savefig(path, metadata={_STAMP[path.suffix]: None})
        except OSError as error:
            raise InputError(f"plot {path}: {error.strerror}") from error


def _panel(axis: Axes, chain: OptionChain, fit: ExpiryFit, symbols: Mapping[int, str]) -> None:
    quotes = smile_quotes(chain, fit.underlying, fit.expiry)
    both = quotes.two_sided & (np.abs(quotes.k) < _SHOWN_DEVIATIONS * quotes.deviation)
    axis.vlines(
        quotes.k[both],
        100 * quotes.bid_vol[both],
        100 * quotes.ask_vol[both],
        color=_QUOTE,
        linewidth=1.2,
    )
    if fit.smile is not None and both.any():
        k = np.linspace(quotes.k[both][0], quotes.k[both][-1], 201)
        colour = _FIT if fit.accepted else _REFUSED
        axis.plot(k, 100 * vols(fit.smile, k), color=colour, linewidth=0.9)
    day = datetime.fromtimestamp(fit.expiry, tz=UTC).strftime("%Y-%m-%d")
    state = fit.origin.name.lower() if fit.accepted else "refused"
    title = f"{symbols[fit.underlying]} {day}, {state}, RMS {fit.residuals.rms_points:.2f}"
    axis.set_title(title, loc="left", fontsize=7)
