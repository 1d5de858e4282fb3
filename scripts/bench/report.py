"""What a benchmark hands back, and how it is shown: a table for people, JSON for programs."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path

from rich.console import Console
from rich.table import Table

from scripts.bench.measure import Rounds, Spread

_LIBRARIES = ("numpy", "numba", "scipy", "QuantLib")
_PREFIXES = {
    "s": ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns")),
    "B": ((2.0**30, "GiB"), (2.0**20, "MiB")),
    "flop/s": ((1e9, "Gflop/s"),),
    "B/s": ((1e9, "GB/s"),),
}


@dataclass(frozen=True, slots=True)
class Target:
    """A promise of the design: a floor for a ratio, or a ceiling for a time, memory or error."""

    limit: float
    at_least: bool = False

    def met_by(self, value: float) -> bool:
        """Return whether `value` keeps it."""
        return value >= self.limit if self.at_least else value <= self.limit


@dataclass(frozen=True, slots=True)
class Figure:
    """One line: a quantity, and what it is against.

    `measured` and `theirs` are in `unit` (s, B, flop/s, B/s, or "1" for a pure number). `ratio` is
    theirs / measured, so above 1 is faster than the reference; it is missing where nothing is
    compared. `target` holds for the ratio where there is one, else for the median measured.
    """

    benchmark: str
    case: str
    unit: str
    measured: Spread
    against: str = ""
    theirs: Spread | None = None
    ratio: Spread | None = None
    target: Target | None = None

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None without one."""
        if self.target is None:
            return None
        return self.target.met_by((self.ratio or self.measured).median)


@dataclass(frozen=True, slots=True)
class Report:
    """A whole run. `foreign_share` is what other processes took of the machine meanwhile."""

    machine: str
    cpus: int
    versions: dict[str, str]
    compiled: bool
    foreign_share: float
    figures: tuple[Figure, ...]

    @classmethod
    def of(cls, figures: Sequence[Figure], *, compiled: bool, foreign_share: float) -> Report:
        """Add what the machine is to the figures."""
        return cls(
            machine=f"{platform.machine()}, {_cpu_name()}",
            cpus=os.cpu_count() or 1,
            versions={"python": platform.python_version()}
            | {name: version(name) for name in _LIBRARIES},
            compiled=compiled,
            foreign_share=foreign_share,
            figures=tuple(figures),
        )


def races(
    benchmark: str, case: str, ours: str, rounds: Rounds, targets: dict[str, Target]
) -> list[Figure]:
    """Return one figure for each other contestant, with the target that goes by its name."""
    plain = Figure(benchmark, case, "s", rounds.time(ours))
    return [
        replace(
            plain,
            against=name,
            theirs=rounds.time(name),
            ratio=rounds.ratio(name, ours),
            target=targets.get(name),
        )
        for name in rounds.seconds
        if name != ours
    ]


def against_known(figure: Figure, against: str, seconds: float) -> Figure:
    """Return `figure` against a time that was not raced but extrapolated or computed."""
    ours = figure.measured
    ratio = Spread(seconds / ours.median, seconds / ours.high, seconds / ours.low)
    known = Spread(seconds, seconds, seconds)
    return replace(figure, against=against, theirs=known, ratio=ratio, target=None)


def threads(count: int) -> str:
    """Return a number of threads in words."""
    return f"{count} thread{'s' if count > 1 else ''}"


def to_json(report: Report) -> str:
    """Return the report as text, with the verdict on each target."""
    figures = [asdict(figure) | {"met": figure.met} for figure in report.figures]
    return json.dumps(asdict(report) | {"figures": figures}, indent=1) + "\n"


def write_json(report: Report, path: Path) -> None:
    """Write the report, making the folder where it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(to_json(report), encoding="utf-8")


def show(report: Report, console: Console) -> None:
    """Print the table."""
    libraries = ", ".join(f"{name} {number}" for name, number in report.versions.items())
    console.print(f"{report.machine}, {report.cpus} CPUs; {libraries}")
    console.print(
        f"kernels {'compiled' if report.compiled else 'in numpy'}; other processes took "
        f"{report.foreign_share:.0%} of the CPUs meanwhile"
    )
    table = Table(box=None, pad_edge=False)
    for name in ("", "measured", "theirs", "ratio", "quartiles", "target", ""):
        table.add_column(name, justify="left" if not name else "right")
    previous = ""
    for figure in report.figures:
        if figure.case != previous:
            table.add_section()
            measured = scaled(figure.measured.median, figure.unit)
            verdict = _verdict(figure) if figure.ratio is None else ("", "")
            table.add_row(f"[bold]{figure.case}[/bold]", measured, "", "", "", *verdict)
        previous = figure.case
        if figure.ratio is not None and figure.theirs is not None:
            ratio = figure.ratio
            table.add_row(
                f"  against {figure.against}",
                "",
                scaled(figure.theirs.median, figure.unit),
                _ratio(ratio.median),
                f"{_ratio(ratio.low)} to {_ratio(ratio.high)}",
                *_verdict(figure),
            )
    console.print(table)


def scaled(value: float, unit: str) -> str:
    """Return a quantity with three figures in the largest prefix that leaves it above one."""
    steps = _PREFIXES.get(unit)
    if steps is None:
        return f"{value:.2g}"
    size, name = next((step for step in steps if abs(value) >= step[0]), steps[-1])
    return f"{value / size:.3g} {name}"


def _ratio(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _verdict(figure: Figure) -> tuple[str, str]:
    if figure.target is None:
        return "", ""
    sign = "≥" if figure.target.at_least else "≤"
    unit = "1" if figure.ratio is not None else figure.unit
    return f"{sign} {scaled(figure.target.limit, unit)}", "met" if figure.met else "missed"


def _cpu_name() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown CPU"
