"""The loops over listings, legs and scenarios; see `cells` and `losses` for what they compute.

Serial, and without the interpreter lock: callers split the work between threads.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from keeper.margin.cells import CELL_LIMIT, SHIFT_LIMIT
from keeper.pricing.coefficients import ROUNDER, ROUNDER_BITS
from keeper.pricing.jit import kernel, part, scalar
from keeper.pricing.scalars import exp1, price1, standardised1
from keeper.units import BoolArray, FloatArray, IntArray

_ROUNDER_WORD = np.int64(ROUNDER_BITS)


@scalar
def _to_integer(x: float) -> int:
    """Return `x` to nearest, half to even: 1.5 * 2**52 more, it stands in the low bits."""
    x = CELL_LIMIT if x > CELL_LIMIT else x
    x = -CELL_LIMIT if x < -CELL_LIMIT else x
    return np.float64(x + ROUNDER).view(np.int64) - _ROUNDER_WORD  # pyright: ignore[reportReturnType]


@kernel
def scenario_cells(
    reference: FloatArray,
    fixed: FloatArray,
    strike: FloatArray,
    vol: FloatArray,
    moneyness: FloatArray,
    mark: FloatArray,
    micro_per_lot: FloatArray,
    is_option: BoolArray,
    is_call: BoolArray,
    settled: BoolArray,
    term: IntArray,
    move: FloatArray,
    root_years: FloatArray,
    shift: FloatArray,
    skew: FloatArray,
    curvature: FloatArray,
    weight: FloatArray,
    pnl: IntArray,
) -> None:
    """Write `pnl` int64 [L, S], micro-dollars a long lot.

    Columns of listings are [L], those of terms [G, S], `weight` is [S]; see `shocks.Shocks`.
    `root_years` is the square root of its years. Why two loops price a row: `pricing.compiled`.
    """
    moved, deviation, ratio = np.empty(weight.size), np.empty(weight.size), np.empty(weight.size)
    d1, d2 = np.empty(weight.size), np.empty(weight.size)
    for n in range(reference.size):
        g = term[n]
        f, k, v, z, now, micro = (
            reference[n], strike[n], vol[n], moneyness[n], mark[n], micro_per_lot[n],
        )  # fmt: skip
        still = fixed[n]
        moving = f - still
        size = abs(z)
        call = is_call[n]
        if settled[n]:
            for s in range(weight.size):
                pnl[n, s] = 0
        elif is_option[n]:
            for s in range(weight.size):
                tilt = skew[g, s] * z + curvature[g, s] * size
                total = shift[g, s] + tilt
                total = -SHIFT_LIMIT if total < -SHIFT_LIMIT else total
                total = SHIFT_LIMIT if total > SHIFT_LIMIT else total
                moved[s] = still + moving * (1.0 + move[g, s])
                deviation[s] = v * exp1(total) * root_years[g, s]
                d1[s], d2[s], ratio[s] = standardised1(moved[s], k, deviation[s])
            for s in range(weight.size):
                value = price1(moved[s], k, call, deviation[s], d1[s], d2[s], ratio[s])
                pnl[n, s] = _to_integer(weight[s] * (value - now) * micro)
        else:
            for s in range(weight.size):
                value = still + moving * (1.0 + move[g, s])
                pnl[n, s] = _to_integer(weight[s] * (value - now) * micro)


@kernel
def worst_losses(
    pnl: NDArray[np.signedinteger[Any]],
    listing: NDArray[np.integer[Any]],
    lots: NDArray[np.signedinteger[Any]],
    starts: IntArray,
    loss: IntArray,
    scenario: NDArray[np.uint16],
) -> None:
    """Write the largest loss above zero of each account, and its first scenario."""
    row = np.empty(pnl.shape[1], np.int64)
    for account in range(starts.size):
        end = starts[account + 1] if account + 1 < starts.size else lots.size
        _losses_of(pnl, listing, lots, starts[account], end, row)
        worst = np.int64(0)
        for s in range(row.size):
            worst = max(worst, row[s])
        first = 0
        if worst > 0:
            while row[first] != worst:
                first += 1
        loss[account] = worst
        scenario[account] = first


@kernel
def tail_sums(
    pnl: NDArray[np.signedinteger[Any]],
    listing: NDArray[np.integer[Any]],
    lots: NDArray[np.signedinteger[Any]],
    starts: IntArray,
    ends: IntArray,
    whole: IntArray,
    edge: IntArray,
    high: IntArray,
    low: IntArray,
) -> None:
    """Write the (whole + 1)-th largest loss of each window and account, and the sums of the larger
    ones in two parts; see `tail`. Windows end before the columns `ends`; outputs are [W, A].
    """
    row = np.empty(pnl.shape[1], np.int64)
    tops, reaching = np.empty_like(row), np.empty(row.size + 1, np.int64)
    found = np.empty_like(reaching)
    for account in range(starts.size):
        last = starts[account + 1] if account + 1 < starts.size else lots.size
        _losses_of(pnl, listing, lots, starts[account], last, row)
        begin = 0
        for w in range(ends.size):
            size = _candidates(row[begin : ends[w]], whole[w] + 1, tops, reaching, found)
            begin = ends[w]
            bound = _reached(found, size, whole[w] + 1, 0)
            least = np.int64(2**62)
            for n in range(size):
                x = found[n]
                least = x if (x >= bound) & (x < least) else least
            larger, highs, lows = 0, np.int64(0), np.int64(0)
            for n in range(size):
                x = found[n] if found[n] > least else 0
                larger += found[n] > least
                highs += x >> 31
                lows += x & 0x7FFFFFFF
            again = whole[w] - larger  # of the losses that are as large as the edge
            edge[w, account] = least
            high[w, account] = highs + again * (least >> 31)
            low[w, account] = lows + again * (least & 0x7FFFFFFF)


@kernel
def add_on_sums(
    listing: NDArray[np.integer[Any]],
    lots: NDArray[np.signedinteger[Any]],
    starts: IntArray,
    term: IntArray,
    cells: IntArray,
    sums: IntArray,
) -> None:
    """Write each account's add-ons, `sums` [A, 6], of the `cells` [L, 6] of a lot; see `add_ons`.

    Their order is that of `AddOns`. Basis and vega net within a `term` [L].
    """
    for account in range(starts.size):
        end = starts[account + 1] if account + 1 < starts.size else lots.size
        concentration, basis, vega = np.int64(0), np.int64(0), np.int64(0)
        confidence, depeg, pin = np.int64(0), np.int64(0), np.int64(0)
        term_basis, term_vega = np.int64(0), np.int64(0)
        for leg in range(starts[account], end):
            at, n = listing[leg], np.int64(lots[leg])
            if leg > starts[account] and term[at] != term[listing[leg - 1]]:
                basis, vega = basis + abs(term_basis), vega + abs(term_vega)
                term_basis, term_vega = np.int64(0), np.int64(0)
            cell = cells[at]
            concentration += abs(n) * cell[0]
            term_basis += n * cell[1]
            term_vega += n * cell[2]
            confidence += abs(n) * cell[3]
            depeg += abs(n) * cell[4]
            pin += max(-n, 0) * cell[5]
        of_account = sums[account]
        of_account[0], of_account[3], of_account[4] = concentration, confidence, depeg
        of_account[1], of_account[2] = basis + abs(term_basis), vega + abs(term_vega)
        of_account[5] = pin


@part
def _candidates(
    row: IntArray, count: int, tops: IntArray, reaching: IntArray, found: IntArray
) -> int:
    """Write some numbers of `row`, the `count` largest among them, to `found`; return how many.

    A comb is eight numbers at equal distances, so that a vector takes the largest of many combs at
    a time, and nothing in it depends on the data. At least `count` numbers reach a bound that as
    many largest of combs reach, and only their combs are searched for them.
    """
    combs = row.size // 8
    if combs < 2 * count:
        found[: row.size] = row
        return row.size
    r0, r1, r2, r3 = row[:combs], row[combs:], row[2 * combs :], row[3 * combs :]
    r4, r5, r6, r7 = row[4 * combs :], row[5 * combs :], row[6 * combs :], row[7 * combs :]
    for comb in range(combs):
        left = max(max(r0[comb], r1[comb]), max(r2[comb], r3[comb]))
        right = max(max(r4[comb], r5[comb]), max(r6[comb], r7[comb]))
        tops[comb] = max(left, right)
    bound = _reached(tops, combs, count, count // 4)
    kept = 0
    for comb in range(combs):
        reaching[kept] = comb
        kept += np.int64(tops[comb] >= bound)
    size = np.int64(0)
    for n in range(kept):
        for tooth in range(8):
            x = row[reaching[n] + tooth * combs]
            found[size] = x
            size += np.int64(x >= bound)
    for s in range(8 * combs, row.size):
        found[size] = row[s]
        size += np.int64(row[s] >= bound)
    return size  # pyright: ignore[reportReturnType]


@part
def _reached(numbers: IntArray, size: int, count: int, slack: int) -> int:
    """Return a bound that at least `count` of the first `size` numbers reach, by bisection.

    At most `count + slack` do, or none but the number itself lies between it and the next integer.
    """
    low, high = numbers[0], numbers[0]
    for n in range(size):
        low, high = min(low, numbers[n]), max(high, numbers[n])
    high += 1
    reaching = size
    while reaching > count + slack and high - low > 1:
        middle = low + ((high - low) >> 1)
        above = 0
        for n in range(size):
            above += numbers[n] >= middle
        if above >= count:
            low, reaching = middle, above
        else:
            high = middle
    return low


@part
def _losses_of(
    pnl: NDArray[np.signedinteger[Any]],
    listing: NDArray[np.integer[Any]],
    lots: NDArray[np.signedinteger[Any]],
    leg: int,
    end: int,
    row: IntArray,
) -> None:
    """Write the losses of legs `leg` to `end` in every scenario to `row`.

    Four legs at a time, so that the row of losses passes the cache a quarter as often.
    """
    row[:] = 0
    while leg + 4 <= end:
        n0, n1 = np.int64(lots[leg]), np.int64(lots[leg + 1])
        n2, n3 = np.int64(lots[leg + 2]), np.int64(lots[leg + 3])
        p0, p1 = pnl[listing[leg]], pnl[listing[leg + 1]]
        p2, p3 = pnl[listing[leg + 2]], pnl[listing[leg + 3]]
        for s in range(row.size):
            row[s] -= (
                n0 * np.int64(p0[s])
                + n1 * np.int64(p1[s])
                + n2 * np.int64(p2[s])
                + n3 * np.int64(p3[s])
            )
        leg += 4
    while leg < end:
        n0, p0 = np.int64(lots[leg]), pnl[listing[leg]]
        for s in range(row.size):
            row[s] -= n0 * np.int64(p0[s])
        leg += 1
