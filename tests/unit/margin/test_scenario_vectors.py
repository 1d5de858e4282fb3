"""Scenario results against tests/vectors/scenarios.json, which forge holds the contracts to."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path

import numpy as np

from keeper.margin.risk_arrays import risk_arrays
from keeper.margin.scenarios import Scenario
from keeper.state.instruments import Instrument
from keeper.state.snapshot import AccrualRow, ForwardRow, ListingRow
from tests.books import MODEL, UNDERLYINGS, exchange

VECTORS = json.loads(
    (Path(__file__).parents[2] / "vectors" / "scenarios.json").read_text(encoding="utf-8")
)


def extra_rows():
    columns = {f.name: VECTORS[f"extra_{f.name}"] for f in fields(Scenario)}
    return [
        Scenario(**{n: v if n == "name" or type(v) is bool else int(v) for n, v in row.items()})
        for row in (
            dict(zip(columns, values, strict=True))
            for values in zip(*columns.values(), strict=True)
        )
    ]


def accruals():
    columns = [VECTORS[f"accrued_{name}"] for name in ("underlying", "expiry", "until", "sum_e8")]
    return [AccrualRow(*map(int, row)) for row in zip(*columns, strict=True)]


def test_risk_arrays__scenario_vectors__equal_per_lot():
    model = replace(MODEL, scenarios=(*MODEL.scenarios, *extra_rows()))
    instruments = [int(i) for i in VECTORS["instrument"]]
    smile = [int(VECTORS[n]) for n in ("a", "b", "rho", "m", "sigma")]
    now, ratio = int(VECTORS["now"]), int(VECTORS["ratio_wad"])
    terms = sorted({(i.underlying, i.expiry) for i in map(Instrument.unpack, instruments)})
    arrays = risk_arrays(
        exchange(
            underlyings=[
                replace(row, spot_e8=int(spot))
                for row, spot in zip(UNDERLYINGS, VECTORS["spot_e8"], strict=True)
            ],
            forwards=[ForwardRow(u, e, ratio, *smile, 10**15, now) for u, e in terms],
            listings=[ListingRow(i, 0, 0) for i in instruments],
            accruals=accruals(),
            model=model,
            now=now,
        ),
        model,
    )
    rank = np.argsort(np.argsort(np.array(instruments, dtype=object)))
    expected = np.array([[int(cell) for cell in row] for row in VECTORS["pnl_usd6"]]).T
    off = arrays.pnl[rank] * int(VECTORS["lots"]) - expected
    # Half a micro-dollar a lot, for both round to nearest.
    assert np.abs(off).max() <= int(VECTORS["lots"]) // 2 + 1
    assert np.abs(expected).max() > 10**12
