"""One account's restoration as data: what may be traded, what counts, and the cells of each lot."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from keeper.errors import InputError
from keeper.liquidation.costs import CostModel, ladders
from keeper.liquidation.deltas import deltas_per_lot
from keeper.liquidation.objectives import (
    DeltaTarget,
    Health,
    LeastMargin,
    Objective,
    Requirement,
    Restrictions,
)
from keeper.liquidation.trials import Figures, Trials
from keeper.margin.add_on_cells import AddOnsPerLot, add_ons_per_lot
from keeper.margin.collateral import settlement_price_e8
from keeper.margin.market import ListingMarket, listing_market
from keeper.margin.risk_arrays import RiskArrays, price_listings
from keeper.margin.scenarios import Factors, Model
from keeper.margin.standard import StandardPerLot, standard_per_lot
from keeper.state.instruments import Kind
from keeper.state.snapshot import Snapshot
from keeper.units import BoolArray, FloatArray, IntArray

DELTA_TOLERANCE_LOTS = 1.0


@dataclass(frozen=True, slots=True)
class Plan:
    """Trades int64 [L] that were judged, what they cost, and the account and its deltas after."""

    trades: IntArray
    cost_usd6: int
    after: Figures
    after_delta: dict[int, float]


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """All that finding a plan takes. `delta` is [L] lots of delta a lot; most_* are lots [L]."""

    snapshot: Snapshot
    factors: Factors
    market: ListingMarket
    arrays: RiskArrays
    per_lot: StandardPerLot
    add_ons: AddOnsPerLot
    trials: Trials
    objective: Objective
    requirement: Requirement
    restrictions: Restrictions
    most_bought: IntArray
    most_sold: IntArray
    delta: FloatArray
    before: Figures

    @classmethod
    def of(
        cls,
        snapshot: Snapshot,
        model: Model,
        account: bytes,
        objective: Objective,
        restrictions: Restrictions,
        costs: CostModel,
    ) -> Problem:
        """Raises InputError for an account that is missing or cannot be measured, for an unknown
        underlying and for an instrument that is not listed."""
        market = listing_market(snapshot)
        arrays = price_listings(market, model)
        depth = ladders(market, arrays.marks, snapshot.listings.open_interest, costs)
        trials = Trials.of(snapshot, model, account, market, arrays, depth)
        before = trials.judge(np.zeros((1, len(trials.held)), dtype=np.int64))[0]
        if not before.measured:
            raise InputError(
                f"account 0x{account.hex()} cannot be measured: a leg has no price, or a cap is "
                "exceeded, so no trade can be judged"
            )
        if isinstance(objective, DeltaTarget):
            _require_underlying(snapshot, objective.underlying)
        tradable = _tradable(snapshot, market, arrays, restrictions)
        most_bought, most_sold = _limits(trials.held, tradable, restrictions)
        return cls(
            snapshot=snapshot,
            factors=model.factors,
            market=market,
            arrays=arrays,
            per_lot=standard_per_lot(market, arrays, model),
            add_ons=add_ons_per_lot(market, model.add_ons, settlement_price_e8(snapshot.tokens)),
            trials=trials,
            objective=objective,
            requirement=Requirement.of(objective),
            restrictions=restrictions,
            most_bought=most_bought,
            most_sold=most_sold,
            delta=deltas_per_lot(market) / (market.lot_wad / 1e18),
            before=before,
        )

    @property
    def listings(self) -> IntArray:
        """Rows of the listings that may be traded or are held, ascending."""
        return np.flatnonzero(
            (self.most_bought > 0) | (self.most_sold > 0) | (self.trials.held != 0)
        )

    @property
    def most_legs(self) -> int:
        """Legs that the book may have after: as allowed, or as many as it has."""
        return max(self.restrictions.max_legs, int(np.count_nonzero(self.trials.held)))

    @property
    def least_surplus_usd6(self) -> int:
        """What has to remain: nothing for health; else health, or no less than there was."""
        surplus = self.requirement.surplus_usd6(self.before)
        return 0 if isinstance(self.objective, Health) else min(0, surplus)

    def plans(self, trades: IntArray) -> list[Plan]:
        """Judge each of the trades [B, L]."""
        costs = self.trials.cost_usd6(trades).tolist()
        figures = self.trials.judge(trades)
        return [
            Plan(row, cost, after, self.deltas(row))
            for row, cost, after in zip(trades, costs, figures, strict=True)
        ]

    def deltas(self, trades: IntArray) -> dict[int, float]:
        """Return net delta in lots by underlying after the trades [L]."""
        lots = (self.trials.held + trades) * self.delta
        return {
            int(underlying): float(lots[self.market.underlying == underlying].sum())
            for underlying in self.snapshot.underlyings.underlying.tolist()
        }

    def lacking_usd6(self, plan: Plan) -> int:
        """Return how far a plan falls short of the surplus that has to remain; 0 if it does not."""
        return max(self.least_surplus_usd6 - self.requirement.surplus_usd6(plan.after), 0)

    def is_met(self, plan: Plan) -> bool:
        """Whether the engine's figures after the plan, and its trades, are as asked for."""
        lots = self.trials.held + plan.trades
        within = (
            plan.after.measured
            and (plan.trades <= self.most_bought).all()
            and (-plan.trades <= self.most_sold).all()
            and np.count_nonzero(lots) <= self.most_legs
        )
        if not within or self.lacking_usd6(plan):
            return False
        if isinstance(self.objective, DeltaTarget):
            off = plan.after_delta[self.objective.underlying] - self.objective.lots
            return abs(off) <= DELTA_TOLERANCE_LOTS
        if isinstance(self.objective, LeastMargin):
            return plan.cost_usd6 <= self.objective.budget_usd6
        return True

    def score(self, plan: Plan) -> tuple[int, int]:
        """Return what to minimise: margin, then cost, or cost alone."""
        if isinstance(self.objective, LeastMargin):
            return self.requirement.required_usd6(plan.after), plan.cost_usd6
        return plan.cost_usd6, int(np.abs(plan.trades).sum())


def _require_underlying(snapshot: Snapshot, underlying: int) -> None:
    known = snapshot.underlyings.underlying.tolist()
    if underlying not in known:
        raise InputError(f"underlying {underlying} is not in the snapshot: choose from {known}")


def _tradable(
    snapshot: Snapshot, market: ListingMarket, arrays: RiskArrays, restrictions: Restrictions
) -> BoolArray:
    """Return where the clearinghouse takes an order [L]: no spot, nothing expired or at fault."""
    expired = (market.kind >= Kind.FUTURE) & (market.seconds == 0)
    tradable = arrays.priced & ~arrays.fault & ~expired & (market.kind != Kind.SPOT)
    if restrictions.only is None:
        return tradable
    ids = [high << 64 | low for high, low in snapshot.listings.instrument.tolist()]
    if unknown := sorted(restrictions.only - set(ids)):
        raise InputError(
            f"instruments {[hex(i) for i in unknown]} are not listed: name listed ones"
        )
    return tradable & np.array([i in restrictions.only for i in ids], dtype=np.bool_)


def _limits(
    held: IntArray, tradable: BoolArray, restrictions: Restrictions
) -> tuple[IntArray, IntArray]:
    """Return the lots of each listing that may be bought and sold [L]."""
    most = np.where(tradable, restrictions.max_lots, 0)
    if restrictions.reduce_only:
        return np.minimum(most, np.maximum(-held, 0)), np.minimum(most, np.maximum(held, 0))
    cap = Restrictions().max_lots
    return np.clip(cap - held, 0, most), np.clip(cap + held, 0, most)
