"""Estimates from price history, offline: volatilities, correlations and their repair.

What they are for stands in docs/calibration.md. They use scipy, LAPACK and libm, whose bits differ
between machines: nothing that is attested or replayed may import this package. A number that is
wanted there is published first, as a constant of the model or as chain state.
"""
