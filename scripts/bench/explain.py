"""One account explained: every component, leg, scenario and Greek, and its liquidation prices."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from keeper.chain.model_file import read_model
from keeper.testing.random_book import random_book
from scripts.bench import engine
from scripts.bench.inputs import MAX_LEGS, MODEL_FILE
from scripts.bench.measure import Mismatch, Stopwatch, progress
from scripts.bench.report import Figure, Target
from scripts.bench.sizes import Sizes

_MOST_SECONDS: Final = 0.05
_OURS: Final = "ours"
_SEED: Final = 1
_LISTINGS: Final = 200


def run(sizes: Sizes) -> list[Figure]:
    """Return the line of one account with all the legs it may have, near its liquidation.

    Its cash is such that equity is a tenth above the requirement: then prices are found, and
    narrowed to a tick, along both underlyings.
    """
    progress("one account explained")
    model = read_model(MODEL_FILE)
    snapshot = random_book(model, 1, MAX_LEGS, _SEED, _LISTINGS)
    account = snapshot.accounts.account[0].tobytes()
    shown = engine.explained(snapshot, model, account)
    if shown.requirement_usd6 is None or shown.headroom_usd6 is None:
        raise Mismatch(f"the account to explain has no figures: {'; '.join(shown.problems)}")
    spare = shown.headroom_usd6 - shown.requirement_usd6 // 10
    poorer = replace(snapshot.accounts, cash_usd6=snapshot.accounts.cash_usd6 - np.array([spare]))
    near = replace(snapshot, accounts=poorer)
    prices = engine.explained(near, model, account).liquidation
    found = sum(side is not None for price in prices for side in (price.below_e8, price.above_e8))
    rounds = Stopwatch(max(sizes.rounds, 3), sizes.patience_seconds).race(
        {_OURS: lambda: engine.explained(near, model, account)}
    )
    case = (
        f"one account explained, {len(shown.legs)} legs × {len(model.scenarios)} scenarios, "
        f"{found} liquidation prices to the tick"
    )
    return [Figure("explain", case, "s", rounds.time(_OURS), target=Target(_MOST_SECONDS))]
