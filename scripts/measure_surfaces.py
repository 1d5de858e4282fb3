"""How well smiles fit a folder of option chains: the figures of docs/model.md, Surfaces.

    python -m scripts.measure_surfaces FOLDER [--every N]

An expiry counts in the statistics of residuals where it is accepted and has at least eight liquid
strikes. What is counted of arbitrage is what a publisher would sign: accepted expiries, within
their quotes.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np

from keeper.calibration.expiry_fit import LIQUID_STRIKES, ExpiryFit
from keeper.calibration.surface import Surface, fit_surface, has_calendar_arbitrage
from keeper.pricing.svi_arbitrage import butterfly_violation
from keeper.sources.chain_files import read_chains

QUANTILES = (25, 50, 75, 90, 95, 99)
TERMS = ((0, 1), (1, 3), (3, 8), (8, 35), (35, 100), (100, 400))


@dataclass
class Tally:
    """What the surfaces so far add up to; seconds are of the processor, one core."""

    seconds: list[float] = field(default_factory=list[float])
    fits: list[ExpiryFit] = field(default_factory=list[ExpiryFit])
    pairs: int = 0
    calendars: int = 0

    def add(self, surface: Surface, seconds: float) -> None:
        """Count one surface."""
        self.seconds.append(seconds)
        self.fits.extend(surface.fits)
        accepted = [fit for fit in surface.fits if fit.accepted]
        for near, far in pairwise(accepted):
            self.pairs += near.underlying == far.underlying
            self.calendars += has_calendar_arbitrage(near, far)


def measured(folder: Path, every: int) -> Tally:
    """Fit every n-th chain of a folder, each with the surface before it."""
    tally = Tally()
    before: Surface | None = None
    for number, read in enumerate(read_chains(folder)):
        if number % every or read.chain is None:
            continue
        start = time.process_time()
        before = fit_surface(read.chain, before)
        tally.add(before, time.process_time() - start)
    return tally


def report(tally: Tally) -> str:
    """Return the figures as text."""
    accepted = [fit for fit in tally.fits if fit.accepted]
    counted = [fit for fit in accepted if fit.residuals.liquid >= LIQUID_STRIKES]
    medians = np.array([fit.residuals.median_points for fit in counted])
    rms = np.array([fit.residuals.rms_points for fit in counted])
    inside = sum(fit.residuals.inside for fit in accepted)
    two_sided = sum(fit.residuals.two_sided for fit in accepted)
    butterflies = sum(map(_has_butterfly_inside_quotes, accepted))
    origins = Counter(fit.origin.name.lower() for fit in accepted)
    lines = [
        f"chains {len(tally.seconds)}, expiries {len(tally.fits)}, accepted {len(accepted)} "
        f"({', '.join(f'{name} {n}' for name, n in sorted(origins.items()))}), "
        f"with {LIQUID_STRIKES} liquid strikes {len(counted)}",
        f"median residual, vol points, p{QUANTILES}: {_row(medians)}; "
        f"<= 0.5 in {np.mean(medians <= 0.5):.1%}",
        f"RMS residual, vol points, p{QUANTILES}: {_row(rms)}",
        f"two-sided quotes inside bid and ask: {inside / two_sided:.1%} of {two_sided:,}",
        f"butterflies inside quotes: {butterflies}; calendars where both are quoted: "
        f"{tally.calendars} of {tally.pairs} pairs",
        f"seconds a chain: mean {np.mean(tally.seconds):.2f}, p95 "
        f"{np.quantile(tally.seconds, 0.95):.2f}, most {max(tally.seconds):.2f}",
        "days to expiry: expiries, RMS p50 / p90",
    ]
    for low, high in TERMS:
        some = [fit.residuals.rms_points for fit in counted if low <= fit.years * 365 < high] or [
            np.nan
        ]
        p50, p90 = np.quantile(some, [0.5, 0.9])
        lines.append(f"  {low:3} to {high:3}: {len(some):5}  {p50:.2f} / {p90:.2f}")
    refused = Counter(_kind(fit.reason) for fit in tally.fits if not fit.accepted)
    lines += [f"refused: {reason}: {count}" for reason, count in refused.most_common()]
    return "\n".join(lines)


def _has_butterfly_inside_quotes(fit: ExpiryFit) -> bool:
    if fit.smile is None or not fit.quoted_from < fit.quoted_to:
        return False
    k = np.linspace(fit.quoted_from, fit.quoted_to, 201)
    return butterfly_violation(fit.smile, fit.years, k) is not None


def _kind(reason: str) -> str:
    """Return a reason without its figures."""
    return " ".join(word for word in reason.split() if not any(c.isdigit() for c in word))


def _row(values: np.ndarray) -> str:
    return " ".join(f"{value:.3f}" for value in np.percentile(values, QUANTILES))


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--every", type=int, default=1, help="only every n-th chain")
    arguments = parser.parse_args()
    print(report(measured(arguments.folder, arguments.every)))


if __name__ == "__main__":
    main()
