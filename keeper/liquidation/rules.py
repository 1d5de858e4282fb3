"""From the engine's cells to a programme's terms: docs/restore.md, Formulation.

The requirement is the smaller of scenario and standard margin, both convex: whoever keeps one of
the two rules keeps it.
"""

from __future__ import annotations

from enum import Enum

import numpy as np

from keeper.liquidation.objectives import DeltaTarget
from keeper.liquidation.restoration import Problem
from keeper.liquidation.terms import MarginTerms, Terms
from keeper.state.accounts import Mode
from keeper.units import BPS, USD6, FloatArray, IntArray


class Rule(Enum):
    """Which of the convex rules, whose union is the requirement, a programme keeps."""

    SCENARIO = 0
    STANDARD = 1


def rules(problem: Problem) -> tuple[Rule, ...]:
    """Return the rules of which one has to be kept; at a fault new risk asks standard margin."""
    is_isolated = problem.trials.mode is Mode.ISOLATED
    if is_isolated or (problem.before.fault and problem.requirement.is_initial):
        return (Rule.STANDARD,)
    return tuple(Rule)


def alternatives(problem: Problem) -> list[tuple[Rule, Terms]]:
    """Return the terms of which one has to be kept."""
    return [(rule, terms(problem, rule)) for rule in rules(problem)]


def terms(problem: Problem, rule: Rule) -> Terms:
    """Return what a programme of `problem.listings` [n] knows under a rule."""
    rows, trials = problem.listings, problem.trials
    is_standard = rule is Rule.STANDARD
    margin = _standard(problem, rows) if is_standard else _scenario(problem, rows)
    depth = trials.ladders.of(rows)
    in_aim = np.ones(len(rows))
    if isinstance(problem.objective, DeltaTarget):
        in_aim = (problem.market.underlying[rows] == problem.objective.underlying).astype(float)
    return Terms(
        margin=margin,
        risk=np.abs(problem.arrays.pnl[rows]).max(axis=1, initial=0) / USD6,
        held=trials.held[rows].astype(np.float64),
        most_bought=problem.most_bought[rows].astype(np.float64),
        most_sold=problem.most_sold[rows].astype(np.float64),
        size=depth.size.astype(np.float64),
        buy_cost=depth.buy_usd6 / USD6,
        sell_cost=depth.sell_usd6 / USD6,
        delta=problem.delta[rows] * in_aim,
    )


def _standard(problem: Problem, rows: IntArray) -> MarginTerms:
    """Return those of standard margin: no scenario, and no add-on but the short-option minimum."""
    cells, nothing = problem.per_lot, np.zeros(len(rows))
    scale = problem.factors.initial_bps / BPS if problem.requirement.is_initial else 1.0
    long, short = cells.long[rows] / USD6, cells.short[rows] / USD6
    return MarginTerms(
        loss=np.zeros((len(rows), 0)),
        pool=np.zeros(len(rows), dtype=np.int64),
        charge_long=nothing,
        charge_short=nothing,
        margin_long=np.where(cells.is_option[rows], long, scale * long),
        margin_short=scale * short + cells.short_add_on[rows] / USD6,
        netted=np.zeros((len(rows), 0)),
        term=problem.add_ons.term[rows],
    )


def _scenario(problem: Problem, rows: IntArray) -> MarginTerms:
    """Return those of MM or IM."""
    cells, factors = problem.per_lot, problem.factors
    is_initial = problem.requirement.is_initial
    loss_bps = factors.initial_bps if is_initial else factors.maintenance_bps
    charge_factor = factors.initial_bps / BPS if is_initial else 1.0
    of_gross = factors.minimum_charge_bps / BPS * cells.gross[rows]
    charge_long, charge_short = (
        np.minimum(of_gross, factors.minimum_charge_standard_bps / BPS * side[rows])
        * (charge_factor / USD6)
        for side in (cells.long, cells.short)
    )
    on_long, on_short, netted = _add_ons(problem, rows)
    return MarginTerms(
        loss=problem.arrays.pnl[rows] / USD6 * (-loss_bps / BPS),
        pool=np.where(problem.trials.mode is Mode.CROSS, problem.market.underlying[rows], 0),
        charge_long=charge_long,
        charge_short=charge_short,
        margin_long=on_long,
        margin_short=on_short + cells.short_add_on[rows] / USD6,
        netted=netted,
        term=problem.add_ons.term[rows],
    )


def _add_ons(problem: Problem, rows: IntArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return what initial margin adds for a long lot and a short one [n], and netted [n, N]."""
    cells = problem.add_ons
    if not problem.requirement.is_initial:
        return np.zeros(len(rows)), np.zeros(len(rows)), np.zeros((len(rows), 0))
    # A micro-dollar a lot stands for the rounded risk arrays (portfolio.initial).
    either = cells.either_side_usd6()[rows] + 1
    netted = np.stack([cells.basis_usd6[rows], cells.vega_usd6[rows]], axis=1)
    return either / USD6, (either + cells.pin_usd6[rows]) / USD6, netted / USD6
