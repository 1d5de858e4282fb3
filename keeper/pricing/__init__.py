"""Deterministic pricing kernels: the same bits on every IEEE-754 machine.

Only elementwise `+ - * / sqrt`, compares and integer views of `float64` occur here. libm's `exp`,
`log` and `erf`, powers, BLAS and float sums do not: their last bits differ between machines and
versions.
"""
