"""What the add-ons of the initial margin are to the rest of it, on random books.

    python -m scripts.measure_add_ons [--accounts N] [--seed S]

Ten legs an account; docs/model.md, Add-ons of the initial margin, holds what came out.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass, fields
from typing import Final

import numpy as np

from keeper.cli.model_file import load_model
from keeper.errors import KeeperError
from keeper.margin.portfolio import MarginBook, margin_book
from keeper.testing.random_book import random_book
from keeper.units import IntArray

LEGS_EACH: Final = 10
QUANTILES: Final = (5, 50, 95)


@dataclass(frozen=True, slots=True)
class Shares:
    """Of the accounts that are measured and have an initial margin beside its add-ons.

    `all` has the quantiles of all add-ons over the rest, `medians` that of each by name, as
    fractions; `exceeding` counts accounts whose IM is above SM_im, `exceeding_without` those whose
    IM would be without add-ons.
    """

    accounts: int
    all: tuple[float, ...]
    medians: dict[str, float]
    exceeding: int
    exceeding_without: int


def shares(found: MarginBook) -> Shares:
    """Return what the add-ons of these accounts are to the rest of their initial margin."""
    rest = found.initial_usd6 - found.initial_add_ons_usd6
    kept = found.measured & (rest > 0)
    parts = found.initial_parts
    by_name: dict[str, IntArray] = {
        field.name.removesuffix("_usd6"): getattr(parts, field.name) for field in fields(parts)
    }
    of_all = found.initial_add_ons_usd6[kept] / rest[kept]
    return Shares(
        accounts=int(kept.sum()),
        all=tuple(np.percentile(of_all, QUANTILES).tolist()),
        medians={
            name: float(np.median(column[kept] / rest[kept])) for name, column in by_name.items()
        },
        exceeding=int((found.initial_usd6 > found.standard_initial_usd6)[kept].sum()),
        exceeding_without=int((rest > found.standard_initial_usd6)[kept].sum()),
    )


def report(found: Shares) -> str:
    """Return the figures as text."""
    spread = ", ".join(f"{share:.1%}" for share in found.all)
    medians = ", ".join(f"{name} {share:.1%}" for name, share in found.medians.items())
    return "\n".join(
        [
            f"{found.accounts:,} accounts: add-ons over the rest of IM, p{QUANTILES}: {spread}",
            f"medians: {medians}",
            f"IM above SM_im: {found.exceeding / found.accounts:.1%}, without add-ons "
            f"{found.exceeding_without / found.accounts:.1%}",
        ]
    )


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--accounts", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    accounts: int = arguments.accounts
    try:
        model = load_model(None)
        drawn = random_book(model, accounts, LEGS_EACH * accounts, arguments.seed)
    except KeeperError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    print(report(shares(margin_book(drawn, model))))


if __name__ == "__main__":
    main()
