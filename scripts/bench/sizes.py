"""How much is measured: everything that a smoke test wants smaller."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sizes:
    """Sizes of all benchmarks; `growth_accounts` holds `legs_each` legs each."""

    options: int
    quantlib_options: int
    reference_options: int
    accounts: int
    legs_each: int
    listings: int
    scenarios: tuple[int, ...]
    account_calls: int
    tree_leaves: int
    growth_accounts: tuple[int, ...]
    restore_listings: int
    stream_doubles: int
    limit_passes: int
    rounds: int
    patience_seconds: float


FULL = Sizes(
    options=1_000_000,
    quantlib_options=20_000,
    reference_options=2_000,
    accounts=100_000,
    legs_each=10,
    listings=2_000,
    scenarios=(33, 100, 1_000),
    account_calls=200,
    tree_leaves=100_000,
    growth_accounts=(1_000, 10_000, 100_000, 1_000_000),
    restore_listings=300,
    stream_doubles=12_000_000,
    limit_passes=10_000,
    rounds=9,
    patience_seconds=10.0,
)

QUICK = Sizes(
    options=20_000,
    quantlib_options=500,
    reference_options=50,
    accounts=500,
    legs_each=10,
    listings=200,
    scenarios=(33,),
    account_calls=5,
    tree_leaves=500,
    growth_accounts=(100,),
    restore_listings=60,
    stream_doubles=600_000,
    limit_passes=1_000,
    rounds=3,
    patience_seconds=0.0,
)
