"""Where an SVI fit starts: on a grid of `m` and `sigma` the rest is linear.

Zeliade Systems (2009), "Quasi-explicit calibration of Gatheral's SVI model": with `m` and `sigma`
given, `v = a + c (k - m) + d sqrt((k - m)^2 + sigma^2)` is a linear least-squares problem in
`a`, `c = b rho` and `d = b`.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from keeper.pricing.svi_arbitrage import Smile
from keeper.units import FloatArray

_CENTRES: Final = np.linspace(-1.5, 1.5, 9)  # deviations
_WIDTHS: Final = np.array([0.05, 0.15, 0.3, 0.6, 1.0, 2.0, 4.0])
_STEEPEST: Final = 0.999  # |rho|
_FLATTEST: Final = 1e-6  # b


def starts(
    k: FloatArray, vol: FloatArray, weight: FloatArray, deviation: float, count: int
) -> list[Smile]:
    """Return the `count` best smiles of the grid for vols [N] at log-moneyness `k` [N].

    `deviation` is the vol at the money times the root of time, which scales the grid.
    """
    centre, width = (
        deviation * axis.ravel()[:, None] for axis in np.meshgrid(_CENTRES, _WIDTHS, indexing="ij")
    )
    distance = k - centre
    hypotenuse = np.sqrt(distance * distance + width * width)
    # Errors of variance over twice the vol are errors of vol.
    scale = weight / (2.0 * vol)
    columns = np.stack([np.broadcast_to(scale, distance.shape)] * 3, axis=-1) * np.stack(
        [np.ones_like(distance), distance, hypotenuse], axis=-1
    )
    wanted = scale * vol * vol
    normal = np.einsum("gni,gnj->gij", columns, columns)
    # Steadies what a grid point leaves undetermined, far below what quotes say.
    normal += 1e-12 * np.trace(normal, axis1=1, axis2=2)[:, None, None] * np.eye(3)
    right = np.einsum("gni,n->gi", columns, wanted)
    found = np.linalg.solve(normal, right[..., None])[..., 0]
    b = np.maximum(found[:, 2], _FLATTEST)
    c = np.clip(found[:, 1], -_STEEPEST * b, _STEEPEST * b)
    shape = columns[..., 1] * c[:, None] + columns[..., 2] * b[:, None]
    a = ((wanted - shape) * scale).sum(axis=1) / (scale * scale).sum()
    cost = ((a[:, None] * scale + shape - wanted) ** 2).sum(axis=1)
    return [
        Smile(float(a[n]), float(b[n]), float(c[n] / b[n]), float(centre[n, 0]), float(width[n, 0]))
        for n in np.argsort(cost, kind="stable")[:count]
    ]
