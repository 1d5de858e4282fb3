"""The report of `keeper backtest chains`: one HTML file with its plots inside."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape

import matplotlib as mpl
from matplotlib.figure import Figure
from rich.console import Console

from keeper.backtest.report_data import ChainsReport
from keeper.cli.backtest_plots import PLOTS
from keeper.cli.backtest_text import show_chains

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1d2733; max-width: 74rem; margin: 2rem auto;
  padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
.verdict { font-weight: 600; padding: .4rem .8rem; border-radius: .3rem; display: inline-block; }
.passed { background: #dcefe3; color: #14532d; } .failed { background: #f8dcd6; color: #7f1d1d; }
svg { max-width: 100%; height: auto; } p.note { color: #556; max-width: 60rem; }
pre { font: 12px/1.35 ui-monospace, monospace; overflow-x: auto; background: #f5f7f9;
  padding: 1rem; }
"""

# A plot says nothing of the day and of the library that drew it.
_NO_METADATA = dict.fromkeys(("Date", "Creator", "Format", "Type"))


def page(report: ChainsReport) -> str:
    """Return the page; it loads nothing from anywhere, and the same run gives the same bytes."""
    result = report.result
    sample = result.sample
    verdict = "passed" if result.passed else "failed"
    span = f"{_moment(sample.first_time)} to {_moment(sample.last_time)}"
    parts = [
        f"<h1>Backtest of {escape(sample.source)}, {span}</h1>",
        f'<p><span class="verdict {verdict}">points 3 to 5: {verdict}</span></p>',
        f"<p>{sample.chains} chains, {sample.books:,} books, {sample.windows['24 h']:,} windows of "
        f"24 h and {sample.windows['6 h']:,} of 6 h; seed {sample.seed}, margins times "
        f"{result.verdict.scale:g}, model 0x{sample.model_hash.hex()[:16]}…</p>",
    ]
    for plot in PLOTS:
        figure = plot.draw(report)
        parts += [f"<h2>{escape(plot.title)}</h2>", f'<p class="note">{escape(plot.note)}</p>']
        parts.append(_svg(figure))
    parts += ["<h2>All figures</h2>", f"<pre>{escape(_text(report))}</pre>"]
    parts += _findings(result.findings)
    head = f'<meta charset="utf-8"><title>Backtest</title><style>{_STYLE}</style>'
    body = "\n".join(parts)
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body>\n{body}\n</body></html>\n'


def _svg(figure: Figure) -> str:
    out = io.StringIO()
    # Ids from a salt and no date, so that nothing but the data decides the bytes.
    with mpl.rc_context({"svg.hashsalt": "backtest", "svg.fonttype": "none"}):
        figure.savefig(out, format="svg", metadata=_NO_METADATA, bbox_inches="tight")
    text = out.getvalue()
    return text[text.index("<svg") :]


def _text(report: ChainsReport) -> str:
    out = io.StringIO()
    show_chains(Console(file=out, width=170, highlight=False, color_system=None), report.result)
    return out.getvalue()


def _findings(findings: Sequence[str]) -> list[str]:
    if not findings:
        return []
    return ["<h2>What was wrong with the data</h2>", f"<pre>{escape(chr(10).join(findings))}</pre>"]


def _moment(time: int) -> str:
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d %H:%M")
