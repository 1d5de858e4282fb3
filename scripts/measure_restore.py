"""What a restoration costs and takes, on random accounts: the figures of docs/restore.md, Measured.

    python -m scripts.measure_restore [--accounts N] [--seed S] [--legs L] [--listings M]

Each account is that of `keeper book` with a seed of its own, its equity set to 80 % of its initial
margin. Without --legs they have 4 to 32, in turn. Timings are of this machine.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from keeper.cli.model_file import load_model
from keeper.errors import CannotRestore, KeeperError
from keeper.liquidation.aim import Aim
from keeper.liquidation.objectives import Health
from keeper.liquidation.programme import Programme
from keeper.liquidation.restoration import Problem
from keeper.liquidation.restore import Restoration, restore
from keeper.liquidation.rules import alternatives
from keeper.liquidation.tangents import tangent
from keeper.liquidation.terms import Cut, Terms
from keeper.liquidation.whole_lots import rounded
from keeper.margin.portfolio import margin_book
from keeper.margin.scenarios import Model
from keeper.state.snapshot import Snapshot
from keeper.testing.random_book import random_book
from keeper.units import BPS, USD6

LEGS: Final = (4, 32)
EQUITY_PERCENT: Final = 80  # of initial margin
ROUNDS: Final = 8
QUANTILES: Final = (5, 25, 50, 75, 95, 100)


@dataclass(frozen=True, slots=True)
class Case:
    """One account's plan; `optimum_usd` is that of the relaxed programme, `pro_rata_usd` None where
    no pro-rata close suffices. Seconds are of the clock and of the processor.
    """

    cost_usd: float
    optimum_usd: float
    pro_rata_usd: float | None
    trades: int
    seconds: float
    cpu_seconds: float


def cases(
    model: Model, accounts: int, seed: int, legs: int | None, listings: int
) -> Iterator[Case | None]:
    """Yield what came out for each account, None where no trades restore it.

    Raises InputError as `random_book`.
    """
    least, most = LEGS
    for number in range(accounts):
        held = least + number % (most - least + 1) if legs is None else legs
        snapshot = below_margin(random_book(model, 1, held, seed + number, listings), model)
        start, cpu = time.perf_counter(), time.process_time()
        try:
            found = restore(snapshot, model, snapshot.accounts.account[0].tobytes(), Health())
        except CannotRestore:
            yield None
            continue
        yield _case(found, time.perf_counter() - start, time.process_time() - cpu)


def below_margin(snapshot: Snapshot, model: Model) -> Snapshot:
    """Return the account with the equity that it is to be restored from."""
    book = margin_book(snapshot, model)
    required = min(int(book.initial_usd6[0]), int(book.standard_initial_usd6[0]))
    missing = required * EQUITY_PERCENT // 100 - int(book.equity_usd6[0])
    accounts = replace(snapshot.accounts, cash_usd6=snapshot.accounts.cash_usd6 + missing)
    return replace(snapshot, accounts=accounts)


def _case(found: Restoration, seconds: float, cpu_seconds: float) -> Case:
    return Case(
        cost_usd=found.plan.cost_usd6 / USD6,
        optimum_usd=optimum_usd(found.problem),
        pro_rata_usd=None if found.pro_rata is None else found.pro_rata.cost_usd6 / USD6,
        trades=int(np.count_nonzero(found.plan.trades)),
        seconds=seconds,
        cpu_seconds=cpu_seconds,
    )


def optimum_usd(problem: Problem) -> float:
    """Return the least cost in fractions of lots, each rule with the tangents that it is taught;
    infinite where no rule can be kept.
    """
    return min(_relaxed_usd(problem, known) for _, known in alternatives(problem))


def _relaxed_usd(problem: Problem, known: Terms) -> float:
    equity = (problem.before.equity_usd6 - problem.least_surplus_usd6) / USD6
    buffer = problem.requirement.buffer_bps / BPS
    aim = Aim(1.0, required=0.0, lacking=0.0, equity=equity, may_lack=False, buffer=buffer)
    cuts: tuple[Cut, ...] = ()
    cost = float("inf")
    for _ in range(ROUNDS):
        programme = Programme(known, aim, cuts)
        relaxed = programme.relaxed()
        if relaxed is None:
            return float("inf")
        cost = relaxed.objective
        lots = np.zeros((1, len(problem.trials.held)), dtype=np.int64)
        lots[0, problem.listings] = rounded(relaxed.trades)
        cut = tangent(problem, programme, problem.plans(lots)[0])
        if cut is None:
            return cost
        cuts = (*cuts, cut)
    return cost


def report(found: Sequence[Case | None]) -> str:
    """Return the table."""
    done = [case for case in found if case is not None]
    lines = [f"{len(found)} accounts, {len(found) - len(done)} of them beyond restoring"]
    if not done:
        return lines[0]
    over = [case.pro_rata_usd / case.cost_usd for case in done if case.pro_rata_usd is not None]
    rows = {
        f"pro rata over plan ({len(over)} accounts)": over,
        "plan over relaxed optimum, less 1": [c.cost_usd / c.optimum_usd - 1.0 for c in done],
        "CPU seconds": [case.cpu_seconds for case in done],
        "seconds": [case.seconds for case in done],
        "trades": [float(case.trades) for case in done],
    }
    lines.append(f"{'':36}" + "".join(f"{f'p{quantile}':>9}" for quantile in QUANTILES))
    lines += [
        f"{name:36}" + "".join(f"{value:9.3f}" for value in np.percentile(values, QUANTILES))
        for name, values in rows.items()
        if values
    ]
    return "\n".join(lines)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--accounts", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1_000, help="of the first account")
    parser.add_argument("--legs", type=int, help="of every account")
    parser.add_argument("--listings", type=int, default=300)
    arguments = parser.parse_args()
    try:
        model = load_model(None)
        rows = cases(model, arguments.accounts, arguments.seed, arguments.legs, arguments.listings)
        print(report(list(rows)))
    except KeeperError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
