"""Polynomial coefficients of the pricing kernels.

All were fitted with mpmath at 60 digits: Chebyshev interpolation at 200 nodes on the stated
interval, truncated where the tail falls below 2**-56 of the function, turned into powers, and
rounded to `float64`. Ascending powers.
"""

from __future__ import annotations

from typing import Final

# exp(r) = 1 + r + r^2 P(r) for |r| <= ln(2) / 2.
EXP: Final = (
    0.5,
    0.1666666666666667,
    0.04166666666666668,
    0.008333333333326134,
    0.0013888888888879073,
    0.00019841269874822307,
    2.4801587336443602e-05,
    2.755725539833871e-06,
    2.7557263277791584e-07,
    2.5105217695684516e-08,
    2.091813816945801e-09,
)

# log((1 + s) / (1 - s)) = 2 s + s z P(z) with z = s^2, for arguments in [sqrt(1/2), sqrt(2)].
LOG: Final = (
    0.6666666666666666,
    0.3999999999999999,
    0.2857142857143539,
    0.22222222219849364,
    0.1818181859492588,
    0.153845750390277,
    0.1333564246867111,
    0.11688043125502931,
    0.11882690337990463,
)

# N(-y) exp(y^2 / 2) (y + TAIL_SHIFT) = P(t), t = (y - TAIL_SHIFT) / (y + TAIL_SHIFT), all y >= 0.
TAIL_SHIFT: Final = 4.5
TAIL: Final = (
    0.7632305289702032,
    -0.640257760252617,
    0.4464525170556733,
    -0.25314179995097763,
    0.11138259657043223,
    -0.033871326176835526,
    0.004223613376799499,
    0.0017488305627041748,
    -0.0009177464773392665,
    6.381197226054053e-06,
    0.00011204260719234317,
    -1.59333285399823e-05,
    -1.4235712366953309e-05,
    3.1910148583074327e-06,
    2.1426759815345903e-06,
    -5.019476234495332e-07,
    -3.792607211317552e-07,
    6.404329689210111e-08,
    7.060212948155957e-08,
    -4.761199236527369e-09,
    -1.125129305154403e-08,
    -2.9764035127336083e-10,
    1.0440252587598502e-09,
    9.80640724165263e-11,
)

# ln(2) in two parts: the product of the first with any exponent is exact (fdlibm, e_log.c).
LN2_HIGH: Final = 6.93147180369123816490e-01
LN2_LOW: Final = 1.90821492927058770002e-10
LOG2_E: Final = 1.44269504088896338700
INV_SQRT_2PI: Final = 0.3989422804014326779

# N(-37) is 1e-299: beyond it a probability is 0 or 1. Clamping d1 and d2 keeps infinities out of
# the polynomial and subnormals, which some settings flush to zero, out of the results.
FARTHEST: Final = 37.0

# 1.5 * 2**52: adding it rounds a float to an integer that then stands in the low bits of the sum.
ROUNDER: Final = 6755399441055744.0
ROUNDER_BITS: Final = 0x4338000000000000
